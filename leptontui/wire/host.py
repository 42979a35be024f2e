"""What a host says of itself: processors, memory, filesystems, links, units, services and what scripts print."""

from __future__ import annotations

import msgspec

from leptontui.wire.limits import Some


class Unavailable(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something the probe cannot read, and why, in words."""

    what: str
    why: str


class Cpu(msgspec.Struct, frozen=True, omit_defaults=True):
    """Shares of CPU time since the last sweep, in percent of all cores; `cores_pct` one per core, shape (cores,)."""

    util_pct: float | None = None
    user_pct: float | None = None
    system_pct: float | None = None
    iowait_pct: float | None = None
    steal_pct: float | None = None
    cores_pct: Some[float] = ()


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """Memory and swap, in bytes. Used is total less available. `oom_kills` counts since boot."""

    total_bytes: int | None = None
    available_bytes: int | None = None
    used_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_used_bytes: int | None = None
    slab_bytes: int | None = None
    hugepages_total_bytes: int | None = None
    hugepages_free_bytes: int | None = None
    oom_kills: int | None = None


class Pressure(msgspec.Struct, frozen=True, omit_defaults=True):
    """Pressure stall information in percent: 10-second means, and 60-second means where the name says 60."""

    cpu_some_pct: float | None = None
    memory_some_pct: float | None = None
    memory_full_pct: float | None = None
    io_some_pct: float | None = None
    io_full_pct: float | None = None
    cpu_some60_pct: float | None = None
    memory_some60_pct: float | None = None
    memory_full60_pct: float | None = None
    io_some60_pct: float | None = None
    io_full60_pct: float | None = None


class Tasks(msgspec.Struct, frozen=True, omit_defaults=True):
    """Processes and threads now, and what there may be at most; `driver_blocked` are those that wait for a driver."""

    total: int | None = None
    running: int | None = None
    blocked: int | None = None
    driver_blocked: int | None = None
    zombies: int | None = None
    pids_max: int | None = None
    fds_used: int | None = None
    fds_max: int | None = None


class Filesystem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One mounted filesystem."""

    mount: str
    device: str | None = None
    fstype: str | None = None
    total_bytes: int | None = None
    used_bytes: int | None = None
    available_bytes: int | None = None
    inodes_total: int | None = None
    inodes_used: int | None = None
    is_readonly: bool | None = None
    is_silent: bool | None = None


class Disk(msgspec.Struct, frozen=True, omit_defaults=True):
    """Counters of one whole disk since boot. `busy_s` is the time with I/O outstanding."""

    device: str
    read_bytes: int | None = None
    write_bytes: int | None = None
    read_ops: int | None = None
    write_ops: int | None = None
    busy_s: float | None = None


class Nic(msgspec.Struct, frozen=True, omit_defaults=True):
    """Counters of one network interface since it came up."""

    nic: str
    is_up: bool | None = None
    speed_mbit: int | None = None
    rx_bytes: int | None = None
    tx_bytes: int | None = None
    rx_errors: int | None = None
    tx_errors: int | None = None
    rx_dropped: int | None = None
    tx_dropped: int | None = None
    carrier_changes: int | None = None


class IbPort(msgspec.Struct, frozen=True, omit_defaults=True):
    """One InfiniBand or RoCE port, "mlx5_0/1"; `state` is "active", "init", "armed" or "down"."""

    port: str
    state: str | None = None
    phys_state: str | None = None
    layer: str | None = None
    rate_gbit: float | None = None
    rx_bytes: int | None = None
    tx_bytes: int | None = None
    link_downed: int | None = None
    link_recoveries: int | None = None
    symbol_errors: int | None = None
    rx_errors: int | None = None


class Unit(msgspec.Struct, frozen=True, omit_defaults=True):
    """One systemd unit: its active and sub state in systemd's words, main PID, and restarts since it was loaded."""

    unit: str
    active: str | None = None
    sub: str | None = None
    main_pid: int | None = None
    restarts: int | None = None
    since_s: float | None = None


class Power(msgspec.Struct, frozen=True, omit_defaults=True):
    """Power drawn by the host and where the figure is from: "ipmi" (the whole host) or "rapl" (CPU packages)."""

    power_w: float | None = None
    source: str | None = None


class Service(msgspec.Struct, frozen=True, omit_defaults=True):
    """One service of the inventory: its health endpoint's answer; `why` says what is wrong with it or its metrics."""

    service: str
    is_healthy: bool | None = None
    status: int | None = None
    latency_s: float | None = None
    why: str | None = None


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value that a service's metrics page or a script of the inventory gave.

    `series` is its name with labels in Prometheus' notation, unique within `source`; `kind` is "gauge" or "counter".
    A counter's `value` is its rate per second between the last two readings.
    """

    source: str
    series: str
    value: float | None = None
    unit: str | None = None
    kind: str | None = None


class ProbeCost(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the probe itself costs: percent of one core since the last sweep, memory, and time taken by this sweep."""

    cpu_pct: float | None = None
    rss_bytes: int | None = None
    sweep_s: float | None = None
