"""Counters among series of unknown kind: what only ever grows is judged by its rate."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from leptontui.anomaly.table import Flags, Floats

SURE: Final = 40
"""Steps after which a series is taken for a counter or for a gauge."""
_GROWING: Final = 0.8
"""Share of those steps in which a counter grew."""
_RESET: Final = 0.1
"""A counter that was reset begins below this share of what it was; a smaller fall proves that it is none."""


class Counters:
    """Turns the values of counters into rates.

    Args:
        rows: how many series.
    """

    def __init__(self, rows: int) -> None:
        self._last = np.full(rows, np.nan)
        self._last_unix_s = np.full(rows, np.nan)
        self._steps = np.zeros(rows)
        self._grew = np.zeros(rows)
        self._fell = np.zeros(rows, np.bool_)
        self.are: Flags = np.zeros(rows, np.bool_)

    def advance(self, values: Floats, at_unix_s: Floats) -> tuple[Floats, npt.NDArray[np.intp]]:
        """Take the next value of every series.

        Args:
            values: NaN where nothing was measured, shape (rows,).
            at_unix_s: when, shape (rows,).

        Returns:
            The values, rates per second instead for those that are counters (NaN across a reset); and the rows that
            just turned from one into the other, whose past is of something else.
        """
        said = np.isfinite(values)
        change = np.where(said, values - self._last, np.nan)
        passed = at_unix_s - self._last_unix_s
        known = np.isfinite(change)
        with np.errstate(invalid="ignore", divide="ignore"):
            rate = np.where((change >= 0) & (passed > 0), change / passed, np.nan)
            fell = known & (change < 0)
            is_reset = fell & (values >= 0) & (values <= _RESET * self._last)
        self._steps += known
        self._grew += known & (change > 0)
        self._fell |= fell & ~is_reset
        self._fell |= fell & (self._steps <= SURE)
        before = self.are.copy()
        decided = self._steps >= SURE
        self.are = np.where(decided & ~before, (self._grew >= _GROWING * self._steps) & (self._steps == SURE), before)
        self.are &= ~self._fell
        self._last = np.where(said, values, self._last)
        self._last_unix_s = np.where(said, at_unix_s, self._last_unix_s)
        return np.where(self.are, rate, values), np.flatnonzero(self.are != before)
