"""What can be wrong with a host, worst first."""

from __future__ import annotations

from typing import Final

import polars as pl

from leptontui.health import thresholds as limits
from leptontui.health.ranking import Finding
from leptontui.health.words import blind_words, tenths, whole
from leptontui.model.health import Severity
from leptontui.model.link import LinkState

SCHEMA: Final[dict[str, pl.DataType]] = {
    "host": pl.String(),
    "link": pl.String(),
    "link_cause": pl.String(),
    "received_unix_s": pl.Float64(),
    "memory_total_bytes": pl.Float64(),
    "memory_used_bytes": pl.Float64(),
    "memory_available_bytes": pl.Float64(),
    "pressure_cpu_some_pct": pl.Float64(),
    "pressure_memory_some_pct": pl.Float64(),
    "pressure_memory_full_pct": pl.Float64(),
    "pressure_io_some_pct": pl.Float64(),
    "pressure_io_full_pct": pl.Float64(),
    "clock_offset_s": pl.Float64(),
    "probe_cpu_pct": pl.Float64(),
}
"""The columns that are looked at; any may be missing."""

_IS_LIVE: Final = (pl.col("link") == LinkState.LIVE.value).fill_null(value=False)
_TOTAL: Final = pl.when(pl.col("memory_total_bytes") > 0).then(pl.col("memory_total_bytes"))
_FREE_SHARE: Final = pl.coalesce("memory_available_bytes", _TOTAL - pl.col("memory_used_bytes")) / _TOTAL
_OFFSET: Final = pl.col("clock_offset_s")


def host_findings(now_unix_s: float) -> tuple[Finding, ...]:
    """The findings about a host, worst first.

    They ask for the columns of `SCHEMA` and, joined by the caller: gpu_severity, gpu, gpu_more, event_severity, event,
    event_more, filesystem_severity, filesystem, filesystem_more, memory_eta, memory_threshold, filesystem_eta. About
    a host that is not live only that is said. A host without GPUs is well.
    """
    critical, predicted, warning = Severity.CRITICAL, Severity.PREDICTED, Severity.WARNING
    is_short = _FREE_SHARE < limits.MEMORY_CRITICAL_AVAILABLE_SHARE
    is_tight = (1 - _FREE_SHARE >= limits.MEMORY_WARNING_USED_SHARE) & ~is_short
    is_over = (pl.col("memory_used_bytes") >= pl.col("memory_threshold")).fill_null(value=False)
    clock_words = pl.format(
        "clock {} s {}",
        tenths(_OFFSET.abs()),
        pl.when(_OFFSET > 0).then(pl.lit("ahead")).otherwise(pl.lit("behind")),
    )
    return (
        Finding(Severity.UNKNOWN, ~_IS_LIVE, blind_words(now_unix_s)),
        _joined("gpu", critical),
        _joined("event", critical),
        Finding(critical, _IS_LIVE & is_short, pl.format("memory {} % free", whole(_FREE_SHARE * 100))),
        _joined("filesystem", critical),
        _pressure(critical, "pressure_memory_full_pct", limits.PRESSURE_FULL_PCT, "stalled on memory"),
        Finding(critical, _IS_LIVE & (_OFFSET.abs() >= limits.CLOCK_CRITICAL_S), clock_words),
        _joined("gpu", predicted),
        Finding(predicted, _IS_LIVE & pl.col("memory_eta").is_not_null() & ~is_over, pl.col("memory_eta")),
        Finding(predicted, _IS_LIVE & pl.col("filesystem_eta").is_not_null(), pl.col("filesystem_eta")),
        _joined("gpu", warning),
        _joined("event", warning),
        Finding(warning, _IS_LIVE & is_tight, pl.format("memory {} % used", whole((1 - _FREE_SHARE) * 100))),
        _joined("filesystem", warning),
        _pressure(warning, "pressure_io_full_pct", limits.PRESSURE_FULL_PCT, "stalled on I/O"),
        _pressure(warning, "pressure_memory_some_pct", limits.PRESSURE_SOME_PCT, "waits for memory"),
        _pressure(warning, "pressure_io_some_pct", limits.PRESSURE_SOME_PCT, "waits for I/O"),
        _pressure(warning, "pressure_cpu_some_pct", limits.PRESSURE_SOME_PCT, "waits for CPU"),
        Finding(
            warning,
            _IS_LIVE & _OFFSET.abs().is_between(limits.CLOCK_WARNING_S, limits.CLOCK_CRITICAL_S, closed="left"),
            clock_words,
        ),
        Finding(
            warning,
            _IS_LIVE & (pl.col("probe_cpu_pct") > limits.PROBE_CPU_PCT),
            pl.format("probe takes {} % of a core", whole(pl.col("probe_cpu_pct"))),
        ),
    )


def _joined(what: str, severity: Severity) -> Finding:
    is_so = _IS_LIVE & (pl.col(f"{what}_severity") == int(severity))
    return Finding(severity, is_so, pl.col(what), pl.col(f"{what}_more"))


def _pressure(severity: Severity, column: str, limit: float, words: str) -> Finding:
    """Pressure stall information; of the same resource's "some" and "full" only the worse is told."""
    is_so = pl.col(column) > limit
    if column.endswith("_some_pct"):
        full = column.replace("_some_", "_full_")
        if full in SCHEMA:
            is_so &= ~(pl.col(full) > limits.PRESSURE_FULL_PCT).fill_null(value=False)
    return Finding(severity, _IS_LIVE & is_so, pl.format("{} {} % of the time", pl.lit(words), whole(pl.col(column))))
