"""Expectation: what each series' next value should be, and how far from it values usually are.

Three forecasts one step ahead - the last value, a quick average, the time of day's level with its recent offset - of
which each series uses the one whose realised error is least. Besides, slow and robust measures of its own past. All of
it is updated in constant time, for all series at once; outliers are clipped, so that one does not spoil the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from leptontui.anomaly.settings import DAY_S, Settings
from leptontui.anomaly.table import Flags, Floats, Rows, Table

_QUICK: Final = 0.3
_OFFSET: Final = 0.1
_ERROR: Final = 0.005
_SLOW: Final = 0.0005
_SWING: Final = 0.003
_RECENT: Final = 0.08
_LONG: Final = 1.0 / 20000.0
_BEGIN: Final = 20
"""Values that are taken as they are, before there is a measure of what is usual."""
_RELATIVE: Final = 0.002
_OF_WIDE: Final = 0.1
_TINY: Final = 1e-9
"""A spread is at least so much of the level and of the mean deviation: a series that hardly ever moves is not measured
by its stillness alone."""
_REACH: Final = 4.0
_MISSED: Final = 0.01
"""The forecast's band is widened and narrowed so that this share of values falls outside it."""
_FORECASTS: Final = ("last", "quick", "offset", "error_last", "error_quick", "error_season", "residual")
_PAST: Final = ("middle", "middling", "wide", "level", "swing", "usual_swing", "mean", "variance", "phase_spread")
_NUMBERS: Final = ("count", "least", *_FORECASTS, *_PAST)
"""One number of state for each series; "middling" is the mean distance from the middle, "wide" the same unclipped."""


@dataclass(frozen=True, slots=True)
class Deviations:
    """How far values are from what was expected, in units of what is usual; each shape (rows,), finite.

    Attributes:
        step: from the forecast.
        place: from the series' middle.
        phase: from the level of the time of day; 0 where that is not known.
        level: of the recent level from the series' middle.
        swing: of the recent movement from the usual one, logarithmic.
        spread: from the mean in standard deviations, without sign.
        expected, half_width: the forecast and its band.
    """

    step: Floats
    place: Floats
    phase: Floats
    level: Floats
    swing: Floats
    spread: Floats
    expected: Floats
    half_width: Floats


