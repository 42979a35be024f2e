"""What a simulated host's probe says: `wire` messages made from the physical state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from leptontui import wire
from leptontui.demo import extras, physics
from leptontui.demo.layout import (
    CPU_COUNT,
    GIB,
    GPU_MEMORY_BYTES,
    HOST_MEMORY_BYTES,
    SimulatedHost,
    bus_id,
)
from leptontui.demo.units import UnitState
from leptontui.demo.work import work_of

DRIVER: Final = "580.159.03"
KERNEL: Final = "6.8.0-85-generic"
OS: Final = "Ubuntu 24.04.3 LTS"
MEMORY_MAX_C: Final = 95.0
_ROOT_BYTES: Final = 440 * GIB
_SCRATCH_BYTES: Final = 28_000 * GIB


def hello(host: SimulatedHost, *, t_unix_s: float, boot_id: str, interval_s: float) -> wire.Hello:
    """What does not change about `host` between two boots."""
    gpus = tuple(
        wire.GpuIdentity(
            index=index,
            uuid=uuid,
            vendor="nvidia",
            name="NVIDIA H100 80GB HBM3",
            serial=f"16524{host.index:05d}{index:03d}",
            pci_bus_id=bus_id(index),
            vbios="96.00.CF.00.02",
            memory_total_bytes=GPU_MEMORY_BYTES,
            power_limit_w=physics.LIMIT_W,
            temp_slowdown_c=physics.SLOWDOWN_C,
            temp_shutdown_c=physics.SHUTDOWN_C,
            temp_memory_max_c=MEMORY_MAX_C,
            clock_sm_max_mhz=physics.CLOCK_MAX_MHZ,
            clock_mem_max_mhz=physics.CLOCK_MEMORY_MHZ,
            pcie_gen_max=5,
            pcie_width_max=16,
        )
        for index, uuid in enumerate(host.gpu_uuids)
    )
    return wire.Hello(
        v=wire.VERSION,
        t_unix_s=t_unix_s,
        hostname=host.name,
        boot_id=boot_id,
        kernel=KERNEL,
        os=OS,
        arch="x86_64",
        python="3.12.3",
        probe="demo",
        runtime="python",
        user="demo",
        scheduler="slurm",
        gpus_on_bus=len(gpus),
        interval_s=interval_s,
        cpu_model="Intel(R) Xeon(R) Platinum 8462Y+",
        cpu_count=CPU_COUNT,
        memory_total_bytes=HOST_MEMORY_BYTES,
        driver_version=DRIVER,
        gpus=gpus,
    )


def sweep(
    host: SimulatedHost,
    state: physics.State,
    *,
    seq: int,
    t_unix_s: float,
    boot_unix_s: float,
    units: Sequence[UnitState],
    is_history: bool,
) -> wire.Sweep:
    """Everything `host` says at one instant.

    Args:
        host: which host.
        state: what is the case now.
        seq: the sweep's number.
        t_unix_s: when.
        boot_unix_s: when the host was booted.
        units: its systemd units.
        is_history: see `wire.Sweep`.
    """
    row = dict(zip(physics.HOST_COLUMNS, state.hosts[host.index].tolist(), strict=True))
    gpus = state.gpus[host.index].tolist()
    present = state.is_present[host.index].tolist()
    uptime_s = t_unix_s - boot_unix_s
    told_now = {} if is_history else _told_now(host, row, state, units, t_unix_s=t_unix_s, uptime_s=uptime_s)
    return wire.Sweep(
        v=wire.VERSION,
        seq=seq,
        t_unix_s=round(t_unix_s, 3),
        t_mono_s=round(uptime_s, 3),
        uptime_s=round(uptime_s, 2),
        is_history=is_history,
        load1=row["load1"],
        load5=row["load5"],
        load15=row["load15"],
        cpu=_cpu(row, state.cores_pct[host.index].tolist()),
        memory=_memory(row),
        pressure=_pressure(row),
        filesystems=_filesystems(row),
        disks=_disks(row),
        nics=_nics(row),
        gpus=tuple(
            _gpu(uuid, values) for uuid, values, here in zip(host.gpu_uuids, gpus, present, strict=True) if here
        ),
        power=extras.power(row, gpus),
        probe=wire.ProbeCost(cpu_pct=0.2, rss_bytes=14_680_064, sweep_s=0.004),
        **told_now,
    )


def _told_now(
    host: SimulatedHost,
    row: dict[str, float],
    state: physics.State,
    units: Sequence[UnitState],
    *,
    t_unix_s: float,
    uptime_s: float,
) -> dict[str, Any]:
    """What is of interest now only, and left out of history: there are ten minutes of it to be read at the start."""
    gpus, present = state.gpus[host.index].tolist(), state.is_present[host.index].tolist()
    is_used = (state.is_present[host.index] & ~state.is_idle[host.index]).tolist()
    services = extras.services(host, units, t_unix_s)
    return {
        "processes": _processes(host, gpus, is_used, units),
        "tasks": extras.tasks(host, row),
        "ib_ports": extras.ib_ports(row),
        "units": extras.units(units, t_unix_s),
        "services": services,
        "samples": extras.samples(host, gpus, services),
        "gpu_details": tuple(extras.details(host, row, present, t_unix_s=t_unix_s, uptime_s=uptime_s)),
    }


def _gpu(uuid: str, values: Sequence[float]) -> wire.GpuReading:
    util, memory_util, memory_used, temp, temp_memory, power, clock, reasons, ecc = values
    return wire.GpuReading(
        uuid=uuid,
        util_pct=util,
        memory_util_pct=memory_util,
        memory_used_bytes=int(memory_used),
        temp_c=temp,
        temp_margin_c=round(physics.SLOWDOWN_C - temp, 1),
        temp_memory_c=temp_memory,
        power_w=power,
        power_limit_w=physics.LIMIT_W,
        pstate=0,
        clock_sm_mhz=clock,
        clock_mem_mhz=physics.CLOCK_MEMORY_MHZ,
        throttle_reasons=int(reasons),
        pcie_gen=5,
        pcie_width=16,
        pcie_replays=0,
        ecc_corrected=int(ecc),
        ecc_uncorrected=0,
    )


def _processes(
    host: SimulatedHost, gpus: Sequence[Sequence[float]], is_used: Sequence[bool], units: Sequence[UnitState]
) -> tuple[wire.GpuProcess, ...]:
    work = work_of(host, units)
    if work is None:
        return ()
    used_column = physics.GPU_COLUMNS.index("memory_used_bytes")
    driver_bytes = 620 * (1 << 20)
    return tuple(
        wire.GpuProcess(
            uuid,
            work.first_pid + index,
            work.user,
            work.command,
            work.job,
            step=None if work.job is None else "0",
            memory_used_bytes=int(gpus[index][used_column]) - driver_bytes,
        )
        for index, uuid in enumerate(host.gpu_uuids)
        if is_used[index]
    )


def _cpu(row: dict[str, float], cores: list[float]) -> wire.Cpu:
    total, system = row["cpu_util_pct"], row["cpu_system_pct"]
    return wire.Cpu(
        util_pct=total,
        user_pct=round(total - system, 1),
        system_pct=system,
        iowait_pct=row["cpu_iowait_pct"],
        steal_pct=0.0,
        cores_pct=tuple(cores),
    )


def _memory(row: dict[str, float]) -> wire.Memory:
    used = int(row["memory_used_bytes"])
    return wire.Memory(
        total_bytes=HOST_MEMORY_BYTES,
        available_bytes=HOST_MEMORY_BYTES - used,
        used_bytes=used,
        swap_total_bytes=0,
        swap_used_bytes=0,
        slab_bytes=14 * GIB,
        hugepages_total_bytes=extras.HUGE_PAGES_BYTES,
        hugepages_free_bytes=extras.HUGE_PAGES_BYTES // 2,
        oom_kills=0,
    )


def _pressure(row: dict[str, float]) -> wire.Pressure:
    memory = row["memory_pressure_pct"]
    return wire.Pressure(
        cpu_some_pct=0.0,
        memory_some_pct=memory,
        memory_full_pct=round(memory / 3.0, 2),
        io_some_pct=row["cpu_iowait_pct"],
        io_full_pct=0.0,
        cpu_some60_pct=0.0,
        memory_some60_pct=memory,
        memory_full60_pct=round(memory / 3.0, 2),
        io_some60_pct=row["cpu_iowait_pct"],
        io_full60_pct=0.0,
    )


def _filesystems(row: dict[str, float]) -> tuple[wire.Filesystem, ...]:
    places = (
        ("/", "/dev/nvme0n1p2", "ext4", _ROOT_BYTES, 61 * GIB, 29_000_000, 610_000),
        ("/scratch", "/dev/md0", "xfs", _SCRATCH_BYTES, int(row["scratch_used_bytes"]), 2_900_000_000, 1_400_000),
    )
    return tuple(
        wire.Filesystem(mount, device, kind, total, used, total - used, inodes, inodes_used, is_readonly=False)
        for mount, device, kind, total, used, inodes, inodes_used in places
    )


def _disks(row: dict[str, float]) -> tuple[wire.Disk, ...]:
    read, write = int(row["disk_read_bytes"]), int(row["disk_write_bytes"])
    return (wire.Disk("nvme1n1", read, write, read // 131_072, write // 131_072, row["disk_busy_s"]),)


def _nics(row: dict[str, float]) -> tuple[wire.Nic, ...]:
    names = (("eth0", 100_000, "net"), ("ib0", 400_000, "fabric"))
    return tuple(
        wire.Nic(
            name,
            is_up=True,
            speed_mbit=speed,
            rx_bytes=int(row[f"{kind}_rx_bytes"]),
            tx_bytes=int(row[f"{kind}_tx_bytes"]),
            rx_errors=0,
            tx_errors=0,
            rx_dropped=0,
            tx_dropped=0,
            carrier_changes=1,
        )
        for name, speed, kind in names
    )
