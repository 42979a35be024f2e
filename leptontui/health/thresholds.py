"""Thresholds with their sources, and the one that a series' forecast is measured against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leptontui.model.series import Entity

TEMP_CRITICAL_C: Final = 90.0
"""all-smi; used where NVML does not tell the model's own slowdown temperature."""
TEMP_WARNING_MARGIN_C: Final = 10.0
"""gpud: margin to slowdown; 80 °C where the slowdown temperature is unknown (all-smi)."""
MARGIN_CRITICAL_C: Final = 5.0
"""gpud, of the margin that the driver tells itself. 0 and less is unreliable on some H100, and is not looked at."""
TEMP_HYSTERESIS_C: Final = 2.0
"""all-smi: a GPU that was too hot is well again only so much below the threshold."""

THROTTLE_HW_SLOWDOWN: Final = 0x8
THROTTLE_HW_THERMAL: Final = 0x40
THROTTLE_HW_POWER_BRAKE: Final = 0x80
THROTTLE_SW_THERMAL: Final = 0x20
"""nvml.h, nvmlClocksEventReason*. Idle (0x1) and the software power cap (0x4) are normal (AzNHC)."""
THROTTLED_MINUTES: Final = 6
"""gpud: hardware throttling 0.6 times a minute over ten minutes, which looks once a minute."""
SW_THERMAL_MINUTES: Final = 3
"""Own choice for what AzNHC calls sustained: the driver slowed the GPU for heat in so many of the last ten minutes."""
POWER_AT_LIMIT_SHARE: Final = 0.98
LOW_CLOCK_SHARE: Final = 0.6
"""Own choice: a GPU at its power limit that has to clock below 60 % of its maximum under load gets too little power."""

ECC_CORRECTED_DRAM: Final = 20_000_000
ECC_CORRECTED_SRAM: Final = 10_000
"""AzNHC: corrected errors since the driver was loaded."""
ECC_CORRECTED_10MIN: Final = 100
"""Own choice of a rate that rises: corrected errors in ten minutes."""
REMAPPED_ROWS: Final = 512
"""gpud and NVIDIA's RMA guide: no GPU has more spare rows."""
RETIRED_DOUBLE_BIT: Final = 15
RETIRED_PAGES: Final = 63
"""DCGM, before Ampere: pages retired for double-bit errors, and the most that can be retired."""
PCIE_REPLAYS_PER_GTS: Final = 0.06
"""DCGM: replays per lane and minute that a bit error rate of 1e-12 allows: 0.48 at 8 GT/s (generation 3), 0.96 and 1.92
at generations 4 and 5."""
NVLINK_CRC_PER_S: Final = 100.0
"""DCGM, NVLink CRC flit errors per second."""

IDLE_UTIL_PCT: Final = 5.0
"""all-smi: less in every minute of a quarter of an hour is idle."""
IDLE_MEMORY_SHARE: Final = 0.05
"""Own choice: what the driver itself holds is less."""

GPU_MEMORY_FULL_SHARE: Final = 0.97
"""Own choice: the next allocation of a working job fails. Only forecasts are measured against it: a framework that
caches holds nearly all memory all the time and is well."""

BUSY_UTIL_PCT: Final = 50.0
"""Own choice: a GPU below it is not compared with its peers, as its clock says nothing."""
STRAGGLER_PEERS: Final = 4
"""Own choice: GPUs, or hosts, that are compared, itself included; fewer have no usable median."""
MAD_TO_SIGMA: Final = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""
PEER_Z: Final[Mapping[str, float]] = {
    "clock": 3.5,
    "power": 4.0,
    "temp": 4.0,
    "util": 4.0,
    "memory": 4.0,
    "pcie": 3.5,
}
"""Iglewicz and Hoaglin (1993): modified z-scores beyond 3.5 are outliers; a little more for what differs by itself."""
PEER_LEAST_SIGMA_SHARE: Final[Mapping[str, float]] = {"clock": 0.02, "power": 0.05, "pcie": 0.1}
PEER_LEAST_SIGMA: Final[Mapping[str, float]] = {"temp": 3.0, "util": 5.0, "memory": 1.0}
"""Own choice: peers that are all the same still have this spread, in shares of their median, or °C, points and GiB."""
PEER_LEAST_SHARE: Final[Mapping[str, float]] = {"clock": 0.08, "power": 0.3, "pcie": 0.25}
PEER_LEAST_TEMP_C: Final = 10.0
PEER_LEAST_UTIL_PCT: Final = 30.0
PEER_LEAST_MEMORY_SHARE: Final = 0.1
"""Own choice: so far from the median at least, so that a tight group's noise is no finding; memory as share of all."""
PEER_POOL_CARE: Final = 1.5
"""Own choice: by so much more differ GPUs of one group that do not work on one job."""
PEER_HOLD_S: Final = 10.0
"""Own choice: an outlier has been one for so long: three comparisons, five seconds apart."""
POWER_LIMIT_SHARE: Final = 0.95
"""Own choice: a power limit so much below the peers' explains a low clock."""
ODD_HOST_GPUS: Final = 2
"""Own choice: GPUs of a host that make a median."""
ODD_HOST_Z: Final = 4.0
ODD_HOST_LEAST_SIGMA_C: Final = 2.0
ODD_HOST_LEAST_SIGMA_SHARE: Final = 0.01
ODD_HOST_LEAST_TEMP_C: Final = 8.0
ODD_HOST_LEAST_SHARE: Final = 0.06
"""Own choice: medians of several GPUs vary less than one, so less is enough to be odd: 8 °C, or 6 % of the clock."""

