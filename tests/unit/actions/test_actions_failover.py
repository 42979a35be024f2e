"""Fail over: the standby first and seen to take work, the host only then; one plan, one way back."""

import dataclasses
from pathlib import Path

import pytest

from leptontui.actions.reach import Reach
from leptontui.errors import ActionError, GuardRefused
from leptontui.model.action import ActionName, Danger
from leptontui.model.target import Fleet, HostTarget
from leptontui.transport.contract import Completed
from tests.unit.actions.actions_scene import UNIT, FakeSystemd, ScriptedTransport
from tests.unit.actions.slurm_stage import Stage

RESUME = ("scontrol", "update", "nodename=gpu-018", "state=RESUME")
DRAIN = ("scontrol", "update", "nodename=gpu-017", "state=DRAIN", "reason=anna: Xid 79")


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    stage.slurm.nodes["gpu-018"] = ["IDLE+DRAIN", "ops: hot spare"]
    return stage


async def test_the_standby_comes_first(stage: Stage) -> None:
    prepared = await stage.prepare(ActionName.FAIL_OVER, standby="gpu-018")
    plan = prepared.plan
    assert plan.title == "Fail over from gpu-017 to gpu-018"
    assert [step.argv for step in plan.steps] == [RESUME, DRAIN]
    assert (plan.danger, plan.confirmation) == (Danger.DESTRUCTIVE, "gpu-017")
    assert plan.warnings[0] == "standby: somebody else drained it: ops: hot spare [root 2026-11-21T00:33:01]"
    assert "standby: gpu-018 is IDLE+DRAIN now, out for: ops: hot spare" in plan.after_this
    assert prepared.others == ("gpu-018",)
    assert plan.undo is not None
    assert (plan.undo.host, plan.undo.param("standby")) == ("gpu-018", "gpu-017")
    assert prepared.take_back[0].argv[-2:] == ("state=DRAIN", "reason=ops: hot spare")
    assert prepared.take_back[1].argv[-1] == "state=UNDRAIN"
    assert [drained.host for drained in prepared.deed.takes_out()] == ["gpu-017"]
    assert prepared.deed.gives_back() == ("gpu-018",)
    assert await prepared.deed.check_again() is None
    assert await stage.run(prepared) == [" ".join(RESUME), " ".join(DRAIN)]
    verdict = await prepared.deed.verify()
    assert verdict.is_so
    assert verdict.said == "gpu-018 is IDLE; gpu-017 is IDLE+DRAIN: nothing runs there any more: now safe to reset"


async def test_a_standby_that_falls_over_at_the_end_is_not_verified(stage: Stage) -> None:
    prepared = await stage.prepare(ActionName.FAIL_OVER, standby="gpu-018")
    await stage.run(prepared)
    stage.slurm.nodes["gpu-018"] = ["DOWN", "Not responding"]
    assert not (await prepared.deed.verify()).is_so


async def test_a_standby_that_does_not_take_work_leaves_the_host_in_service(stage: Stage) -> None:
    prepared = await stage.prepare(ActionName.FAIL_OVER, standby="gpu-018")

    def falls_over(argv: tuple[str, ...]) -> None:
        if argv == RESUME:
            stage.slurm.nodes["gpu-018"] = ["DOWN+NOT_RESPONDING", "Not responding"]

    stage.controller.after = falls_over
    with pytest.raises(ActionError, match="so the host stays in service: gpu-018 is DOWN"):
        await stage.run(prepared)
    assert stage.slurm.nodes["gpu-017"] == ["IDLE", ""]


async def test_a_standby_in_service_already_is_only_watched(stage: Stage) -> None:
    stage.slurm.nodes["gpu-018"] = ["MIXED", ""]
    prepared = await stage.prepare(ActionName.FAIL_OVER, standby="gpu-018")
    assert [step.argv for step in prepared.plan.steps] == [DRAIN]
    assert prepared.plan.after_this[0].startswith("standby: gpu-018 is in service already")
    assert prepared.deed.gives_back() == ()
    assert list(prepared.take_back) == [0]
    stage.slurm.nodes["gpu-018"] = ["MIXED+DRAIN", "bob: riser"]
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert "the standby does not take work any more" in objection.cause


async def test_somebody_elses_broken_host_is_no_standby(stage: Stage) -> None:
    stage.slurm.nodes["gpu-018"] = ["IDLE+DRAIN", "bob: riser swap"]
    with pytest.raises(GuardRefused, match="bob: riser swap") as refused:
        await stage.prepare(ActionName.FAIL_OVER, standby="gpu-018")
    assert refused.value.rule == "somebody-elses-reason"


async def test_ones_own_drain_may_be_a_standby(stage: Stage) -> None:
    stage.slurm.nodes["gpu-018"] = ["IDLE+DRAIN", "anna: kept back"]
    prepared = await stage.prepare(ActionName.FAIL_OVER, standby="gpu-018")
    assert not any("somebody else" in line for line in prepared.plan.warnings)


@pytest.mark.parametrize(
    "state", ["DOWN+DRAIN", "IDLE*+DRAIN", "DOWN+DRAIN+REBOOT_ISSUED", "MIXED+DRAIN+REBOOT_REQUESTED"]
)
async def test_a_standby_that_is_not_well_is_none(stage: Stage, state: str) -> None:
    stage.slurm.nodes["gpu-018"] = [state, "ops: spare"]
    with pytest.raises(ActionError, match="the standby would not take work"):
        await stage.prepare(ActionName.FAIL_OVER, standby="gpu-018")


