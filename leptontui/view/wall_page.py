"""From a snapshot to the wallboard's page: counts, the worst ten, one sign per GPU, and where we are blind."""

from __future__ import annotations

from collections import Counter

import polars as pl

from leptontui.model.health import Severity
from leptontui.model.link import LinkState
from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot
from leptontui.view.wall_rows import Blindness, WallHost, WallLine, WallPage
from leptontui.view.wall_troubles import wall_troubles
from leptontui.view.work import whole

WORST = 10
_GRAVITY = {LinkState.LOST: 0, LinkState.REFUSED: 1, LinkState.STALE: 2}
_SIGNS = {
    int(Severity.CRITICAL): "C",
    int(Severity.PREDICTED): "P",
    int(Severity.WARNING): "W",
    int(Severity.UNKNOWN): "U",
}


def wall_page(snapshot: FleetSnapshot) -> WallPage:
    """What the wallboard shows of a snapshot."""
    gpus = snapshot.frames.gpus
    ill = _ill(snapshot)
    counts = Counter(ill["severity"].to_list())
    troubles, total, hosts = wall_troubles(snapshot)
    untold = ill.filter(pl.col("host").is_in(list(hosts)).not_()) if hosts else ill
    is_live = (pl.col("link") == LinkState.LIVE.value) & pl.col("state").is_in(["gone", "unknown"]).not_()
    return WallPage(
        fleet=plain(snapshot.fleet, 60),
        t_unix_s=snapshot.t_unix_s,
        newest_age_s=snapshot.newest_age_s,
        dropped_sweeps=snapshot.dropped_sweeps,
        critical=counts[int(Severity.CRITICAL)],
        predicted=counts[int(Severity.PREDICTED)],
        warning=counts[int(Severity.WARNING)],
        gpus_live=gpus.filter(is_live.fill_null(value=False) & whole(gpus)).height,
        gpus_total=gpus.filter(whole(gpus)).height,
        hosts_total=snapshot.link_counts.total,
        worst=_worst(untold),
        hosts=_hosts(snapshot),
        blindness=_blindness(snapshot),
        worst_total=untold.height,
        board=snapshot.alerts,
        troubles=troubles,
        troubles_total=total,
    )


def _ill(snapshot: FleetSnapshot) -> pl.DataFrame:
    """Every GPU that is not well and every host that is worse than its worst GPU, the worst first.

    Hosts of which nothing fresh is known are told as blindness, not one by one.
    """
    columns = ["severity", "host", "index", "health", "job", "received_unix_s", "is_gone"]
    received = snapshot.frames.hosts.select("host", host_received_unix_s="received_unix_s")
    is_gone = pl.col("state").eq_missing(pl.lit("gone"))
    gpus = (
        snapshot.frames.gpus.filter(pl.col("severity") > int(Severity.UNKNOWN))
        .join(received, on="host", how="left")
        .select(
            pl.col("severity").cast(pl.Int64),
            "host",
            pl.col("index").cast(pl.Int64),
            "health",
            "job",
            # Nothing comes from a GPU that is gone: that it is gone is as fresh as its host.
            pl.when(is_gone).then("host_received_unix_s").otherwise("received_unix_s").alias("received_unix_s"),
            is_gone.alias("is_gone"),
        )
    )
    worst_gpu = gpus.group_by("host").agg(pl.col("severity").max().alias("worst_gpu"))
    hosts = (
        snapshot.frames.hosts.filter(pl.col("severity") > int(Severity.UNKNOWN))
        .join(worst_gpu, on="host", how="left")
        .filter(pl.col("severity").cast(pl.Int64) > pl.col("worst_gpu").fill_null(int(Severity.UNKNOWN)))
        .select(
            pl.col("severity").cast(pl.Int64),
            "host",
            pl.lit(None, pl.Int64).alias("index"),
            "health",
            pl.lit(None, pl.String).alias("job"),
            "received_unix_s",
            pl.lit(value=False).alias("is_gone"),
        )
    )
    rows = pl.concat([gpus.select(columns), hosts.select(columns)])
    return rows.sort(["severity", "host", "index"], descending=[True, False, False], maintain_order=True)


def _worst(ill: pl.DataFrame) -> tuple[WallLine, ...]:
    return tuple(
        WallLine(
            Severity(row["severity"]),
            plain(row["host"], 60),
            row["index"],
            plain(row["health"] or ""),
            plain(row["job"] or "", 20),
            row["received_unix_s"],
            row["is_gone"],
        )
        for row in ill.head(WORST).iter_rows(named=True)
    )


def _hosts(snapshot: FleetSnapshot) -> tuple[WallHost, ...]:
    """One string of signs per host: what a GPU's cell shows is decided here, in columns, not GPU by GPU."""
    level = (pl.col("util_pct").clip(0.0, 100.0) * 8 / 100).round(0).cast(pl.Int64).cast(pl.String)
    severity = pl.col("severity").cast(pl.Int64)
    sign = severity.replace_strict(_SIGNS, default=None, return_dtype=pl.String).fill_null(level).fill_null("-")
    by = [name for name in ("host", "index", "mig_index") if name in snapshot.frames.gpus.columns]
    per_host = (
        _cells(snapshot.frames.gpus)
        .sort(by, nulls_last=True, maintain_order=True)
        .with_columns(sign.alias("sign"))
        .group_by("host")
        .agg(pl.col("sign").str.join(""))
    )
    joined = snapshot.frames.hosts.select("host", "severity").join(per_host, on="host", how="left").sort("host")
    rows: list[WallHost] = []
    for row in joined.iter_rows(named=True):
        own = Severity.UNKNOWN if row["severity"] is None else Severity(row["severity"])
        rows.append(WallHost(plain(row["host"], 60), row["sign"] or _SIGNS.get(int(own), "-"), own))
    return tuple(rows)


def _cells(gpus: pl.DataFrame) -> pl.DataFrame:
    """What has a cell: MIG instances rather than the GPU they are parts of, unless that is not well itself."""
    if "parent_uuid" not in gpus.columns:
        return gpus
    is_divided = pl.col("uuid").is_in(gpus["parent_uuid"].drop_nulls().unique().implode())
    return gpus.filter(~(is_divided & (pl.col("severity") == int(Severity.WELL))).fill_null(value=False))


def _blindness(snapshot: FleetSnapshot) -> Blindness | None:
    """Everything that is not live, with the cause most of them share."""
    blind = [link for link in snapshot.links.values() if link.state is not LinkState.LIVE]
    if not blind:
        return None
    # Of causes equally frequent the gravest is named: a host that is lost before one that is late.
    blind.sort(key=lambda link: (_GRAVITY.get(link.state, len(_GRAVITY)), link.since_unix_s))
    causes = Counter(plain(link.fault.cause) if link.fault is not None else link.state.value for link in blind)
    cause, _ = causes.most_common(1)[0]
    return Blindness(len(blind), min(link.since_unix_s for link in blind), cause, len(causes))
