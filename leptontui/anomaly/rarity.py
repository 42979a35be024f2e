"""Rarity: how often a value as far out as this one was seen before, from a histogram of each row's own past.

Conformal: nothing is assumed of a distribution's shape as long as there is a past. Beyond all that was seen, where
counts say nothing, the tail of a Cauchy distribution is mixed in with the weight of four observations, so that more
extreme is always rarer and a short past never claims to know much.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from leptontui.anomaly.table import Flags, Floats, Rows, Table

BINS: Final = 32
_FARTHEST: Final = np.float32(300.0)
"""Deviations beyond this are counted as this."""
_SCALE: Final = np.float32(2.0)
_STRETCH: Final = np.float32(0.5) / np.arcsinh(_FARTHEST * np.float32(2.0))
_PRIOR: Final = 4.0
"""Observations that the assumed tail weighs as much as."""
_FADE: Final = 1.0 / 20000.0
"""By how much the past weighs less with every value."""
_PER_UNIT: Final = 0.5
"""Decades of rarity that one unit of deviation can claim at most: what hardly deviates is no surprise, however steady
the series was so far."""
_TURN: Final = 16
"""Sums of a row are made anew after so many values."""
_HEAVIEST: Final = 1e6
_YOUNG: Final = 64
"""Rows that have seen fewer values are summed at every one."""


class Rarity:
    """Histograms of deviations, one for each row, with a sign.

    Args:
        rows: how many.
        is_shared: the rows are of the same kind: what all of them did is what is assumed of one with a short past,
            in the place of the assumed tail.
    """

    def __init__(self, rows: int, *, is_shared: bool = False) -> None:
        self._is_shared = is_shared
        self._all = np.zeros(BINS)
        columns: dict[str, tuple[float, tuple[int, ...], Any]] = {
            "counts": (0.0, (BINS,), np.float32),
            "sums": (0.0, (BINS + 1,), np.float32),
            "weight": (1.0, (), np.float64),
            "seen": (0, (), np.int32),
        }
        self._table = Table(columns, rows)

    def resize(self, rows: int) -> None:
        """Make room for more rows."""
        self._table.resize(rows)

    def forget(self, rows: Rows) -> None:
        """Forget the past of some rows."""
        self._table.forget(rows)

    def nbytes(self) -> int:
        """Bytes reserved."""
        return self._table.nbytes()

    def judge(self, deviations: Floats, said: Flags) -> Floats:
        """How rare each deviation is, and from now on it is part of the past.

        Args:
            deviations: finite, in units of what is usual, shape (rows,).
            said: which of them were measured, shape (rows,).

        Returns:
            -log10 of the share of the past that was as far out on the same side, both sides being counted; 0 where
            nothing was measured. Shape (rows,).
        """
        # Single precision throughout: half of the time of a step is spent here.
        deviation = np.clip(deviations, -_FARTHEST, _FARTHEST).astype(np.float32)
        places = (np.arcsinh(deviation * _SCALE) * _STRETCH + np.float32(0.5)) * np.float32(BINS - 1e-3)
        bins = places.astype(np.int32)
        within = places - bins
        sums = self._table["sums"].ravel()
        first = np.arange(0, len(sums), BINS + 1)
        lower = first + bins
        below, upto, total = sums[lower], sums[lower + 1], sums[first + BINS]
        own = upto - below
        # A half of the bin's own count stays: what repeats exactly must not look rarer than it is.
        half, one = np.float32(0.5) * within, np.float32(1.0)
        part_above = np.where(bins < BINS - 1, one - half, one)
        part_under = np.where(bins > 0, np.float32(0.5) + half, one)
        above, under = total - upto + own * part_above, below + own * part_under
        far = np.abs(deviation)
        rest = (_PRIOR * 0.5 * self._table["weight"]).astype(np.float32)
        tail, is_high = one / np.sqrt(one + far * far), deviation > 0
        high, low = np.where(is_high, tail, one), np.where(is_high, one, tail)
        if self._is_shared:
            # What all rows did, on either side; twice, as both sides are counted.
            sums_of_all = np.cumsum(self._all)
            weight = 1.0 / (sums_of_all[-1] + _PRIOR)
            scaled = 2.0 * weight * np.stack([self._all, sums_of_all - self._all, sums_of_all[-1] - sums_of_all])
            alike, lower_, higher = scaled.astype(np.float32)
            prior, alike = np.float32(_PRIOR * weight), alike[bins]
            high = higher[bins] + alike * part_above + prior * high
            low = lower_[bins] + alike * part_under + prior * low
        share = np.minimum(above + rest * high, under + rest * low)
        rarity = -np.log10(np.clip(2 * share / (total + 2 * rest), np.float32(1e-12), np.float32(1.0)))
        self._learn(bins, said)
        return np.where(said, np.minimum(rarity, _PER_UNIT * far), 0.0)

    def _learn(self, bins: npt.NDArray[np.int32], said: Flags) -> None:
        counts, sums, weight = self._table["counts"], self._table["sums"], self._table["weight"]
        rows = np.flatnonzero(said)
        weight[rows] *= 1.0 + _FADE
        counts.ravel()[rows * BINS + bins[rows]] += weight[rows].astype(np.float32)
        if self._is_shared:
            self._all = (1.0 - _FADE) * self._all + np.bincount(bins[rows], minlength=BINS)
        seen = self._table["seen"]
        seen[rows] += 1
        # By the row's own count, so that no series' scores depend on which others there are.
        due = rows[(seen[rows] % _TURN == 0) | (seen[rows] < _YOUNG)]
        self._lighten(due[weight[due] > _HEAVIEST])
        sums[due, 1:] = np.cumsum(counts[due], axis=1)

    def _lighten(self, rows: npt.NDArray[np.intp]) -> None:
        """New values weigh more and more, which is the same as old ones fading; before floats run out, scale down."""
        scale = self._table["weight"][rows, None].astype(np.float32)
        self._table["counts"][rows] /= scale
        self._table["weight"][rows] = 1.0
