"""Disruption budgets: which cover which pods, and which would refuse their eviction now. Pure.

As the API server decides it (pkg/registry/core/pod/storage/eviction.go): a pod that is pending, ended or ending is
evicted whatever a budget says; one that two budgets cover is never; one that is not ready by the budget's policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from leptontui.actions.kube_objects import Budget, Pod, Requirement, Selector
from leptontui.actions.kube_pods import at_work, is_ending, is_ready
from leptontui.model.text import plain

_SHOWN_PODS: Final = 5


@dataclass(frozen=True, slots=True)
class Holding:
    """A disruption budget, and what of a node it covers.

    Attributes:
        name: "prod/vllm".
        pods: the pods there that it covers and that count for it, as "prod/vllm-0".
        held: those of them whose eviction it would refuse at once.
        allowed: how many it lets go at once now.
        why: what it needs and has, one line.
    """

    name: str
    pods: tuple[str, ...]
    held: tuple[str, ...]
    allowed: int
    why: str

    @property
    def is_short(self) -> bool:
        """Whether it will not let all of them go at once: some wait until others are made anew elsewhere."""
        return bool(self.held) or len(self.pods) > self.allowed

    @property
    def words(self) -> str:
        """For people: "budget prod/vllm allows 0 of 1 pod here to go now (needs 2 healthy, has 2): prod/vllm-0"."""
        count = f"{len(self.pods)} pod{'' if len(self.pods) == 1 else 's'}"
        return f"budget {self.name} allows {self.allowed} of {count} here to go now ({self.why}): {_listed(self.pods)}"


def holdings(pods: Iterable[Pod], budgets: Iterable[Budget]) -> list[Holding]:
    """Every budget that covers one of the node's `pods`, those that refuse first."""
    counting = [pod for pod in at_work(pods) if pod.status.phase != "Pending" and not is_ending(pod)]
    budgets = list(budgets)
    covering = {str(pod): [budget for budget in budgets if covers(budget, pod)] for pod in counting}
    found = []
    for budget in budgets:
        covered = [pod for pod in counting if budget in covering[str(pod)]]
        if not covered:
            continue
        twice = [str(pod) for pod in covered if len(covering[str(pod)]) > 1]
        held = [str(pod) for pod in covered if str(pod) in twice or _refuses(budget, pod)]
        why = _why(budget)
        if twice:
            why += f"; {plain(twice[0], 80)} has more than one budget, and such a pod is never evicted"
        allowed = max(budget.status.disruptions_allowed or 0, 0)
        names = tuple(str(pod) for pod in covered)
        found.append(Holding(plain(str(budget), 120), names, tuple(held), allowed, why))
    return sorted(found, key=lambda holding: not holding.held)


def covers(budget: Budget, pod: Pod) -> bool:
    """Whether the budget is about the pod."""
    selector = budget.spec.selector
    if selector is None or budget.metadata.namespace != pod.metadata.namespace:
        return False
    return matches(selector, pod.metadata.labels or {})


def matches(selector: Selector, labels: Mapping[str, str]) -> bool:
    """Whether the labels are those that are asked for; an empty selector takes all (policy/v1)."""
    wanted = selector.match_labels or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_holds(requirement, labels) for requirement in selector.match_expressions or ())


def _holds(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    value, values = labels.get(requirement.key), requirement.values or ()
    match requirement.operator:
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False


def _refuses(budget: Budget, pod: Pod) -> bool:
    status = budget.status
    if not is_ready(pod):
        if budget.spec.unhealthy_pod_eviction_policy == "AlwaysAllow":
            return False
        if (status.current_healthy or 0) >= (status.desired_healthy or 0) > 0:
            return False
    return _is_behind(budget) or (status.disruptions_allowed or 0) <= 0


def _is_behind(budget: Budget) -> bool:
    return (budget.status.observed_generation or 0) < (budget.metadata.generation or 0)


def _why(budget: Budget) -> str:
    if _is_behind(budget):
        return "it was changed, and Kubernetes has not reckoned it anew"
    status = budget.status
    if status.desired_healthy is None or status.current_healthy is None:
        return "Kubernetes has not reckoned it yet"
    return f"needs {status.desired_healthy} healthy, has {status.current_healthy}"


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(plain(name, 120) for name in names[:_SHOWN_PODS])
    return shown if len(names) <= _SHOWN_PODS else f"{shown} and {len(names) - _SHOWN_PODS} more"
