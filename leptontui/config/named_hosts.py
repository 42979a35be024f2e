"""What a command of the user's own prints: a JSON list of names, or of objects with what is known of each host."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, TypeVar

from leptontui.config.found import FoundHost, NotUnderstood
from leptontui.config.labels import Labels, foreign_labels
from leptontui.config.problem import did_you_mean, quoted

_TEXTS: Final = ("address", "user", "identity", "jump")
_KEYS: Final = ("name", *_TEXTS, "port", "group", "groups", "state", "gpus", "labels")
_EXPECTED: Final = 'a list such as ["gpu1", {"name": "gpu2", "user": "oncall", "port": 22, "group": "train"}]'
_MOST_GPUS: Final = 1024

T = TypeVar("T")


def parse_named_hosts(text: str, where: str) -> list[FoundHost]:
    """Read such a list; also `{"hosts": [...]}`.

    Raises:
        NotUnderstood: it is not JSON, or an entry is neither a name nor such an object.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise NotUnderstood("not JSON", expected=_EXPECTED) from None
    entries = document.get("hosts") if isinstance(document, Mapping) else document
    if not isinstance(entries, list):
        raise NotUnderstood("not a list", expected=_EXPECTED)
    return [_host(entry, n, where) for n, entry in enumerate(entries, start=1)]


def _host(entry: object, n: int, where: str) -> FoundHost:
    if isinstance(entry, str):
        return FoundHost(entry, where=where)
    if not isinstance(entry, Mapping):
        raise NotUnderstood(f"entry {n} is {quoted(entry)}", expected=_EXPECTED)
    for key in entry:
        if key not in _KEYS:
            hint = did_you_mean(str(key), _KEYS) or "known are " + ", ".join(_KEYS)
            raise NotUnderstood(f"entry {n}: unknown key {quoted(key)}; {hint}")
    name = entry.get("name")
    if not isinstance(name, str):
        raise NotUnderstood(f"entry {n} has no name", expected=_EXPECTED)
    texts = {key: _typed(entry, n, key, str) for key in _TEXTS}
    gpus = _typed(entry, n, "gpus", int)
    if gpus is not None and not 0 <= gpus <= _MOST_GPUS:
        raise NotUnderstood(f"entry {n}: gpus: {quoted(gpus)}", expected=f"0 to {_MOST_GPUS}")
    return FoundHost(
        name,
        port=_typed(entry, n, "port", int),
        groups=_groups(entry, n),
        node_state=_typed(entry, n, "state", str) or "",
        gpus=gpus,
        labels=_labels(entry, n),
        where=where,
        **texts,
    )


def _groups(entry: Mapping[str, object], n: int) -> tuple[str, ...]:
    group, groups = _typed(entry, n, "group", str), entry.get("groups")
    if groups is not None and not (isinstance(groups, list) and all(isinstance(item, str) for item in groups)):
        raise NotUnderstood(f"entry {n}: groups: {quoted(groups)}", expected="a list of texts")
    return tuple(name for name in (group, *(groups or ())) if name)


def _labels(entry: Mapping[str, object], n: int) -> Labels:
    labels = entry.get("labels")
    if labels is not None and not isinstance(labels, Mapping):
        raise NotUnderstood(f"entry {n}: labels: {quoted(labels)}", expected='an object such as {"rack": "r1"}')
    return foreign_labels(labels or {})


def _typed(entry: Mapping[str, object], n: int, key: str, kind: type[T]) -> T | None:
    value = entry.get(key)
    if value is None or (isinstance(value, kind) and not isinstance(value, bool)):
        return value
    raise NotUnderstood(f"entry {n}: {key}: {quoted(value)}", expected="a text" if kind is str else "a whole number")
