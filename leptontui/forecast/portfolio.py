"""The portfolio: forecasts series with bands, keeps each forecast until its time has come, scores it and learns.

Pure computing: no clock, no I/O, no threads, no random numbers. What a forecast may know is what is in its past, and
what was learned from pasts that were shown before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from leptontui.forecast import members
from leptontui.forecast.bands import edges, sample
from leptontui.forecast.combine import Hindcast, Joined, join
from leptontui.forecast.experience import Experience
from leptontui.forecast.fits import Fits
from leptontui.forecast.fitted import FITTED
from leptontui.forecast.grid import GRID, Steps, Values, horizons, nearest, spread
from leptontui.forecast.made import Made, Track, described
from leptontui.forecast.past import MAX_GAP_STEPS, ROUNDING, Past, Stretch, filled, standing, stretches
from leptontui.forecast.pending import Queue, Waiting
from leptontui.forecast.reach import bounds_within
from leptontui.forecast.seasonal import MOST_SEASONS, SEASONAL, repeated, seasons_of

VERSION: Final = 2
ORIGINS: Final = 256
"""Past origins at which the members are tried out."""
MOST_POINTS: Final = 4096
"""Older values are not used, not even for seasons."""
LEAST_POINTS: Final = 10
"""With fewer, a forecast rests on its class's experience alone."""
RETURNING_SHIFTS: Final = 2
"""With so many shifts known, levels are expected to change back: medians across them join in."""
DOUBTED: Final = 3.0
"""Relative error that a member from outside is given before any of its own were scored: it has no weight then."""

NAMES: Final = (
    *members.LEVELS,
    *members.WHOLE,
    *members.LINES,
    *FITTED,
    *(name for _ in range(MOST_SEASONS) for name in SEASONAL),
)
"""The members, in the order of all arrays; those of a second season have the names of the first's."""


@dataclass(slots=True)
class _Series:
    """What is kept of one series."""

    metric: str
    seen_unix_s: float
    queue: Queue = field(default_factory=Queue)
    fits: Fits = field(default_factory=Fits)