MEMORY_WARNING_USED_SHARE: Final = 0.80
MEMORY_CRITICAL_AVAILABLE_SHARE: Final = 0.05
FILESYSTEM_WARNING_FREE_SHARE: Final = 0.10
FILESYSTEM_CRITICAL_FREE_SHARE: Final = 0.05
"""Usual defaults of node monitors (netdata, AzNHC)."""
PRESSURE_SOME_PCT: Final = 20.0
PRESSURE_FULL_PCT: Final = 10.0
"""netdata's defaults for 60-second means. Where only 10-second means are told stalled I/O is a warning, as every
checkpoint does that for seconds."""
CLOCK_WARNING_S: Final = 1.0
CLOCK_CRITICAL_S: Final = 5.0
"""Own choice: beyond a second logs of two hosts cannot be put in order any more."""
CPU_WARNING_PCT: Final = 75.0
CPU_CRITICAL_PCT: Final = 85.0
"""netdata. The load of the last minute has to be as high for the number of cores: a spike of a second is none."""
USED_UP_WARNING_SHARE: Final = 0.80
USED_UP_CRITICAL_SHARE: Final = 0.95
"""File handles and PIDs (node_exporter's alerts, AzNHC)."""
ZOMBIES_WARNING: Final = 1_000
ZOMBIES_CRITICAL: Final = 2_000
"""AzNHC."""
DISK_BUSY_PCT: Final = 90.0
"""netdata."""
NIC_ERRORS_10MIN: Final = 10
"""Own choice of errors that rise: in ten minutes."""
FLAPS_CRITICAL: Final = 3
"""gpud: an InfiniBand port that went down so often; here in ten minutes."""
PROBE_CPU_PCT: Final = 20.0
"""Own choice: percent of one core; the probe has lost its way if it needs more."""

EVENT_AGE_S: Final = 3600.0
"""Own choice: an event is a finding for an hour."""


def threshold_for(metric: str, values: Mapping[str, object], entity: Entity | None = None) -> float | None:
    """The threshold that a series' forecast is measured against and a chart shows as a line.

    Args:
        metric: the series' metric.
        values: latest values of the entity's row; missing or None where unknown.
        entity: whose metric; None takes a row with `memory_available_bytes` for a host's.

    Returns:
        In the metric's unit: the slowdown temperature (else 90 °C) for `temp_c`; 97 % of a GPU's memory, 95 % of a
        host's; 95 % of a filesystem. None for a metric without threshold or where the capacity is unknown.
    """
    match metric:
        case "temp_c":
            return _positive(values.get("temp_slowdown_c")) or TEMP_CRITICAL_C
        case "memory_used_bytes":
            is_host = entity is Entity.HOST or (entity is None and "memory_available_bytes" in values)
            share = 1 - MEMORY_CRITICAL_AVAILABLE_SHARE if is_host else GPU_MEMORY_FULL_SHARE
            return _share(values.get("memory_total_bytes"), share)
        case "used_bytes":
            return _share(values.get("total_bytes"), 1 - FILESYSTEM_CRITICAL_FREE_SHARE)
        case _:
            return None


def _share(total: object, share: float) -> float | None:
    known = _positive(total)
    return None if known is None else known * share


def _positive(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None
