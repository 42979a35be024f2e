"""A host's parts as its screen shows them: plain rows in the catalogue's units; None is what is not known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FilesystemRow:
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


@dataclass(frozen=True, slots=True)
class DiskRow:
    """One disk; `busy_pct` is the share of time it was busy, 0–100."""

    device: str
    read_bytes_per_s: float | None = None
    write_bytes_per_s: float | None = None
    read_ops_per_s: float | None = None
    write_ops_per_s: float | None = None
    busy_pct: float | None = None


@dataclass(frozen=True, slots=True)
class NicRow:
    """One network interface; rates per second."""

    nic: str
    is_up: bool | None = None
    speed_mbit: int | None = None
    rx_bytes_per_s: float | None = None
    tx_bytes_per_s: float | None = None
    rx_errors_per_s: float | None = None
    tx_errors_per_s: float | None = None
    rx_dropped_per_s: float | None = None
    tx_dropped_per_s: float | None = None
    carrier_changes: int | None = None


@dataclass(frozen=True, slots=True)
class PortRow:
    """One InfiniBand or RoCE port; rates per second, errors as counted by the port."""

    port: str
    state: str | None = None
    phys_state: str | None = None
    layer: str | None = None
    rate_gbit: float | None = None
    rx_bytes_per_s: float | None = None
    tx_bytes_per_s: float | None = None
    link_downed: int | None = None
    link_recoveries: int | None = None
    symbol_errors: int | None = None
    rx_errors: int | None = None

    @property
    def is_ill(self) -> bool:
        """Whether it is there and not in use as it should be: a state is told and it is not active."""
        return self.state is not None and self.state.lower() != "active"


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One systemd unit in systemd's words."""

    unit: str
    active: str | None = None
    sub: str | None = None
    main_pid: int | None = None
    restarts: int | None = None
    since_s: float | None = None

    @property
    def is_failed(self) -> bool:
        """Whether systemd calls it failed, or starts it again and again."""
        return self.active == "failed" or self.sub == "auto-restart"


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """One service of the inventory: how its health endpoint answered; `latency_s` until it did."""

    service: str
    is_healthy: bool | None = None
    status: int | None = None
    latency_s: float | None = None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One value of a service's metrics page or of a script; a counter's is its rate per second."""

    source: str
    series: str
    value: float | None = None
    unit: str | None = None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process that uses a GPU."""

    uuid: str
    pid: int | None = None
    user: str | None = None
    command: str | None = None
    job: str | None = None
    step: str | None = None
    pod: str | None = None
    container: str | None = None
    memory_used_bytes: int | None = None

    @property
    def work(self) -> str:
        """What it belongs to: "8812.0", the pod, the container; "" if none is known."""
        if self.job:
            return f"{self.job}.{self.step}" if self.step else self.job
        return self.pod or self.container or ""
