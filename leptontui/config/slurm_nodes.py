"""What `scontrol show nodes` prints, as JSON or text, becomes hosts with partitions, state and expected GPUs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from leptontui.config.found import FoundHost, NotUnderstood
from leptontui.config.labels import Labels, foreign_labels

_PAIR: Final = re.compile(r"(?:^| )([A-Za-z][A-Za-z0-9_]*)=")
_GPUS: Final = re.compile(r"(?:^|,)gpu(?::[^:,()]+)?:(\d{1,4})(?![^,(])")
"""In "gpu:h100:8(S:0-1),shard:4" the 8; of several kinds of GPU the counts are added."""
_LABEL: Final = re.compile(r"(rack|switch)[=:](.+)")
_FREE_TEXT: Final = ("OS", "Reason", "Comment", "Extra")
"""Keys whose value may hold anything, spaces and `Key=` too: they are not looked for in it."""
_NO_VALUE: Final = frozenset({"", "(null)", "N/A", "None"})


def parse_slurm_text(text: str, where: str) -> list[FoundHost]:
    """Read the output of `scontrol show node -o`: one line for each node.

    The first value of a key counts: Slurm prints name, address and state before any free text.
    """
    hosts = []
    for line in text.splitlines():
        if line.startswith("NodeName="):
            values = _values(line)
            hosts.append(
                _host(
                    values["NodeName"],
                    address=values.get("NodeAddr"),
                    state=values.get("State", ""),
                    partitions=values.get("Partitions", "").split(","),
                    gres=values.get("Gres", ""),
                    features=values.get("AvailableFeatures", "").split(","),
                    where=where,
                )
            )
    return hosts


def parse_slurm_json(text: str, where: str) -> list[FoundHost]:
    """Read the output of `scontrol show nodes --json`.

    Raises:
        NotUnderstood: it is not that.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise NotUnderstood("not JSON") from None
    nodes = document.get("nodes") if isinstance(document, Mapping) else None
    if not isinstance(nodes, list):
        raise NotUnderstood("no nodes in it", expected="what scontrol show nodes --json prints")
    return [_host_of(node, where) for node in nodes if isinstance(node, Mapping) and _text(node.get("name"))]


def is_slurm_empty(text: str) -> bool:
    """Whether the text says that the cluster has no nodes."""
    return text.startswith("No nodes in the system")


def _host_of(node: Mapping[str, object], where: str) -> FoundHost:
    state, flags = _texts(node.get("state")), _texts(node.get("state_flags"))  # flags: data parser before 23.02
    return _host(
        _text(node.get("name")),
        address=_text(node.get("address")),
        state="+".join((*state, *flags)),
        partitions=_texts(node.get("partitions")),
        gres=_text(node.get("gres")),
        features=_features(node.get("features")),
        where=where,
    )


def _host(
    name: str,
    *,
    address: str | None,
    state: str,
    partitions: Iterable[str],
    gres: str,
    features: Iterable[str],
    where: str,
) -> FoundHost:
    counts = [int(count) for count in _GPUS.findall(gres)]
    return FoundHost(
        name,
        address=None if address is None or address in _NO_VALUE else address,
        groups=tuple(partition for partition in partitions if partition not in _NO_VALUE),
        node_state=state.lower(),
        gpus=sum(counts) if counts else None,
        labels=_labels(features),
        where=where,
    )


def _labels(features: Iterable[str]) -> Labels:
    """Features such as "rack=r1" or "switch:leaf-3"."""
    pairs = (_LABEL.fullmatch(feature) for feature in features)
    return foreign_labels({pair[1]: pair[2] for pair in pairs if pair is not None})


def _features(value: object) -> list[str]:
    """A list of texts; older versions give one text with commas."""
    return [feature for text in _texts(value) for feature in text.split(",")]


def _values(line: str) -> dict[str, str]:
    """The pairs of one line up to the free texts, the first of each key."""
    found: dict[str, str] = {}
    keys = list(_PAIR.finditer(line))
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        if key[1] in _FREE_TEXT and key[1] != "OS":
            break
        found.setdefault(key[1], line[key.end() : following.start() if following else len(line)].strip())
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    """A list of texts; older versions give one text."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
