"""One host as its screen shows it: plain rows, in the units of the catalogue; None is what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leptontui.model.health import Severity
from leptontui.model.link import Link
from leptontui.model.target import HostTarget
from leptontui.view.event_rows import EventRow
from leptontui.view.part_rows import (
    DiskRow,
    FilesystemRow,
    NicRow,
    PortRow,
    ProcessRow,
    SampleRow,
    ServiceRow,
    UnitRow,
)
from leptontui.view.row import gpu_number


@dataclass(frozen=True, slots=True)
class HostVitals:
    """The host's own row. Fields are named as in the catalogue; texts are fit for the screen."""

    group: str | None = None
    received_unix_s: float | None = None
    severity: int | None = None
    health: str | None = None
    findings: tuple[str, ...] | None = None
    gpu_count: int | None = None
    cpu_util_pct: float | None = None
    cpu_user_pct: float | None = None
    cpu_system_pct: float | None = None
    cpu_iowait_pct: float | None = None
    cpu_steal_pct: float | None = None
    cores_pct: tuple[float | None, ...] | None = None
    cpu_count: int | None = None
    load1: float | None = None
    load5: float | None = None
    load15: float | None = None
    pressure_cpu_some_pct: float | None = None
    pressure_memory_some_pct: float | None = None
    pressure_memory_full_pct: float | None = None
    pressure_io_some_pct: float | None = None
    pressure_io_full_pct: float | None = None
    pressure_cpu_some60_pct: float | None = None
    pressure_memory_some60_pct: float | None = None
    pressure_memory_full60_pct: float | None = None
    pressure_io_some60_pct: float | None = None
    pressure_io_full60_pct: float | None = None
    memory_total_bytes: int | None = None
    memory_used_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_used_bytes: int | None = None
    slab_bytes: int | None = None
    hugepages_total_bytes: int | None = None
    hugepages_free_bytes: int | None = None
    oom_kills: int | None = None
    tasks_total: int | None = None
    tasks_running: int | None = None
    tasks_blocked: int | None = None
    tasks_driver_blocked: int | None = None
    tasks_zombies: int | None = None
    pids_max: int | None = None
    fds_used: int | None = None
    fds_max: int | None = None
    host_power_w: float | None = None
    host_power_source: str | None = None
    uptime_s: float | None = None
    kernel: str | None = None
    os: str | None = None
    driver_version: str | None = None
    runtime: str | None = None
    scheduler: str | None = None
    gpus_on_bus: int | None = None
    gpus_expected: int | None = None
    node_state: str | None = None
    partitions: str | None = None
    probe_cpu_pct: float | None = None
    probe_rss_bytes: int | None = None
    probe_sweep_s: float | None = None
    clock_offset_s: float | None = None


@dataclass(frozen=True, slots=True)
class GpuRow:
    """One GPU. Fields are named as in the catalogue and in `snapshot.Frames`."""

    uuid: str
    index: int | None = None
    mig_index: int | None = None
    mig_profile: str | None = None
    parent_uuid: str | None = None
    name: str | None = None
    received_unix_s: float | None = None
    severity: int | None = None
    health: str | None = None
    findings: tuple[str, ...] | None = None
    verdict_rank: int | None = None
    verdict_words: str | None = None
    verdict_source: str | None = None
    state: str | None = None
    user: str | None = None
    job: str | None = None
    util_pct: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    temp_c: float | None = None
    temp_slowdown_c: float | None = None
    power_w: float | None = None
    power_limit_w: float | None = None
    clock_sm_mhz: float | None = None
    clock_sm_max_mhz: float | None = None
    throttle_reasons: int | None = None
    pcie_gen: int | None = None
    pcie_width: int | None = None
    pcie_width_max: int | None = None
    ecc_corrected: int | None = None
    ecc_uncorrected: int | None = None

    @property
    def label(self) -> str:
        """How people call it: "GPU 6", of a MIG instance "GPU 3.1"."""
        return "GPU" if self.index is None else f"GPU {self.number}"

    @property
    def number(self) -> str:
        """Its number on its host, of a MIG instance "3.1"; "?" if it is not known."""
        return gpu_number(self.index, self.mig_index)


