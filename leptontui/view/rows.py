"""Turns one row of a frame into a plain row: texts made fit for the screen, trends with their forecasts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Any, Final

from leptontui.model.catalogue import TREND_STEP_S
from leptontui.model.health import Severity
from leptontui.model.link import LinkState
from leptontui.model.series import Entity, Forecast, SeriesKey
from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot
from leptontui.view.row import NO_TREND, GpuRow, HostRow, Row, RowId, Standing, Trend

_COOL_C: Final = 20.0
_HOT_C: Final = 90.0
"""A temperature's scale: from a cool room to the slowdown threshold, or to this where that is not known."""
_TREND_MINUTES: Final = 15
_HOST_VALUES: Final = tuple(
    field.name for field in fields(HostRow) if field.name not in {"id", "standing", "group", "gpus", "node_state"}
)

Values = Mapping[str, Any]


def row_of(values: Values, snapshot: FleetSnapshot, taken: Mapping[tuple[str, str], str] | None = None) -> Row:
    """A plain row. Takes a frame's row by column name; a column that is missing counts as not known.

    Args:
        values: the frame's row.
        snapshot: where it comes from.
        taken: who has acknowledged alerts, as `leptontui.view.alert_places.taken_by` tells.
    """
    uuid = values.get("uuid")
    who = taken.get((values["host"], uuid or ""), "") if taken else ""
    return _gpu(values, snapshot, who) if uuid is not None else _host(values, snapshot, who)


def _gpu(values: Values, snapshot: FleetSnapshot, who: str) -> GpuRow:
    host, uuid = values["host"], values["uuid"]

    def trend(metric: str, lower: float, upper: float | None) -> Trend:
        past = values.get(f"trend_{metric}")
        if past is None:
            return NO_TREND
        known = [value for value in past if value is not None]
        top = upper if upper is not None and upper > lower else max(known, default=1.0)
        forecast = snapshot.forecasts.get(SeriesKey(host, Entity.GPU, uuid, metric))
        future, crossing = minutes_ahead(forecast, snapshot.t_unix_s) if forecast is not None else ((), None)
        return Trend(tuple(past), future, lower, top, crossing)

    return GpuRow(
        id=RowId(host, uuid),
        standing=_standing(values, snapshot, who),
        group=_text(values, "group"),
        gpu=values.get("index"),
        model=_text(values, "name"),
        util_pct=values.get("util_pct"),
        memory_used_bytes=values.get("memory_used_bytes"),
        memory_total_bytes=values.get("memory_total_bytes"),
        temp_c=values.get("temp_c"),
        power_w=values.get("power_w"),
        clock_sm_mhz=values.get("clock_sm_mhz"),
        job=_text(values, "job"),
        user=_text(values, "user"),
        util_trend=trend("util_pct", 0.0, 100.0),
        temp_trend=trend("temp_c", _COOL_C, values.get("temp_slowdown_c") or _HOT_C),
        memory_trend=trend("memory_used_bytes", 0.0, values.get("memory_total_bytes")),
        power_trend=trend("power_w", 0.0, values.get("power_limit_w")),
        state=_text(values, "state"),
        mig_index=values.get("mig_index"),
        mig_profile=_text(values, "mig_profile"),
        work=_text(values, "work"),
        node_state=_text(values, "node_state"),
    )


def _host(values: Values, snapshot: FleetSnapshot, who: str) -> HostRow:
    return HostRow(
        id=RowId(values["host"]),
        standing=_standing(values, snapshot, who),
        group=_text(values, "group"),
        gpus=values.get("gpu_count"),
        node_state=_text(values, "node_state"),
        **{name: values.get(name) for name in _HOST_VALUES},
    )


def _standing(values: Values, snapshot: FleetSnapshot, who: str) -> Standing:
    severity, link = values.get("severity"), snapshot.links.get(values["host"])
    return Standing(
        link=LinkState(values["link"]),
        link_cause=_text(values, "link_cause"),
        received_unix_s=values.get("received_unix_s"),
        severity=Severity.UNKNOWN if severity is None else Severity(severity),
        health=_text(values, "health"),
        since_unix_s=link.since_unix_s if link is not None else None,
        next_dial_unix_s=link.next_dial_unix_s if link is not None else None,
        dials=link.dials if link is not None else 0,
        taken_by=who,
    )


def _text(values: Values, name: str) -> str:
    value = values.get(name)
    return plain(value) if value else ""


def minutes_ahead(forecast: Forecast, now_unix_s: float) -> tuple[tuple[float, ...], int | None]:
    """A forecast as means of the minutes that are still ahead, and in which of them a threshold is crossed.

    Args:
        forecast: made at its own origin, maybe a while ago: what has become past is left out.
        now_unix_s: where the future begins.

    Returns:
        Up to 15 means, and an index into them or None.
    """
    per_minute = max(1, round(TREND_STEP_S / forecast.step_s))
    past = max(0, math.floor((now_unix_s - forecast.origin_unix_s) / forecast.step_s))
    future = _minutes(forecast.mean, past, per_minute)
    crossing = None
    if forecast.eta is not None and forecast.eta.expected_unix_s is not None:
        minute = int((forecast.eta.expected_unix_s - now_unix_s) / TREND_STEP_S)
        crossing = minute if 0 <= minute < len(future) else None
    return future, crossing


@lru_cache(maxsize=4096)
def _minutes(mean: tuple[float, ...], past: int, per_minute: int) -> tuple[float, ...]:
    """Means of the minutes after the first `past` steps. Remembered: it changes with every step, not every snapshot."""
    ahead = mean[past:]
    parts = [ahead[at : at + per_minute] for at in range(0, len(ahead), per_minute)][:_TREND_MINUTES]
    return tuple(sum(part) / len(part) for part in parts)
