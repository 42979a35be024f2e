"""Bytes, rates and durations with their unit written out, for panels where a header has no room for it."""

from __future__ import annotations

import math

from leptontui.render.numbers import NULL, three

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def size_text(value: float | None) -> str:
    """Bytes as "71.2 GiB"; a dash for what is not known."""
    if value is None or not math.isfinite(value):
        return NULL
    power = 0
    while power < len(_UNITS) - 1 and abs(value) >= 999.5:  # noqa: PLR2004 — a fourth digit would appear
        value /= 1024.0
        power += 1
    text = three(value)
    return f"{text.removesuffix('.0')} {_UNITS[power]}"


def rate_text(value: float | None) -> str:
    """Bytes per second as "1.9 GiB/s"."""
    return NULL if value is None or not math.isfinite(value) else f"{size_text(value)}/s"


def duration_text(seconds: float | None) -> str:
    """A duration in its two greatest units: "12 min", "2 h 05 m", "41 d 02 h"."""
    if seconds is None or not math.isfinite(seconds):
        return NULL
    whole = int(max(0.0, seconds))
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} m"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR:02d} h"
