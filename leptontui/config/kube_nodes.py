"""What `kubectl get nodes -o json` prints becomes hosts with their readiness, pool and expected GPUs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from leptontui.config.found import FoundHost, NotUnderstood
from leptontui.config.labels import Labels, foreign_labels

POOL_LABELS: Final = (
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "kubernetes.azure.com/agentpool",
    "karpenter.sh/nodepool",
    "node-pool",
    "pool",
)
"""Labels by which clouds and people name a node's pool."""
_PLACES: Final = {
    "topology.kubernetes.io/zone": "zone",
    "topology.kubernetes.io/rack": "rack",
    "rack": "rack",
    "switch": "switch",
    "network.topology.nvidia.com/accelerator": "accelerator",
    "network.topology.nvidia.com/leaf": "switch",
    "network.topology.nvidia.com/spine": "spine",
    "network.topology.nvidia.com/block": "block",
}
"""Labels that say where a node is: Kubernetes' well-known ones, NVIDIA topograph's, and what people write."""
_ROLE: Final = "node-role.kubernetes.io/"
_GPUS: Final = ("nvidia.com/gpu", "amd.com/gpu")


def parse_kube_nodes(text: str, where: str) -> list[FoundHost]:
    """Read the output of `kubectl get nodes -o json`.

    The state is "ready", "not-ready" or "unknown", with "+cordoned" where no pod may be scheduled.

    Raises:
        NotUnderstood: it is not that.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise NotUnderstood("not JSON") from None
    items = document.get("items") if isinstance(document, Mapping) else None
    if not isinstance(items, list):
        raise NotUnderstood("no items in it", expected="what kubectl get nodes -o json prints")
    hosts = []
    for item in items:
        node = _table(item)
        metadata, status, spec = _table(node.get("metadata")), _table(node.get("status")), _table(node.get("spec"))
        name = metadata.get("name")
        if isinstance(name, str):
            hosts.append(
                FoundHost(
                    name,
                    address=_address(status),
                    groups=_groups(_table(metadata.get("labels"))),
                    node_state=_state(status, spec),
                    gpus=_gpus(_table(status.get("capacity"))),
                    labels=_labels(_table(metadata.get("labels"))),
                    where=where,
                )
            )
    return hosts


def _address(status: Mapping[str, object]) -> str | None:
    """The address of type InternalIP, else Hostname; the first of dual stack."""
    for wanted in ("InternalIP", "Hostname"):
        for entry in _list(status.get("addresses")):
            address = _table(entry)
            value = address.get("address")
            if address.get("type") == wanted and isinstance(value, str):
                return value
    return None


def _state(status: Mapping[str, object], spec: Mapping[str, object]) -> str:
    ready = "unknown"
    for entry in _list(status.get("conditions")):
        condition = _table(entry)
        if condition.get("type") == "Ready":
            ready = {"True": "ready", "False": "not-ready"}.get(str(condition.get("status")), "unknown")
    return f"{ready}+cordoned" if spec.get("unschedulable") is True else ready


def _groups(labels: Mapping[str, object]) -> tuple[str, ...]:
    pools = [str(labels[label]) for label in POOL_LABELS if labels.get(label)]
    roles = [label.removeprefix(_ROLE) for label in labels if label.startswith(_ROLE)]
    return tuple(dict.fromkeys([*pools, *(role for role in roles if role)]))


def _labels(labels: Mapping[str, object]) -> Labels:
    return foreign_labels({name: labels[label] for label, name in _PLACES.items() if labels.get(label)})


def _gpus(capacity: Mapping[str, object]) -> int | None:
    """GPUs of the node as its device plugin counted them; None where there is no such plugin."""
    for resource in _GPUS:
        value = str(capacity.get(resource, ""))
        if value.isascii() and value.isdecimal() and len(value) < 5:  # noqa: PLR2004 — more digits are no count of GPUs
            return int(value)
    return None


def _table(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
