"""The fleet without a screen: one JSON-able document, one report for people, one exit code for a script."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from leptontui.model.health import Severity
from leptontui.model.link import LinkState
from leptontui.model.series import Entity
from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot
from leptontui.view.entity_json import entity_json, event_json, link_json, number
from leptontui.view.host_rows import throttle_words
from leptontui.view.row import gpu_number

if TYPE_CHECKING:
    import polars as pl

SCHEMA: Final = "leptontui/1"
"""Changes when a field is renamed, removed or means something else; a new field does not change it."""

_WORST_FIRST: Final = (Severity.CRITICAL, Severity.UNKNOWN, Severity.PREDICTED, Severity.WARNING, Severity.WELL)
_EXIT_CODES: Final = {
    Severity.WELL: 0,
    Severity.WARNING: 1,
    Severity.PREDICTED: 1,
    Severity.CRITICAL: 2,
    Severity.UNKNOWN: 3,
}
_NAME_LIMIT: Final = 64
_WORDS_LIMIT: Final = 160

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

Rows = Mapping[str, list[dict[str, Any]]]


def exit_code_of(snapshot: FleetSnapshot) -> int:
    """The exit code for a script.

    Returns:
        2 if anything is critical, whatever else is not known; else 3 if any host is not live; else 1 if there is a
        warning or a predicted crossing; else 0. So 2 always means "look now", and 0 and 1 are said only of a fleet
        that was seen whole.
    """
    return _EXIT_CODES[worst_of(snapshot)]


def worst_of(snapshot: FleetSnapshot) -> Severity:
    """The severity that stands for the whole fleet: critical, else unknown, else predicted, else warning, else well."""
    hosts = _host_rows(snapshot)
    found = {_severity(row) for row in hosts}
    live = {row["host"] for row in hosts if _is_live(row)}
    found |= {_gpu_severity(row) for row in _rows(snapshot.frames.gpus) if row.get("host") in live}
    return next((severity for severity in _WORST_FIRST if severity in found), Severity.WELL)


def document_of(snapshot: FleetSnapshot) -> dict[str, object]:
    """The fleet as plain dicts, lists, strings, finite numbers and None, ready for `json.dumps`.

    It carries every entity with every metric of the catalogue. What is not known is None. Ages are told against the
    snapshot's own time. Hosts come in inventory order. The values of a host that is not live are the last ones known:
    `link` and `age_s` say so.
    """
    frames = snapshot.frames
    parts = {name: _by_host(getattr(frames, name)) for name in ("gpus", "processes", *_PARTS)}
    events: defaultdict[str, list[dict[str, object]]] = defaultdict(list)
    for event in snapshot.events:
        events[event.host].append(event_json(event))
    return {
        "schema": SCHEMA,
        "t_unix_s": number(snapshot.t_unix_s, 3),
        "fleet": snapshot.fleet,
        "interval_s": snapshot.interval_s,
        "summary": _summary(snapshot),
        "notices": list(snapshot.notices),
        "hosts": [_host(snapshot, row, parts, events) for row in _host_rows(snapshot)],
    }


def _summary(snapshot: FleetSnapshot) -> dict[str, object]:
    counts = snapshot.link_counts
    return {
        "severity": worst_of(snapshot).name.lower(),
        "hosts": {"total": counts.total} | {state.value: getattr(counts, state.value) for state in LinkState},
        "gpus": _gpus(snapshot),
        "mig_instances": snapshot.frames.gpus.height - _gpus(snapshot),
        "hosts_by_severity": _counted(map(_severity, _host_rows(snapshot))),
        "gpus_by_severity": _counted(map(_gpu_severity, _rows(snapshot.frames.gpus))),
        "dropped_sweeps": snapshot.dropped_sweeps,
        "newest_age_s": number(snapshot.newest_age_s, 1),
    }


def _counted(severities: Iterator[Severity]) -> dict[str, int]:
    counts = Counter(severities)
    return {severity.name.lower(): counts[severity] for severity in Severity}


def _host(
    snapshot: FleetSnapshot,
    row: dict[str, Any],
    parts: Mapping[str, Rows],
    events: Mapping[str, list[dict[str, object]]],
) -> dict[str, object]:
    name = row["host"]
    target = snapshot.targets.get(name)
    processes = defaultdict(list)
    for process in parts["processes"].get(name, []):
        processes[process.get("uuid")].append(entity_json(Entity.PROCESS, process))
    return {
        "name": name,
        "group": _text(row, "group"),
        "link": _text(row, "link"),
        "link_cause": _text(row, "link_cause") or "",
        "link_detail": link_json(snapshot.links.get(name)),
        "age_s": _age(snapshot, row),
        "severity": _severity(row).name.lower(),
        "health": _text(row, "health") or "",
        "node_state": _text(row, "node_state") or None,
        "partitions": None if target is None else list(target.partitions),
        "origin": None if target is None else target.origin or None,
        "gpus_expected": number(row.get("gpus_expected")),
        **entity_json(Entity.HOST, row),
        "unavailable": list(snapshot.unavailable.get(name, ())),
        "gpus": [_gpu(snapshot, gpu, processes.get(gpu.get("uuid"), [])) for gpu in parts["gpus"].get(name, [])],
        **{
            part: [entity_json(entity, entry) for entry in parts[part].get(name, [])] for part, entity in _PARTS.items()
        },
        "events": events.get(name, []),
    }


def _gpu(snapshot: FleetSnapshot, row: dict[str, Any], processes: list[dict[str, object]]) -> dict[str, object]:
    return {
        **entity_json(Entity.GPU, row),
        "throttled_by": None
        if row.get("throttle_reasons") is None
        else list(throttle_words(int(row["throttle_reasons"]))),
        "user": _text(row, "user"),
        "job": _text(row, "job"),
        "severity": _gpu_severity(row).name.lower(),
        "health": _text(row, "health") or "",
        "state": _text(row, "state"),
        "age_s": _age(snapshot, row),
        "processes": processes,
    }


def plain_report(snapshot: FleetSnapshot) -> str:
    """The fleet for people, without colour: one line per host, its GPUs' findings below it, a summary at the end."""
    gpus = _by_host(snapshot.frames.gpus)
    hosts = _host_rows(snapshot)
    table = [_cells(snapshot, row, gpus.get(row["host"], [])) for row in hosts]
    widths = [max((len(cells[column]) for cells in table), default=0) for column in range(len(_ALIGN))]
    lines: list[str] = []
    for row, cells in zip(hosts, table, strict=True):
        aligned = (f"{cell:{align}{width}}" for cell, align, width in zip(cells, _ALIGN, widths, strict=True))
        lines.append("  ".join(aligned).rstrip())
        if _is_live(row):
            lines.extend(f"    {line}" for line in _gpu_lines(gpus.get(row["host"], [])))
    return "\n".join([*lines, _summary_line(snapshot)])


