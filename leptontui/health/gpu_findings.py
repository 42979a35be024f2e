"""What can be wrong with a GPU, worst first."""

from __future__ import annotations

from typing import Final

import polars as pl

from leptontui.health import thresholds as limits
from leptontui.health.ranking import Finding
from leptontui.health.words import blind_words, whole
from leptontui.model.health import Severity
from leptontui.model.link import LinkState

SCHEMA: Final[dict[str, pl.DataType]] = {
    "host": pl.String(),
    "uuid": pl.String(),
    "group": pl.String(),
    "link": pl.String(),
    "link_cause": pl.String(),
    "received_unix_s": pl.Float64(),
    "state": pl.String(),
    "name": pl.String(),
    "job": pl.String(),
    "util_pct": pl.Float64(),
    "memory_used_bytes": pl.Float64(),
    "temp_c": pl.Float64(),
    "temp_slowdown_c": pl.Float64(),
    "power_w": pl.Float64(),
    "clock_sm_mhz": pl.Float64(),
    "throttle_reasons": pl.Int64(),
    "pcie_width": pl.Int64(),
    "pcie_width_max": pl.Int64(),
    "ecc_uncorrected": pl.Int64(),
}
"""The columns that are looked at; any may be missing."""

IS_LIVE: Final = (pl.col("link") == LinkState.LIVE.value).fill_null(value=False)
IS_PRESENT: Final = IS_LIVE & (pl.col("state").fill_null("present") != "gone")

_SLOWDOWN = pl.when(pl.col("temp_slowdown_c") > 0).then(pl.col("temp_slowdown_c"))
_LIMIT = _SLOWDOWN.fill_null(limits.TEMP_CRITICAL_C)
_TEMP = pl.col("temp_c")


def gpu_findings(now_unix_s: float) -> tuple[Finding, ...]:
    """The findings about a GPU, worst first.

    They ask for the columns of `SCHEMA` and, joined by the caller: event_severity, event, event_more, was_lost,
    straggler, temp_eta, temp_threshold, memory_eta, memory_threshold. About a GPU whose host is not live only that
    is said.
    """
    critical, predicted, warning = Severity.CRITICAL, Severity.PREDICTED, Severity.WARNING
    is_hot = IS_PRESENT & (_TEMP >= _LIMIT)
    is_warm = IS_PRESENT & (_TEMP >= _LIMIT - limits.TEMP_WARNING_MARGIN_C) & (_TEMP < _LIMIT)
    temp_words = (
        pl.when(_SLOWDOWN.is_null())
        .then(pl.format("{} °C, limit {}", whole(_TEMP), whole(_LIMIT)))
        .otherwise(pl.format("{} °C, slowdown at {}", whole(_TEMP), whole(_LIMIT)))
    )
    is_narrow = (pl.col("pcie_width") > 0) & (pl.col("pcie_width") < pl.col("pcie_width_max"))
    return (
        Finding(Severity.UNKNOWN, ~IS_LIVE, blind_words(now_unix_s)),
        Finding(critical, _event_is(critical), pl.col("event"), pl.col("event_more")),
        Finding(critical, IS_LIVE & (pl.col("state") == "gone"), pl.lit("gone from the bus")),
        Finding(
            critical,
            IS_PRESENT & (pl.col("ecc_uncorrected") > 0),
            pl.format("{} ECC uncorrected", "ecc_uncorrected"),
        ),
        Finding(critical, is_hot, temp_words),
        Finding(predicted, IS_PRESENT & _is_ahead("temp_c", "temp"), pl.col("temp_eta")),
        Finding(predicted, IS_PRESENT & _is_ahead("memory_used_bytes", "memory"), pl.col("memory_eta")),
        Finding(warning, IS_PRESENT & _throttle_words().is_not_null(), _throttle_words()),
        Finding(warning, _event_is(warning), pl.col("event"), pl.col("event_more")),
        Finding(warning, IS_PRESENT & pl.col("was_lost"), pl.lit("was gone from the bus")),
        Finding(warning, is_warm, temp_words),
        Finding(warning, IS_PRESENT & is_narrow, pl.format("PCIe ×{} of ×{}", "pcie_width", "pcie_width_max")),
        Finding(warning, IS_PRESENT & pl.col("straggler").is_not_null(), pl.col("straggler")),
    )


def _event_is(severity: Severity) -> pl.Expr:
    return IS_LIVE & (pl.col("event_severity") == int(severity))


def _is_ahead(value: str, eta: str) -> pl.Expr:
    """Whether a crossing is foreseen that has not happened yet."""
    is_over = (pl.col(value) >= pl.col(f"{eta}_threshold")).fill_null(value=False)
    return pl.col(f"{eta}_eta").is_not_null() & ~is_over


def _throttle_words() -> pl.Expr:
    """What slows the GPU down, most telling bit first; null if nothing but idling or its power cap does."""
    reasons = pl.col("throttle_reasons").fill_null(0)
    return (
        pl.when(reasons & limits.THROTTLE_HW_THERMAL != 0)
        .then(pl.lit("HW thermal throttle"))
        .when(reasons & limits.THROTTLE_HW_POWER_BRAKE != 0)
        .then(pl.lit("HW power brake"))
        .when(reasons & limits.THROTTLE_HW_SLOWDOWN != 0)
        .then(pl.lit("HW slowdown"))
        .when(reasons & limits.THROTTLE_SW_THERMAL != 0)
        .then(pl.lit("SW thermal throttle"))
    )
