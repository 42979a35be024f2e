"""Runbooks under way: step by step, kept over restarts, confirmed and audited; another session keeps off."""

import asyncio
import stat
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from leptontui.actions.audit import Json
from leptontui.actions.reach import Verdict
from leptontui.actions.runbook_file import RunbookFiles
from leptontui.actions.runbook_run import Means
from leptontui.actions.runbooks import Runbooks
from leptontui.config.runbooks import RunbookShelf, load_runbooks
from leptontui.errors import ActionError, AuditError, GuardRefused, LeptonError, NotConfirmed
from leptontui.model.action import OutcomeKind
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.activity import RunbookRun, RunbookState, TargetState, Wish
from tests.unit.actions.actions_scene import link_error
from tests.unit.actions.hand_scene import T0, ScriptedHand

TEXT = """\
[[runbook]]
name = "swap"
meaning = "Swap it."
[[runbook.parameter]]
name = "why"
meaning = "why"
pattern = "[a-z ]+"
[[runbook.step]]
action = "drain"
reason = "{why} on {host}"
[[runbook.step]]
wait = "drained-and-empty"
limit_s = 60
[[runbook.step]]
check = "gpus-answer"
[[runbook.step]]
action = "undrain"
"""


class Scene:
    """Runbooks over a scripted hand; conditions as `answers` has them, asked in order, the last one for ever."""

    def __init__(self, folder: Path) -> None:
        self.hand = ScriptedHand()
        self.folder = folder
        self.answers: dict[str, list[Verdict | LeptonError]] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.slept: list[float] = []
        self.pause: Callable[[], Awaitable[None]] | None = None
        self.written = folder / "swap.toml"
        self.written.write_text(TEXT)
        self.runbooks = self.session()

    def session(self) -> Runbooks:
        means = Means(
            self.hand,
            self.ask,
            RunbookFiles(self.folder / "state" / "runbooks"),
            self.hand.clock,
            self._sleep,
            lambda: None,
        )
        return Runbooks(means, shelf=self.shelf, knows=lambda host: host.startswith("h"), user="anna")

    def shelf(self) -> RunbookShelf:
        return load_runbooks(SHIPPED, [self.written], is_alone=True)

    async def ask(self, condition: str, host: str, unit: str) -> Verdict:
        self.asked.append((condition, host, unit))
        answers = self.answers.get(condition) or [Verdict(is_so=True, said="it is so")]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, LeptonError):
            raise answer
        return answer

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.hand.now += seconds
        await (asyncio.sleep(0) if self.pause is None else self.pause())

    @property
    def run(self) -> RunbookRun:
        return self.runbooks.shown[0]

    @property
    def states(self) -> list[str]:
        return [step.state.value for step in self.run.steps]

    async def begin(self) -> str:
        return await self.runbooks.start("swap", "h1", [("why", "new driver")])

    async def step(self, run_id: str) -> None:
        """The next step, confirmed as it asks for, to its end."""
        plan = await self.runbooks.plan_step(run_id)
        await self.runbooks.run_step(run_id, plan, plan.confirmation if plan else "")
        await self.until(lambda: self.run.state is not RunbookState.RUNNING)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_so():  # noqa: ASYNC110 — what is waited for is read by a screen, at its ticks
                await asyncio.sleep(0.001)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def test_what_there_is_is_listed_with_its_steps(scene: Scene) -> None:
    (entry,) = await scene.runbooks.entries()
    assert (entry.name, entry.meaning, entry.source) == ("swap", "Swap it.", f"{scene.written}:1")
    assert entry.steps[1] == "Wait until {host} is out of service, and nothing runs there any more (at most 1 min)"


async def test_a_broken_file_is_an_entry_that_cannot_be_started(scene: Scene) -> None:
    scene.written.write_text("[[runbook]\n")
    (entry,) = await scene.runbooks.entries()
    assert "not used" in entry.meaning
    with pytest.raises(ActionError, match="no runbook swap"):
        await scene.begin()


