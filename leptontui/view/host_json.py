"""One host as a JSON-able dict: its own metrics, its GPUs with their processes, its parts, its link and its events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from leptontui.model.catalogue import Kind, metrics_of
from leptontui.model.series import Entity
from leptontui.snapshot import FleetSnapshot, Frames
from leptontui.view.entity_json import entity_json, link_json, number
from leptontui.view.host_rows import throttle_words
from leptontui.view.told_rows import age_s_of, own_severity, rows_of, severity_of, text_of, texts_of, verdict_of

if TYPE_CHECKING:
    import polars as pl

_PARTS: Final = {
    "filesystems": Entity.FILESYSTEM,
    "disks": Entity.DISK,
    "nics": Entity.NIC,
    "ports": Entity.PORT,
    "units": Entity.UNIT,
    "services": Entity.SERVICE,
    "samples": Entity.SAMPLE,
}
"""A host's parts by the name of their frame."""

_HOST_NAMES: Final = tuple(
    item.rate_name if item.kind is Kind.COUNTER else item.name for item in metrics_of(Entity.HOST)
)

Told = dict[str, list[dict[str, Any]]]


def parts_json(frames: Frames) -> dict[str, Told]:
    """Every row of every frame, by frame and host, as it is told."""
    parts = {name: _told(entity, getattr(frames, name)) for name, entity in _PARTS.items()}
    processes: defaultdict[tuple[str, str | None], list[dict[str, Any]]] = defaultdict(list)
    for host, rows in _told(Entity.PROCESS, frames.processes).items():
        for row in rows:
            processes[host, row["uuid"]].append(row)
    gpus: Told = defaultdict(list)
    for row, told in zip(rows_of(frames.gpus), entity_json(Entity.GPU, frames.gpus), strict=True):
        gpus[row["host"]].append(_gpu(row, told, processes.get((row["host"], row.get("uuid")), [])))
    hosts: Told = {
        row["host"]: [told]
        for row, told in zip(rows_of(frames.hosts), entity_json(Entity.HOST, frames.hosts), strict=True)
    }
    return parts | {"gpus": gpus, "hosts": hosts}


def _told(entity: Entity, frame: pl.DataFrame) -> Told:
    grouped: Told = defaultdict(list)
    for host, row in zip(frame["host"].to_list(), entity_json(entity, frame), strict=True):
        grouped[host].append(row)
    return grouped


def host_json(
    snapshot: FleetSnapshot,
    row: dict[str, Any],
    parts: Mapping[str, Told],
    events: Mapping[str, list[dict[str, object]]],
) -> dict[str, object]:
    """One host with everything that is known of it and of its parts.

    Args:
        snapshot: whose host.
        row: of `told_rows.host_rows`.
        parts: of `parts_json`.
        events: what hosts reported, by host.
    """
    name = row["host"]
    target = snapshot.targets.get(name)
    own = parts["hosts"].get(name)
    return {
        "name": name,
        "group": text_of(row, "group"),
        "link": text_of(row, "link"),
        "link_cause": text_of(row, "link_cause") or "",
        "link_detail": link_json(snapshot.links.get(name)),
        "age_s": age_s_of(snapshot, row),
        "severity": severity_of(row).name.lower(),
        "health": text_of(row, "health") or "",
        "findings": texts_of(row, "findings"),
        "verdict": verdict_of(row),
        "node_state": text_of(row, "node_state") or None,
        "partitions": None if target is None else list(target.partitions),
        "origin": None if target is None else target.origin or None,
        "gpus_expected": number(row.get("gpus_expected")),
        **(own[0] if own else dict.fromkeys(_HOST_NAMES)),
        "unavailable": list(snapshot.unavailable.get(name, ())),
        "gpus": [gpu | {"age_s": age_s_of(snapshot, gpu)} for gpu in parts["gpus"].get(name, [])],
        **{part: parts[part].get(name, []) for part in _PARTS},
        "events": events.get(name, []),
    }


def _gpu(row: dict[str, Any], told: dict[str, Any], processes: list[dict[str, Any]]) -> dict[str, Any]:
    mask = told["throttle_reasons"]
    return {
        **told,
        "throttled_by": None if mask is None else list(throttle_words(int(mask))),
        "user": text_of(row, "user"),
        "job": text_of(row, "job"),
        "severity": own_severity(row).name.lower(),
        "health": text_of(row, "health") or "",
        "findings": texts_of(row, "findings"),
        "verdict": verdict_of(row),
        "state": text_of(row, "state"),
        "received_unix_s": number(row.get("received_unix_s"), 3),
        "processes": processes,
    }
