"""A host as the inventory names it, and how it is to be reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

UNIT_PREFIXES: Final = ("user", "docker", "podman", "compose", "kube", "helm")
"""What stands before a colon in `HostTarget.units` for what is no unit of the host's own systemd."""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service on the host that is asked how it is, over the host's own loopback.

    Attributes:
        name: what the screen calls it, unique on the host.
        health: URL whose answer 2xx means healthy; None to read metrics only.
        metrics: URL of a page in Prometheus' text format; None for health only.
        series: names of the series to keep, `*` and `?` allowed, with or without labels; empty keeps a known set.
        interval_s: seconds between two readings.
        timeout_s: how long one answer may take.
    """

    name: str
    health: str | None = None
    metrics: str | None = None
    series: tuple[str, ...] = ()
    interval_s: float = 5.0
    timeout_s: float = 2.0


@dataclass(frozen=True, slots=True)
class ScriptSpec:
    """A command on the host whose output lines `name value [unit]`, or Prometheus text, are metrics of the host.

    Attributes:
        name: what the screen calls it, unique on the host.
        command: argument vector; run without a shell.
        interval_s: seconds between two runs.
        timeout_s: how long one run may take.
    """

    name: str
    command: tuple[str, ...]
    interval_s: float = 60.0
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class HostTarget:
    """One host of the fleet. What is None here is filled from the user's `~/.ssh/config`.

    Two are equal if they are reached and watched in the same way: then a reloaded inventory leaves the link alone.

    Attributes:
        name: the host's identity in the fleet, unique; what SSH configuration is looked up by.
        group: the inventory group it belongs to.
        user: login name.
        port: TCP port.
        identity: path of a private key.
        known_hosts: path of the known_hosts file to verify against.
        jump: host to jump through, `[user@]host[:port]`, or several separated by commas.
        ssh_config: path of the OpenSSH client configuration; None means `~/.ssh/config`.
        scheduler: "slurm", "kubernetes" or None.
        controller: name of the host where the scheduler's commands are run.
        kube_context: kubectl's context; None means the current one of whoever runs it.
        kubeconfig: path of kubectl's configuration on the controller; None means its default.
        units: what may be acted on, as `ActionRequest.unit` names it; its systemd units are watched too.
        watch_units: further units that are watched, besides those that matter on every GPU host.
        gpus: how many GPUs it should have; None if nobody said.
        services: services that are asked how they are.
        scripts: commands whose output are metrics.
        asks_password: whether a password, or what else the host asks for, may be asked of the user.
        origin: where the inventory found it, for people: "fleet.toml:12", "slurm at login1".
        partitions: further groups it is in, e.g. Slurm's partitions.
        node_state: what the scheduler says of it, e.g. "idle", "drained*"; "" if nobody said.
        labels: where it is housed and wired, and what else the inventory says: sorted (name, value) pairs.
        is_local: this machine itself, read without SSH.
        address: what is dialled where the SSH configuration has no HostName for it; None means its name.
    """

    name: str
    group: str = "fleet"
    user: str | None = None
    port: int | None = None
    identity: str | None = None
    known_hosts: str | None = None
    jump: str | None = None
    ssh_config: str | None = None
    scheduler: str | None = None
    controller: str | None = None
    kube_context: str | None = None
    kubeconfig: str | None = None
    units: tuple[str, ...] = ()
    watch_units: tuple[str, ...] = ()
    gpus: int | None = None
    services: tuple[ServiceSpec, ...] = ()
    scripts: tuple[ScriptSpec, ...] = ()
    asks_password: bool = False
    is_local: bool = False
    address: str | None = None
    origin: str = field(default="", compare=False)
    partitions: tuple[str, ...] = field(default=(), compare=False)
    node_state: str = field(default="", compare=False)
    labels: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    @property
    def watched_units(self) -> tuple[str, ...]:
        """The units of the host's own systemd that are watched, each once."""
        units = (*self.units, *self.watch_units)
        return tuple(dict.fromkeys(unit for unit in units if unit.partition(":")[0] not in UNIT_PREFIXES))


@dataclass(frozen=True, slots=True)
class Fleet:
    """The hosts to watch and the controllers to act through.

    Attributes:
        name: what the header shows.
        hosts: the watched hosts, in inventory order, unique by name.
        controllers: hosts named as a `controller`, by name; they are reached with their group's options.
    """

    name: str
    hosts: tuple[HostTarget, ...]
    controllers: dict[str, HostTarget] = field(default_factory=dict)

    def host(self, name: str) -> HostTarget | None:
        """The watched host called `name`, None if there is none."""
        return next((host for host in self.hosts if host.name == name), None)
