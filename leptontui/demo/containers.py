"""Containers of the simulated hosts: what runs, since when, and what a restart changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from leptontui.demo.layout import Layout, Role, SimulatedHost, identity

STARTS_S: Final = 3.0
"""A container's health check says "starting" for so long."""


@dataclass(frozen=True, slots=True)
class Container:
    """One container.

    Attributes:
        ident: 64 hexadecimal digits.
        name: its name.
        image: what it was made of.
        started_unix_s: when it was started last.
        stopped_unix_s: when it was stopped; None while it runs.
    """

    ident: str
    name: str
    image: str
    started_unix_s: float
    stopped_unix_s: float | None = None

    def health(self, t_unix_s: float) -> str:
        """What its health check says."""
        return "starting" if t_unix_s - self.started_unix_s < STARTS_S else "healthy"

    def document(self, t_unix_s: float) -> dict[str, Any]:
        """What `docker inspect` prints of it, as far as it is simulated."""
        is_running = self.stopped_unix_s is None
        return {
            "Id": self.ident,
            "Name": f"/{self.name}",
            "RestartCount": 0,
            "Config": {"Image": self.image, "Env": []},
            "State": {
                "Status": "running" if is_running else "exited",
                "Running": is_running,
                "Restarting": False,
                "ExitCode": 0,
                "StartedAt": stamp(self.started_unix_s),
                "FinishedAt": stamp(self.stopped_unix_s or 0.0),
                "Health": {"Status": self.health(t_unix_s) if is_running else "unhealthy", "FailingStreak": 0},
            },
        }


def container_names(host: SimulatedHost) -> tuple[str, ...]:
    """Names of the containers of `host`."""
    return ("dcgm-exporter", "request-router") if host.role is Role.INFER else ("dcgm-exporter",)


_IMAGES: Final = {
    "dcgm-exporter": "nvcr.io/nvidia/k8s/dcgm-exporter:4.4.1-4.6.0-ubuntu22.04",
    "request-router": "registry.demo/serving/request-router:1.12",
}


class ContainerTable:
    """All containers of the fleet, by host name and container name."""

    def __init__(self, layout: Layout) -> None:
        self._seed = layout.seed
        self._by_host: dict[str, dict[str, Container]] = {}

    def boot(self, host: SimulatedHost, boot_unix_s: float) -> None:
        """Start all containers of `host`, as Docker does after a boot."""
        for number, name in enumerate(container_names(host)):
            ident = (identity(self._seed, host.name, name) + identity(self._seed, name, host.name)).replace("-", "")
            made = Container(ident, name, _IMAGES[name], boot_unix_s + 11.0 + number)
            self._by_host.setdefault(host.name, {})[name] = made

    def of(self, host_name: str) -> tuple[Container, ...]:
        """All containers of a host."""
        return tuple(self._by_host.get(host_name, {}).values())

    def find(self, host_name: str, text: str) -> Container | None:
        """A container by its name, or by the beginning of its id; None if there is none."""
        known = self._by_host.get(host_name, {})
        by_id = (one for one in known.values() if text and one.ident.startswith(text))
        return known.get(text) or next(by_id, None)

    def put(self, host_name: str, container: Container) -> None:
        """Take a container's new state."""
        self._by_host[host_name][container.name] = container


def stamp(t_unix_s: float) -> str:
    """A time as Docker writes it."""
    return datetime.fromtimestamp(t_unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
