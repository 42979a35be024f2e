"""A series' past as the forecaster sees it: regular grid, missing values, and the stretches it falls into."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from leptontui.forecast.grid import Steps, Values

MAX_GAP_STEPS: Final = 6
"""A longer gap ends a stretch: what was before says little about what comes after."""
SHIFT_AFTER: Final = 5
"""Values at a new level before it is believed: bursts are shorter."""
SHIFT_BEFORE: Final = 15
"""Values at the old level that a shift is told by."""
SHIFT_CLEARANCE: Final = 1.5
"""A shift's levels lie apart by this many times the wider one's range: an unquiet series has no levels to shift."""
ROUNDING: Final = 1e-6
"""Values are 32-bit means: what differs by less than this share of their size does not differ."""
MOST_STRETCHES: Final = 6
"""What lies before so many is taken for one."""


_SLACK: Final = 1e-3
"""Steps by which a time may fall short of its grid's, from rounding."""


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of one series at the moment of a forecast.

    Attributes:
        key: identity of the series.
        metric: what shares weights and calibration; of one step only, e.g. "util_pct@10s".
        values: on a regular grid, oldest first, NaN where missing, shape (n,).
        t_unix_s: time of the last value's bucket.
        step_s: width of a bucket, more than 0.
        lower, upper: physical bounds in the metric's unit, None for none.
        seasons: lengths of seasons to try, in steps; empty: days and weeks, where long enough is known.
    """

    key: str
    metric: str
    values: Values
    t_unix_s: float
    step_s: float
    lower: float | None = None
    upper: float | None = None
    seasons: tuple[int, ...] = ()

    @property
    def bucket(self) -> int:
        """Number of the last bucket, counted in steps from the epoch."""
        # Not rounded to the nearest: times half a step off the epoch's grid would go to and fro between two buckets.
        return math.floor(self.t_unix_s / self.step_s + _SLACK)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a past between two breaks.

    Attributes:
        start: index of its first value.
        known: index of the value at which it was seen that a new stretch had begun; at least `start`.
        end: index after the last value at which it was the newest stretch known.
        is_shift: whether it began with a level shift, not with a gap or the past's beginning.
    """

    start: int
    known: int
    end: int
    is_shift: bool


def filled(values: Values) -> Values:
    """Every missing value replaced by the last one before it; NaN before the first. Shape (n,)."""
    index = np.where(np.isfinite(values), np.arange(len(values)), 0)
    np.maximum.accumulate(index, out=index)
    return values[index]


def standing(values: Values) -> Steps:
    """For how many steps each value has been the same: shape (n,); 0 where it has just changed."""
    n = np.arange(len(values))
    changed = np.r_[True, np.diff(values) != 0.0]
    return n - np.maximum.accumulate(np.where(changed, n, 0))


def stretches(values: Values) -> tuple[Stretch, ...]:
    """The stretches that a past falls into, oldest first; at most `MOST_STRETCHES`.

    A stretch ends at a gap of more than `MAX_GAP_STEPS` and at a level shift. Each value's stretch is told from that
    value and earlier ones only.

    Args:
        values: NaN where missing, shape (n,).
    """
    sampled = np.flatnonzero(np.isfinite(values))
    if not len(sampled):
        return ()
    after_gap = sampled[1:][np.diff(sampled) - 1 > MAX_GAP_STEPS]
    bounds = [int(sampled[0]), *after_gap.tolist(), len(values)]
    found: list[Stretch] = []
    whole = filled(values)
    for first, last in pairwise(bounds):
        begins = [(first, first, False), *((at - SHIFT_AFTER + 1, at, True) for at in _shifts(whole, first, last))]
        ends = [known for _, known, _ in begins[1:]] + [last]
        found += [
            Stretch(start, known, end, is_shift) for (start, known, is_shift), end in zip(begins, ends, strict=True)
        ]
    if len(found) > MOST_STRETCHES:
        oldest, merged = found[0], found[-MOST_STRETCHES]
        found[: -MOST_STRETCHES + 1] = [Stretch(oldest.start, oldest.known, merged.end, is_shift=False)]
    return tuple(found)


def _shifts(values: Values, first: int, last: int) -> list[int]:
    """Indices at which a level shift is first seen between `first` and `last`."""
    width = SHIFT_BEFORE + SHIFT_AFTER
    if last - first < width:
        return []
    windows = sliding_window_view(values[first:last], width)
    before, after = windows[:, :SHIFT_BEFORE], windows[:, SHIFT_BEFORE:]
    low, high = before.min(axis=1), before.max(axis=1)
    low_after, high_after = after.min(axis=1), after.max(axis=1)
    apart = np.maximum(low_after - high, low - high_after)
    unrest = np.maximum(high - low, high_after - low_after)
    noise = ROUNDING * np.maximum(np.abs(low), np.abs(high))
    seen = np.flatnonzero(apart > np.maximum(SHIFT_CLEARANCE * unrest, noise)) + first + width - 1
    return [int(at) for n, at in enumerate(seen) if n == 0 or at > seen[n - 1] + 1]
