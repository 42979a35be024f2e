"""From a snapshot to the page of one host: filters the frames and hands over plain rows."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

import polars as pl

from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot
from leptontui.view.event_rows import event_rows
from leptontui.view.host_rows import PROCESS_LIMIT, SAMPLE_LIMIT, GpuRow, HostPage, HostVitals
from leptontui.view.part_rows import (
    DiskRow,
    FilesystemRow,
    NicRow,
    PortRow,
    ProcessRow,
    SampleRow,
    ServiceRow,
    UnitRow,
)

_EVENT_LIMIT = 50
_IDENTITIES = frozenset({"uuid", "mount", "service", "source", "series"})
"""What series are looked up by: shown only after `plain`, never changed here."""
_Row = TypeVar(
    "_Row",
    HostVitals,
    GpuRow,
    FilesystemRow,
    DiskRow,
    NicRow,
    PortRow,
    UnitRow,
    ServiceRow,
    SampleRow,
    ProcessRow,
)


def host_page(snapshot: FleetSnapshot, host: str) -> HostPage:
    """What the screen of `host` shows. A host the fleet does not have gets a page without link and vitals."""
    frames = snapshot.frames
    vitals = _rows(_of_host(frames.hosts, host), HostVitals)
    gpu_frame = _in_order(_of_host(frames.gpus, host))
    gpus = _rows(gpu_frame, GpuRow)
    processes = _of_host(frames.processes, host)
    order = {gpu.uuid: number for number, gpu in enumerate(gpus)}
    listed = _rows(_sorted(processes, "memory_used_bytes", is_descending=True).head(PROCESS_LIMIT), ProcessRow)
    labels = {(host, gpu.uuid): gpu.label for gpu in gpus}
    events = event_rows((event for event in snapshot.events if event.host == host), labels)
    samples = _of_host(frames.samples, host)
    units = _rows(_sorted(_of_host(frames.units, host), "unit"), UnitRow)
    services = _rows(_sorted(_of_host(frames.services, host), "service"), ServiceRow)
    return HostPage(
        host=plain(host, 80),
        t_unix_s=snapshot.t_unix_s,
        interval_s=snapshot.interval_s,
        link=snapshot.links.get(host),
        vitals=vitals[0] if vitals else None,
        gpus=gpus,
        gpu_values=_values(gpu_frame),
        filesystems=tuple(sorted(_rows(_of_host(frames.filesystems, host), FilesystemRow), key=_fullest_first)),
        disks=_rows(_sorted(_of_host(frames.disks, host), "device"), DiskRow),
        nics=_rows(_sorted(_of_host(frames.nics, host), "nic"), NicRow),
        ports=_rows(_sorted(_of_host(frames.ports, host), "port"), PortRow),
        units=tuple(sorted(units, key=lambda unit: not unit.is_failed)),
        services=tuple(sorted(services, key=lambda service: service.is_healthy is not False)),
        samples=_rows(_by_series(samples).head(SAMPLE_LIMIT), SampleRow),
        samples_total=samples.height,
        processes=tuple(sorted(listed, key=lambda process: order.get(process.uuid, len(order)))),
        processes_total=processes.height,
        events=events[:_EVENT_LIMIT],
        unavailable=tuple(plain(reason) for reason in snapshot.unavailable.get(host, ())),
        target=snapshot.targets.get(host),
    )


def _of_host(frame: pl.DataFrame, host: str) -> pl.DataFrame:
    return frame.filter(pl.col("host") == host) if "host" in frame.columns else frame.clear()


def _sorted(frame: pl.DataFrame, column: str, *, is_descending: bool = False) -> pl.DataFrame:
    if column not in frame.columns:
        return frame
    return frame.sort(column, descending=is_descending, nulls_last=True, maintain_order=True)


def _in_order(gpus: pl.DataFrame) -> pl.DataFrame:
    """By index; MIG instances after their GPU."""
    by = [name for name in ("index", "mig_index") if name in gpus.columns]
    return gpus.sort(by, nulls_last=[False] * len(by), maintain_order=True) if by else gpus


def _by_series(samples: pl.DataFrame) -> pl.DataFrame:
    return samples.sort("source", "series") if {"source", "series"} <= set(samples.columns) else samples


def _values(gpus: pl.DataFrame) -> dict[str, dict[str, object]]:
    """Each GPU's values by uuid, texts fit for the screen; its trends are not among them."""
    names = [name for name, dtype in gpus.schema.items() if not dtype.is_nested()]
    if "uuid" not in names:
        return {}
    return {
        row["uuid"]: {name: _shown(value, is_identity=False) for name, value in row.items()}
        for row in gpus.select(names).iter_rows(named=True)
    }


def _rows(frame: pl.DataFrame, kind: type[_Row]) -> tuple[_Row, ...]:
    """One `kind` per row; columns it does not name are left out, fields the frame does not have stay None."""
    names = [field.name for field in fields(kind) if field.name in frame.columns]
    rows: list[_Row] = []
    for row in frame.select(names).iter_rows(named=True):
        values: dict[str, Any] = {name: _shown(row[name], is_identity=name in _IDENTITIES) for name in names}
        rows.append(kind(**values))
    return tuple(rows)


def _shown(value: object, *, is_identity: bool) -> object:
    """Texts made fit for the screen, but not identities: a series is looked up by those. Lists become tuples."""
    if isinstance(value, str):
        return value if is_identity else plain(value)
    return tuple(_shown(item, is_identity=False) for item in value) if isinstance(value, list) else value


def _fullest_first(row: FilesystemRow) -> tuple[float, str]:
    if row.used_bytes is None or not row.total_bytes:
        return (1.0, row.mount)
    return (-row.used_bytes / row.total_bytes, row.mount)
