"""Restart, roll back and scale of workloads: real kubectl against a stub API server."""

import pytest

from leptontui.actions import kube_workload
from leptontui.errors import ActionError, GuardRefused, NotConfirmed
from leptontui.model.action import Danger, OutcomeKind
from leptontui.model.link import LinkState
from tests.kube.stub_objects import pod, workload

DEPLOYMENT = "kube:prod/deployment/vllm"
STATEFUL = "kube:prod/statefulset/db"
DAEMON = "kube:prod/daemonset/dcgm"


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """What does not come up is given up after a second."""
    monkeypatch.setattr(kube_workload, "_MOST_S", 1)


@pytest.fixture
def rolled(kube):
    """A deployment, a stateful set and a daemon set, each at its second revision."""
    for kind, name in (("Deployment", "vllm"), ("StatefulSet", "db"), ("DaemonSet", "dcgm")):
        kube.cluster.add(workload(kind, name, f"{name}:1"))
        resource = f"{kind.lower()}s"
        change = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": f"{name}:2"}]}}}}
        kube.cluster.patch((resource, "prod", name), change, dry_run=False)
    kube.cluster.changes.clear()
    return kube


def image(kube, resource, name):
    return kube.cluster.get(resource, name)["spec"]["template"]["spec"]["containers"][0]["image"]


@pytest.mark.parametrize("unit", [DEPLOYMENT, STATEFUL, DAEMON])
async def test_a_restart_is_followed_to_its_end(rolled, unit):
    plan = await rolled.plan("restart", unit=unit)
    assert (plan.danger, plan.confirmation) == (Danger.DISRUPTIVE, "")
    assert [step.argv[3:5] for step in plan.steps] == [("rollout", "restart"), ("rollout", "status")]
    assert rolled.cluster.changes == []
    assert any(line.startswith("revision 2 (") and "runs now" in line for line in plan.after_this)
    outcome = await rolled.desk.run(plan, "")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert "2 of 2 pods available" in outcome.summary
    assert rolled.slept == [kube_workload.STAY_UP_S], "asked again after a while"


async def test_a_restart_whose_pods_do_not_come_up(rolled):
    plan = await rolled.plan("restart", unit=DEPLOYMENT)
    rolled.cluster.is_stuck = True
    bad = pod("vllm-x", "gpu-018", ready=False, app="vllm")
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image\x1b[31m"}}
    bad["status"]["containerStatuses"] = [{"name": "main", "restartCount": 0, "state": waiting}]
    rolled.cluster.add(bad)
    outcome = await rolled.desk.run(plan, "")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "0 of 2 pods available" in outcome.summary
    assert "ProgressDeadlineExceeded" in outcome.summary
    assert "prod/vllm-x is Running and not ready: ImagePullBackOff: no such image" in outcome.output
    assert "\x1b" not in outcome.output


async def test_a_workload_that_is_up_and_does_not_stay(rolled):
    async def dies(seconds):
        rolled.cluster.get("deployments", "vllm")["status"]["availableReplicas"] = 0

    plan = await rolled.plan("restart", unit=DEPLOYMENT)
    rolled.meanwhile = dies
    outcome = await rolled.desk.run(plan, "")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "it came up and did not stay: prod/deployment/vllm: 0 of 2 pods available" in outcome.summary


async def test_nobody_restarts_what_somebody_else_just_restarted(rolled):
    plan = await rolled.plan("restart", unit=DEPLOYMENT)
    stamp = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-21T18:00:00Z"}}}
    rolled.cluster.patch(("deployments", "prod", "vllm"), {"spec": {"template": stamp}}, dry_run=False)
    with pytest.raises(GuardRefused) as refused:
        await rolled.desk.run(plan, "")
    assert refused.value.rule == "changed-since"


@pytest.mark.parametrize(
    ("resource", "unit"), [("deployments", DEPLOYMENT), ("statefulsets", STATEFUL), ("daemonsets", DAEMON)]
)
async def test_a_roll_back_puts_the_revision_before_back(rolled, resource, unit):
    name = unit.rpartition("/")[2]
    plan = await rolled.plan("roll-back", unit=unit)
    assert (plan.danger, plan.confirmation) == (Danger.DESTRUCTIVE, "gpu-017")
    assert "--to-revision=1" in plan.steps[0].argv, "what was shown is what is run"
    assert any("rolling back to revision 2" in line for line in plan.after_this), "the old one is written down"
    outcome = await rolled.desk.run(plan, "gpu-017")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert image(rolled, resource, name) == f"{name}:1"
    plan = await rolled.plan("roll-back", unit=unit, revision="2")
    assert (await rolled.desk.run(plan, "gpu-017")).kind is OutcomeKind.VERIFIED
    assert image(rolled, resource, name) == f"{name}:2"


async def test_a_roll_back_that_finds_another_revision_is_refused(rolled):
    plan = await rolled.plan("roll-back", unit=DEPLOYMENT)
    change = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "vllm:3"}]}}}}
    rolled.cluster.patch(("deployments", "prod", "vllm"), change, dry_run=False)
    with pytest.raises(GuardRefused):
        await rolled.desk.run(plan, "gpu-017")
    assert image(rolled, "deployments", "vllm") == "vllm:3"


