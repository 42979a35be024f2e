"""The user's own actions: filled in word by word, never read by a shell, asked after, and honest where nothing is."""

import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.actions.custom import preparer_of
from leptontui.actions.reach import Prepared, Reach
from leptontui.actions.runner import Record, carry_out
from leptontui.config.actions import load_actions
from leptontui.config.custom_action import CustomAction
from leptontui.errors import ActionError, LeptonError
from leptontui.model.action import ActionRequest, Danger, OutcomeKind
from leptontui.model.target import HostTarget
from leptontui.transport.contract import Completed
from leptontui.transport.local import LocalTransport
from tests.unit.actions.gpu_scene import FakeController
from tests.unit.actions.setting_scene import Answering, Clock, link_error, said, setting_of

HOST = "gpu-017"
TEXT = """
[[action]]
name = "tag"
meaning = "Tag something."
command = ["tag", "--host={host}", "{level}", "{word}", "{n}", "{{x}}"]
danger = "harmless"
verify = ["show-tag", "{word}"]
verify_says = "tagged: [a-z]+"
verify_wait_s = 10

[[action.parameter]]
name = "level"
meaning = "how"
choices = ["--fast", "slow"]

[[action.parameter]]
name = "word"
meaning = "a word"
pattern = "[a-z;$()` '\\"*-]+"

[[action.parameter]]
name = "n"
meaning = "how often"
range = [1, 5]
default = 2

[[action]]
name = "bounce"
meaning = "Bounce a unit."
command = ["bounce", "{unit}", "{reason}", "{user}"]
where = "controller"
succeeds = [0, 7]
sudo = true
timeout_s = 99
evidence = true

[[action]]
name = "burn-in"
meaning = "Burn in."
command = ["burn", "{host}"]
danger = "disruptive"
asks = true
succeeds = [0, 2]
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CustomAction]:
    file = tmp_path_factory.mktemp("own") / "actions.toml"
    file.write_text(TEXT)
    found = load_actions([file])
    assert found.problems == ()
    return dict(found.actions)


TARGET = HostTarget(HOST, scheduler="slurm", controller="login1", units=("vllm.service",))


async def plan(
    custom: CustomAction, answers: dict[str, Answering], clock: Clock | None = None, **more: object
) -> Prepared:
    fields = {"unit": "", "reason": "", **{key: more.pop(key) for key in ("unit", "reason") if key in more}}
    params = tuple(sorted((key, str(value)) for key, value in more.items()))
    request = ActionRequest(custom.spec.name, HOST, params=params, **fields)  # type: ignore[arg-type]
    return await preparer_of(custom)(setting_of(request, answers, target=TARGET, spec=custom.spec, clock=clock))


def tagging(states: list[str]) -> Answering:
    def answer(argv: tuple[str, ...]) -> Completed | Exception:
        if argv[0] == "show-tag":
            return said(states.pop(0) if len(states) > 1 else states[0])
        return said("done\n")

    return Answering(answer)


async def test_it_is_run_word_by_word_and_asked_after(own: dict[str, CustomAction]) -> None:
    host, clock = tagging(["not yet\n", "tagged: x\n"]), Clock()
    prepared = await plan(own["custom/tag"], {HOST: host}, clock, level="--fast", word="a b; $(c) `d` 'e' \"f\" *")
    made = prepared.plan
    argv = ("tag", "--host=gpu-017", "--fast", "a b; $(c) `d` 'e' \"f\" *", "2", "{x}")
    assert [step.argv for step in made.steps] == [argv]
    assert (made.steps[0].host, made.danger, made.confirmation) == (HOST, Danger.HARMLESS, "")
    assert made.verification.endswith("ends with 0 and says tagged: [a-z]+")
    assert made.after_this[-1] == "written at actions.toml:2"
    outcome = await carry_out(prepared, Record(), clock, tell=clock.tell, sleep=clock.sleep)
    assert (outcome.kind, outcome.summary) == (OutcomeKind.VERIFIED, "show-tag ended with 0: tagged: x")
    assert argv in host.ran
    assert clock.now - 1_800_000_000.0 == 3.0


async def test_what_does_not_become_so_is_not_verified(own: dict[str, CustomAction]) -> None:
    clock = Clock()
    prepared = await plan(own["custom/tag"], {HOST: tagging(["no\n"])}, clock, level="slow", word="x")
    outcome = await carry_out(prepared, Record(), clock, tell=clock.tell, sleep=clock.sleep)
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert outcome.summary == "show-tag does not say tagged: [a-z]+: no"


async def test_without_a_verify_nothing_is_called_verified(own: dict[str, CustomAction]) -> None:
    controller = FakeController()
    login = Answering(lambda argv: said("", 7) if argv[0] == "bounce" else controller(argv))
    prepared = await plan(own["custom/bounce"], {"login1": login}, unit="vllm.service", reason='it "hangs"')
    made = prepared.plan
    assert made.steps[0].argv == ("bounce", "vllm.service", "anna: it 'hangs'", "anna")
    assert (made.steps[0].host, made.steps[0].timeout_s, made.steps[0].succeeds) == ("login1", 99.0, (0, 7))
    assert (made.danger, made.confirmation) == (Danger.DESTRUCTIVE, HOST)
    assert made.evidence
    assert any("cannot be verified" in warning for warning in made.warnings)
    assert made.running_there == ("gpu-017 is IDLE+DRAIN: nothing runs there any more: now safe to reset",)
    clock = Clock()
    outcome = await carry_out(prepared, Record(), clock, tell=clock.tell, sleep=clock.sleep)
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert outcome.summary == "nothing was asked again: actions.toml:27 names no verify"


@pytest.mark.parametrize(
    ("answer", "kind", "summary"),
    [
        (said("warming up\nall well\n", 2), OutcomeKind.VERIFIED, "it ended with 2: all well"),
        (said("", 1, "GPU 3 computes wrongly\n"), OutcomeKind.FAILED, "burn on gpu-017 failed: GPU 3 computes wrongly"),
        (link_error(), OutcomeKind.UNKNOWN, "how it ended was not heard"),
    ],
)
async def test_of_a_command_that_only_asks_the_end_is_the_answer(
    own: dict[str, CustomAction], answer: Completed | Exception, kind: OutcomeKind, summary: str
) -> None:
    host, clock = Answering(lambda _: answer), Clock()
    prepared = await plan(own["custom/burn-in"], {HOST: host}, clock)
    assert prepared.plan.verification == "how it ends: 0 or 2 is well"
    assert prepared.plan.warnings == ()
    outcome = await carry_out(prepared, Record(), clock, tell=clock.tell, sleep=clock.sleep)
    assert outcome.kind is kind, outcome
    assert summary in outcome.summary
    assert host.asked == ["burn gpu-017"], "it is not run again to be sure"


async def test_a_lost_link_leaves_it_unknown(own: dict[str, CustomAction]) -> None:
    login = Answering(lambda argv: link_error() if argv[0] == "bounce" else FakeController()(argv))
    prepared = await plan(own["custom/bounce"], {"login1": login}, unit="vllm.service", reason="x")
    clock = Clock()
    outcome = await carry_out(prepared, Record(), clock, tell=clock.tell, sleep=clock.sleep)
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert [line for line in login.asked if line.startswith("bounce")] == ["bounce vllm.service anna: x anna"], (
        "run once, never again"
    )


async def test_root_is_had_through_sudo(own: dict[str, CustomAction]) -> None:
    login = Answering(
        lambda argv: said("x\n") if argv[0] == "sudo" else FakeController()(argv), address="oncall@login1"
    )
    prepared = await plan(own["custom/bounce"], {"login1": login}, unit="vllm.service", reason="x")
    assert prepared.plan.steps[0].argv[:3] == ("sudo", "-n", "bounce")


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("custom/tag", {"level": "slow", "word": "-rf"}, "'-rf' would be taken for an option by tag"),
        ("custom/tag", {"level": "fast", "word": "x"}, "is not one of --fast, slow"),
        ("custom/tag", {"level": "slow", "word": "X"}, "does not match"),
        ("custom/tag", {"level": "slow", "word": "x", "n": "9"}, "not a whole number from 1 to 5"),
        ("custom/tag", {"level": "slow"}, "needs word"),
        ("custom/tag", {"level": "slow", "word": "a" * 1001}, "word: longer than 1,000 characters"),
        ("custom/tag", {"level": "slow", "word": "x", "m": "1"}, "has no parameter 'm'"),
        ("custom/bounce", {"unit": "sshd.service", "reason": "x"}, "sshd.service may not be named here"),
        ("custom/bounce", {"unit": "vllm.service", "reason": " "}, "needs a reason"),
    ],
)
async def test_what_may_not_be_is_refused(
    own: dict[str, CustomAction], name: str, more: dict[str, str], words: str
) -> None:
    answers = {HOST: tagging(["x"]), "login1": Answering(FakeController())}
    with pytest.raises(ActionError, match=words):
        await plan(own[name], answers, **more)


@given(st.text(max_size=40))
async def test_any_value_is_one_argument_or_refused(own: dict[str, CustomAction], value: str) -> None:
    try:
        prepared = await plan(own["custom/tag"], {HOST: tagging(["x"])}, level="slow", word=value)
    except LeptonError:
        return
    argv = prepared.plan.steps[0].argv
    assert len(argv) == 6
    assert argv[3] == value
    assert not value.startswith("-")
    assert shlex.split(shlex.join(argv)) == list(argv)


@given(reason=st.text(min_size=1, max_size=60))
async def test_any_reason_is_one_argument_with_the_users_name_before_it(
    own: dict[str, CustomAction], reason: str
) -> None:
    answers = {"login1": Answering(FakeController())}
    try:
        prepared = await plan(own["custom/bounce"], answers, unit="vllm.service", reason=reason)
    except LeptonError:
        return
    argv = prepared.plan.steps[0].argv
    assert len(argv) == 4
    assert argv[2].startswith("anna: ")
    assert argv[2].isprintable()


async def test_a_real_process_sees_the_value_as_it_is(tmp_path: Path) -> None:
    """No shell on the way: what it prints is what was given."""
    file = tmp_path / "actions.toml"
    file.write_text(
        '[[action]]\nname="p"\nmeaning="y"\ncommand=["printf", "%s|", "{w}", "{host}"]\ndanger="harmless"\n'
        'verify=["test", "-d", "/"]\n[[action.parameter]]\nname="w"\nmeaning="w"\npattern="[^z]+"\n'
    )
    custom = load_actions([file]).actions["custom/p"]
    value = "$(touch /tmp/x); `id` 'a' \"b\" * ~ \\ && |"
    setting = setting_of(ActionRequest("custom/p", HOST, params=(("w", value),)), {}, target=TARGET, spec=custom.spec)

    async def reach_of(target: HostTarget) -> Reach:
        return Reach.of(target, LocalTransport())

    object.__setattr__(setting, "reach_of", reach_of)
    prepared = await preparer_of(custom)(setting)
    clock = Clock()
    outcome = await carry_out(prepared, Record(), clock, tell=clock.tell, sleep=clock.sleep)
    assert outcome.kind is OutcomeKind.VERIFIED
    assert outcome.output.split("\n")[0] == f"{value}|{HOST}|"


async def test_what_needs_root_is_asked_after_as_root_and_its_end_counts(tmp_path: Path) -> None:
    file = tmp_path / "actions.toml"
    file.write_text(
        '[[action]]\nname="r"\nmeaning="y"\ncommand=["set-it"]\nsudo=true\ndanger="harmless"\n'
        'verify=["see-it"]\nverify_succeeds=[3]\n'
    )
    custom, ends = load_actions([file]).actions["custom/r"], [0]

    def answer(argv: tuple[str, ...]) -> Completed:
        if argv == ("see-it",):
            return said("", 3)  # as the login it is always so
        return said("no\n", ends[0]) if argv[-1] == "see-it" else said("x\n")

    clock = Clock()
    for ends[0], kind in ((0, OutcomeKind.NOT_VERIFIED), (3, OutcomeKind.VERIFIED)):
        host = Answering(answer, address="oncall@h")
        prepared = await plan(custom, {HOST: host}, clock)
        assert prepared.plan.steps[0].argv == ("sudo", "-n", "set-it")
        outcome = await carry_out(prepared, Record(), clock, tell=clock.tell, sleep=clock.sleep)
        assert (outcome.kind, outcome.summary) == (kind, f"see-it ended with {ends[0]}: no")


async def test_a_units_name_that_cannot_be_printed_is_refused(own: dict[str, CustomAction]) -> None:
    odd = "vllm\u202e.service"
    target = HostTarget(HOST, scheduler="slurm", controller="login1", units=(odd,))
    request = ActionRequest("custom/bounce", HOST, unit=odd, reason="x")
    custom = own["custom/bounce"]
    setting = setting_of(request, {"login1": Answering(FakeController())}, target=target, spec=custom.spec)
    with pytest.raises(ActionError, match="letters that cannot be printed"):
        await preparer_of(custom)(setting)
