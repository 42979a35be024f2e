"""Reboots: the right way chosen, the return told by the boot id, and nothing called done that was not seen."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.actions.boot import BootSign, parse_sign
from leptontui.errors import ActionError, GuardRefused
from leptontui.model.action import ActionName, Danger
from leptontui.model.target import Fleet
from leptontui.transport.contract import Completed
from tests.unit.actions.actions_scene import link_error
from tests.unit.actions.slurm_stage import BOOT_1, BOOT_2, Stage, stat_of


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


@pytest.fixture
def bare(tmp_path: Path) -> Stage:
    """Without a scheduler."""
    return Stage(tmp_path, scheduler=None)


# Signs of a boot


def test_a_sign_is_read_behind_a_name_with_brackets() -> None:
    assert parse_sign(f"{BOOT_1}\n{stat_of(77)}") == BootSign(BOOT_1, 77)


@pytest.mark.parametrize("stat", ["", "cat: /proc/1/stat: Permission denied\n", "1 (x) S 0\n", "1 (x) S " + "² " * 40])
def test_without_the_first_process_the_boot_id_stands_alone(stat: str) -> None:
    assert parse_sign(f"{BOOT_1}\n{stat}") == BootSign(BOOT_1, None)


@pytest.mark.parametrize(
    "text", ["", "\n", "gone", f" x{BOOT_1}", BOOT_1.replace("-", "_"), BOOT_1.upper().replace("1", "A")]
)
def test_what_is_no_boot_id_is_none(text: str) -> None:
    assert parse_sign(text) is None


@given(st.text(max_size=300))
def test_anything_can_be_read(text: str) -> None:
    parse_sign(text)
    sign = parse_sign(f"{BOOT_1}\n{text}")
    assert sign is not None
    assert sign.boot_id == BOOT_1


def test_news_of_a_boot() -> None:
    before = BootSign(BOOT_1, 50)
    assert BootSign(BOOT_1, 50).news_since(before) == ""
    assert BootSign(BOOT_1, None).news_since(before) == ""
    assert BootSign(BOOT_2, 50).news_since(before) == "another boot id"
    assert "a container was started anew, not the machine" in BootSign(BOOT_1, 99).news_since(before)


# At once


async def test_a_host_is_rebooted_at_once_and_seen_to_be_back(bare: Stage) -> None:
    prepared = await bare.prepare(ActionName.REBOOT)
    (step,) = prepared.plan.steps
    assert step.argv == ("systemctl", "reboot")
    assert (prepared.plan.danger, prepared.plan.confirmation) == (Danger.DESTRUCTIVE, "gpu-017")
    assert prepared.plan.evidence
    assert BOOT_1 in prepared.plan.verification
    assert prepared.plan.running_there == ("logged in: bea pts/0 2026-11-21 03:02 (10.0.0.9)",)
    assert await prepared.deed.check_again() is None
    await bare.run(prepared)
    bare.on_sleep = [lambda: None, bare.machine.reboot]
    verdict = await prepared.deed.verify()
    assert verdict.is_so
    assert verdict.said == "gpu-017 is back after 10 s: another boot id; systemd says running"
    assert bare.said[0] == "waiting for gpu-017 to come back, 0 s: it is up, and has not rebooted yet"
    assert "it does not answer (connection refused)" in bare.said[1]


async def test_who_is_not_root_goes_through_sudo(bare: Stage) -> None:
    bare.machine.uid = 1000
    prepared = await bare.prepare(ActionName.REBOOT)
    assert prepared.plan.steps[0].argv == ("sudo", "-n", "systemctl", "reboot")


async def test_systemctl_may_be_ended_by_the_shutdown_it_asked_for(bare: Stage) -> None:
    (step,) = (await bare.prepare(ActionName.REBOOT)).plan.steps
    assert {0, -15, 143} <= set(step.succeeds)
    assert 1 not in step.succeeds


async def test_a_host_that_does_not_go_down_is_not_verified(bare: Stage) -> None:
    prepared = await bare.prepare(ActionName.REBOOT)
    verdict = await prepared.deed.verify()
    assert not verdict.is_so
    assert verdict.said == "gpu-017 is not back after 1200 s: it is up, and has not rebooted yet"
    waited = sum(bare.slept)
    assert 1190 <= waited <= 1210
    await prepared.deed.verify()  # asked again, it is not waited for anew
    assert sum(bare.slept) == waited


async def test_a_host_that_stays_away_is_not_verified(bare: Stage) -> None:
    prepared = await bare.prepare(ActionName.REBOOT)
    bare.machine.away = 10_000
    verdict = await prepared.deed.verify()
    assert not verdict.is_so
    assert verdict.said.endswith("it does not answer (connection refused)")


async def test_a_clock_that_stands_still_does_not_make_it_wait_for_ever(bare: Stage) -> None:
    prepared = await bare.prepare(ActionName.REBOOT)

    async def sleep(_: float) -> None:
        return None

    prepared.deed.watch.sleep = sleep  # type: ignore[attr-defined]
    assert not (await prepared.deed.verify()).is_so


async def test_a_container_is_told_from_a_machine(bare: Stage) -> None:
    prepared = await bare.prepare(ActionName.REBOOT)
    bare.machine.start_ticks = 99
    verdict = await prepared.deed.verify()
    assert verdict.is_so
    assert "not the machine" in verdict.said


async def test_rebooted_by_somebody_else_meanwhile_it_is_not_rebooted_again(bare: Stage) -> None:
    prepared = await bare.prepare(ActionName.REBOOT)
    bare.machine.reboot(away=0)
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert objection.rule == "changed-since"


async def test_a_host_without_a_boot_id_is_not_rebooted(bare: Stage) -> None:
    bare.host.instead["boot_id"] = Completed(1, "", "cat: /proc/sys/kernel/random/boot_id: No such file\n")
    with pytest.raises(ActionError, match="does not show its boot id: cat"):
        await bare.prepare(ActionName.REBOOT)


async def test_this_machine_itself_is_not_rebooted(bare: Stage) -> None:
    local = dataclasses.replace(bare.fleet.hosts[0], is_local=True)
    bare.fleet = Fleet("fleet", (local,))
    with pytest.raises(ActionError, match="is this machine"):
        await bare.prepare(ActionName.REBOOT)


async def test_what_hangs_on_a_host_is_told(bare: Stage) -> None:
    host, *others = bare.fleet.hosts
    behind = [
        dataclasses.replace(other, jump=jump, controller="gpu-017")
        for other, jump in zip(others, ("oncall@gpu-017:2222,b2", "gpu-0171"), strict=True)
    ]
    bare.fleet = Fleet("fleet", (host, *behind))
    assert (await bare.prepare(ActionName.REBOOT)).plan.warnings == (
        "1 host is reached through it: their links break off too",
        "it is the controller of 2 hosts: nobody can drain or undrain there meanwhile",
    )


async def test_how_slurm_needs_a_slurm(bare: Stage) -> None:
    with pytest.raises(ActionError, match="gpu-017 has no Slurm"):
        await bare.prepare(ActionName.REBOOT, how="slurm")


async def test_at_once_tells_which_jobs_die(stage: Stage) -> None:
    stage.slurm.nodes["gpu-017"][0] = "MIXED"
    stage.slurm.jobs = "8812|cid|63|14:02:11|9:57:49|train\n"
    prepared = await stage.prepare(ActionName.REBOOT, how="now")
    assert prepared.plan.steps[0].argv == ("systemctl", "reboot")
    assert prepared.plan.running_there[0] == "job 8812 train (cid, 63 nodes, 14:02:11, at most 9:57:49 more): dies"
    assert any(line.startswith("it is in service") for line in prepared.plan.warnings)
    assert prepared.plan.ends == ("job 8812",)
    stage.slurm.jobs += "8813|dan|1|0:01|INVALID|new\n"
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert (
        objection.cause == "jobs began there since the plan was made: job 8813 new (dan, 1 node, 0:01, no time limit)"
    )


async def test_at_once_works_though_slurm_is_down_and_says_so(stage: Stage) -> None:
    stage.controller.instead["scontrol"] = Completed(
        1, "", "slurm_load_node error: Unable to contact slurm controller\n"
    )
    prepared = await stage.prepare(ActionName.REBOOT, how="now")
    assert any("what runs there is not known" in line for line in prepared.plan.warnings)
    with pytest.raises(ActionError, match="Unable to contact slurm controller"):
        await stage.prepare(ActionName.REBOOT)


async def test_at_once_tells_whose_drain_it_is(stage: Stage) -> None:
    stage.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "bob: riser"]
    prepared = await stage.prepare(ActionName.REBOOT, how="now")
    assert prepared.plan.warnings == ("somebody else has it out of service: bob: riser [root]",)


# By Slurm


async def test_slurm_reboots_when_the_jobs_have_ended_and_takes_the_node_back(stage: Stage) -> None:
    stage.slurm.nodes["gpu-017"][0] = "MIXED"
    stage.slurm.jobs = "8812|cid|63|14:02:11|0:40|train\n"
    stage.slurm.out = "gpu-003|root|2026-11-20T03:00:00|bob: riser | swap\n"
    prepared = await stage.prepare(ActionName.REBOOT)
    (step,) = prepared.plan.steps
    assert (step.host, step.argv) == (
        "login1",
        ("scontrol", "reboot", "ASAP", "nextstate=RESUME", "reason=anna: Xid 79", "gpu-017"),
    )
    assert "out already: gpu-003 (bob: riser | swap; set by root 2026-11-20T03:00:00)" in prepared.plan.after_this
    assert prepared.ends_jobs == ()
    (drained,) = prepared.deed.takes_out()
    assert (drained.reason, prepared.deed.gives_back()) == ("anna: Xid 79", ("gpu-017",))
    assert await prepared.deed.check_again() is None
    await stage.run(prepared)

    def job_ends() -> None:
        stage.slurm.jobs = ""
        stage.slurm.nodes["gpu-017"] = ["DOWN+DRAIN+REBOOT_ISSUED", "anna: Xid 79 : reboot issued"]
        stage.machine.reboot()

    def registers() -> None:
        stage.slurm.nodes["gpu-017"] = ["IDLE", ""]

    stage.on_sleep = [lambda: None, job_ends, *[lambda: None] * 4, registers]
    verdict = await prepared.deed.verify()
    assert verdict.is_so, verdict
    assert "gpu-017 is back after" in verdict.said
    assert "gpu-017 is IDLE" in verdict.said
    assert stage.said[0] == (
        "waiting, 0 s: gpu-017 is MIXED+DRAIN+REBOOT_REQUESTED: will be rebooted when they have ended "
        "(1 job, at most 00:00:40 more)"
    )


async def test_jobs_that_do_not_end_leave_it_asked_for_and_not_verified(stage: Stage) -> None:
    stage.slurm.nodes["gpu-017"][0], stage.slurm.jobs = "MIXED", "8812|cid|63|14:02:11|UNLIMITED|train\n"
    prepared = await stage.prepare(ActionName.REBOOT, wait="2")
    await stage.run(prepared)
    verdict = await prepared.deed.verify()
    assert not verdict.is_so
    assert verdict.said.startswith("it is not rebooted yet: gpu-017 is MIXED+DRAIN+REBOOT_REQUESTED")
    assert "undrain calls it off" in verdict.said
    assert 115 <= sum(stage.slept) <= 125
    waited = sum(stage.slept)
    assert not (await prepared.deed.verify()).is_so
    assert sum(stage.slept) == waited


async def test_a_node_that_drains_is_rebooted_and_drains_on(stage: Stage) -> None:
    stage.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "bob: riser"]
    prepared = await stage.prepare(ActionName.REBOOT)
    assert prepared.plan.steps[0].argv == ("scontrol", "reboot", "gpu-017")
    assert prepared.plan.warnings == (
        "somebody else drained it, which stays so: bob: riser [root 2026-11-21T00:33:01]",
    )
    assert (prepared.deed.takes_out(), prepared.deed.gives_back()) == ((), ())
    await stage.run(prepared)
    stage.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "bob: riser : reboot issued"]
    stage.machine.reboot()
    verdict = await prepared.deed.verify()
    assert verdict.is_so, verdict
    assert "now safe to reset" in verdict.said


async def test_a_reboot_that_somebody_calls_off_is_told_at_once(stage: Stage) -> None:
    prepared = await stage.prepare(ActionName.REBOOT)
    await stage.run(prepared)
    stage.slurm.nodes["gpu-017"] = ["IDLE", ""]
    verdict = await prepared.deed.verify()
    assert not verdict.is_so
    assert verdict.said.startswith("it has not rebooted, and Slurm does not reboot it any more")
    assert stage.slept == []


async def test_back_but_down_in_slurm_is_not_verified(stage: Stage) -> None:
    prepared = await stage.prepare(ActionName.REBOOT)
    await stage.run(prepared)
    stage.slurm.nodes["gpu-017"] = ["DOWN+DRAIN", "anna: Xid 79 : reboot timed out"]
    stage.machine.reboot()
    verdict = await prepared.deed.verify()
    assert not verdict.is_so
    assert "is back after" in verdict.said
    assert "DOWN+DRAIN" in verdict.said


async def test_a_controller_that_falls_silent_meanwhile_is_asked_again(stage: Stage) -> None:
    prepared = await stage.prepare(ActionName.REBOOT)
    await stage.run(prepared)
    stage.controller.instead["show node"] = link_error("login1 is rebooting too")

    def back() -> None:
        stage.controller.instead.clear()
        stage.slurm.nodes["gpu-017"] = ["IDLE", ""]
        stage.machine.reboot(away=0)

    stage.on_sleep = [lambda: None, back]
    verdict = await prepared.deed.verify()
    assert verdict.is_so, verdict
    assert "login1 is rebooting too" in stage.said[0]


@pytest.mark.parametrize("state", ["IDLE+DRAIN+REBOOT_REQUESTED", "DOWN+DRAIN+REBOOT_ISSUED", "IDLE@+DRAIN", "DOWN^"])
async def test_what_is_being_rebooted_is_not_rebooted_twice(stage: Stage, state: str) -> None:
    stage.slurm.nodes["gpu-017"] = [state, "bob: kernel"]
    with pytest.raises(GuardRefused, match="bob: kernel") as refused:
        await stage.prepare(ActionName.REBOOT)
    assert refused.value.rule == "rebooting"


async def test_down_for_somebody_elses_reason_is_left_alone(stage: Stage) -> None:
    stage.slurm.nodes["gpu-017"] = ["DOWN", "bob: smells burnt"]
    with pytest.raises(GuardRefused, match="smells burnt"):
        await stage.prepare(ActionName.REBOOT)


async def test_drained_by_somebody_between_plan_and_run_is_refused(stage: Stage) -> None:
    prepared = await stage.prepare(ActionName.REBOOT)
    stage.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "bob: riser"]
    objection = await prepared.deed.check_again()
    assert objection is not None
    assert "bob: riser" in objection.cause


async def test_without_a_reboot_program_slurm_cannot(stage: Stage) -> None:
    stage.slurm.reboot_program = "(null)"
    with pytest.raises(ActionError, match="no RebootProgram") as error:
        await stage.prepare(ActionName.REBOOT)
    assert "how=now" in error.value.mend


async def test_a_host_that_slurm_does_not_know_is_rebooted_by_its_systemd(stage: Stage) -> None:
    del stage.slurm.nodes["gpu-017"]
    assert (await stage.prepare(ActionName.REBOOT)).plan.steps[0].argv == ("systemctl", "reboot")
    with pytest.raises(ActionError, match="does not know gpu-017"):
        await stage.prepare(ActionName.REBOOT, how="slurm")


async def test_a_reboot_by_slurm_needs_a_reason(stage: Stage) -> None:
    with pytest.raises(ActionError, match="needs a reason"):
        await stage.prepare(ActionName.REBOOT, reason=" ")


async def test_a_controller_without_slurm_is_no_reason_to_reboot_at_once(stage: Stage) -> None:
    stage.controller.instead["scontrol"] = Completed(127, "", "bash: line 1: scontrol: command not found\n")
    with pytest.raises(ActionError, match="scontrol: command not found"):
        await stage.prepare(ActionName.REBOOT)
