"""Builds what runs on the engine's loop: inventory, sources, engine and, where allowed, the office for actions."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from leptontui.engine.access import Access
from leptontui.engine.engine import Engine
from leptontui.engine.foresight_budget import DEFAULT_SHARE
from leptontui.engine.questions import Questions
from leptontui.engine.recording import RecordingTask
from leptontui.forecast.forecaster import Forecaster
from leptontui.forecast.kept import KeptLearning
from leptontui.inventory.book import Book
from leptontui.inventory.watching import InventoryWatch
from leptontui.model.link import FaultKind
from leptontui.model.target import Fleet, HostTarget
from leptontui.sources.bundle import launch_argv, launch_stdin
from leptontui.sources.contract import Source
from leptontui.sources.local import LocalSource
from leptontui.sources.ssh_fleet import LaunchPlan, SshFleetSource
from leptontui.transport.asking import Asker
from leptontui.transport.contract import Transport
from leptontui.transport.dialer import Dialer
from leptontui.transport.local import LocalTransport
from leptontui.transport.ssh import SshTransport
from leptontui.wiring.files import allow_links
from leptontui.wiring.options import AlertUse, WatchOptions
from leptontui.wiring.verdicts import overrule

if TYPE_CHECKING:
    from collections.abc import Callable

    from leptontui.actions.office import Office
    from leptontui.engine.alerting import Alerting
    from leptontui.model.focus import Focus
    from leptontui.model.link import Link
    from leptontui.ports import AccessPort, AlertPort, CommandPort
    from leptontui.snapshot import FleetSnapshot
    from leptontui.store.recorder import Recording


class FleetWatch:
    """An engine with its links and, where actions are allowed, the office that carries them out.

    Args:
        fleet: the hosts.
        interval_s: time between two sweeps of a host.
        can_act: whether there is an office; without one nothing of `leptontui.actions` is imported.
        has_forecasts: whether the forecast worker is started.
        book: where the hosts come from, if that may change.
        asker: who asks the user for secrets; None where nobody can be asked.
        has_access: whether there is a screen that asks the user, for secrets and about host keys, instead.
        options: what forecasts may cost, and whether what they learn is kept.
        recording: where everything is recorded, None for nowhere.
        alert_use: what it does about alerts.

    Attributes:
        access: the port to let hosts be reached through; None without `has_access`.
        alerts: the port to look after alerts through; None for whoever only looks on, or may not act.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        interval_s: float,
        can_act: bool,
        has_forecasts: bool,
        book: Book | None = None,
        asker: Asker | None = None,
        has_access: bool = False,
        options: WatchOptions | None = None,
        recording: Recording | None = None,
        alert_use: AlertUse = AlertUse.NONE,
    ) -> None:
        self.interval_s = interval_s
        self._fleet = fleet
        questions = Questions() if has_access else None
        self._asker = questions or asker
        self._dialer = Dialer(asker=self._asker, opened=self._redial_waiting)
        self._transports: dict[HostTarget, Transport] = {}
        self._ssh: SshFleetSource | None = None
        self.inventory = None if book is None else self._inventory(book)
        chosen = options or WatchOptions(keeps_learned=False)
        # What is done to simulated hosts must not stand among what was done to real ones.
        is_pretended = options is not None and not options.keeps_learned
        self._pretended = _pretended_state(self) if can_act and is_pretended else None
        self.engine = Engine(
            fleet,
            self._sources(fleet, interval_s),
            interval_s=interval_s,
            forecaster=_forecaster(chosen) if has_forecasts else None,
            forecast_share=chosen.forecast_share or DEFAULT_SHARE,
            anomaly_rate=(chosen.anomaly_rate or None) if has_forecasts else None,
        )
        overrule(self.engine)
        self._recorder = None if recording is None else RecordingTask(self.engine.store, recording, self.engine.notify)
        self._alerting: Alerting | None = None
        self._office = self._make_office(fleet) if can_act and (is_pretended or self._is_allowed()) else None
        self.alerts = self._alerts(alert_use, "" if book is None else book.scope, chosen)
        self.access = None if questions is None else self._access(questions)

    @property
    def commands(self) -> CommandPort | None:
        """The port to act through; None on a read-only watch."""
        return self._office

    @property
    def fleet(self) -> Fleet:
        """The hosts as they are known now."""
        return self._fleet

    def subscribe(self, deliver: Callable[[FleetSnapshot], None]) -> None:
        """See `Engine.subscribe`."""
        self.engine.subscribe(deliver)

    def look_at(self, focus: Focus) -> None:
        """See `Engine.look_at`."""
        self.engine.look_at(focus)

    def redial(self, host: str) -> None:
        """See `Engine.redial`. What was declined before is asked again."""
        self._dialer.reconsider()
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
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.engine.run())
                if self._recorder is not None:
                    tasks.create_task(self._recorder.run())
                if self.inventory is not None:
                    tasks.create_task(self.inventory.run())
                if self._office is not None and self.access is not None:
                    tasks.create_task(self._office.tend())
        finally:
            if self._office is not None:
                await self._office.close()
            for transport in self._transports.values():
                await transport.close()
            await self._dialer.close()

    def _sources(self, fleet: Fleet, interval_s: float) -> list[Source]:
        remote = [host for host in fleet.hosts if not host.is_local]
        local = [host for host in fleet.hosts if host.is_local]
        sources: list[Source] = [LocalSource(host, interval_s=interval_s) for host in local]
        if remote or self.inventory is not None:
            launch = LaunchPlan(launch_argv(), launch_stdin)
            self._ssh = SshFleetSource(remote, interval_s=interval_s, connect=self._dial, launch=launch)
            sources.append(self._ssh)
        return sources

    def _access(self, questions: Questions) -> AccessPort:
        self.engine.ask_with(questions.questions)
        links = self.engine.roster
        return Access(questions, links=lambda: links.links, accept=self._dialer.accept, redial=self.engine.redial)

    def _alerts(self, use: AlertUse, scope: str, options: WatchOptions) -> AlertPort | None:
        """Watch for alerts; the port to look after them through, for whoever may act."""
        if use is AlertUse.NONE:
            return None
        from leptontui.wiring.alerts import make_alerting, make_desk

        name = self._fleet.name
        desk = None if self._office is None else self._office.desk
        self._alerting = make_alerting(
            self.engine, use, scope=scope or name, is_simulated=not options.keeps_learned, desk=desk
        )
        self.engine.alert_with(self._alerting)
        if use is AlertUse.LOOK or desk is None:
            return None
        return make_desk(self._alerting, who=login_user(), fleet=name)

    def _verified(self, host: str) -> None:
        if self._alerting is not None:
            self._alerting.settle(host)

    def _redial_waiting(self) -> None:
        """A secret was found to be right: dial the hosts that were given up for want of one."""
        for host, link in self.engine.roster.links.items():
            if link.fault is not None and link.fault.kind is FaultKind.SECRET_NEEDED:
                self.engine.redial(host)

    def _inventory(self, book: Book) -> InventoryWatch:
        return InventoryWatch(book, self._reach, apply=self._set_fleet, notify=self._notify)

    def _notify(self, source: str, text: str | None) -> None:
        self.engine.notify(source, text)

    def _set_fleet(self, fleet: Fleet) -> None:
        """Watch these hosts from now on. Links of hosts that are reached as before are left alone."""
        self._fleet = fleet
        # The engine first: it takes no word of links to hosts it does not know.
        self.engine.set_fleet(fleet)
        remote = [host for host in fleet.hosts if not host.is_local]
        self.engine.notify("open files", allow_links(len(remote)) or None)
        if self._ssh is not None:
            self._ssh.update(remote)
        if self._office is not None:
            self._office.fleet = fleet

    def _reach(self, controller: HostTarget | None) -> Transport:
        """The way to where a source is asked: the same connection as for actions where it is the same host."""
        if controller is None:
            return LocalTransport()
        return self._transport_of(self._fleet.controllers.get(controller.name, controller))

    def _dial(self, target: HostTarget) -> Transport:
        return SshTransport(target, self._dialer)

    def _is_allowed(self) -> bool:
        """Whether a policy lets anything be done from this machine at all; what is wrong with one is told."""
        from leptontui.config.policy import read_policies

        policies = read_policies()
        if policies.notice:
            self.engine.notify("policy", policies.notice)
        return not policies.is_read_only

    def _make_office(self, fleet: Fleet) -> Office:
        # Here, so that a read-only screen never imports actions.
        from leptontui.wiring.office import make_office

        return make_office(
            fleet,
            transport_of=self._transport_of,
            facts=self,
            user=login_user(),
            asker=self._asker,
            verified=self._verified,
            notify=self._notify,
            state=self._pretended,
        )

    def _transport_of(self, target: HostTarget) -> Transport:
        """The connection for actions on one host: apart from the one its sweeps come over."""
        if target not in self._transports:
            self._transports[target] = LocalTransport() if target.is_local else self._dial(target)
        return self._transports[target]


def _forecaster(options: WatchOptions) -> Forecaster:
    return Forecaster(kept=KeptLearning() if options.keeps_learned else None, is_neural=options.is_neural)


def _pretended_state(owner: object) -> Path:
    """A folder that goes with its owner."""
    folder = tempfile.mkdtemp(prefix="leptontui-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def login_user() -> str:
    """Who acts: the one who logged in, also behind sudo."""
    return os.environ.get("SUDO_USER") or getpass.getuser()
