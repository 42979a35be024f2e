"""Which fitted members a series has, and when they are fitted anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from leptontui.forecast.fitted import (
    ARIMA,
    DAMPED,
    FIT_POINTS,
    FITTED,
    LEAST_POINTS,
    SARIMA,
    SIMPLE,
    THETA,
    Fit,
    ModelFailedError,
    fit,
    paths,
)
from leptontui.forecast.grid import Steps, Values

REFIT_STEPS: Final = 72
"""A fit is used for so many steps; parameters of a series change slowly."""
LONGEST_SEASON: Final = 60
"""Steps of a season that a seasonal ARIMA is fitted for: a longer one takes seconds, and its cheap members do."""
CYCLES_FITTED: Final = 4


@dataclass(frozen=True, slots=True)
class _Held:
    fit: Fit | None
    start: int
    made_at: int


@dataclass(slots=True)
class Fits:
    """The fits of one series.

    Attributes:
        failed: fits that gave nothing usable.
    """

    failed: int = 0
    _held: dict[str, _Held] = field(default_factory=dict)

    def refresh(self, values: Values, start: int, bucket: int, seasons: tuple[int, ...], *, is_heavy: bool) -> None:
        """Fit what is missing, too old or from before the newest stretch.

        Args:
            values: without missing values, the last in `bucket`, shape (n,).
            start: index of the newest stretch's first value.
            bucket: number of the last value's bucket.
            seasons: in steps.
            is_heavy: fit the costly ones too.
        """
        n = len(values)
        first = bucket - (n - 1)
        for name, held in list(self._held.items()):
            if held.start < first + start:
                del self._held[name]
        season = next((one for one in seasons if one <= LONGEST_SEASON), 0)
        names = (DAMPED, SIMPLE, THETA) + ((ARIMA, *((SARIMA,) if season else ())) if is_heavy else ())
        for name in names:
            held_now = self._held.get(name)
            if held_now is not None and bucket - held_now.made_at < REFIT_STEPS:
                continue
            length = max(FIT_POINTS, CYCLES_FITTED * season) if name == SARIMA else FIT_POINTS
            begin = max(start, n - length)
            part = values[begin:]
            if len(part) < LEAST_POINTS or not np.ptp(part) > 0.0:
                continue
            try:
                made = fit(name, part, season)
            except ModelFailedError:
                self.failed += 1
                made = None
            self._held[name] = _Held(made, first + begin, bucket)

    def paths(self, values: Values, bucket: int, grid: Steps, since: int) -> Values:
        """What each member forecasts at each origin: shape (len(FITTED), g, n - since); NaN where it has no fit."""
        n = len(values)
        first = bucket - (n - 1)
        found = np.full((len(FITTED), len(grid), n - since), np.nan)
        for index, name in enumerate(FITTED):
            held = self._held.get(name)
            if held is None or held.fit is None:
                continue
            begin = held.start - first
            made = paths(held.fit, values[begin:], grid)
            at = max(begin + _RUN_IN, since)
            if at < n:
                found[index, :, at - since :] = made[:, at - begin :]
        return found


_RUN_IN: Final = 12
"""Origins at which a model is not yet judged: it has hardly seen anything."""