class Expectation:
    """State of the series.

    Args:
        rows: how many series.
        settings: see `Settings`.
    """

    def __init__(self, rows: int, settings: Settings) -> None:
        self._settings = settings
        number: tuple[float, tuple[int, ...], Any] = (0.0, (), np.float64)
        columns = dict.fromkeys(_NUMBERS, number)
        columns["reach"] = (_REACH, (), np.float64)
        columns["step"] = (300.0, (), np.float64)
        if settings.has_season:
            columns["season"] = (0.0, (settings.phases,), np.float64)
            columns["visits"] = (0.0, (settings.phases,), np.float32)
        self._table = Table(columns, rows)

    @property
    def count(self) -> Floats:
        """Values seen of each series, shape (rows,)."""
        return self._table["count"]

    @property
    def middle(self) -> Floats:
        """The series' middles, shape (rows,)."""
        return self._table["middle"]

    @property
    def usual_width(self) -> Floats:
        """How far from the middle values usually are: four mean deviations, shape (rows,)."""
        return _REACH * (self._table["middling"] + self._floor())

    @property
    def season_level(self) -> Floats:
        """The level of the current time of day as last asked, shape (rows,)."""
        return self._season_level

    def resize(self, rows: int) -> None:
        """Make room for more rows."""
        self._table.resize(rows)

    def forget(self, rows: Rows) -> None:
        """Make some series new; how far apart their values are, and their least deviation, stay."""
        kept = {name: self._table[name][rows] for name in ("step", "least")}
        self._table.forget(rows)
        for name, values in kept.items():
            self._table[name][rows] = values

    def set_steps(self, rows: Rows, step_s: Floats, least: Floats) -> None:
        """Say how far apart the values of some series are, and which deviation, in their unit, is none."""
        self._table["step"][rows] = step_s
        self._table["least"][rows] = least

    def nbytes(self) -> int:
        """Bytes reserved."""
        return self._table.nbytes()

    def advance(self, values: Floats, said: Flags, at_unix_s: Floats, begun_anew: Flags) -> Deviations:
        """Take one value of every series and say how it deviates from what was expected before.

        Args:
            values: finite, anything where not said, shape (rows,).
            said: which were measured, shape (rows,).
            at_unix_s: when, shape (rows,).
            begun_anew: series that were silent for long: their last value says nothing of this one, shape (rows,).
        """
        table = self._table
        new = said & (table["count"] == 0)
        for name in ("last", "quick", "middle", "level", "mean"):
            table[name] = np.where(new, values, table[name])
        for name in ("last", "quick"):
            table[name] = np.where(said & begun_anew, values, table[name])
        value = np.where(said, values, table["middle"])
        floor = self._floor()
        season, knows, phase = self._season(value, at_unix_s)
        found = self._deviations(value, season, knows, floor)
        live = said.astype(np.float64)
        self._learn_forecasts(value, season, knows, found, floor, live)
        self._learn_past(value, floor, live)
        if phase is not None:
            self._learn_season(value, knows, phase, floor, said)
        table["count"] += live
        return found

    def _floor(self) -> Floats:
        table = self._table
        steady = _RELATIVE * np.abs(table["middle"]) + _OF_WIDE * table["wide"] + _TINY
        floor: Floats = np.maximum(steady, table["least"])
        return floor

    def _season(self, value: Floats, at_unix_s: Floats) -> tuple[Floats, Flags, npt.NDArray[np.intp] | None]:
        if not self._settings.has_season:
            self._season_level = value
            return value, np.zeros(len(value), np.bool_), None
        table, phases = self._table, self._settings.phases
        # With an hour between two values there are no more than 24 times of day.
        parts = np.minimum(phases, np.maximum(1.0, DAY_S // table["step"]))
        phase = (np.mod(at_unix_s, DAY_S) / DAY_S * parts).astype(np.intp) % phases
        rows = np.arange(len(value))
        knows = table["visits"][rows, phase] >= 2  # noqa: PLR2004 — seen on two occasions
        self._season_level = np.where(knows, table["season"][rows, phase], value)
        return self._season_level, knows, phase

    def _deviations(self, value: Floats, season: Floats, knows: Flags, floor: Floats) -> Deviations:
        table = self._table
        errors = np.stack([table["error_last"], table["error_quick"], np.where(knows, table["error_season"], np.inf)])
        forecasts = np.stack([table["last"], table["quick"], season + table["offset"]])
        expected = forecasts[np.argmin(errors, axis=0), np.arange(len(value))]
        usual = table["middling"] + floor
        residual = table["residual"] + floor
        deviation = np.sqrt(np.maximum(table["variance"], 0.0))
        return Deviations(
            step=(value - expected) / residual,
            place=(value - table["middle"]) / usual,
            phase=np.where(knows, (value - season) / (table["phase_spread"] + floor), 0.0),
            level=(table["level"] - table["middle"]) / usual,
            swing=3.0 * np.log((table["swing"] + floor) / (table["usual_swing"] + floor)),
            spread=np.abs(value - table["mean"]) / np.maximum(deviation, floor),
            expected=expected,
            half_width=table["reach"] * residual,
        )

    def _learn_forecasts(
        self, value: Floats, season: Floats, knows: Flags, found: Deviations, floor: Floats, live: Floats
    ) -> None:
        table = self._table
        rate = live * self._rate(_ERROR)
        is_young = table["count"] < _BEGIN
        miss = np.abs(value - found.expected)
        most = 12.0 * table["residual"] + 2.5 * floor
        for name, forecast in (
            ("error_last", table["last"]),
            ("error_quick", table["quick"]),
            ("error_season", np.where(knows, season + table["offset"], table["quick"])),
        ):
            error = np.abs(value - forecast)
            limit = 10.0 * table[name] + floor
            table[name] += rate * (np.where(is_young, error, np.minimum(error, limit)) - table[name])
        table["residual"] += rate * (np.where(is_young, miss, np.minimum(miss, most)) - table["residual"])
        missed = np.abs(found.step) > table["reach"]
        table["reach"] = np.clip(table["reach"] * np.exp(0.1 * live * (missed - _MISSED)), 1.0, 100.0)
        table["offset"] += live * _OFFSET * (np.where(knows, value - season, 0.0) - table["offset"])
        table["swing"] += live * _RECENT * (miss - table["swing"])
        table["usual_swing"] += live * self._rate(_SWING) * (miss - table["usual_swing"])
        table["quick"] += live * _QUICK * (value - table["quick"])
        table["last"] = np.where(live > 0, value, table["last"])

    def _learn_past(self, value: Floats, floor: Floats, live: Floats) -> None:
        table = self._table
        rate = live * self._rate(_SLOW)
        is_young = table["count"] < _BEGIN
        off = value - table["middle"]
        far = 3.0 * table["middling"] + floor
        table["middle"] += rate * np.where(is_young, off, np.clip(off, -far, far))
        far = 6.0 * table["middling"] + floor
        spread = np.abs(off)
        table["middling"] += rate * (np.where(is_young, spread, np.minimum(spread, far)) - table["middling"])
        table["wide"] += rate * (np.abs(value - table["middle"]) - table["wide"])
        table["level"] += live * _RECENT * (value - table["level"])
        # Welford's recurrence, with a window so long that for most series it is the whole past.
        rate = live * self._rate(_LONG)
        off = value - table["mean"]
        table["mean"] += rate * off
        table["variance"] = (1.0 - rate) * (table["variance"] + rate * off * off)

    def _learn_season(
        self, value: Floats, knows: Flags, phase: npt.NDArray[np.intp], floor: Floats, said: Flags
    ) -> None:
        table = self._table
        said_rows = np.flatnonzero(said)
        at = (said_rows, phase[said_rows])
        level, visits = table["season"][at], table["visits"][at].astype(np.float64)
        spread, limit = table["phase_spread"][said_rows], floor[said_rows]
        each_day = np.maximum(1.0, DAY_S / self._settings.phases / table["step"][said_rows])
        off = value[said_rows] - level
        known = knows[said_rows]
        far = np.where(visits < 3, np.inf, 6.0 * spread + limit)  # noqa: PLR2004
        table["phase_spread"][said_rows] += np.where(known, _ERROR * (np.minimum(np.abs(off), far) - spread), 0.0)
        rate = np.maximum(1.0 / (visits + 1.0), 0.2 / each_day)
        far = np.where(visits < 3 * each_day, np.inf, 4.0 * spread + limit)
        table["season"][at] = np.where(visits == 0, value[said_rows], level + rate * np.clip(off, -far, far))
        table["visits"][at] += 1

    def _rate(self, least: float) -> Floats:
        return np.maximum(least, 1.0 / (self._table["count"] + 1.0))
