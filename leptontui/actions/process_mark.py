"""A mark by which a process is told from every other, here and after a reboot; and whether it is gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final

_PARTS: Final = 4
_START_FIELD: Final = 19
"""starttime, by proc(5) the 22nd field of /proc/PID/stat: the 20th after the name in brackets."""


def own_mark() -> str:
    """The mark of this process: machine, boot, process id and its start; "" where there is no /proc."""
    boot, start = _boot_id(), _start_of(os.getpid())
    return f"{socket.gethostname()} {boot} {os.getpid()} {start}" if boot and start else ""


def is_gone(mark: str) -> bool:
    """Whether the process of this mark has certainly ended; of other machines' nothing is known."""
    parts = mark.split(" ")
    if len(parts) != _PARTS or parts[0] != socket.gethostname():
        return False
    boot = _boot_id()
    if not boot or not (parts[2].isascii() and parts[2].isdecimal()):
        return False
    return parts[1] != boot or parts[3] != _start_of(int(parts[2]))


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _start_of(pid: int) -> str:
    """When a process started, in ticks since the boot; "" if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return fields[_START_FIELD] if len(fields) > _START_FIELD else ""