_ALIGN: Final = "<<<>>>><"
"""Glyph, host, link, GPUs, CPU, memory, age, health."""


def _cells(snapshot: FleetSnapshot, row: dict[str, Any], gpus: list[dict[str, Any]]) -> tuple[str, ...]:
    severity = _severity(row)
    used, total = row.get("memory_used_bytes"), row.get("memory_total_bytes")
    memory = 100 * used / total if used is not None and total else None
    age = _age(snapshot, row)
    health = plain(_text(row, "health") or "", _WORDS_LIMIT)
    cause = plain(_text(row, "link_cause") or "", _WORDS_LIMIT)
    if not _is_live(row) and cause:
        # The whole cause with its mend; `health` has only the beginning of it.
        health = f"{plain(_text(row, 'link') or 'unknown', _NAME_LIMIT)}: {cause}"
    return (
        severity.glyph,
        plain(row["host"], _NAME_LIMIT),
        plain(_text(row, "link") or "–", _NAME_LIMIT),
        _counted_word(sum(map(_is_whole, gpus)), "GPU"),
        f"cpu {_shown(row.get('cpu_util_pct'))} %",
        f"mem {_shown(memory)} %",
        "–" if age is None else f"{age:.1f} s ago",
        health or ("well" if severity is Severity.WELL else "–"),
    )


