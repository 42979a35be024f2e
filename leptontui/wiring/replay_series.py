"""Recorded series on one grid of time, and what rules see of them at each of its steps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.alerts.rules.columns import dtype_of
from leptontui.alerts.rules.derived import Derived
from leptontui.alerts.rules.facts import Labels
from leptontui.alerts.rules.outlook import Outlook
from leptontui.alerts.rules.stage import COVERED_SHARE, reduced
from leptontui.model.alert import Subject
from leptontui.model.series import KEY_OF, Entity
from leptontui.wiring.tidy import TidySeries

Floats = npt.NDArray[np.float64]

_NO_NAME: Final = re.compile(r"[^a-z0-9_]+")
_LONGEST_SPAN: Final = 5_000_000
"""Steps in one series; more is a slip in its times."""
_FARTHEST: Final = 2.0**53
"""Steps from 1970 that can be told apart."""


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of one subject, on the grid.

    Attributes:
        subject: whose.
        metric: which, as rules name it.
        first: number of its first step, counted from 1970.
        values: one a step, NaN where nothing was recorded, shape (n,).
    """

    subject: Subject
    metric: str
    first: int
    values: Floats

    def at(self, step: int) -> float | None:
        """Its value at a step; None where there is none."""
        place = step - self.first
        if not 0 <= place < len(self.values):
            return None
        value = float(self.values[place])
        return None if np.isnan(value) else value

    def past(self, step: int, count: int) -> Floats:
        """At most so many values up to a step, oldest first."""
        end = min(step - self.first + 1, len(self.values))
        return self.values[max(0, end - count) : max(0, end)]


@dataclass(frozen=True, slots=True)
class Recorded:
    """All series of a recording.

    Attributes:
        step_s: width of a step.
        lines: the series.
    """

    step_s: float
    lines: tuple[Line, ...]

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics."""
        return tuple(dict.fromkeys(line.metric for line in self.lines))

    @property
    def subjects(self) -> dict[Subject, tuple[int, int]]:
        """Every subject with the numbers of its first and last step."""
        found: dict[Subject, tuple[int, int]] = {}
        for line in self.lines:
            first, last = found.get(line.subject, (line.first, line.first))
            found[line.subject] = (min(first, line.first), max(last, line.first + len(line.values) - 1))
        return found

    def steps(self) -> npt.NDArray[np.int64]:
        """Every step at which something is recorded."""
        spans = [np.arange(first, last + 1, dtype=np.int64) for first, last in set(self.subjects.values())]
        return np.unique(np.concatenate(spans)) if spans else np.array([], dtype=np.int64)


def recorded(series: Iterable[TidySeries], *, is_foreign: bool) -> Recorded:
    """Series on one grid: its step is the time that lies most often between two values.

    Args:
        series: as read from a file.
        is_foreign: whether they are none of ours; ours are called "host" or "host/entity/instance".
    """
    every = list(series)
    gaps = np.concatenate([np.round(np.diff(item.at_unix_s), 3) for item in every] or [np.array([])])
    kinds, counts = np.unique(gaps[gaps > 0], return_counts=True)
    step_s = float(kinds[np.argmax(counts)]) if len(kinds) else 60.0
    lines = [line for item in every if (line := _line(item, step_s, is_foreign=is_foreign)) is not None]
    return Recorded(step_s, tuple(lines))


def _line(item: TidySeries, step_s: float, *, is_foreign: bool) -> Line | None:
    subject = Subject(Entity.SAMPLE, "", item.name) if is_foreign else _ours(item.name)
    known = np.isfinite(item.values)
    if subject is None or not known.any():
        return None
    exact = np.floor(item.at_unix_s[known] / step_s + 1e-6)
    if exact[-1] - exact[0] >= _LONGEST_SPAN or np.abs(exact).max() > _FARTHEST:
        return None
    places = exact.astype(np.int64)
    first, count = int(places[0]), int(places[-1] - places[0]) + 1
    values = np.full(count, np.nan)
    values[places - first] = item.values[known]
    return Line(subject, metric_name(item.metric) if is_foreign else item.metric, first, values)


def _ours(name: str) -> Subject | None:
    host, _, rest = name.partition("/")
    if not rest:
        return Subject(Entity.HOST, host)
    entity, _, instance = rest.partition("/")
    return Subject(Entity(entity), host, instance) if entity in set(Entity) else None


def metric_name(name: str) -> str:
    """A metric's name as a rule can write it: small letters, digits and _."""
    made = _NO_NAME.sub("_", name.lower()).strip("_") or "value"
    return f"_{made}" if made[0].isdigit() else made


