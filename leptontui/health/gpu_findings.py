"""What can be wrong with a GPU, worst first."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from leptontui.health import thresholds as limits
from leptontui.health.gpu_faults import faults, wear
from leptontui.health.gpu_speed import speed_faults, speed_warnings
from leptontui.health.heat import HOT, LIMIT, MARGIN, SLOWDOWN, WARM
from leptontui.health.ranking import Finding, Voice
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
    "user": pl.String(),
    "process_count": pl.Int64(),
    "parent_uuid": pl.String(),
    "util_pct": pl.Float64(),
    "memory_used_bytes": pl.Float64(),
    "memory_total_bytes": pl.Float64(),
    "temp_c": pl.Float64(),
    "temp_slowdown_c": pl.Float64(),
    "temp_margin_c": pl.Float64(),
    "temp_memory_c": pl.Float64(),
    "temp_memory_max_c": pl.Float64(),
    "power_w": pl.Float64(),
    "power_limit_w": pl.Float64(),
    "clock_sm_mhz": pl.Float64(),
    "clock_sm_max_mhz": pl.Float64(),
    "throttle_reasons": pl.Int64(),
    "pcie_gen": pl.Int64(),
    "pcie_gen_max": pl.Int64(),
    "pcie_width": pl.Int64(),
    "pcie_width_max": pl.Int64(),
    "ecc_uncorrected": pl.Int64(),
    "ecc_sram_corrected": pl.Int64(),
    "ecc_sram_uncorrected": pl.Int64(),
    "ecc_dram_corrected": pl.Int64(),
    "ecc_dram_uncorrected": pl.Int64(),
    "is_ecc_sram_over_threshold": pl.Boolean(),
    "remapped_correctable": pl.Int64(),
    "remapped_uncorrectable": pl.Int64(),
    "is_remap_pending": pl.Boolean(),
    "is_remap_failed": pl.Boolean(),
    "retired_pages_sbe": pl.Int64(),
    "retired_pages_dbe": pl.Int64(),
    "is_retirement_pending": pl.Boolean(),
    "nvlinks_inactive": pl.Int64(),
    "nvlink_crc_errors_per_s": pl.Float64(),
    "fabric_state": pl.String(),
    "fabric_status": pl.String(),
    "recovery_action": pl.String(),
    "is_ecc_change_pending": pl.Boolean(),
    "is_mig_change_pending": pl.Boolean(),
    "is_inforom_valid": pl.Boolean(),
    "trend_util_pct": pl.List(pl.Float32()),
    "straggler": pl.String(),
    "outlier": pl.String(),
}
"""The columns that are looked at; any may be missing."""

HAPPENED: Final[dict[str, pl.DataType]] = {
    "host": pl.String(),
    "instance": pl.String(),
    "pcie_replays_10min": pl.Float64(),
    "ecc_corrected_10min": pl.Float64(),
    "hw_throttled_minutes": pl.Int64(),
    "sw_thermal_minutes": pl.Int64(),
}
"""The columns of what happened in the last ten minutes."""

IS_LIVE: Final = (pl.col("link") == LinkState.LIVE.value).fill_null(value=False)
IS_PRESENT: Final = IS_LIVE & (pl.col("state").fill_null("present") == "present")

_TEMP: Final = pl.col("temp_c")


def gpu_findings(now_unix_s: float) -> tuple[Finding, ...]:
    """The findings about a GPU, worst first; thresholds and their sources are in `thresholds`.

    They ask for the columns of `SCHEMA` and, joined by the caller: heat, event_severity, event, event_more, was_lost,
    temp_eta, temp_threshold, memory_eta, memory_threshold, and the columns of `HAPPENED`. About a GPU whose host is
    not live only that is said, and of one whose driver hangs only that.
    """
    critical, predicted, warning = Severity.CRITICAL, Severity.PREDICTED, Severity.WARNING
    is_unknown = IS_LIVE & (pl.col("state") == "unknown")
    return (
        Finding(Severity.UNKNOWN, ~IS_LIVE, blind_words(now_unix_s)),
        Finding(critical, _event_is(critical), pl.col("event"), more=pl.col("event_more"), voice=event_voice()),
        Finding(critical, IS_LIVE & (pl.col("state") == "gone"), pl.lit("gone from the bus"), "gone-from-bus"),
        *_of_present(faults()),
        Finding(critical, IS_PRESENT & (pl.col("heat") == HOT), _heat_words(), "hot"),
        Finding(critical, IS_PRESENT & (pl.col("temp_memory_c") > _MEMORY_MAX), _memory_heat_words(), "memory-hot"),
        *_of_present(speed_faults()),
        Finding(predicted, IS_PRESENT & _is_ahead("temp_c", "temp"), pl.col("temp_eta"), "forecast"),
        Finding(predicted, IS_PRESENT & _is_ahead("memory_used_bytes", "memory"), pl.col("memory_eta"), "forecast"),
        *_of_present(speed_warnings()),
        Finding(warning, _event_is(warning), pl.col("event"), more=pl.col("event_more"), voice=event_voice()),
        Finding(warning, IS_PRESENT & pl.col("was_lost"), pl.lit("was gone from the bus"), "was-gone-from-bus"),
        Finding(warning, IS_PRESENT & (pl.col("heat") == WARM), _heat_words(), "warm"),
        *_of_present(wear()),
        Finding(warning, IS_PRESENT & pl.col("straggler").is_not_null(), pl.col("straggler"), "straggler"),
        Finding(warning, IS_PRESENT & pl.col("outlier").is_not_null(), pl.col("outlier"), "outlier"),
        Finding(warning, IS_PRESENT & _is_idle(), _idle_words(), "idle-memory"),
        Finding(Severity.UNKNOWN, is_unknown, pl.lit("the GPU driver does not answer")),
    )


_MEMORY_MAX: Final = pl.when(pl.col("temp_memory_max_c") > 0).then(pl.col("temp_memory_max_c"))


def _of_present(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(replace(found, when=IS_PRESENT & found.when) for found in findings)


def event_voice() -> Voice:
    """What events ask for, from the columns of `events.SCHEMA`."""
    return Voice(pl.col("event_rank"), pl.col("event_source"), pl.col("event_reason"), pl.col("event_lines"))


def _event_is(severity: Severity) -> pl.Expr:
    return IS_LIVE & (pl.col("event_severity") == int(severity))


def _is_ahead(value: str, eta: str) -> pl.Expr:
    """Whether a crossing is foreseen that has not happened yet."""
    is_over = (pl.col(value) >= pl.col(f"{eta}_threshold")).fill_null(value=False)
    return pl.col(f"{eta}_eta").is_not_null() & ~is_over


def _heat_words() -> pl.Expr:
    """By temperature, or by the driver's own margin where that is what says so."""
    is_by_temp = _TEMP >= LIMIT - limits.TEMP_WARNING_MARGIN_C - limits.TEMP_HYSTERESIS_C
    by_temp = (
        pl.when(SLOWDOWN.is_null())
        .then(pl.format("{} °C, limit {}", whole(_TEMP), whole(LIMIT)))
        .otherwise(pl.format("{} °C, slowdown at {}", whole(_TEMP), whole(LIMIT)))
    )
    return (
        pl.when(is_by_temp.fill_null(value=False))
        .then(by_temp)
        .otherwise(pl.format("{} °C to slowdown", whole(MARGIN)))
    )


def _memory_heat_words() -> pl.Expr:
    return pl.format("memory {} °C, at most {}", whole(pl.col("temp_memory_c")), whole(_MEMORY_MAX))


def _is_idle() -> pl.Expr:
    """Idle in every minute of the last quarter of an hour, and holding memory nevertheless: waste (all-smi)."""
    util = pl.col("trend_util_pct").list
    is_told = (util.len() > 0) & (util.drop_nulls().list.len() == util.len())
    holds = pl.col("memory_used_bytes") >= limits.IDLE_MEMORY_SHARE * pl.col("memory_total_bytes")
    return is_told & (util.max() < limits.IDLE_UTIL_PCT) & holds


def _idle_words() -> pl.Expr:
    return pl.format("idle, holds {} GiB", whole(pl.col("memory_used_bytes") / 2**30))
