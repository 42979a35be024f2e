"""Blast radius and job protection on Kubernetes: real kubectl against a stub API server."""

from dataclasses import replace

import pytest

from leptontui.errors import GuardRefused
from leptontui.model.action import OutcomeKind
from leptontui.model.policy import BUILT_IN, JobShield, Policies, Policy
from leptontui.transport.contract import Completed
from tests.kube.kube_scene import KubeScene
from tests.kube.stub_objects import node

WHY = "the customer asked for it by phone"


def shielding(shield: JobShield) -> Policies:
    return Policies((Policy("p", blast=BUILT_IN, shields=(shield,)),))


def cordon(kube: KubeScene) -> None:
    """As many other nodes as may be out of service at once."""
    nodes = [host.name for host in kube.desk.fleet.hosts if host.name != "gpu-017"]
    for name in nodes[: max(1, (len(nodes) + 1) // 5)]:
        kube.cluster.add(node(name, pool="h100", unschedulable=True))


async def test_nodes_that_are_cordoned_count(kube: KubeScene) -> None:
    cordon(kube)
    plan = await kube.plan("drain")
    rules = {standing.rule: standing for standing in plan.standing}
    assert set(rules) == {"blast-fleet", "blast-partition"}
    assert "hosts of partition the cluster would be out of service" in rules["blast-partition"].cause
    with pytest.raises(GuardRefused, match="would be out of service"):
        await kube.desk.run(plan, plan.confirmation)
    assert not kube.node.is_cordoned
    assert (await kube.desk.run(plan, plan.confirmation, WHY)).kind is OutcomeKind.VERIFIED


async def test_a_node_that_is_not_ready_is_out_already(kube: KubeScene) -> None:
    kube.cluster.add(node("gpu-017", pool="h100", ready=False))
    cordon(kube)
    assert (await kube.plan("cordon")).standing == ()


@pytest.mark.parametrize(
    "shield", [JobShield(names=("vllm-*",)), JobShield(users=("prod",)), JobShield(longer_than_s=60)]
)
async def test_a_protected_pod_is_not_evicted(kube: KubeScene, shield: JobShield) -> None:
    kube.desk._judge = replace(kube.desk._judge, policies=lambda: shielding(shield))
    plan = await kube.plan("drain")
    (standing,) = plan.standing
    assert (standing.rule, standing.may_be_overridden) == ("protected-job", False)
    assert "prod/vllm-0" in standing.cause
    with pytest.raises(GuardRefused, match="protected"):
        await kube.desk.run(plan, plan.confirmation, WHY)
    assert kube.cluster.pods_on("gpu-017") == ["dcgm-x", "kube-proxy-gpu-017", "vllm-0"]
    assert (await kube.plan("cordon")).standing == ()


async def test_an_api_server_that_does_not_say_is_not_taken_for_well(kube: KubeScene) -> None:
    kube.here.instead["get nodes --output=jsonpath"] = Completed(1, "", "Unable to connect to the server: EOF")
    plan = await kube.plan("drain")
    assert [standing.rule for standing in plan.standing] == ["room-unknown"]
