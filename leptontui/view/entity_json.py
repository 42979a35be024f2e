"""Rows of frames as JSON-able dicts: every metric of the catalogue by its column's name, null for what is not known."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from leptontui.model.catalogue import Kind, Metric, metrics_of
from leptontui.model.health import HostEvent
from leptontui.model.link import Link
from leptontui.model.series import Entity

_DIGITS: Final = {"%": 1, "°C": 1, "W": 1, "s": 4, "/s": 3, "": 2}
"""Decimals by unit; none for every other one: bytes, rates of bytes, clocks."""
_WHOLE: Final = frozenset({"uptime_s", "since_s"})
_EXACT: Final = frozenset({(Entity.SAMPLE, "value")})
"""Values whose unit and size nobody knows beforehand: told as they are."""


def entity_json(entity: Entity, row: Mapping[str, Any]) -> dict[str, object]:
    """One row: every metric of its entity in the catalogue's order; a counter also as what it counted, if known.

    Args:
        entity: what the row is about.
        row: by column name; a column that is missing is null.
    """
    told: dict[str, object] = {}
    for item in metrics_of(entity):
        if item.kind is Kind.COUNTER:
            told[item.rate_name] = number(row.get(item.rate_name), _digits(item))
        elif (entity, item.name) in _EXACT:
            value = row.get(item.name)
            told[item.name] = value if isinstance(value, int | float) and math.isfinite(value) else None
        else:
            told[item.name] = _value(item, row.get(item.name))
    return told


def link_json(link: Link | None) -> dict[str, object] | None:
    """A link with its cause, since when, and when it is dialled next; None where there is none."""
    if link is None:
        return None
    fault = link.fault
    key = fault.offered if fault is not None else None
    return {
        "state": link.state.value,
        "since_unix_s": number(link.since_unix_s, 3),
        "fault": None if fault is None else fault.kind.value,
        "cause": None if fault is None else fault.cause,
        "mend": None if fault is None else fault.mend,
        "next_dial_unix_s": number(link.next_dial_unix_s, 3),
        "dials": link.dials,
        "sweeps": link.sweeps,
        "address": link.address,
        "offered_key": None
        if key is None
        else {"name": key.name, "algorithm": key.algorithm, "fingerprint": key.fingerprint},
    }


def event_json(event: HostEvent) -> dict[str, object]:
    """An event as its host told it."""
    return {
        "t_unix_s": number(event.t_unix_s, 3),
        "name": event.name,
        "gpu_uuid": event.gpu_uuid,
        "pci_bus_id": event.pci_bus_id,
        "code": event.code,
        "text": event.text,
        "is_backlog": event.is_backlog,
    }


def number(value: object, digits: int = 0) -> float | None:
    """A finite number with so many decimals, a whole one without any; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return round(value, digits) if digits else round(value)


def _value(item: Metric, value: object) -> object:
    if value is None:
        return None
    if item.kind is Kind.TEXT:
        return str(value)
    if item.kind is Kind.FLAG:
        return bool(value)
    if item.kind is Kind.LIST:
        return [number(each, 1) for each in value] if isinstance(value, list) else None
    return number(value, _digits(item))


def _digits(item: Metric) -> int:
    if item.name in _WHOLE or (item.is_integer and item.kind is not Kind.COUNTER):
        return 0
    return _DIGITS.get(item.unit, 0)