async def test_starting_runs_nothing_and_keeps_it_for_the_owner_alone(scene: Scene) -> None:
    run_id = await scene.begin()
    assert (scene.run.state, scene.run.at, scene.states) == (RunbookState.READY, 0, ["waiting"] * 4)
    assert scene.hand.ran == []
    assert scene.hand.events == ["runbook-begun"]
    kept = scene.folder / "state" / "runbooks" / f"{run_id}.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("name", "host", "params", "why"),
    [
        ("swop", "h1", [("why", "x")], 'did you mean "swap"'),
        ("swap", "gone", [("why", "x")], "not in the fleet"),
        ("swap", "h1", [], "needs why"),
        ("swap", "h1", [("why", "X;reboot")], "does not match"),
        ("swap", "h1", [("why", "x"), ("colour", "red")], "no parameter 'colour'"),
    ],
)
async def test_what_makes_no_sense_is_not_started(
    scene: Scene, name: str, host: str, params: list[tuple[str, str]], why: str
) -> None:
    with pytest.raises(ActionError, match=why):
        await scene.runbooks.start(name, host, params)
    assert scene.runbooks.shown == ()


async def test_it_goes_step_by_step_to_its_end(scene: Scene) -> None:
    run_id = await scene.begin()
    plan = await scene.runbooks.plan_step(run_id)
    assert plan is not None
    assert (plan.request.action, plan.request.reason) == ("drain", "new driver on h1")
    for _ in range(4):
        await scene.step(run_id)
    assert scene.run.state is RunbookState.ENDED
    assert scene.states == ["verified"] * 4
    assert scene.hand.hosts_run == ["h1", "h1"]
    assert scene.hand.ran[0][1:3] == (f"runbook swap {run_id}, step 1", "h1 typed")
    assert scene.asked == [("drained-and-empty", "h1", ""), ("gpus-answer", "h1", "")]
    assert scene.hand.events == ["runbook-begun", *["runbook-step"] * 3, "runbook-ended"]
    with pytest.raises(ActionError, match="no next step"):
        await scene.runbooks.plan_step(run_id)


async def test_what_is_put_in_is_not_looked_at_again(scene: Scene) -> None:
    scene.written.write_text(TEXT.replace('"[a-z ]+"', '"[a-z {}]+"'))
    run_id = await scene.runbooks.start("swap", "h1", [("why", "{host} {why} {{")])
    plan = await scene.runbooks.plan_step(run_id)
    assert plan is not None
    assert plan.request.reason == "{host} {why} {{ on h1"


async def test_an_action_is_confirmed_as_it_asks_for(scene: Scene) -> None:
    run_id = await scene.begin()
    plan = await scene.runbooks.plan_step(run_id)
    with pytest.raises(NotConfirmed):
        await scene.runbooks.run_step(run_id, plan, "yes")
    assert scene.hand.ran == []
    await scene.runbooks.run_step(run_id, plan, "h1")
    assert scene.run.at == 1


async def test_an_action_that_was_not_planned_is_not_run(scene: Scene) -> None:
    run_id = await scene.begin()
    with pytest.raises(GuardRefused, match="not planned"):
        await scene.runbooks.run_step(run_id, None, "h1")
    plan = await scene.runbooks.plan_step(run_id)
    await scene.runbooks.run_step(run_id, plan, "h1")
    await scene.step(run_id)
    with pytest.raises(ActionError):
        await scene.runbooks.run_step("00000000", plan, "h1")
    assert scene.hand.hosts_run == ["h1"]


@pytest.mark.parametrize("end", [OutcomeKind.FAILED, OutcomeKind.NOT_VERIFIED, OutcomeKind.UNKNOWN])
async def test_it_stops_at_a_step_that_is_not_verified_until_the_user_decides(scene: Scene, end: OutcomeKind) -> None:
    scene.hand.ends["h1"] = end
    run_id = await scene.begin()
    await scene.step(run_id)
    assert (scene.run.state, scene.run.at, scene.states[0]) == (RunbookState.STOPPED, 0, end.value)
    scene.hand.ends.clear()
    await scene.step(run_id)  # tried again, planned anew
    assert scene.hand.planned == ["h1", "h1"]
    assert (scene.run.state, scene.run.at) == (RunbookState.READY, 1)


async def test_a_refusal_is_raised_and_kept(scene: Scene) -> None:
    scene.hand.ends["h1"] = GuardRefused("not-live", "h1 is lost")
    run_id = await scene.begin()
    plan = await scene.runbooks.plan_step(run_id)
    with pytest.raises(GuardRefused, match="h1 is lost"):
        await scene.runbooks.run_step(run_id, plan, "h1")
    assert (scene.run.state, scene.states[0]) == (RunbookState.STOPPED, "refused")


