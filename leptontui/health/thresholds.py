"""Thresholds with their sources, and the one that a series' forecast is measured against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from leptontui.model.series import Entity

TEMP_CRITICAL_C: Final = 90.0
"""all-smi; used where NVML does not tell the model's own slowdown temperature."""
TEMP_WARNING_MARGIN_C: Final = 10.0
"""gpud: margin to slowdown; 80 °C where the slowdown temperature is unknown (all-smi)."""

THROTTLE_HW_SLOWDOWN: Final = 0x8
THROTTLE_SW_THERMAL: Final = 0x20
THROTTLE_HW_THERMAL: Final = 0x40
THROTTLE_HW_POWER_BRAKE: Final = 0x80
"""nvml.h, nvmlClocksEventReason*. Idle (0x1) and the software power cap (0x4) are normal (AzNHC)."""

GPU_MEMORY_FULL_SHARE: Final = 0.97
"""Own choice: the next allocation of a working job fails. Only forecasts are measured against it: a framework that
caches holds nearly all memory all the time and is well."""

BUSY_UTIL_PCT: Final = 50.0
"""Own choice: a GPU below it is not compared with its peers, as its clock says nothing."""
STRAGGLER_Z: Final = -3.5
"""Iglewicz and Hoaglin (1993): modified z-scores beyond 3.5 are outliers."""
STRAGGLER_SHARE: Final = 0.92
"""Own choice: at least 8 % below the median, so that a tight group's noise is no finding."""
STRAGGLER_PEERS: Final = 4
"""Own choice: busy GPUs that are compared, itself included; fewer have no usable median."""
MAD_TO_SIGMA: Final = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""
LEAST_SIGMA_SHARE: Final = 0.02
"""Own choice: clocks of a group that are all the same still have a spread of 2 % of their median."""

MEMORY_WARNING_USED_SHARE: Final = 0.80
MEMORY_CRITICAL_AVAILABLE_SHARE: Final = 0.05
FILESYSTEM_WARNING_FREE_SHARE: Final = 0.10
FILESYSTEM_CRITICAL_FREE_SHARE: Final = 0.05
"""Usual defaults of node monitors (netdata, AzNHC)."""
PRESSURE_SOME_PCT: Final = 20.0
PRESSURE_FULL_PCT: Final = 10.0
"""netdata's defaults for 60-second means. The probe tells 10-second means, so stalled I/O (every checkpoint does that
for seconds) is a warning here and only stalled memory is critical."""
CLOCK_WARNING_S: Final = 1.0
CLOCK_CRITICAL_S: Final = 5.0
"""Own choice: beyond a second logs of two hosts cannot be put in order any more."""
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
