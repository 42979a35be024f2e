"""What a sweep is made of: one entry per part of it, with the reader that fills it and its name for people."""

from . import host
from .cpu import CpuReader
from .disks import DiskReader
from .filesystems import FilesystemReader
from .infiniband import PortReader
from .memory import MemoryReader
from .nics import NicReader
from .power import PowerReader
from .pressure import PressureReader
from .scripts import ScriptReader
from .services import ServiceReader
from .tasks import TaskReader
from .units import BOOTED, UnitReader


class Section:
    """One part of the sweep.

    A reader with a cadence of its own keeps what it read last. It never blocks: what may is asked in a thread
    (`Patrol`).

    Args:
        what: what it is for people.
        read: called with the monotonic time; returns the sweep's fields as a dict.
        empty: what stands for it where that fails.
        gaps: returns {what: why} of what of it cannot be read; valid after `read`.
        is_idle: whether nothing that was asked is yet to be answered.
        close: ends what was started for it.
    """

    def __init__(self, what, read, empty, gaps=dict, is_idle=None, close=None):
        self.what = what
        self.read = read
        self.empty = empty
        self.gaps = gaps
        self.is_idle = is_idle
        self.close = close


def simple(field, what, read, empty):
    """A section of one field that answers at once.

    Args:
        field: the sweep's.
        what: what it is for people.
        read: called with the monotonic time; returns the field's value.
        empty: what stands for it where that fails.
    """
    return Section(what, lambda now: {field: read(now)}, {field: empty})


def late(field, what, reader, empty, gaps=dict):
    """A section of one field whose reader asks in a thread; see `simple`."""
    return Section(what, lambda now: {field: reader.read(now)}, {field: empty}, gaps, lambda: reader.is_idle)


def _watched(config, wake):
    """What the inventory has watched: services and scripts. Nothing where it names none."""
    services, scripts = ServiceReader(config.get("services"), wake), ScriptReader(config.get("scripts"), wake)

    def read(now):
        rows, samples = services.read(now)
        return {"services": rows, "samples": samples + scripts.read(now)}

    return Section(
        "services and scripts",
        read,
        {"services": [], "samples": []},
        lambda: scripts.gaps,
        # They are not waited for: a script may take minutes.
        None,
        scripts.close,
    )


def sections_of(config, wake):
    """The sections of this host's sweeps, but for GPUs and their processes.

    Args:
        config: as told at the start: `proc`, `sys` and `etc`, where those are, `services`, `scripts`, `units`.
        wake: called, in another thread, when an answer has come late; None for nothing.
    """
    proc, sys = config.get("proc", "/proc"), config.get("sys", "/sys")
    load, uptime = host.LoadReader(proc), host.UptimeReader(proc)
    cpu, memory, pressure = CpuReader(proc), MemoryReader(proc), PressureReader(proc)
    tasks = TaskReader(proc)
    return [
        Section("load", lambda _: load.read(), {}),
        simple("uptime_s", "uptime", lambda _: uptime.read(), None),
        simple("cpu", "cpu", cpu.read, {}),
        simple("memory", "memory", memory.read, {}),
        simple("pressure", "pressure", pressure.read, {}),
        Section("tasks", lambda now: {"tasks": tasks.read(now)}, {"tasks": {}}, lambda: tasks.gaps),
        simple("disks", "disks", DiskReader(proc, sys).read, []),
        simple("nics", "network", NicReader(proc, sys).read, []),
        *late_sections(config, wake),
        _watched(config, wake),
    ]


def late_sections(config, wake):
    """Those of `sections_of` that ask in threads of their own; see there."""
    proc, sys = config.get("proc", "/proc"), config.get("sys", "/sys")
    filesystems, ports = FilesystemReader(proc, wake), PortReader(sys, wake)
    units = UnitReader(config.get("units") or (), wake, booted=config.get("booted", BOOTED), sys=sys)
    return [
        late("filesystems", "filesystems", filesystems, [], filesystems.silent),
        late("ib_ports", "infiniband", ports, [], lambda: ports.gaps),
        late("units", "units", units, []),
        late("power", "power", PowerReader(sys, wake), {}),
    ]
