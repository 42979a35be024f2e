"""What can be wrong with a host, worst first."""

from __future__ import annotations

from typing import Final

import polars as pl

from leptontui.health import thresholds as limits
from leptontui.health.gpu_findings import event_voice
from leptontui.health.ranking import Finding, Voice
from leptontui.health.words import blind_words, tenths, whole
from leptontui.model.health import Severity
from leptontui.model.link import LinkState
from leptontui.model.signals import SIGNALS

_PRESSURES: Final = ("cpu_some", "memory_some", "memory_full", "io_some", "io_full")
_FLOATS: Final = (
    "cpu_util_pct",
    "cpu_count",
    "load1",
    "memory_total_bytes",
    "memory_used_bytes",
    "memory_available_bytes",
    *(f"pressure_{name}_pct" for name in _PRESSURES),
    *(f"pressure_{name}60_pct" for name in _PRESSURES),
    "tasks_total",
    "tasks_driver_blocked",
    "tasks_zombies",
    "pids_max",
    "fds_used",
    "fds_max",
    "clock_offset_s",
    "probe_cpu_pct",
)
_COUNTS: Final = ("gpu_count", "gpus_on_bus", "gpus_expected")
SCHEMA: Final[dict[str, pl.DataType]] = {
    "host": pl.String(),
    "link": pl.String(),
    "link_cause": pl.String(),
    "received_unix_s": pl.Float64(),
    "node_state": pl.String(),
    "odd_host": pl.String(),
    **{name: pl.Int64() for name in _COUNTS},
    **{name: pl.Float64() for name in _FLOATS},
}
"""The columns that are looked at; any may be missing."""

_IS_LIVE: Final = (pl.col("link") == LinkState.LIVE.value).fill_null(value=False)
_TOTAL: Final = pl.when(pl.col("memory_total_bytes") > 0).then(pl.col("memory_total_bytes"))
_FREE_SHARE: Final = pl.coalesce("memory_available_bytes", _TOTAL - pl.col("memory_used_bytes")) / _TOTAL
_IS_SHORT: Final = _FREE_SHARE < limits.MEMORY_CRITICAL_AVAILABLE_SHARE
_OFFSET: Final = pl.col("clock_offset_s")
_DOWN_STATES: Final = r"(?i)^(down|fail|error|unknown|not_responding|no_respond)|\*"
"""Slurm's node states, man sinfo: down and failing ones, and any with the asterisk of one that does not respond.
Drained is what somebody meant."""


GPUS_VERDICT: Final = Finding(
    Severity.WELL,
    _IS_LIVE & (pl.col("gpu_rank") > 0),
    pl.col("gpu_reason"),
    voice=Voice(pl.col("gpu_rank"), pl.col("gpu_source"), pl.col("gpu_reason"), pl.col("gpu_lines")),
)
"""The verdict on its worst GPU is heard for the host's, too."""


def host_findings(now_unix_s: float) -> tuple[Finding, ...]:
    """The findings about a host, worst first; thresholds and their sources are in `thresholds`.

    They ask for the columns of `SCHEMA` and, joined by the caller: gpu_severity, gpu, gpu_more, event_severity, event,
    event_more, filesystem_severity, filesystem, filesystem_more, part_severity, part, part_more, memory_eta,
    memory_threshold, filesystem_eta, oom_kills_10min, gpus_gone, has_oom_event, is_hung, is_silent, and of its GPUs'
    verdicts gpu_rank, gpu_source, gpu_reason, gpu_lines. About a host that is not live only that is said. A host
    without GPUs is well unless it should have some.
    """
    predicted = Severity.PREDICTED
    is_over = (pl.col("memory_used_bytes") >= pl.col("memory_threshold")).fill_null(value=False)
    return (
        Finding(Severity.UNKNOWN, ~_IS_LIVE, blind_words(now_unix_s)),
        *_critical(),
        _joined("gpu", predicted),
        Finding(predicted, _IS_LIVE & pl.col("memory_eta").is_not_null() & ~is_over, pl.col("memory_eta"), "forecast"),
        Finding(predicted, _IS_LIVE & pl.col("filesystem_eta").is_not_null(), pl.col("filesystem_eta"), "forecast"),
        *_warnings(),
        GPUS_VERDICT,
    )


