"""What each GPU works on: the job, else the pod, else the container of its processes; and how it is numbered."""

from __future__ import annotations

import polars as pl

from leptontui.snapshot import FleetSnapshot

_PARTS = ("pod", "container")


def with_work(gpus: pl.DataFrame, snapshot: FleetSnapshot) -> pl.DataFrame:
    """The GPUs with `pod` and `container` (several are joined by a comma), `work`, `number` and `mig_order`.

    Args:
        gpus: `Frames.gpus`, or rows of it.
        snapshot: whose processes tell.
    """
    processes = snapshot.frames.processes
    for name in _PARTS:
        if {"host", "uuid", name} <= set(processes.columns) and processes[name].null_count() < processes.height:
            pairs = processes.select("host", "uuid", name).drop_nulls().unique().sort(name)
            joined = pairs.group_by("host", "uuid", maintain_order=True).agg(pl.col(name).str.join(", "))
            gpus = gpus.join(joined, on=["host", "uuid"], how="left", maintain_order="left")
        else:
            gpus = gpus.with_columns(pl.lit(None, pl.String).alias(name))
    number = pl.col("index").cast(pl.String)
    order = pl.lit(-1, pl.Int64)
    if "mig_index" in gpus.columns:
        number = (
            pl.when(pl.col("mig_index").is_null())
            .then(number)
            .otherwise(pl.concat_str(number, pl.lit("."), pl.col("mig_index").cast(pl.String)))
        )
        order = pl.col("mig_index").cast(pl.Int64).fill_null(-1)
    known = [pl.when(pl.col(name) != "").then(pl.col(name)) for name in ("job", *_PARTS)]
    return gpus.with_columns(work=pl.coalesce(known), number=number, mig_order=order)


def whole(gpus: pl.DataFrame) -> pl.Expr:
    """Whether a row is a GPU rather than a MIG instance: an instance is a part of a GPU that is listed, too."""
    return pl.col("parent_uuid").is_null() if "parent_uuid" in gpus.columns else pl.col("host").is_not_null()