def _gpu_lines(gpus: list[dict[str, Any]]) -> Iterator[str]:
    for gpu in gpus:
        severity = _gpu_severity(gpu)
        if severity >= Severity.WARNING:
            name = plain(_text(gpu, "name") or "", _NAME_LIMIT)
            words = plain(_text(gpu, "health") or "", _WORDS_LIMIT)
            shown = gpu_number(gpu.get("index"), gpu.get("mig_index"))
            yield f"{severity.glyph} GPU {shown}  {name}  {words}" if name else f"{severity.glyph} GPU {shown}  {words}"


def _summary_line(snapshot: FleetSnapshot) -> str:
    hosts = Counter(_severity(row) for row in _host_rows(snapshot))
    said = [f"{hosts[severity]} {severity.name.lower()}" for severity in _WORST_FIRST if hosts[severity]]
    counts = snapshot.link_counts
    blind = f", blind on {_counted_word(counts.total - counts.live, 'host')}" if counts.total > counts.live else ""
    dropped = f", {_counted_word(snapshot.dropped_sweeps, 'sweep')} dropped" if snapshot.dropped_sweeps else ""
    gpus = _counted_word(_gpus(snapshot), "GPU")
    fleet = plain(snapshot.fleet, _NAME_LIMIT)
    return f"{fleet}: {_counted_word(counts.total, 'host')} ({', '.join(said)}), {gpus}{blind}{dropped}"


def _counted_word(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _shown(value: object) -> str:
    known = number(value)
    return "–" if known is None else str(known)


def _host_rows(snapshot: FleetSnapshot) -> list[dict[str, Any]]:
    """Every host's row; one that is known only by its link has a row of nothing."""
    rows = _rows(snapshot.frames.hosts)
    known = {row["host"] for row in rows}
    return rows + [
        {
            "host": name,
            "link": link.state.value,
            "link_cause": "" if link.fault is None else link.fault.cause,
            "severity": int(Severity.UNKNOWN),
        }
        for name, link in snapshot.links.items()
        if name not in known
    ]


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows without its trends, which cost most and are not told here."""
    return frame.select([name for name in frame.columns if not name.startswith("trend_")]).to_dicts()


def _by_host(frame: pl.DataFrame) -> Rows:
    grouped: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _rows(frame):
        grouped[row["host"]].append(row)
    return grouped


def _gpus(snapshot: FleetSnapshot) -> int:
    """How many GPUs are known; a GPU's MIG instances are not counted besides it."""
    gpus = snapshot.frames.gpus
    return gpus["parent_uuid"].null_count() if "parent_uuid" in gpus.columns else gpus.height


def _is_whole(gpu: Mapping[str, Any]) -> bool:
    return gpu.get("parent_uuid") is None


def _is_live(row: Mapping[str, Any]) -> bool:
    return row.get("link") == LinkState.LIVE.value


def _severity(row: Mapping[str, Any]) -> Severity:
    return _gpu_severity(row) if _is_live(row) else Severity.UNKNOWN


def _gpu_severity(row: Mapping[str, Any]) -> Severity:
    value = row.get("severity")
    return Severity.UNKNOWN if value is None else Severity(value)


def _age(snapshot: FleetSnapshot, row: Mapping[str, Any]) -> float | None:
    received = row.get("received_unix_s")
    return None if received is None else number(max(0.0, snapshot.t_unix_s - received), 1)


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return None if value is None else str(value)
