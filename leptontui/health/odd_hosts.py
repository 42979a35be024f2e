"""Hosts whose GPUs are all hotter or slower than those of their peer hosts: one finding, not one for each GPU."""

from __future__ import annotations

from typing import Final

import polars as pl

from leptontui.health import thresholds as limits

ODD_SCHEMA: Final[dict[str, pl.DataType]] = {
    "host": pl.String(),
    "peer_z_temp": pl.Float32(),
    "peer_z_clock": pl.Float32(),
    "host_d_temp": pl.Float64(),
    "host_d_clock": pl.Float64(),
    "since_temp": pl.Float64(),
    "since_clock": pl.Float64(),
    "odd_host": pl.String(),
}
"""One row for each host with peers; `host_d_` is its difference where it is odd, in °C and MHz."""

_SIGN: Final = {"temp": 1, "clock": -1}


def odd_hosts(gpus: pl.DataFrame, now_unix_s: float, before: pl.DataFrame | None) -> pl.DataFrame:
    """Compare each host's median GPU with those of the hosts that do the same work.

    Args:
        gpus: as scored by `peers`: host, key_code, and `v_` of temp and clock.
        now_unix_s: our clock.
        before: what this returned some seconds ago; None takes what is seen at its word.
    """
    per_host = _per_host(gpus)
    told = pl.DataFrame(schema={"host": pl.String()})
    for metric in _SIGN:
        told = told.join(_compared(per_host, metric), on="host", how="full", coalesce=True)
    told = told.with_columns(_beyond(metric, sign).alias(f"is_{metric}") for metric, sign in _SIGN.items())
    if before is None:
        since = {metric: pl.lit(now_unix_s - limits.PEER_HOLD_S) for metric in _SIGN}
    else:
        known = before.select("host", *(pl.col(f"since_{metric}").alias(f"before_{metric}") for metric in _SIGN))
        told = told.join(known, on="host", how="left", maintain_order="left")
        since = {metric: pl.col(f"before_{metric}").fill_null(now_unix_s) for metric in _SIGN}
    told = told.with_columns(
        pl.when(f"is_{metric}").then(when).alias(f"since_{metric}") for metric, when in since.items()
    )
    told = told.rechunk()
    is_odd = {metric: now_unix_s - pl.col(f"since_{metric}") >= limits.PEER_HOLD_S for metric in _SIGN}
    return told.with_columns(
        *(pl.when(so).then(pl.col(f"d_{metric}")).alias(f"host_d_{metric}") for metric, so in is_odd.items()),
        pl.coalesce(
            pl.when(is_odd["clock"]).then(_clock_words()),
            pl.when(is_odd["temp"]).then(_heat_words()),
        ).alias("odd_host"),
        *(pl.col(f"z_{metric}").alias(f"peer_z_{metric}") for metric in _SIGN),
    ).select(pl.col(name).cast(dtype) for name, dtype in ODD_SCHEMA.items())


def _per_host(gpus: pl.DataFrame) -> pl.DataFrame:
    """Per set of peers and host: `own_` (median) and `count_` (how many GPUs) of each metric."""
    return gpus.group_by("key_code", "host").agg(
        *(pl.col(f"v_{metric}").median().alias(f"own_{metric}") for metric in _SIGN),
        *(pl.col(f"v_{metric}").count().alias(f"count_{metric}") for metric in _SIGN),
    )


def _compared(per_host: pl.DataFrame, metric: str) -> pl.DataFrame:
    """Per host `d_`, `z_`, `share_` (of the peers' median) and `hosts_` (how many), by its largest set of GPUs."""
    own, count = pl.col(f"own_{metric}"), pl.col(f"count_{metric}")
    least = {
        "temp": pl.lit(limits.ODD_HOST_LEAST_SIGMA_C),
        "clock": pl.col("middle") * limits.ODD_HOST_LEAST_SIGMA_SHARE,
    }
    rows = per_host.filter(count >= limits.ODD_HOST_GPUS)
    middle = rows.group_by("key_code").agg(own.median().alias("middle"), pl.len().alias("hosts"))
    rows = rows.join(middle.filter(pl.col("hosts") >= limits.STRAGGLER_PEERS), on="key_code", how="inner").with_columns(
        (own - pl.col("middle")).alias("d")
    )
    spread = rows.group_by("key_code").agg((pl.col("d").abs().median() * limits.MAD_TO_SIGMA).alias("spread"))
    return (
        rows.join(spread, on="key_code", how="left")
        .sort(f"count_{metric}", "key_code", descending=[True, False])
        .unique("host", keep="first", maintain_order=True)
        .select(
            "host",
            pl.col("d").alias(f"d_{metric}"),
            (pl.col("d") / pl.max_horizontal("spread", least[metric])).alias(f"z_{metric}"),
            (pl.col("d") / pl.col("middle")).alias(f"share_{metric}"),
            (pl.col("hosts") - 1).alias(f"hosts_{metric}"),
        )
        .sort("host")
    )


def _beyond(metric: str, sign: int) -> pl.Expr:
    least = {
        "temp": pl.col("d_temp") >= limits.ODD_HOST_LEAST_TEMP_C,
        "clock": pl.col("share_clock") <= -limits.ODD_HOST_LEAST_SHARE,
    }
    return ((pl.col(f"z_{metric}") * sign >= limits.ODD_HOST_Z) & least[metric]).fill_null(value=False)


def _heat_words() -> pl.Expr:
    return pl.format(
        "its GPUs are {} °C hotter than those of {} peers", pl.col("d_temp").round(0).cast(pl.Int64), "hosts_temp"
    )


def _clock_words() -> pl.Expr:
    because = (
        pl.when(pl.col("d_temp") >= limits.ODD_HOST_LEAST_TEMP_C / 2)
        .then(pl.format(", {} °C hotter", pl.col("d_temp").round(0).cast(pl.Int64)))
        .otherwise(pl.lit(""))
    )
    slower = (-100 * pl.col("share_clock")).round(0).cast(pl.Int64)
    return pl.format("its GPUs clock {} % below those of {} peers{}", slower, "hosts_clock", because)
