"""How each GPU and each host is: its worst finding in words, vectorised over the fleet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from leptontui.health import filesystems as mounts
from leptontui.health import gpu_findings as of_gpu
from leptontui.health import host_findings as of_host
from leptontui.health.circumstances import Circumstances
from leptontui.health.events import GPU_LOST, counting, gpu_events, host_events
from leptontui.health.fusion import COLUMNS, USE, fused, overruled
from leptontui.health.gpu_findings import IS_LIVE
from leptontui.health.heat import heat_of
from leptontui.health.parts import part_findings
from leptontui.health.peers import compared
from leptontui.health.predictions import predictions
from leptontui.health.ranking import attached, held, ranked, with_columns_of
from leptontui.model.health import HostEvent, Severity
from leptontui.model.series import Entity, Eta, SeriesKey
from leptontui.model.verdict import Remedy

OWN: Final = {f"own_{name}": name for name in ("verdict_action", "verdict_words", "verdict_source", "verdict_evidence")}
"""Columns of hosts for the verdict on all but their GPUs, and what each is called in the whole verdict."""

_ROW: Final = "__gpu"
_GPUS_TOLD: Final = 8
_NOTHING: Final = Circumstances()
_NO_HOSTS: Final = pl.DataFrame(schema={"host": pl.String()})
_OOM: Final[dict[str, pl.DataType]] = {"host": pl.String(), "oom_kills_10min": pl.Float64()}


def assess_gpus(
    gpus: pl.DataFrame,
    events: Sequence[HostEvent],
    etas: Mapping[SeriesKey, Eta],
    *,
    now_unix_s: float,
    known: Circumstances = _NOTHING,
) -> pl.DataFrame:
    """Say how each GPU is.

    Args:
        gpus: latest values with `link` and, where known, `link_cause`; see `FleetSnapshot.frames`. Any value may be
            null, any column but host and uuid missing.
        events: what the hosts pushed since they booted, oldest first; `events.counting` says which of them count.
        etas: predicted crossings; of temperature and memory.
        now_unix_s: the age of links and events is told against this.
        known: what else there is to know.

    Returns:
        `gpus` in the same order with `severity: i8` (a `Severity`) and `health: str` ("" if well): the worst finding,
        followed by " +N" if there are N more; and the columns of `fusion.COLUMNS`, and of `peers.SCHEMA` if it had
        none.
    """
    fresh = counting(events, now_unix_s, known)
    if "straggler" not in gpus.columns:
        gpus = gpus.join(compared(comparable(gpus)).gpus, on=["host", "uuid"], how="left", maintain_order="left")
    rows = with_columns_of(gpus, of_gpu.SCHEMA).with_row_index(_ROW)
    joined = attached(rows.lazy(), _told_of(rows, fresh, etas, now_unix_s, known), [_ROW])
    found = held(joined.collect(), overruled(of_gpu.gpu_findings(now_unix_s), known.overrides))
    verdicts = fused(found, rows.select(of_gpu.IS_PRESENT | (IS_LIVE & (pl.col("state") == "gone"))).to_series())
    return gpus.with_columns(*ranked(found).get_columns(), *verdicts.get_columns())


def assess_hosts(
    hosts: pl.DataFrame,
    gpus: pl.DataFrame,
    parts: Mapping[Entity, pl.DataFrame],
    events: Sequence[HostEvent],
    etas: Mapping[SeriesKey, Eta],
    *,
    now_unix_s: float,
    known: Circumstances = _NOTHING,
) -> pl.DataFrame:
    """Say how each host is.

    Args:
        hosts: latest values with `link` and `link_cause`; any value may be null, any column but host missing.
        gpus: what `assess_gpus` returned: the worst of a host's GPUs is a finding of the host.
        parts: latest values of filesystems, disks, units and services; any may be missing.
        events: as for `assess_gpus`.
        etas: predicted crossings; of memory and filesystems.
        now_unix_s: the age of links and events is told against this.
        known: what else there is to know.

    Returns:
        `hosts` in the same order with `severity: i8`, `health: str` and a verdict, as for GPUs; and in the columns of
        `OWN` what the verdict would be if its GPUs were well.
    """
    fresh = counting(events, now_unix_s, known)
    memory = predictions(etas, Entity.HOST, "memory_used_bytes", now_unix_s)
    filesystems = parts.get(Entity.FILESYSTEM, pl.DataFrame(schema=mounts.SCHEMA))
    joined = with_columns_of(hosts, of_host.SCHEMA).lazy()
    for found in (
        _worst_gpus(gpus),
        _gone_gpus(gpus),
        host_events(fresh, _known_gpus(gpus, fresh), known, now_unix_s).drop("uuid"),
        mounts.full_filesystems(filesystems),
        part_findings(parts, known),
        memory.drop("instance").rename({"words": "memory_eta", "threshold": "memory_threshold"}),
        _filling(filesystems, etas, now_unix_s),
        with_columns_of(known.happened.get(Entity.HOST, _NO_HOSTS), _OOM),
        _flagged(sorted({event.host for event in fresh if event.name == "oom-kill"}), "has_oom_event"),
        _flagged(sorted(known.hung), "is_hung"),
        _flagged(sorted(known.silent), "is_silent"),
    ):
        joined = attached(joined, found, ["host"])
    joined = attached(joined, _gpu_verdicts(gpus), ["host"])
    findings = held(joined.collect(), overruled(of_host.host_findings(now_unix_s), known.overrides))
    findings = replace(
        findings, rows=findings.rows.join(_use_of(gpus, findings.rows), on="host", how="left", maintain_order="left")
    )
    findings = replace(findings, rows=findings.rows.rechunk())
    is_live = with_columns_of(hosts, {"link": pl.String()}).select(IS_LIVE).to_series()
    verdicts = fused(findings, is_live)
    without = replace(findings, items=tuple(item for item in findings.items if item[1] is not of_host.GPUS_VERDICT))
    own = verdicts if len(without.items) == len(findings.items) else fused(without, is_live)
    renamed = own.select(pl.col(name).alias(own_name) for own_name, name in OWN.items())
    return hosts.with_columns(*ranked(findings).get_columns(), *verdicts.get_columns(), *renamed.get_columns())


def comparable(gpus: pl.DataFrame) -> pl.DataFrame:
    """Those GPUs that may be compared with others: there, on a live host, and no MIG instances."""
    needed: dict[str, pl.DataType] = {"link": pl.String(), "state": pl.String(), "parent_uuid": pl.String()}
    is_so = with_columns_of(gpus, needed).select(of_gpu.IS_PRESENT & pl.col("parent_uuid").is_null()).to_series()
    return gpus.filter(is_so)


def _gpu_verdicts(gpus: pl.DataFrame) -> pl.DataFrame:
    """The verdict on the worst GPU of each host: host, gpu_rank, gpu_source, gpu_reason, gpu_lines (of all of them)."""
    rows = with_columns_of(gpus, {"host": pl.String(), "index": pl.Int64(), **COLUMNS})
    index = pl.format("GPU {}: {}", pl.col("index").cast(pl.String).fill_null("?"), pl.col("verdict_reason"))
    first = pl.col("verdict_evidence").list.first()
    line = pl.format("GPU {}: {}", pl.col("index").cast(pl.String).fill_null("?"), first)
    return (
        rows.filter(pl.col("verdict_rank") > int(Remedy.NONE))
        .sort("verdict_rank", "index", descending=[True, False])
        .rechunk()
        .with_columns(index.alias("__reason"), line.alias("__line"))
        .group_by("host", maintain_order=True)
        .agg(
            pl.col("verdict_rank").first().alias("gpu_rank"),
            pl.col("verdict_source").first().alias("gpu_source"),
            pl.col("__reason").first().alias("gpu_reason"),
            pl.col("__line").head(_GPUS_TOLD).alias("gpu_lines"),
        )
    )


def _use_of(gpus: pl.DataFrame, hosts: pl.DataFrame) -> pl.DataFrame:
    """What runs on some hosts: host and the columns of `fusion.USE`."""
    rows = with_columns_of(gpus, {"host": pl.String(), **USE}).filter(pl.col("host").is_in(hosts["host"].implode()))
    texts = [
        pl.col(name).drop_nulls().str.split(", ").explode().unique().sort().head(_GPUS_TOLD).str.join(", ").alias(name)
        for name in ("job", "user")
    ]
    return rows.group_by("host").agg(*texts, pl.col("process_count").sum())


def _told_of(
    gpus: pl.DataFrame,
    events: Sequence[HostEvent],
    etas: Mapping[SeriesKey, Eta],
    now_unix_s: float,
    known: Circumstances,
) -> pl.DataFrame:
    """What is known of some GPUs only (events, predictions, what happened, heat), by row.

    They are few: only they are joined by name.
    """
    happened = with_columns_of(known.happened.get(Entity.GPU, _NO_HOSTS), of_gpu.HAPPENED).rename({"instance": "uuid"})
    asked = _recovery_of(gpus, events)
    found = [gpu_events(events, known, asked, now_unix_s), _lost(events), happened, heat_of(gpus, known.heat)]
    for metric, name in (("temp_c", "temp"), ("memory_used_bytes", "memory")):
        foreseen = predictions(etas, Entity.GPU, metric, now_unix_s)
        found.append(foreseen.rename({"instance": "uuid", "words": f"{name}_eta", "threshold": f"{name}_threshold"}))
    uuids = pl.concat([frame["uuid"] for frame in found])
    told = gpus.lazy().select(_ROW, "host", "uuid").filter(pl.col("uuid").is_in(uuids.implode()))
    for frame in found:
        told = attached(told, frame, ["host", "uuid"])
    return told.drop("host", "uuid").collect()


def _recovery_of(gpus: pl.DataFrame, events: Sequence[HostEvent]) -> dict[tuple[str, str], str]:
    """What the driver asks for, of those GPUs that have events."""
    uuids = sorted({event.gpu_uuid for event in events if event.gpu_uuid is not None})
    asked = gpus.filter(pl.col("uuid").is_in(uuids) & pl.col("recovery_action").is_not_null())
    return {(host, uuid): action for host, uuid, action in asked.select("host", "uuid", "recovery_action").iter_rows()}


def _flagged(hosts: Sequence[str], column: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"host": hosts, column: [True] * len(hosts)}, schema={"host": pl.String(), column: pl.Boolean()}
    )


def _gone_gpus(gpus: pl.DataFrame) -> pl.DataFrame:
    """How many GPUs of a host are gone: host, gpus_gone."""
    known = with_columns_of(gpus, {"host": pl.String(), "state": pl.String(), "parent_uuid": pl.String()})
    gone = known.filter((pl.col("state") == "gone") & pl.col("parent_uuid").is_null())
    return gone.group_by("host").agg(pl.len().cast(pl.Int64).alias("gpus_gone"))


def _lost(events: Sequence[HostEvent]) -> pl.DataFrame:
    """GPUs that were gone from the bus in the last hour: host, uuid, was_lost."""
    found = {(event.host, event.gpu_uuid) for event in events if event.name == GPU_LOST and event.gpu_uuid}
    schema = {"host": pl.String(), "uuid": pl.String(), "was_lost": pl.Boolean()}
    return pl.DataFrame([(host, uuid, True) for host, uuid in sorted(found)], schema=schema, orient="row")


def _known_gpus(gpus: pl.DataFrame, events: Sequence[HostEvent]) -> frozenset[tuple[str, str]]:
    """Those GPUs of `events` that are in `gpus`."""
    asked = [event.gpu_uuid for event in events if event.gpu_uuid is not None]
    if not asked:
        return frozenset()
    found = with_columns_of(gpus, {"host": pl.String(), "uuid": pl.String()}).filter(pl.col("uuid").is_in(asked))
    return frozenset((host, uuid) for host, uuid in found.iter_rows())


def _worst_gpus(gpus: pl.DataFrame) -> pl.DataFrame:
    """One row per host whose GPUs have findings: host, gpu_severity, gpu (words), gpu_more (other GPUs affected).

    GPUs that have the same are told together: "2 GPUs: Xid 79 off the bus".
    """
    schema = {"host": pl.String(), "index": pl.Int64(), "severity": pl.Int8(), "health": pl.String()}
    # Without action, repeat count and " +N"; and numbers are what differs between GPUs that have the same.
    words = pl.col("health").str.replace(r"( ×\d+)?(: .*)?( \+\d+)?$", "")
    alike = pl.when(words.str.starts_with("Xid")).then(words).otherwise(words.str.replace_all(r"[\d.]+", "#"))
    index = pl.col("index").cast(pl.String).fill_null("?")
    return (
        with_columns_of(gpus, schema)
        .filter(pl.col("severity") >= int(Severity.WARNING))
        .with_columns(words.alias("words"), alike.alias("alike"), pl.len().over("host").alias("all"))
        .sort("host", "index")
        .group_by("host", "severity", "alike", maintain_order=True)
        .agg(pl.len().alias("count"), index.first(), pl.col("words").first(), pl.col("all").first())
        .sort("severity", "count", descending=True, maintain_order=True)
        .group_by("host", maintain_order=True)
        .first()
        .select(
            "host",
            pl.col("severity").alias("gpu_severity"),
            pl.when(pl.col("count") > 1)
            .then(pl.format("{} GPUs: {}", "count", "words"))
            .otherwise(pl.format("GPU {}: {}", "index", "words"))
            .alias("gpu"),
            (pl.col("all").cast(pl.Int32) - pl.col("count").cast(pl.Int32)).alias("gpu_more"),
        )
    )


def _filling(filesystems: pl.DataFrame, etas: Mapping[SeriesKey, Eta], now_unix_s: float) -> pl.DataFrame:
    """The filesystem of each host that is expected to be full first, if it is not full yet: host, filesystem_eta."""
    foreseen = predictions(etas, Entity.FILESYSTEM, "used_bytes", now_unix_s)
    if not foreseen.height:
        return pl.DataFrame(schema={"host": pl.String(), "filesystem_eta": pl.String()})
    used = with_columns_of(filesystems, mounts.SCHEMA).select("host", pl.col("mount").alias("instance"), "used_bytes")
    is_over = (pl.col("used_bytes") >= pl.col("threshold")).fill_null(value=False)
    return (
        foreseen.join(used, on=["host", "instance"], how="left", maintain_order="left")
        .filter(~is_over)
        .group_by("host", maintain_order=True)
        .agg(pl.col("words").first().alias("filesystem_eta"))
    )