async def test_skipping_says_what_was_skipped(scene: Scene) -> None:
    scene.hand.ends["h1"] = OutcomeKind.FAILED
    run_id = await scene.begin()
    await scene.step(run_id)
    await scene.runbooks.steer(run_id, Wish.SKIP)
    assert (scene.run.state, scene.run.at) == (RunbookState.READY, 1)
    assert scene.run.steps[0].said == "skipped after: failed: h1 is failed"
    assert "runbook-skip" in scene.hand.events


async def test_abandoning_ends_it(scene: Scene) -> None:
    run_id = await scene.begin()
    await scene.runbooks.steer(run_id, Wish.ABANDON)
    assert (scene.run.state, scene.states) == (RunbookState.ABANDONED, ["skipped"] * 4)
    with pytest.raises(ActionError, match="no next step"):
        await scene.runbooks.plan_step(run_id)


@pytest.mark.parametrize("wish", [Wish.PAUSE, Wish.RESUME])
async def test_other_wishes_make_no_sense(scene: Scene, wish: Wish) -> None:
    run_id = await scene.begin()
    with pytest.raises(ActionError, match="cannot be asked"):
        await scene.runbooks.steer(run_id, wish)


async def test_a_wait_asks_until_it_is_so(scene: Scene) -> None:
    busy = Verdict(is_so=False, said="1 job runs")
    scene.answers["drained-and-empty"] = [busy, link_error(), busy, Verdict(is_so=True, said="nothing runs")]
    run_id = await scene.begin()
    await scene.step(run_id)
    await scene.step(run_id)
    assert scene.slept == [15.0, 15.0, 15.0]
    assert scene.run.steps[1].said == "nothing runs"
    assert scene.run.at == 2


async def test_a_wait_has_its_limit(scene: Scene) -> None:
    scene.answers["drained-and-empty"] = [Verdict(is_so=False, said="1 job runs")]
    run_id = await scene.begin()
    await scene.step(run_id)
    await scene.step(run_id)
    assert scene.hand.now == T0 + 60
    assert (scene.run.state, scene.states[1]) == (RunbookState.STOPPED, "not-verified")
    assert scene.run.steps[1].said == "not so within 1 min: 1 job runs"


async def test_a_wait_is_left_to_itself_and_can_be_skipped(scene: Scene) -> None:
    scene.answers["drained-and-empty"] = [Verdict(is_so=False, said="1 job runs")]
    asleep = asyncio.Event()

    async def for_ever() -> None:
        asleep.set()
        await asyncio.Event().wait()

    scene.pause = for_ever
    run_id = await scene.begin()
    await scene.step(run_id)
    await scene.runbooks.run_step(run_id, None, "")
    await asleep.wait()
    assert (scene.run.state, scene.run.steps[1].said) == (RunbookState.RUNNING, "1 job runs")
    with pytest.raises(ActionError, match="runs already"):
        await scene.runbooks.plan_step(run_id)
    await scene.runbooks.steer(run_id, Wish.SKIP)
    assert (scene.run.state, scene.run.at, scene.states[1]) == (RunbookState.READY, 2, "skipped")


async def test_a_check_that_does_not_hold_stops_it(scene: Scene) -> None:
    scene.answers["gpus-answer"] = [Verdict(is_so=False, said="7 GPUs answer, 8 should"), link_error("no way there")]
    run_id = await scene.begin()
    for _ in range(3):
        await scene.step(run_id)
    assert (scene.states[2], scene.run.steps[2].said) == ("not-verified", "7 GPUs answer, 8 should")
    await scene.step(run_id)
    assert scene.states[2] == "unknown"
    assert "no way there" in scene.run.steps[2].said


async def test_another_session_goes_on_with_it_as_it_was_begun(scene: Scene) -> None:
    run_id = await scene.begin()
    await scene.step(run_id)
    scene.written.write_text(TEXT.replace("undrain", "evidence"))  # what is under way does not change
    scene.runbooks = scene.session()
    await scene.runbooks.look_again()
    assert (scene.run.run_id, scene.run.at) == (run_id, 1)
    for _ in range(3):
        await scene.step(run_id)
    assert scene.run.state is RunbookState.ENDED
    assert scene.hand.planned == ["h1", "h1"]


