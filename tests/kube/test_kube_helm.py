"""Roll back of a Helm release: a stand-in for helm, real kubectl beside it."""

import os

import pytest

from leptontui.errors import ActionError, GuardRefused
from leptontui.model.action import Danger, OutcomeKind
from leptontui.transport.contract import Completed
from tests.kube.helm_stub import HelmStub, revision

RELEASE = "helm:prod/vllm"


@pytest.fixture
def helm(kube, tmp_path, monkeypatch):
    stub = HelmStub(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return stub


async def test_a_release_goes_back_to_the_revision_before(kube, helm):
    plan = await kube.plan("roll-back", unit=RELEASE)
    assert (plan.danger, plan.confirmation) == (Danger.DESTRUCTIVE, "gpu-017")
    assert plan.title == "Roll back prod/vllm to revision 1 by Helm (context prod on this machine)"
    assert "--kube-context=prod" in plan.steps[0].argv
    assert plan.steps[0].argv[3:6] == ("rollback", "vllm", "1")
    assert any("rolling back to revision 2" in line for line in plan.after_this)
    assert plan.undo == plan.request.but(revision="2")
    assert not any("rollback" in asked for asked in helm.asked)
    outcome = await kube.desk.run(plan, "gpu-017")
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    assert "revision 3 (vllm-1.0.0, deployed" in outcome.summary
    assert "Rollback to 1" in outcome.summary
    assert (await kube.done("roll-back", unit=RELEASE, revision="2")).kind is OutcomeKind.VERIFIED
    assert helm.history[-1]["chart"] == "vllm-1.1.0"


async def test_a_roll_back_that_fails(kube, helm):
    helm.keep(fails=True)
    outcome = await kube.done("roll-back", unit=RELEASE)
    assert outcome.kind is OutcomeKind.FAILED
    assert "timed out waiting" in outcome.summary
    assert "prod/vllm is failed at revision 3" in outcome.output


async def test_a_release_that_was_changed_meanwhile(kube, helm):
    plan = await kube.plan("roll-back", unit=RELEASE)
    helm.keep(history=[*helm.history, revision(3, "1.2.0", "deployed")])
    with pytest.raises(GuardRefused) as refused:
        await kube.desk.run(plan, "gpu-017")
    assert refused.value.rule == "changed-since"


async def test_a_release_that_is_being_changed(kube, helm):
    helm.keep(history=[*helm.history, revision(3, "1.2.0", "pending-upgrade")])
    with pytest.raises(ActionError, match="is being changed"):
        await kube.plan("roll-back", unit=RELEASE)


async def test_what_never_was_deployed_is_not_chosen(kube, helm):
    helm.keep(history=[revision(1, "1.0.0", "superseded"), revision(2, "1.1.0", "failed"), revision(3, "2", "failed")])
    plan = await kube.plan("roll-back", unit=RELEASE)
    assert plan.steps[0].argv[5] == "1"
    assert any("did not end well" in line for line in plan.warnings)
    helm.keep(history=[revision(1, "1.0.0", "deployed")])
    with pytest.raises(ActionError, match="to go back to"):
        await kube.plan("roll-back", unit=RELEASE)
    with pytest.raises(ActionError, match="has not revision 7"):
        await kube.plan("roll-back", unit=RELEASE, revision="7")


async def test_without_helm(kube):
    kube.here.instead["helm "] = Completed(127, "", "helm: No such file or directory")
    with pytest.raises(ActionError, match="helm was not found on this machine"):
        await kube.plan("roll-back", unit=RELEASE)
