"""What came of a drain: whether the node is empty, and otherwise which pods are left and what holds each."""

from __future__ import annotations

from typing import Final

from leptontui.actions.kube_budgets import holdings
from leptontui.actions.kube_node import NodeLook, ask_budgets, ask_pods
from leptontui.actions.kube_objects import Pod
from leptontui.actions.kube_pods import Choices, at_work, is_ending
from leptontui.actions.kube_preview import pods_allow
from leptontui.actions.kubectl import Kubectl
from leptontui.actions.reach import Verdict
from leptontui.model.text import plain

_SHOWN_PODS: Final = 5


async def drained(kubectl: Kubectl, node: NodeLook, choices: Choices) -> Verdict:
    """Whether a cordoned node is drained.

    Raises:
        LinkError: the link broke.
        CommandTimeout: no answer in time.
        ActionError: the pods cannot be asked for.
    """
    pods = await ask_pods(kubectl, node.name)
    left = at_work(pods)
    if not left and not node.is_ready:
        return Verdict(is_so=False, said=f"{node.name} is NOT READY and cordoned: what runs there is not known")
    if not left:
        said = "no pod is left but DaemonSets' and static ones: now safe to reset"
        return Verdict(is_so=True, said=f"{node.name} is {node.words}: {said}")
    count = f"{len(left)} pod{' is' if len(left) == 1 else 's are'} left"
    return Verdict(
        is_so=False, said=f"{node.name} is cordoned, but {count}: {await _why(kubectl, node, left, choices)}"
    )


async def _why(kubectl: Kubectl, node: NodeLook, left: list[Pod], choices: Choices) -> str:
    """Which pods are left and what holds them, the budgets first; the mend last."""
    budgets, unknown = ([], "") if choices.bypasses else await ask_budgets(kubectl)
    parts, told = [], set[str]()
    for found in holdings(left, budgets):
        if found.held:
            names = ", ".join(plain(name, 80) for name in found.held[:_SHOWN_PODS])
            parts.append(f"{names} held by budget {found.name} ({found.why})")
            told.update(found.held)
    is_held = bool(parts)
    others = [pod for pod in left if str(pod) not in told]
    if others:
        names = ", ".join(plain(str(pod), 80) for pod in others[:_SHOWN_PODS])
        more = f" and {len(others) - _SHOWN_PODS} more" if len(others) > _SHOWN_PODS else ""
        parts.append(f"{names}{more}{_state(others, node)}")
    if unknown:
        parts.append(unknown)
    objection = pods_allow(left, choices)
    if is_held:
        parts.append("drain it again when the budget allows it, or with eviction = bypass")
    elif objection is not None:
        parts.append(f"{objection.cause}: {objection.mend}")
    return "; ".join(parts)


def _state(pods: list[Pod], node: NodeLook) -> str:
    ending = sum(is_ending(pod) for pod in pods)
    if ending and not node.is_ready:
        return f" ({ending} told to end, which a node that is NOT READY cannot do)"
    return f" ({ending} still ending)" if ending else ""
