"""The fleet without a screen: one JSON-able document, one report for people, one exit code for a script."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Final

from leptontui.model.alert_document import board_json
from leptontui.model.counted import counted
from leptontui.model.health import Severity
from leptontui.model.link import LinkState
from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot
from leptontui.view.entity_json import event_json, number
from leptontui.view.host_json import host_json, parts_json
from leptontui.view.row import gpu_number
from leptontui.view.told_rows import (
    age_s_of,
    by_host,
    gpu_count,
    host_rows,
    is_live,
    is_whole,
    own_severity,
    rows_of,
    severity_of,
    text_of,
)

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
    hosts = host_rows(snapshot)
    found = {severity_of(row) for row in hosts}
    live = {row["host"] for row in hosts if is_live(row)}
    found |= {own_severity(row) for row in rows_of(snapshot.frames.gpus) if row.get("host") in live}
    return next((severity for severity in _WORST_FIRST if severity in found), Severity.WELL)


def document_of(snapshot: FleetSnapshot) -> dict[str, object]:
    """The fleet as plain dicts, lists, strings, finite numbers and None, ready for `json.dumps`.

    It carries every entity with every metric of the catalogue. What is not known is None. Ages are told against the
    snapshot's own time. Hosts come in inventory order. The values of a host that is not live are the last ones known:
    `link` and `age_s` say so. `alerts` is None where no rules are evaluated.
    """
    parts = parts_json(snapshot.frames)
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
        "alerts": board_json(snapshot.alerts) if snapshot.alerts.evaluated_unix_s else None,
        "hosts": [host_json(snapshot, row, parts, events) for row in host_rows(snapshot)],
    }


def _summary(snapshot: FleetSnapshot) -> dict[str, object]:
    counts = snapshot.link_counts
    return {
        "severity": worst_of(snapshot).name.lower(),
        "hosts": {"total": counts.total} | {state.value: getattr(counts, state.value) for state in LinkState},
        "gpus": gpu_count(snapshot),
        "mig_instances": snapshot.frames.gpus.height - gpu_count(snapshot),
        "hosts_by_severity": _counted(map(severity_of, host_rows(snapshot))),
        "gpus_by_severity": _counted(map(own_severity, rows_of(snapshot.frames.gpus))),
        "dropped_sweeps": snapshot.dropped_sweeps,
        "newest_age_s": number(snapshot.newest_age_s, 1),
    }


def _counted(severities: Iterator[Severity]) -> dict[str, int]:
    counts = Counter(severities)
    return {severity.name.lower(): counts[severity] for severity in Severity}


def plain_report(snapshot: FleetSnapshot) -> str:
    """The fleet for people, without colour: one line per host, its GPUs' findings below it, a summary at the end."""
    gpus = by_host(snapshot.frames.gpus)
    hosts = host_rows(snapshot)
    table = [_cells(snapshot, row, gpus.get(row["host"], [])) for row in hosts]
    widths = [max((len(cells[column]) for cells in table), default=0) for column in range(len(_ALIGN))]
    lines: list[str] = []
    for row, cells in zip(hosts, table, strict=True):
        aligned = (f"{cell:{align}{width}}" for cell, align, width in zip(cells, _ALIGN, widths, strict=True))
        lines.append("  ".join(aligned).rstrip())
        if is_live(row):
            lines.extend(f"    {line}" for line in _gpu_lines(gpus.get(row["host"], [])))
    return "\n".join([*lines, _summary_line(snapshot)])


_ALIGN: Final = "<<<>>>><"
"""Glyph, host, link, GPUs, CPU, memory, age, health."""


def _cells(snapshot: FleetSnapshot, row: dict[str, Any], gpus: list[dict[str, Any]]) -> tuple[str, ...]:
    severity = severity_of(row)
    used, total = row.get("memory_used_bytes"), row.get("memory_total_bytes")
    memory = 100 * used / total if used is not None and total else None
    age = age_s_of(snapshot, row)
    health = plain(text_of(row, "health") or "", _WORDS_LIMIT)
    cause = plain(text_of(row, "link_cause") or "", _WORDS_LIMIT)
    if not is_live(row) and cause:
        # The whole cause with its mend; `health` has only the beginning of it.
        health = f"{plain(text_of(row, 'link') or 'unknown', _NAME_LIMIT)}: {cause}"
    return (
        severity.glyph,
        plain(row["host"], _NAME_LIMIT),
        plain(text_of(row, "link") or "–", _NAME_LIMIT),
        counted(sum(map(is_whole, gpus)), "GPU"),
        f"cpu {_shown(row.get('cpu_util_pct'))} %",
        f"mem {_shown(memory)} %",
        "–" if age is None else f"{age:.1f} s ago",
        health or ("well" if severity is Severity.WELL else "–"),
    )


def _gpu_lines(gpus: list[dict[str, Any]]) -> Iterator[str]:
    for gpu in gpus:
        severity = own_severity(gpu)
        if severity >= Severity.WARNING:
            name = plain(text_of(gpu, "name") or "", _NAME_LIMIT)
            words = plain(text_of(gpu, "health") or "", _WORDS_LIMIT)
            shown = gpu_number(gpu.get("index"), gpu.get("mig_index"))
            yield f"{severity.glyph} GPU {shown}  {name}  {words}" if name else f"{severity.glyph} GPU {shown}  {words}"


def _summary_line(snapshot: FleetSnapshot) -> str:
    hosts = Counter(severity_of(row) for row in host_rows(snapshot))
    said = [f"{hosts[severity]} {severity.name.lower()}" for severity in _WORST_FIRST if hosts[severity]]
    counts = snapshot.link_counts
    blind = f", blind on {counted(counts.total - counts.live, 'host')}" if counts.total > counts.live else ""
    dropped = f", {counted(snapshot.dropped_sweeps, 'sweep')} dropped" if snapshot.dropped_sweeps else ""
    gpus = counted(gpu_count(snapshot), "GPU")
    fleet = plain(snapshot.fleet, _NAME_LIMIT)
    return f"{fleet}: {counted(counts.total, 'host')} ({', '.join(said)}), {gpus}{blind}{dropped}"


def _shown(value: object) -> str:
    known = number(value)
    return "–" if known is None else str(known)
