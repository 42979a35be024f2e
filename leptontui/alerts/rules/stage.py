"""Facts from a scenario's series: what the fleet looks like at each of its steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from leptontui.alerts.rules.columns import dtype_of
from leptontui.alerts.rules.derived import Derived
from leptontui.alerts.rules.facts import Labels
from leptontui.alerts.rules.notation import Value, value_at
from leptontui.alerts.rules.outlook import QUANTILES, Outlook
from leptontui.alerts.rules.scenario import Input, Scenario
from leptontui.model.series import KEY_OF, Entity

BEGIN_UNIX_S = 1_700_000_000.0
"""When scenarios begin: any time does."""
COVERED_SHARE = 0.75
"""A window is known once so much of it is sampled."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A scenario at one step; see `facts.Facts`.

    Attributes:
        scenario: which.
        step: which step, from 0.
        horizon_s: how far forecasts reach.
    """

    scenario: Scenario
    step: int
    horizon_s: float = 900.0

    @property
    def now_unix_s(self) -> float:
        """See `Facts.now_unix_s`."""
        return BEGIN_UNIX_S + self.step * self.scenario.step_s

    @property
    def labels(self) -> Labels:
        """See `Facts.labels`."""
        return {item.host: item.labels for item in self.scenario.inputs if item.labels}

    def latest(self, entity: Entity) -> pl.DataFrame | None:
        """See `Facts.latest`; hosts of which a scenario says nothing are live."""
        inputs = [item for item in self.scenario.inputs if item.entity is entity]
        rows = [self._row(item) for item in inputs]
        if entity is Entity.HOST:
            known = {item.host for item in inputs}
            rows += [{"host": name} for name in sorted({item.host for item in self.scenario.inputs} - known)]
            rows = [{"link": "live", **row} for row in rows]
        if not rows:
            return None
        names = sorted({name for row in rows for name in row})
        return pl.DataFrame([_column(name, [row.get(name) for row in rows], dtype_of(entity, name)) for name in names])

    def derived(self, entity: Entity, asked: Sequence[Derived]) -> pl.DataFrame:
        """See `Facts.derived`."""
        inputs = [item for item in self.scenario.inputs if item.entity is entity]
        columns: dict[str, list[Value]] = {
            "host": [item.host for item in inputs],
            "instance": [item.instance for item in inputs],
        }
        columns |= {item.column: [self._window(subject, item) for subject in inputs] for item in asked}
        text = {"host": pl.String(), "instance": pl.String()}
        return pl.DataFrame([_column(name, values, text.get(name, pl.Float64())) for name, values in columns.items()])

    def outlook(self, entity: Entity, metric: str) -> Outlook | None:
        """See `Facts.outlook`: straight lines to what the scenario says will be."""
        found: list[tuple[str, str, float, float]] = []
        for item in self.scenario.inputs:
            if item.entity is entity and metric in item.ahead and metric in item.values:
                now, then = (_float(value_at(series[metric], self.step)) for series in (item.values, item.ahead))
                if now is not None and then is not None:
                    found.append((item.host, item.instance, now, then))
        if not found:
            return None
        hosts, instances, values, ends = zip(*found, strict=True)
        lines = np.repeat(np.array(ends)[:, None, None], len(QUANTILES), axis=2)
        origins = np.full(len(found), self.now_unix_s)
        return Outlook(hosts, instances, origins, np.array(values), np.array([self.horizon_s]), lines)

    def _row(self, item: Input) -> dict[str, Value]:
        row: dict[str, Value] = {name: value_at(values, self.step) for name, values in item.values.items()}
        keys = KEY_OF.get(item.entity, ())
        # A sample's series may have slashes in it, its source has none.
        parts = item.instance.split("/", len(keys) - 1) if keys else []
        return {"host": item.host, **dict(zip(keys, parts, strict=False)), **row}

    def _window(self, subject: Input, item: Derived) -> float | None:
        if item.column in subject.values:
            return _float(value_at(subject.values[item.column], self.step))
        if item.metric not in subject.values:
            return None
        count = max(1, round(item.seconds / self.scenario.step_s))
        values = subject.values[item.metric]
        first = max(0, self.step - count + (item.function != "increase"))
        known = [found for at in range(first, self.step + 1) if (found := _float(value_at(values, at))) is not None]
        if item.function == "increase":
            return max(0.0, known[-1] - known[0]) if known else None
        return reduced(item.function, known) if len(known) >= COVERED_SHARE * count else None


def reduced(function: str, values: Sequence[float]) -> float | None:
    """The mean, the greatest or the least; None of nothing."""
    if not values:
        return None
    match function:
        case "max":
            return max(values)
        case "min":
            return min(values)
        case _:
            return sum(values) / len(values)


def _float(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _column(name: str, values: Sequence[Value], dtype: pl.DataType | None) -> pl.Series:
    """A column of the catalogue's type; a value of another type is unknown."""
    wanted = dtype or pl.Float64()
    if wanted == pl.String():
        fitting: list[Value] = [value if isinstance(value, str) else None for value in values]
    elif wanted == pl.Boolean():
        fitting = [value if isinstance(value, bool) else None for value in values]
    elif wanted.is_integer():
        fitting = [None if (number := _float(value)) is None else int(number) for value in values]
    else:
        fitting = [_float(value) for value in values]
    return pl.Series(name, fitting, dtype=wanted)
