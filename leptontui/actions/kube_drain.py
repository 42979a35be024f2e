"""Cordon, drain and uncordon of a Kubernetes node by kubectl on the controller, with its pods and budgets in view.

Who took a node out and why is kept by its annotation `leptontui/reason`: kubectl cordon itself keeps nothing. It is
written without --overwrite where the node has none, so that of two who drain at once one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.actions.guard import Objection
from leptontui.actions.kube_budgets import Holding, holdings
from leptontui.actions.kube_names import PLAN, REASON, kube_node_names
from leptontui.actions.kube_node import NodeLook, ask_node, ask_pods, at_once, cordon_allowed
from leptontui.actions.kube_objects import Pod
from leptontui.actions.kube_pods import Choices, Fate, at_work, fate_of, grace_s
from leptontui.actions.kube_preview import dry_run, pod_lines, pods_allow, staying
from leptontui.actions.kube_verdict import drained
from leptontui.actions.kubectl import Kubectl, kubectl_of
from leptontui.actions.names import is_reason_of, reason_of
from leptontui.actions.reach import Deed, Prepared, Verdict
from leptontui.actions.setting import Setting
from leptontui.model.action import Plan, Standing, Step
from leptontui.model.activity import Drained
from leptontui.model.target import HostTarget

_LEAST_S: Final = 120
_MOST_S: Final = 900
"""A drain is given up after the longest grace period of the pods there and a minute, within these two (seconds)."""

NOT_YET: Final = (0, 1)
"""kubectl says 1 for whatever it could not do, also for "not yet": what came of it is then asked of the cluster."""


@dataclass(frozen=True, slots=True)
class CordonDeed(Deed):
    """What surrounds the cordon of a node.

    Attributes:
        kubectl: where it is run.
        node: as Kubernetes calls it.
        host: as the fleet calls it.
        user: who does it.
        reason: as it will stand in the annotation.
    """

    kubectl: Kubectl
    node: str
    host: str
    user: str
    reason: str

    async def check_again(self) -> Objection | None:
        """Nobody else has cordoned it meanwhile."""
        node = await ask_node(self.kubectl, (self.node,))
        return await self.kubectl.moved() or cordon_allowed(node, self.user)

    async def verify(self) -> Verdict:
        """The node is cordoned for our reason."""
        now = await ask_node(self.kubectl, (self.node,))
        return self.out(now) or Verdict(is_so=True, said=f"{now.name} is {now.words}: {now.who}")

    def out(self, now: NodeLook) -> Verdict | None:
        """Why it cannot be said that it is cordoned for our reason; None if it is."""
        if not now.is_cordoned:
            return Verdict(is_so=False, said=f"{now.name} is {now.words}, not cordoned")
        if now.reason != self.reason:
            return Verdict(is_so=False, said=f"{now.name} is cordoned, but for another reason: {now.who}")
        return None

    def takes_out(self) -> tuple[Drained, ...]:
        """The node."""
        return (Drained(self.host, self.node, "kubernetes", self.reason, 0.0),)


@dataclass(frozen=True, slots=True)
class KubeDrainDeed(CordonDeed):
    """What surrounds the drain of a node.

    Attributes:
        choices: what the user allowed.
    """

    choices: Choices

    async def check_again(self) -> Objection | None:
        """Nobody else has cordoned it meanwhile, and no pod there needs more than the user allowed."""
        objection = await CordonDeed.check_again(self)
        return objection or pods_allow(await ask_pods(self.kubectl, self.node), self.choices)

    async def verify(self) -> Verdict:
        """The node is cordoned for our reason, and no pod is left that a drain moves or ends."""
        now = await ask_node(self.kubectl, (self.node,))
        return self.out(now) or await drained(self.kubectl, now, self.choices)


async def prepare_kube_cordon(setting: Setting) -> Prepared:
    """Plan the cordon of the host: nothing new starts there, what runs goes on.

    Raises:
        GuardRefused: somebody else has cordoned it.
        ActionError: Kubernetes does not know the node or cannot be asked, or there is no reason.
        LinkError: the controller cannot be asked.
        CommandTimeout: no answer in time.
    """
    kubectl, node, reason = await _begun(setting)
    pods, _, (room, warnings) = await at_once(kubectl, node)
    steps, take_back = _cordon_steps(kubectl, node, reason, setting)
    plan = Plan(
        setting.plan_id,
        setting.request,
        f"{setting.spec.title.format(host=setting.target.name)} in Kubernetes",
        setting.spec.danger,
        steps,
        f"kubectl get node {node.name} → it is unschedulable, and {REASON} is this one",
        running_there=pod_lines(pods, (), setting.clock(), None),
        after_this=(
            f"{node.name} is {node.words} now; no new pod is placed there",
            *room,
            setting.spec.undone_by,
        ),
        warnings=(*warnings_of(node, setting.target, setting.user), *warnings),
        confirmation=setting.request.host,
    )
    deed = CordonDeed(kubectl, node.name, setting.target.name, setting.user, reason)
    return Prepared(plan, setting.target, (kubectl.reach,), deed, setting.clock(), take_back)


async def prepare_kube_drain(setting: Setting) -> Prepared:
    """Plan the drain of the host: its pods are evicted, as far as their budgets let them. Raises as the cordon does."""
    request, spec = setting.request, setting.spec
    choices = Choices(
        deletes_empty_dir=request.param("emptydir") == "delete",
        forces=request.param("force") == "yes",
        bypasses=request.param("eviction") == "bypass",
    )
    kubectl, node, reason = await _begun(setting)
    pods, (budgets, unknown), (room, scarce) = await at_once(kubectl, node)
    held = holdings(pods, budgets)
    objection = pods_allow(pods, choices)
    steps, take_back = _cordon_steps(kubectl, node, reason, setting)
    tried = [] if objection is not None else await dry_run(kubectl, node.name, choices)
    plan = Plan(
        setting.plan_id,
        request,
        f"{spec.title.format(host=setting.target.name)} in Kubernetes",
        spec.danger,
        (*steps, _drain_step(kubectl, node.name, choices, pods)),
        f"kubectl get pods on {node.name} → only DaemonSets' and static pods are left, and {REASON} is this one",
        running_there=pod_lines(pods, held, setting.clock(), choices),
        after_this=(
            f"{node.name} is {node.words} now; no new pod is placed there",
            *room,
            *staying(pods),
            *(found.words for found in held if not found.is_short),
            f"{spec.undone_by}; pods that were moved do not come back by themselves",
        ),
        warnings=(
            *_harm(pods, held, choices),
            *((unknown,) if unknown else ()),
            *tried,
            *warnings_of(node, setting.target, setting.user),
            *scarce,
        ),
        confirmation=" ".join(filter(None, (request.host, choices.words))),
        standing=() if objection is None else (Standing(objection.rule, objection.cause, objection.mend),),
        ends=tuple(f"pod {pod}" for pod in pods if choices.forces and fate_of(pod) is Fate.ENDS),
    )
    deed = KubeDrainDeed(kubectl, node.name, setting.target.name, setting.user, reason, choices)
    return Prepared(plan, setting.target, (kubectl.reach,), deed, setting.clock(), take_back)


async def _begun(setting: Setting) -> tuple[Kubectl, NodeLook, str]:
    """Where kubectl is run, the node, and the reason as it will be kept; refused if somebody else cordoned it."""
    reason = reason_of(setting.user, setting.request.reason)  # before anything is asked
    kubectl = await kubectl_of(setting)
    node = await ask_node(kubectl, kube_node_names(setting.target.name))
    objection = cordon_allowed(node, setting.user)
    if objection is not None:
        raise objection.refusal()
    return kubectl, node, reason


def _cordon_steps(
    kubectl: Kubectl, node: NodeLook, reason: str, setting: Setting
) -> tuple[tuple[Step, ...], dict[int, Step]]:
    """Write down who and why, then cordon; and what takes both back."""
    has_one = bool(node.reason or node.plan_id)
    annotate = kubectl.step(
        "annotate",
        "node",
        node.name,
        f"{REASON}={reason}",
        f"{PLAN}={setting.plan_id}",
        *(("--overwrite",) if has_one else ()),
    )
    if node.is_cordoned:
        return (annotate,), {}
    return (annotate, kubectl.step("cordon", node.name)), {
        0: forget_step(kubectl, node.name),
        1: kubectl.step("uncordon", node.name),
    }


def forget_step(kubectl: Kubectl, node: str) -> Step:
    """Takes the annotations off again."""
    return kubectl.step("annotate", "node", node, f"{REASON}-", f"{PLAN}-")


def _drain_step(kubectl: Kubectl, node: str, choices: Choices, pods: list[Pod]) -> Step:
    within_s = min(max(grace_s(at_work(pods)) + 60, _LEAST_S), _MOST_S)
    words = ("drain", node, *choices.flags, f"--timeout={within_s}s")
    return kubectl.step(*words, timeout_s=within_s + 30.0, succeeds=NOT_YET)


def _harm(pods: list[Pod], held: list[Holding], choices: Choices) -> list[str]:
    """What the user's choices cost, and what budgets will refuse."""
    said = [] if choices.bypasses else [found.words for found in held if found.is_short]
    if choices.bypasses and held:
        said.append(f"pods are deleted past {len(held)} disruption budget{'' if len(held) == 1 else 's'}: what they ")
        said[-1] += f"protect may stop serving: {', '.join(found.name for found in held[:3])}"
    lost = [pod for pod in pods if fate_of(pod) is Fate.ENDS]
    if choices.forces and lost:
        said.append(f"{len(lost)} pod{' ends' if len(lost) == 1 else 's end'} for good: nothing makes them again")
    return said


def warnings_of(node: NodeLook, target: HostTarget, user: str) -> list[str]:
    """What the reader must not overlook of the node itself."""
    said = []
    if node.name != target.name:
        said.append(f"Kubernetes calls it {node.name}: make sure that this is {target.name}")
    if not node.is_ready:
        said.append(f"{node.name} is NOT READY: its pods cannot end until it is back, or deleted from the cluster")
    if node.is_cordoned:
        said.append(f"it is cordoned already, for your own reason, which this replaces: {node.reason}")
    elif node.reason and not is_reason_of(user, node.reason):
        said.append(f"it keeps the reason of an earlier cordon, which this replaces: {node.reason}")
    if node.taints:
        said.append(f"it has taints: {', '.join(node.taints[:5])}")
    return said
