"""Events of the last hour as findings, by GPU and by host."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl

from leptontui.health.thresholds import EVENT_AGE_S
from leptontui.health.xid import xid_verdict
from leptontui.model.health import HostEvent, Severity

XID: Final = "xid"
GPU_LOST: Final = "gpu-lost"

SXID: Final = "sxid"
DRIVER_HUNG: Final = "driver-hung"
DRIVER_ANSWERS: Final = "driver-answers"
OF_THE_DRIVER: Final = frozenset({XID, SXID, GPU_LOST, DRIVER_HUNG, DRIVER_ANSWERS})
"""What a driver that is loaded anew has left behind."""

_HOST_EVENTS: Final[dict[str, tuple[Severity, str]]] = {
    "oom-kill": (Severity.CRITICAL, "OOM kill"),
    DRIVER_HUNG: (Severity.CRITICAL, "GPU driver hung"),
    GPU_LOST: (Severity.CRITICAL, "a GPU is off the bus"),
}
"""What the probe's events other than an Xid mean for a host. One that is not named here informs and is no finding."""

SCHEMA: Final = {
    "host": pl.String(),
    "uuid": pl.String(),
    "event_severity": pl.Int8(),
    "event": pl.String(),
    "event_more": pl.Int32(),
}


def is_protected(event: HostEvent) -> bool:
    """Whether an event is so bad that others are dropped before it where there are too many."""
    if event.name == XID and event.code is not None:
        return xid_verdict(event.code).severity is Severity.CRITICAL
    found = _HOST_EVENTS.get(event.name)
    return found is not None and found[0] is Severity.CRITICAL


def recent(events: Iterable[HostEvent], now_unix_s: float) -> list[HostEvent]:
    """Those of the last hour. Host clocks differ: what seems to come from the future is recent, too."""
    return [event for event in events if event.t_unix_s > now_unix_s - EVENT_AGE_S]


def gpu_events(events: Sequence[HostEvent]) -> pl.DataFrame:
    """One row per GPU that has an Xid which is not to be ignored.

    Args:
        events: recent ones.

    Returns:
        Columns of `SCHEMA`: the most urgent Xid in words with its repeat count, and how many other codes there are.
    """
    grouped: defaultdict[tuple[str, str], list[HostEvent]] = defaultdict(list)
    for event in events:
        if event.gpu_uuid is not None and event.name == XID:
            grouped[event.host, event.gpu_uuid].append(event)
    return _frame([(host, uuid, *_told(found)) for (host, uuid), found in grouped.items()])


def host_events(events: Sequence[HostEvent], known_gpus: frozenset[tuple[str, str]]) -> pl.DataFrame:
    """One row per host that has an event of its own, or one of a GPU that is not in the table of GPUs.

    Args:
        events: recent ones.
        known_gpus: (host, uuid) of the GPUs whose events are told with the GPU.

    Returns:
        Columns of `SCHEMA`, `uuid` empty.
    """
    grouped: defaultdict[str, list[HostEvent]] = defaultdict(list)
    for event in events:
        if event.gpu_uuid is None or (event.host, event.gpu_uuid) not in known_gpus:
            grouped[event.host].append(event)
    return _frame([(host, "", *_told(found)) for host, found in grouped.items()])


def _frame(rows: list[tuple[str, str, int, str, int]]) -> pl.DataFrame:
    return pl.DataFrame([row for row in rows if row[2] > Severity.WELL], schema=SCHEMA, orient="row")


def _told(events: Sequence[HostEvent]) -> tuple[int, str, int]:
    """Severity and words of the most urgent kind of event, and how many other kinds there are."""
    counts = Counter((event.name, event.code) for event in events)
    told: list[tuple[tuple[int, int], Severity, str]] = []
    for (name, code), count in counts.items():
        if name == XID and code is not None:
            verdict = xid_verdict(code)
            told.append((verdict.urgency, verdict.severity, verdict.words(count)))
        elif name in _HOST_EVENTS:
            severity, words = _HOST_EVENTS[name]
            if name == DRIVER_HUNG and _is_over(events):
                severity, words = Severity.WARNING, "GPU driver had hung"
            told.append(((-severity, 0), severity, f"{words} ×{count}" if count > 1 else words))
    told = [item for item in told if item[1] > Severity.WELL]
    if not told:
        return int(Severity.WELL), "", 0
    # Of equally urgent ones the first seen is most often the cause of the others.
    _, worst, first = min(told, key=lambda item: item[0])
    return int(worst), first, len(told) - 1


def _is_over(events: Sequence[HostEvent]) -> bool:
    """Whether the driver has answered since it hung last; events come oldest first."""
    last = next(event.name for event in reversed(events) if event.name in {DRIVER_HUNG, DRIVER_ANSWERS})
    return last == DRIVER_ANSWERS
