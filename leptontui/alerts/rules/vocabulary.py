"""What conditions on one entity may name: the catalogue's columns, or whatever foreign series there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from leptontui.alerts.rules.columns import GROWING, LABEL, columns_of, rates_of, series_of
from leptontui.alerts.rules.derived import INCREASE_S, LONGEST_S, SHORTEST_S, Derived
from leptontui.alerts.rules.durations import duration_text
from leptontui.alerts.rules.tokens import ConditionError
from leptontui.config.problem import did_you_mean
from leptontui.model.catalogue import FORECAST_STEPS
from leptontui.model.series import Entity

MOST_AHEAD_S: Final = 24 * 3600.0
"""Nothing is forecast further."""
MOST_STEPS: Final = FORECAST_STEPS

_FOREIGN: Final[dict[str, pl.DataType]] = {"host": pl.String(), "series": pl.String()}


@dataclass(frozen=True, slots=True)
class Catalogued:
    """The columns of one of our own entities; see `syntax.Vocabulary`.

    Attributes:
        entity: whose.
    """

    entity: Entity

    def column(self, name: str) -> str:
        """See `Vocabulary.column`."""
        known = columns_of(self.entity)
        if name in known or (name.startswith(LABEL) and len(name) > len(LABEL)):
            return name
        if name in rates_of(self.entity):
            raise ConditionError(f"{name} is a counter", f"rate({name})")
        where = next((entity for entity in Entity if name in columns_of(entity)), None)
        guess = did_you_mean(name, known)
        if where is not None:
            guess = f'it is a column of entity = "{where.value}"' + (f"; {guess}" if guess else "")
        raise ConditionError(f"{self.entity.value} has no column {name}", "", guess or "leptontui metrics lists them")

    def rate(self, counter: str) -> str:
        """See `Vocabulary.rate`."""
        rates = rates_of(self.entity)
        if counter in rates:
            return rates[counter]
        guess = did_you_mean(counter, rates)
        expected = "" if guess else _one_of(rates, "a counter", self.entity)
        raise ConditionError(f"{counter} is no counter of {self.entity.value}", expected, guess)

    def check(self, derived: Derived) -> None:
        """See `Vocabulary.check`."""
        name, entity = derived.metric, self.entity
        grows = GROWING.get(entity, ())
        known = grows if derived.function == "increase" else series_of(entity)
        if name not in known:
            what = "growth is not kept" if derived.function == "increase" else "history is not kept"
            if name in columns_of(entity) or name in rates_of(entity):
                raise ConditionError(f"{derived.function}({name}, …): {what}", _one_of(known, "a metric", entity))
            guess = did_you_mean(name, known) or did_you_mean(name, columns_of(entity))
            expected = "" if guess else _one_of(known, "a metric", entity)
            raise ConditionError(f"{entity.value} has no metric {name}", expected, guess)
        _check_time(derived)

    def dtypes(self) -> Mapping[str, pl.DataType]:
        """Every column's type."""
        return columns_of(self.entity)


@dataclass(frozen=True, slots=True)
class Foreign:
    """Recorded series that are none of ours: every metric is a column of numbers.

    Attributes:
        metrics: their names.
    """

    metrics: tuple[str, ...]

    def column(self, name: str) -> str:
        """See `Vocabulary.column`."""
        if name in self.metrics or name in _FOREIGN:
            return name
        found = next((metric for metric in self.metrics if metric.lower() == name), None)
        if found is not None:
            return found
        guess = did_you_mean(name, self.metrics)
        raise ConditionError(f"no series has the metric {name}", "" if guess else _one_of(self.metrics, ""), guess)

    def rate(self, counter: str) -> str:
        """See `Vocabulary.rate`."""
        raise ConditionError(f"rate({counter})", "a gauge: of recorded series it is not known which are counters")

    def check(self, derived: Derived) -> None:
        """See `Vocabulary.check`."""
        if self.column(derived.metric) in _FOREIGN or derived.function == "increase":
            raise ConditionError(f"{derived.function}({derived.metric}, …)", "mean, max, min, forecast or eta")
        if derived.seconds > MOST_AHEAD_S * 7:
            raise ConditionError(f"'{duration_text(derived.seconds)}'", "at most a week")

    def dtypes(self) -> Mapping[str, pl.DataType]:
        """Every column's type."""
        return {**_FOREIGN, **{name: pl.Float64() for name in self.metrics}}


class AnySeries(Foreign):
    """Recorded series of which nothing is known yet: any name may be one."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(())

    def column(self, name: str) -> str:
        """See `Vocabulary.column`."""
        return name

    def dtypes(self) -> Mapping[str, pl.DataType]:
        """Every column's type."""
        return _AnyFloat(_FOREIGN)


class _AnyFloat(dict[str, pl.DataType]):
    """Names without a type of their own are numbers."""

    def __missing__(self, name: str) -> pl.DataType:
        return pl.Float64()

    def __contains__(self, name: object) -> bool:
        return True


def _check_time(derived: Derived) -> None:
    seconds = derived.seconds
    match derived.function:
        case "increase" if seconds != INCREASE_S:
            raise ConditionError(f"'{duration_text(seconds)}'", "'10m': growth is kept over ten minutes")
        case "forecast" if not SHORTEST_S <= seconds <= MOST_AHEAD_S:
            raise ConditionError(f"'{duration_text(seconds)}'", "'10s' to '1d'")
        case "mean" | "max" | "min" if not SHORTEST_S <= seconds <= LONGEST_S:
            raise ConditionError(f"'{duration_text(seconds)}'", "'10s' to '6h': so much is kept")
        case _:
            return


def _one_of(names: Mapping[str, str] | tuple[str, ...], what: str, entity: Entity | None = None) -> str:
    listed = ", ".join(list(names)[:12])
    if not listed:
        return f"something else: {entity.value if entity else 'it'} has none"
    return f"{what + ': ' if what else 'one of '}{listed}"
