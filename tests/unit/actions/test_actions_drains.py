"""Remembered drains: kept before they are begun, over restarts, and forgotten only when they are seen to have ended."""

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from leptontui.actions.drains import Drains
from leptontui.model.action import ActionName, OutcomeKind
from leptontui.model.target import Fleet
from leptontui.transport.contract import Completed
from tests.unit.actions.actions_scene import T0
from tests.unit.actions.slurm_stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def drains_of(stage: Stage, path: Path | None = None) -> Drains:
    """Another session's."""
    return Drains(
        path or stage.folder / "state" / "drains.json",
        fleet_of=lambda: stage.fleet,
        reach_of=stage.reach_of,
        clock=lambda: stage.now,
    )


async def drain(stage: Stage, drains: Drains, host: str = "gpu-017", kind: OutcomeKind = OutcomeKind.VERIFIED) -> str:
    prepared = await stage.prepare(ActionName.DRAIN, host)
    await drains.expect(prepared)
    if kind is OutcomeKind.VERIFIED:
        await stage.run(prepared)
    return await drains.settle(prepared, kind)


async def test_a_drain_is_remembered_by_the_next_session_and_told_how_it_stands(stage: Stage) -> None:
    assert await drain(stage, drains_of(stage)) == ""
    stage.slurm.nodes["gpu-017"][0] = "MIXED+DRAIN"
    stage.slurm.jobs = "8812|anna|63|14:02:11|9:57:49|train\n"
    stage.now += 60
    again = drains_of(stage)
    assert again.drained == ()
    await again.look_again()
    (drained,) = again.drained
    assert (drained.host, drained.node, drained.scheduler, drained.reason, drained.since_unix_s) == (
        "gpu-017", "gpu-017", "slurm", "anna: Xid 79", T0,
    )  # fmt: skip
    assert (drained.is_empty, drained.asked_unix_s) == (False, T0 + 60)
    assert drained.said == (
        "gpu-017 is MIXED+DRAIN: the jobs there go on until they end (1 job, at most 09:57:49 more)"
    )
    stage.slurm.nodes["gpu-017"][0], stage.slurm.jobs = "IDLE+DRAIN", ""
    await again.look_again()
    assert again.drained[0].is_empty is True
    assert again.drained[0].said.endswith("now safe to reset")


async def test_the_file_is_the_users_alone(stage: Stage) -> None:
    await drain(stage, drains_of(stage))
    for path in (stage.folder / "state").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((stage.folder / "state").stat().st_mode) == 0o700


async def test_killed_between_the_begin_and_the_command_it_is_asked_for_and_forgotten(stage: Stage) -> None:
    await drains_of(stage).expect(await stage.prepare(ActionName.DRAIN))
    again = drains_of(stage)
    await again.look_again()
    assert again.drained == ()
    assert json.loads((stage.folder / "state" / "drains.json").read_text())["drained"] == []


async def test_killed_after_the_command_it_is_remembered(stage: Stage) -> None:
    prepared = await stage.prepare(ActionName.DRAIN)
    await drains_of(stage).expect(prepared)
    await stage.run(prepared)
    again = drains_of(stage)
    await again.look_again()
    assert [drained.host for drained in again.drained] == ["gpu-017"]


async def test_a_look_while_the_command_is_under_way_forgets_nothing(stage: Stage) -> None:
    drains = drains_of(stage)
    prepared = await stage.prepare(ActionName.DRAIN)
    await drains.expect(prepared)
    await drains.look_again()
    assert len(drains.drained) == 1
    await drains_of(stage).look_again()  # another session does, and the drain is written again at its end
    await stage.run(prepared)
    await drains.settle(prepared, OutcomeKind.VERIFIED)
    assert len(drains.drained) == 1


async def test_what_failed_is_not_remembered_and_an_unknown_end_is_asked_for(stage: Stage) -> None:
    drains = drains_of(stage)
    await drain(stage, drains, kind=OutcomeKind.FAILED)
    assert drains.drained == ()
    prepared = await stage.prepare(ActionName.DRAIN)
    await drains.expect(prepared)
    stage.is_cut = True
    await drains.settle(prepared, OutcomeKind.UNKNOWN)
    (drained,) = drains.drained
    assert drained.is_empty is None
    assert drained.said == "it could not be asked: no route"


async def test_a_failed_second_drain_leaves_the_first_as_it_was(stage: Stage) -> None:
    drains = drains_of(stage)
    await drain(stage, drains)
    second = await stage.prepare(ActionName.DRAIN, reason="fan")
    stage.now += 10
    await drains.expect(second)
    assert [(one.reason, one.since_unix_s) for one in drains.drained] == [("anna: fan", T0)]
    await drains.settle(second, OutcomeKind.FAILED)
    assert [(one.reason, one.since_unix_s) for one in drains.drained] == [("anna: Xid 79", T0)]


