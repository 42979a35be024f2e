"""What is known of a host. Sources of meaning: proc(5), the kernel's admin guide on pressure stall information."""

from __future__ import annotations

from typing import Final

from leptontui.model.metric import Kind, Metric, Shelf
from leptontui.model.series import Entity

_H: Final = Entity.HOST
_stat = Shelf(_H, "/proc/stat")
_load = Shelf(_H, "/proc/loadavg")
_psi = Shelf(_H, "/proc/pressure")
_mem = Shelf(_H, "/proc/meminfo")
_vm = Shelf(_H, "/proc/vmstat")
_tasks = Shelf(_H, "/proc", 10.0)
_rates = Shelf(_H, "sum of its parts")
_probe = Shelf(_H, "the probe itself")
_hello = Shelf(_H, "told at the start")

HOST_METRICS: Final[tuple[Metric, ...]] = (
    _stat.percent(
        "cpu_util_pct", "cpu", "Share of CPU time not idle and not waiting for I/O, all cores.", is_series=True
    ),
    _stat.percent("cpu_user_pct", "user", "Share of CPU time in user mode, nice included."),
    _stat.percent("cpu_system_pct", "system", "Share of CPU time in the kernel, interrupts included."),
    _stat.percent("cpu_iowait_pct", "iowait", "Share of CPU time idle with I/O outstanding."),
    _stat.percent("cpu_steal_pct", "steal", "Share of CPU time taken by the hypervisor."),
    Metric(
        _H,
        "cores_pct",
        Kind.LIST,
        "%",
        "cores",
        "Share of time not idle of each core.",
        0.0,
        100.0,
        source="/proc/stat",
    ),
    _hello.count("cpu_count", "cores", "Logical CPUs."),
    _load.gauge("load1", "", "load 1", "Runnable and uninterruptible tasks, 1-minute mean.", is_series=True),
    _load.gauge("load5", "", "load 5", "Runnable and uninterruptible tasks, 5-minute mean."),
    _load.gauge("load15", "", "load 15", "Runnable and uninterruptible tasks, 15-minute mean."),
    _psi.percent("pressure_cpu_some_pct", "cpu pressure", "Time some task waited for a CPU, 10-second mean."),
    _psi.percent("pressure_memory_some_pct", "mem pressure", "Time some task waited for memory, 10-second mean."),
    _psi.percent("pressure_memory_full_pct", "mem stalled", "Time all tasks waited for memory, 10-second mean."),
    _psi.percent("pressure_io_some_pct", "io pressure", "Time some task waited for I/O, 10-second mean."),
    _psi.percent("pressure_io_full_pct", "io stalled", "Time all tasks waited for I/O, 10-second mean."),
    _psi.percent("pressure_cpu_some60_pct", "cpu pressure 60 s", "Time some task waited for a CPU, 60-second mean."),
    _psi.percent(
        "pressure_memory_some60_pct", "mem pressure 60 s", "Time some task waited for memory, a minute's mean."
    ),
    _psi.percent(
        "pressure_memory_full60_pct", "mem stalled 60 s", "Time all tasks waited for memory, a minute's mean."
    ),
    _psi.percent("pressure_io_some60_pct", "io pressure 60 s", "Time some task waited for I/O, 60-second mean."),
    _psi.percent("pressure_io_full60_pct", "io stalled 60 s", "Time all tasks waited for I/O, 60-second mean."),
    _mem.bytes("memory_total_bytes", "memory", "Physical memory."),
    _mem.bytes(
        "memory_used_bytes", "mem used", "Total less available memory.", capacity="memory_total_bytes", is_series=True
    ),
    _mem.bytes("memory_available_bytes", "mem available", "Memory that can be had without swapping."),
    _mem.bytes("swap_total_bytes", "swap", "Swap space."),
    _mem.bytes("swap_used_bytes", "swap used", "Swap space in use.", capacity="swap_total_bytes"),
    _mem.bytes("slab_bytes", "slab", "Memory of the kernel's own caches.", capacity="memory_total_bytes"),
    _mem.bytes("hugepages_total_bytes", "huge pages", "Memory set aside as huge pages."),
    _mem.bytes("hugepages_free_bytes", "huge free", "Huge pages not in use.", capacity="hugepages_total_bytes"),
    _vm.total("oom_kills", "oom kills", "Processes killed for lack of memory since boot."),
    _tasks.count("tasks_total", "tasks", "Processes and threads."),
    _tasks.count("tasks_running", "running", "Processes that run or could run."),
    _tasks.count("tasks_blocked", "blocked", "Processes in uninterruptible sleep (state D)."),
    _tasks.count("tasks_driver_blocked", "driver-blocked", "Processes of the NVIDIA driver's tools in state D."),
    _tasks.count("tasks_zombies", "zombies", "Processes that ended and whose parent has not asked how."),
    _tasks.count("pids_max", "pids max", "Most processes and threads there may be."),
    _tasks.count("fds_used", "open files", "File handles the kernel has given out."),
    _tasks.count("fds_max", "files max", "Most file handles there may be."),
    Shelf(_H, "/proc/uptime").gauge("uptime_s", "s", "uptime", "Time since the kernel started."),
    _hello.text("boot_id", "boot id", "Changes with every boot."),
    _hello.text("kernel", "kernel", "Kernel release."),
    _hello.text("os", "system", "Operating system."),
    _hello.text("driver_version", "driver", "NVIDIA or AMD driver version."),
    _hello.text("runtime", "runtime", "What the probe runs in: python, or sh where there is none."),
    _hello.text("scheduler", "scheduler", "What runs jobs there: slurm, kubernetes."),
    _hello.count("gpus_on_bus", "gpus on bus", "PCI devices that are GPUs, whatever the driver says."),
    _rates.gauge("disk_read_bytes_per_s", "B/s", "disk read", "Read from all disks.", is_series=True),
    _rates.gauge("disk_write_bytes_per_s", "B/s", "disk write", "Written to all disks.", is_series=True),
    _rates.gauge(
        "net_rx_bytes_per_s", "B/s", "net in", "Received by all network interfaces but loopback.", is_series=True
    ),
    _rates.gauge(
        "net_tx_bytes_per_s", "B/s", "net out", "Sent by all network interfaces but loopback.", is_series=True
    ),
    Shelf(_H, "IPMI or RAPL", 10.0).gauge(
        "host_power_w", "W", "host power", "Power drawn, as `host_power_source` measures it.", is_series=True
    ),
    Shelf(_H, "IPMI or RAPL", 10.0).text(
        "host_power_source", "power by", "What the host's power is of: ipmi (all of it) or rapl (CPU packages)."
    ),
    _probe.percent("probe_cpu_pct", "probe", "CPU the probe itself uses, in percent of one core."),
    _probe.bytes("probe_rss_bytes", "probe rss", "Memory the probe itself uses."),
    _probe.gauge("probe_sweep_s", "s", "sweep", "Time the probe took for one sweep."),
    Shelf(_H, "both clocks").gauge(
        "clock_offset_s", "s", "clock", "The host's clock less ours when the sweep was received.", lower=None
    ),
)
"""In the order in which they are told."""
