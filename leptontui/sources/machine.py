"""One reading of this machine: psutil for the host, the probe's readers for GPUs, filesystems and pressure."""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from leptontui.probe import disks, driver, filesystems, gaps, gpus, host, nics, pressure, processes

_Values = dict[str, Any]

# The probe is not annotated, since it has to run under Python 3.6: what is used of it here is typed as what it is.
_Driver: Any = driver.Driver
_Gpus: Any = gpus.Gpus
_Gaps: Any = gaps.Gaps
_Filesystems: Any = filesystems.FilesystemReader
_Pressure: Any = pressure.PressureReader
_Processes: Any = processes.ProcessReader
_Describer: Any = processes.Describer
_identity: Any = host.identity
_is_whole: Any = disks.is_whole
_chosen: Any = nics.chosen

_DRIVER_WAIT_S = 2.0 * driver.LIMIT_S
_SHORTEST_S = 0.2
"""CPU shares over less than this are noise: the clock ticks every 10 ms."""


class Machine:
    """This machine. Every method may block for a few seconds: call it in a thread.

    Args:
        driver: of the GPUs; made here but in tests.
    """

    def __init__(self, driver: Any = None) -> None:  # noqa: ANN401 — see above
        self._driver = _Driver(gpus=_Gpus(listens=True)) if driver is None else driver
        self._gaps = _Gaps()
        self._filesystems = _Filesystems()
        self._pressure = _Pressure()
        self._processes = _Processes(_Describer())
        self._process = psutil.Process()
        self._process.cpu_percent(None)
        self._is_linux = sys.platform == "linux"
        psutil.cpu_times_percent(None)
        psutil.cpu_percent(None, percpu=True)
        self._cpu_since = time.monotonic()
        # Asked here already, so that the first sweep can have the answers.
        self._gaps.attempt("filesystems", lambda: self._read_filesystems(self._cpu_since), self._cpu_since, None)

    @property
    def version(self) -> tuple[int, int]:
        """Changes when what `identity` says has changed."""
        return self._driver.version, self._gaps.version

    def events(self) -> list[tuple[str, str, str | None, int | None]]:
        """What happened since the last call: (name, text, gpu uuid, Xid)."""
        return list(self._driver.events())

    def identity(self) -> _Values:
        """The wire's `Hello` as a dict, but for its version, time, interval and probe."""
        values: _Values = _identity()
        values.update(
            os=values["os"] or platform.platform(),
            cpu_count=psutil.cpu_count(),
            memory_total_bytes=psutil.virtual_memory().total,
            driver_version=self._driver.driver_version,
            gpus=self._driver.identities,
            unavailable=[
                *self._gaps.listed(),
                *({"what": what, "why": why} for what, why in sorted(self._driver.gaps().items())),
            ],
        )
        return values

    def sweep(self) -> _Values:
        """The wire's `Sweep` as a dict, but for its version and number."""
        started = time.monotonic()
        self._driver.ask()
        self._driver.join(_DRIVER_WAIT_S)
        readings, uses = self._driver.readings()
        self._processes.ask(uses)
        now = time.monotonic()
        load1, load5, load15 = psutil.getloadavg()
        attempt = self._gaps.attempt
        values: _Values = {
            "t_unix_s": time.time(),
            "t_mono_s": now,
            "uptime_s": max(0.0, time.time() - psutil.boot_time()),
            "load1": load1,
            "load5": load5,
            "load15": load15,
            "cpu": attempt("cpu", _cpu, now, {}) if now - self._cpu_since >= _SHORTEST_S else {},
            "memory": attempt("memory", _memory, now, {}),
            "pressure": attempt("pressure", self._pressure.read, now, {}),
            "filesystems": attempt("filesystems", lambda: self._read_filesystems(now), now, []),
            "disks": attempt("disks", self._disks, now, []),
            "nics": attempt("network", self._nics, now, []),
            "gpus": readings,
            "processes": self._processes.rows(uses),
        }
        memory = self._process.memory_info()
        values["probe"] = {
            "cpu_pct": self._process.cpu_percent(None),
            "rss_bytes": memory.rss,
            "sweep_s": time.monotonic() - started,
        }
        return values

    def _read_filesystems(self, now: float) -> list[_Values]:
        if self._is_linux:
            rows: list[_Values] = self._filesystems.read(now)
            return rows
        return [_usage(part.mountpoint, part.device, part.fstype) for part in psutil.disk_partitions(all=False)]

    def _disks(self) -> list[_Values]:
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
            if not self._is_linux or _is_whole(name)
        ]

    def _nics(self) -> list[_Values]:
        counters = psutil.net_io_counters(pernic=True)
        states = psutil.net_if_stats()
        names = _chosen([name for name in counters if name not in ("lo", "lo0")])
        return [_nic(name, counters[name], states.get(name)) for name in counters if name in names]


def _cpu() -> _Values:
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


def _usage(mount: str, device: str, fstype: str) -> _Values:
    row: _Values = {"mount": mount, "device": device, "fstype": fstype}
    if Path(mount).is_dir():
        sizes = psutil.disk_usage(mount)
        answer = os.statvfs(mount)
        row.update(
            total_bytes=sizes.total,
            used_bytes=sizes.used,
            available_bytes=sizes.free,
            inodes_total=answer.f_files or None,
            inodes_used=answer.f_files - answer.f_ffree if answer.f_files else None,
        )
    return row
