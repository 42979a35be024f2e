"""What each kind of event asks for: in words, with its severity, and as a voice of the verdict."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from leptontui.health.circumstances import Circumstances
from leptontui.health.thresholds import EVENT_AGE_S
from leptontui.health.xid import XidVerdict, judged
from leptontui.model.health import HostEvent, Severity
from leptontui.model.signals import SIGNALS
from leptontui.model.verdict import Remedy

XID: Final = "xid"
SXID: Final = "sxid"
GPU_LOST: Final = "gpu-lost"
DRIVER_HUNG: Final = "driver-hung"
DRIVER_ANSWERS: Final = "driver-answers"
OF_THE_DRIVER: Final = frozenset({XID, SXID, GPU_LOST, DRIVER_HUNG, DRIVER_ANSWERS})
"""What a driver that is loaded anew has left behind."""

_OVER: Final = {DRIVER_HUNG: DRIVER_ANSWERS, "nfs-silent": "nfs-answers"}
"""What ends a state that began with an event."""
HOST_EVENTS: Final[dict[str, tuple[Severity, str]]] = {
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
_SIGNALS: Final = {
    "oom-kill": "oom-kill",
    DRIVER_HUNG: "driver-hung",
    GPU_LOST: "gone-from-bus",
    "readonly-remount": "filesystem-broken",
    "soft-lockup": "cpu-stuck",
    "disk-error": "disk-error",
    "nfs-silent": "nfs-silent",
    "hung-task": "hung-task",
    "nccl-segfault": "nccl-crash",
    "pcie-power": "pcie-power",
    SXID: "nvswitch",
}
"""The signal that an event is, by which its verdict is found."""
_WAS: Final = {DRIVER_HUNG: "GPU driver had hung"}
"""What is still said, as a warning, of a state that is over."""

_FLOOD: Final = re.compile(r"(\d{1,7}) events like this")
_PROCESS: Final = re.compile(r"pid='?(\d{1,10})'?(?:, name=([\w.+:/-]{1,40}))?")
"""In what the kernel's log tells of an Xid: "NVRM: Xid (PCI:0000:3b:00): 31, pid=4711, name=python, Ch 00000010"."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be said of one kind of event.

    Attributes:
        urgency: less is more urgent.
        severity: how bad it is.
        words: what to say.
        remedy: what it asks for.
        source: who says so.
        reason: what was seen, without what to do about it.
    """

    urgency: tuple[int, int]
    severity: Severity
    words: str
    remedy: Remedy
    source: str
    reason: str

    @property
    def line(self) -> str:
        """As evidence of a verdict."""
        return f"{self.reason}: {self.remedy.words} ({self.source})"


def told_of(
    events: Sequence[HostEvent], known: Circumstances, recovery_action: str | None, now_unix_s: float
) -> list[Told]:
    """What is to be said of each kind of event, in the order in which the kinds were first seen.

    Args:
        events: those of one GPU, or of one host's own, that count.
        known: `dropped`, `inspect`, `hung` and `overrides` are looked at.
        recovery_action: what the driver asks for.
        now_unix_s: our clock.
    """
    alike: defaultdict[tuple[str, int | None], list[HostEvent]] = defaultdict(list)
    for event in events:
        alike[event.name, event.code].append(event)
    told: list[Told] = []
    for (name, code), found in alike.items():
        count = sum(map(_times_of, found)) + _dropped(found, known, now_unix_s)
        if name == XID and code is not None:
            is_inspection = (found[0].host, code) in known.inspect
            verdict = judged(
                code,
                recovery_action=recovery_action,
                is_inspection=is_inspection,
                override=known.overrides.xids.get(code),
            )
            told.append(_of_xid(verdict, found, count, now_unix_s))
        elif name == SXID:
            told += _of_sxid(code, found, count, known)
        elif name in HOST_EVENTS:
            severity, words = HOST_EVENTS[name]
            if _is_over(name, found[0].host, events, known):
                severity, words = (Severity.WARNING, _WAS[name]) if name in _WAS else (Severity.WELL, "")
            told += of_kind(name, severity, _times(words, count), known)
    return [item for item in told if item.severity > Severity.WELL]


def of_kind(name: str, severity: Severity, words: str, known: Circumstances) -> list[Told]:
    """An event that is no Xid; nothing if it is over, or the user wants none of it."""
    if severity is Severity.WELL:
        return []
    signal = SIGNALS[_SIGNALS[name]]
    # What is over asks for nothing but attention.
    remedy = signal.remedy if severity is HOST_EVENTS.get(name, (severity, ""))[0] else Remedy.WATCH
    source = signal.source
    override = known.overrides.signals.get(_SIGNALS[name])
    if override is not None:
        if override.remedy is Remedy.NONE:
            return []
        remedy, source, severity = override.remedy, override.voice, override.severity
    return [Told((-severity, 0), severity, words, remedy, source, words)]


def _of_xid(verdict: XidVerdict, events: Sequence[HostEvent], count: int, now_unix_s: float) -> Told:
    """An Xid. Whether the reset that an old one of the backlog asked for was done before we came is not known."""
    is_old = all(event.is_backlog and event.t_unix_s <= now_unix_s - EVENT_AGE_S for event in events)
    if is_old and verdict.severity is Severity.CRITICAL and not verdict.is_reboot and verdict.source != "driver":
        words = f"{verdict.words(count)}, before we connected"
        reason = f"{verdict.head(count)} before we connected, perhaps mended since"
        return Told((-Severity.WARNING, 0), Severity.WARNING, words, Remedy.WATCH, verdict.source, reason)
    is_of_process = verdict.remedy is Remedy.RESTART_APPLICATION
    reason = verdict.head(count) + (_process_of(events) if is_of_process else "")
    return Told(verdict.urgency, verdict.severity, verdict.words(count), verdict.remedy, verdict.source, reason)


def _process_of(events: Sequence[HostEvent]) -> str:
    """The process that the newest of them names: ", python (pid 4711)"; "" if none does."""
    for event in reversed(events):
        if (found := _PROCESS.search(event.text)) is not None:
            name = found[2] or "process"
            return f", {name} (pid {found[1]})"
    return ""


def _of_sxid(code: int | None, events: Sequence[HostEvent], count: int, known: Circumstances) -> list[Told]:
    """An SXid: fatal ones are critical. NVIDIA's Fabric Manager guide; the line says which it is."""
    is_fatal = any("fatal" in event.text.lower() and "non-fatal" not in event.text.lower() for event in events)
    severity = Severity.CRITICAL if is_fatal else Severity.WARNING
    name = f"NVSwitch SXid {code}" if code is not None else "NVSwitch SXid"
    told = of_kind(SXID, severity, _times(name, count), known)
    if is_fatal or _SIGNALS[SXID] in known.overrides.signals:
        return told
    return [replace(item, remedy=Remedy.WATCH) for item in told]


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
