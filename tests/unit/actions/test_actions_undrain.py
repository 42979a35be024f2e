"""Drain and undrain of Slurm nodes without a desk: what is told, what takes it back, and what is not called done."""

from pathlib import Path

import pytest

from leptontui.actions.reach import Verdict
from leptontui.actions.schedulers import stand_of
from leptontui.errors import ActionError, GuardRefused
from leptontui.model.action import ActionName, Danger
from leptontui.model.target import HostTarget
from leptontui.transport.contract import OUTPUT_LIMIT, Completed
from tests.unit.actions.slurm_stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


async def test_the_plan_of_a_drain_tells_who_is_out_already_and_what_is_left(stage: Stage) -> None:
    stage.slurm.nodes["gpu-018"] = ["IDLE+DRAIN", "bob: riser"]
    stage.slurm.out = (
        "gpu-018|root|2026-11-20T03:00:00|bob: riser\n" * 2
        + "gpu-017|root|now|itself\nno reason\n"
        + "".join(f"gpu-1{n:02d}|cid|2026-11-19T01:00:00|\n" for n in range(9))
    )
    after = (await stage.prepare(ActionName.DRAIN)).plan.after_this
    assert after[:3] == (
        "gpu-017 is IDLE now; no new job starts there",
        "1 of 3 nodes left in train",
        "out already: gpu-018 (bob: riser; set by root 2026-11-20T03:00:00)",
    )
    assert after[3] == "out already: gpu-100 (no reason given; set by cid 2026-11-19T01:00:00)"
    assert after[-2] == "out already: … and 2 more"
    assert not any("itself" in line for line in after)


async def test_who_is_out_is_left_open_where_slurm_does_not_say(stage: Stage) -> None:
    stage.controller.instead["-t drain"] = Completed(1, "", "sinfo: error: no\n")
    assert (
        "who is out of service there is not known: sinfo: error: no"
        in (await stage.prepare(ActionName.DRAIN)).plan.warnings
    )


async def test_more_nodes_than_can_be_listed_are_not_counted(stage: Stage) -> None:
    line = "gpu-100|idle|train*\n"
    stage.controller.instead["%N|%t|%P"] = Completed(0, (line * (OUTPUT_LIMIT // len(line) + 1))[:OUTPUT_LIMIT], "")
    plan = (await stage.prepare(ActionName.DRAIN)).plan
    assert "what is left of its partitions is not known: they have too many nodes to list" in plan.warnings
    assert not any("nodes left in" in said for said in plan.after_this)


@pytest.mark.parametrize(
    ("before", "argv"),
    [
        (("IDLE", ""), ("state=UNDRAIN",)),
        (("DOWN", "Not responding"), ("state=UNDRAIN",)),
        (("IDLE+DRAIN", "anna: fan"), ("state=DRAIN", "reason=anna: fan")),
        (("IDLE+DRAIN", 'anna: the "fan"'), ("state=DRAIN", "reason=anna: the 'fan'")),
    ],
)
async def test_what_takes_a_drain_back_puts_the_node_as_it_was(
    stage: Stage, before: tuple[str, str], argv: tuple[str, ...]
) -> None:
    stage.slurm.nodes["gpu-017"] = [*before]
    prepared = await stage.prepare(ActionName.DRAIN)
    assert prepared.take_back[0].argv == ("scontrol", "update", "nodename=gpu-017", *argv)
    assert prepared.take_back[0].host == "login1"


@pytest.mark.parametrize("how", ["resume", "undrain"])
async def test_undrain_in_either_way(stage: Stage, how: str) -> None:
    stage.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "anna: fan"]
    prepared = await stage.prepare(ActionName.UNDRAIN, how=how)
    assert prepared.plan.steps[0].argv == ("scontrol", "update", "nodename=gpu-017", f"state={how.upper()}")
    assert prepared.take_back[0].argv[-2:] == ("state=DRAIN", "reason=anna: fan")
    assert prepared.deed.gives_back() == ("gpu-017",)
    await stage.run(prepared)
    assert (await prepared.deed.verify()).said == "gpu-017 is IDLE"


async def test_a_node_that_is_down_is_resumed_and_not_undrained(stage: Stage) -> None:
    stage.slurm.nodes["gpu-017"] = ["DOWN", "Not responding"]
    with pytest.raises(GuardRefused, match="is not drained, it is DOWN"):
        await stage.prepare(ActionName.UNDRAIN, how="undrain")
    prepared = await stage.prepare(ActionName.UNDRAIN)
    assert prepared.plan.danger is Danger.DESTRUCTIVE
    assert prepared.plan.ends == ("drain: Not responding",)
    assert "gpu-017 is DOWN: RESUME puts it back whether or not it is well" in prepared.plan.warnings
    assert prepared.take_back == {}


async def test_undrain_leaves_a_down_as_it_is_and_says_so(stage: Stage) -> None:
    stage.slurm.nodes["gpu-017"] = ["DOWN+DRAIN", "anna: fan"]
    prepared = await stage.prepare(ActionName.UNDRAIN, how="undrain")
    assert any("takes no jobs before it is resumed" in line for line in prepared.plan.warnings)
    await stage.run(prepared)
    assert await prepared.deed.verify() == Verdict(is_so=True, said="gpu-017 is DOWN")


async def test_a_node_that_slurm_does_not_hear_of_after_resume_is_not_verified(stage: Stage) -> None:
    stage.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "anna: fan"]
    prepared = await stage.prepare(ActionName.UNDRAIN)
    stage.slurm.nodes["gpu-017"] = ["IDLE+NOT_RESPONDING", ""]
    verdict = await prepared.deed.verify()
    assert not verdict.is_so
    assert "does not take jobs either" in verdict.said
    assert sum(stage.slept) == 10


async def test_it_may_take_a_moment_to_register(stage: Stage) -> None:
    stage.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "anna: fan"]
    prepared = await stage.prepare(ActionName.UNDRAIN)
    stage.slurm.nodes["gpu-017"] = ["IDLE+NOT_RESPONDING", ""]
    stage.on_sleep = [lambda: None, lambda: stage.slurm.nodes.update({"gpu-017": ["IDLE", ""]})]
    assert (await prepared.deed.verify()).is_so
    assert stage.slept == [1.0, 1.0]


