"""Forecasts during a replay: by the same portfolio as live, which has learned from the replayed past only.

As live, what may reach a threshold of the rules is forecast at every step, and the rest now and then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from leptontui.alerts.rules.outlook import Outlook
from leptontui.alerts.rules.rule import Rule
from leptontui.forecast.past import Past
from leptontui.forecast.portfolio import Portfolio
from leptontui.model.catalogue import METRICS
from leptontui.model.series import Entity
from leptontui.wiring.replay_series import Floats, Line, Recorded

MOST_STEPS: Final = 240
MOST_POINTS: Final = 1000
LEAST_POINTS: Final = 60
"""Nothing is foretold from less: bands are not calibrated yet."""
_TOLD: Final = (1, 2, 3, 5, 8, 12, 15, 20, 30, 45, 60, 90, 120, 180, 240)
"""Steps at which forecasts are kept, besides those that rules ask for."""
_BOUNDS: Final = {"_pct": (0.0, 100.0), "_frac": (0.0, 1.0), "_bytes": (0.0, None), "_w": (0.0, None)}
"""Physical bounds of foreign series, by the unit that ends their names."""

Bounds = tuple[float | None, float | None]


@dataclass(slots=True)
class _Kept:
    """The newest forecast of one series."""

    line: Line
    step: int
    value: float
    lines: Floats
    is_near: bool


class ReplayForecasts:
    """Keeps forecasts of the metrics that rules ask for.

    Args:
        of: the recording.
        rules: the rules.
        every: what is far from every threshold is forecast at every so many steps.

    Attributes:
        made: forecasts made so far.
        outlooks: what is foreseen now, by entity and metric; changed by `advance`.
    """

    def __init__(self, of: Recorded, rules: Sequence[Rule], every: int) -> None:
        self._of = of
        self._every = every
        asked = {
            (rule.entity, item.metric): max(
                item.seconds or rule.horizon_s for one in rules for item in one.derived if item.is_predicting
            )
            for rule in rules
            for item in rule.derived
            if item.is_predicting
        }
        self._lines = [line for line in of.lines if (line.subject.entity, line.metric) in asked]
        longest = max(asked.values(), default=0.0)
        self._steps = min(MOST_STEPS, max(1, round(longest / of.step_s)))
        wanted = {round(item.seconds / of.step_s) for rule in rules for item in rule.derived if item.is_predicting}
        told = {step for step in (*_TOLD, *wanted, self._steps) if 1 <= step <= self._steps}
        self._told = np.array(sorted(told), dtype=np.int64)
        self._limits = _limits(rules)
        self._portfolio = Portfolio(levels=(80, 95))
        self._kept: dict[tuple[Entity, str], dict[int, _Kept]] = {}
        self.made = 0
        self.outlooks: dict[tuple[Entity, str], Outlook] = {}

    @property
    def fallbacks(self) -> dict[str, int]:
        """How often no model was used, by reason."""
        return dict(self._portfolio.fallbacks)

    def advance(self, step: int) -> None:
        """Forecast what is due at a step."""
        for number, line in enumerate(self._lines):
            kept = self._kept.setdefault((line.subject.entity, line.metric), {})
            value = line.at(step)
            before = kept.get(number)
            if before is not None and step - before.step > 2 * self._every:
                del kept[number]
            is_due = before is None or before.is_near or (step + number) % self._every == 0
            if value is not None and is_due and step - line.first >= LEAST_POINTS:
                made = self._forecast(line, step, value)
                if made is not None:
                    kept[number] = made
        for key, found in self._kept.items():
            self.outlooks[key] = self._outlook(list(found.values()))

    def _forecast(self, line: Line, step: int, value: float) -> _Kept | None:
        lower, upper = bounds_of(line.subject.entity, line.metric)
        subject = line.subject
        name = f"{subject.entity.value}/{subject.host}/{subject.instance}/{line.metric}"
        past = Past(
            key=name,
            metric=f"{line.metric}@{self._of.step_s:g}s",
            values=line.past(step, MOST_POINTS),
            t_unix_s=step * self._of.step_s,
            step_s=self._of.step_s,
            lower=lower,
            upper=upper,
        )
        made = self._portfolio.forecast(past, self._steps)
        if made is None:
            return None
        self.made += 1
        at = self._told - 1
        lines = np.stack([path[at] for path in (made.lo95, made.lo80, made.mean, made.hi80, made.hi95)], axis=1)
        return _Kept(line, step, value, lines, self._is_near(line.metric, value, lines))

    def _is_near(self, metric: str, value: float, lines: Floats) -> bool:
        """Whether some threshold lies within the 95 % band, or it cannot be told."""
        limits = self._limits.get(metric)
        if limits is None:
            return True
        low, high = min(value, float(lines.min())), max(value, float(lines.max()))
        return any(low <= limit <= high for limit in limits)

    def _outlook(self, kept: Sequence[_Kept]) -> Outlook:
        step_s = self._of.step_s
        count = len(self._told)
        return Outlook(
            [item.line.subject.host for item in kept],
            [item.line.subject.instance for item in kept],
            np.array([(item.step + 1) * step_s for item in kept]),
            np.array([item.value for item in kept]),
            self._told.astype(np.float64) * step_s,
            np.stack([item.lines for item in kept]) if kept else np.zeros((0, count, 5)),
        )


def _limits(rules: Sequence[Rule]) -> Mapping[str, tuple[float, ...] | None]:
    """The thresholds of each metric where all of them are constants; else None."""
    found: dict[str, tuple[float, ...] | None] = {}
    for rule in rules:
        crossing = rule.crossing
        if crossing is None:
            continue
        known = found.get(crossing.metric, ())
        if rule.threshold is None or rule.threshold.columns or known is None:
            found[crossing.metric] = None
        else:
            value = _constant(rule)
            found[crossing.metric] = None if value is None else (*known, value)
    return found


def _constant(rule: Rule) -> float | None:
    import polars as pl

    if rule.threshold is None:
        return None
    value = pl.select(rule.threshold.expr.cast(pl.Float64)).item()
    return None if value is None else float(value)


def bounds_of(entity: Entity, metric: str) -> Bounds:
    """Physical bounds of a series: the catalogue's, else by the unit that ends its name."""
    known = next((item for item in METRICS if item.entity is entity and item.name == metric), None)
    if known is not None and entity is not Entity.SAMPLE:
        return known.lower, known.upper
    return next((bounds for unit, bounds in _BOUNDS.items() if metric.endswith(unit)), (None, None))