class Portfolio:
    """Forecasts series and learns from how that went.

    Args:
        levels: of the bands, in per cent, each between 1 and 99.9.
        outside: names of members that the caller brings, in `extra`.

    Attributes:
        fallbacks: how often no model was used, by reason.
    """

    def __init__(self, levels: tuple[float, ...] = (80.0, 95.0), outside: tuple[str, ...] = ()) -> None:
        self.levels = tuple(sorted(float(level) for level in levels))
        self.outside = outside
        self.fallbacks: Counter[str] = Counter()
        self._names = (*(f"{name} {n}" for n, name in enumerate(NAMES)), *outside)
        self._experience: dict[str, Experience] = {}
        self._series: dict[str, _Series] = {}

    def forecast(
        self, past: Past, steps: int, *, is_heavy: bool = False, extra: Mapping[str, Values] | None = None
    ) -> Made | None:
        """Forecast one series, after scoring what has come due of it.

        Args:
            past: what is known.
            steps: how many, counted from the last bucket.
            is_heavy: fit the costly models too.
            extra: forecasts of the members from outside, shape (steps,) each.

        Returns:
            None where there is nothing to go by: no value at all, or none for more than `MAX_GAP_STEPS`.

        Raises:
            ValueError: `steps` is out of range.
        """
        grid = horizons(steps)
        self.learn(past)
        values = past.values[-MOST_POINTS:]
        known = np.flatnonzero(np.isfinite(values))
        if not len(known) or len(values) - 1 - known[-1] > MAX_GAP_STEPS:
            self.fallbacks["gap" if len(known) else "nothing sampled"] += 1
            return None
        values = values[known[0] :]
        whole = filled(values)
        series = self._series[past.key]
        experience = self._experience[past.metric]
        parts = stretches(values[-2 * (ORIGINS + MAX_GAP_STEPS) - int(grid[-1]) :])
        offset = len(values) - parts[-1].end
        parts = tuple(Stretch(p.start + offset, p.known + offset, p.end + offset, p.is_shift) for p in parts)
        fallback = _fallback(values, whole, parts[-1])
        if fallback:
            self.fallbacks[fallback] += 1
        if fallback == "constant":
            return self._constant(past, float(whole[-1]), steps, len(whole))
        failed = series.fits.failed
        hindcast, named = self._hindcast(
            past, values, whole, parts, grid, series, fallback, is_heavy=is_heavy, extra=extra
        )
        if series.fits.failed > failed:
            fallback = fallback or "model failed"
            self.fallbacks["model failed"] += series.fits.failed - failed
        joined = join(hindcast, grid, experience.loss[:, : len(grid)], len(members.LEVELS))
        floor, ceiling = bounds_within(whole, grid, *_bounds(past))
        low, high = self._bands(joined, experience, grid, floor, ceiling)
        self._keep(past, grid, hindcast, joined, low, high, series, experience)
        made_edges = {
            level: (spread(low[n], grid, steps), spread(high[n], grid, steps)) for n, level in enumerate(self.levels)
        }
        weights = joined.weights.mean(axis=1)
        return Made(
            spread(joined.now, grid, steps),
            made_edges,
            described(named, weights),
            fallback,
            self.track(past.metric, steps),
            len(values) - parts[-1].start,
        )

    def learn(self, past: Past) -> None:
        """Score what has come due of a series, and remember that it was seen."""
        experience = self._experience.get(past.metric)
        if experience is None:
            experience = Experience(self._names, self.levels)
            experience.loss[len(NAMES) :] = DOUBTED
            self._experience[past.metric] = experience
        series = self._series.get(past.key)
        if series is None or series.metric != past.metric:
            self._series[past.key] = _Series(past.metric, past.t_unix_s)
        else:
            series.seen_unix_s = past.t_unix_s
            series.queue.score(past, experience)

    def forget(self, before_unix_s: float) -> None:
        """Drop what is kept of series that were not seen since; what was learned from them stays."""
        for key in [key for key, series in self._series.items() if series.seen_unix_s < before_unix_s]:
            del self._series[key]

    def track(self, metric: str, steps: int) -> Track | None:
        """What has been realised for a metric at the horizon nearest to `steps`; None before the first score."""
        experience = self._experience.get(metric)
        index = nearest(steps)
        if experience is None or not experience.scored[index]:
            return None
        scored, naive = float(experience.scored[index]), float(experience.naive_error[index])
        covered = {level: float(experience.covered[n, index]) / scored for n, level in enumerate(self.levels)}
        error = float(experience.error[index]) / naive if naive > 0.0 else None
        return Track(GRID[index], int(scored), covered, error)

    def export(self) -> dict[str, Any]:
        """What was learned, as plain dicts, lists and numbers; series' own pasts are not in it."""
        return {"version": VERSION, "classes": {name: kept.exported() for name, kept in self._experience.items()}}

    @classmethod
    def restored(
        cls,
        state: object,
        levels: tuple[float, ...] = (80.0, 95.0),
        outside: tuple[str, ...] = (),
    ) -> Portfolio:
        """A portfolio that knows what was exported; what is not understood is left out."""
        portfolio = cls(levels, outside)
        if not isinstance(state, dict) or state.get("version") != VERSION or not isinstance(state.get("classes"), dict):
            return portfolio
        for name, kept in state["classes"].items():
            try:
                found = Experience.restored(kept, portfolio._names, portfolio.levels)
            except (ValueError, TypeError, KeyError):
                continue
            portfolio._experience[str(name)] = found
        return portfolio

    def _hindcast(
        self,
        past: Past,
        values: Values,
        whole: Values,
        parts: tuple[Stretch, ...],
        grid: Steps,
        series: _Series,
        fallback: str,
        *,
        is_heavy: bool,
        extra: Mapping[str, Values] | None,
    ) -> tuple[Hindcast, tuple[str, ...]]:
        """What every member would have forecast, and the members' names."""
        n = len(values)
        since = max(parts[0].known, n - ORIGINS - int(grid[-1]))
        count, g = n - since, len(grid)
        made = np.full((len(self._names), g, count), np.nan)
        cheap = len(members.LEVELS)
        made[:cheap] = members.levels(whole, parts, since)[:, None, :]
        if fallback == "binary":
            for index in set(range(cheap)).difference(members.TWO_VALUED):
                made[index] = made[0]
        else:
            if sum(part.is_shift for part in parts) >= RETURNING_SHIFTS:
                made[cheap : cheap + len(members.WHOLE)] = members.whole_medians(whole, since)[:, None, :]
            at = cheap + len(members.WHOLE)
            made[at : at + len(members.LINES)] = members.lines(whole, parts, grid, since)
            at += len(members.LINES)
            seasons = seasons_of(whole, past.step_s, past.seasons)
            if fallback != "too short":
                series.fits.refresh(whole, parts[-1].start, past.bucket, seasons, is_heavy=is_heavy)
                made[at : at + len(FITTED)] = series.fits.paths(whole, past.bucket, grid, since)
            at += len(FITTED)
            for season in seasons:
                made[at : at + len(SEASONAL)] = repeated(whole, season, grid, since)
                at += len(SEASONAL)
            for name, path in (extra or {}).items():
                if name in self.outside:
                    reach = np.minimum(grid, len(path)) - 1
                    made[len(NAMES) + self.outside.index(name), :, -1] = path[reach]
        floor, ceiling = bounds_within(whole, grid, *_bounds(past))
        np.clip(made, floor[:, None], ceiling[:, None], out=made)
        ahead = np.arange(since, n) + grid[:, None]
        actual = np.where(ahead < n, values[np.minimum(ahead, n - 1)], np.nan)
        return Hindcast(made, actual, standing(whole)[since:]), (*NAMES, *self.outside)

    def _bands(
        self, joined: Joined, experience: Experience, grid: Steps, floor: Values, ceiling: Values
    ) -> tuple[Values, Values]:
        """Edges of each band, shape (levels, g) each, the wider about the narrower about the forecast."""
        g = len(grid)
        drawn = sample(joined.now, joined.residuals, experience.residuals(g), joined.scale, grid, floor, ceiling)
        low, high = np.empty((len(self.levels), g)), np.empty((len(self.levels), g))
        inner_low = inner_high = joined.now
        for n in range(len(self.levels)):
            lower, upper = edges(drawn, experience.outside(n, g))
            low[n] = inner_low = np.minimum(lower, inner_low)
            high[n] = inner_high = np.maximum(upper, inner_high)
        return low, high

    def _keep(
        self,
        past: Past,
        grid: Steps,
        hindcast: Hindcast,
        joined: Joined,
        low: Values,
        high: Values,
        series: _Series,
        experience: Experience,
    ) -> None:
        said = hindcast.made[:, :, -1].astype(np.float32)
        at = np.arange(len(grid), dtype=np.int64)
        series.queue.keep(
            Waiting(past.bucket, at, said, joined.now, joined.scale, experience.scored[: len(grid)].copy(), low, high)
        )

    def _constant(self, past: Past, value: float, steps: int, length: int) -> Made:
        level = np.full(steps, np.clip(value, *_bounds(past)))
        band = dict.fromkeys(self.levels, (level, level))
        return Made(level, band, "constant", "constant", self.track(past.metric, steps), length)


def _bounds(past: Past) -> tuple[float, float]:
    """Least and greatest value; a bound that is no number bounds nothing."""
    lower = -np.inf if past.lower is None or np.isnan(past.lower) else past.lower
    upper = np.inf if past.upper is None or np.isnan(past.upper) else past.upper
    return lower, upper


def _fallback(values: Values, whole: Values, newest: Stretch) -> str:
    """Why no model is fitted, "" if one is."""
    if len(values) >= LEAST_POINTS and np.ptp(whole) <= ROUNDING * float(np.abs(whole).max()):
        return "constant"
    part = values[newest.start :]
    part = part[np.isfinite(part)]
    if len(part) < LEAST_POINTS:
        return "too short"
    low, high = float(part.min()), float(part.max())
    return "binary" if np.all((part == low) | (part == high)) else ""
