"""What psutil tells of this machine where it is not a Linux: the sections of a sweep for any system."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from leptontui.probe import nics, sections

_Values = dict[str, Any]

# The probe is not annotated, since it has to run under Python 3.6: what is used of it here is typed as what it is.
_section: Callable[..., Any] = sections.simple
_Section: Callable[..., Any] = sections.Section
_chosen: Callable[[list[str]], frozenset[str]] = nics.chosen

_SHORTEST_S = 0.2
"""CPU shares over less than this are noise: the clock ticks every 10 ms."""


def portable_sections() -> list[Any]:
    """The sections that any system has; what it cannot tell is left out."""
    return [
        _Section("load", lambda _: _load(), {}),
        _section("uptime_s", "uptime", lambda _: max(0.0, time.time() - psutil.boot_time()), None),
        _section("cpu", "cpu", _Cpu().read, {}),
        _section("memory", "memory", lambda _: _memory(), {}),
        _section("tasks", "tasks", lambda _: {"total": len(psutil.pids())}, {}),
        _section("disks", "disks", lambda _: _disks(), []),
        _section("nics", "network", lambda _: _nics(), []),
        _section("filesystems", "filesystems", lambda _: _filesystems(), []),
    ]


def _load() -> _Values:
    load1, load5, load15 = psutil.getloadavg()
    return {"load1": load1, "load5": load5, "load15": load15}


class _Cpu:
    def __init__(self) -> None:
        psutil.cpu_times_percent(None)
        psutil.cpu_percent(None, percpu=True)
        self._since = time.monotonic()

    def read(self, now: float) -> _Values:
        if now - self._since < _SHORTEST_S:
            return {}
        self._since = now
        times = psutil.cpu_times_percent(None)
        iowait = getattr(times, "iowait", None)
        interrupts = getattr(times, "irq", 0.0) + getattr(times, "softirq", 0.0)
        return {
            "util_pct": max(0.0, 100.0 - times.idle - (iowait or 0.0)),
            "user_pct": times.user + getattr(times, "nice", 0.0),
            "system_pct": times.system + interrupts,
            "iowait_pct": iowait,
            "steal_pct": getattr(times, "steal", None),
            "cores_pct": psutil.cpu_percent(None, percpu=True),
        }


def _memory() -> _Values:
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return {
        "total_bytes": memory.total,
        "available_bytes": memory.available,
        "used_bytes": memory.total - memory.available,
        "swap_total_bytes": swap.total,
        "swap_used_bytes": swap.used,
    }


def _disks() -> list[_Values]:
    counters = psutil.disk_io_counters(perdisk=True) or {}
    return [
        {
            "device": name,
            "read_bytes": disk.read_bytes,
            "write_bytes": disk.write_bytes,
            "read_ops": disk.read_count,
            "write_ops": disk.write_count,
            # Milliseconds, where the system tells.
            "busy_s": disk.busy_time / 1000.0 if hasattr(disk, "busy_time") else None,
        }
        for name, disk in counters.items()
    ]


def _nics() -> list[_Values]:
    counters = psutil.net_io_counters(pernic=True)
    states = psutil.net_if_stats()
    names = _chosen([name for name in counters if name not in ("lo", "lo0")])
    return [_nic(name, counters[name], states.get(name)) for name in counters if name in names]


def _nic(name: str, counters: Any, state: Any) -> _Values:  # noqa: ANN401 — psutil's named tuples differ by system
    return {
        "nic": name,
        "is_up": None if state is None else state.isup,
        # psutil says 0 where the speed is not known.
        "speed_mbit": (state.speed or None) if state is not None else None,
        "rx_bytes": counters.bytes_recv,
        "tx_bytes": counters.bytes_sent,
        "rx_errors": counters.errin,
        "tx_errors": counters.errout,
        "rx_dropped": counters.dropin,
        "tx_dropped": counters.dropout,
    }


def _filesystems() -> list[_Values]:
    return [_filesystem(part) for part in psutil.disk_partitions(all=False)]


def _filesystem(part: Any) -> _Values:  # noqa: ANN401 — psutil's named tuples differ by system
    row: _Values = {"mount": part.mountpoint, "device": part.device, "fstype": part.fstype}
    row["is_readonly"] = "ro" in part.opts.split(",")
    if Path(part.mountpoint).is_dir():
        sizes = psutil.disk_usage(part.mountpoint)
        answer = os.statvfs(part.mountpoint)
        row.update(
            total_bytes=sizes.total,
            used_bytes=sizes.used,
            available_bytes=sizes.free,
            inodes_total=answer.f_files or None,
            inodes_used=answer.f_files - answer.f_ffree if answer.f_files else None,
        )
    return row
