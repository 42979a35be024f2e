"""Calibration: from a surprise to how often a day a series, while all is well, surprises as much.

Each series' past is counted in blocks as long as the time within which alarms are merged, each block by its greatest
surprise, so that what is counted is what would have been an alarm. While a series has few blocks, what surprises of
series in general are like weighs as much as `_PRIOR` of them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from leptontui.anomaly.settings import DAY_S
from leptontui.anomaly.table import Flags, Floats, Rows, Table
from leptontui.model.anomaly import SCORE_LEAST, SCORE_MOST

BINS: Final = 48
_MOST: Final = 24.0
_PRIOR: Final = 500.0
"""Blocks of a series that the general experience weighs as much as."""
_DECADE: Final = 3.2
"""By how much a surprise grows when it becomes ten times as rare, over series in general: the parts of a surprise
depend on each other, so that it is more than one."""
_FADE: Final = 1.0 / 2000.0


class Calibration:
    """Scores of surprises.

    Args:
        step_s: time between two values of each series, shape (rows,).
        block_s: within this alarms are merged.
    """

    def __init__(self, step_s: Floats, block_s: float) -> None:
        self._block_s = block_s
        # `above[b]`: weight of the blocks whose greatest surprise was in bin b or higher.
        self._table = Table(
            {
                "above": (0.0, (BINS + 1,), np.float32),
                "greatest": (0.0, (), np.float64),
                "seen": (0.0, (), np.float64),
                "steps": (1.0, (), np.float64),
                "per_day": (1.0, (), np.float64),
            },
            0,
        )
        self.resize(step_s)

    def resize(self, step_s: Floats) -> None:
        """Make room for more rows; `step_s` of the new ones is what is beyond the old ones' number."""
        old = len(self._table)
        self._table.resize(len(step_s))
        self.set_steps(np.arange(old, len(step_s)), step_s[old:])

    def set_steps(self, rows: Rows, step_s: Floats) -> None:
        """Say anew how far apart the values of some rows are."""
        self._table["steps"][rows] = np.maximum(1.0, np.round(self._block_s / step_s))
        self._table["per_day"][rows] = DAY_S / (self._table["steps"][rows] * step_s)

    def forget(self, rows: Rows) -> None:
        """Forget the past of some rows; what is known of their steps stays."""
        self._table["above"][rows] = 0.0
        self._table["greatest"][rows] = 0.0
        self._table["seen"][rows] = 0.0

    def nbytes(self) -> int:
        """Bytes reserved."""
        return self._table.nbytes()

    def score(self, surprises: Floats, said: Flags) -> Floats:
        """The scores, and from now on the surprises are part of the past.

        Args:
            surprises: finite and not negative, shape (rows,).
            said: which of them were measured and can be judged, shape (rows,).

        Returns:
            -log10 of the rate per day; NaN where nothing was said. Shape (rows,).
        """
        table = self._table
        above = table["above"].ravel()
        places = np.minimum(surprises / _MOST, 1.0) * (BINS - 1e-6)
        bins = places.astype(np.intp)
        first = np.arange(len(table)) * (BINS + 1)
        total = above[first].astype(np.float64)
        here, next_ = above[first + bins].astype(np.float64), above[first + bins + 1].astype(np.float64)
        # Half of the way between a single value and as many independent ones as a block has.
        usual = 0.5 * np.log10(table["steps"]) * _DECADE
        tail = np.minimum(1.0, 10.0 ** (-(surprises - usual) / _DECADE))
        share = (here - (places - bins) * (here - next_) + _PRIOR * tail) / (total + _PRIOR)
        scores = -np.log10(np.maximum(share * table["per_day"], 1e-12))
        self._learn(surprises, said)
        return np.where(said, np.clip(scores, SCORE_LEAST, SCORE_MOST), np.nan)

    def _learn(self, surprises: Floats, said: Flags) -> None:
        table = self._table
        table["greatest"] = np.where(said, np.maximum(table["greatest"], surprises), table["greatest"])
        table["seen"] += said
        full = np.flatnonzero(table["seen"] >= table["steps"])
        if not len(full):
            return
        bins = (np.minimum(table["greatest"][full] / _MOST, 1.0) * (BINS - 1e-6)).astype(np.intp)
        table["above"][full] *= 1.0 - _FADE
        table["above"][full] += np.arange(BINS + 1)[None, :] <= bins[:, None]
        table["greatest"][full] = 0.0
        table["seen"][full] = 0.0
