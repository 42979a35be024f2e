"""Fail over between two nodes of Kubernetes: real kubectl against a stub API server."""

import pytest

from leptontui.actions.drains import Drains
from leptontui.errors import GuardRefused
from leptontui.model.action import OutcomeKind
from tests.kube.kube_scene import KubeScene

WHY = "half of a pool of two"


def cordon(kube: KubeScene, name: str, reason: str) -> None:
    """Somebody has cordoned a node."""
    found = kube.cluster.get("nodes", name)
    found["spec"]["unschedulable"] = True
    found["metadata"].setdefault("annotations", {})["leptontui/reason"] = reason


async def test_the_standby_is_uncordoned_first_and_then_the_host_is_drained(kube: KubeScene) -> None:
    cordon(kube, "gpu-018", "ops: hot spare")
    plan = await kube.plan("fail-over", standby="gpu-018")
    assert "uncordon" in plan.steps[0].argv
    assert "drain" in plan.steps[-1].argv
    assert plan.confirmation == "gpu-017"
    outcome = await kube.desk.run(plan, "gpu-017", WHY)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert kube.node.is_cordoned
    assert not kube.cluster.get("nodes", "gpu-018")["spec"].get("unschedulable", False)


async def test_a_node_that_somebody_else_took_out_is_no_standby(kube: KubeScene) -> None:
    cordon(kube, "gpu-018", "bob: riser swap")
    with pytest.raises(GuardRefused, match="bob: riser swap"):
        await kube.plan("fail-over", standby="gpu-018")
    assert kube.cluster.changes == []


async def test_a_standby_that_takes_pods_already_is_left_as_it_is(kube: KubeScene) -> None:
    plan = await kube.plan("fail-over", standby="gpu-018")
    assert not any("uncordon" in step.argv for step in plan.steps)
    assert (await kube.desk.run(plan, "gpu-017", WHY)).kind is OutcomeKind.VERIFIED


async def test_a_drain_of_kubernetes_is_remembered_too(kube: KubeScene, tmp_path) -> None:
    drains = Drains(tmp_path / "drains.json", fleet_of=lambda: kube.desk.fleet, reach_of=kube.desk.reach)
    kube.desk._drains = drains
    assert (await kube.done("drain")).kind is OutcomeKind.VERIFIED
    (drained,) = drains.drained
    assert (drained.host, drained.scheduler, drained.reason, drained.is_empty) == (
        "gpu-017", "kubernetes", "anna: Xid 79", True,
    )  # fmt: skip
    again = Drains(tmp_path / "drains.json", fleet_of=lambda: kube.desk.fleet, reach_of=kube.desk.reach)
    await again.look_again()
    assert "now safe to reset" in again.drained[0].said
    assert (await kube.done("undrain")).kind is OutcomeKind.VERIFIED
    assert drains.drained == ()
