"""Cordon, drain and uncordon: real kubectl against a stub API server."""

import asyncio
from pathlib import Path

import pytest

from leptontui.actions import kube_drain
from leptontui.actions.drains import Drains
from leptontui.actions.kube_node import look_at_kube
from leptontui.actions.reach import Reach
from leptontui.errors import ActionError, CommandTimeout, GuardRefused, NotConfirmed
from leptontui.model.action import Danger, OutcomeKind
from tests.kube.kube_scene import KubeScene, kubeconfig
from tests.kube.stub_objects import budget, node, pod
from tests.unit.actions.actions_scene import T0, link_error


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drain that is refused is given up at once; kubectl itself waits 5 s between two tries."""
    monkeypatch.setattr(kube_drain, "_MOST_S", 2)


async def test_a_drain_moves_the_pods_and_keeps_who_and_why(kube):
    plan = await kube.plan("drain")
    assert plan.title == "Drain gpu-017 in Kubernetes"
    assert (plan.danger, plan.confirmation) == (Danger.DESTRUCTIVE, "gpu-017")
    assert plan.running_there == ("prod/vllm-0 (ReplicaSet vllm-5d4f, 1 GPU, 55 d 8 h): is evicted",)
    assert "1 of 2 nodes left in pool h100, 8 of 16 GPUs" in plan.after_this
    assert "what stays there: 1 pod of DaemonSets and 1 pod of the node itself" in plan.after_this
    assert plan.standing == ()
    assert kube.cluster.changes == [], "a plan, with its dry run, changes nothing"
    outcome = await kube.desk.run(plan, "gpu-017")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert "now safe to reset" in outcome.summary
    assert kube.cluster.pods_on("gpu-017") == ["dcgm-x", "kube-proxy-gpu-017"]
    assert (kube.node.is_cordoned, kube.node.reason) == (True, "anna: Xid 79")
    assert kube.node.plan_id == plan.plan_id == kube.lines[0].plan_id
    assert kube.cluster.pods_on("gpu-018") == ["other"]
    assert [line.event for line in kube.lines] == ["begun", "ended"]


async def test_the_context_that_was_planned_for_is_in_every_command(kube):
    plan = await kube.plan("drain")
    for step in plan.steps:
        assert step.argv[:3] == ("kubectl", f"--kubeconfig={kube.target.kubeconfig}", "--context=prod")
    assert [step.argv[3] for step in plan.steps] == ["annotate", "cordon", "drain"]


async def test_the_current_context_is_asked_for_once_and_then_named(kube, cluster, tmp_path):
    config = kubeconfig(tmp_path / "config2", url_of(kube), "prod", "other", current="prod")
    scene = KubeScene(tmp_path, cluster, config, user="cleo", kube_context=None)
    plan = await scene.plan("drain")
    assert all("--context=prod" in step.argv for step in plan.steps)
    config.write_text(config.read_text().replace('"current-context": "prod"', '"current-context": "other"'))
    with pytest.raises(GuardRefused, match="is other now, the plan is for prod"):
        await scene.desk.run(plan, "gpu-017")
    assert not kube.node.is_cordoned


def url_of(kube: KubeScene) -> str:
    import json

    return json.loads(Path(kube.target.kubeconfig).read_text())["clusters"][0]["cluster"]["server"]


async def test_a_budget_that_refuses_is_named_before_and_after(kube, hasty):
    kube.cluster.add(pod("train-0", "gpu-017", owner="Job/train", app="train"))
    kube.cluster.add(budget("vllm", 0, needs=2, has=2, app="vllm"))
    plan = await kube.plan("drain")
    assert any("HELD by budget prod/vllm" in line and "prod/vllm-0" in line for line in plan.running_there)
    assert any("prod/train-0" in line and "loses what it has not saved" in line for line in plan.running_there)
    assert "prod/vllm-0" in plan.running_there[0], "what is held comes first"
    assert "budget prod/vllm allows 0 of 1 pod here to go now (needs 2 healthy, has 2): prod/vllm-0" in plan.warnings
    assert any(line.startswith("dry run:") and "disruption budget" in line for line in plan.warnings)
    outcome = await kube.desk.run(plan, "gpu-017")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert outcome.summary.startswith("gpu-017 is cordoned, but 1 pod is left: prod/vllm-0 held by budget prod/vllm")
    assert "needs 2 healthy, has 2" in outcome.summary
    assert kube.cluster.pods_on("gpu-017") == ["dcgm-x", "kube-proxy-gpu-017", "vllm-0"]
    assert kube.node.is_cordoned, "what could not be moved is still kept from getting company"
    assert kube.lines[-1].outcome == "not-verified"


async def test_two_pods_of_one_budget_that_lets_one_go(kube, hasty):
    kube.cluster.add(pod("vllm-1", "gpu-017", app="vllm"))
    kube.cluster.add(budget("vllm", 1, needs=2, has=3, app="vllm"))
    plan = await kube.plan("drain")
    assert not any("HELD" in line for line in plan.running_there), "one may go, and then perhaps the other"
    assert any("allows 1 of 2 pods here to go now" in line for line in plan.warnings)
    outcome = await kube.desk.run(plan, "gpu-017")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "1 pod is left" in outcome.summary
    assert "held by budget prod/vllm (needs 2 healthy, has 2)" in outcome.summary


async def test_bypassing_budgets_needs_a_word_of_its_own(kube):
    kube.cluster.add(budget("vllm", 0, app="vllm"))
    plan = await kube.plan("drain", eviction="bypass")
    assert plan.confirmation == "gpu-017 bypass"
    assert "--disable-eviction" in plan.steps[-1].argv
    assert not any(line.startswith("dry run") for line in plan.warnings)
    assert any("past 1 disruption budget" in line and "prod/vllm" in line for line in plan.warnings)
    with pytest.raises(NotConfirmed):
        await kube.desk.run(plan, "gpu-017")
    assert (await kube.desk.run(plan, "gpu-017 bypass")).kind is OutcomeKind.VERIFIED
    assert not any("eviction" in change for change in kube.cluster.changes)


async def test_emptydir_is_not_deleted_unasked(kube):
    kube.cluster.add(pod("cache-0", "gpu-017", owner="StatefulSet/cache", empty_dir=True, app="cache"))
    plan = await kube.plan("drain")
    assert [standing.rule for standing in plan.standing] == ["emptydir-kept"]
    assert "prod/cache-0" in plan.standing[0].cause
    assert "dcgm" not in plan.standing[0].cause, "a DaemonSet's pod stays, and so does what it keeps"
    with pytest.raises(GuardRefused) as refused:
        await kube.desk.run(plan, "gpu-017")
    assert refused.value.rule == "emptydir-kept"
    assert kube.cluster.changes == []
    plan = await kube.plan("drain", emptydir="delete")
    assert any(line.endswith("is evicted, and its emptyDir with it") for line in plan.running_there)
    assert (await kube.desk.run(plan, "gpu-017")).kind is OutcomeKind.VERIFIED


async def test_what_nothing_would_start_again_is_not_ended_unasked(kube):
    kube.cluster.add(pod("by-hand", "gpu-017", owner="", app="x"))
    plan = await kube.plan("drain")
    assert [standing.rule for standing in plan.standing] == ["unmanaged-pods"]
    plan = await kube.plan("drain", force="yes")
    assert len(plan.ends) == 1, "the pod that nothing makes again"
    assert plan.confirmation == "gpu-017 force"
    assert "1 pod ends for good: nothing makes them again" in plan.warnings
    assert (await kube.desk.run(plan, "gpu-017 force")).kind is OutcomeKind.VERIFIED
    plan_of_both = await KubeScene(kube.audit.parent, kube.cluster, Path(kube.target.kubeconfig)).plan(
        "drain", force="yes", eviction="bypass"
    )
    assert plan_of_both.confirmation == "gpu-017 force bypass"


async def test_a_pod_that_came_between_plan_and_run_is_seen(kube):
    plan = await kube.plan("drain")
    kube.cluster.add(pod("late", "gpu-017", owner="", app="x"))
    with pytest.raises(GuardRefused) as refused:
        await kube.desk.run(plan, "gpu-017")
    assert refused.value.rule == "unmanaged-pods"
    assert not kube.node.is_cordoned


async def test_a_pod_that_does_not_end_in_time(kube, hasty):
    kube.cluster.lingers["vllm-0"] = 1000
    outcome = await kube.done("drain")
    assert outcome.kind is OutcomeKind.NOT_VERIFIED
    assert "1 pod is left: prod/vllm-0 (1 still ending)" in outcome.summary


async def test_ended_pods_are_cleared_and_hold_nothing(kube):
    kube.cluster.add(pod("was", "gpu-017", owner="", phase="Succeeded", empty_dir=True, app="vllm"))
    kube.cluster.add(budget("vllm", 1, needs=1, has=2, app="vllm"))
    plan = await kube.plan("drain")
    assert len(plan.running_there) == 1
    assert (await kube.desk.run(plan, "gpu-017")).kind is OutcomeKind.VERIFIED


async def test_somebody_elses_cordon_is_not_taken_over(kube):
    kube.cluster.get("nodes", "gpu-017")["spec"]["unschedulable"] = True
    with pytest.raises(GuardRefused) as refused:
        await kube.plan("drain")
    assert refused.value.rule == "already-drained"
    assert "keeps no reason" in refused.value.cause
    kube.cluster.get("nodes", "gpu-017")["metadata"]["annotations"]["leptontui/reason"] = "bea: firmware"
    with pytest.raises(GuardRefused) as refused:
        await kube.plan("cordon")
    assert "bea: firmware" in refused.value.cause


async def test_of_two_who_drain_at_once_one_is_refused(kube, config, tmp_path):
    bea = KubeScene(tmp_path, kube.cluster, config, user="bea")
    of_anna, of_bea = await kube.plan("cordon"), await bea.plan("cordon", reason="firmware")
    assert (await kube.desk.run(of_anna, "gpu-017")).kind is OutcomeKind.VERIFIED
    with pytest.raises(GuardRefused) as refused:
        await bea.desk.run(of_bea, "gpu-017")
    assert "anna: Xid 79" in refused.value.cause
    assert kube.node.reason == "anna: Xid 79"


async def test_one_who_slips_in_after_the_last_question_is_not_overwritten(kube):
    plan = await kube.plan("cordon")
    kube.cluster.get("nodes", "gpu-017")["metadata"]["annotations"]["leptontui/reason"] = "bea: firmware"
    outcome = await kube.desk.run(plan, "gpu-017")  # not cordoned yet: nothing speaks against it but kubectl itself
    assert outcome.kind is OutcomeKind.FAILED
    assert "already has a value" in outcome.summary
    assert (kube.node.reason, kube.node.is_cordoned) == ("bea: firmware", False)


async def test_a_cordon_that_fails_leaves_no_reason_behind(kube):
    plan = await kube.plan("cordon")
    kube.here.instead["cordon gpu-017"] = kube_says("Error from server (Forbidden): nodes is forbidden")
    outcome = await kube.desk.run(plan, "gpu-017")
    assert outcome.kind is OutcomeKind.FAILED
    assert (kube.node.reason, kube.node.is_cordoned) == (None, False)


def kube_says(stderr: str, exit_status: int = 1):
    from leptontui.transport.contract import Completed

    return Completed(exit_status, "", stderr)


async def test_an_own_cordon_becomes_a_drain(kube):
    assert (await kube.done("cordon", reason="look at it")).kind is OutcomeKind.VERIFIED
    assert "vllm-0" in kube.cluster.pods_on("gpu-017")
    plan = await kube.plan("drain", reason="broken")
    assert [step.argv[3] for step in plan.steps] == ["annotate", "drain"]
    assert any("anna: look at it" in line for line in plan.warnings)
    assert (await kube.desk.run(plan, "gpu-017")).kind is OutcomeKind.VERIFIED
    assert kube.node.reason == "anna: broken"


async def test_uncordon_gives_the_node_back_and_takes_the_reason_off(kube):
    await kube.done("drain")
    plan = await kube.plan("undrain")
    assert (plan.danger, plan.confirmation) == (Danger.DISRUPTIVE, "")
    assert "anna: Xid 79" in plan.after_this[0]
    outcome = await kube.desk.run(plan, "")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert (kube.node.is_cordoned, kube.node.reason, kube.node.plan_id) == (False, None, None)
    with pytest.raises(GuardRefused) as refused:
        await kube.plan("undrain")
    assert refused.value.rule == "not-drained"


async def test_uncordon_of_somebody_elses_cordon_is_typed(kube):
    kube.cluster.get("nodes", "gpu-017")["spec"]["unschedulable"] = True
    kube.cluster.get("nodes", "gpu-017")["metadata"]["annotations"]["leptontui/reason"] = "bea: firmware"
    plan = await kube.plan("undrain")
    assert (plan.danger, plan.confirmation) == (Danger.DESTRUCTIVE, "gpu-017")
    assert "somebody else cordoned it: bea: firmware" in plan.warnings
    assert plan.ends == ("cordon: bea: firmware",)
    kube.cluster.get("nodes", "gpu-017")["metadata"]["annotations"]["leptontui/reason"] = "carl: RMA"
    with pytest.raises(GuardRefused) as refused:
        await kube.desk.run(plan, "gpu-017")
    assert refused.value.rule == "changed-since"
    assert kube.node.is_cordoned


async def test_a_link_lost_in_the_middle_of_a_drain_is_asked_about(kube):
    plan = await kube.plan("drain")
    kube.here.instead["--ignore-daemonsets"] = link_error()
    outcome = await kube.desk.run(plan, "gpu-017")
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert "prod/vllm-0" in outcome.summary
    assert sum("drain" in argv and "--dry-run=server" not in argv for argv in kube.here.ran) == 1, "never run again"


async def test_a_node_that_is_not_ready(kube):
    kube.cluster.add(node("gpu-017", ready=False))
    plan = await kube.plan("cordon")
    assert any("NOT READY" in line for line in plan.warnings)


async def test_what_cannot_be_planned_says_why(kube, config, tmp_path):
    with pytest.raises(ActionError, match="needs a reason"):
        await kube.plan("drain", reason=" ")
    kube.cluster.objects.pop(("nodes", "", "gpu-017"))
    with pytest.raises(ActionError, match="context prod on this machine knows no node gpu-017"):
        await kube.plan("drain")
    kube.cluster.forbidden = {"/nodes"}
    with pytest.raises(ActionError, match="forbidden") as caught:
        await kube.plan("drain")
    assert "may not do this" in caught.value.mend
    nowhere = KubeScene(tmp_path, kube.cluster, config, kube_context="gone")
    with pytest.raises(ActionError, match=r"specified context: gone|\"gone\" does not exist") as caught:
        await nowhere.plan("drain")
    assert "get-contexts" in caught.value.mend


async def test_budgets_that_may_not_be_read_are_said(kube):
    kube.cluster.forbidden = {"poddisruptionbudgets"}
    plan = await kube.plan("drain")
    assert any(line.startswith("the disruption budgets are not known") for line in plan.warnings)
    assert (await kube.desk.run(plan, "gpu-017")).kind is OutcomeKind.VERIFIED


async def test_how_a_node_stands(kube):
    reach = Reach("this machine", "this machine", kube.here)
    stand = await look_at_kube(reach, kube.target)
    assert (stand.is_out, stand.is_empty, stand.jobs) == (False, False, 1)
    await kube.done("drain")
    stand = await look_at_kube(reach, kube.target)
    assert (stand.node, stand.is_out, stand.is_empty, stand.jobs) == ("gpu-017", True, True, 0)
    assert (stand.reason, stand.by) == ("anna: Xid 79", "anna")
    assert "now safe to reset" in stand.said
    kube.cluster.add(node("gpu-017", ready=False, unschedulable=True))
    stand = await look_at_kube(reach, kube.target)
    assert (stand.is_empty, stand.is_well, stand.reason) == (None, False, "")


async def test_an_api_server_that_is_silent_after_the_commands_is_asked_until_it_answers(kube):
    plan = await kube.plan("drain")
    refused = kube_says(
        'E1121 19:06:24.681104   16507 memcache.go:265] "Unhandled Error" err="dial tcp: connection refused"\n'
        "The connection to the server 127.0.0.1:9 was refused - did you specify the right host or port?"
    )

    async def is_back(seconds):
        if len(kube.slept) == 3:
            kube.here.instead.clear()

    kube.meanwhile = is_back
    kube.here.after["drain gpu-017"] = lambda: kube.here.instead.update({"get node": refused})
    outcome = await kube.desk.run(plan, "gpu-017")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert kube.slept == [1.0, 2.0, 4.0]


async def test_an_api_server_that_stays_silent_leaves_it_unknown(kube):
    plan = await kube.plan("drain")
    silent = kube_says("Unable to connect to the server: net/http: TLS handshake timeout")
    kube.here.after["drain gpu-017"] = lambda: kube.here.instead.update({"get node": silent})
    outcome = await kube.desk.run(plan, "gpu-017")
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert "TLS handshake timeout" in outcome.summary


async def test_what_the_library_logs_is_not_the_complaint(kube):
    plan = await kube.plan("cordon")
    kube.here.instead["annotate"] = kube_says(
        "E1121 19:06:24.681104   16507 memcache.go:265] x\nError from server (Forbidden): nodes is forbidden"
    )
    outcome = await kube.desk.run(plan, "gpu-017")
    assert outcome.kind is OutcomeKind.FAILED
    assert "failed: Error from server (Forbidden)" in outcome.summary


async def test_a_change_that_got_no_answer_is_asked_about_and_not_taken_for_failed(kube):
    plan = await kube.plan("cordon")
    kube.here.instead["cordon gpu-017"] = kube_says("Unable to connect to the server: context deadline exceeded")
    outcome = await kube.desk.run(plan, "gpu-017")
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert "gpu-017 is ready, schedulable, not cordoned" in outcome.summary


@pytest.mark.parametrize(
    "reason", ["a=b", "ends with -", "$(reboot); `id` | x > y & z", "'single' and \"double\"", "new\nline", "—„ü“ \\n"]
)
async def test_any_reason_is_one_argument_and_comes_back_as_it_was(kube, reason):
    assert (await kube.done("cordon", reason=reason)).kind is OutcomeKind.VERIFIED
    assert kube.node.reason == "anna: " + reason.replace('"', "'").replace("\n", " ")
    assert (await kube.done("undrain")).kind is OutcomeKind.VERIFIED
    assert kube.node.reason is None


async def test_a_fail_over_puts_the_standby_to_work_first(kube):
    standby = kube.cluster.get("nodes", "gpu-018")
    standby["spec"]["unschedulable"] = True
    standby["metadata"]["annotations"]["leptontui/reason"] = "anna: standby"
    plan = await kube.plan("fail-over", standby="gpu-018")
    assert [step.argv[3] for step in plan.steps] == ["uncordon", "annotate", "annotate", "cordon", "drain"]
    outcome = await kube.desk.run(plan, plan.confirmation)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert kube.node.is_cordoned
    assert not kube.cluster.get("nodes", "gpu-018")["spec"].get("unschedulable")


async def test_a_fail_over_whose_host_cannot_be_cordoned_is_taken_back(kube):
    standby = kube.cluster.get("nodes", "gpu-018")
    standby["spec"]["unschedulable"] = True
    standby["metadata"]["annotations"]["leptontui/reason"] = "anna: standby"
    plan = await kube.plan("fail-over", standby="gpu-018")
    kube.here.instead[" cordon gpu-017"] = kube_says("Error from server (Forbidden): nodes is forbidden")
    outcome = await kube.desk.run(plan, plan.confirmation)
    assert outcome.kind is OutcomeKind.FAILED
    assert (kube.node.is_cordoned, kube.node.reason) == (False, None)
    standby = kube.cluster.get("nodes", "gpu-018")
    assert standby["spec"]["unschedulable"]
    assert standby["metadata"]["annotations"]["leptontui/reason"] == "anna: standby"


async def test_one_question_without_an_answer_leaves_no_other_behind(kube):
    kube.here.instead["get nodes"] = CommandTimeout("no answer within 20 s")
    with pytest.raises(ActionError, match="could not be asked: no answer within 20 s"):
        await kube.plan("drain")
    assert len(asyncio.all_tasks()) == 1


async def test_a_drain_is_remembered_until_the_node_is_back(kube, hasty, tmp_path):
    kube.cluster.add(budget("vllm", 0, app="vllm"))
    assert (await kube.done("drain")).kind is OutcomeKind.NOT_VERIFIED
    await kube.drains.look_again()
    (drained,) = kube.drains.drained
    assert (drained.host, drained.node, drained.scheduler) == ("gpu-017", "gpu-017", "kubernetes")
    assert (drained.reason, drained.is_empty) == ("anna: Xid 79", False)
    kube.cluster.end_pod(("pods", "prod", "vllm-0"), dry_run=False)
    again = Drains(
        tmp_path / "drains-anna.json", fleet_of=lambda: kube.desk.fleet, reach_of=kube.desk.reach, clock=lambda: T0
    )
    await again.look_again()
    assert again.drained[0].is_empty, "also when the program was started anew"
    assert "now safe to reset" in again.drained[0].said
    assert (await kube.done("undrain")).kind is OutcomeKind.VERIFIED
    await again.look_again()
    assert again.drained == ()
