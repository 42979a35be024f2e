"""What is foreseen of the whole fleet, at a few horizons: numbers in arrays, told as one frame."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.engine.foresight_kinds import FAR_HORIZONS, FAR_S, NEAR, NEAR_HORIZONS, NEAR_S, SPANS, horizons_of
from leptontui.forecast.protocol import EDGES
from leptontui.forecast.request import Foreseen
from leptontui.model.series import Eta, SeriesKey

_NAMES: Final = (*NEAR_HORIZONS, *FAR_HORIZONS)
_QUANTILES: Final = tuple(f"{edge}_{name}" for name in _NAMES for edge in EDGES)
_ETAS: Final = ("eta_earliest_unix_s", "eta_expected_unix_s", "eta_latest_unix_s")
_OF_SPAN: Final = (
    "origin_unix_s",
    *_ETAS,
    "crossings",
    "crossing_since_unix_s",
    "scored",
    "coverage80",
    "relative_error",
)
_SHARED: Final = ("value", "threshold")
_NEAR: Final = {name: len(_QUANTILES) + number for number, name in enumerate(_OF_SPAN)}
_FAR: Final = {name: len(_QUANTILES) + len(_OF_SPAN) + number for number, name in enumerate(_OF_SPAN)}
_AT: Final = {name: len(_QUANTILES) + 2 * len(_OF_SPAN) + number for number, name in enumerate(_SHARED)}
_WIDTH: Final = len(_QUANTILES) + 2 * len(_OF_SPAN) + len(_SHARED)
_SPARE: Final = 1024


class ForesightTable:
    """One row for each series; near and far forecasts side by side."""

    def __init__(self) -> None:
        self._rows: dict[SeriesKey, int] = {}
        self._fallbacks: list[str] = []
        self._numbers = np.full((_SPARE, _WIDTH), np.nan)
        self._frame: pl.DataFrame | None = None
        self._made_at = -math.inf

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, foreseen: Foreseen) -> None:
        """Keep what is foreseen of one series in the place of what was."""
        self._frame = None
        key, asked = foreseen.key, foreseen.asked
        row = self._row(key)
        numbers, span = self._numbers[row], _NEAR if asked.step_s == NEAR_S else _FAR
        for name, step in horizons_of(key, asked.step_s).items():
            first = _NAMES.index(name) * len(EDGES)
            numbers[first : first + len(EDGES)] = foreseen.at(step) or math.nan
        eta = foreseen.eta
        times = (None, None, None) if eta is None else (eta.earliest_unix_s, eta.expected_unix_s, eta.latest_unix_s)
        for name, time in zip(_ETAS, times, strict=True):
            numbers[span[name]] = _number(time)
        self._count(numbers, span, eta, asked.end_unix_s)
        track = foreseen.track
        numbers[span["scored"]] = _number(None if track is None else track.scored)
        numbers[span["coverage80"]] = _number(None if track is None else track.coverage80)
        numbers[span["relative_error"]] = _number(None if track is None else track.relative_error)
        numbers[_AT["value"]] = _number(foreseen.last)
        numbers[_AT["threshold"]] = _number(asked.threshold)
        self._fallbacks[row] = foreseen.fallback

    def crossings(self, key: SeriesKey, step_s: float) -> int:
        """How many forecasts in a row foresaw that the threshold is crossed; 0 if the last one did not."""
        row = self._rows.get(key)
        span = _NEAR if step_s == NEAR_S else _FAR
        found = math.nan if row is None else self._numbers[row, span["crossings"]]
        return 0 if math.isnan(found) else int(found)

    def forget(self, hosts: Collection[str]) -> None:
        """Forget what is foreseen of some hosts."""
        kept = [(key, row) for key, row in self._rows.items() if key.host not in hosts]
        order = [row for _, row in kept]
        numbers = np.full((len(kept) + _SPARE, _WIDTH), np.nan)
        numbers[: len(kept)] = self._numbers[order]
        self._numbers = numbers
        self._fallbacks = [self._fallbacks[row] for row in order]
        self._rows = {key: number for number, (key, _) in enumerate(kept)}
        self._frame = None

    def fresh(self, now_unix_s: float) -> tuple[int, float | None]:
        """How many near and far forecasts are still valid, and the age of the oldest of them; None if there is none."""
        count, oldest = 0, None
        for span, keeps_s in ((_NEAR, SPANS[NEAR_S].keeps_s), (_FAR, SPANS[FAR_S].keeps_s)):
            ages = now_unix_s - self._numbers[: len(self._rows), span["origin_unix_s"]]
            valid = ages[ages <= keeps_s]
            count += len(valid)
            if len(valid):
                oldest = max(oldest or 0.0, float(valid.max()))
        return count, oldest

    def frame(self, now_unix_s: float) -> pl.DataFrame:
        """One row for each series with a forecast that is still valid.

        Returns:
            `entity`, `host`, `instance`, `metric`; `value` (the last one seen), `threshold`; at each horizon the five
            lines, e.g. `mean_15m`, `lo80_15m`; `origin_unix_s` and `far_origin_unix_s`; `eta_earliest_unix_s`,
            `eta_expected_unix_s`, `eta_latest_unix_s`; `crossings` (forecasts in a row that expect the crossing) and
            `crossing_since_unix_s`; `fallback`; `scored`, `coverage80`, `relative_error`. Null where not known.
            Where near and far forecasts both know, the near one is told.
        """
        if self._frame is None or not 0.0 <= now_unix_s - self._made_at < NEAR.step_s:
            self._frame, self._made_at = self._made(now_unix_s), now_unix_s
        return self._frame

    def _made(self, now_unix_s: float) -> pl.DataFrame:
        count = len(self._rows)
        numbers = self._numbers[:count].copy()
        near = now_unix_s - numbers[:, _NEAR["origin_unix_s"]] <= SPANS[NEAR_S].keeps_s
        far = now_unix_s - numbers[:, _FAR["origin_unix_s"]] <= SPANS[FAR_S].keeps_s
        is_only_far = np.isnan(numbers[:, _NEAR["origin_unix_s"]])
        split = len(NEAR_HORIZONS) * len(EDGES)
        numbers[~(near | (far & is_only_far)), :split] = np.nan
        numbers[~far, split : len(_QUANTILES)] = np.nan
        numbers[~near, min(_NEAR.values()) : max(_NEAR.values()) + 1] = np.nan
        numbers[~far, min(_FAR.values()) : max(_FAR.values()) + 1] = np.nan
        columns: dict[str, pl.Series] = {
            "entity": pl.Series([key.entity.value for key in self._rows], dtype=pl.String),
            "host": pl.Series([key.host for key in self._rows], dtype=pl.String),
            "instance": pl.Series([key.instance for key in self._rows], dtype=pl.String),
            "metric": pl.Series([key.metric for key in self._rows], dtype=pl.String),
            **{name: pl.Series(numbers[:, at]) for name, at in _AT.items()},
            **{name: pl.Series(numbers[:, at], dtype=pl.Float32) for at, name in enumerate(_QUANTILES)},
            "origin_unix_s": pl.Series(numbers[:, _NEAR["origin_unix_s"]]),
            "far_origin_unix_s": pl.Series(numbers[:, _FAR["origin_unix_s"]]),
        }
        has_near = ~np.isnan(numbers[:, _NEAR["eta_earliest_unix_s"]])
        for name in _OF_SPAN[1:]:
            of_near, of_far = numbers[:, _NEAR[name]], numbers[:, _FAR[name]]
            is_near = has_near if name in _ETAS or name.startswith("crossing") else ~np.isnan(of_near)
            columns[name] = pl.Series(np.where(is_near, of_near, of_far))
        frame = pl.DataFrame(columns).with_columns(
            pl.col(pl.Float32, pl.Float64).fill_nan(None), fallback=pl.Series(self._fallbacks, dtype=pl.String)
        )
        integers = pl.col("crossings").fill_null(0).cast(pl.UInt32), pl.col("scored").cast(pl.UInt32)
        return frame.with_columns(integers).filter(pl.Series(near | far))

    def _count(
        self, numbers: npt.NDArray[np.float64], span: dict[str, int], eta: Eta | None, origin_unix_s: float
    ) -> None:
        """Count forecasts in a row, each from a newer origin, that expect the crossing."""
        is_newer = not origin_unix_s <= numbers[span["origin_unix_s"]]
        numbers[span["origin_unix_s"]] = origin_unix_s
        if eta is None or eta.expected_unix_s is None:
            numbers[span["crossings"]], numbers[span["crossing_since_unix_s"]] = 0.0, math.nan
        elif is_newer:
            before = numbers[span["crossings"]]
            if math.isnan(before) or before == 0:
                numbers[span["crossing_since_unix_s"]] = origin_unix_s
                before = 0.0
            numbers[span["crossings"]] = before + 1

    def _row(self, key: SeriesKey) -> int:
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = len(self._rows)
            self._fallbacks.append("")
            if row >= len(self._numbers):
                grown = np.full((len(self._numbers) + len(self._numbers) // 4 + _SPARE, _WIDTH), np.nan)
                grown[:row] = self._numbers
                self._numbers = grown
        return row


def _number(value: float | None) -> float:
    return math.nan if value is None else value
