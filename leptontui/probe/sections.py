"""What a sweep is made of: one entry per part of it, with the reader that fills it and its name for people."""

from collections import namedtuple

from . import host
from .cpu import CpuReader
from .disks import DiskReader
from .memory import MemoryReader
from .nics import NicReader
from .pressure import PressureReader

Section = namedtuple("Section", "field what read empty")
"""The sweep's `field`, `what` it is for people, `read(now)` and the value where that fails, a dict or list.

A reader with a cadence of its own keeps what it read last. It never blocks: what may is asked in a thread (`Patrol`).
"""


def sections_of(config, wake):  # noqa: ARG001 — for readers that answer late
    """The sections of this host's sweeps.

    Args:
        config: as told at the start: `proc`, `sys` and `etc`, where those are, `services`, `scripts`, `units`.
        wake: called, in another thread, when an answer has come late; None for nothing.
    """
    proc, sys = config.get("proc", "/proc"), config.get("sys", "/sys")
    cpu = CpuReader(proc)
    memory = MemoryReader(proc)
    pressure = PressureReader(proc)
    uptime = host.UptimeReader(proc)
    disks = DiskReader(proc, sys)
    nics = NicReader(proc, sys)
    return [
        Section("uptime_s", "uptime", lambda _: uptime.read(), None),
        Section("cpu", "cpu", lambda _: cpu.read(), {}),
        Section("memory", "memory", lambda _: memory.read(), {}),
        Section("pressure", "pressure", lambda _: pressure.read(), {}),
        Section("disks", "disks", disks.read, []),
        Section("nics", "network", nics.read, []),
    ]
