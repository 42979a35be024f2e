"""From a wish to a plan: what somebody asks for by a key, and what the alerts' rules ask to have confirmed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from textual.app import App
from textual.widgets import Input

from leptontui.model.action import ActionName, ActionRequest
from leptontui.model.reaction import Proposal, Reaction
from leptontui.model.target import Fleet
from leptontui.model.text import plain
from leptontui.ports import CommandPort
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.messages import ActionAsked
from leptontui.ui.screens.base import SnapshotScreen

_NOTICE_S: Final = 12.0


class Wishes:
    """Asks for what is missing of a wish, then shows its plan.

    Args:
        app: shows the dialogs.
        port: the way to act; None on a read-only screen: then no wish comes to anything.
        fleet: the inventory as the program was started with it.
        clock: unix seconds; what arming is compared with.
    """

    def __init__(self, app: App[Any], port: CommandPort | None, fleet: Fleet, clock: Callable[[], float]) -> None:
        self._app = app
        self._port = port
        self._fleet = fleet
        self._clock = clock
        self._proposed: set[str] = set()

    def ask(self, wish: ActionAsked, known: FleetSnapshot | None) -> None:
        """Plan what somebody asked for."""
        if self._port is None:
            return
        if wish.action != ActionName.RESTART_UNIT:
            self.plan(ActionRequest(wish.action, wish.host, reason=wish.reason))
        elif wish.unit:
            self.plan(ActionRequest(ActionName.RESTART_UNIT, wish.host, unit=wish.unit))
        else:
            self._choose_unit(wish.host, known)

    def propose(self, snapshot: FleetSnapshot) -> None:
        """Open the plan that a rule wants confirmed: once per alert, where the user is armed and idle.

        Idle is who looks at a picture of the fleet: no dialog is open, nothing is being typed. The dialog itself takes
        no key that was pressed before it could be read.
        """
        proposals = snapshot.alerts.proposals
        self._proposed &= {proposal.alert_id for proposal in proposals}
        if self._port is None or not self._is_idle():
            return
        for proposal in proposals:
            if proposal.reaction is Reaction.CONFIRM and proposal.alert_id not in self._proposed:
                self._proposed.add(proposal.alert_id)
                self._tell(proposal)
                self.plan(proposal.request)
                return

    def plan(self, request: ActionRequest) -> None:
        """Show the plan of a request."""
        from leptontui.ui.screens.plan import PlanScreen  # noqa: PLC0415 — when it is wanted

        if self._port is not None:
            self._app.push_screen(PlanScreen(self._port, request, clock=self._clock))

    def _is_idle(self) -> bool:
        until = self._port.armed_until_unix_s if self._port is not None else None
        is_armed = until is not None and until > self._clock()
        screen = self._app.screen
        return is_armed and isinstance(screen, SnapshotScreen) and not isinstance(screen.focused, Input)

    def _tell(self, proposal: Proposal) -> None:
        why = f": {plain(proposal.why_not, 200)}" if proposal.why_not else ""
        self._app.notify(
            f"the rule {plain(proposal.rule, 60)} asks for this{why}. Nothing is run unless you confirm it.",
            title="A rule's action",
            severity="warning",
            timeout=_NOTICE_S,
            markup=False,
        )

    def _choose_unit(self, host: str, known: FleetSnapshot | None) -> None:
        target = (known.targets.get(host) if known is not None else None) or self._fleet.host(host)
        units = target.units if target is not None else ()
        if not units:
            self._app.notify(
                f"No unit of {host} may be restarted. Name them in the inventory, in the host's group: "
                'units = ["nvidia-persistenced"]',
                title="Restart",
                severity="warning",
                timeout=_NOTICE_S,
                markup=False,
            )
            return
        if len(units) == 1:
            self.plan(ActionRequest(ActionName.RESTART_UNIT, host, unit=units[0]))
            return
        from leptontui.ui.screens.choose_unit import ChooseUnitScreen  # noqa: PLC0415 — when it is wanted

        def chosen(unit: str | None) -> None:
            if unit is not None:
                self.plan(ActionRequest(ActionName.RESTART_UNIT, host, unit=unit))

        self._app.push_screen(ChooseUnitScreen(units), chosen)