def _critical() -> tuple[Finding, ...]:
    critical = Severity.CRITICAL
    return (
        _joined("gpu", critical),
        _joined("event", critical),
        _gpu_count("gpus_expected", "expected"),
        _gpu_count("gpus_on_bus", "on the bus"),
        Finding(critical, _IS_LIVE & _IS_SHORT, pl.format("memory {} % free", whole(_FREE_SHARE * 100)), "memory"),
        _oom_kills(),
        _joined("filesystem", critical),
        _joined("part", critical),
        _pressure(critical, "memory_full", "stalled on memory"),
        _stalled_on_io(critical),
        *_used_up(critical),
        _clock(critical),
        _cpu(critical),
    )


def _warnings() -> tuple[Finding, ...]:
    warning = Severity.WARNING
    is_tight = (1 - _FREE_SHARE >= limits.MEMORY_WARNING_USED_SHARE) & ~_IS_SHORT
    is_slow = pl.col("is_silent") & ~pl.col("is_hung").fill_null(value=False) & (pl.col("gpu_count") > 0)
    blocked, probe = pl.col("tasks_driver_blocked"), pl.col("probe_cpu_pct")
    is_down = pl.col("node_state").str.contains(_DOWN_STATES)
    return (
        _joined("gpu", warning),
        _joined("event", warning),
        Finding(warning, _IS_LIVE & is_slow, pl.lit("GPU driver is slow to answer"), "driver-slow"),
        Finding(warning, _IS_LIVE & is_down, pl.format("scheduler says {}", "node_state"), "scheduler-state"),
        Finding(
            warning,
            _IS_LIVE & (blocked > 0),
            pl.format("{} driver processes in state D", whole(blocked)),
            "driver-slow",
        ),
        Finding(warning, _IS_LIVE & is_tight, pl.format("memory {} % used", whole((1 - _FREE_SHARE) * 100)), "memory"),
        Finding(warning, _IS_LIVE & pl.col("odd_host").is_not_null(), pl.col("odd_host"), "odd-host"),
        _joined("filesystem", warning),
        _joined("part", warning),
        _stalled_on_io(warning),
        _pressure(warning, "memory_some", "waits for memory"),
        _pressure(warning, "io_some", "waits for I/O"),
        _pressure(warning, "cpu_some", "waits for CPU"),
        *_used_up(warning),
        _clock(warning),
        _cpu(warning),
        Finding(
            warning,
            _IS_LIVE & (probe > limits.PROBE_CPU_PCT),
            pl.format("probe takes {} % of a core", whole(probe)),
            "probe",
        ),
    )


def _joined(what: str, severity: Severity) -> Finding:
    is_so = _IS_LIVE & (pl.col(f"{what}_severity") == int(severity))
    voice = event_voice() if what == "event" else None
    signal = what if what in SIGNALS else ""
    return Finding(severity, is_so, pl.col(what), signal, pl.col(f"{what}_more"), voice)


def _gpu_count(column: str, where: str) -> Finding:
    """GPUs that NVML lists against what should be there (gpud); those that are told to be gone are not told twice.

    That fewer are seen on the bus says nothing: a container hides them, a driver does not make them up.
    """
    count = pl.col("gpu_count")
    is_told = count + pl.col("gpus_gone").fill_null(0) == pl.col(column)
    is_known = ~pl.col("is_hung").fill_null(value=False) & ~pl.col("is_silent").fill_null(value=False)
    is_other = _IS_LIVE & is_known & (count != pl.col(column)) & ~is_told
    if column != "gpus_expected":
        is_other &= count < pl.col(column)
        is_other &= (pl.col("gpus_expected") != pl.col(column)).fill_null(value=True)
    return Finding(Severity.CRITICAL, is_other, pl.format("{} GPUs, {} {}", count, column, pl.lit(where)), "gpu-count")