async def test_a_revision_that_is_not_there(rolled):
    with pytest.raises(ActionError, match="revision 9 of prod/deployment/vllm is not kept") as caught:
        await rolled.plan("roll-back", unit=DEPLOYMENT, revision="9")
    assert caught.value.mend == "it can go back to 1"
    with pytest.raises(ActionError, match="is what runs now"):
        await rolled.plan("roll-back", unit=DEPLOYMENT, revision="2")
    rolled.cluster.add(workload("Deployment", "new", "new:1"))
    with pytest.raises(ActionError, match="may not be acted on here"):
        await rolled.plan("roll-back", unit="kube:prod/deployment/new")


async def test_what_kubernetes_does_not_roll_by_itself(rolled):
    rolled.cluster.get("deployments", "vllm")["spec"]["paused"] = True
    with pytest.raises(ActionError, match="is paused"):
        await rolled.plan("restart", unit=DEPLOYMENT)
    rolled.cluster.get("daemonsets", "dcgm")["spec"]["updateStrategy"] = {"type": "OnDelete"}
    with pytest.raises(ActionError, match="only when somebody deletes it"):
        await rolled.plan("restart", unit=DAEMON)
    rolled.cluster.objects.pop(("statefulsets", "prod", "db"))
    with pytest.raises(ActionError, match="knows no prod/statefulset/db"):
        await rolled.plan("restart", unit=STATEFUL)


async def test_recreate_is_warned_of(rolled):
    rolled.cluster.get("deployments", "vllm")["spec"]["strategy"] = {"type": "Recreate"}
    plan = await rolled.plan("restart", unit=DEPLOYMENT)
    assert any("(Recreate)" in line for line in plan.warnings)


async def test_scale_says_before_and_after(rolled):
    plan = await rolled.plan("scale", unit=DEPLOYMENT, replicas="4")
    assert plan.title.startswith("Scale prod/deployment/vllm from 2 to 4")
    assert "undone by scaling back to 2" in plan.after_this
    assert plan.undo == plan.request.but(replicas="2")
    assert {"--current-replicas=2", "--replicas=4"} <= set(plan.steps[0].argv)
    outcome = await rolled.desk.run(plan, "")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert rolled.cluster.get("deployments", "vllm")["spec"]["replicas"] == 4
    with pytest.raises(ActionError, match="has this count already"):
        await rolled.plan("scale", unit=DEPLOYMENT, replicas="4")


async def test_scale_is_only_from_the_count_that_was_shown(rolled):
    plan = await rolled.plan("scale", unit=DEPLOYMENT, replicas="4")
    rolled.cluster.patch(("deployments", "prod", "vllm"), {"spec": {"replicas": 3}}, dry_run=False)
    with pytest.raises(GuardRefused) as refused:
        await rolled.desk.run(plan, "")
    assert refused.value.rule == "changed-since"


async def test_scale_to_nothing_is_typed(rolled):
    plan = await rolled.plan("scale", unit=STATEFUL, replicas="0")
    assert (plan.danger, plan.confirmation) == (Danger.DESTRUCTIVE, "gpu-017")
    assert "prod/statefulset/db serves nothing after this" in plan.warnings
    with pytest.raises(NotConfirmed):
        await rolled.desk.run(plan, "")
    assert (await rolled.desk.run(plan, "gpu-017")).kind is OutcomeKind.VERIFIED


async def test_scale_without_room_is_not_verified(rolled):
    plan = await rolled.plan("scale", unit=DEPLOYMENT, replicas="3")
    rolled.cluster.is_stuck = True
    outcome = await rolled.desk.run(plan, "")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "0 of 3 pods available" in outcome.summary


async def test_an_autoscaler_is_warned_of(rolled):
    rolled.cluster.add(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "vllm", "namespace": "prod"},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "vllm"}, "minReplicas": 2, "maxReplicas": 8},
        }
    )
    plan = await rolled.plan("scale", unit=DEPLOYMENT, replicas="4")
    assert any("from 2 to 8" in line for line in plan.warnings)
    with pytest.raises(ActionError, match="once on each node"):
        await rolled.plan("scale", unit=DAEMON, replicas="4")


async def test_a_workload_is_restarted_however_the_host_is(rolled):
    rolled.facts.states["gpu-017"] = LinkState.LOST
    assert (await rolled.done("restart", unit=DEPLOYMENT)).kind is OutcomeKind.VERIFIED
