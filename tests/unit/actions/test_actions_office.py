"""The office: one port for single actions, rollouts and runbooks, and what is remembered of them."""

import asyncio
from pathlib import Path

import pytest

from leptontui.actions.office import LOOK_EVERY_S, Office
from leptontui.actions.reach import Verdict
from leptontui.actions.rollouts import Rollouts
from leptontui.actions.runbook_file import RunbookFiles
from leptontui.actions.runbook_run import Means
from leptontui.actions.runbooks import Runbooks
from leptontui.config.runbooks import load_runbooks
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.activity import Drained, RolloutRequest, RolloutState, Unfinished
from leptontui.ports import CommandPort
from tests.unit.actions.actions_scene import Scene
from tests.unit.actions.hand_scene import ScriptedHand

DRAINED = Drained("gpu-017", "gpu-017", "slurm", "anna: Xid 79", 0.0)
UNFINISHED = Unfinished("p1", "Restart vllm.service on gpu-017", "gpu-017", "anna", 0.0)


class Remembered:
    """Counts how often it was looked at; fails the first time if told to."""

    drained = (DRAINED,)
    unfinished = (UNFINISHED,)

    def __init__(self, *, fails_first: bool = False) -> None:
        self.looks, self.fails_first = 0, fails_first

    async def look_again(self) -> None:
        self.looks += 1
        if self.fails_first and self.looks == 1:
            raise RuntimeError("a bug")


class Clockwork:
    """Sleeps that end when the test says so."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.go = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.go.acquire()


def office_of(scene: Scene, folder: Path, hand: ScriptedHand, memory: Remembered, clockwork: Clockwork) -> Office:
    async def ask(condition: str, host: str, unit: str) -> Verdict:
        return Verdict(is_so=True, said="it is so")

    means = Means(hand, ask, RunbookFiles(folder), hand.clock, clockwork.sleep, lambda: None)
    return Office(
        scene.desk,
        rollouts=Rollouts(hand, clock=hand.clock),
        runbooks=Runbooks(means, shelf=lambda: load_runbooks(SHIPPED, []), knows=lambda _: True, user="anna"),
        drains=memory,
        broken_off=memory,
        sleep=clockwork.sleep,
    )


@pytest.fixture
def hand() -> ScriptedHand:
    return ScriptedHand()


@pytest.fixture
def clockwork() -> Clockwork:
    return Clockwork()


@pytest.fixture
def memory() -> Remembered:
    return Remembered()


@pytest.fixture
def office(scene: Scene, tmp_path: Path, hand: ScriptedHand, memory: Remembered, clockwork: Clockwork) -> Office:
    return office_of(scene, tmp_path / "runbooks", hand, memory, clockwork)


def test_the_office_is_a_command_port(office: Office) -> None:
    port: CommandPort = office
    assert port.armed_until_unix_s is None
    assert {spec.name for spec in port.specs} >= {"restart", "drain", "undrain"}


async def test_activity_is_everything_at_once(office: Office, hand: ScriptedHand) -> None:
    plan = await office.plan_rollout(RolloutRequest("restart", ("h1", "h2"), unit="vllm.service"))
    await office.start_rollout(plan, "2")
    run_id = await office.start_runbook("gpu-reset", "h1", [])
    activity = office.activity
    assert [rollout.rollout_id for rollout in activity.rollouts] == [plan.rollout_id]
    assert [run.run_id for run in activity.runbooks] == [run_id]
    assert (activity.drained, activity.unfinished) == ((DRAINED,), (UNFINISHED,))


async def test_a_new_session_looks_at_once_and_then_every_minute(
    office: Office, memory: Remembered, clockwork: Clockwork
) -> None:
    memory.fails_first = True
    tending = asyncio.create_task(office.tend())
    async with asyncio.timeout(10):
        while len(clockwork.slept) < 1:  # noqa: ASYNC110 — it is asleep when it has looked
            await asyncio.sleep(0.001)
        assert memory.looks == 1  # drains failed: that ends nothing
        clockwork.go.release()
        while len(clockwork.slept) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert memory.looks == 3  # drains and what was broken off
    assert clockwork.slept == [LOOK_EVERY_S, LOOK_EVERY_S]
    tending.cancel()
    await asyncio.gather(tending, return_exceptions=True)


async def test_it_is_looked_by_one_at_a_time(
    office: Office, memory: Remembered, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two would both write down the end of what a session before left behind."""
    looking, most = 0, 0

    async def look_again() -> None:
        nonlocal looking, most
        looking += 1
        most = max(most, looking)
        await asyncio.sleep(0)
        looking -= 1

    monkeypatch.setattr(office._rollouts, "look_again", look_again)
    await asyncio.gather(office.look_again(), office.look_again(), office.look_again())
    assert (most, memory.looks) == (1, 6)


async def test_closing_breaks_off_what_is_under_way(office: Office, hand: ScriptedHand) -> None:
    hand.gates["h1"] = asyncio.Event()
    plan = await office.plan_rollout(RolloutRequest("restart", ("h1", "h2"), unit="vllm.service"))
    await office.start_rollout(plan, "2")
    async with asyncio.timeout(10):
        while "h1" not in hand.running:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await office.close()
    assert office.activity.rollouts[0].state is RolloutState.ABANDONED


async def test_parts_of_a_rollout_are_guarded_and_audited_by_the_desk_itself(scene: Scene) -> None:
    rollouts = Rollouts(scene.desk, clock=lambda: scene.now)
    request = RolloutRequest("drain", ("gpu-017", "gpu-100"), reason="Xid 79")
    scene.desk.arm()
    plan = await rollouts.plan(request)
    assert [host for host, _ in plan.unplanned] == ["gpu-100"]  # it has no scheduler
    assert plan.confirmation == "gpu-017"
    await rollouts.start(plan, "gpu-017")
    async with asyncio.timeout(10):
        while rollouts.shown[0].state is not RolloutState.ENDED:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert rollouts.shown[0].said == "1 verified"
    assert scene.slurm.nodes["gpu-017"] == ["IDLE+DRAIN", "anna: Xid 79"]
    assert scene.events == ["rollout-begun", "begun", "ended", "rollout-ended"]
    begun = scene.lines[1]
    assert begun.part_of == f"rollout {plan.rollout_id}"
    assert begun.confirmation == "gpu-017 typed for 1"
