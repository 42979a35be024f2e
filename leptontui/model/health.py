"""Severity of what is wrong, and events a host pushed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final


class Severity(IntEnum):
    """How bad it is; worse is greater, so that sorting puts the worst first."""

    WELL = 0
    UNKNOWN = 1
    """Nothing fresh is known: stale, lost, refused or never seen."""
    WARNING = 2
    PREDICTED = 3
    """Well now, a forecast crosses a threshold."""
    CRITICAL = 4

    @property
    def glyph(self) -> str:
        """The sign that stands for it everywhere; colour never carries the meaning alone."""
        return _GLYPHS[self]


_GLYPHS = {
    Severity.WELL: "●",
    Severity.UNKNOWN: "◌",
    Severity.WARNING: "▲",
    Severity.PREDICTED: "◆",
    Severity.CRITICAL: "✖",
}


@dataclass(frozen=True, slots=True)
class HostEvent:
    """Something a host pushed the moment it happened.

    Attributes:
        host: the host's name in the fleet.
        t_unix_s: when, by our own clock.
        name: one of `EVENTS`.
        gpu_uuid: the GPU it is about, None for the host.
        code: the Xid's number, None otherwise.
        text: the line as the host said it, stripped of control characters.
        is_backlog: it happened before we connected, and was found in the kernel's log.
        pci_bus_id: where, for a GPU whose uuid is not known; None otherwise.
    """

    host: str
    t_unix_s: float
    name: str
    gpu_uuid: str | None
    code: int | None
    text: str
    is_backlog: bool = False
    pci_bus_id: str | None = None


EVENTS: Final[dict[str, str]] = {
    "xid": "The NVIDIA driver reported an Xid error.",
    "sxid": "An NVSwitch reported an SXid error.",
    "gpu-lost": "A GPU does not answer any more.",
    "driver-hung": "The GPU driver does not answer.",
    "driver-answers": "The GPU driver answers again.",
    "pcie-power": "A GPU gets too little power from its slot.",
    "hung-task": "A process was blocked for minutes.",
    "soft-lockup": "A CPU was stuck in the kernel.",
    "oom-kill": "A process was killed for lack of memory.",
    "readonly-remount": "A filesystem went read-only after an error.",
    "disk-error": "A disk timed out, was reset or failed to read or write.",
    "nfs-silent": "An NFS server does not answer.",
    "nfs-answers": "An NFS server answers again.",
    "nccl-segfault": "A process crashed inside NCCL.",
    "clock-jump": "The host's clock was set.",
    "probe-restarted": "The probe was started again.",
}
"""What hosts push, by name."""