async def test_an_action_that_the_programs_end_broke_off_is_unknown_and_not_run_again_by_itself(scene: Scene) -> None:
    scene.hand.gates["h1"] = asyncio.Event()
    run_id = await scene.begin()
    plan = await scene.runbooks.plan_step(run_id)
    running = asyncio.create_task(scene.runbooks.run_step(run_id, plan, "h1"))
    await scene.until(lambda: "h1" in scene.hand.running)
    path = scene.folder / "state" / "runbooks" / f"{run_id}.json"
    as_killed = path.read_bytes()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (scene.run.state, scene.states[0]) == (RunbookState.STOPPED, "unknown")
    path.write_bytes(as_killed)  # SIGKILL lets nobody write down an end
    scene.runbooks = scene.session()
    await scene.runbooks.look_again()
    assert (scene.run.state, scene.states[0]) == (RunbookState.STOPPED, "unknown")
    assert "look how it stands" in scene.run.steps[0].said
    assert scene.hand.hosts_run == ["h1"]


async def test_a_wait_that_was_broken_off_waits_to_be_begun_again(scene: Scene) -> None:
    scene.answers["drained-and-empty"] = [Verdict(is_so=False, said="1 job runs")]
    asleep = asyncio.Event()

    async def for_ever() -> None:
        asleep.set()
        await asyncio.Event().wait()

    scene.pause = for_ever
    run_id = await scene.begin()
    await scene.step(run_id)
    await scene.runbooks.run_step(run_id, None, "")
    await asleep.wait()
    other = scene.session()
    await other.look_again()
    assert other.shown[0].state is RunbookState.RUNNING  # it is under way, elsewhere
    for attempt in (other.plan_step(run_id), other.run_step(run_id, None, ""), other.steer(run_id, Wish.SKIP)):
        with pytest.raises(ActionError):
            await attempt
    await scene.runbooks.close()
    assert (scene.run.state, scene.states[1]) == (RunbookState.READY, "waiting")


async def test_a_last_wait_that_is_broken_off_while_its_end_is_noted_has_ended(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.written.write_text(TEXT.partition("[[runbook.step]]\ncheck")[0])
    run_id = await scene.begin()
    await scene.step(run_id)
    note, is_noting = scene.hand.note, asyncio.Event()

    async def slowly(event: str, fields: Mapping[str, Json]) -> None:
        await note(event, fields)
        if event == "runbook-ended":
            is_noting.set()
            await asyncio.Event().wait()

    scene.hand.note = slowly  # type: ignore[method-assign]
    await scene.runbooks.run_step(run_id, None, "")
    await is_noting.wait()
    await scene.runbooks.close()
    assert (scene.run.state, scene.states) == (RunbookState.ENDED, ["verified", "verified"])
    assert caplog.records == []


async def test_a_session_that_has_not_seen_the_newest_step_does_not_run_it_again(scene: Scene) -> None:
    run_id = await scene.begin()
    other = scene.session()
    await other.look_again()
    plan = await other.plan_step(run_id)
    await scene.step(run_id)
    with pytest.raises(ActionError, match="another session went on"):
        await other.run_step(run_id, plan, "h1")
    assert scene.hand.hosts_run == ["h1"]
    assert other.shown[0].at == 1


async def test_nothing_is_run_that_cannot_be_kept(scene: Scene) -> None:
    run_id = await scene.begin()
    plan = await scene.runbooks.plan_step(run_id)
    path = scene.folder / "state" / "runbooks" / f"{run_id}.json.new"
    path.mkdir()  # as a full disk, but also for root
    with pytest.raises(ActionError, match="cannot be kept"):
        await scene.runbooks.run_step(run_id, plan, "h1")
    assert scene.hand.ran == []
    assert scene.run.state is RunbookState.READY


async def test_nothing_is_started_without_an_audit(scene: Scene) -> None:
    scene.hand.audit_is_broken = True
    with pytest.raises(AuditError):
        await scene.begin()
    assert scene.runbooks.shown == ()


async def test_a_file_that_makes_no_sense_is_left_alone(scene: Scene) -> None:
    folder = scene.folder / "state" / "runbooks"
    folder.mkdir(parents=True)
    (folder / "0123456789abcdef.json").write_text('{"run": 3}')
    (folder / "fedcba9876543210.json").symlink_to("/etc/passwd")
    await scene.runbooks.look_again()
    assert scene.runbooks.shown == ()
    assert (folder / "0123456789abcdef.json").exists()


async def test_only_the_last_twenty_that_ended_are_kept(scene: Scene) -> None:
    for _ in range(23):
        run_id = await scene.begin()
        await scene.runbooks.steer(run_id, Wish.ABANDON)
        scene.hand.now += 1
    await scene.begin()
    assert len(list((scene.folder / "state" / "runbooks").glob("*.json"))) == 21
    assert scene.run.state is RunbookState.READY
    assert scene.run.steps[0].state is TargetState.WAITING
