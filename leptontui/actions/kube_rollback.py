"""Roll back of a workload by `kubectl rollout undo`, to a revision that is named, with the one it had written down."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.actions.guard import Objection
from leptontui.actions.kube_names import checked_workload
from leptontui.actions.kube_restart import changed_since, refuse_held, rolling_warnings
from leptontui.actions.kube_workload import (
    Revision,
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
class KubeRollBackDeed(Deed):
    """What surrounds the roll back of a workload.

    Attributes:
        kubectl: where it is run.
        before: the workload when the plan was made.
        wanted: the revision it goes back to.
        sleep: waits for seconds.
    """

    kubectl: Kubectl
    before: WorkloadLook
    wanted: Revision
    sleep: Sleep

    async def check_again(self) -> Objection | None:
        """It is still the one that was shown, and at the revision that was shown."""
        now = await ask_workload(self.kubectl, self.before.workload)
        return await self.kubectl.moved() or changed_since(now, self.before)

    async def verify(self) -> Verdict:
        """Its newest revision is the one asked for, all its pods are of it and can serve, and still can after a while.

        An old revision that comes back gets a new number, but keeps its name.
        """
        now = await settled(self.kubectl, self.before.workload, self.sleep)
        revisions = await ask_revisions(self.kubectl, now)
        if not revisions or revisions[-1].name != self.wanted.name:
            runs = revisions[-1].words if revisions else "a revision that is not kept"
            return Verdict(is_so=False, said=f"it runs {runs}, not {self.wanted.words}")
        return await stays(self.kubectl, now, self.sleep)

    async def explain(self) -> str:
        """The pods that cannot serve, and why."""
        return await unready_pods(self.kubectl, self.before)


async def prepare_kube_roll_back(setting: Setting) -> Prepared:
    """Plan the roll back of the request's workload to parameter `revision`, 0 for the one before.

    Raises:
        ActionError: it is not allowed, not there, paused, has no such revision, or cannot be asked.
        LinkError: the controller cannot be asked.
        CommandTimeout: no answer in time.
    """
    request, target, spec = setting.request, setting.target, setting.spec
    workload = checked_workload(request.unit, target.units)
    kubectl = await kubectl_of(setting)
    look = await ask_workload(kubectl, workload)
    refuse_held(look)
    revisions = await ask_revisions(kubectl, look)
    wanted = chosen(revisions, int(request.param("revision") or "0"), str(workload))
    current = revisions[-1]
    warnings = rolling_warnings(look)
    if wanted.images == current.images:
        warnings.append("both revisions run the same images: they differ in something else")
    plan = Plan(
        setting.plan_id,
        request,
        f"Roll back {workload} to revision {wanted.number} ({kubectl.where})",
        spec.danger,
        (
            kubectl.step(
                "rollout", "undo", workload.ref, f"--namespace={workload.namespace}", f"--to-revision={wanted.number}"
            ),
            status_step(kubectl, look),
        ),
        f"kubectl get {workload.ref} → it runs that revision, all pods are available, and still so after 5 s",
        running_there=(look.words, f"{current.words} runs now"),
        after_this=(
            f"{wanted.words} runs again, under a new number",
            f"{look.wanted} pods are replaced in turn, wherever they run",
            f"undone by rolling back to revision {current.number}, which it has now",
        ),
        warnings=tuple(warnings),
        confirmation=request.host,
        undo=request.but(revision=str(current.number)),
    )
    deed = KubeRollBackDeed(kubectl, look, wanted, setting.sleep)
    return Prepared(plan, target, (kubectl.reach,), deed, setting.clock())


def chosen(revisions: list[Revision], number: int, name: str) -> Revision:
    """The revision that is meant.

    Args:
        revisions: all that are kept, the newest last.
        number: which; 0 for the one before the newest.
        name: whose, for people.

    Raises:
        ActionError: there is no such revision to go back to.
    """
    older = {one.number: one for one in revisions[:-1]}
    if not older:
        raise ActionError(f"{name} has no revision before this one", "nothing can be rolled back")
    if number == 0:
        return older[max(older)]
    if number not in older:
        kept = ", ".join(str(one) for one in older)
        is_now = number == revisions[-1].number
        why = "is what runs now" if is_now else "is not kept"
        raise ActionError(f"revision {number} of {name} {why}", f"it can go back to {kept}")
    return older[number]
