"""Scale of a workload by `kubectl scale`, only from the count that was shown, followed until all copies can serve."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.actions.guard import Objection
from leptontui.actions.kube_names import Workload, checked_workload
from leptontui.actions.kube_workload import WorkloadLook, ask_workload, settled, status_step, stays, unready_pods
from leptontui.actions.kube_workload_objects import Autoscalers
from leptontui.actions.kubectl import Kubectl, kubectl_of
from leptontui.actions.reach import Deed, Prepared, Verdict
from leptontui.actions.setting import Setting, Sleep
from leptontui.errors import ActionError
from leptontui.model.action import Danger, Plan
from leptontui.model.text import plain


@dataclass(frozen=True, slots=True)
class KubeScaleDeed(Deed):
    """What surrounds the scaling of a workload.

    Attributes:
        kubectl: where it is run.
        before: the workload when the plan was made.
        replicas: how many copies it is to have.
        sleep: waits for seconds.
    """

    kubectl: Kubectl
    before: WorkloadLook
    replicas: int
    sleep: Sleep

    async def check_again(self) -> Objection | None:
        """It is still the one that was shown, with the count that was shown."""
        now = await ask_workload(self.kubectl, self.before.workload)
        if (now.uid, now.wanted) != (self.before.uid, self.before.wanted):
            return Objection("changed-since", f"it was scaled since the plan was made: {now.words}", "plan it again")
        return await self.kubectl.moved()

    async def verify(self) -> Verdict:
        """So many copies are wanted, there and able to serve, and still are after a while."""
        now = await settled(self.kubectl, self.before.workload, self.sleep)
        if now.wanted != self.replicas:
            return Verdict(is_so=False, said=f"it wants {now.wanted} copies, not {self.replicas}: {now.words}")
        return await stays(self.kubectl, now, self.sleep)

    async def explain(self) -> str:
        """The pods that cannot serve, and why."""
        return await unready_pods(self.kubectl, self.before)


async def prepare_kube_scale(setting: Setting) -> Prepared:
    """Plan the scaling of the request's workload to parameter `replicas`.

    Raises:
        ActionError: it is not allowed, not there, cannot be scaled or asked, or has this count already.
        LinkError: the controller cannot be asked.
        CommandTimeout: no answer in time.
    """
    request, target, spec = setting.request, setting.target, setting.spec
    workload, replicas = checked_workload(request.unit, target.units), int(request.param("replicas"))
    if workload.kind == "daemonset":
        raise ActionError(f"{workload} runs once on each node: it has no count")
    kubectl = await kubectl_of(setting)
    look = await ask_workload(kubectl, workload)
    if look.wanted == replicas:
        raise ActionError(f"{workload} has this count already: {look.words}")
    is_end = replicas == 0
    warnings = await _autoscaled(kubectl, workload)
    if is_end:
        warnings.append(f"{workload} serves nothing after this")
    plan = Plan(
        setting.plan_id,
        request,
        f"Scale {workload} from {look.wanted} to {replicas} ({kubectl.where})",
        Danger.DESTRUCTIVE if is_end else spec.danger,
        (
            kubectl.step(
                "scale",
                workload.ref,
                f"--namespace={workload.namespace}",
                f"--current-replicas={look.wanted}",
                f"--replicas={replicas}",
            ),
            status_step(kubectl, look, max(replicas, look.wanted)),
        ),
        f"kubectl get {workload.ref} → {replicas} copies are wanted and available, and still so after 5 s",
        running_there=(look.words,),
        after_this=(
            f"{abs(replicas - look.wanted)} pods are {'added' if replicas > look.wanted else 'ended'}",
            f"undone by scaling back to {look.wanted}",
        ),
        warnings=tuple(warnings),
        confirmation=request.host if is_end else "",
        undo=request.but(replicas=str(look.wanted)) if look.wanted != replicas else None,
    )
    deed = KubeScaleDeed(kubectl, look, replicas, setting.sleep)
    return Prepared(plan, target, (kubectl.reach,), deed, setting.clock())


async def _autoscaled(kubectl: Kubectl, workload: Workload) -> list[str]:
    """Whether something else sets the count as well; raises only for a lost link."""
    try:
        found = await kubectl.get(Autoscalers, "horizontalpodautoscalers", f"--namespace={workload.namespace}")
    except ActionError as error:
        return [f"whether an autoscaler sets its count is not known: {error.cause}"]
    return [
        f"autoscaler {plain(one.metadata.name, 80)} sets its count, too: from {one.spec.min_replicas or 1} "
        f"to {one.spec.max_replicas}; it will undo this"
        for one in found.items or ()
        if (one.spec.scale_target_ref.kind.lower(), one.spec.scale_target_ref.name) == (workload.kind, workload.name)
    ]
