"""Root's rights: as root, through `sudo -n`, or with a password that is asked once and seen by nobody but sudo."""

import asyncio
from dataclasses import replace

import pytest

from leptontui.actions import privilege
from leptontui.actions.passwords import Passwords, Whose
from leptontui.actions.reach import Prepared
from leptontui.errors import CommandTimeout, GuardRefused
from leptontui.model.action import ActionName, ActionRequest, OutcomeKind
from leptontui.model.question import QuestionKind
from leptontui.model.target import HostTarget
from leptontui.transport.contract import Completed
from tests.unit.actions.actions_scene import UNIT, FakeAsker, FakeSudo, FakeSystemd, link_error
from tests.unit.actions.services_stage import Stage

RESTART = ActionRequest(ActionName.RESTART_UNIT, "h1", unit=UNIT)
SECRET = "correct horse"
WITH_PASSWORD = ("sudo", "-k", "-S", "-p", "", "systemctl", "restart", UNIT)


def stage_of(*answers: str | None, sudo: FakeSudo | None = None, can_ask: bool = True) -> Stage:
    target = HostTarget("h1", group="gpus", units=(UNIT,))
    stage = Stage(FakeSystemd(), target, asker=FakeAsker(*answers) if can_ask else None)
    stage.transport.sudo = sudo or FakeSudo()
    return stage


def asker_of(stage: Stage) -> FakeAsker:
    asker = stage.passwords._asker
    assert isinstance(asker, FakeAsker)
    return asker


async def run(stage: Stage) -> tuple[Prepared, OutcomeKind]:
    prepared = await stage.prepare(RESTART)
    await privilege.obtain(prepared)
    outcome = await stage.run(prepared)
    return prepared, outcome.kind


async def test_root_needs_no_sudo() -> None:
    stage = stage_of()
    stage.transport.answer = FakeSystemd(uid=0)
    prepared, kind = await run(stage)
    assert [step.argv for step in prepared.plan.steps] == [("systemctl", "restart", UNIT)]
    assert kind is OutcomeKind.VERIFIED
    assert asker_of(stage).asked == []


async def test_what_sudo_allows_without_a_password_asks_for_none() -> None:
    stage = stage_of(sudo=FakeSudo(without=(f"systemctl restart {UNIT}",)))
    prepared, kind = await run(stage)
    (step,) = prepared.plan.steps
    assert (step.argv, step.wants_password) == (("sudo", "-n", "systemctl", "restart", UNIT), False)
    assert kind is OutcomeKind.VERIFIED
    assert asker_of(stage).asked == []
    assert stage.transport.sudo.tried == []


async def test_a_password_is_told_in_the_plan_asked_once_proven_and_sent_over_stdin() -> None:
    stage = stage_of(SECRET)
    prepared = await stage.prepare(RESTART)
    (step,) = prepared.plan.steps
    assert (step.argv, step.wants_password) == (WITH_PASSWORD, True)
    assert prepared.plan.warnings == ("sudo on h1 asks for the password of oncall: you are asked once",)
    assert asker_of(stage).asked == []
    await privilege.obtain(prepared)
    (question,) = asker_of(stage).asked
    assert (question.kind, question.prompt) == (QuestionKind.PASSWORD, "sudo password of oncall on the hosts of gpus")
    assert (question.is_hidden, question.hosts) == (True, ("h1",))
    assert (await stage.run(prepared)).kind is OutcomeKind.VERIFIED
    assert [argv for argv, stdin in stage.transport.stdin if stdin] == [(*WITH_PASSWORD[:5], "-v"), WITH_PASSWORD]
    assert stage.transport.sudo.ran_as_root == [("systemctl", "restart", UNIT)]


async def test_the_next_action_asks_for_nothing_and_its_plan_does_not_say_so() -> None:
    stage = stage_of(SECRET)
    await run(stage)
    prepared, kind = await run(stage)
    assert prepared.plan.warnings == ()
    assert kind is OutcomeKind.VERIFIED
    assert len(asker_of(stage).asked) == 1
    assert stage.transport.sudo.tried == [SECRET] * 3  # one proof, two commands


