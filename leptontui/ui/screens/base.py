"""What every screen that shows the fleet has in common."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import dataclass

from textual.screen import Screen
from textual.widgets import Input

from leptontui.errors import LeptonError
from leptontui.model.text import plain
from leptontui.ports import AccessPort, AlertPort, CommandPort, SnapshotSource
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.commands import Powers, Scope, bindings_of

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Condition:
    """Why what is shown is not the present, if it is not.

    Attributes:
        is_frozen: the picture stands still while data go on arriving.
        failure: why nothing will arrive any more and since when, fit for the screen; "" while data can arrive.
    """

    is_frozen: bool = False
    failure: str = ""


class SnapshotScreen(Screen[None]):
    """A screen that is redrawn from snapshots.

    The app calls `show` on the topmost such screen, also beneath a dialog, with each new snapshot (not while frozen)
    and once when the screen comes up again.

    Attributes:
        source: where snapshots come from; told what is in focus.
        commands: the way to act; None on a read-only screen.
        access: the way to let hosts be reached; None where there is none.
        alerts: the way to look after alerts; None where there is none.
        condition: must be in sight as long as it is not the ordinary one.
    """

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        *,
        access: AccessPort | None = None,
        alerts: AlertPort | None = None,
    ) -> None:
        super().__init__()
        self.source = source
        self.commands = commands
        self.access = access
        self.alerts = alerts
        self.condition = Condition()

    @property
    def powers(self) -> Powers:
        """What can be done from here."""
        return Powers(self.commands is not None, self.access is not None, self.alerts is not None)

    def bind_keys(self, scope: Scope) -> None:
        """Bind the registry's keys of one scope."""
        mine = bindings_of(scope, self.powers)
        for key in (key for one in mine for key in one.key.split(",")):
            self._bindings.key_to_bindings.pop(key, None)  # Textual's own, such as tab, would come first
        for one in mine:
            self._bindings.bind(one.key, one.action, one.description, show=one.show, priority=one.priority)

    def host_for(self, key: str) -> str | None:  # noqa: ARG002 — for screens where a host has to be chosen first
        """The host that a key acts on; None if none is chosen, which the screen then says.

        Args:
            key: as printed on keyboards.
        """
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a text is typed the key that starts a filter is a letter."""
        is_typing = isinstance(self.focused, Input)
        return False if action == "filter" and is_typing else super().check_action(action, parameters)

    def tell(self, condition: Condition) -> None:
        """Show from now on whether this is the present."""
        if condition != self.condition:
            self.condition = condition
            if self.is_mounted:
                self.tick()

    def attempt(self, asking: Awaitable[None], what: str) -> None:
        """Ask the port in the background; why it did not come about is told."""

        async def ask() -> None:
            try:
                await asking
            except LeptonError as error:
                self.notify(plain(str(error), 300), title="Not done", severity="error", markup=False)
            except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
                _LOG.exception("%s failed", what)
                self.notify(plain(f"{what} went wrong: {error}", 300), severity="error", markup=False)

        self.run_worker(ask(), group="asking", exit_on_error=False)

    def tick(self) -> None:
        """Draw what changes without a snapshot: clock, ages, arming, condition."""
        raise NotImplementedError

    def show(self, snapshot: FleetSnapshot) -> None:
        """Draw `snapshot`. Must be quick: polars work belongs in a thread."""
        raise NotImplementedError