class Replayed:
    """A recording at one step; see `leptontui.alerts.rules.facts.Facts`.

    Args:
        of: the recording.
        outlooks: what is foreseen, by entity and metric; kept by reference.
        is_foreign: whether the series are none of ours.
    """

    def __init__(self, of: Recorded, outlooks: Mapping[tuple[Entity, str], Outlook], *, is_foreign: bool) -> None:
        self._of = of
        self._outlooks = outlooks
        self._is_foreign = is_foreign
        self._lines: dict[Entity, dict[Subject, dict[str, Line]]] = {}
        for line in of.lines:
            self._lines.setdefault(line.subject.entity, {}).setdefault(line.subject, {})[line.metric] = line
        self._spans = of.subjects
        self.step = 0

    @property
    def now_unix_s(self) -> float:
        """See `Facts.now_unix_s`: the end of the step."""
        return (self.step + 1) * self._of.step_s

    @property
    def labels(self) -> Labels:
        """See `Facts.labels`."""
        return {}

    def latest(self, entity: Entity) -> pl.DataFrame | None:
        """See `Facts.latest`: subjects from their first to their last value."""
        there = self._there(entity)
        if not there:
            return None
        metrics = dict.fromkeys(metric for _, lines in there for metric in lines)
        columns: dict[str, pl.Series] = {
            "host": pl.Series([subject.host for subject, _ in there], dtype=pl.String),
            **self._keys(entity, [subject.instance for subject, _ in there]),
        }
        for metric in metrics:
            values = [lines[metric].at(self.step) if metric in lines else None for _, lines in there]
            columns[metric] = pl.Series(metric, values, dtype=pl.Float64)
        frame = pl.DataFrame(columns)
        if self._is_foreign:
            return frame
        integers = [name for name in metrics if (dtype := dtype_of(entity, name)) is not None and dtype.is_integer()]
        # Not strict: what is no such number is not known.
        return frame.with_columns(pl.col(integers).cast(pl.Int64, strict=False))

    def derived(self, entity: Entity, asked: Sequence[Derived]) -> pl.DataFrame:
        """See `Facts.derived`."""
        there = self._there(entity)
        columns: dict[str, pl.Series] = {
            "host": pl.Series([subject.host for subject, _ in there], dtype=pl.String),
            "instance": pl.Series([subject.instance for subject, _ in there], dtype=pl.String),
        }
        for item in asked:
            values = [self._window(lines.get(item.metric), item) for _, lines in there]
            columns[item.column] = pl.Series(item.column, values, dtype=pl.Float64)
        return pl.DataFrame(columns)

    def outlook(self, entity: Entity, metric: str) -> Outlook | None:
        """See `Facts.outlook`."""
        return self._outlooks.get((entity, metric))

    def _there(self, entity: Entity) -> list[tuple[Subject, dict[str, Line]]]:
        found = []
        for subject, lines in self._lines.get(entity, {}).items():
            first, last = self._spans[subject]
            if first <= self.step <= last:
                found.append((subject, lines))
        return found

    def _keys(self, entity: Entity, instances: Sequence[str]) -> dict[str, pl.Series]:
        if self._is_foreign:
            return {"series": pl.Series(instances, dtype=pl.String)}
        keys = KEY_OF.get(entity, ())
        parts = [instance.split("/", len(keys) - 1) for instance in instances] if keys else []
        return {
            key: pl.Series(key, [part[n] if n < len(part) else "" for part in parts], dtype=pl.String)
            for n, key in enumerate(keys)
        }

    def _window(self, line: Line | None, item: Derived) -> float | None:
        if line is None:
            return None
        count = max(1, round(item.seconds / self._of.step_s))
        values = line.past(self.step, count)
        known = values[~np.isnan(values)].tolist()
        return reduced(item.function, known) if len(known) >= COVERED_SHARE * count else None
