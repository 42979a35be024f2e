"""Restart of a workload by `kubectl rollout restart`: all its pods in turn, followed until the new ones can serve."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.actions.guard import Objection
from leptontui.actions.kube_names import checked_workload
from leptontui.actions.kube_workload import (
    WorkloadLook,
    ask_revisions,
    ask_workload,
    settled,
    status_step,
    stays,
    unready_pods,
)
from leptontui.actions.kubectl import Kubectl, kubectl_of
from leptontui.actions.reach import Deed, Prepared, Verdict
from leptontui.actions.setting import Setting, Sleep
from leptontui.errors import ActionError
from leptontui.model.action import Plan


@dataclass(frozen=True, slots=True)
class KubeRestartDeed(Deed):
    """What surrounds the restart of a workload.

    Attributes:
        kubectl: where it is run.
        before: the workload when the plan was made.
        sleep: waits for seconds.
    """

    kubectl: Kubectl
    before: WorkloadLook
    sleep: Sleep

    async def check_again(self) -> Objection | None:
        """It is still the one that was shown, and nobody changed or restarted it meanwhile."""
        now = await ask_workload(self.kubectl, self.before.workload)
        return await self.kubectl.moved() or changed_since(now, self.before)

    async def verify(self) -> Verdict:
        """It was restarted, all its pods are new and can serve, and still can after a while."""
        now = await settled(self.kubectl, self.before.workload, self.sleep)
        if now.restarted_at == self.before.restarted_at:
            return Verdict(is_so=False, said=f"it was not restarted: {now.words}")
        return await stays(self.kubectl, now, self.sleep)

    async def explain(self) -> str:
        """The pods that cannot serve, and why."""
        return await unready_pods(self.kubectl, self.before)


def changed_since(now: WorkloadLook, before: WorkloadLook) -> Objection | None:
    """It is still the workload that was shown, with the template that was shown."""
    if (now.uid, now.mark, now.restarted_at) != (before.uid, before.mark, before.restarted_at):
        return Objection("changed-since", f"it was changed since the plan was made: {now.words}", "plan it again")
    return None


def refuse_held(look: WorkloadLook) -> None:
    """A workload whose pods Kubernetes does not replace by itself is not rolled.

    Raises:
        ActionError: it is such a one.
    """
    if look.is_paused:
        raise ActionError(f"{look.workload} is paused", f"kubectl rollout resume {look.workload.ref} first")
    if look.replaces == "OnDelete":
        raise ActionError(
            f"{look.workload} replaces a pod only when somebody deletes it (OnDelete)", "delete its pods one by one"
        )


def rolling_warnings(look: WorkloadLook) -> list[str]:
    """What is to be known before all pods are replaced."""
    said = []
    if look.replaces == "Recreate":
        said.append("all its pods are ended before the first new one starts (Recreate): it serves nothing meanwhile")
    if look.wanted == 0:
        said.append("it wants no pods: nothing runs before or after")
    elif not look.is_settled:
        said.append(f"it is not well now, or a change is under way: {look.words}")
    if look.partition:
        said.append(f"{look.partition} of its pods are held at the old revision by its partition")
    return said


async def prepare_kube_restart(setting: Setting) -> Prepared:
    """Plan the restart of the request's workload.

    Raises:
        ActionError: it is not allowed, not there, paused, or cannot be asked.
        LinkError: the controller cannot be asked.
        CommandTimeout: no answer in time.
    """
    request, target, spec = setting.request, setting.target, setting.spec
    workload = checked_workload(request.unit, target.units)
    kubectl = await kubectl_of(setting)
    look = await ask_workload(kubectl, workload)
    refuse_held(look)
    revisions = await ask_revisions(kubectl, look)
    now = f"{revisions[-1].words} runs now, and is made anew" if revisions else "its revisions are not kept"
    plan = Plan(
        setting.plan_id,
        request,
        f"Restart {workload} ({kubectl.where})",
        spec.danger,
        (
            kubectl.step("rollout", "restart", workload.ref, f"--namespace={workload.namespace}"),
            status_step(kubectl, look),
        ),
        f"kubectl get {workload.ref} → all pods are new and available, and still so after 5 s",
        running_there=(look.words,),
        after_this=(now, f"{look.wanted} pods are replaced in turn, wherever they run", spec.undone_by),
        warnings=tuple(rolling_warnings(look)),
    )
    return Prepared(plan, target, (kubectl.reach,), KubeRestartDeed(kubectl, look, setting.sleep), setting.clock())