async def test_the_password_is_in_no_vector_no_line_no_record_and_no_representation() -> None:
    stage = stage_of(SECRET)
    stage.transport.instead["-p  systemctl"] = Completed(1, f"you typed {SECRET}\n", f"{SECRET}?\n")
    prepared = await stage.prepare(RESTART)
    await privilege.obtain(prepared)
    outcome = await stage.run(prepared)
    everything = [stage.transport.ran, stage.told, stage.record, outcome, prepared.plan, stage.passwords.__dict__]
    assert SECRET not in repr(everything)
    assert "you typed ‹password›" in stage.told
    assert outcome.output.startswith("you typed ‹password›")


async def test_a_wrong_password_runs_nothing_and_is_asked_again() -> None:
    stage = stage_of("wrong", SECRET)
    _, kind = await run(stage)
    assert kind is OutcomeKind.VERIFIED
    assert [question.attempt for question in asker_of(stage).asked] == [1, 2]
    assert len({question.id for question in asker_of(stage).asked}) == 2
    assert stage.transport.sudo.tried == ["wrong", SECRET, SECRET]


async def test_after_three_wrong_answers_nothing_is_run() -> None:
    stage = stage_of("a", "b", "c", "d")
    prepared = await stage.prepare(RESTART)
    with pytest.raises(GuardRefused, match="3 wrong answers for the sudo password of oncall on the hosts of gpus"):
        await privilege.obtain(prepared)
    assert stage.transport.sudo.tried == ["a", "b", "c"]
    assert stage.transport.sudo.ran_as_root == []


@pytest.mark.parametrize("answer", [None, "", "\n"])
async def test_a_password_that_is_not_given_runs_nothing(answer: str | None) -> None:
    stage = stage_of(answer)
    prepared = await stage.prepare(RESTART)
    with pytest.raises(GuardRefused, match="was not given") as refused:
        await privilege.obtain(prepared)
    assert refused.value.rule == "no-password"
    assert stage.transport.sudo.tried == []


async def test_where_nobody_can_be_asked_the_plan_says_that_sudo_refuses() -> None:
    stage = stage_of(can_ask=False)
    prepared, kind = await run(stage)
    assert prepared.plan.warnings == ("sudo is likely to refuse it: sudo: a password is required",)
    assert prepared.plan.steps[0].argv[:2] == ("sudo", "-n")
    assert kind is OutcomeKind.FAILED


async def test_a_user_whom_sudo_lets_do_nothing_is_not_asked_thrice() -> None:
    stage = stage_of(SECRET, SECRET, SECRET)
    stage.transport.instead["-p  -v"] = Completed(1, "", "Sorry, user oncall may not run sudo on h1.\n")
    prepared = await stage.prepare(RESTART)
    with pytest.raises(GuardRefused, match="Sorry, user oncall may not run sudo on h1"):
        await privilege.obtain(prepared)
    assert len(asker_of(stage).asked) == 1


@pytest.mark.parametrize("error", [link_error("the link dropped"), CommandTimeout("no answer within 20 s")])
async def test_a_host_that_is_lost_while_the_password_is_tried_runs_nothing(error: Exception) -> None:
    stage = stage_of(SECRET)
    prepared = await stage.prepare(RESTART)
    stage.transport.instead["-p  -v"] = error
    with pytest.raises(GuardRefused, match="could not be tried on h1") as refused:
        await privilege.obtain(prepared)
    assert refused.value.rule == "no-answer"


async def test_a_command_that_sudo_lists_but_wants_a_password_for_is_run_with_one() -> None:
    stage = stage_of(SECRET, sudo=FakeSudo(lists=True))
    prepared, kind = await run(stage)
    assert prepared.plan.steps[0].argv == ("sudo", "-n", "systemctl", "restart", UNIT)
    assert kind is OutcomeKind.VERIFIED
    assert stage.transport.sudo.ran_as_root == [("systemctl", "restart", UNIT)]


async def test_the_state_is_looked_at_again_after_a_user_was_kept_waiting_for() -> None:
    stage = stage_of(SECRET, sudo=FakeSudo(lists=True))
    systemd = FakeSystemd()
    stage.transport.answer = systemd

    def restarted_by_hand(argv: tuple[str, ...]) -> None:
        if argv[-1] == "-v":
            systemd.starts += 1

    stage.transport.after = restarted_by_hand
    prepared = await stage.prepare(RESTART)
    outcome = await stage.run(prepared)
    assert outcome.kind is OutcomeKind.FAILED
    assert "was not run: vllm.service was restarted since the plan was made" in outcome.summary
    assert stage.transport.sudo.ran_as_root == []


