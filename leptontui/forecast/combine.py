"""Weights of the portfolio's members by their realised errors, and their weighted median.

Absolute error is what is kept small, so members are joined by their weighted median, not their mean: on bursty series
it stays on a value that is really taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from leptontui.forecast.grid import Steps, Values

SHARPNESS: Final = 12.0
"""A member's weight is its relative error to minus this power: ten per cent worse has a third of the weight."""
MOST_JOINED: Final = 7
"""Members that are joined at one horizon: the rest would weigh next to nothing."""
HALF_LIFE: Final = 250.0
"""Origins after which an error counts half."""
CLASS_ORIGINS: Final = 8.0
"""The class's experience counts like so many of the series' own origins; more at far horizons, whose errors overlap."""
LEAST_STOOD: Final = 8
"""A value that has stood for as many steps is expected to stand for as many again as it has: flat stretches end, but no
sooner than they began, and a level that other members remember is then not the one to be at."""
_OVERLAP: Final = 10.0
CARRY: Final = 0.9
"""How much of what a member does better or worse on this series than on its class, at one horizon, is expected of it at
the next: a leak is told by its near horizons long before its far ones were seen."""


@dataclass(frozen=True, slots=True)
class Hindcast:
    """What the members would have forecast at each past origin, and what came.

    Attributes:
        made: shape (m, g, n) for m members, g horizons, n origins, the last of which is now; NaN where one has none.
        stood: for how many steps each origin's value had been the same, shape (n,).
        actual: what came, shape (g, n); NaN where it is missing or still to come.
    """

    made: Values
    actual: Values
    stood: Steps


@dataclass(frozen=True, slots=True)
class Joined:
    """The members joined.

    Attributes:
        weights: of each member at each horizon, shape (m, g), summing to 1 over members.
        now: the joined forecast, shape (g,).
        residuals: what came less what the joined members would have forecast, shape (g, n); NaN where unknown.
        scale: the cheap members' mean absolute error at each horizon, shape (g,); 0 where nothing ever moved.
        seen: origins that `scale` was found from, shape (g,).
    """

    weights: Values
    now: Values
    residuals: Values
    scale: Values
    seen: Values


def recency(count: int, half_life: float) -> Values:
    """Weights of origins, the last one's being 1: shape (count,)."""
    found: Values = np.exp2((np.arange(count) - count + 1.0) / half_life)
    return found


def join(hindcast: Hindcast, grid: Steps, class_loss: Values, cheap: int) -> Joined:
    """Weigh the members and join them.

    Args:
        hindcast: of this series.
        grid: horizons, shape (g,).
        class_loss: relative errors of the members, learned over the metric's class, shape (m, g).
        cheap: the first so many members are always there; errors are taken relative to their mean.
    """
    actual = hindcast.actual
    active = np.flatnonzero(np.isfinite(hindcast.made[:, :, -1]).any(axis=1))  # the others can say nothing now
    made = hindcast.made[active]
    relative, scale, seen = _relative_errors(made, actual, grid, class_loss[active], cheap)
    best = relative.min(axis=0)
    with np.errstate(all="ignore"):
        weights = np.where(best > 0.0, (relative / best) ** -SHARPNESS, relative == best)
    weights = np.where(np.isfinite(weights), weights, 0.0)
    order = np.argsort(-weights, axis=0, kind="stable")
    np.put_along_axis(weights, order[MOST_JOINED:], 0.0, axis=0)
    weights /= weights.sum(axis=0)
    chosen = order[:MOST_JOINED]
    columns = np.arange(len(grid))
    joined = _weighted_median(made[chosen, columns], weights[chosen, columns])
    stands = (hindcast.stood >= LEAST_STOOD) & (grid[:, None] <= hindcast.stood)
    joined = np.where(stands, made[0], joined)
    everyone = np.zeros((len(hindcast.made), len(grid)))
    everyone[active] = weights
    return Joined(everyone, joined[:, -1], actual - joined, scale, seen)


def _relative_errors(
    made: Values, actual: Values, grid: Steps, class_loss: Values, cheap: int
) -> tuple[Values, Values, Values]:
    """Members' errors relative to the cheap ones' mean, shape (m, g); that mean and the origins seen, shape (g,)."""
    known = np.isfinite(actual)
    aged = recency(actual.shape[1], HALF_LIFE) * known
    errors = np.abs(np.where(known, actual, 0.0) - made)
    norm = errors[:cheap].mean(axis=0) * aged
    norm = np.where(np.isfinite(norm), norm, 0.0)
    seen = aged.sum(axis=1)
    scale = norm.sum(axis=1) / np.maximum(seen, 1e-9)
    own, shared = np.empty(made.shape[:2]), np.empty(made.shape[:2])
    own[:cheap] = np.einsum("mgn,gn->mg", np.where(np.isfinite(errors[:cheap]), errors[:cheap], 0.0), aged)
    shared[:cheap] = norm.sum(axis=1)
    for index in range(cheap, len(made)):  # these are not always there
        there = np.isfinite(errors[index])
        own[index] = (np.where(there, errors[index], 0.0) * aged).sum(axis=1)
        shared[index] = (norm * there).sum(axis=1)
    scale = _steadied(scale, seen, grid)
    prior = CLASS_ORIGINS * (1.0 + grid / _OVERLAP) * scale
    relative = np.empty_like(own)
    carried = np.ones(len(own))
    with np.errstate(all="ignore"):
        for n in range(len(grid)):
            expected = class_loss[:, n] * carried
            relative[:, n] = (own[:, n] + prior[n] * expected) / (shared[:, n] + prior[n])
            carried = np.where(np.isfinite(relative[:, n]), relative[:, n] / class_loss[:, n], 1.0) ** CARRY
    relative = np.where(np.isfinite(relative), relative, 1.0)
    relative[~np.isfinite(made[:, :, -1])] = np.inf
    return relative, scale, seen


def _weighted_median(made: Values, weights: Values) -> Values:
    """Shape (k, g, n) with weights (k, g) → (g, n); missing members weigh nothing."""
    order = np.argsort(made, axis=0)  # NaN last
    values = np.take_along_axis(made, order, axis=0)
    heights = np.take_along_axis(np.broadcast_to(weights[:, :, None], made.shape), order, axis=0)
    heights = np.cumsum(np.where(np.isfinite(values), heights, 0.0), axis=0)
    middle = (heights >= 0.5 * heights[-1]).argmax(axis=0)
    found: Values = np.take_along_axis(values, middle[None], axis=0)[0]
    return found


def _steadied(scale: Values, seen: Values, grid: Steps) -> Values:
    """Scales leaning on the next nearer horizon's where few origins were seen, which overlap besides."""
    found = scale.copy()
    for n in range(1, len(grid)):
        nearer = found[n - 1] * float(grid[n] / grid[n - 1]) ** _GROWTH
        found[n] = (seen[n] * scale[n] + grid[n] * nearer) / (seen[n] + grid[n])
    return found


_GROWTH: Final = 0.1
"""How errors grow with the horizon where it is not known: a random walk's with the power 0.5, a level's hardly."""
