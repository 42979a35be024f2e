"""Members that repeat: seasons named, a day, a week, or one that the past itself shows."""

from __future__ import annotations

from typing import Final

import numpy as np

from leptontui.forecast.grid import Steps, Values
from leptontui.forecast.members import smoothed_at

CYCLES_NEEDED: Final = 2.2
"""Seasons that must be known: two to compare, and something to forecast from."""
SHORTEST: Final = 4
"""Steps of a season; what repeats faster is noise to a forecast."""
CALENDAR_S: Final = (86_400.0, 604_800.0)
"""A day and a week: people and their timers."""
CLEAR: Final = 0.3
"""Autocorrelation at which a period that nobody named is tried."""
_LOOKED_AT: Final = 1024
_LEVEL_ALPHA: Final = 0.2
MOST_SEASONS: Final = 2

SEASONAL: Final = ("seasonal last", "seasonal mean", "seasonal level")
"""Names of the members made for each season: its last round, the mean of its last two, its last round's shape about
the present level."""


def seasons_of(values: Values, step_s: float, named: tuple[int, ...]) -> tuple[int, ...]:
    """The seasons to try, in steps, at most `MOST_SEASONS`.

    Args:
        values: without missing values, shape (n,).
        step_s: width of a step.
        named: what the caller knows; a day and a week if nothing.
    """
    longest = len(values) / CYCLES_NEEDED
    wanted = named or tuple(round(span / step_s) for span in CALENDAR_S)
    found = [season for season in wanted if SHORTEST <= season <= longest]
    shown = _shown_period(values[-_LOOKED_AT:])
    if shown and not any(abs(shown - season) <= 1 for season in found):
        found.insert(min(1, len(found)), shown)
    return tuple(found[:MOST_SEASONS])


def _shown_period(values: Values) -> int:
    """The lag of the autocorrelation's highest peak after its first dip below 0, or 0 if none is clear."""
    centred = values - values.mean()
    n = len(centred)
    spectrum = np.fft.rfft(centred, 2 * n)
    correlation = np.fft.irfft(spectrum * np.conj(spectrum))[: int(n / CYCLES_NEEDED)]
    if len(correlation) <= SHORTEST or not correlation[0] > 0.0:
        return 0
    correlation = correlation / correlation[0] * (n / (n - np.arange(len(correlation))))
    dips = np.flatnonzero(correlation < 0.0)
    first = max(int(dips[0]) if len(dips) else len(correlation), SHORTEST)
    if first >= len(correlation):
        return 0
    if correlation[first:].max() < CLEAR:
        return 0
    # A season's multiples peak as high: the first peak that comes near the highest is the season's own.
    is_high = correlation[first:] >= _NEAR * correlation[first:].max()
    begin = first + int(is_high.argmax())
    end = begin + int(np.r_[~is_high[begin - first :], True].argmax())
    peak = begin + int(correlation[begin:end].argmax())
    return peak if peak < len(correlation) - 1 else 0


_NEAR: Final = 0.85


def repeated(values: Values, season: int, grid: Steps, since: int) -> Values:
    """What each member forecasts at each origin.

    Args:
        values: without missing values, shape (n,).
        season: in steps.
        grid: horizons, shape (g,).
        since: the first origin that is wanted.

    Returns:
        Shape (len(SEASONAL), g, n - since); NaN where too little was known.
    """
    n = len(values)
    origins = np.arange(since, n)
    last = origins + (grid[:, None] - season * -(-grid[:, None] // season))
    level = smoothed_at(values, _LEVEL_ALPHA)

    def at(index: Steps, of: Values) -> Values:
        return np.where(index >= 0, of[np.maximum(index, 0)], np.nan)

    once, twice = at(last, values), at(last - season, values)
    # The level a whole number of seasons before the origin, as many as the round that is repeated lies back.
    back = origins - season * -(-grid[:, None] // season)
    return np.array([once, 0.5 * (once + twice), once - at(back, level) + level[since:]])
