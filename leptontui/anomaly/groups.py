"""Groups: series that left what is usual at the same time and moved together are one anomaly.

Principal components of the window in which they did: whatever follows the first component, in the same or in the
opposite direction (utilisation falls, memory is freed), belongs together; of the rest the next component is taken, and
so on.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from leptontui.anomaly.table import Floats

ALIKE: Final = 0.8
"""Correlation with the common movement from which on a series belongs to it."""
_ROUNDS: Final = 16
_FLAT: Final = 1e-9


def moved_together(window: Floats) -> list[list[int]]:
    """Which rows moved together.

    Args:
        window: deviations from what is usual, one row for each series, the same instants in each, oldest first;
            not finite ones count as none. Shape (rows, instants).

    Returns:
        Every row in exactly one list: rows that moved together in one, those that moved alone each in its own. The
        greatest group first; row numbers ascend in each.
    """
    shapes, is_flat = _shapes(window)
    left = np.flatnonzero(~is_flat)
    groups: list[list[int]] = []
    for _ in range(_ROUNDS):
        if len(left) <= 1:
            break
        alike = np.abs(shapes[left] @ _common(shapes[left])) >= ALIKE
        if np.count_nonzero(alike) <= 1:
            break
        groups.append(left[alike].tolist())
        left = left[~alike]
    alone = np.sort(np.concatenate([left, np.flatnonzero(is_flat)]))
    groups.sort(key=len, reverse=True)
    return groups + [[row] for row in alone.tolist()]


def follow(window: Floats, leaders: Floats) -> Floats:
    """How much each row moves as the common movement of `leaders` does.

    Args:
        window: see `moved_together`, shape (rows, instants).
        leaders: likewise, at least one, shape (leaders, instants).

    Returns:
        Absolute correlation, 0 for a row that does not move; shape (rows,).
    """
    shapes, _ = _shapes(leaders)
    found: Floats = np.abs(_shapes(window)[0] @ _common(shapes))
    return found


def _shapes(window: Floats) -> tuple[Floats, np.ndarray[tuple[int, ...], np.dtype[np.bool_]]]:
    """Rows without mean and of length one, and which were flat."""
    # Deviations of very different size, compressed: one spike of a thousand must not be all that is compared.
    shapes = np.arcsinh(np.nan_to_num(window, nan=0.0, posinf=0.0, neginf=0.0))
    shapes = shapes - shapes.mean(axis=1, keepdims=True)
    length = np.linalg.norm(shapes, axis=1)
    is_flat = length < _FLAT
    return shapes / np.where(is_flat, 1.0, length)[:, None], is_flat


def _common(shapes: Floats) -> Floats:
    """The first principal direction of rows of length one, shape (instants,)."""
    # As few instants as a window has, their covariance is a small matrix however many rows there are.
    _, directions = np.linalg.eigh(shapes.T @ shapes)
    common: Floats = directions[:, -1]
    return common
