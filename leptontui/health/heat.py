"""How hot a GPU is, against its own thresholds, with hysteresis: what was hot stays so until it is 2 °C cooler."""

from __future__ import annotations

from typing import Final

import polars as pl

from leptontui.health import thresholds as limits

WARM: Final = 1
HOT: Final = 2

SCHEMA: Final[dict[str, pl.DataType]] = {"host": pl.String(), "uuid": pl.String(), "heat": pl.Int8()}
"""The columns of what `heat_of` returns."""
NEEDED: Final[dict[str, pl.DataType]] = {
    "host": pl.String(),
    "uuid": pl.String(),
    "state": pl.String(),
    "temp_c": pl.Float64(),
    "temp_slowdown_c": pl.Float64(),
    "temp_margin_c": pl.Float64(),
}
"""The columns of a GPU that are looked at; any may be missing."""

SLOWDOWN: Final = pl.when(pl.col("temp_slowdown_c") > 0).then(pl.col("temp_slowdown_c"))
LIMIT: Final = SLOWDOWN.fill_null(limits.TEMP_CRITICAL_C)
MARGIN: Final = pl.when(pl.col("temp_margin_c") > 0).then(pl.col("temp_margin_c"))
"""0 and less is unreliable on some H100 (gpud)."""


def heat_of(gpus: pl.DataFrame, before: pl.DataFrame | None = None) -> pl.DataFrame:
    """Which GPUs are warm (a warning) or hot (critical).

    Critical at the model's slowdown temperature (90 °C where it is not told, all-smi) or where the driver tells of 5 °C
    or less to slowdown (gpud); a warning 10 °C before slowdown; 2 °C hysteresis (all-smi).

    Args:
        gpus: latest values with the columns of `NEEDED`.
        before: what this returned for the values before.

    Returns:
        `SCHEMA`, only of GPUs that are warm or hot.
    """
    temp, margin = pl.col("temp_c"), MARGIN
    warm_at = LIMIT - limits.TEMP_WARNING_MARGIN_C
    slack = limits.TEMP_HYSTERESIS_C
    near = gpus.lazy().filter(
        (pl.col("state").fill_null("present") == "present")
        & ((temp >= warm_at - slack) | (margin <= limits.TEMP_WARNING_MARGIN_C + slack))
    )
    found = near.select(*NEEDED).collect()
    if not found.height:
        return pl.DataFrame(schema=SCHEMA)
    known = pl.DataFrame(schema=SCHEMA) if before is None else before
    found = found.join(known, on=["host", "uuid"], how="left", maintain_order="left").with_columns(
        pl.col("heat").fill_null(0)
    )
    for_hot = pl.when(pl.col("heat") >= HOT).then(slack).otherwise(0.0)
    for_warm = pl.when(pl.col("heat") >= WARM).then(slack).otherwise(0.0)
    is_hot = (for_hot + temp >= LIMIT).fill_null(value=False) | (
        margin <= limits.MARGIN_CRITICAL_C + for_hot
    ).fill_null(value=False)
    is_warm = (for_warm + temp >= warm_at).fill_null(value=False) | (
        margin <= limits.TEMP_WARNING_MARGIN_C + for_warm
    ).fill_null(value=False)
    heat = pl.when(is_hot).then(HOT).when(is_warm).then(WARM).otherwise(0).cast(pl.Int8)
    return found.with_columns(heat.alias("heat")).filter(pl.col("heat") > 0).select(*SCHEMA)
