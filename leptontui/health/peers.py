"""Peers: each GPU against the others of its job, else of its group and model, by robust z-score.

The robust z-score is (x − median) / (1.4826 · MAD), Iglewicz and Hoaglin 1993, with a least spread for each metric so
that peers which are all the same do not make an outlier of noise. Peers are the GPUs of one job and model; where a job
has too few, or there is none, those of one group and model outside of larger jobs, which are compared more carefully:
different work differs by itself. Clock and power are compared within a job, and among those that have none: two jobs
may well run at two clocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from leptontui.health import thresholds as limits
from leptontui.health.gpu_speed import GTS_OF, LAST_MINUTE
from leptontui.health.odd_hosts import ODD_SCHEMA, odd_hosts
from leptontui.health.peer_words import peer_words
from leptontui.health.ranking import with_columns_of

METRICS: Final = ("clock", "power", "temp", "util", "memory", "pcie")

SCHEMA: Final[dict[str, pl.DataType]] = {
    "host": pl.String(),
    "uuid": pl.String(),
    **{f"peer_z_{metric}": pl.Float32() for metric in METRICS},
    "peer_count": pl.UInt32(),
    "straggler": pl.String(),
    "outlier": pl.String(),
}
"""The columns of what is published about GPUs; one row for each that has peers."""

NEEDED: Final[dict[str, pl.DataType]] = {
    "host": pl.String(),
    "uuid": pl.String(),
    "index": pl.Int64(),
    "group": pl.String(),
    "name": pl.String(),
    "job": pl.String(),
    "user": pl.String(),
    "util_pct": pl.Float64(),
    "trend_util_pct": pl.List(pl.Float32()),
    "clock_sm_mhz": pl.Float64(),
    "power_w": pl.Float64(),
    "power_limit_w": pl.Float64(),
    "temp_c": pl.Float64(),
    "memory_used_bytes": pl.Float64(),
    "memory_total_bytes": pl.Float64(),
    "pcie_gen": pl.Int64(),
    "pcie_width": pl.Int64(),
    "pcie_width_max": pl.Int64(),
    "throttle_reasons": pl.Int64(),
    "ecc_uncorrected": pl.Int64(),
    "is_remap_pending": pl.Boolean(),
    "nvlinks_inactive": pl.Int64(),
}
"""The columns of a GPU that are looked at; any may be missing."""


@dataclass(frozen=True, slots=True)
class PeerView:
    """What came of comparing.

    Attributes:
        gpus: `SCHEMA`.
        hosts: `odd_hosts.ODD_SCHEMA`.
        standing: smoothed scores and since when they have been beyond their limits, for the next comparison.
    """

    gpus: pl.DataFrame
    hosts: pl.DataFrame
    standing: pl.DataFrame


def compared(gpus: pl.DataFrame, now_unix_s: float = 0.0, before: PeerView | None = None) -> PeerView:
    """Compare GPUs with their peers.

    Args:
        gpus: live, present GPUs without MIG instances, with the columns of `NEEDED` as far as they are known.
        now_unix_s: our clock.
        before: what this returned some seconds ago. With it scores are smoothed, and something is an outlier only when
            it has been one for `PEER_HOLD_S`; without it what is seen is taken at its word.
    """
    rows = _scored(_placed(_measured(with_columns_of(gpus, NEEDED))))
    odd = odd_hosts(rows, now_unix_s, None if before is None else before.hosts)
    rows = _stood(_flagged(rows, odd), now_unix_s, before)
    words = peer_words(rows)
    told = rows.select(
        "host",
        "uuid",
        *(pl.col(f"z_{metric}").cast(pl.Float32).alias(f"peer_z_{metric}") for metric in METRICS),
        (pl.col("peers") - 1).cast(pl.UInt32).alias("peer_count"),
    )
    told = told.join(words, on=["host", "uuid"], how="left", maintain_order="left")
    return PeerView(told.select(*SCHEMA), odd.select(*ODD_SCHEMA), rows.select(*_STANDING))


_STANDING: Final = (
    "host",
    "uuid",
    "key",
    *(f"z_{metric}" for metric in METRICS),
    *(f"since_{metric}" for metric in METRICS),
)


def _measured(gpus: pl.DataFrame) -> pl.DataFrame:
    """With a column for each metric, null where it says nothing: of an idle GPU the clock, power and heat."""
    is_busy = (pl.col("util_pct") >= limits.BUSY_UTIL_PCT).fill_null(value=False)
    was_busy = (LAST_MINUTE >= limits.BUSY_UTIL_PCT).fill_null(value=False)
    rate = pl.col("pcie_width") * pl.col("pcie_gen").replace_strict(GTS_OF, default=None, return_dtype=pl.Float64)
    values = {
        "clock": pl.when(is_busy & (pl.col("clock_sm_mhz") > 0)).then(pl.col("clock_sm_mhz")),
        "power": pl.when(is_busy & (pl.col("power_w") > 0)).then(pl.col("power_w")),
        "temp": pl.when(is_busy & (pl.col("temp_c") > 0)).then(pl.col("temp_c")),
        # Low now and over the last minute: everybody waits for data now and then.
        "util": pl.when(LAST_MINUTE.is_not_null()).then(pl.max_horizontal("util_pct", LAST_MINUTE)),
        "memory": pl.col("memory_used_bytes") / 2**30,
        "pcie": pl.when(is_busy & was_busy & (rate > 0)).then(rate),
    }
    return gpus.with_columns(value.cast(pl.Float64).alias(f"v_{metric}") for metric, value in values.items())


def _placed(gpus: pl.DataFrame) -> pl.DataFrame:
    """With `key`, a text that peers have in common, and `is_job`: the peers are those of a job."""
    job = pl.col("job").fill_null("")
    size = pl.len().over("__job", "name")
    is_job = (pl.col("__job") != "") & (size >= limits.STRAGGLER_PEERS)
    model = pl.col("name").fill_null("")
    return (
        gpus.with_columns(job.alias("__job"))
        .with_columns(is_job.alias("is_job"))
        .with_columns(
            pl.when("is_job")
            .then(pl.concat_str(pl.lit("j"), "__job", model, separator="\0"))
            .otherwise(pl.concat_str(pl.lit("g"), pl.col("group").fill_null(""), model, separator="\0"))
            .alias("key"),
            # Without a job in common nothing says that GPUs should be equally busy, or hold as much.
            *(pl.when("is_job").then(pl.col(f"v_{metric}")).alias(f"v_{metric}") for metric in ("util", "memory")),
            *(
                pl.when(pl.col("is_job") | (pl.col("__job") == "")).then(pl.col(f"v_{metric}")).alias(f"v_{metric}")
                for metric in ("clock", "power")
            ),
        )
    )


def _scored(gpus: pl.DataFrame) -> pl.DataFrame:
    """With `m_`, `d_` and `z_` of each metric (median, difference, z-score), and `peers`: how many are compared."""
    values = [f"v_{metric}" for metric in METRICS]
    key = gpus["key"].rank("dense").alias("key_code")
    rows = gpus.with_columns(key)
    middle = rows.group_by("key_code").agg(
        *(pl.col(value).median().alias(f"m_{metric}") for value, metric in zip(values, METRICS, strict=True)),
        *(pl.col(value).count().alias(f"n_{metric}") for value, metric in zip(values, METRICS, strict=True)),
    )
    rows = rows.join(middle, on="key_code", how="left", maintain_order="left").with_columns(
        pl.when(pl.col(f"n_{metric}") >= limits.STRAGGLER_PEERS)
        .then(pl.col(f"v_{metric}") - pl.col(f"m_{metric}"))
        .alias(f"d_{metric}")
        for metric in METRICS
    )
    spread = rows.group_by("key_code").agg(
        (pl.col(f"d_{metric}").abs().median() * limits.MAD_TO_SIGMA).alias(f"s_{metric}") for metric in METRICS
    )
    rows = rows.join(spread, on="key_code", how="left", maintain_order="left")
    return rows.with_columns(
        *(
            (pl.col(f"d_{metric}") / pl.max_horizontal(f"s_{metric}", _least_sigma(metric))).alias(f"z_{metric}")
            for metric in METRICS
        ),
        pl.max_horizontal(
            pl.when(pl.col(f"d_{metric}").is_not_null()).then(pl.col(f"n_{metric}")) for metric in METRICS
        ).alias("peers"),
    )


def _least_sigma(metric: str) -> pl.Expr:
    fixed = limits.PEER_LEAST_SIGMA.get(metric)
    return pl.lit(fixed) if fixed is not None else pl.col(f"m_{metric}") * limits.PEER_LEAST_SIGMA_SHARE[metric]


def _flagged(rows: pl.DataFrame, odd: pl.DataFrame) -> pl.DataFrame:
    """With `is_` of each metric: beyond both the z-score's and the difference's limits, apart from its whole host."""
    rows = rows.join(odd.select("host", "host_d_temp", "host_d_clock"), on="host", how="left", maintain_order="left")
    care = pl.when("is_job").then(1.0).otherwise(limits.PEER_POOL_CARE)

    def beyond(metric: str, sign: int, least: pl.Expr) -> pl.Expr:
        # A host that is odd as a whole is one finding, not eight.
        host = pl.col(f"host_d_{metric}").fill_null(0.0) if metric in {"temp", "clock"} else pl.lit(0.0)
        apart = (pl.col(f"d_{metric}") - host) * sign
        return (pl.col(f"z_{metric}") * sign >= limits.PEER_Z[metric] * care) & (apart >= least * care)

    share = {metric: pl.col(f"m_{metric}") * limits.PEER_LEAST_SHARE[metric] for metric in limits.PEER_LEAST_SHARE}
    total = pl.col("memory_total_bytes") / 2**30
    least_memory = pl.max_horizontal(total * limits.PEER_LEAST_MEMORY_SHARE, pl.lit(1.0))
    is_worked = pl.col("m_util") >= limits.BUSY_UTIL_PCT
    found = {
        "clock": beyond("clock", -1, share["clock"]),
        "power": beyond("power", -1, share["power"]) | beyond("power", 1, share["power"]),
        "temp": beyond("temp", 1, pl.lit(limits.PEER_LEAST_TEMP_C)),
        "util": beyond("util", -1, pl.lit(limits.PEER_LEAST_UTIL_PCT)) & is_worked,
        "memory": beyond("memory", 1, least_memory),
        "pcie": beyond("pcie", -1, share["pcie"]),
    }
    return rows.with_columns(flag.fill_null(value=False).alias(f"is_{metric}") for metric, flag in found.items())


def _stood(rows: pl.DataFrame, now_unix_s: float, before: PeerView | None) -> pl.DataFrame:
    """Smooth scores; and of what is beyond its limits keep what has been for a while."""
    if before is None:
        return rows.with_columns(
            pl.when(f"is_{metric}").then(pl.lit(now_unix_s - limits.PEER_HOLD_S)).alias(f"since_{metric}")
            for metric in METRICS
        )
    known = before.standing.rename({name: f"{name}_before" for name in _STANDING[2:]})
    rows = rows.join(known, on=["host", "uuid"], how="left", maintain_order="left")
    is_same = (pl.col("key") == pl.col("key_before")).fill_null(value=False)
    rows = rows.with_columns(
        *(
            pl.when(is_same & pl.col(f"z_{metric}_before").is_not_null())
            .then((pl.col(f"z_{metric}") + pl.col(f"z_{metric}_before")) / 2)
            .otherwise(pl.col(f"z_{metric}"))
            .alias(f"z_{metric}")
            for metric in METRICS
        ),
        *(
            pl.when(f"is_{metric}")
            .then(pl.when(is_same).then(pl.col(f"since_{metric}_before")).fill_null(now_unix_s))
            .alias(f"since_{metric}")
            for metric in METRICS
        ),
    )
    return rows.with_columns(
        (pl.col(f"is_{metric}") & (now_unix_s - pl.col(f"since_{metric}") >= limits.PEER_HOLD_S))
        .fill_null(value=False)
        .alias(f"is_{metric}")
        for metric in METRICS
    )