def _oom_kills() -> Finding:
    """By the kernel's own count, where its log cannot be read."""
    kills = pl.col("oom_kills_10min")
    is_so = _IS_LIVE & (kills > 0) & ~pl.col("has_oom_event").fill_null(value=False)
    return Finding(Severity.CRITICAL, is_so, pl.format("{} OOM kills in 10 min", whole(kills)), "oom-kill")


def _stalled_on_io(severity: Severity) -> Finding:
    """Critical by the mean of a minute; a checkpoint stalls everything for ten seconds, too."""
    minute, ten = pl.col("pressure_io_full60_pct"), pl.col("pressure_io_full_pct")
    value = minute if severity is Severity.CRITICAL else pl.when(minute.is_null()).then(ten)
    is_so = _IS_LIVE & (value > limits.PRESSURE_FULL_PCT)
    return Finding(severity, is_so, pl.format("stalled on I/O {} % of the time", whole(value)), "pressure")


def _pressure(severity: Severity, name: str, words: str) -> Finding:
    """Pressure stall information, means of a minute if they are told; of a resource only the worse is told."""
    value = _mean_of(name)
    is_so = value > (limits.PRESSURE_FULL_PCT if name.endswith("full") else limits.PRESSURE_SOME_PCT)
    full = name.replace("_some", "_full")
    if full != name and full in _PRESSURES:
        is_so &= ~(_mean_of(full) > limits.PRESSURE_FULL_PCT).fill_null(value=False)
    return Finding(
        severity, _IS_LIVE & is_so, pl.format("{} {} % of the time", pl.lit(words), whole(value)), "pressure"
    )


def _mean_of(name: str) -> pl.Expr:
    return pl.coalesce(f"pressure_{name}60_pct", f"pressure_{name}_pct")


def _used_up(severity: Severity) -> tuple[Finding, ...]:
    """File handles, PIDs and zombies."""
    is_critical = severity is Severity.CRITICAL
    share = limits.USED_UP_CRITICAL_SHARE if is_critical else limits.USED_UP_WARNING_SHARE
    zombies = limits.ZOMBIES_CRITICAL if is_critical else limits.ZOMBIES_WARNING

    def between(value: pl.Expr, low: float, high: float) -> pl.Expr:
        return _IS_LIVE & (value >= low) & ~((value >= high) & pl.lit(not is_critical))

    found = [
        Finding(
            severity,
            between(pl.col(used) / pl.col(most), share, limits.USED_UP_CRITICAL_SHARE) & (pl.col(most) > 0),
            pl.format("{} % of {} used", whole(100 * pl.col(used) / pl.col(most)), pl.lit(words)),
            "used-up",
        )
        for used, most, words in (("fds_used", "fds_max", "file handles"), ("tasks_total", "pids_max", "PIDs"))
    ]
    count = pl.col("tasks_zombies")
    is_so = between(count, zombies, limits.ZOMBIES_CRITICAL)
    return (*found, Finding(severity, is_so, pl.format("{} zombies", whole(count)), "used-up"))


def _clock(severity: Severity) -> Finding:
    off = _OFFSET.abs()
    is_critical = off >= limits.CLOCK_CRITICAL_S
    is_so = is_critical if severity is Severity.CRITICAL else (off >= limits.CLOCK_WARNING_S) & ~is_critical
    ahead = pl.when(_OFFSET > 0).then(pl.lit("ahead")).otherwise(pl.lit("behind"))
    return Finding(severity, _IS_LIVE & is_so, pl.format("clock {} s {}", tenths(off), ahead), "clock")


def _cpu(severity: Severity) -> Finding:
    """Busy, and for a minute: the load of the last one has to say the same."""
    util = pl.col("cpu_util_pct")
    load_pct = 100 * pl.col("load1") / pl.col("cpu_count")

    def above(limit: float) -> pl.Expr:
        return (util >= limit) & (load_pct >= limit).fill_null(value=True)

    is_so = above(limits.CPU_CRITICAL_PCT)
    if severity is Severity.WARNING:
        is_so = above(limits.CPU_WARNING_PCT) & ~is_so
    return Finding(severity, _IS_LIVE & is_so, pl.format("CPU {} % busy", whole(util)), "cpu")
