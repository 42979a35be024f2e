"""Gathers what the fleet works on: each job, pod, container or user with its GPUs on all hosts.

Polars work over the fleet: not for the screen's thread.
"""

from __future__ import annotations

import re
from typing import Any, Final

import polars as pl

from leptontui.model.health import Severity
from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot
from leptontui.view.job_rows import JobKind, JobPage, JobRow, JobSort, filter_of
from leptontui.view.work import with_work

JOB_LIMIT: Final = 500
"""So many are listed; how many more there are is told."""
_HOSTS_TOLD: Final = 8
_USERS_TOLD: Final = 4
_KINDS: Final = (JobKind.JOB, JobKind.POD, JobKind.CONTAINER, JobKind.USER)
_ORDERS: Final[dict[JobSort, tuple[str, bool]]] = {
    JobSort.WORST: ("severity", True),
    JobSort.GPUS: ("gpus", True),
    JobSort.UTIL: ("util_pct", True),
    JobSort.LEAST: ("util_min_pct", False),
    JobSort.MEMORY: ("memory_used_bytes", True),
    JobSort.POWER: ("power_w", True),
    JobSort.NAME: ("name", False),
}
"""Column and whether the greatest comes first."""


def job_page(snapshot: FleetSnapshot, sort: JobSort = JobSort.WORST) -> JobPage:
    """The jobs of a snapshot."""
    gpus = with_work(snapshot.frames.gpus, snapshot)
    uses = _uses(gpus, snapshot.frames.processes)
    jobs = _gathered(uses, gpus)
    column, is_descending = _ORDERS[sort]
    jobs = jobs.sort(
        [column, "severity", "gpus", "name"],
        descending=[is_descending, True, True, False],
        nulls_last=True,
        maintain_order=True,
    )
    rows = tuple(_row(row) for row in jobs.head(JOB_LIMIT).iter_rows(named=True))
    is_there = gpus["state"].ne_missing(pl.Series(["gone"])) if gpus.height else gpus["state"].is_null()
    return JobPage(rows, jobs.height, uses.select("host", "uuid").unique().height, int(is_there.sum()))


def _uses(gpus: pl.DataFrame, processes: pl.DataFrame) -> pl.DataFrame:
    """Who uses which GPU: `host`, `uuid`, `kind`, `name`, `user`, `memory`; a row for each job on each GPU.

    Processes tell it best; where there are none to be read, the GPU's own row does.
    """
    told = _of_processes(processes)
    rest = gpus.join(told, on=["host", "uuid"], how="anti") if told.height else gpus
    lists = rest.select(
        "host",
        "uuid",
        pl.col("user").alias("user"),
        *(_split(rest, name).alias(name) for name in ("job", "pod", "container")),
    )
    parts = [told]
    for kind in _KINDS[:-1]:
        found = lists.filter(pl.col(kind.value).list.len() > 0).explode(kind.value)
        parts.append(_use(found, kind, kind.value))
        lists = lists.filter(pl.col(kind.value).list.len().fill_null(0) == 0)
    users = lists.with_columns(pl.col("user").str.split(", ").alias("user")).explode("user").drop_nulls("user")
    parts.append(_use(users.filter(pl.col("user") != ""), JobKind.USER, "user"))
    return pl.concat(parts)


def _split(frame: pl.DataFrame, name: str) -> pl.Expr:
    text = pl.col(name) if name in frame.columns else pl.lit(None, pl.String)
    return pl.when(text != "").then(text.str.split(", "))


def _use(frame: pl.DataFrame, kind: JobKind, column: str) -> pl.DataFrame:
    return frame.select(
        "host",
        "uuid",
        pl.lit(kind.value).alias("kind"),
        pl.col(column).alias("name"),
        pl.col("user"),
        pl.lit(None, pl.Float64).alias("memory"),
    )


