"""The newest sweep of every host, kept as frames, and the frames that are published from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.model.catalogue import Kind, metrics_of
from leptontui.model.series import KEY_OF, Entity
from leptontui.store.bounds import within_capacity
from leptontui.store.details import RATES
from leptontui.store.schema import META, counters_of

_TIMES: Final = ("received_unix_s", "t_unix_s")
_INTERNAL: Final = frozenset({"slot", *META}) - {*_TIMES, "host"}
_GPU: Final = metrics_of(Entity.GPU)
_HOST: Final = metrics_of(Entity.HOST)
_GPU_CAPACITIES: Final = within_capacity(_GPU)
_HOST_CAPACITIES: Final = within_capacity(_HOST)


class Newest:
    """Rows of one entity in the newest sweep of each host."""

    def __init__(self) -> None:
        self.rows: pl.DataFrame | None = None

    def update(self, rows: pl.DataFrame, hosts: npt.NDArray[np.int32]) -> None:
        """Replace the rows of some hosts.

        Args:
            rows: rows of the newest sweep of each of `hosts`.
            hosts: codes of hosts with a newer sweep; one without rows has none of this entity any more.
        """
        if self.rows is not None and self.rows.height:
            is_kept = ~np.isin(self.rows.get_column("host").to_numpy(), hosts)
            if is_kept.all():
                rows = pl.concat([self.rows, rows]) if rows.height else self.rows
            elif is_kept.any():
                rows = pl.concat([self.rows.filter(pl.Series(is_kept)), rows])
        self.rows = rows

    def drop(self, column: str, numbers: npt.NDArray[np.int32]) -> None:
        """Drop the rows with one of `numbers` in `column`."""
        if self.rows is not None:
            self.rows = self.rows.filter(~pl.col(column).is_in(pl.Series(numbers).implode()))


def published(rows: pl.DataFrame, entity: Entity, names: pl.Series) -> pl.DataFrame:
    """Rows with the host's name for its code, ordered by it and by key, without internal columns and raw counters.

    Args:
        rows: rows as kept by `Newest`.
        entity: whose rows.
        names: name of each host's code.
    """
    hidden = _INTERNAL | {item.name for item in counters_of(entity)}
    order = {"host": True, **({"index": True, "mig_index": False} if entity is Entity.GPU else {})}
    order.update(dict.fromkeys(KEY_OF.get(entity, ()), True))
    hosts = names.gather(rows.get_column("host")).alias("host")
    # Every `select` costs more than what it does to a few hundred rows.
    shown = pl.DataFrame(
        [hosts if column.name == "host" else column for column in rows.get_columns() if column.name not in hidden]
    )
    if not shown.height:
        return shown
    return shown.sort(list(order), nulls_last=list(order.values()))


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of GPUs besides the newest sweeps.

    Attributes:
        slots: `slot`, `host`, `instance` of every GPU.
        identity: `slot` and `schema.IDENTITY` of the GPUs some hello named.
        details: `details.SCHEMA` of every GPU, in the order of `slots`.
        last_seen: when each GPU was last in a sweep (unix seconds), NaN for never, shape (slots,).
        swept: codes of hosts that have swept: a GPU missing from their newest sweep is gone.
        hung: those of them whose driver hangs: of a GPU that is missing there nothing is known.
    """

    slots: pl.DataFrame
    identity: pl.DataFrame
    details: pl.DataFrame
    last_seen: npt.NDArray[np.float64]
    swept: pl.Series
    hung: pl.Series


