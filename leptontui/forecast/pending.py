"""Forecasts that wait for their time, so that they can be scored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from leptontui.forecast.experience import Experience
from leptontui.forecast.grid import GRID, Steps, Values
from leptontui.forecast.past import Past

SPARSE: Final = 4
"""A horizon's next forecast is kept once a quarter of it has passed: those in between would say nearly the same."""
_GRID: Final = np.array(GRID, dtype=np.int64)


@dataclass(slots=True)
class Waiting:
    """One forecast at the horizons that are to be scored.

    Attributes:
        origin: number of the bucket it was made in.
        at: indices of the horizons that wait, shape (d,).
        members: what each member said, 32-bit, shape (m, d).
        mean, scale: shape (d,).
        scored_then: how many had been scored of the class, shape (d,).
        low, high: edges of the bands, shape (levels, d).
    """

    origin: int
    at: Steps
    members: npt.NDArray[np.float32]
    mean: Values
    scale: Values
    scored_then: Values
    low: Values
    high: Values

    def part(self, chosen: npt.NDArray[np.bool_]) -> Waiting:
        """The horizons that are chosen, shape (d,)."""
        return Waiting(
            self.origin,
            self.at[chosen],
            self.members[:, chosen],
            self.mean[chosen],
            self.scale[chosen],
            self.scored_then[chosen],
            self.low[:, chosen],
            self.high[:, chosen],
        )


@dataclass(slots=True)
class Queue:
    """The forecasts of one series that wait.

    Attributes:
        waiting: oldest first.
    """

    waiting: list[Waiting] = field(default_factory=list)
    _last: Steps = field(default_factory=lambda: np.full(len(GRID), np.iinfo(np.int64).min // 2))

    def keep(self, made: Waiting) -> None:
        """Keep a forecast, at the horizons of which none was kept shortly before."""
        is_time = made.origin - self._last[made.at] >= np.maximum(1, _GRID[made.at] // SPARSE)
        if is_time.any():
            self._last[made.at[is_time]] = made.origin
            self.waiting.append(made.part(is_time))

    def score(self, past: Past, experience: Experience) -> None:
        """Score what has come due; what came due while nothing was sampled is dropped."""
        bucket, n = past.bucket, len(past.values)
        left: list[Waiting] = []
        for made in self.waiting:
            due = made.origin + _GRID[made.at]
            is_due = due <= bucket
            index = n - 1 - (bucket - due)
            is_due_known = is_due & (index >= 0)
            actual = np.where(is_due_known, past.values[np.clip(index, 0, n - 1)], np.nan)
            known = np.isfinite(actual)
            if known.any():
                done = made.part(known)
                experience.learn(
                    done.at,
                    actual=actual[known],
                    members=done.members.astype(np.float64),
                    mean=done.mean,
                    low=done.low,
                    high=done.high,
                    scale=done.scale,
                    scored_then=done.scored_then,
                )
            if not is_due.all():
                left.append(made.part(~is_due) if is_due.any() else made)
        self.waiting = left
