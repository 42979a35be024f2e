"""The horizons at which forecasts are made and scored; what lies between is interpolated."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Steps = npt.NDArray[np.int64]

GRID: Final = (1, 2, 3, 5, 8, 12, 15, 20, 30, 45, 60, 90, 120, 180, 288, 480, 720, 1440)
"""Horizons in steps, about evenly spaced in their logarithm: forecasts change slowly between them."""
MOST_STEPS: Final = GRID[-1]


def horizons(steps: int) -> Steps:
    """The grid's horizons up to the first that is no nearer than `steps`.

    Raises:
        ValueError: `steps` is not between 1 and `MOST_STEPS`.
    """
    if not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"a forecast of {steps} steps; between 1 and {MOST_STEPS} are possible")
    count = 1 + bisect_left(GRID, steps)
    return np.array(GRID[:count], dtype=np.int64)


def nearest(steps: int) -> int:
    """Index of the grid's horizon nearest to `steps`."""
    return int(np.abs(np.log(GRID) - np.log(max(steps, 1))).argmin())


def spread(at_grid: Values, grid: Steps, steps: int) -> Values:
    """Values at the grid's horizons, interpolated to every step: shape (g,) → (steps,)."""
    return np.interp(np.arange(1, steps + 1, dtype=np.float64), grid.astype(np.float64), at_grid)
