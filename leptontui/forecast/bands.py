"""Bands by conformal prediction: quantiles of realised residuals, their level adapted until what is promised is kept.

The level is adapted as by Gibbs & Candès, Adaptive conformal inference under distribution shift (2021): after a miss
the band is made wider, after a hit a little narrower, so that in the long run the nominal share is covered whatever the
series does. A series' own residuals are joined with its class's, scaled to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from leptontui.forecast.combine import recency
from leptontui.forecast.grid import Steps, Values

CLASS_WEIGHT: Final = 12.0
"""The class's residuals count like so many of the series' own that do not overlap."""
_OVERLAP: Final = 8.0
HALF_LIFE: Final = 100.0
"""Origins after which a residual counts half: unrest comes and goes faster than members' merits change."""
TIGHTEST, WIDEST = 0.25, 2.5
"""A share outside is adapted within these multiples of the nominal one."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Where the value may come to lie, at each horizon.

    Attributes:
        values: sorted, shape (g, k).
        heights: cumulated weights, rising to 1, shape (g, k).
    """

    values: Values
    heights: Values


def sample(
    centre: Values,
    residuals: Values,
    class_residuals: Values,
    scale: Values,
    grid: Steps,
    floor: Values,
    ceiling: Values,
) -> Sample:
    """Join the series' own residuals with its class's.

    Args:
        centre: the point forecast, shape (g,).
        residuals: the series' own, NaN where unknown, shape (g, n).
        class_residuals: the class's, in units of a series' scale, shape (g, c).
        scale: this series', shape (g,).
        grid: horizons, shape (g,).
        floor: lower bounds, shape (g,).
        ceiling: upper bounds, shape (g,).
    """
    known = np.isfinite(residuals)
    own = np.where(known, residuals, 0.0)
    own_weights = known * recency(residuals.shape[1], HALF_LIFE)
    count = class_residuals.shape[1]
    class_weight = CLASS_WEIGHT * (1.0 + grid / _OVERLAP) / count
    values = np.concatenate([own, class_residuals * scale[:, None]], axis=1) + centre[:, None]
    weights = np.concatenate([own_weights, np.repeat(class_weight[:, None], count, axis=1)], axis=1)
    values = np.clip(values, floor[:, None], ceiling[:, None])
    order = np.argsort(values, axis=1)
    values = np.take_along_axis(values, order, axis=1)
    heights = np.cumsum(np.take_along_axis(weights, order, axis=1), axis=1)
    return Sample(values, heights / heights[:, -1:])


def edges(drawn: Sample, outside: Values) -> tuple[Values, Values]:
    """The band that leaves a share outside, half on each side; what one side cannot use, the other does.

    Args:
        drawn: where the value may lie.
        outside: the share that may lie outside, shape (g,).

    Returns:
        Lower and upper edges, shape (g,) each.
    """
    half = 0.5 * outside
    _, above = _upper(drawn, half)
    low, below = _lower(drawn, outside - above)
    high, _ = _upper(drawn, outside - below)
    return low, high


def _lower(drawn: Sample, share: Values) -> tuple[Values, Values]:
    """The highest edge with at most `share` strictly below it, and how much is."""
    index = (drawn.heights > share[:, None]).argmax(axis=1)
    edge = np.take_along_axis(drawn.values, index[:, None], axis=1)
    is_below = drawn.values < edge
    below = np.where(is_below, drawn.heights, 0.0).max(axis=1)
    return edge[:, 0], below


def _upper(drawn: Sample, share: Values) -> tuple[Values, Values]:
    """The lowest edge with at most `share` strictly above it, and how much is."""
    index = (drawn.heights >= 1.0 - share[:, None] - 1e-12).argmax(axis=1)
    edge = np.take_along_axis(drawn.values, index[:, None], axis=1)
    is_up_to = drawn.values <= edge
    above = 1.0 - np.where(is_up_to, drawn.heights, 0.0).max(axis=1)
    return edge[:, 0], above


def nominal_outside(level: float) -> float:
    """The share that a band of `level` per cent leaves outside."""
    return 1.0 - level / 100.0
