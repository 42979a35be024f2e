"""Column types and wire fields of every entity, derived from the metric catalogue."""

from __future__ import annotations

from typing import Final

import polars as pl

from leptontui.model.catalogue import Kind, Metric, metric, metrics_of
from leptontui.model.series import KEY_OF, Entity

LISTS_OF: Final[dict[Entity, tuple[str, int]]] = {
    Entity.GPU: ("gpus", 256),
    Entity.FILESYSTEM: ("filesystems", 256),
    Entity.DISK: ("disks", 256),
    Entity.NIC: ("nics", 256),
    Entity.PROCESS: ("processes", 512),
    Entity.PORT: ("ib_ports", 64),
    Entity.UNIT: ("units", 64),
    Entity.SERVICE: ("services", 64),
    Entity.SAMPLE: ("samples", 256),
}
"""The sweep's field that lists an entity, and how many of the list are taken: more is not a real host."""

MAX_CORES: Final = 1024
"""How many cores of a sweep are taken."""

IDENTITY: Final = (
    "index",
    "vendor",
    "name",
    "serial",
    "pci_bus_id",
    "vbios",
    "memory_total_bytes",
    "power_limit_w",
    "temp_slowdown_c",
    "temp_shutdown_c",
    "temp_memory_max_c",
    "clock_sm_max_mhz",
    "clock_mem_max_mhz",
    "pcie_gen_max",
    "pcie_width_max",
    "parent_uuid",
    "mig_index",
    "mig_profile",
)
"""What a hello tells about a GPU besides its uuid."""

HOST_IDENTITY: Final = (
    "boot_id",
    "kernel",
    "os",
    "driver_version",
    "runtime",
    "scheduler",
    "cpu_count",
    "gpus_on_bus",
    "memory_total_bytes",
)
"""What a hello tells about its host."""

HOST_FIELDS: Final[dict[str, str]] = {
    "cpu_util_pct": "cpu.util_pct",
    "cpu_user_pct": "cpu.user_pct",
    "cpu_system_pct": "cpu.system_pct",
    "cpu_iowait_pct": "cpu.iowait_pct",
    "cpu_steal_pct": "cpu.steal_pct",
    "load1": "load1",
    "load5": "load5",
    "load15": "load15",
    "pressure_cpu_some_pct": "pressure.cpu_some_pct",
    "pressure_memory_some_pct": "pressure.memory_some_pct",
    "pressure_memory_full_pct": "pressure.memory_full_pct",
    "pressure_io_some_pct": "pressure.io_some_pct",
    "pressure_io_full_pct": "pressure.io_full_pct",
    "pressure_cpu_some60_pct": "pressure.cpu_some60_pct",
    "pressure_memory_some60_pct": "pressure.memory_some60_pct",
    "pressure_memory_full60_pct": "pressure.memory_full60_pct",
    "pressure_io_some60_pct": "pressure.io_some60_pct",
    "pressure_io_full60_pct": "pressure.io_full60_pct",
    "memory_total_bytes": "memory.total_bytes",
    "memory_used_bytes": "memory.used_bytes",
    "memory_available_bytes": "memory.available_bytes",
    "swap_total_bytes": "memory.swap_total_bytes",
    "swap_used_bytes": "memory.swap_used_bytes",
    "slab_bytes": "memory.slab_bytes",
    "hugepages_total_bytes": "memory.hugepages_total_bytes",
    "hugepages_free_bytes": "memory.hugepages_free_bytes",
    "oom_kills": "memory.oom_kills",
    "tasks_total": "tasks.total",
    "tasks_running": "tasks.running",
    "tasks_blocked": "tasks.blocked",
    "tasks_driver_blocked": "tasks.driver_blocked",
    "tasks_zombies": "tasks.zombies",
    "pids_max": "tasks.pids_max",
    "fds_used": "tasks.fds_used",
    "fds_max": "tasks.fds_max",
    "host_power_w": "power.power_w",
    "host_power_source": "power.source",
    "uptime_s": "uptime_s",
    "probe_cpu_pct": "probe.cpu_pct",
    "probe_rss_bytes": "probe.rss_bytes",
    "probe_sweep_s": "probe.sweep_s",
}
"""Where in a sweep each of a host's metrics is found."""

META: Final[dict[str, pl.DataType]] = {
    "sweep": pl.Int32(),
    "host": pl.Int32(),
    "epoch": pl.Int32(),
    "turn": pl.Int32(),
    "received_unix_s": pl.Float64(),
    "received_mono_s": pl.Float64(),
    "t_unix_s": pl.Float64(),
    "t_mono_s": pl.Float64(),
    "at_unix_s": pl.Float64(),
}
"""What every row carries besides its values: the sweep it is of (a row number of the batch), the host's code, the
host's boot, the sweep's turn, when it was received, what the host's clocks said, and when it was by our clock."""


def dtype_of(item: Metric) -> pl.DataType:
    """The column type of one metric: 32-bit floats, as no sensor has more than seven digits; bytes and counts exact."""
    match item.kind:
        case Kind.TEXT:
            return pl.String()
        case Kind.FLAG:
            return pl.Boolean()
        case Kind.LIST:
            return pl.List(pl.Float32())
        case Kind.COUNTER if not item.is_integer:
            return pl.Float64()
        case _:
            return pl.Int64() if item.is_integer else pl.Float32()


def swept(entity: Entity) -> tuple[Metric, ...]:
    """The metrics of an entity that a sweep carries; `cores_pct` is read on its own."""
    if entity is Entity.HOST:
        return tuple(metric(entity, name) for name in HOST_FIELDS)
    identity = IDENTITY if entity is Entity.GPU else ()
    return tuple(
        item
        for item in metrics_of(entity)
        if not item.is_detail and (item.name not in identity or item.name == "power_limit_w")
    )


def counters_of(entity: Entity) -> tuple[Metric, ...]:
    """The metrics of an entity that are shown as rates."""
    return tuple(item for item in metrics_of(entity) if item.kind is Kind.COUNTER)


def rate_name(counter: Metric) -> str:
    """The column of a counter's rate; see `Metric.rate_name`."""
    return counter.rate_name


def series_of(entity: Entity) -> tuple[str, ...]:
    """The metrics of an entity that are kept as history, in the catalogue's order."""
    return tuple(item.name for item in metrics_of(entity) if item.is_series)


def instances_of(rows: pl.DataFrame, entity: Entity) -> list[str]:
    """What identifies each row of its host, as in `SeriesKey.instance`: "source/series" of a sample."""
    keys = [rows[key].to_list() for key in KEY_OF[entity]]
    return keys[0] if len(keys) == 1 else list(map("/".join, zip(*keys, strict=True)))