async def test_a_standby_that_is_not_there(stage: Stage) -> None:
    with pytest.raises(ActionError, match="gpu-081 is not in the fleet") as error:
        await stage.prepare(ActionName.FAIL_OVER, standby="gpu-081")
    assert error.value.mend.startswith("did you mean gpu-01")
    with pytest.raises(ActionError, match="its own standby"):
        await stage.prepare(ActionName.FAIL_OVER, standby="gpu-017")
    with pytest.raises(ActionError, match="needs a reason"):
        await stage.prepare(ActionName.FAIL_OVER, reason="", standby="gpu-018")


async def test_the_host_is_guarded_as_for_any_drain(stage: Stage) -> None:
    prepared = await stage.prepare(ActionName.FAIL_OVER, standby="gpu-018")
    stage.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "bob: riser"]
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert objection.rule == "already-drained"
    with pytest.raises(GuardRefused, match="bob: riser"):
        await stage.prepare(ActionName.FAIL_OVER, standby="gpu-018")


async def test_a_standby_with_another_controller_is_reached_there(stage: Stage) -> None:
    host, standby, third = stage.fleet.hosts
    other = dataclasses.replace(standby, controller="gpu-019")
    stage.fleet = Fleet("fleet", (host, other, third), dict(stage.fleet.controllers))
    with pytest.raises(ActionError, match="Slurm cannot be asked on gpu-019"):
        await stage.prepare(ActionName.FAIL_OVER, standby="gpu-018")


# By a unit, where there is no scheduler


class Services(FakeSystemd):
    """A systemd that starts and stops as well."""

    def __call__(self, argv: tuple[str, ...]) -> Completed:
        if argv[-2:-1] == ("stop",):
            self.active, self.sub = "inactive", "dead"
        if argv[-2:-1] == ("start",) and self.obeys:
            self.starts += 1
            self.active, self.sub = "active", "running"
        return super().__call__(argv)


class Pair:
    """gpu-017 runs the unit, gpu-018 may."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.systemd = {
            "gpu-017": Services(uid=0),
            "gpu-018": Services(uid=1000, active="inactive", sub="dead", starts=0),
        }
        self.ways = {name: ScriptedTransport(systemd) for name, systemd in self.systemd.items()}
        stage.fleet = Fleet(
            "fleet",
            tuple(dataclasses.replace(host, units=(UNIT, "docker:vllm")) for host in stage.fleet.hosts),
            stage.fleet.controllers,
        )
        stage.reach_of = self.reach_of  # type: ignore[method-assign]

    async def reach_of(self, target: HostTarget) -> Reach:
        return Reach.of(target, self.ways.get(target.name, self.stage.controller))


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(Stage(tmp_path, scheduler=None))


async def test_a_unit_is_started_on_the_standby_and_then_stopped_on_the_host(pair: Pair) -> None:
    prepared = await pair.stage.prepare(ActionName.FAIL_OVER, standby="gpu-018", unit=UNIT)
    assert [(step.host, step.argv) for step in prepared.plan.steps] == [
        ("gpu-018", ("sudo", "-n", "systemctl", "start", UNIT)),
        ("gpu-017", ("systemctl", "stop", UNIT)),
    ]
    assert [prepared.take_back[number].argv[-2] for number in (0, 1)] == ["stop", "start"]
    assert {reach.name for reach in prepared.reaches} == {"gpu-017", "gpu-018"}
    assert await prepared.deed.check_again() is None
    assert len(await pair.stage.run(prepared)) == 2
    verdict = await prepared.deed.verify()
    assert verdict.is_so, verdict
    assert (pair.systemd["gpu-018"].active, pair.systemd["gpu-017"].active) == ("active", "inactive")


async def test_a_unit_that_does_not_come_up_leaves_the_other_running(pair: Pair) -> None:
    prepared = await pair.stage.prepare(ActionName.FAIL_OVER, standby="gpu-018", unit=UNIT)
    pair.systemd["gpu-018"].obeys = False
    with pytest.raises(ActionError, match="so the host stays in service"):
        await pair.stage.run(prepared)
    assert pair.systemd["gpu-017"].active == "active"


async def test_a_unit_that_is_up_on_the_standby_is_not_started_again(pair: Pair) -> None:
    pair.systemd["gpu-018"].active, pair.systemd["gpu-018"].sub = "active", "running"
    prepared = await pair.stage.prepare(ActionName.FAIL_OVER, standby="gpu-018", unit=UNIT)
    assert [step.argv[-2] for step in prepared.plan.steps] == ["stop"]
    pair.systemd["gpu-018"].active = "failed"
    assert await prepared.deed.check_again() is not None
    with pytest.raises(ActionError, match="so the host stays in service"):
        await pair.stage.run(prepared)


async def test_a_unit_has_to_be_allowed_on_both_and_be_systemds(pair: Pair) -> None:
    with pytest.raises(ActionError, match="has no scheduler"):
        await pair.stage.prepare(ActionName.FAIL_OVER, standby="gpu-018")
    with pytest.raises(ActionError, match="may not be acted on here"):
        await pair.stage.prepare(ActionName.FAIL_OVER, standby="gpu-018", unit="other.service")
    with pytest.raises(ActionError, match="name a unit of the host's own systemd"):
        await pair.stage.prepare(ActionName.FAIL_OVER, standby="gpu-018", unit="docker:vllm")


async def test_a_host_with_a_scheduler_is_drained_and_the_unit_started_on_the_standby(tmp_path: Path) -> None:
    pair = Pair(Stage(tmp_path))
    prepared = await pair.stage.prepare(ActionName.FAIL_OVER, standby="gpu-018", unit=UNIT)
    assert [step.argv[-2:] for step in prepared.plan.steps] == [("start", UNIT), ("state=DRAIN", "reason=anna: Xid 79")]
    assert [drained.host for drained in prepared.deed.takes_out()] == ["gpu-017"]