async def test_a_verified_undrain_ends_it_and_another_does_not(stage: Stage) -> None:
    drains = drains_of(stage)
    await drain(stage, drains)
    await drain(stage, drains, "gpu-018")
    undrain = await stage.prepare(ActionName.UNDRAIN, reason="")
    for kind in (OutcomeKind.FAILED, OutcomeKind.UNKNOWN, OutcomeKind.NOT_VERIFIED):
        await drains.settle(undrain, kind)
        assert len(drains.drained) == 2
    await drains.settle(undrain, OutcomeKind.VERIFIED)
    assert [drained.host for drained in drains.drained] == ["gpu-018"]


async def test_what_somebody_gave_back_is_forgotten_and_what_somebody_took_over_is_told(stage: Stage) -> None:
    drains = drains_of(stage)
    await drain(stage, drains)
    await drain(stage, drains, "gpu-018")
    stage.slurm.nodes["gpu-017"] = ["IDLE", ""]
    stage.slurm.nodes["gpu-018"] = ["IDLE+DRAIN", "bob: riser"]
    await drains.look_again()
    (drained,) = drains.drained
    assert drained.said.startswith("it is out for another reason now: bob: riser [root]; gpu-018 is IDLE+DRAIN")


@pytest.mark.parametrize(
    ("state", "reason"),
    [("IDLE+DRAIN", "anna: Xid 79 : reboot issued"), ("DOWN+REBOOT_ISSUED", ""), ("MIXED+REBOOT_REQUESTED", "")],
)
async def test_what_slurm_reboots_is_still_remembered_as_ours(stage: Stage, state: str, reason: str) -> None:
    drains = drains_of(stage)
    await drain(stage, drains)
    stage.slurm.nodes["gpu-017"] = [state, reason]
    await drains.look_again()
    assert drains.drained[0].said.startswith("gpu-017 is ")


async def test_a_host_of_another_fleet_is_kept_and_not_asked_for(stage: Stage) -> None:
    drains = drains_of(stage)
    await drain(stage, drains)
    other = replace(stage.fleet.hosts[0], controller="login9")
    stage.fleet = Fleet("other", (other,), {"login9": replace(other, name="login9")})
    asked = len(stage.controller.ran)
    again = drains_of(stage)
    await again.look_again()
    assert again.drained[0].said == "it is not in this fleet: its controller is login1"
    assert len(stage.controller.ran) == asked


async def test_a_silent_node_is_never_called_safe(stage: Stage) -> None:
    drains = drains_of(stage)
    await drain(stage, drains)
    for state in ("IDLE*+DRAIN", "DOWN+DRAIN+NOT_RESPONDING", "DOWN*+DRAIN", "UNKNOWN+DRAIN"):
        stage.slurm.nodes["gpu-017"][0] = state
        await drains.look_again()
        assert drains.drained[0].is_empty is None
        assert "what still runs there is not known" in drains.drained[0].said


@pytest.mark.parametrize("content", ["{", "[]", '{"version":2,"drained":[]}', '{"version":1,"drained":[{}]}', "\x00"])
async def test_a_damaged_file_is_put_aside(stage: Stage, content: str) -> None:
    path = stage.folder / "drains.json"
    path.write_text(content)
    drains = drains_of(stage, path)
    await drain(stage, drains)
    assert len(drains.drained) == 1
    assert (stage.folder / "drains.json.damaged").read_text() == content


async def test_a_file_that_cannot_be_written_is_complained_of_and_remembered_meanwhile(stage: Stage) -> None:
    (stage.folder / "state").write_text("a file where the directory should be")
    drains = drains_of(stage)
    complaint = await drain(stage, drains)
    assert complaint.startswith("it is remembered only until the program ends: ")
    assert "drains.json" in drains.trouble
    assert len(drains.drained) == 1
    (stage.folder / "state").unlink()
    undrain = await stage.prepare(ActionName.UNDRAIN, reason="")
    assert await drains.settle(undrain, OutcomeKind.VERIFIED) == ""
    assert drains.drained == ()


async def test_a_link_in_the_place_of_the_file_is_not_followed(stage: Stage) -> None:
    path = stage.folder / "drains.json"
    path.symlink_to(stage.folder / "elsewhere")
    drains = drains_of(stage, path)
    assert await drain(stage, drains) != ""
    assert not (stage.folder / "elsewhere").exists()


async def test_two_sessions_keep_one_list(stage: Stage) -> None:
    one, other = drains_of(stage), drains_of(stage)
    await drain(stage, one)
    await drain(stage, other, "gpu-018")
    await one.look_again()
    assert [drained.host for drained in one.drained] == ["gpu-017", "gpu-018"]
    await one.forget("gpu-018")
    await other.look_again()
    assert [drained.host for drained in other.drained] == ["gpu-017"]


async def test_a_controller_that_is_down_leaves_it_remembered(stage: Stage) -> None:
    drains = drains_of(stage)
    await drain(stage, drains)
    stage.controller.instead["show node"] = Completed(
        1, "", "slurm_load_node error: Unable to contact slurm controller (connect failure)\n"
    )
    await drains.look_again()
    (drained,) = drains.drained
    assert drained.is_empty is None
    assert "Unable to contact slurm controller" in drained.said