async def test_on_this_machine_the_password_is_its_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "carol")
    stage = stage_of(SECRET)
    stage.transport.dialled = "this machine"
    _, kind = await run(stage)
    assert kind is OutcomeKind.VERIFIED
    assert asker_of(stage).asked[0].prompt == "sudo password of carol on h1"


async def test_a_question_with_roots_rights_never_asks_the_user() -> None:
    stage = stage_of(SECRET)
    reach = await stage.reach_of(stage.target)
    assert "a password is required" in (await privilege.ask_as_root(reach, "id", "-u")).stderr
    prepared = await stage.prepare(RESTART)
    await privilege.obtain(prepared)
    assert (await privilege.ask_as_root(reach, "id", "-u")).stdout == "1000\n"
    assert len(asker_of(stage).asked) == 1


async def test_a_password_that_changed_is_proven_anew_before_it_is_sent_again() -> None:
    stage = stage_of(SECRET, "new", "new")
    prepared = await stage.prepare(RESTART)
    await privilege.obtain(prepared)
    stage.transport.sudo.password = "new"
    assert (await stage.run(prepared)).kind is OutcomeKind.FAILED
    _, kind = await run(stage)
    assert kind is OutcomeKind.VERIFIED


# The keeping of passwords


async def test_one_password_serves_a_group_and_is_proven_on_each_host() -> None:
    asker, tried = FakeAsker(SECRET), []
    passwords = Passwords(asker)

    async def prove(password: str) -> bool:
        tried.append(password)
        return True

    for host in ("h1", "h2", "h1"):
        assert await passwords.obtain(Whose("oncall", "gpus", host), prove) == SECRET
    assert (len(asker.asked), tried) == (1, [SECRET, SECRET])


async def test_a_host_with_a_password_of_its_own_is_asked_for_alone() -> None:
    asker = FakeAsker("group's", "own")
    passwords = Passwords(asker)

    async def prove_here(password: str) -> bool:
        return password == "group's"

    async def prove_there(password: str) -> bool:
        return password == "own"

    assert await passwords.obtain(Whose("oncall", "gpus", "h1"), prove_here) == "group's"
    assert await passwords.obtain(Whose("oncall", "gpus", "h2"), prove_there) == "own"
    assert await passwords.obtain(Whose("oncall", "gpus", "h1"), prove_here) == "group's"
    assert asker.asked[1].prompt == "sudo password of oncall on h2"


async def test_an_unproven_password_is_tried_on_one_host_at_a_time() -> None:
    passwords, trying, most = Passwords(FakeAsker("wrong", SECRET)), 0, 0

    async def prove(password: str) -> bool:
        nonlocal trying, most
        trying += 1
        most = max(most, trying) if password == "wrong" else most
        await asyncio.sleep(0)
        trying -= 1
        return password == SECRET

    whose = Whose("oncall", "gpus", "h0")
    got = await asyncio.gather(*(passwords.obtain(replace(whose, host=f"h{n}"), prove) for n in range(8)))
    assert got == [SECRET] * 8
    assert most == 1


async def test_a_question_that_nobody_answers_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nobody:
        is_taken_back = False

        async def ask(self, _: object) -> str | None:
            try:
                await asyncio.Event().wait()
            finally:
                self.is_taken_back = True
            return None

    async def prove(_: str) -> bool:
        return True

    monkeypatch.setattr("leptontui.actions.passwords.ANSWER_WITHIN_S", 0.01)
    nobody = Nobody()
    with pytest.raises(GuardRefused, match=r"was not given within 0\.01 s"):
        await Passwords(nobody).obtain(Whose("oncall", "gpus", "h1"), prove)
    assert nobody.is_taken_back


async def test_what_is_forgotten_is_asked_for_again() -> None:
    asker = FakeAsker(SECRET, SECRET)
    passwords = Passwords(asker)

    async def prove(_: str) -> bool:
        return True

    whose = Whose("oncall", "gpus", "h1")
    await passwords.obtain(whose, prove)
    passwords.forget()
    assert passwords.known(whose) is None
    await passwords.obtain(whose, prove)
    assert len(asker.asked) == 2