def _of_processes(processes: pl.DataFrame) -> pl.DataFrame:
    wanted = ("user", "job", "pod", "container", "memory_used_bytes")
    if not {"host", "uuid"} <= set(processes.columns):
        processes = pl.DataFrame(schema={"host": pl.String, "uuid": pl.String})
    absent = [name for name in wanted if name not in processes.columns]
    processes = processes.with_columns(
        pl.lit(None, pl.Float64 if name == "memory_used_bytes" else pl.String).alias(name) for name in absent
    )
    kind, name = pl.lit(None, pl.String), pl.lit(None, pl.String)
    for each in reversed(_KINDS):
        is_told = pl.col(each.value).is_not_null() & (pl.col(each.value) != "")
        kind = pl.when(is_told).then(pl.lit(each.value)).otherwise(kind)
        name = pl.when(is_told).then(pl.col(each.value)).otherwise(name)
    return (
        processes.with_columns(kind=kind, name=name)
        .filter(pl.col("name").is_not_null())
        .group_by("host", "uuid", "kind", "name")
        .agg(
            user=pl.col("user").drop_nulls().unique().sort().str.join(", "),
            memory=pl.when(pl.col("memory_used_bytes").is_not_null().any()).then(
                pl.col("memory_used_bytes").sum().cast(pl.Float64)
            ),
        )
        .select("host", "uuid", "kind", "name", "user", "memory")
    )


def _gathered(uses: pl.DataFrame, gpus: pl.DataFrame) -> pl.DataFrame:
    """A row for each job."""
    columns = ["util_pct", "memory_used_bytes", "power_w", "severity", "health", "number", "link"]
    known = gpus.select("host", "uuid", *(name for name in columns if name in gpus.columns))
    is_live = pl.col("link") == "live"
    joined = uses.join(known, on=["host", "uuid"], how="left", maintain_order="left").sort(
        ["severity", "host", "number"], descending=[True, False, False], nulls_last=True, maintain_order=True
    )

    def summed(column: pl.Expr) -> pl.Expr:
        return pl.when(column.is_not_null().any()).then(column.sum())

    memory = pl.coalesce("memory", pl.col("memory_used_bytes").cast(pl.Float64))
    return joined.group_by("kind", "name", maintain_order=True).agg(
        gpus=pl.struct("host", "uuid").n_unique(),
        hosts=pl.col("host").unique(),
        blind=pl.col("host").filter(~is_live.fill_null(value=False)).n_unique(),
        users=pl.col("user").drop_nulls().unique().sort(),
        util_pct=pl.col("util_pct").filter(is_live).mean(),
        util_min_pct=pl.col("util_pct").filter(is_live).min(),
        memory_used_bytes=summed(memory),
        power_w=summed(pl.col("power_w")),
        severity=pl.col("severity").max(),
        health=pl.col("health").first(),
        where=pl.col("host").first(),
        number=pl.col("number").first(),
    )


def _row(values: dict[str, Any]) -> JobRow:
    severity = Severity.UNKNOWN if values["severity"] is None else Severity(values["severity"])
    kind, hosts = JobKind(values["kind"]), sorted(values["hosts"], key=_natural)
    users = sorted({user for joined in values["users"] for user in joined.split(", ") if user})
    health = plain(values["health"] or "")
    gpu = f" GPU {values['number']}" if values["number"] is not None else ""
    return JobRow(
        kind=kind,
        name=plain(values["name"], 80),
        users=tuple(plain(user, 40) for user in users[:_USERS_TOLD]),
        gpus=values["gpus"],
        hosts=tuple(plain(host, 60) for host in hosts[:_HOSTS_TOLD]),
        hosts_total=len(hosts),
        hosts_blind=values["blind"],
        util_pct=values["util_pct"],
        util_min_pct=values["util_min_pct"],
        memory_used_bytes=values["memory_used_bytes"],
        power_w=values["power_w"],
        severity=severity,
        finding=f"{plain(values['where'], 60)}{gpu}: {health}" if health and severity > Severity.WELL else "",
        filter=filter_of(kind, values["name"]),
    )


def _natural(name: str) -> list[str]:
    return [part.zfill(20) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