@dataclass(frozen=True, slots=True)
class HostPage:
    """Everything the host screen shows of one host, but the chart's series.

    Attributes:
        host: the host's name in the fleet, fit for the screen.
        t_unix_s: when the snapshot was made.
        interval_s: nominal time between two sweeps.
        link: the host's link; None if the fleet has no such host.
        vitals: the host's own values; None if the fleet has no such host.
        gpus: by index, MIG instances after their GPU.
        gpu_values: every value of the catalogue of each GPU, by uuid and column name, fit for the screen.
        filesystems: fullest first.
        disks: by name.
        nics: by name.
        ports: InfiniBand and RoCE ports, by name.
        units: systemd units, those that failed first.
        services: those that are not healthy first.
        samples: by source and series, at most `SAMPLE_LIMIT`.
        samples_total: how many there are.
        processes: by GPU, the one that holds most memory first; at most `PROCESS_LIMIT`.
        processes_total: how many there are.
        events: of this host, newest first, repeated ones counted.
        unavailable: what its probe cannot read and why.
        target: the host as the inventory has it; None if it is not told.
    """

    host: str
    t_unix_s: float
    interval_s: float
    link: Link | None
    vitals: HostVitals | None
    gpus: tuple[GpuRow, ...] = ()
    gpu_values: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    filesystems: tuple[FilesystemRow, ...] = ()
    disks: tuple[DiskRow, ...] = ()
    nics: tuple[NicRow, ...] = ()
    ports: tuple[PortRow, ...] = ()
    units: tuple[UnitRow, ...] = ()
    services: tuple[ServiceRow, ...] = ()
    samples: tuple[SampleRow, ...] = ()
    samples_total: int = 0
    processes: tuple[ProcessRow, ...] = ()
    processes_total: int = 0
    events: tuple[EventRow, ...] = ()
    unavailable: tuple[str, ...] = ()
    target: HostTarget | None = None

    @property
    def severity(self) -> Severity:
        """The host's severity; unknown where nobody has said one."""
        value = self.vitals.severity if self.vitals is not None else None
        return Severity.UNKNOWN if value is None else Severity(value)

    def is_fresh(self, now_unix_s: float) -> bool:
        """Whether the last sweep is younger than three intervals: the same bound that makes a link stale."""
        received = self.vitals.received_unix_s if self.vitals is not None else None
        return received is not None and now_unix_s - received <= max(3 * self.interval_s, 3.0)

    def gpu(self, uuid: str | None) -> GpuRow | None:
        """The GPU of that identity."""
        return next((gpu for gpu in self.gpus if gpu.uuid == uuid), None)


PROCESS_LIMIT = 64
"""A host may run thousands of processes; the screen lists those that hold most GPU memory."""
SAMPLE_LIMIT = 256
"""A metrics page may have thousands of series; the screen lists the first."""

_THROTTLES = (
    # nvml.h, nvmlClocksEventReason*; idle (0x1) and the applications' clocks (0x2) are normal and not named.
    # HW slowdown is set along with either of the two reasons for it, and says less.
    (0x40, "HW thermal"),
    (0x80, "power brake"),
    (0x08, "HW slowdown"),
    (0x20, "SW thermal"),
    (0x04, "power cap"),
    (0x10, "sync boost"),
    (0x100, "display"),
)
THROTTLE_HARDWARE = 0x08 | 0x40 | 0x80
"""The reasons that mean trouble: the hardware protects itself."""


def throttle_words(mask: int | None) -> tuple[str, ...]:
    """What holds a GPU's clocks down, the worst first; empty if nothing does or it is not known.

    Args:
        mask: NVML's bit mask of clock event reasons.
    """
    return tuple(word for bit, word in _THROTTLES if mask is not None and mask & bit)


def known_of(page: HostPage | None, gpu: GpuRow | None) -> dict[str, str]:
    """What is known of a chosen GPU for an action's parameters: its number, and its process if there is only one.

    A MIG instance's number is not one that nvidia-smi takes.
    """
    if gpu is None or gpu.index is None or gpu.mig_index is not None:
        return {}
    pids = [process.pid for process in (page.processes if page is not None else ()) if process.uuid == gpu.uuid]
    pid = {"pid": str(pids[0])} if len(pids) == 1 and pids[0] is not None else {}
    return {"gpu": str(gpu.index), **pid}
