"""How far a forecast may go: not far outside of what its series was seen to do."""

from __future__ import annotations

from typing import Final

import numpy as np

from leptontui.forecast.grid import Steps, Values

UNSEEN, UNSEEN_STEPS = 0.25, 60.0
"""A forecast and its bands may leave the range that was seen by this share of it; by more, the less was seen."""
FURTHER: Final = 1.25
USUAL_MOST: Final = 0.9
"""A series may go as far in some time as this share of its moves in as much time went at most, and a quarter more: what
fills steadily is forecast where it never was, what bursts is not."""
MOST_POINTS: Final = 1024
"""Older moves are not looked at."""


def bounds_within(whole: Values, grid: Steps, floor: float, ceiling: float) -> tuple[Values, Values]:
    """The lowest and highest values that are forecast at each horizon.

    Args:
        whole: the series without missing values, shape (n,).
        grid: horizons, shape (g,).
        floor: physical lower bound.
        ceiling: physical upper bound.

    Returns:
        Shape (g,) each.
    """
    low, high = float(whole.min()), float(whole.max())
    margin = (high - low) * (UNSEEN + UNSEEN_STEPS / len(whole))
    fell, rose = _moves(whole[-MOST_POINTS:], grid)
    lowest = np.minimum(low - margin, whole[-1] + FURTHER * fell)
    highest = np.maximum(high + margin, whole[-1] + FURTHER * rose)
    return np.maximum(floor, lowest), np.minimum(ceiling, highest)


def _moves(values: Values, grid: Steps) -> tuple[Values, Values]:
    """How far the series usually falls (≤ 0) and rises (≥ 0) at most in as much time.

    What lies beyond half of what is known goes on as far as that half did.
    """
    longest = max(1, len(values) // 2)
    fell, rose = np.zeros(len(grid)), np.zeros(len(grid))
    for n, steps in enumerate(grid):
        seen = min(int(steps), longest)
        if len(values) > seen:
            moved = np.sort(values[seen:] - values[:-seen]) * (steps / seen)
            rank = int(USUAL_MOST * (len(moved) - 1))
            fell[n], rose[n] = min(0.0, moved[len(moved) - 1 - rank]), max(0.0, moved[rank])
    return fell, rose
