"""One alert: what, since when, the evidence and whose rule says so, what can be done, what happened to it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from functools import partial

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from leptontui.errors import LeptonError
from leptontui.model.alert import Alert, AlertState
from leptontui.model.alert_history import HistoryQuery, Transition
from leptontui.model.text import plain
from leptontui.ports import AlertPort, CommandPort, SnapshotSource
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.commands import Scope
from leptontui.ui.screens.paged import PagedScreen
from leptontui.ui.screens.plan import spec_of
from leptontui.ui.screens.tending import FindTarget, OpenHost, TendingScreen
from leptontui.ui.widgets.alert_lines import history_lines, sheet_lines
from leptontui.ui.widgets.footer import CommandFooter
from leptontui.ui.widgets.header import Header
from leptontui.ui.widgets.said import SaidLines
from leptontui.view.alert_page import AlertSheet

_LOG = logging.getLogger(__name__)
_MOST_STEPS = 50


class AlertScreen(TendingScreen, PagedScreen[AlertSheet]):
    """One alert. Which one is an identity: it is shown, too, once it has ended.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        alert_id: which alert.
        open_host: opens a host, with a GPU chosen.
        target: a host as the inventory has it.
        alerts: the way to look after alerts; None where there is none.
        known: what is known of it, for one that is on the board no more.
        clock: tells the time in unix seconds.
    """

    CSS_PATH = "../styles/listing.tcss"
    AUTO_FOCUS = "#sheet-body"

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        alert_id: str,
        open_host: OpenHost,
        *,
        target: FindTarget,
        alerts: AlertPort | None = None,
        known: Alert | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, commands, alerts=alerts, clock=clock)
        self.alert_id = alert_id
        self.show_host = open_host
        self.target = target
        self._known = known
        self._history: tuple[Transition, ...] | None = None
        self._history_trouble = ""
        self._history_of: object = None
        self.bind_keys(Scope.ALERT)

    def compose(self) -> ComposeResult:
        """Header, the sheet, keys."""
        yield Header()
        with VerticalScroll(id="sheet-body"):
            yield SaidLines(id="alert-sheet")
        yield CommandFooter(Scope.ALERT, self.powers)

    def now_unix_s(self) -> float:
        """The time."""
        return self.clock()

    def making(self) -> Callable[[FleetSnapshot], AlertSheet]:
        """The sheet of this alert."""
        return partial(_sheet, alert_id=self.alert_id, known=self._known)

    def paged(self) -> None:
        """Keep what is known of it; read its history anew when it has changed."""
        alert = self.alert
        if alert is None:
            return
        self._known = alert
        standing = (alert.state, alert.fired_unix_s, alert.acknowledgement, alert.silenced_by, alert.inhibited_by)
        if self.alerts is not None and standing != self._history_of:
            self._history_of = standing
            self.run_worker(self._read(self.alerts, alert), group="history", exclusive=True, exit_on_error=False)

    @property
    def alert(self) -> Alert | None:
        """The alert, as it was last known."""
        return self.page.alert if self.page is not None else None

    def host_for(self, key: str) -> str | None:  # noqa: ARG002 — the whole screen is about one alert
        """Its host."""
        return (self.alert.subject.host or None) if self.alert is not None else None

    def draw(self) -> None:
        """All of it."""
        self.query_one(Header).show(self.header_facts("alert"))
        width, now = self.size.width - 1, self.clock()
        if self.page is not None:
            lines = sheet_lines(self.page, width, now, action_words=self._action_words())
            if self.alerts is not None and self.alert is not None:
                lines += history_lines(self._history, self._history_trouble, width, now)
            self.query_one("#alert-sheet", SaidLines).show(lines)
        self.query_one(CommandFooter).show_commands(without=self._idle())

    def _idle(self) -> Collection[str]:
        alert = self.alert
        idle = {"answer"}
        if alert is None or alert.state is AlertState.RESOLVED:
            idle |= {"acknowledge", "unacknowledge", "silence"}
        elif alert.acknowledgement is None:
            idle.add("unacknowledge")
        else:
            idle.add("acknowledge")
        if not self._action_words():
            idle.add("plan")
        if self.host_for("h") is None:
            idle.add("open_host")
        return idle

    def _action_words(self) -> str:
        """What the key for the plan would do; "" if nothing can be done from here."""
        alert = self.alert
        if alert is None or self.commands is None or alert.state is AlertState.RESOLVED:
            return ""
        order = self.suggestion([alert])
        spec = spec_of(self.commands, order.action) if order is not None else None
        if order is None or spec is None:
            return ""
        unit = f" {plain(order.unit, 80)} on" if order.unit else ""
        return f"{spec.verb.lower()}{unit} {plain(alert.subject.host, 60)}: opens the plan, runs nothing yet"

    async def _read(self, port: AlertPort, alert: Alert) -> None:
        words = tuple(word for word in (alert.rule, alert.subject.host) if word)
        try:
            found = await port.history(HistoryQuery(words=words))
        except LeptonError as error:
            self._history_trouble = plain(str(error), 300)
        except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
            _LOG.exception("reading the history of an alert failed")
            self._history_trouble = plain(f"reading it went wrong: {error}", 300)
        else:
            self._history_trouble = ""
            self._history = tuple(step for step in found if step.alert.id == self.alert_id)[:_MOST_STEPS]
        if self.is_mounted:
            self.draw()

    def on_resize(self) -> None:
        """Texts are wrapped anew."""
        self.call_after_refresh(self.tick)

    # Keys.

    def action_acknowledge(self) -> None:
        """Look after it."""
        if self.page is not None and self.alert is not None and self.alert.acknowledgement is None:
            self.acknowledge([(self.alert, self.page.where)])

    def action_unacknowledge(self) -> None:
        """Take back that it is looked after."""
        if self.alert is not None:
            self.unacknowledge([self.alert])

    def action_silence(self) -> None:
        """Tell nobody of it for a while."""
        if self.alert is not None:
            self.silence([self.alert])

    def action_plan(self) -> None:
        """Open the plan of what it suggests."""
        if self.alert is not None and self._action_words():
            self.plan_for([self.alert])

    def action_open_host(self) -> None:
        """Open its host."""
        alert = self.alert
        if alert is not None and alert.subject.host:
            is_gpu = alert.subject.entity.value == "gpu"
            self.show_host(alert.subject.host, (alert.subject.instance or None) if is_gpu else None)

    def action_open_history(self) -> None:
        """Search what happened, beginning with this rule on this host."""
        if self.alert is not None:
            self.open_history(f"{plain(self.alert.rule, 80)} {plain(self.alert.subject.host, 60)}".strip())

    def action_leave(self) -> None:
        """Back to where we came from."""
        self.dismiss()


def _sheet(snapshot: FleetSnapshot, alert_id: str, known: Alert | None) -> AlertSheet:
    from leptontui.view.alert_page import alert_sheet  # noqa: PLC0415 — called in the thread: frames are searched

    return alert_sheet(snapshot, alert_id, known)
