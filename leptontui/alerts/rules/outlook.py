"""What forecasts say of each row: a quantile some time ahead, and when a threshold is reached."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from leptontui.model.series import Eta, Forecast

Floats = npt.NDArray[np.float64]

_EDGES: Final[tuple[tuple[float, Callable[[Forecast], tuple[float, ...]]], ...]] = (
    (0.025, lambda made: made.lo95),
    (0.1, lambda made: made.lo80),
    (0.5, lambda made: made.mean),
    (0.9, lambda made: made.hi80),
    (0.975, lambda made: made.hi95),
)
"""Quantiles that a forecast tells: the edges of its bands, and its middle."""
_Z: Final = {0.025: -1.959964, 0.1: -1.281552, 0.5: 0.0, 0.9: 1.281552, 0.975: 1.959964}
"""The normal distribution's; between two edges a quantile is interpolated on its scale."""
_BEYOND: Final = 1.1
"""A forecast that ends a tenth before the time asked for answers with its end."""


def quantile_ahead(made: Sequence[Forecast], seconds: float, quantile: float) -> Floats:
    """A quantile of each forecast, so many seconds after its origin: (n,), NaN where it does not reach so far."""
    places = [_place(item, seconds) for item in made]
    below = max(edge for edge, _ in _EDGES if edge <= quantile + 1e-9)
    above = min(edge for edge, _ in _EDGES if edge >= quantile - 1e-9)
    edges = dict(_EDGES)
    low = _values(made, places, edges[below])
    if below == above:
        return low
    share = (_normal(quantile) - _Z[below]) / (_Z[above] - _Z[below])
    return low + share * (_values(made, places, edges[above]) - low)


def _place(made: Forecast, seconds: float) -> int:
    """Which step is so many seconds ahead; -1 if it does not reach so far."""
    steps = len(made.mean)
    place = round(seconds / made.step_s) - 1
    if place < steps:
        return max(0, place)
    return steps - 1 if place + 1 <= steps * _BEYOND else -1


def _values(made: Sequence[Forecast], places: Sequence[int], edge: Callable[[Forecast], tuple[float, ...]]) -> Floats:
    nan = math.nan
    return np.array([edge(item)[at] if at >= 0 else nan for item, at in zip(made, places, strict=True)], dtype=float)


def _normal(quantile: float) -> float:
    """The standard normal's quantile, by bisection of its distribution function."""
    low, high = -4.0, 4.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 * (1 + math.erf(middle / math.sqrt(2))) < quantile else (low, middle)
    return low


def seconds_until(made: Sequence[Forecast], thresholds: Sequence[float | None], now_unix_s: float) -> Floats:
    """Seconds until the middle of each forecast reaches its threshold: (n,), infinite if it does not, NaN unknown."""
    found = np.full(len(made), np.nan)
    for n, (item, threshold) in enumerate(zip(made, thresholds, strict=True)):
        if threshold is not None:
            at = first_reached(item.mean, threshold, is_rising=True)
            found[n] = math.inf if at is None else max(0.0, _time(item, at) - now_unix_s)
    return found


def first_reached(path: Sequence[float], threshold: float, *, is_rising: bool) -> int | None:
    """The first step at which a path has reached a threshold; None if it does not."""
    for at, value in enumerate(path):
        if value >= threshold if is_rising else value <= threshold:
            return at
    return None


def eta_of(made: Forecast, threshold: float, *, is_rising: bool) -> Eta:
    """When a forecast reaches a threshold: with its middle, and with the near and far edge of its 80 % band.

    Where even the near edge does not reach it, the end of the forecast is the earliest that can be said.
    """
    near, far = (made.hi80, made.lo80) if is_rising else (made.lo80, made.hi80)
    middle, early, late = (first_reached(path, threshold, is_rising=is_rising) for path in (made.mean, near, far))
    end = made.origin_unix_s + len(made.mean) * made.step_s
    return Eta(
        threshold,
        None if middle is None else _time(made, middle),
        end if early is None else _time(made, early),
        None if late is None else _time(made, late),
    )


def _time(made: Forecast, step: int) -> float:
    return made.origin_unix_s + (step + 1) * made.step_s


def by_row(
    known: Mapping[tuple[str, str], Forecast], hosts: Sequence[str], instances: Sequence[str]
) -> tuple[list[int], list[Forecast]]:
    """The rows that have a forecast, and those forecasts."""
    rows: list[int] = []
    made: list[Forecast] = []
    for row, key in enumerate(zip(hosts, instances, strict=True)):
        item = known.get(key)
        if item is not None:
            rows.append(row)
            made.append(item)
    return rows, made
