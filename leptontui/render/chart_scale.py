"""A chart's vertical scale: the unit to show, the range to show and the ticks on it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leptontui.model.catalogue import Metric

_BINARY = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
ABSURD = 1e24
"""No quantity is greater; arithmetic on what is might overflow."""
_BAND_REACH = 1.0
"""The 95 % band may widen the range by this many spans of the rest on each side; beyond, it is cut off."""
_THRESHOLD_REACH = 1.5
"""A threshold further away than this many spans of the rest is named at the edge instead of drawn."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How a metric's values become numbers on an axis.

    Attributes:
        unit: as written above the axis, e.g. "GiB".
        divisor: a raw value divided by this is a value in `unit`.
        lower, upper: physical bounds in `unit`, None where there is none.
        min_span: the axis covers at least this much, in `unit`, so that noise does not look like a storm.
        is_whole: the axis always covers lower to upper.
    """

    unit: str
    divisor: float = 1.0
    lower: float | None = 0.0
    upper: float | None = None
    min_span: float = 1.0
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Extent:
    """What the vertical axis covers, in the scale's unit.

    Attributes:
        low, high: the ends of the axis; low < high.
        ticks: where it is labelled, ascending.
        step: distance of two ticks.
    """

    low: float
    high: float
    ticks: tuple[float, ...]
    step: float


def scale_of(metric: Metric, *, peak: float | None, capacity: float | None = None) -> Scale:
    """The scale for a metric.

    Args:
        metric: whose values are charted.
        peak: the greatest value to be shown, in the metric's own unit; None if there is none.
        capacity: upper bound in the metric's own unit where a neighbouring value says it.
    """
    if metric.unit == "%":
        return Scale("%", 1.0, 0.0, 100.0, 100.0, is_whole=True)
    if metric.unit in {"B", "B/s"}:
        power = _power(max(peak or 0.0, capacity or 0.0))
        divisor = 1024.0**power
        upper = None if capacity is None else capacity / divisor
        unit = _BINARY[power] + ("/s" if metric.unit == "B/s" else "")
        return Scale(unit, divisor, 0.0, upper, min_span=0.1 * upper if upper else 1.0)
    spans = {"°C": 12.0, "W": 60.0, "MHz": 200.0}
    return Scale(metric.unit, 1.0, metric.lower, metric.upper, spans.get(metric.unit, 2.0))


def _power(magnitude: float) -> int:
    """The binary prefix that leaves a number below 10,000 (so that 8 TiB of disk and 80 GiB of GPU are both GiB)."""
    power = 0
    while power < len(_BINARY) - 1 and magnitude >= 10_000.0:  # noqa: PLR2004 — four digits are read at a glance
        magnitude /= 1024.0
        power += 1
    if _BINARY[power] == "MiB" and magnitude >= 1024.0:  # noqa: PLR2004 — a GPU's memory is spoken of in GiB
        return power + 1
    return power


def extent_of(
    values: Iterable[float],
    *,
    scale: Scale,
    rows: int,
    outer: Iterable[float] = (),
    threshold: float | None = None,
) -> Extent:
    """The range to show. All numbers are in the scale's unit.

    Args:
        values: what must be inside: history, forecast mean and 80 % band.
        scale: bounds and the least span.
        rows: height of the plot in character rows; decides how many ticks there are.
        outer: what should be inside if it is near: the edges of the 95 % band.
        threshold: taken in if it is within reach.
    """
    inner = [value for value in values if abs(value) < ABSURD]
    if scale.is_whole and scale.lower is not None and scale.upper is not None:
        return _ticked(scale.lower, scale.upper, rows, is_exact=True)
    base = scale.lower if scale.lower is not None else 0.0
    low, high = (min(inner), max(inner)) if inner else (base, base + scale.min_span)
    low, high = _widened(low, high, scale)
    span = high - low
    edges = [value for value in outer if abs(value) < ABSURD]
    if edges:
        low = min(low, max(min(edges), low - _BAND_REACH * span))
        high = max(high, min(max(edges), high + _BAND_REACH * span))
    if threshold is not None and low - _THRESHOLD_REACH * span <= threshold <= high + _THRESHOLD_REACH * span:
        # A line on the very edge would have no room for what crosses it.
        low, high = min(low, threshold), max(high, threshold + 0.04 * span)
    low, high = _bounded(low, high, scale)
    return _ticked(low, high, rows, is_exact=False, lower=scale.lower)


def _widened(low: float, high: float, scale: Scale) -> tuple[float, float]:
    """At least the least span, the values in the middle."""
    least = max(scale.min_span, 1e-9 * max(abs(low), abs(high)))
    missing = least - (high - low)
    if missing > 0:
        low, high = low - missing / 2, high + missing / 2
    return _bounded(low, high, scale)


def _bounded(low: float, high: float, scale: Scale) -> tuple[float, float]:
    """Nothing below the lower bound; what is cut off there is given to the top."""
    if scale.lower is not None and low < scale.lower <= high:
        high, low = max(high, min(high + scale.lower - low, scale.lower + scale.min_span)), scale.lower
    return low, high


def _ticked(low: float, high: float, rows: int, *, is_exact: bool, lower: float | None = None) -> Extent:
    """Ends moved out to ticks of 1, 2 or 5 times a power of ten, about one tick every two or three rows."""
    step = nice_step((high - low) / max(1.0, rows / 2.5))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if not is_exact:
        # A quarter of a step is enough room; a whole empty one wastes rows.
        low = max(first * step, low) if lower is not None and low <= lower else max(first * step, low - step / 4)
        high = min(last * step, high + step / 4)
    ticks = tuple(number * step for number in range(first, last + 1) if low - 1e-9 <= number * step <= high + 1e-9)
    return Extent(low, high if high > low else low + step, ticks, step)


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 5 · 10ᵏ, or 25 · 10ᵏ, that is at least `least`."""
    if not math.isfinite(least) or least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    factors = (1.0, 2.0, 2.5, 5.0, 10.0) if power >= 10 else (1.0, 2.0, 5.0, 10.0)  # noqa: PLR2004 — 2.5 has decimals
    return next(factor * power for factor in factors if factor * power >= least * (1 - 1e-9))


def tick_label(value: float, step: float) -> str:
    """A tick's number, with as many decimals as its step needs."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def in_unit(values: Sequence[float | None], scale: Scale) -> list[float | None]:
    """Raw values in the scale's unit; what is not a number of this world becomes None."""
    return [value / scale.divisor if value is not None and abs(value) < ABSURD else None for value in values]
