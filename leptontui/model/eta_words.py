"""How long it is until a predicted crossing, in words: the same wherever a prediction is told."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from leptontui.model.series import Eta

_HOUR_S: Final = 3600.0
_MINUTE_S: Final = 60.0
_SHORT_S: Final = 120 * _MINUTE_S
"""Up to here a time ahead is told in minutes."""


def wait_words(eta: Eta, now_unix_s: float) -> str:
    """How long until then, to stand after "in": "11 min (7–19)", "3 h (2–5)", "11 min (7+)", "<1 min (0–4)".

    Where only the band's near edge crosses there is no expected time: "7–30 min", "7+ min".

    Args:
        eta: with finite times.
        now_unix_s: what has gone by is 0.
    """
    near = max(0.0, eta.earliest_unix_s - now_unix_s)
    far = None if eta.latest_unix_s is None else max(0.0, eta.latest_unix_s - now_unix_s)
    expected = None if eta.expected_unix_s is None else max(0.0, eta.expected_unix_s - now_unix_s)
    span = next(value for value in (far, expected, near) if value is not None)
    size, unit = (_MINUTE_S, "min") if span < _SHORT_S else (_HOUR_S, "h")
    low, high = _whole(near / size, math.floor), "" if far is None else _whole(far / size, math.ceil)
    interval = f"{low}–{high}" if high else f"{low}+"
    if expected is None:
        return f"{high if low == high else interval} {unit}"
    wait = f"<1 {unit}" if expected < _MINUTE_S else f"{_count(expected / size)} {unit}"
    return wait if low == high else f"{wait} ({interval})"


def _whole(value: float, outward: Callable[[float], int]) -> str:
    """An edge of the interval, never told narrower than it is."""
    return str(outward(round(value, 2)))


def _count(value: float) -> str:
    return f"{value:.0f}" if value >= 1 else f"{value:.1f}".removesuffix(".0")
