"""What runbooks check and wait for: each condition, as hosts and controllers answer it."""

import pytest

from leptontui.actions.conditions import Question, is_so
from leptontui.actions.reach import Reach, Verdict
from leptontui.errors import ActionError
from leptontui.model.link import LinkState
from leptontui.model.runbook import CONDITIONS
from leptontui.model.target import HostTarget
from leptontui.transport.contract import Completed
from tests.unit.actions.actions_scene import UNIT, Scene

GPUS = "0, GPU-a, 41\n1, GPU-b, 43\n"


async def asked(scene: Scene, condition: str, *, unit: str = "", target: HostTarget | None = None) -> Verdict:
    async def reach_of(host: HostTarget) -> Reach:
        return Reach.of(host, scene.controller if host.name == "login1" else scene.host)

    question = Question(target or scene.target, unit, scene.desk.fleet, scene.facts, reach_of)
    return await is_so(condition, question)


def host_says(scene: Scene, text: str, answer: Completed) -> None:
    scene.host.instead[text] = answer


async def test_every_condition_can_be_asked(scene: Scene) -> None:
    host_says(scene, "nvidia-smi", Completed(0, GPUS, ""))
    for name, condition in CONDITIONS.items():
        assert (await asked(scene, name, unit=UNIT if condition.takes_unit else "")).said
    assert scene.changes == []


async def test_one_that_is_not_there_says_so(scene: Scene) -> None:
    with pytest.raises(ActionError, match="no condition"):
        await asked(scene, "tidy")


async def test_a_link_is_live_only_with_fresh_values(scene: Scene) -> None:
    assert (await asked(scene, "link-live")).is_so
    scene.facts.ages["gpu-017"] = 30.0
    assert not (await asked(scene, "link-live")).is_so
    scene.facts.ages["gpu-017"] = 0.4
    scene.facts.states["gpu-017"] = LinkState.LOST
    assert (await asked(scene, "link-live")).said == "gpu-017 is lost"


@pytest.mark.parametrize(
    ("state", "jobs", "drained", "empty", "in_service"),
    [
        ("IDLE", "", False, False, True),
        ("MIXED", "8812|bea|1|1:00:00|train", False, False, True),
        ("IDLE+DRAIN", "", True, True, False),
        ("MIXED+DRAIN", "8812|bea|1|1:00:00|train", True, False, False),
        ("DOWN*", "", False, False, False),
    ],
)
async def test_the_scheduler_says_how_a_host_stands(
    scene: Scene, state: str, jobs: str, *, drained: bool, empty: bool, in_service: bool
) -> None:
    scene.slurm.nodes["gpu-017"] = [state, ""]
    scene.slurm.jobs = jobs
    found = [(await asked(scene, name)).is_so for name in ("drained", "drained-and-empty", "in-service")]
    assert found == [drained, empty, in_service]


async def test_a_host_without_a_scheduler_cannot_be_asked_for_one(scene: Scene) -> None:
    with pytest.raises(ActionError, match="no Slurm or Kubernetes"):
        await asked(scene, "drained", target=HostTarget("gpu-017"))


async def test_a_unit_is_up_or_not(scene: Scene) -> None:
    assert (await asked(scene, "unit-active", unit=UNIT)).is_so
    scene.systemd.active, scene.systemd.sub = "failed", "failed"
    verdict = await asked(scene, "unit-active", unit=UNIT)
    assert not verdict.is_so
    assert UNIT in verdict.said


@pytest.mark.parametrize("unit", ["kube:prod/deployment/vllm", "helm:prod/vllm"])
async def test_what_is_not_on_the_host_is_not_asked_there(scene: Scene, unit: str) -> None:
    with pytest.raises(ActionError, match="is not asked"):
        await asked(scene, "unit-active", unit=unit)


@pytest.mark.parametrize("unit", ["-x.service", "a b", "$(reboot)", ""])
async def test_what_is_no_unit_is_not_put_into_a_command(scene: Scene, unit: str) -> None:
    with pytest.raises(ActionError):
        await asked(scene, "unit-active", unit=unit)
    assert scene.host.ran == []


@pytest.mark.parametrize(
    ("answer", "is_well", "said"),
    [
        (Completed(0, GPUS, ""), True, "all 2 GPUs answer"),
        (Completed(0, "0, GPU-a, 41\n", ""), False, "1 GPUs answer, 2 should"),
        (Completed(0, "0, GPU-a, 41\n1, GPU-b, [Unknown Error]\n", ""), False, "1 of 2 GPUs do not say"),
        (Completed(0, "", ""), False, "0 GPUs answer"),
        (Completed(15, "", "No devices were found\n"), False, "No devices were found"),
    ],
)
async def test_gpus_answer_if_all_say_something(scene: Scene, answer: Completed, *, is_well: bool, said: str) -> None:
    host_says(scene, "nvidia-smi", answer)
    verdict = await asked(scene, "gpus-answer", target=HostTarget("gpu-017", gpus=2))
    assert verdict.is_so is is_well
    assert said in verdict.said


async def test_a_host_without_nvidia_smi_cannot_be_asked_for_gpus(scene: Scene) -> None:
    with pytest.raises(ActionError, match="no nvidia-smi"):
        await asked(scene, "gpus-answer")