async def test_a_reboot_that_waits_is_called_off_first(stage: Stage) -> None:
    stage.slurm.nodes["gpu-017"] = ["MIXED+DRAIN+REBOOT_REQUESTED", "anna: kernel"]
    prepared = await stage.prepare(ActionName.UNDRAIN)
    assert [step.argv[1] for step in prepared.plan.steps] == ["cancel_reboot", "update"]
    assert any("the reboot is called off" in line for line in prepared.plan.warnings)
    assert await stage.run(prepared) == ["scontrol cancel_reboot gpu-017"]  # that gave it back already
    assert (await prepared.deed.verify()).is_so


async def test_a_node_that_slurmctld_has_not_heard_of_since_it_was_started_is_left_alone(stage: Stage) -> None:
    stage.slurm.nodes["gpu-017"] = ["UNKNOWN+DRAIN", "anna: fan"]
    with pytest.raises(GuardRefused, match="has not heard of it yet") as refused:
        await stage.prepare(ActionName.UNDRAIN)
    assert refused.value.rule == "not-registered"


async def test_a_node_that_is_rebooting_is_left_alone(stage: Stage) -> None:
    stage.slurm.nodes["gpu-017"] = ["DOWN+DRAIN+REBOOT_ISSUED", "anna: kernel : reboot issued"]
    with pytest.raises(GuardRefused, match="is rebooting"):
        await stage.prepare(ActionName.UNDRAIN)


async def test_the_answer_to_a_drain_tells_when_it_is_safe(stage: Stage) -> None:
    prepared = await stage.prepare(ActionName.DRAIN)
    await stage.run(prepared)
    assert (await prepared.deed.verify()).said == (
        "gpu-017 is IDLE+DRAIN: nothing runs there any more: now safe to reset"
    )
    stage.slurm.nodes["gpu-017"][0] = "MIXED+DRAIN"
    stage.slurm.jobs = "1|cid|1|1:00|1-02:03:04|a\n2|cid|1|1:00|5:00|b\n"
    assert (await prepared.deed.verify()).said.endswith("go on until they end (2 jobs, at most 1-02:03:04 more)")
    stage.slurm.jobs += "3|cid|1|1:00|UNLIMITED|c\n"
    assert (await prepared.deed.verify()).said.endswith("go on until they end (3 jobs)")
    stage.slurm.nodes["gpu-017"][0], stage.slurm.jobs = "IDLE+COMPLETING+DRAIN", ""
    assert (await prepared.deed.verify()).said.endswith("what ran there is being cleared away")


async def test_how_a_host_stands_needs_a_scheduler_that_is_known(stage: Stage) -> None:
    stand = await stand_of(stage.fleet, stage.fleet.hosts[0], stage.reach_of)
    assert (stand.is_out, stand.is_empty, stand.is_well, stand.jobs) == (False, True, True, 0)
    with pytest.raises(ActionError, match="has no Slurm or Kubernetes"):
        await stand_of(stage.fleet, HostTarget("x"), stage.reach_of)
    with pytest.raises(ActionError, match="scheduler pbs, not known here"):
        await stand_of(stage.fleet, HostTarget("x", scheduler="pbs", controller="login1"), stage.reach_of)


# Who may


@pytest.mark.parametrize(
    ("answers", "prefix", "warned"),
    [
        ({}, (), False),
        ({"id -un": "root\n"}, (), False),
        ({"id -un": "slurm\n"}, (), False),
        ({"id -un": "oncall\n", "sacctmgr": "Operator\n"}, (), False),
        ({"id -un": "oncall\n", "sacctmgr": "None\n", "sudo -n -l": "/usr/bin/scontrol\n"}, ("sudo", "-n"), False),
        ({"id -un": "oncall\n", "sacctmgr": "None\n"}, (), True),
        ({"id -un": "oncall\n"}, (), True),
    ],
)
@pytest.mark.parametrize("action", [ActionName.DRAIN, ActionName.UNDRAIN, ActionName.REBOOT])
async def test_with_whose_rights_it_is_run(
    stage: Stage, answers: dict[str, str], prefix: tuple[str, ...], warned: bool, action: str
) -> None:
    if action == ActionName.UNDRAIN:
        stage.slurm.nodes["gpu-017"] = ["IDLE+DRAIN", "anna: fan"]
    stage.controller.instead.update({words: Completed(0, said, "") for words, said in answers.items()})
    prepared = await stage.prepare(action)
    steps = [*prepared.plan.steps, *prepared.take_back.values()]
    assert all(step.argv[: len(prefix) + 1] == (*prefix, "scontrol") for step in steps)
    told = [line for line in prepared.plan.warnings if "likely to refuse" in line]
    assert bool(told) is warned
    assert told == (
        ["Slurm is likely to refuse it: oncall is no operator of it, as far as login1 says"] if warned else []
    )
