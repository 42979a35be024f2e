"""Kubernetes' names that may become part of a command: nodes, workloads, releases and contexts, checked or refused.

The transport's quoting makes any text one argument. What is kept out here is text that kubectl or helm would read
differently: options (leading dash), TYPE/NAME where only a name is meant, several names with commas, label selectors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from leptontui.actions.names import node_names
from leptontui.config.options import KUBE_CONTEXT
from leptontui.config.unit_names import RELEASE, SUBDOMAIN, WORKLOAD
from leptontui.errors import ActionError
from leptontui.model.text import plain

KUBERNETES: Final = "kubernetes"
"""`HostTarget.scheduler` of a host that is a node of a Kubernetes cluster."""

REASON: Final = "leptontui/reason"
"""The annotation of a node in which it is kept who took it out of service, and why: "anna: Xid 79"."""

PLAN: Final = "leptontui/plan"
"""The annotation that names the plan: the same as in the audit of whoever carried it out."""

_NODE: Final = re.compile(SUBDOMAIN)


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload.

    Attributes:
        namespace: its namespace.
        kind: "deployment", "statefulset" or "daemonset".
        name: its name.
    """

    namespace: str
    kind: str
    name: str

    @property
    def ref(self) -> str:
        """As kubectl takes it: "deployment/vllm"."""
        return f"{self.kind}/{self.name}"

    def __str__(self) -> str:
        """For people: "prod/deployment/vllm"."""
        return f"{self.namespace}/{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Release:
    """A release of Helm.

    Attributes:
        namespace: its namespace.
        name: its name.
    """

    namespace: str
    name: str

    def __str__(self) -> str:
        """For people: "prod/vllm"."""
        return f"{self.namespace}/{self.name}"


def checked_workload(unit: str, allowed: tuple[str, ...]) -> Workload:
    """The workload that `unit` names, if it may be acted on.

    Raises:
        ActionError: it is not in `allowed`, or not the name of one workload.
    """
    found = WORKLOAD.fullmatch(unit)
    if found is None:
        raise ActionError(
            f"{plain(unit, 80)!r} is not the name of a workload",
            "write kube:NAMESPACE/KIND/NAME, where KIND is deployment, statefulset or daemonset",
        )
    _refuse_unlisted(unit, allowed)
    return Workload(found["namespace"], found["kind"], found["name"])


def checked_release(unit: str, allowed: tuple[str, ...]) -> Release:
    """The release that `unit` names, if it may be acted on.

    Raises:
        ActionError: it is not in `allowed`, or not the name of one release.
    """
    found = RELEASE.fullmatch(unit)
    if found is None:
        raise ActionError(f"{plain(unit, 80)!r} is not the name of a Helm release", "write helm:NAMESPACE/RELEASE")
    _refuse_unlisted(unit, allowed)
    return Release(found["namespace"], found["name"])


def _refuse_unlisted(unit: str, allowed: tuple[str, ...]) -> None:
    if unit not in allowed:
        listed = ", ".join(plain(name, 60) for name in allowed) or "none"
        raise ActionError(f"{unit} may not be acted on here", f"units lists what may be in the inventory: {listed}")


def kube_node_names(host: str) -> tuple[str, ...]:
    """What Kubernetes may call `host`, likeliest first: its name in lower case, then that name's first label.

    Raises:
        ActionError: it cannot be the name of one node.
    """
    bare = host.rsplit("@", 1)[-1]
    try:
        names = node_names(host.lower() if bare.isascii() else host)
    except ActionError:
        names = ()
    if not names or _NODE.fullmatch(names[0]) is None:
        raise ActionError(f"{plain(host, 60)!r} cannot be the name of one Kubernetes node")
    return tuple(name for name in names if _NODE.fullmatch(name) is not None)


def checked_context(context: str) -> str:
    """`context` itself if it is a name that a context may have here.

    Raises:
        ActionError: it is not.
    """
    if KUBE_CONTEXT.fullmatch(context) is None:
        raise ActionError(
            f"{plain(context, 80)!r} is not taken for the name of a context of kubectl",
            "rename it: kubectl config rename-context OLD NEW",
        )
    return context
