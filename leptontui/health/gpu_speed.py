"""Findings about a GPU that is slower than it could be: throttled, badly connected, short of power."""

from __future__ import annotations

import polars as pl

from leptontui.health import thresholds as limits
from leptontui.health.ranking import Finding
from leptontui.health.words import tenths, whole
from leptontui.model.health import Severity

_MINUTES = 10.0
GTS_OF = {1: 2.5, 2: 5.0, 3: 8.0, 4: 16.0, 5: 32.0, 6: 64.0}
"""PCI Express base specifications: transfers per lane and generation, in 10⁹ a second."""
LAST_MINUTE = pl.col("trend_util_pct").list.get(-2, null_on_oob=True)
"""Mean utilisation of the last full minute."""


def speed_faults() -> tuple[Finding, ...]:
    """Hardware throttling again and again (gpud), and a PCIe link that is not what it could be.

    The link's generation counts only under load: it drops when idle, and is read less often than the load.
    """
    critical = Severity.CRITICAL
    width, width_max, gen, gen_max = (pl.col(f"pcie_{name}") for name in ("width", "width_max", "gen", "gen_max"))
    is_busy = (pl.col("util_pct") >= limits.BUSY_UTIL_PCT) & (LAST_MINUTE >= limits.BUSY_UTIL_PCT)
    return (
        Finding(
            critical,
            pl.col("hw_throttled_minutes") >= limits.THROTTLED_MINUTES,
            pl.format("HW throttle in {} of 10 min", "hw_throttled_minutes"),
            "hw-throttle-often",
        ),
        Finding(
            critical, (width > 0) & (width < width_max), pl.format("PCIe ×{} of ×{}", width, width_max), "pcie-link"
        ),
        Finding(
            critical,
            (gen > 0) & (gen < gen_max) & is_busy,
            pl.format("PCIe generation {} of {}", gen, gen_max),
            "pcie-link",
        ),
    )


def speed_warnings() -> tuple[Finding, ...]:
    """What slows it down, most telling first.

    Hardware throttling at all, sustained slowing for heat by the driver (AzNHC), low clocks at the power limit, and
    more PCIe replays than the link's bit error rate allows (DCGM).
    """
    warning = Severity.WARNING
    is_often = (pl.col("hw_throttled_minutes") >= limits.THROTTLED_MINUTES).fill_null(value=False)
    was_throttled = (pl.col("hw_throttled_minutes") > 0) & hardware_throttle().is_null() & ~is_often
    clock, clock_max = pl.col("clock_sm_mhz"), pl.col("clock_sm_max_mhz")
    is_short = (
        (pl.col("power_w") >= limits.POWER_AT_LIMIT_SHARE * pl.col("power_limit_w"))
        & (pl.col("power_limit_w") > 0)
        & (clock < limits.LOW_CLOCK_SHARE * clock_max)
        & (pl.col("util_pct") >= limits.BUSY_UTIL_PCT)
    )
    replays = pl.col("pcie_replays_10min") / _MINUTES / pl.col("pcie_width")
    generation = pl.coalesce("pcie_gen", "pcie_gen_max")
    allowed = generation.replace_strict(
        {number: gts * limits.PCIE_REPLAYS_PER_GTS for number, gts in GTS_OF.items()},
        default=None,
        return_dtype=pl.Float64,
    )
    return (
        Finding(warning, hardware_throttle().is_not_null() & ~is_often, hardware_throttle(), "hw-throttle"),
        Finding(warning, was_throttled, pl.lit("HW throttle in the last 10 min"), "hw-throttle"),
        Finding(
            warning,
            pl.col("sw_thermal_minutes") >= limits.SW_THERMAL_MINUTES,
            pl.format("SW thermal throttle in {} of 10 min", "sw_thermal_minutes"),
            "sw-thermal",
        ),
        Finding(
            warning,
            is_short,
            pl.format("at the power limit, clock {} % of max", whole(100 * clock / clock_max)),
            "power-limit",
        ),
        Finding(
            warning,
            (replays > allowed) & (pl.col("pcie_width") > 0),
            pl.format("{} PCIe replays per lane and min", tenths(replays)),
            "pcie-replays",
        ),
    )


def hardware_throttle() -> pl.Expr:
    """What in the hardware slows the GPU down now, most telling bit first; null if nothing does."""
    reasons = pl.col("throttle_reasons").fill_null(0)
    return (
        pl.when(reasons & limits.THROTTLE_HW_THERMAL != 0)
        .then(pl.lit("HW thermal throttle"))
        .when(reasons & limits.THROTTLE_HW_POWER_BRAKE != 0)
        .then(pl.lit("HW power brake"))
        .when(reasons & limits.THROTTLE_HW_SLOWDOWN != 0)
        .then(pl.lit("HW slowdown"))
    )
