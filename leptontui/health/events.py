"""Events that still count as findings, by GPU and by host."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import polars as pl

from leptontui.health.circumstances import Circumstances
from leptontui.health.event_voices import (
    DRIVER_ANSWERS,
    DRIVER_HUNG,
    GPU_LOST,
    HOST_EVENTS,
    OF_THE_DRIVER,
    SXID,
    XID,
    Told,
    of_kind,
    told_of,
)
from leptontui.health.thresholds import EVENT_AGE_S
from leptontui.health.xid import xid_verdict
from leptontui.model.health import HostEvent, Severity
from leptontui.model.verdict import Remedy

__all__ = [
    "DRIVER_ANSWERS",
    "DRIVER_HUNG",
    "GPU_LOST",
    "OF_THE_DRIVER",
    "SCHEMA",
    "SXID",
    "XID",
    "counting",
    "gpu_events",
    "host_events",
    "is_protected",
]

SCHEMA: Final = {
    "host": pl.String(),
    "uuid": pl.String(),
    "event_severity": pl.Int8(),
    "event": pl.String(),
    "event_more": pl.Int32(),
    "event_rank": pl.Int8(),
    "event_source": pl.String(),
    "event_reason": pl.String(),
    "event_lines": pl.List(pl.String()),
}

_KNOWN: Final = Circumstances()


def is_protected(event: HostEvent) -> bool:
    """Whether an event is so bad that others are dropped before it where there are too many."""
    if event.name == XID and event.code is not None:
        return xid_verdict(event.code).severity is Severity.CRITICAL
    found = HOST_EVENTS.get(event.name)
    return event.name == DRIVER_ANSWERS or (found is not None and found[0] is Severity.CRITICAL)


def counting(events: Iterable[HostEvent], now_unix_s: float, circumstances: Circumstances = _KNOWN) -> list[HostEvent]:
    """Those that still count.

    An Xid that asks for a reset or a reboot counts until that was done, not until it scrolls away: a reboot takes the
    events of the boot before from what is given here; a reset shows by the GPU's counters beginning anew. Everything
    else counts for an hour. Host clocks differ: what seems to come from the future counts, too.

    Args:
        events: since the host booted and its driver was loaded, oldest first.
        now_unix_s: our clock.
        circumstances: `resets` says which GPUs began anew; `overrides` what the user says of Xids.
    """
    oldest = now_unix_s - EVENT_AGE_S
    return [event for event in events if _counts(event, oldest, circumstances)]


def _counts(event: HostEvent, oldest: float, known: Circumstances) -> bool:
    if event.name != XID or event.code is None:
        return event.t_unix_s > oldest
    verdict, override = xid_verdict(event.code), known.overrides.xids.get(event.code)
    severity = verdict.severity if override is None else override.severity
    if severity is not Severity.CRITICAL:
        return event.t_unix_s > oldest
    if verdict.is_reboot or event.gpu_uuid is None or not known.resets:
        return True
    return event.t_unix_s > known.resets.get((event.host, event.gpu_uuid), float("-inf"))


def gpu_events(
    events: Sequence[HostEvent],
    circumstances: Circumstances = _KNOWN,
    recovery: Mapping[tuple[str, str], str] | None = None,
    now_unix_s: float = 0.0,
) -> pl.DataFrame:
    """One row per GPU that has an Xid which is not to be ignored.

    Args:
        events: those that count.
        circumstances: `dropped` and `inspect` are looked at.
        recovery: what the driver asks for, by host and uuid.
        now_unix_s: our clock.

    Returns:
        Columns of `SCHEMA`: the most urgent Xid in words with its repeat count, and how many other codes there are.
    """
    grouped: defaultdict[tuple[str, str], list[HostEvent]] = defaultdict(list)
    for event in events:
        if event.gpu_uuid is not None and event.name == XID:
            grouped[event.host, event.gpu_uuid].append(event)
    asked = recovery or {}
    return _frame(
        [
            (*key, *_worst(told), *_voice(told))
            for key, found in grouped.items()
            for told in [told_of(found, circumstances, asked.get(key), now_unix_s)]
        ]
    )


def host_events(
    events: Sequence[HostEvent],
    known_gpus: frozenset[tuple[str, str]],
    circumstances: Circumstances = _KNOWN,
    now_unix_s: float = 0.0,
) -> pl.DataFrame:
    """One row per host that has an event of its own, or one of a GPU that is not in the table of GPUs.

    Args:
        events: those that count.
        known_gpus: (host, uuid) of the GPUs whose events are told with the GPU.
        circumstances: `dropped`, `inspect` and `hung` are looked at: a driver that hangs does so however long ago it
            began.
        now_unix_s: our clock.

    Returns:
        Columns of `SCHEMA`, `uuid` empty.
    """
    grouped: defaultdict[str, list[HostEvent]] = defaultdict(list)
    for host in circumstances.hung:
        grouped[host] = []
    for event in events:
        if event.gpu_uuid is None or (event.host, event.gpu_uuid) not in known_gpus:
            grouped[event.host].append(event)
    rows = []
    for host, found in grouped.items():
        told = told_of(found, circumstances, None, now_unix_s)
        if host in circumstances.hung and not any(event.name == DRIVER_HUNG for event in found):
            severity, words = HOST_EVENTS[DRIVER_HUNG]
            told += of_kind(DRIVER_HUNG, severity, words, circumstances)
        rows.append((host, "", *_worst(told), *_voice(told)))
    return _frame(rows)


def _frame(rows: list[tuple[str, str, int, str, int, int, str, str, list[str]]]) -> pl.DataFrame:
    return pl.DataFrame([row for row in rows if row[2] > Severity.WELL], schema=SCHEMA, orient="row")


def _worst(told: Sequence[Told]) -> tuple[int, str, int]:
    """Severity and words of the most urgent kind of event, and how many other kinds there are."""
    if not told:
        return int(Severity.WELL), "", 0
    # Of equally urgent ones the first seen is most often the cause of the others.
    worst = min(told, key=lambda item: item.urgency)
    return int(worst.severity), worst.words, len(told) - 1


def _voice(told: Sequence[Told]) -> tuple[int, str, str, list[str]]:
    """What events ask for together: the greatest remedy, who says so and why, and every kind as evidence."""
    if not told:
        return int(Remedy.NONE), "", "", []
    ordered = sorted(told, key=lambda item: (-item.remedy, item.urgency))
    return int(ordered[0].remedy), ordered[0].source, ordered[0].reason, [item.line for item in ordered]