def gpu_rows(known: Known, newest: pl.DataFrame, processes: pl.DataFrame) -> pl.DataFrame:
    """All GPUs ever known: identity, readings, details, `state`, and who uses them.

    Args:
        known: see there.
        newest: `slot` and readings of those in their host's newest sweep.
        processes: rows of the newest sweeps.

    Returns:
        one row per GPU; a gone one has its identity, when it was last seen, its last details, and nulls.
    """
    rows = known.slots.rename({"instance": "uuid"}).hstack(known.details)
    rows = rows.join(known.identity, on="slot", how="left", maintain_order="left").filter(pl.col("host") >= 0)
    readings = newest.drop("uuid", "host", *(_INTERNAL - {"slot"}))
    rows = rows.join(readings, on="slot", how="left", maintain_order="left", suffix="_read")
    is_missing = pl.col("received_unix_s").is_null() & pl.col("host").is_in(known.swept.implode())
    last_seen = pl.DataFrame({"slot": known.slots["slot"], "__seen": known.last_seen}).filter(known.slots["host"] >= 0)
    rows = rows.with_columns(
        pl.when(is_missing & pl.col("host").is_in(known.hung.implode()))
        .then(pl.lit("unknown"))
        .when(is_missing)
        .then(pl.lit("gone"))
        .otherwise(pl.lit("present"))
        .alias("state"),
        pl.when(~is_missing).then(pl.coalesce("power_limit_w_read", "power_limit_w")).alias("power_limit_w"),
        *(pl.when(~is_missing).then(pl.col(name)).alias(name) for name in RATES),
        pl.col("received_unix_s").fill_null(last_seen["__seen"].fill_nan(None)),
    )
    rows = rows.join(_users(processes), on=["host", "uuid"], how="left", maintain_order="left")
    count = pl.when((pl.col("state") == "present") & pl.col("t_unix_s").is_not_null()).then(
        pl.col("process_count").fill_null(0)
    )
    rows = rows.with_columns(count.alias("process_count"), *_GPU_CAPACITIES)
    extra = ("state", "user", "job", "process_count")
    shown = [item.rate_name if item.kind is Kind.COUNTER else item.name for item in _GPU]
    return rows.select("host", *shown, *_TIMES, *extra)


def _users(processes: pl.DataFrame) -> pl.DataFrame:
    """Who uses each GPU: `user` and `job` (several are joined by a comma) and `process_count`, by `host` and `uuid`."""
    keys = ["host", "uuid"]
    users = processes.group_by(keys).agg(pl.len().cast(pl.UInt32).alias("process_count"))
    for column in ("user", "job"):
        pairs = processes.select(*keys, column).drop_nulls().unique().sort(column)
        joined = pairs.group_by(keys, maintain_order=True).agg(column).with_columns(pl.col(column).list.join(", "))
        users = users.join(joined, on=keys, how="left")
    return users


def host_rows(hosts: Sequence[int], facts: pl.DataFrame, newest: pl.DataFrame, gpus: pl.DataFrame) -> pl.DataFrame:
    """All hosts ever heard: what the last hello told, and the newest sweep.

    Args:
        hosts: codes of the hosts.
        facts: `host` and `schema.HOST_IDENTITY` of those that said hello.
        newest: `host` and the values of those that have swept.
        gpus: as returned by `gpu_rows`.

    Returns:
        one row per host, values null before its first sweep; `gpu_count` counts the GPUs that are not gone,
        without MIG instances.
    """
    rows = pl.DataFrame({"host": hosts}, schema={"host": pl.Int32})
    rows = rows.join(facts, on="host", how="left", maintain_order="left")
    values = newest.drop(_INTERNAL - {"slot"})
    rows = rows.join(values, on="host", how="left", maintain_order="left", suffix="_swept")
    is_there = (pl.col("state") != "gone") & pl.col("parent_uuid").is_null()
    present = gpus.filter(is_there).group_by("host").agg(pl.len().alias("gpu_count"))
    rows = rows.join(present, on="host", how="left", maintain_order="left")
    is_known = pl.col("host").is_in(facts["host"].implode()) | pl.col("received_unix_s").is_not_null()
    rows = rows.with_columns(
        pl.coalesce("memory_total_bytes_swept", "memory_total_bytes").alias("memory_total_bytes"),
        pl.when(is_known).then(pl.col("gpu_count").fill_null(0)).cast(pl.UInt32).alias("gpu_count"),
    )
    return rows.select("host", *(item.name for item in _HOST), *_TIMES, "gpu_count").with_columns(_HOST_CAPACITIES)
