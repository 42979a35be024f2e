"""Stragglers: busy GPUs that are slower than the others of the same job."""

from __future__ import annotations

from typing import Final

import polars as pl

from leptontui.health import thresholds as limits

_MEASURES: Final = (("clock_sm_mhz", "clock"), ("power_w", "power"), ("util_pct", "util"))
"""What tells a slow GPU, best first: waiting for the slow one keeps all others at full utilisation, so the clock tells
most and utilisation least. A later one is used only for GPUs that do not tell the earlier."""


def stragglers(gpus: pl.DataFrame, row: str) -> pl.DataFrame:
    """Find the GPUs that hold their job back.

    Peers are the busy GPUs of one job and model; without a job those of one group and model that have no job either.
    The robust z-score is (x − median) / (1.4826 · MAD), Iglewicz and Hoaglin 1993, against the peers' own median.

    Args:
        gpus: live, present GPUs; columns `row`, group, name, job, util_pct, clock_sm_mhz, power_w.
        row: name of the column that identifies a row.

    Returns:
        Columns `row` and `straggler: str`, e.g. "straggler −4.2σ clock"; only stragglers.
    """
    has_job = pl.col("job").fill_null("") != ""
    busy = (
        gpus.lazy()
        .filter(pl.col("util_pct") >= limits.BUSY_UTIL_PCT)
        .with_columns(
            pl.when(has_job).then(pl.lit("")).otherwise(pl.col("group")).alias("group"),
            pl.col("job").fill_null(""),
        )
    )
    found = []
    for measure, words in _MEASURES:
        told = busy.filter(pl.col(measure) > 0)
        found.append(_slow(told, row, measure, words))
        busy = busy.filter(pl.col(measure).is_null())
        if not gpus[measure].null_count():
            break
    return pl.concat(found).collect()


def _slow(gpus: pl.LazyFrame, row: str, measure: str, words: str) -> pl.LazyFrame:
    peers = ("job", "group", "name")
    value, median = pl.col("__value"), pl.col("__median")
    is_low = value <= median * limits.STRAGGLER_SHARE
    told = gpus.select(row, *peers, pl.col(measure).cast(pl.Float64).alias("__value"))
    groups = told.group_by(peers).agg(
        value.median().alias("__median"), pl.len().alias("__peers"), value.min().alias("__min")
    )
    # The spread costs most and is needed only where somebody is low at all, which is rare.
    suspect = groups.filter(
        (pl.col("__peers") >= limits.STRAGGLER_PEERS) & (pl.col("__min") <= median * limits.STRAGGLER_SHARE)
    )
    spread = ((value - median).abs().median().over(peers) * limits.MAD_TO_SIGMA).clip(
        lower_bound=median * limits.LEAST_SIGMA_SHARE
    )
    return (
        told.join(suspect, on=peers, how="inner", nulls_equal=True)
        .with_columns(((value - median) / spread).alias("__z"))
        .filter((pl.col("__z") <= limits.STRAGGLER_Z) & is_low)
        .select(row, pl.format("straggler −{}σ {}", pl.col("__z").abs().round(1), pl.lit(words)).alias("straggler"))
    )
