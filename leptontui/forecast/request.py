"""What is asked of the forecaster, and what it foresees."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from typing import Final, Self

from leptontui.forecast.protocol import EDGES, Task, Told
from leptontui.model.catalogue import FORECAST_STEPS
from leptontui.model.series import Eta, Forecast, ForecastTrack, Series, SeriesKey

_LINES: Final = len(EDGES)


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """One series to forecast.

    Attributes:
        key: whose series.
        values: its closed buckets, oldest first, NaN for missing: 32-bit floats in the machine's order.
        end_unix_s: end of the last bucket.
        step_s: width of a bucket.
        lower, upper: physical bounds in the metric's unit, None where there is none.
        threshold: when its crossing is asked for, in the metric's unit; None if it is not.
        is_rising_bad: whether the threshold is crossed upward.
        steps: how many steps of the series to forecast.
        told: which of them are wanted, counted from 1, ascending; empty for all.
        is_heavy: whether costly models may be fitted.
    """

    key: SeriesKey
    values: bytes
    end_unix_s: float
    step_s: float
    lower: float | None
    upper: float | None
    threshold: float | None
    is_rising_bad: bool = True
    steps: int = FORECAST_STEPS
    told: tuple[int, ...] = ()
    is_heavy: bool = False

    @classmethod
    def of(
        cls,
        series: Series,
        lower: float | None,
        upper: float | None,
        threshold: float | None,
        *,
        steps: int = FORECAST_STEPS,
        is_heavy: bool = False,
    ) -> Self:
        """The request for all steps of a series; its last bucket must be closed."""
        values = array("f", [math.nan if value is None else value for value in series.values]).tobytes()
        at = series.t_unix_s[-1]
        return cls(series.key, values, at, series.step_s, lower, upper, threshold, steps=steps, is_heavy=is_heavy)

    def task(self) -> Task:
        """As the worker is told."""
        key = self.key
        return Task(
            key="/".join((key.host, key.entity.value, key.instance, key.metric, f"{self.step_s:g}")),
            metric=f"{key.entity.value}.{key.metric}@{self.step_s:g}s",
            values=self.values,
            end_unix_s=self.end_unix_s,
            step_s=self.step_s,
            lower=self.lower,
            upper=self.upper,
            threshold=self.threshold,
            is_rising_bad=self.is_rising_bad,
            steps=self.steps,
            told=self.told,
            is_heavy=self.is_heavy,
        )


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What the forecaster foresees of one series, at the steps asked for.

    Attributes:
        asked: the request.
        edges: mean, lo80, hi80, lo95, hi95 one after the other, in the metric's unit, shape (5 · n,).
        last: the last value it has seen, None if that is missing.
        model, fallback, track, eta, past_s, is_cut: see `leptontui.model.series.Forecast`.
    """

    asked: ForecastRequest
    edges: array[float]
    last: float | None
    model: str
    fallback: str
    track: ForecastTrack | None
    eta: Eta | None
    past_s: float
    is_cut: bool

    @classmethod
    def of(cls, asked: ForecastRequest, told: Told) -> Self:
        """What the worker told."""
        eta = None
        if told.eta is not None and asked.threshold is not None:
            eta = Eta(asked.threshold, *told.eta)
        score = told.score
        track = None
        if score is not None:
            track = ForecastTrack(score.steps, score.scored, score.coverage80, score.coverage95, score.relative_error)
        edges = array("d")
        edges.frombytes(told.edges)
        return cls(
            asked=asked,
            edges=edges,
            last=told.last,
            model=told.model,
            fallback=told.fallback,
            track=track,
            eta=eta,
            past_s=told.past_steps * asked.step_s,
            is_cut=told.past_steps < len(asked.values) // array("f").itemsize,
        )

    @property
    def key(self) -> SeriesKey:
        """Whose."""
        return self.asked.key

    def at(self, step: int) -> tuple[float, ...] | None:
        """Mean, lo80, hi80, lo95, hi95 at one step; None if that was not told."""
        told, count = self.asked.told, len(self.edges) // _LINES
        index = step - 1 if not told else told.index(step) if step in told else -1
        return tuple(self.edges[index::count]) if 0 <= index < count else None

    def forecast(self) -> Forecast:
        """The whole of it.

        Raises:
            ValueError: only some steps were asked for.
        """
        if self.asked.told:
            raise ValueError("only some steps were asked for")
        count = len(self.edges) // _LINES
        mean, lo80, hi80, lo95, hi95 = (tuple(self.edges[line * count : (line + 1) * count]) for line in range(_LINES))
        return Forecast(
            self.key,
            self.asked.end_unix_s,
            self.asked.step_s,
            mean,
            lo80,
            hi80,
            lo95,
            hi95,
            model=self.model,
            eta=self.eta,
            fallback=self.fallback,
            track=self.track,
            past_s=self.past_s,
            is_cut=self.is_cut,
        )
