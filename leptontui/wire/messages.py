"""The three messages: hello, sweep and event."""

from __future__ import annotations

import msgspec

from leptontui.wire.gpu import GpuDetails, GpuIdentity, GpuProcess, GpuReading
from leptontui.wire.host import (
    Cpu,
    Disk,
    Filesystem,
    IbPort,
    Memory,
    Nic,
    Power,
    Pressure,
    ProbeCost,
    Sample,
    Service,
    Tasks,
    Unavailable,
    Unit,
)
from leptontui.wire.limits import Some


class Hello(msgspec.Struct, frozen=True, tag_field="kind", tag="hello", omit_defaults=True):
    """What does not change about a host between two boots. `v` is the protocol's version.

    `runtime` is what the probe runs in: "python" or "sh". `gpus_on_bus` counts the PCI devices that are GPUs,
    whatever the driver says. `scheduler` is what runs jobs there: "slurm", "kubernetes".
    """

    v: int
    t_unix_s: float
    hostname: str
    boot_id: str | None = None
    kernel: str | None = None
    os: str | None = None
    arch: str | None = None
    python: str | None = None
    probe: str | None = None
    runtime: str | None = None
    user: str | None = None
    interval_s: float = 1.0
    cpu_model: str | None = None
    cpu_count: int | None = None
    memory_total_bytes: int | None = None
    driver_version: str | None = None
    scheduler: str | None = None
    gpus_on_bus: int | None = None
    gpus: Some[GpuIdentity] = ()
    unavailable: Some[Unavailable] = ()


class Sweep(msgspec.Struct, frozen=True, tag_field="kind", tag="sweep", omit_defaults=True):
    """Everything one host said at one instant.

    `t_unix_s` and `t_mono_s` are the host's clocks; `seq` grows by one per sweep of one probe. A sweep with
    `is_history` was recorded before the link existed: it fills charts and never counts as fresh. With
    `is_driver_hung` nothing is known of the GPUs: that they are not listed does not mean that they are gone.
    """

    v: int
    seq: int
    t_unix_s: float
    t_mono_s: float
    uptime_s: float | None = None
    is_history: bool = False
    is_driver_hung: bool = False
    load1: float | None = None
    load5: float | None = None
    load15: float | None = None
    cpu: Cpu = Cpu()
    memory: Memory = Memory()
    pressure: Pressure = Pressure()
    tasks: Tasks = Tasks()
    power: Power = Power()
    filesystems: Some[Filesystem] = ()
    disks: Some[Disk] = ()
    nics: Some[Nic] = ()
    ib_ports: Some[IbPort] = ()
    units: Some[Unit] = ()
    services: Some[Service] = ()
    samples: Some[Sample] = ()
    gpus: Some[GpuReading] = ()
    gpu_details: Some[GpuDetails] = ()
    processes: Some[GpuProcess] = ()
    probe: ProbeCost = ProbeCost()


class Event(msgspec.Struct, frozen=True, tag_field="kind", tag="event", omit_defaults=True):
    """Something that happened, pushed at once; with `is_backlog` before the probe was started.

    `name` is one of `leptontui.model.health.EVENTS`; `code` the Xid's or SXid's number; `pci_bus_id` says where, for
    a GPU that is not known by its uuid.
    """

    v: int
    t_unix_s: float
    name: str
    gpu_uuid: str | None = None
    code: int | None = None
    text: str = ""
    is_backlog: bool = False
    pci_bus_id: str | None = None


Message = Hello | Sweep | Event


class Received(msgspec.Struct, frozen=True):
    """A message with the host it came from and when it was received, by our own clocks."""

    host: str
    message: Message
    t_unix_s: float
    t_mono_s: float
