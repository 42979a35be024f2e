"""Events as the screen lists them: newest first, repeated ones counted, each with its severity and its GPU's number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from leptontui.model.health import EVENTS, HostEvent, Severity
from leptontui.model.text import plain

CRITICAL_XIDS: Final = frozenset({46, 48, 54, 62, 64, 74, 79, 95, 110, 119, 120, 136, 140, 143, 151, 155, 156, 158})
"""Codes that are critical by `leptontui.health.xid`; a test keeps the two the same."""
_CRITICAL: Final = frozenset({"gpu-lost", "driver-hung", "oom-kill", "readonly-remount", "sxid"})
_WELL: Final = frozenset({"driver-answers", "nfs-answers", "probe-restarted"})
_CODED: Final = {"xid": "Xid", "sxid": "SXid"}


@dataclass(frozen=True, slots=True)
class EventRow:
    """One kind of event of one place, with how often it was told. Texts are fit for the screen.

    Attributes:
        host: the host's name in the fleet.
        name: one of `EVENTS`.
        severity: how bad it is by itself.
        what: in short: "Xid 79", "oom-kill".
        where: the GPU, e.g. "GPU 3"; its PCI address where it is not known by its number; "" for the host.
        text: the line as the host said it the last time.
        t_unix_s: when it happened last, by our own clock.
        first_unix_s: when it was told first.
        count: how often it was told.
        is_backlog: it happened before we connected.
        gpu_uuid: the GPU's identity, None for the host.
    """

    host: str
    name: str
    severity: Severity
    what: str
    where: str
    text: str
    t_unix_s: float
    first_unix_s: float
    count: int = 1
    is_backlog: bool = False
    gpu_uuid: str | None = None

    @property
    def key(self) -> tuple[str, str, str, str, bool]:
        """What it is about: equal for what is counted together."""
        return (self.host, self.name, self.what, self.gpu_uuid or self.where, self.is_backlog)

    @property
    def meaning(self) -> str:
        """What such an event means in general; "" if it is not catalogued."""
        return EVENTS.get(self.name, "")


def event_rows(events: Iterable[HostEvent], labels: Mapping[tuple[str, str], str]) -> tuple[EventRow, ...]:
    """The events, newest first; those that tell the same again are counted.

    Args:
        events: in any order.
        labels: what GPUs are called, by host and uuid.
    """
    rows: dict[tuple[str, str, str, str, bool], EventRow] = {}
    for event in sorted(events, key=lambda item: item.t_unix_s, reverse=True):
        row = _row(event, labels)
        known = rows.get(row.key)
        rows[row.key] = row if known is None else replace(known, count=known.count + 1, first_unix_s=row.t_unix_s)
    return tuple(rows.values())


def severity_of(event: HostEvent) -> Severity:
    """How bad an event is by itself; for how its host is now there are the findings."""
    if event.name in _WELL:
        return Severity.WELL
    if event.name in _CRITICAL or (event.name == "xid" and event.code in CRITICAL_XIDS):
        return Severity.CRITICAL
    return Severity.WARNING


def _row(event: HostEvent, labels: Mapping[tuple[str, str], str]) -> EventRow:
    where = ""
    if event.gpu_uuid is not None:
        where = labels.get((event.host, event.gpu_uuid), "") or plain(event.pci_bus_id or event.gpu_uuid, 20)
    elif event.pci_bus_id is not None:
        where = plain(event.pci_bus_id, 20)
    name = plain(event.name, 24)
    return EventRow(
        host=event.host,
        name=name,
        severity=severity_of(event),
        what=f"{_CODED.get(name, name)} {event.code}" if event.code is not None else name,
        where=where,
        text=plain(event.text, 300),
        t_unix_s=event.t_unix_s,
        first_unix_s=event.t_unix_s,
        is_backlog=event.is_backlog,
        gpu_uuid=event.gpu_uuid,
    )
