"""The ways from the fleet to other screens, and from a key to the wish that something be done to a host."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from leptontui.model.action import ActionName
from leptontui.model.target import Fleet, HostTarget
from leptontui.ports import AccessPort, AlertPort, CommandPort, SnapshotSource
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.screens import fleet_words
from leptontui.ui.screens.base import SnapshotScreen
from leptontui.view.row import RowId


class ActingScreen(SnapshotScreen):
    """A screen whose keys ask for something to be done to a host."""

    def ask(self, action: str) -> None:
        """Hand the wish to the app, with the host and the reason."""
        raise NotImplementedError

    def ask_menu(self) -> None:
        """Ask for the menu of what can be done."""
        raise NotImplementedError

    def action_drain(self) -> None:
        """Ask for a drain of the host."""
        self.ask(ActionName.DRAIN)

    def action_undrain(self) -> None:
        """Ask to give the host back."""
        self.ask(ActionName.UNDRAIN)

    def action_restart(self) -> None:
        """Ask for a restart of one of the host's units."""
        self.ask(ActionName.RESTART_UNIT)

    def action_open_actions(self) -> None:
        """Ask for the menu of what can be done."""
        self.ask_menu()


class FleetWays(ActingScreen):
    """The fleet's keys that open other screens.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        fleet: the inventory as the program was started with it.
        access: the way to let hosts be reached; None where there is none.
        alerts: the way to look after alerts; None where there is none.
        clock: tells the time in unix seconds.

    Attributes:
        known: the newest snapshot; None before the first.
    """

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        *,
        fleet: Fleet,
        access: AccessPort | None = None,
        alerts: AlertPort | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, commands, access=access, alerts=alerts)
        self._fleet = fleet
        self._clock = clock
        self.known: FleetSnapshot | None = None

    @property
    def cursor(self) -> RowId | None:
        """What the row under the cursor is about; None if no row is chosen."""
        raise NotImplementedError

    def target(self, host: str) -> HostTarget | None:
        """The host as the inventory has it now; as it had it at the start while nothing newer is known."""
        targets = self.known.targets if self.known is not None else {}
        return targets.get(host) or self._fleet.host(host)

    @property
    def targets(self) -> Collection[HostTarget]:
        """All hosts as the inventory has them now."""
        targets = self.known.targets if self.known is not None else {}
        return targets.values() or self._fleet.hosts

    def filter_by(self, text: str) -> None:
        """Show the GPUs that a filter leaves."""
        raise NotImplementedError

    def action_open_host(self) -> None:
        """Open the host under the cursor."""
        if self.host_for("enter") is not None and (row_id := self.cursor) is not None:
            self.open_host(row_id.host, row_id.gpu_uuid)

    def open_host(self, host: str, gpu_uuid: str | None) -> None:
        """Open a host.

        Args:
            host: its name in the fleet.
            gpu_uuid: the GPU that is chosen at first; None for the worst.
        """
        from leptontui.ui.screens.host import HostScreen  # noqa: PLC0415 — when it is wanted

        idle = fleet_words.idle_actions([self.target(host)])
        self.app.push_screen(
            HostScreen(self.source, self.commands, host, gpu_uuid, access=self.access, idle=idle, clock=self._clock)
        )

    def action_inspect(self) -> None:
        """Inspect the GPU under the cursor; of a host, its worst."""
        if self.host_for("i") is not None and (row_id := self.cursor) is not None:
            from leptontui.ui.screens.inspect import InspectScreen  # noqa: PLC0415 — when it is wanted

            self.app.push_screen(
                InspectScreen(
                    self.source, self.commands, row_id.host, row_id.gpu_uuid, access=self.access, clock=self._clock
                )
            )

    def action_open_triage(self) -> None:
        """Show the alerts."""
        from leptontui.ui.screens.triage import TriageScreen  # noqa: PLC0415 — when it is wanted

        self.app.push_screen(
            TriageScreen(
                self.source, self.commands, self.open_host, target=self.target, alerts=self.alerts, clock=self._clock
            )
        )

    def action_open_jobs(self) -> None:
        """Show the jobs."""
        from leptontui.ui.screens.jobs import JobsScreen  # noqa: PLC0415 — when it is wanted

        self.app.push_screen(
            JobsScreen(self.source, self.commands, self.filter_by, access=self.access, clock=self._clock)
        )

    def action_open_events(self) -> None:
        """Show what hosts reported."""
        from leptontui.ui.screens.events import EventsScreen  # noqa: PLC0415 — when it is wanted

        self.app.push_screen(
            EventsScreen(self.source, self.commands, self.open_host, access=self.access, clock=self._clock)
        )

    def action_open_keys(self) -> None:
        """Review host keys."""
        if self.access is not None:
            from leptontui.ui.screens.keys import KeysScreen  # noqa: PLC0415 — when it is wanted

            self.app.push_screen(KeysScreen(self.source, self.commands, self.access, clock=self._clock))
