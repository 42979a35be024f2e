"""Events that still count as findings, by GPU and by host."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import polars as pl

from leptontui.health.circumstances import Circumstances
from leptontui.health.thresholds import EVENT_AGE_S
from leptontui.health.xid import XidVerdict, judged, xid_verdict
from leptontui.model.health import HostEvent, Severity

XID: Final = "xid"
SXID: Final = "sxid"
GPU_LOST: Final = "gpu-lost"
DRIVER_HUNG: Final = "driver-hung"
DRIVER_ANSWERS: Final = "driver-answers"
OF_THE_DRIVER: Final = frozenset({XID, SXID, GPU_LOST, DRIVER_HUNG, DRIVER_ANSWERS})
"""What a driver that is loaded anew has left behind."""

_OVER: Final = {DRIVER_HUNG: DRIVER_ANSWERS, "nfs-silent": "nfs-answers"}
"""What ends a state that began with an event."""
_HOST_EVENTS: Final[dict[str, tuple[Severity, str]]] = {
    "oom-kill": (Severity.CRITICAL, "OOM kill"),
    DRIVER_HUNG: (Severity.CRITICAL, "GPU driver hung"),
    GPU_LOST: (Severity.CRITICAL, "a GPU is off the bus"),
    "readonly-remount": (Severity.CRITICAL, "filesystem went read-only"),
    "soft-lockup": (Severity.CRITICAL, "a CPU was stuck"),
    "disk-error": (Severity.CRITICAL, "disk error"),
    "nfs-silent": (Severity.WARNING, "NFS server does not answer"),
    "hung-task": (Severity.WARNING, "a process hangs in the kernel"),
    "nccl-segfault": (Severity.WARNING, "crash inside NCCL"),
    "pcie-power": (Severity.WARNING, "a GPU gets too little slot power"),
}
"""What events other than Xids and SXids mean for a host. One that is not named here informs and is no finding."""
_WAS: Final = {DRIVER_HUNG: "GPU driver had hung"}
"""What is still said, as a warning, of a state that is over."""

SCHEMA: Final = {
    "host": pl.String(),
    "uuid": pl.String(),
    "event_severity": pl.Int8(),
    "event": pl.String(),
    "event_more": pl.Int32(),
}

_FLOOD: Final = re.compile(r"(\d{1,7}) events like this")
Told = tuple[tuple[int, int], Severity, str]
"""How urgent (less is more), how bad, and the words."""
_KNOWN: Final = Circumstances()


def is_protected(event: HostEvent) -> bool:
    """Whether an event is so bad that others are dropped before it where there are too many."""
    if event.name == XID and event.code is not None:
        return xid_verdict(event.code).severity is Severity.CRITICAL
    found = _HOST_EVENTS.get(event.name)
    return event.name == DRIVER_ANSWERS or (found is not None and found[0] is Severity.CRITICAL)


def counting(events: Iterable[HostEvent], now_unix_s: float, circumstances: Circumstances = _KNOWN) -> list[HostEvent]:
    """Those that still count.

    An Xid that asks for a reset or a reboot counts until that was done, not until it scrolls away: a reboot takes the
    events of the boot before from what is given here; a reset shows by the GPU's counters beginning anew. Everything
    else counts for an hour. Host clocks differ: what seems to come from the future counts, too.

    Args:
        events: since the host booted and its driver was loaded, oldest first.
        now_unix_s: our clock.
        circumstances: `resets` says which GPUs began anew.
    """
    oldest = now_unix_s - EVENT_AGE_S
    return [event for event in events if _counts(event, oldest, circumstances.resets)]


def _counts(event: HostEvent, oldest: float, resets: Mapping[tuple[str, str], float]) -> bool:
    if event.name != XID or event.code is None:
        return event.t_unix_s > oldest
    verdict = xid_verdict(event.code)
    if verdict.severity is not Severity.CRITICAL:
        return event.t_unix_s > oldest
    if verdict.is_reboot or event.gpu_uuid is None or not resets:
        return True
    return event.t_unix_s > resets.get((event.host, event.gpu_uuid), float("-inf"))


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
        [(*key, *_worst(_told(found, circumstances, asked.get(key), now_unix_s))) for key, found in grouped.items()]
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
        told = _told(found, circumstances, None, now_unix_s)
        if host in circumstances.hung and not any(event.name == DRIVER_HUNG for event in found):
            severity, words = _HOST_EVENTS[DRIVER_HUNG]
            told.append(((-severity, 0), severity, words))
        rows.append((host, "", *_worst(told)))
    return _frame(rows)


def _frame(rows: list[tuple[str, str, int, str, int]]) -> pl.DataFrame:
    return pl.DataFrame([row for row in rows if row[2] > Severity.WELL], schema=SCHEMA, orient="row")


def _told(
    events: Sequence[HostEvent], known: Circumstances, recovery_action: str | None, now_unix_s: float
) -> list[Told]:
    """What is to be said of each kind of event, in the order in which the kinds were first seen."""
    alike: defaultdict[tuple[str, int | None], list[HostEvent]] = defaultdict(list)
    for event in events:
        alike[event.name, event.code].append(event)
    told: list[Told] = []
    for (name, code), found in alike.items():
        count = sum(map(_times_of, found)) + _dropped(found, known, now_unix_s)
        if name == XID and code is not None:
            is_inspection = (found[0].host, code) in known.inspect
            verdict = judged(code, recovery_action=recovery_action, is_inspection=is_inspection)
            told.append(_of_xid(verdict, found, count, now_unix_s))
        elif name == SXID:
            told.append(_of_sxid(code, found, count))
        elif name in _HOST_EVENTS:
            severity, words = _HOST_EVENTS[name]
            if _is_over(name, found[0].host, events, known):
                severity, words = (Severity.WARNING, _WAS[name]) if name in _WAS else (Severity.WELL, "")
            told.append(((-severity, 0), severity, _times(words, count)))
    return [item for item in told if item[1] > Severity.WELL]


def _worst(told: Sequence[Told]) -> tuple[int, str, int]:
    """Severity and words of the most urgent kind of event, and how many other kinds there are."""
    if not told:
        return int(Severity.WELL), "", 0
    # Of equally urgent ones the first seen is most often the cause of the others.
    _, worst, first = min(told, key=lambda item: item[0])
    return int(worst), first, len(told) - 1


def _of_xid(verdict: XidVerdict, events: Sequence[HostEvent], count: int, now_unix_s: float) -> Told:
    """An Xid. Whether the reset that an old one of the backlog asked for was done before we came is not known."""
    is_old = all(event.is_backlog and event.t_unix_s <= now_unix_s - EVENT_AGE_S for event in events)
    if is_old and verdict.severity is Severity.CRITICAL and not verdict.is_reboot and verdict.source != "driver":
        return (-Severity.WARNING, 0), Severity.WARNING, f"{verdict.words(count)}, before we connected"
    return verdict.urgency, verdict.severity, verdict.words(count)


def _of_sxid(code: int | None, events: Sequence[HostEvent], count: int) -> Told:
    """An SXid: fatal ones are critical. NVIDIA's Fabric Manager guide; the line says which it is."""
    is_fatal = any("fatal" in event.text.lower() and "non-fatal" not in event.text.lower() for event in events)
    severity = Severity.CRITICAL if is_fatal else Severity.WARNING
    name = f"NVSwitch SXid {code}" if code is not None else "NVSwitch SXid"
    return (-severity, 0), severity, _times(name, count)


def _times_of(event: HostEvent) -> int:
    """How many occurrences an event stands for: a probe tells a flood's as one, with their number in front."""
    match = _FLOOD.match(event.text)
    return int(match.group(1)) if match else 1


def _times(words: str, count: int) -> str:
    return f"{words} ×{count}" if count > 1 else words


def _dropped(events: Sequence[HostEvent], known: Circumstances, now_unix_s: float) -> int:
    """How many more of the same kind were counted and are not kept."""
    if not known.dropped:
        return 0
    kinds = {(event.host, event.name, event.code, event.gpu_uuid) for event in events}
    found = [known.dropped[kind] for kind in kinds if kind in known.dropped]
    return sum(gone.count for gone in found if gone.newest_unix_s > now_unix_s - EVENT_AGE_S)


def _is_over(name: str, host: str, events: Sequence[HostEvent], known: Circumstances) -> bool:
    """Whether a state that an event began has ended since; events come oldest first."""
    if name not in _OVER or (name == DRIVER_HUNG and host in known.hung):
        return False
    last = next(event.name for event in reversed(events) if event.name in {name, _OVER[name]})
    return last != name
