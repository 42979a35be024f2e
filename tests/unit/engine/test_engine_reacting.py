"""Reactions through the real desk: guarded, audited with their actor, within limits, and never twice."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from leptontui.alerts.reactions import Deed
from leptontui.engine.reacting import Reactor
from leptontui.model.action import ActionRequest, Plan
from leptontui.model.alert import Acknowledgement, Alert, AlertState, Level, Subject
from leptontui.model.link import LinkState
from leptontui.model.reaction import AutoPolicy
from leptontui.model.series import Entity
from tests.unit.actions.actions_scene import T0, UNIT, Scene

ALLOWED = AutoPolicy(frozenset({"restart", "drain"}))
FAILED = Alert(
    "a1",
    "unit-failed",
    Level.TICKET,
    False,
    Subject(Entity.UNIT, "gpu-017", UNIT),
    (),
    "vllm.service failed",
    AlertState.FIRING,
    T0 - 60,
    T0 - 30,
    seen_unix_s=T0,
    action="restart",
    reaction="auto",
)


class Stage:
    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.said: list[str] = []
        self.kept: list[str] = []
        self.reactor = self.make()

    def make(self) -> Reactor:
        reactor = Reactor(self.scene.desk, clock=lambda: self.scene.now, tell=self.said.append)
        reactor.keep = self.kept.append
        return reactor

    async def react(self, *alerts: Alert, policy: AutoPolicy = ALLOWED, is_keeper: bool = True) -> list[str]:
        found = self.reactor.react(alerts, fleet_size=100, is_keeper=is_keeper, policy=policy)
        running = self.reactor._running
        if running is not None:
            await running
        return [f"{one.reaction.value} {one.why_not}".strip() for one in found]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(Scene(tmp_path / "audit.jsonl"))


async def test_what_is_allowed_is_run_once_and_the_audit_says_by_which_rule(stage: Stage) -> None:
    stage.scene.desk.arm()
    assert await stage.react(FAILED) == ["auto"]
    assert [argv for argv in stage.scene.changes if "restart" in argv]
    assert stage.scene.events == ["begun", "ended"]
    for line in stage.scene.lines:
        assert line.actor == "auto: rule unit-failed"
        assert line.user == "anna"
        assert line.confirmation == "allowed by [auto] in rules.toml"
    assert stage.said[0].startswith(f"auto: rule unit-failed: restart {UNIT} gpu-017: verified")
    (again,) = await stage.react(FAILED)
    assert again.startswith("confirm it was tried already: verified")
    assert len(stage.scene.changes) == 1


async def test_a_session_that_is_not_armed_runs_nothing(stage: Stage) -> None:
    assert await stage.react(FAILED) == ["confirm this session is not armed"]
    assert stage.scene.events == []


async def test_it_does_not_keep_the_session_armed(stage: Stage) -> None:
    until = stage.scene.desk.arm()
    stage.scene.now += 600
    await stage.react(replace(FAILED, seen_unix_s=stage.scene.now))
    assert stage.scene.events == ["begun", "ended"]
    assert stage.scene.desk.armed_until_unix_s == until


async def test_without_the_users_own_word_nothing_is_run(stage: Stage) -> None:
    stage.scene.desk.arm()
    (said,) = await stage.react(FAILED, policy=AutoPolicy())
    assert "not in [auto] allow" in said
    assert stage.scene.events == []


async def test_a_prediction_runs_nothing(stage: Stage) -> None:
    stage.scene.desk.arm()
    assert await stage.react(replace(FAILED, is_predictive=True)) == ["confirm a prediction alone acts on nothing"]
    assert stage.scene.host.ran == []


async def test_another_instances_fleet_is_left_to_it(stage: Stage) -> None:
    stage.scene.desk.arm()
    assert await stage.react(FAILED, is_keeper=False) == ["confirm another leptontui acts for this fleet"]


async def test_the_guard_refuses_as_it_does_a_person(stage: Stage) -> None:
    stage.scene.desk.arm()
    stage.scene.facts.states["gpu-017"] = LinkState.STALE
    await stage.react(FAILED)
    assert stage.scene.changes == []
    assert "left to a person: cannot be run now: gpu-017 is stale" in stage.said[0]


async def test_a_guard_that_refuses_at_the_last_moment_is_audited(stage: Stage) -> None:
    stage.scene.desk.arm()
    plan = stage.scene.desk.plan

    async def planned_then_disarmed(request: ActionRequest) -> Plan:
        made = await plan(request)
        stage.scene.desk.disarm()
        return made

    stage.scene.desk.plan = planned_then_disarmed  # type: ignore[method-assign]
    await stage.react(FAILED)
    assert stage.scene.events == ["refused"]
    assert stage.scene.lines[0].actor == "auto: rule unit-failed"
    assert "not done" in stage.said[0]


async def test_what_a_person_should_read_first_is_left_to_a_person(stage: Stage) -> None:
    stage.scene.desk.arm()
    plan = stage.scene.desk.plan

    async def warned(request: ActionRequest) -> Plan:
        return replace(await plan(request), warnings=("6 % of the partition would be out of service",))

    stage.scene.desk.plan = warned  # type: ignore[method-assign]
    await stage.react(FAILED)
    assert stage.scene.changes == []
    assert "left to a person: 6 % of the partition" in stage.said[0]


async def test_a_drain_says_for_which_rule_in_its_reason(stage: Stage) -> None:
    stage.scene.desk.arm()
    alert = replace(
        FAILED, subject=Subject(Entity.HOST, "gpu-017"), action="drain", summary="Xid 79 on GPU 3", rule="xid"
    )
    await stage.react(alert)
    (update,) = stage.scene.changes
    assert any("anna: " in word and "Xid 79 on GPU 3" in word for word in update)


async def test_the_limits_hold_over_a_restart_of_the_program(stage: Stage) -> None:
    stage.scene.desk.arm()
    await stage.react(FAILED)
    stage.reactor = stage.make()
    stage.reactor.restore(stage.kept[-1])
    (again,) = await stage.react(FAILED)
    assert "it was tried already: verified" in again
    other = replace(FAILED, id="a2", subject=Subject(Entity.UNIT, "gpu-018", UNIT))
    (limited,) = await stage.react(other, policy=replace(ALLOWED, per_hour=1))
    assert "within the hour, the limit" in limited


async def test_what_was_under_way_when_the_program_ended_is_not_begun_again(stage: Stage) -> None:
    stage.scene.desk.arm()
    stage.reactor._note(Deed(T0 - 5, "gpu-017", "unit-failed", "a1"))
    stage.reactor = stage.make()
    stage.reactor.restore(stage.kept[-1])
    (again,) = await stage.react(FAILED)
    assert "its end is not known" in again
    assert stage.scene.events == []
    stage.reactor.restore("damaged")


async def test_what_is_to_be_remembered_is_kept_before_anything_is_run(stage: Stage) -> None:
    stage.scene.desk.arm()
    seen: list[int] = []
    stage.scene.host.before = lambda _: seen.append(len(stage.kept))
    await stage.react(FAILED)
    assert seen[0] >= 1


async def test_a_reaction_broken_off_is_ended_in_the_audit(stage: Stage) -> None:
    stage.scene.desk.arm()
    begun = asyncio.Event()

    async def hangs(seconds: float) -> None:
        begun.set()
        await asyncio.Event().wait()

    stage.scene._sleep = hangs  # type: ignore[method-assign]
    stage.reactor.react((FAILED,), fleet_size=100, is_keeper=True, policy=ALLOWED)
    async with asyncio.timeout(10):
        await begun.wait()
    await stage.reactor.close()
    assert stage.scene.events == ["begun", "ended"]
    assert "broken off" in stage.said[0]


@pytest.mark.parametrize(
    "since",
    [
        (),
        (replace(FAILED, acknowledgement=Acknowledgement("ben", "I am at it", T0)),),
        (replace(FAILED, silenced_by="s1"),),
        (replace(FAILED, inhibited_by="a0"),),
        (replace(FAILED, is_over=True),),
    ],
    ids=["ended", "acknowledged", "silenced", "inhibited", "over"],
)
async def test_what_changed_while_it_was_planned_is_heeded(stage: Stage, since: tuple[Alert, ...]) -> None:
    stage.scene.desk.arm()
    plan = stage.scene.desk.plan

    async def slowly_planned(request: ActionRequest) -> Plan:
        made = await plan(request)
        stage.reactor.react(since, fleet_size=100, is_keeper=True, policy=ALLOWED)
        return made

    stage.scene.desk.plan = slowly_planned  # type: ignore[method-assign]
    await stage.react(FAILED)
    assert stage.scene.changes == []
    assert "somebody took care of it" in stage.said[0]
