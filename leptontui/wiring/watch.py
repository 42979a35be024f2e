"""Builds what runs on the engine's loop: sources, engine and, where allowed, the desk for actions."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING

from leptontui.engine.engine import Engine
from leptontui.forecast.forecaster import Forecaster
from leptontui.model.target import Fleet, HostTarget
from leptontui.sources.bundle import launch_argv, launch_stdin
from leptontui.sources.contract import Source
from leptontui.sources.local import LocalSource
from leptontui.sources.ssh_fleet import LaunchPlan, SshFleetSource
from leptontui.transport.contract import Transport
from leptontui.transport.dialer import Dialer
from leptontui.transport.local import LocalTransport
from leptontui.transport.ssh import SshTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from leptontui.model.focus import Focus
    from leptontui.model.link import Link
    from leptontui.ports import CommandPort
    from leptontui.snapshot import FleetSnapshot


class FleetWatch:
    """An engine with its links and, where actions are allowed, the desk that carries them out.

    Args:
        fleet: the hosts.
        interval_s: time between two sweeps of a host.
        can_act: whether there is a desk; without one nothing of `leptontui.actions` is imported.
        has_forecasts: whether the forecast worker is started.
    """

    def __init__(self, fleet: Fleet, *, interval_s: float, can_act: bool, has_forecasts: bool) -> None:
        self.interval_s = interval_s
        self._dialer = Dialer()
        self._transports: dict[str, Transport] = {}
        forecaster = Forecaster() if has_forecasts else None
        self.engine = Engine(fleet, self._sources(fleet, interval_s), interval_s=interval_s, forecaster=forecaster)
        self.commands: CommandPort | None = self._desk(fleet) if can_act else None

    def subscribe(self, deliver: Callable[[FleetSnapshot], None]) -> None:
        """See `Engine.subscribe`."""
        self.engine.subscribe(deliver)

    def look_at(self, focus: Focus) -> None:
        """See `Engine.look_at`."""
        self.engine.look_at(focus)

    def redial(self, host: str) -> None:
        """See `Engine.redial`."""
        self.engine.redial(host)

    def link_of(self, host: str) -> Link | None:
        """The link to `host` as it is now."""
        return self.engine.roster.link(host)

    def age_s_of(self, host: str) -> float | None:
        """See `Engine.age_s_of`."""
        return self.engine.age_s_of(host)

    async def run(self) -> None:
        """Watch until cancelled; then close every connection."""
        try:
            await self.engine.run()
        finally:
            for transport in self._transports.values():
                await transport.close()
            await self._dialer.close()

    def _sources(self, fleet: Fleet, interval_s: float) -> list[Source]:
        remote = [host for host in fleet.hosts if not host.is_local]
        local = [host for host in fleet.hosts if host.is_local]
        sources: list[Source] = [LocalSource(host, interval_s=interval_s) for host in local]
        if remote:
            launch = LaunchPlan(launch_argv(), launch_stdin)
            sources.append(SshFleetSource(remote, interval_s=interval_s, connect=self._dial, launch=launch))
        return sources

    def _dial(self, target: HostTarget) -> Transport:
        return SshTransport(target, self._dialer)

    def _desk(self, fleet: Fleet) -> CommandPort:
        # Here, so that a read-only screen never imports actions.
        from leptontui.actions.audit import Audit
        from leptontui.actions.desk import Desk

        return Desk(fleet, transport_of=self._transport_of, facts=self, audit=Audit(), user=login_user())

    def _transport_of(self, target: HostTarget) -> Transport:
        """The connection for actions on one host: apart from the one its sweeps come over."""
        if target.name not in self._transports:
            self._transports[target.name] = LocalTransport() if target.is_local else self._dial(target)
        return self._transports[target.name]


def login_user() -> str:
    """Who acts: the one who logged in, also behind sudo."""
    return os.environ.get("SUDO_USER") or getpass.getuser()
