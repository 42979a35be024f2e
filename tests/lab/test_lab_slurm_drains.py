"""Drains over time against a real Slurm: remembered, looked at again, called off, failed over, and taken back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leptontui.errors import ActionError, GuardRefused
from leptontui.model.action import ActionName, ActionRequest, OutcomeKind
from tests.lab.slurm import SlurmLab
from tests.lab.slurm_scene import SlurmScene

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("slurm")]

WHY = "the test takes the only node there is"
"""Two nodes are all: each drain is more than its partition's share."""


@pytest.fixture
def scene(slurm: SlurmLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmScene]:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    yield SlurmScene(slurm, tmp_path)
    slurm.restore()


async def test_a_drain_is_remembered_until_the_job_has_ended_and_it_is_given_back(scene: SlurmScene) -> None:
    job = scene.slurm.submit("gpu1")
    outcome = await scene.act(ActionName.DRAIN, "gpu1", "Xid 79")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert "(1 job)" in outcome.summary

    again = scene.next_session()
    await again.look_again()
    (drained,) = again.drained
    assert (drained.host, drained.reason, drained.is_empty) == ("gpu1", "anna: Xid 79", False)

    scene.slurm.command("scancel", job)
    scene.slurm.wait_for(lambda: scene.slurm.state_of("gpu1") == "drained", "gpu1 to be drained")
    await again.look_again()
    assert again.drained[0].is_empty is True
    assert again.drained[0].said == "gpu1 is IDLE+DRAIN: nothing runs there any more: now safe to reset"

    assert (await scene.act(ActionName.UNDRAIN, "gpu1")).kind is OutcomeKind.VERIFIED
    assert scene.drains.drained == ()
    await again.look_again()
    assert again.drained == ()


async def test_what_somebody_else_gives_back_is_forgotten_and_what_they_take_over_is_told(scene: SlurmScene) -> None:
    await scene.act(ActionName.DRAIN, "gpu1", "Xid 79")
    scene.slurm.command("scontrol", "update", "nodename=gpu1", "state=DRAIN", "reason=bob: riser swap")
    await scene.drains.look_again()
    assert scene.drains.drained[0].said.startswith("it is out for another reason now: bob: riser swap [root]")
    scene.slurm.command("scontrol", "update", "nodename=gpu1", "state=RESUME")
    await scene.drains.look_again()
    assert scene.drains.drained == ()


async def test_the_controller_is_down(scene: SlurmScene) -> None:
    await scene.act(ActionName.DRAIN, "gpu1", "Xid 79")
    plan = await scene.desk.plan(ActionRequest(ActionName.UNDRAIN, "gpu1"))
    scene.slurm.end_controller()
    try:
        with pytest.raises(GuardRefused, match="Unable to contact slurm controller"):
            await scene.desk.run(plan, plan.confirmation)
        with pytest.raises(ActionError, match="Unable to contact slurm controller") as error:
            await scene.desk.plan(ActionRequest(ActionName.DRAIN, "gpu0", reason="fan"))
        assert "slurmctld" in error.value.mend
        await scene.drains.look_again()
        assert (scene.drains.drained[0].is_empty, "could not be asked" in scene.drains.drained[0].said) == (None, True)
    finally:
        scene.slurm.start_controller()
    await scene.drains.look_again()  # slurmctld has not heard of the node yet: nobody knows what runs there
    assert "UNKNOWN" not in scene.drains.drained[0].said or scene.drains.drained[0].is_empty is None
    shown = ("scontrol", "show", "node", "gpu1")
    scene.slurm.wait_for(lambda: "State=IDLE+DRAIN " in scene.slurm.command(*shown), "gpu1 to register")
    await scene.drains.look_again()
    assert scene.drains.drained[0].is_empty is True
    assert (await scene.act(ActionName.UNDRAIN, "gpu1")).kind is OutcomeKind.VERIFIED


async def test_undrain_takes_back_the_drain_alone_and_resume_the_down_too(scene: SlurmScene) -> None:
    scene.slurm.end_node("gpu1")
    try:
        scene.slurm.command("scontrol", "update", "nodename=gpu1", "state=DOWN", "reason=Not responding")
        assert (await scene.act(ActionName.DRAIN, "gpu1", "Xid 79")).kind is OutcomeKind.VERIFIED
        assert scene.slurm.command("scontrol", "show", "node", "gpu1").count("State=DOWN+DRAIN") == 1
        outcome = await scene.act(ActionName.UNDRAIN, "gpu1", how="undrain")
        assert outcome.kind is OutcomeKind.VERIFIED, outcome
        assert scene.slurm.state_of("gpu1").startswith("down")
    finally:
        scene.slurm.start_node("gpu1")
    scene.slurm.wait_idle()  # ReturnToService=2: what registers is in service again
    scene.slurm.command("scontrol", "update", "nodename=gpu1", "state=DOWN", "reason=anna: riser")
    outcome = await scene.act(ActionName.UNDRAIN, "gpu1")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert scene.slurm.state_of("gpu1") == "idle"


