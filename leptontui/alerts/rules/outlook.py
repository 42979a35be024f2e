"""What is foreseen of many series at once: a quantile some time ahead, and when a threshold is reached."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from leptontui.model.series import Eta

Floats = npt.NDArray[np.float64]

QUANTILES: Final = (0.025, 0.1, 0.5, 0.9, 0.975)
"""The lines of a forecast: the edges of its bands, its middle."""
_NORMAL: Final = (-1.959964, -1.281552, 0.0, 1.281552, 1.959964)
"""The normal distribution's; between two lines a quantile is interpolated on its scale."""
_MIDDLE, _LOW, _HIGH = 2, 1, 3
_BEYOND: Final = 1.1
"""A forecast that ends a tenth before the time asked for answers with its end."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Forecasts of one metric of one entity.

    Attributes:
        hosts, instances: whose, shape (n,).
        origin_unix_s: time of the last value each has seen, shape (n,).
        values: those values, shape (n,).
        seconds: how far ahead the lines are told, rising, shape (k,).
        lines: at `QUANTILES`, shape (n, k, 5); NaN where it is not known.
    """

    hosts: Sequence[str]
    instances: Sequence[str]
    origin_unix_s: Floats
    values: Floats
    seconds: Floats
    lines: Floats

    def at(self, seconds: float, quantile: float) -> Floats:
        """A quantile of each, so many seconds after its origin: (n,), NaN where it does not reach so far.

        Between two times that are told it is interpolated on a straight line; the first begins at the last value.
        """
        if not len(self.seconds) or seconds > self.seconds[-1] * _BEYOND:
            return np.full(len(self.values), np.nan)
        line = self._line(quantile)
        times = np.concatenate(([0.0], self.seconds))
        path = np.concatenate((self.values[:, None], line), axis=1)
        after = min(int(np.searchsorted(times, seconds)), len(times) - 1)
        share = min(1.0, (seconds - times[after - 1]) / (times[after] - times[after - 1])) if after else 1.0
        if share >= 1.0:
            return path[:, after]
        return path[:, after - 1] + share * (path[:, after] - path[:, after - 1])

    def reach(self, thresholds: Floats, quantile: float = 0.5, *, is_rising: bool = True) -> Floats:
        """Seconds from its origin until a quantile of each reaches a threshold.

        Args:
            thresholds: one for each, shape (n,).
            quantile: which.
            is_rising: whether it is reached from below.

        Returns:
            (n,): infinite where it does not, NaN where that is not known.
        """
        sign = 1.0 if is_rising else -1.0
        path = sign * (np.concatenate((self.values[:, None], self._line(quantile)), axis=1) - thresholds[:, None])
        times = np.concatenate(([0.0], self.seconds))
        found = np.full(len(path), np.nan)
        known = ~np.isnan(path)
        found[known[:, 1:].any(axis=1) & known[:, 0]] = math.inf
        for row in np.flatnonzero((np.where(known, path, -1.0) >= 0.0).any(axis=1)):
            places = np.flatnonzero(known[row])
            found[row] = _first_reached(times[places], path[row, places])
        return found

    def eta(self, row: int, threshold: float, *, is_rising: bool) -> Eta:
        """When one reaches a threshold: its middle, and the near and far edge of its 80 % band.

        Where even the near edge does not reach it, the end of the forecast is the earliest that can be said.
        """
        one = self.chosen(row)
        limit = np.array([threshold])
        near, far = (0.9, 0.1) if is_rising else (0.1, 0.9)
        middle, early, late = (
            float(one.reach(limit, quantile, is_rising=is_rising)[0]) for quantile in (0.5, near, far)
        )
        origin = float(self.origin_unix_s[row])
        end = float(self.seconds[-1])
        return Eta(
            threshold,
            origin + middle if math.isfinite(middle) else None,
            origin + (early if math.isfinite(early) else min(middle, end) if math.isfinite(middle) else end),
            origin + late if math.isfinite(late) else None,
        )

    def moved(self, values: Floats) -> Outlook:
        """The same, moved with what the series have done since: (n,) latest values, NaN where not known.

        A forecast may be minutes old; what has risen since then is nearer to its threshold than it foresaw.
        """
        by = np.nan_to_num(values - self.values)
        at = self.values + by
        return Outlook(self.hosts, self.instances, self.origin_unix_s, at, self.seconds, self.lines + by[:, None, None])

    def chosen(self, row: int) -> Outlook:
        """Only one of them."""
        rows = slice(row, row + 1)
        return Outlook(
            self.hosts[rows],
            self.instances[rows],
            self.origin_unix_s[rows],
            self.values[rows],
            self.seconds,
            self.lines[rows],
        )

    def _line(self, quantile: float) -> Floats:
        """One quantile at all times: (n, k)."""
        above = next(n for n, edge in enumerate(QUANTILES) if edge >= quantile - 1e-9)
        if abs(QUANTILES[above] - quantile) < 1e-9 or above == 0:  # noqa: PLR2004 — the same number
            line: Floats = self.lines[:, :, above]
            return line
        low, high = _NORMAL[above - 1], _NORMAL[above]
        share = (_normal(quantile) - low) / (high - low)
        between: Floats = self.lines[:, :, above - 1] * (1.0 - share) + self.lines[:, :, above] * share
        return between


def _first_reached(times: Floats, above: Floats) -> float:
    """When a path of straight lines is first not below 0."""
    after = int(np.argmax(above >= 0.0))
    if after == 0:
        return float(times[0])
    share = above[after - 1] / (above[after - 1] - above[after])
    return float(times[after - 1] + share * (times[after] - times[after - 1]))


def _normal(quantile: float) -> float:
    """The standard normal's quantile, by bisection of its distribution function."""
    low, high = -4.0, 4.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if 0.5 * (1 + math.erf(middle / math.sqrt(2))) < quantile else (low, middle)
    return low
