"""The portfolio's cheap members: levels a series may stay at and lines it may follow, for every origin at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.signal import lfilter

from leptontui.forecast.grid import Steps, Values
from leptontui.forecast.past import Stretch

ALPHAS: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75)
WINDOWS: Final = (3, 5, 9, 15, 31, 61, 121)
COARSE_FROM: Final = 61
"""Medians of as many values are taken at every fourth origin only: they hardly move in between."""
COARSE: Final = 4

LEVELS: Final = ("last value", *(f"EWM {alpha:g}" for alpha in ALPHAS), *(f"median {window}" for window in WINDOWS))
"""Names of the members, in the order of `levels`."""
TWO_VALUED: Final = tuple(n for n, name in enumerate(LEVELS) if not name.startswith("EWM"))
"""Those that only ever forecast a value that has been seen."""
WHOLE: Final = ("whole median 61", "whole median 121", "whole median 241")
"""Medians across level shifts: for a series whose shifts do not last."""
_WHOLE_WINDOWS: Final = (61, 121, 241)
LINE_WINDOWS: Final = (12, 24, 48, 96)
LINES: Final = tuple(f"line {window}" for window in LINE_WINDOWS)
"""Least-squares lines through so many values: for what climbs steadily, a leak or failing cooling."""


def levels(values: Values, parts: tuple[Stretch, ...], since: int) -> Values:
    """Each member's level at each origin, from values of the origin's stretch alone.

    Args:
        values: without missing values, shape (n,).
        parts: the stretches of the past.
        since: the first origin that is wanted.

    Returns:
        Shape (len(LEVELS), n - since); NaN at origins before the first stretch.
    """
    found = np.full((len(LEVELS), len(values) - since), np.nan)
    for part in parts:
        first = max(part.known, since)
        if first < part.end:
            begin = max(part.start, first - 2 * WINDOWS[-1])
            found[:, first - since : part.end - since] = _bank(values[begin : part.end])[:, first - begin :]
    return found


def whole_medians(values: Values, since: int) -> Values:
    """Medians that look across shifts, at each origin: shape (len(WHOLE), n - since)."""
    begin = max(0, since - _WHOLE_WINDOWS[-1])
    part = values[begin:]
    kept = np.array(_medians(part, (9, 31, *_WHOLE_WINDOWS))[2:])
    return kept[:, since - begin :]


def _bank(values: Values) -> Values:
    """Shape (len(LEVELS), n)."""
    smoothed = [smoothed_at(values, alpha) for alpha in ALPHAS]
    return np.array([values, *smoothed, *_medians(values, WINDOWS)])


def smoothed_at(values: Values, alpha: float) -> Values:
    """Exponentially weighted mean at every origin, begun at the first value: shape (n,)."""
    found: Values
    found, _ = lfilter([alpha], [1.0, alpha - 1.0], values, zi=[(1.0 - alpha) * values[0]])
    return found


def _medians(values: Values, windows: tuple[int, ...]) -> list[Values]:
    """Running medians; where a window reaches back too far, the next shorter one's. Shape (n,) each."""
    found: list[Values] = []
    shorter = values
    n = len(values)
    for window in windows:
        mine = shorter.copy()
        if n >= window:
            stride = COARSE if window >= COARSE_FROM else 1
            view = sliding_window_view(values, window)
            offset = (len(view) - 1) % stride
            middle = window // 2  # windows are odd: np.median would look for two middles
            coarse = np.partition(view[offset::stride], middle, axis=1)[:, middle]
            mine[window - 1 + offset :] = np.repeat(coarse, stride)[: len(view) - offset]
        found.append(mine)
        shorter = mine
    return found


def lines(values: Values, parts: tuple[Stretch, ...], grid: Steps, since: int) -> Values:
    """What each line forecasts at each origin, from values of the origin's stretch alone.

    Args:
        values: without missing values, shape (n,).
        parts: the stretches of the past.
        grid: horizons, shape (g,).
        since: the first origin that is wanted.

    Returns:
        Shape (len(LINES), g, n - since); NaN where a stretch is shorter than the window.
    """
    found = np.full((len(LINES), len(grid), len(values) - since), np.nan)
    for part in parts:
        first = max(part.known, since)
        for number, window in enumerate(LINE_WINDOWS):
            begin = max(first, part.start + window - 1)
            if begin >= part.end:
                continue
            view = sliding_window_view(values[begin - window + 1 : part.end], window)
            reach = np.arange(window) - 0.5 * (window - 1)
            slope = view @ (reach / (reach @ reach))
            end = view.mean(axis=1) + slope * reach[-1]
            found[number, :, begin - since : part.end - since] = end + slope * grid[:, None]
    return found
