"""From a wish to a plan: what somebody asks for by a key or menu, and what alerts' rules ask to have confirmed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from textual.app import App
from textual.widgets import Input

from leptontui.errors import LeptonError
from leptontui.model.action import ActionRequest
from leptontui.model.action_spec import ActionSpec
from leptontui.model.activity import RunbookEntry
from leptontui.model.reaction import Proposal, Reaction
from leptontui.model.target import Fleet, HostTarget
from leptontui.model.text import plain
from leptontui.ports import CommandPort, SnapshotSource
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.messages import ActionAsked, MenuAsked
from leptontui.ui.screens.base import SnapshotScreen
from leptontui.view.offers import concerned, offers, units_for, why_not
from leptontui.view.orders import Order, known_params, spec_of_runbook

if TYPE_CHECKING:
    from leptontui.ui.screens.actions_menu import ActionsMenuScreen

_LOG = logging.getLogger(__name__)
_NOTICE_S: Final = 12.0


class Wishes:
    """Asks for what is missing of a wish, then shows its plan.

    Args:
        app: shows the dialogs.
        source: where snapshots come from, for the screens that show how it goes.
        port: the way to act; None on a read-only screen: then no wish comes to anything.
        fleet: the inventory as the program was started with it.
        clock: unix seconds; what arming is compared with.
    """

    def __init__(
        self,
        app: App[Any],
        source: SnapshotSource,
        port: CommandPort | None,
        fleet: Fleet,
        clock: Callable[[], float],
    ) -> None:
        self._app = app
        self._source = source
        self._port = port
        self._fleet = fleet
        self._clock = clock
        self._known: FleetSnapshot | None = None
        self._proposed: set[str] = set()

    def ask(self, wish: ActionAsked, known: FleetSnapshot | None) -> None:
        """Plan what somebody asked for on one host."""
        self._known = known
        spec = self._spec(wish.action)
        params = known_params(spec, wish.known) if spec is not None else ()
        self.place(Order(wish.action, (wish.host,), wish.unit, wish.reason, params), known)

    def place(self, order: Order, known: FleetSnapshot | None, *, wants_form: bool = False) -> None:
        """Plan what somebody asked for, after what is missing of it.

        Args:
            order: what is wanted.
            known: the newest snapshot.
            wants_form: whether its parameters are to be gone through first.
        """
        self._known = known
        spec = self._spec(order.action)
        if self._port is None:
            return
        if spec is None:
            self._say(f"there is no action {plain(order.action, 60)} here", order.action)
            return
        targets = self._targets(order)
        if words := why_not(spec, targets):
            self._say(words if order.where in words else f"{plain(order.where, 60)}: {words}", spec.verb)
        elif spec.takes_unit and not order.unit:
            self._choose_unit(order, spec, wants_form=wants_form)
        elif wants_form or order.lacks(spec):
            self._fill_in(order, spec)
        elif order.is_bulk:
            self._plan_all(order)
        else:
            self.plan(order.request())

    def choose(self, wish: MenuAsked, known: FleetSnapshot | None) -> None:
        """Let somebody choose what is done to some hosts, then plan it."""
        from leptontui.ui.screens.actions_menu import ActionsMenuScreen  # noqa: PLC0415 — when it is wanted

        port, self._known = self._port, known
        if port is None or not wish.hosts:
            return
        found = offers(port.specs, [self._target(host) for host in wish.hosts])
        gpu = wish.known.get("gpu", "")
        menu = ActionsMenuScreen(wish.hosts, f"GPU {plain(gpu, 8)}" if gpu else "", found)

        def chosen(entry: ActionSpec | RunbookEntry | None) -> None:
            if isinstance(entry, RunbookEntry):
                self._begin(port, entry, Order(f"runbook/{entry.name}", wish.hosts))
            elif entry is not None:
                reason = wish.reason if entry.takes_reason else ""
                order = Order(entry.name, wish.hosts, reason=reason, params=known_params(entry, wish.known))
                concerns = concerned(entry, [self._target(host) for host in wish.hosts])
                self.place(order, self._known, wants_form=bool(concerns))

        self._app.push_screen(menu, chosen)
        if len(wish.hosts) == 1:
            self._app.run_worker(self._add_runbooks(port, menu), exit_on_error=False)

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

    def _plan_all(self, order: Order) -> None:
        from leptontui.ui.screens.rollout import RolloutScreen  # noqa: PLC0415 — when it is wanted
        from leptontui.ui.screens.rollout_plan import RolloutPlanScreen  # noqa: PLC0415 — likewise

        port = self._port
        if port is None:
            return

        def begun(rollout_id: str | None) -> None:
            if rollout_id is not None:
                self._app.push_screen(RolloutScreen(self._source, port, rollout_id, clock=self._clock))

        self._app.push_screen(RolloutPlanScreen(port, order, clock=self._clock), begun)

    def _fill_in(self, order: Order, spec: ActionSpec) -> None:
        from leptontui.ui.screens.form import FormScreen  # noqa: PLC0415 — when it is wanted

        def filled(full: Order | None) -> None:
            if full is not None:
                self.place(full, self._known)

        targets = self._targets(order)
        others = (
            tuple(host.name for host in self._all_targets() if host.name not in order.hosts)
            if any(parameter.name == "standby" for parameter in spec.parameters)
            else ()
        )
        self._app.push_screen(FormScreen(order, spec, concerned(spec, targets), {"standby": others}), filled)

    def _choose_unit(self, order: Order, spec: ActionSpec, *, wants_form: bool) -> None:
        units = units_for(spec, self._targets(order))
        if len(units) == 1:
            self.place(replace(order, unit=units[0]), self._known, wants_form=wants_form)
            return
        from leptontui.ui.screens.choose_unit import ChooseUnitScreen  # noqa: PLC0415 — when it is wanted

        def chosen(unit: str | None) -> None:
            if unit is not None:
                self.place(replace(order, unit=unit), self._known, wants_form=wants_form)

        self._app.push_screen(ChooseUnitScreen(units, f"{spec.verb} which unit of {plain(order.where, 60)}?"), chosen)

    async def _add_runbooks(self, port: CommandPort, menu: ActionsMenuScreen) -> None:
        try:
            found = await port.runbooks()
        except LeptonError as error:
            self._say(str(error), "Runbooks")
        except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
            _LOG.exception("reading the runbooks failed")
            self._say(f"reading the runbooks went wrong: {error}", "Runbooks")
        else:
            menu.add(found)

    def _begin(self, port: CommandPort, entry: RunbookEntry, order: Order) -> None:
        """Ask for a runbook's parameters, then make it ready."""

        def filled(full: Order | None) -> None:
            if full is not None:
                self._app.run_worker(self._start(port, entry, full), exit_on_error=False)

        if not entry.parameters:
            filled(order)
            return
        from leptontui.ui.screens.form import FormScreen  # noqa: PLC0415 — when it is wanted

        target = self._target(order.hosts[0])
        units = dict.fromkeys(("unit", "service"), target.units if target is not None else ())
        self._app.push_screen(FormScreen(order, spec_of_runbook(entry), entry.parameters, units), filled)

    async def _start(self, port: CommandPort, entry: RunbookEntry, order: Order) -> None:
        from leptontui.ui.screens.runbook import RunbookScreen  # noqa: PLC0415 — when it is wanted

        try:
            run_id = await port.start_runbook(entry.name, order.hosts[0], order.params)
        except LeptonError as error:
            self._say(str(error), entry.name)
        except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
            _LOG.exception("starting a runbook failed")
            self._say(f"starting it went wrong: {error}", entry.name)
        else:
            self._app.push_screen(RunbookScreen(self._source, port, run_id, clock=self._clock))

    def _spec(self, action: str) -> ActionSpec | None:
        from leptontui.ui.screens.plan import spec_of  # noqa: PLC0415 — when it is wanted

        return spec_of(self._port, action) if self._port is not None else None

    def _targets(self, order: Order) -> list[HostTarget | None]:
        return [self._target(host) for host in order.hosts]

    def _target(self, host: str) -> HostTarget | None:
        known = self._known
        return (known.targets.get(host) if known is not None else None) or self._fleet.host(host)

    def _all_targets(self) -> tuple[HostTarget, ...]:
        known = self._known.targets if self._known is not None else {}
        return tuple(known.values()) or self._fleet.hosts

    def _is_idle(self) -> bool:
        until = self._port.armed_until_unix_s if self._port is not None else None
        is_armed = until is not None and until > self._clock()
        screen = self._app.screen
        return is_armed and isinstance(screen, SnapshotScreen) and not isinstance(screen.focused, Input)

    def _tell(self, proposal: Proposal) -> None:
        why = f": {plain(proposal.why_not, 200)}" if proposal.why_not else ""
        self._say(
            f"the rule {plain(proposal.rule, 60)} asks for this{why}. Nothing is run unless you confirm it.",
            "A rule's action",
        )

    def _say(self, words: str, title: str) -> None:
        self._app.notify(plain(words, 400), title=plain(title, 60), severity="warning", timeout=_NOTICE_S, markup=False)
