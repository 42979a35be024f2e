"""Rows of frames as JSON-able dicts: every metric of the catalogue by its column's name, null for what is not known."""

from __future__ import annotations

import math
from typing import Any, Final

import polars as pl

from leptontui.model.catalogue import Kind, Metric, metrics_of
from leptontui.model.health import HostEvent
from leptontui.model.link import Link
from leptontui.model.series import Entity

_DIGITS: Final = {"%": 1, "°C": 1, "W": 1, "s": 4, "/s": 3, "": 2}
"""Decimals by unit; none for every other one: bytes, rates of bytes, clocks."""
_WHOLE: Final = frozenset({"uptime_s", "since_s"})
_EXACT: Final = frozenset({(Entity.SAMPLE, "value")})
"""Values whose unit and size nobody knows beforehand: told as they are."""


def entity_json(entity: Entity, frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows of one entity: every metric of the catalogue in its order, a counter as its rate.

    In columns, not row by row: a fleet has thousands of GPUs with eighty values each.

    Args:
        entity: what the rows are about.
        frame: latest values; a column that is missing, a number that is not finite, is null.
    """
    told = (_told(item, entity, frame.schema) for item in metrics_of(entity))
    return frame.select("host", *told).drop("host").to_dicts()


def _told(item: Metric, entity: Entity, schema: pl.Schema) -> pl.Expr:
    name = item.rate_name if item.kind is Kind.COUNTER else item.name
    if name not in schema:
        return pl.lit(None).alias(name)
    column = pl.col(name)
    if item.kind is Kind.TEXT:
        return column.cast(pl.String)
    if item.kind is Kind.FLAG:
        return column.cast(pl.Boolean, strict=False)
    if item.kind is Kind.LIST:
        return (
            column.list.eval(_rounded(pl.element(), 1))
            if isinstance(schema[name], pl.List)
            else pl.lit(None).alias(name)
        )
    if (entity, item.name) in _EXACT:
        return _finite(column)
    return _rounded(column, _digits(item))


def _finite(column: pl.Expr) -> pl.Expr:
    wide = column.cast(pl.Float64, strict=False)
    return pl.when(wide.is_finite()).then(wide)


def _rounded(column: pl.Expr, digits: int) -> pl.Expr:
    known = _finite(column).round(digits)
    return known if digits else known.cast(pl.Int64, strict=False)


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


def _digits(item: Metric) -> int:
    if item.name in _WHOLE or (item.is_integer and item.kind is not Kind.COUNTER):
        return 0
    return _DIGITS.get(item.unit, 0)
