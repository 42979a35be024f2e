"""What a metric is: whose value, its unit, meaning, bounds and kind, where it is read and how often."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from leptontui.model.series import Entity


class Kind(StrEnum):
    """How a value behaves over time."""

    GAUGE = "gauge"
    """A measured value."""
    COUNTER = "counter"
    """Grows until the host, driver or device resets it; shown as its rate."""
    TOTAL = "total"
    """A counter whose value since the last reset is itself what counts (ECC errors)."""
    TEXT = "text"
    FLAG = "flag"
    LIST = "list"
    """One number per core."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One value of one entity.

    Attributes:
        entity: whose value.
        name: column name, with its unit as suffix.
        kind: see `Kind`.
        unit: as shown in a column's header; "" for none.
        title: short name for people.
        meaning: one sentence for help.
        lower, upper: physical bounds; None where there is none, or where `capacity` says it.
        capacity: column of the same row that is the upper bound, "" for none.
        is_series: kept as history, so that it can be charted and forecast.
        is_integer: stored as a 64-bit integer.
        source: where it is read, for people: "NVML", "/proc/meminfo".
        cadence_s: seconds between two readings; 0 means in every sweep.
        is_detail: read slowly and said apart from the sweep's own readings (`wire.GpuDetails`).
    """

    entity: Entity
    name: str
    kind: Kind
    unit: str
    title: str
    meaning: str
    lower: float | None = None
    upper: float | None = None
    capacity: str = ""
    is_series: bool = False
    is_integer: bool = False
    source: str = ""
    cadence_s: float = 0.0
    is_detail: bool = False

    @property
    def rate_name(self) -> str:
        """Column of a counter's rate: a time becomes the share of time in percent, all else `<name>_per_s`."""
        if self.is_share:
            return f"{self.name.removesuffix('_s')}_pct"
        return f"{self.name}_per_s"

    @property
    def is_share(self) -> bool:
        """Whether a counter counts seconds, so that its rate is a share of time."""
        return self.kind is Kind.COUNTER and self.name.endswith("_s") and self.unit == "%"


@dataclass(frozen=True, slots=True)
class Shelf:
    """Makes the metrics of one entity that come from one place.

    Attributes:
        entity, source, cadence_s, is_detail: see `Metric`.
    """

    entity: Entity
    source: str
    cadence_s: float = 0.0
    is_detail: bool = False

    def gauge(
        self,
        name: str,
        unit: str,
        title: str,
        meaning: str,
        *,
        lower: float | None = 0.0,
        upper: float | None = None,
        capacity: str = "",
        is_series: bool = False,
        is_integer: bool = False,
    ) -> Metric:
        """A measured value."""
        return Metric(
            self.entity,
            name,
            Kind.GAUGE,
            unit,
            title,
            meaning,
            lower,
            upper,
            capacity,
            is_series,
            is_integer,
            self.source,
            self.cadence_s,
            self.is_detail,
        )

    def count(self, name: str, title: str, meaning: str, *, capacity: str = "") -> Metric:
        """A measured whole number without unit."""
        return self.gauge(name, "", title, meaning, capacity=capacity, is_integer=True)

    def percent(self, name: str, title: str, meaning: str, *, is_series: bool = False) -> Metric:
        """A share, 0 to 100."""
        return self.gauge(name, "%", title, meaning, upper=100.0, is_series=is_series)

    def bytes(self, name: str, title: str, meaning: str, *, capacity: str = "", is_series: bool = False) -> Metric:
        """An amount of memory or storage."""
        return self.gauge(name, "B", title, meaning, capacity=capacity, is_series=is_series, is_integer=True)

    def counter(self, name: str, unit: str, title: str, meaning: str) -> Metric:
        """Something counted, shown as its rate in `unit`; with `_s` and "%" a time, shown as the share of time."""
        is_time = name.endswith("_s") and unit == "%"
        return self._other(Kind.COUNTER, name, unit, title, meaning, is_integer=not is_time)

    def total(self, name: str, title: str, meaning: str) -> Metric:
        """Something counted, shown as it is."""
        return self._other(Kind.TOTAL, name, "", title, meaning, is_integer=True)

    def text(self, name: str, title: str, meaning: str) -> Metric:
        """A text."""
        return self._other(Kind.TEXT, name, "", title, meaning)

    def flag(self, name: str, title: str, meaning: str) -> Metric:
        """Yes or no."""
        return self._other(Kind.FLAG, name, "", title, meaning)

    def _other(self, kind: Kind, name: str, unit: str, title: str, meaning: str, *, is_integer: bool = False) -> Metric:
        lower = 0.0 if kind in {Kind.COUNTER, Kind.TOTAL} else None
        return Metric(
            self.entity,
            name,
            kind,
            unit,
            title,
            meaning,
            lower,
            is_integer=is_integer,
            source=self.source,
            cadence_s=self.cadence_s,
            is_detail=self.is_detail,
        )
