"""Scores of forecasts held against what came, and against forecasts that cost nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from leptontui.wiring.recorded import Recorded

Values = npt.NDArray[np.float64]

BASELINES: Final = ("naive", "ewm", "seasonal_naive", "predict_linear_12", "predict_linear_60")
"""The last value; an exponentially weighted mean; a day before, or an hour where no two days are known; Prometheus'
predict_linear over 12 and 60 values."""
EWM_ALPHA: Final = 0.3
RATIO_LIMITS: Final = (0.01, 100.0)
"""A series' relative error counts within these: one that stands still has none."""
LEAST_ORIGINS: Final = 5
"""A series that was scored at fewer origins tells nothing of its error."""
_DAY_S: Final = 86_400.0
_HOUR_S: Final = 3_600.0


class Baselines:
    """What the simple forecasts say at any origin of one series.

    Args:
        recorded: the series.
    """

    def __init__(self, recorded: Recorded) -> None:
        values = recorded.values
        index = np.where(np.isfinite(values), np.arange(len(values)), 0)
        self._values = values[np.maximum.accumulate(index)]
        self._values[: int(np.isfinite(values).argmax())] = values[int(np.isfinite(values).argmax())]
        self._smoothed = np.empty(len(values))
        level = float(self._values[0])
        for n, value in enumerate(self._values.tolist()):
            level += EWM_ALPHA * (value - level)
            self._smoothed[n] = level
        span = len(values) * recorded.step_s
        self._season = max(round((_DAY_S if span >= 2 * _DAY_S else _HOUR_S) / recorded.step_s), 1)
        moves = np.abs(np.diff(self._values))
        self._mean_move = np.concatenate([[np.nan], np.cumsum(moves) / np.arange(1, len(values))])

    def at(self, origin: int, horizon: int) -> tuple[float, ...]:
        """What each of `BASELINES` says `horizon` steps after `origin`."""
        same = origin + horizon - self._season * -(-horizon // self._season)
        return (
            float(self._values[origin]),
            float(self._smoothed[origin]),
            float(self._values[same]) if same >= 0 else float("nan"),
            self._line(origin, horizon, 12),
            self._line(origin, horizon, 60),
        )

    def mean_move(self, origin: int) -> float:
        """Mean absolute difference of two values one step apart, up to `origin`: what MASE is scaled with."""
        return float(self._mean_move[origin])

    def _line(self, origin: int, horizon: int, count: int) -> float:
        part = self._values[max(0, origin + 1 - count) : origin + 1]
        x = np.arange(len(part)) - 0.5 * (len(part) - 1)
        unrest = float((x * x).sum())
        slope = float((x * part).sum()) / unrest if unrest else 0.0
        return float(part.mean()) + slope * (0.5 * (len(part) - 1) + horizon)


@dataclass(slots=True)
class Scores:
    """Scores of one metric at one horizon.

    Attributes:
        levels: of the bands, in per cent.
    """

    levels: Sequence[float]
    _errors: defaultdict[str, list[tuple[float, ...]]] = field(default_factory=lambda: defaultdict(list))
    _bands: list[tuple[float, ...]] = field(default_factory=list)

    def add(
        self,
        series: str,
        *,
        actual: float,
        mean: float,
        edges: Sequence[tuple[float, float]],
        baselines: tuple[float, ...],
        mean_move: float,
    ) -> None:
        """Take in one forecast: its value, the edges of each band, what the baselines said."""
        size = abs(actual) + abs(mean)
        self._errors[series].append(
            (
                abs(actual - mean),
                *(abs(actual - one) for one in baselines),
                abs(actual - mean) / mean_move if mean_move > 0.0 else float("nan"),
                200.0 * abs(actual - mean) / size if size > 0.0 else 0.0,
            )
        )
        hits = [float(low <= actual <= high) for low, high in edges]
        widths = [(high - low) / mean_move if mean_move > 0.0 else float("nan") for low, high in edges]
        self._bands.append((*hits, *widths))

    def ratios(self) -> dict[str, list[float]]:
        """Each series' error relative to each baseline's, those left out at which neither erred."""
        found: dict[str, list[float]] = {name: [] for name in BASELINES}
        for rows in self._errors.values():
            if len(rows) < LEAST_ORIGINS:
                continue
            table = np.array(rows)
            for n, name in enumerate(BASELINES):
                both = table[np.isfinite(table[:, n + 1])]
                mine, other = (_told(both[:, column]) for column in (0, n + 1))
                if mine > 0.0 or other > 0.0:
                    ratio = mine / other if other > 0.0 else RATIO_LIMITS[1]
                    found[name].append(float(np.clip(ratio, *RATIO_LIMITS)))
        return found

    def document(self) -> dict[str, Any]:
        """Plain numbers; None where nothing was scored."""
        rows = [row for series in self._errors.values() for row in series]
        table, bands = np.array(rows), np.array(self._bands)
        if not rows:
            return {"scored": 0, "series": 0}
        count = len(self.levels)
        return {
            "scored": len(rows),
            "series": len(self._errors),
            "relative_mae": {name: geometric_mean(ratios) for name, ratios in self.ratios().items()},
            "mase": _mean(table[:, -2]),
            "smape_pct": _mean(table[:, -1]),
            "coverage_pct": {f"{one:g}": _mean(100.0 * bands[:, n]) for n, one in enumerate(self.levels)},
            "width": {f"{one:g}": _median(bands[:, count + n]) for n, one in enumerate(self.levels)},
        }


def geometric_mean(ratios: Sequence[float]) -> float | None:
    """None of nothing."""
    return float(np.exp(np.mean(np.log(ratios)))) if ratios else None


def _told(errors: Values) -> float:
    """Their mean; 0 if it is but rounding, as of a line through equal values."""
    mean = float(errors.mean()) if len(errors) else 0.0
    return mean if mean > _ROUNDING else 0.0


_ROUNDING: Final = 1e-12


def _mean(values: Values) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None


def _median(values: Values) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None
