"""Return of a Kubernetes node into service by kubectl on the controller."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.actions.guard import Objection
from leptontui.actions.kube_drain import forget_step
from leptontui.actions.kube_names import PLAN, REASON, kube_node_names
from leptontui.actions.kube_node import NodeLook, ask_node, ask_pods, uncordon_allowed
from leptontui.actions.kube_preview import pod_lines
from leptontui.actions.kubectl import Kubectl, kubectl_of
from leptontui.actions.names import is_reason_of
from leptontui.actions.reach import Deed, Prepared, Verdict
from leptontui.actions.setting import Setting
from leptontui.model.action import Danger, Plan, Step


@dataclass(frozen=True, slots=True)
class UncordonDeed(Deed):
    """What surrounds the return of a node into service.

    Attributes:
        kubectl: where it is run.
        planned: the node when the plan was made.
        host: as the fleet calls it.
    """

    kubectl: Kubectl
    planned: NodeLook
    host: str

    async def check_again(self) -> Objection | None:
        """It is still cordoned, and for the reason that was shown."""
        node = await ask_node(self.kubectl, (self.planned.name,))
        return await self.kubectl.moved() or uncordon_allowed(node, self.planned)

    async def verify(self) -> Verdict:
        """The node is schedulable."""
        now = await ask_node(self.kubectl, (self.planned.name,))
        if now.is_cordoned:
            return Verdict(is_so=False, said=f"{now.name} is {now.words}: {now.who}")
        taints = f", but pods are kept away by taints: {', '.join(now.taints[:3])}" if now.taints else ""
        return Verdict(is_so=True, said=f"{now.name} is {now.words}{taints}")

    def gives_back(self) -> tuple[str, ...]:
        """The host."""
        return (self.host,)


async def prepare_kube_undrain(setting: Setting) -> Prepared:
    """Plan the return of the host into service.

    Raises:
        GuardRefused: it is not cordoned.
        ActionError: Kubernetes does not know the node, or cannot be asked.
        LinkError: the controller cannot be asked.
        CommandTimeout: no answer in time.
    """
    request, target, spec = setting.request, setting.target, setting.spec
    kubectl = await kubectl_of(setting)
    node = await ask_node(kubectl, kube_node_names(target.name))
    objection = uncordon_allowed(node, node)
    if objection is not None:
        raise objection.refusal()
    is_ours = is_reason_of(setting.user, node.reason)
    steps, take_back = _steps(kubectl, node)
    plan = Plan(
        setting.plan_id,
        request,
        f"{spec.title.format(host=target.name)} in Kubernetes",
        spec.danger if is_ours else Danger.DESTRUCTIVE,
        steps,
        f"kubectl get node {node.name} → it is schedulable",
        running_there=pod_lines(await ask_pods(kubectl, node.name), (), setting.clock(), None),
        after_this=(
            f"{node.name} is {node.words} now: {node.who}",
            "pods may be placed there at once",
            spec.undone_by,
        ),
        warnings=_warnings(node, target.name, is_ours=is_ours),
        confirmation="" if is_ours else request.host,
        ends=() if is_ours else (f"cordon: {node.who}",),
    )
    deed = UncordonDeed(kubectl, node, target.name)
    return Prepared(plan, target, (kubectl.reach,), deed, setting.clock(), take_back)


def _steps(kubectl: Kubectl, node: NodeLook) -> tuple[tuple[Step, ...], dict[int, Step]]:
    """Uncordon, then take the reason off; and what takes both back."""
    uncordon, cordon = kubectl.step("uncordon", node.name), kubectl.step("cordon", node.name)
    if not node.reason and not node.plan_id:
        return (uncordon,), {0: cordon}
    kept = (f"{REASON}={node.reason}", f"{PLAN}={node.plan_id}")
    again = kubectl.step("annotate", "node", node.name, *kept, "--overwrite")
    return (uncordon, forget_step(kubectl, node.name)), {0: cordon, 1: again}


def _warnings(node: NodeLook, host: str, *, is_ours: bool) -> tuple[str, ...]:
    said = []
    if node.name != host:
        said.append(f"Kubernetes calls it {node.name}: make sure that this is {host}")
    if not is_ours:
        said.append(f"somebody else cordoned it: {node.who}")
    if not node.is_ready:
        said.append(f"{node.name} is NOT READY: uncordon puts it back whether or not it is well")
    if node.taints:
        said.append(f"pods are still kept away by taints: {', '.join(node.taints[:5])}")
    return tuple(said)