async def test_a_node_that_fell_over_is_not_called_back(scene: SlurmScene) -> None:
    await scene.act(ActionName.DRAIN, "gpu1", "Xid 79")
    scene.slurm.end_node("gpu1")
    try:
        outcome = await scene.act(ActionName.UNDRAIN, "gpu1")
        assert outcome.kind is OutcomeKind.NOT_VERIFIED, outcome
        assert "does not take jobs either" in outcome.summary
    finally:
        scene.slurm.start_node("gpu1")


async def test_fail_over_to_a_spare(scene: SlurmScene) -> None:
    job = scene.slurm.submit("gpu0")
    scene.slurm.command("scontrol", "update", "nodename=gpu1", "state=DRAIN", "reason=ops: hot spare")
    outcome = await scene.act(ActionName.FAIL_OVER, "gpu0", "Xid 79", WHY, standby="gpu1")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert scene.slurm.state_of("gpu1") == "idle"
    assert scene.slurm.state_of("gpu0") == "draining"
    assert scene.reason_of("gpu0") == "anna: Xid 79"
    assert scene.slurm.command("squeue", "-h", "-j", job, "-o", "%T").strip() == "RUNNING"
    assert [drained.host for drained in scene.drains.drained] == ["gpu0"]


async def test_a_spare_that_does_not_come_up_is_put_back_and_the_host_stays(scene: SlurmScene) -> None:
    scene.slurm.command("scontrol", "update", "nodename=gpu1", "state=DRAIN", "reason=ops: hot spare")
    request = ActionRequest(ActionName.FAIL_OVER, "gpu0", reason="Xid 79", params=(("standby", "gpu1"),))
    plan = await scene.desk.plan(request)
    scene.slurm.end_node("gpu1")  # slurmctld has not noticed yet
    try:
        outcome = await scene.desk.run(plan, plan.confirmation, WHY)
        assert outcome.kind is OutcomeKind.FAILED, outcome
        assert "so the host stays in service" in outcome.summary
        assert scene.slurm.state_of("gpu0") == "idle"
        assert scene.reason_of("gpu1") == "ops: hot spare"
        assert scene.drains.drained == ()
    finally:
        scene.slurm.start_node("gpu1")


async def test_a_reboot_waits_for_the_job_and_can_be_called_off(scene: SlurmScene) -> None:
    job = scene.slurm.submit("gpu1")
    outcome = await scene.act(ActionName.REBOOT, "gpu1", 'it\'s "slow"; $(reboot)', WHY, wait="0")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED, outcome
    assert outcome.summary.startswith("it is not rebooted yet: gpu1 is MIXED+DRAIN+REBOOT_REQUESTED")
    assert scene.reason_of("gpu1") == "anna: it's 'slow'; $(reboot)"
    await scene.drains.look_again()
    (drained,) = scene.drains.drained
    assert "will be rebooted when they have ended (1 job)" in drained.said

    outcome = await scene.act(ActionName.UNDRAIN, "gpu1")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert scene.slurm.state_of("gpu1") == "mixed"
    assert scene.slurm.command("squeue", "-h", "-j", job, "-o", "%T").strip() == "RUNNING"
    assert scene.slurm.rebooted == ""
    assert scene.drains.drained == ()


async def test_two_users_one_list_of_drains_each(scene: SlurmScene, tmp_path: Path) -> None:
    bea = SlurmScene(scene.slurm, tmp_path, user="bea")
    await scene.act(ActionName.DRAIN, "gpu1", "Xid 79")
    with pytest.raises(GuardRefused, match="anna: Xid 79"):
        await bea.act(ActionName.DRAIN, "gpu1", "fan")
    undrain = await bea.desk.plan(ActionRequest(ActionName.UNDRAIN, "gpu1"))
    assert undrain.confirmation == "gpu1"
    assert any("somebody else drained it: anna: Xid 79" in line for line in undrain.warnings)
    await bea.drains.look_again()
    assert bea.drains.drained == ()
