"""Many nodes, one after the other: real kubectl against a stub API server."""

import asyncio

import pytest

from leptontui.actions import kube_drain
from leptontui.actions.rollouts import Rollouts
from leptontui.errors import ActionError
from leptontui.model.activity import RolloutRequest, RolloutState, TargetState
from tests.kube.stub_objects import budget, pod, workload
from tests.unit.actions.actions_scene import T0

THREE = ("gpu-017", "gpu-018", "gpu-019")


@pytest.fixture
async def rollouts(kube):
    found = Rollouts(kube.desk, clock=lambda: T0)
    yield found
    await found.close()


async def ended(rollouts: Rollouts):
    while rollouts.shown[0].state is RolloutState.RUNNING:  # noqa: ASYNC110 — it tells nobody when it stops
        await asyncio.sleep(0.05)
    return rollouts.shown[0]


async def test_nodes_are_drained_in_turn_until_a_budget_refuses(kube, rollouts, monkeypatch):
    monkeypatch.setattr(kube_drain, "_MOST_S", 2)
    kube.cluster.add(budget("vllm", 1, needs=1, has=2, app="vllm"))
    plan = await rollouts.plan(RolloutRequest("drain", THREE, reason="driver update"))
    assert plan.confirmation == "3"
    await rollouts.start(plan, "3")
    rollout = await ended(rollouts)
    assert rollout.state is RolloutState.STOPPED
    assert [target.state for target in rollout.targets] == [
        TargetState.VERIFIED,
        TargetState.NOT_VERIFIED,
        TargetState.WAITING,
    ]
    assert "held by budget prod/vllm" in rollout.targets[1].said
    assert not kube.cluster.get("nodes", "gpu-019")["spec"].get("unschedulable"), "the rest is left alone"


async def test_what_needs_a_word_of_its_own_is_not_done_by_a_count(kube, rollouts):
    for name in THREE:
        kube.cluster.add(pod(f"by-hand-{name}", name, owner="", app="x"))
    with pytest.raises(ActionError, match="confirmed by itself"):
        await rollouts.plan(RolloutRequest("drain", THREE, reason="x", params=(("force", "yes"),)))


async def test_a_workload_is_restarted_once_through_however_many_hosts(kube, rollouts):
    kube.cluster.add(workload("Deployment", "vllm", "vllm:1"))
    plan = await rollouts.plan(RolloutRequest("restart", THREE, unit="kube:prod/deployment/vllm"))
    assert len(plan.plans) == 1
    assert [host for host, _ in plan.unplanned] == ["gpu-018", "gpu-019"]
