"""The triage list: what is wrong, what will be, what changed; the worst first, with the evidence one key away."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from leptontui.model.alert import Alert
from leptontui.ports import AlertPort, CommandPort, SnapshotSource
from leptontui.ui.commands import Scope
from leptontui.ui.screens.tending import FindTarget, OpenHost, TendingScreen
from leptontui.ui.screens.triage_list import TriageList
from leptontui.ui.widgets.alert_bar import AlertBar
from leptontui.view.alert_places import place_of
from leptontui.view.triage_rows import ChangeRow, TriagePage, TriageRow


class TriageScreen(TendingScreen, TriageList):
    """The list with its keys. They act on what is marked, else on what the cursor is on.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        open_host: opens a host, with a GPU chosen.
        target: a host as the inventory has it.
        alerts: the way to look after alerts; None where there is none.
        clock: tells the time in unix seconds.
        text: the filter at first.
    """

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        open_host: OpenHost,
        *,
        target: FindTarget,
        alerts: AlertPort | None = None,
        clock: Callable[[], float] = time.time,
        text: str = "",
    ) -> None:
        super().__init__(source, commands, target=target, alerts=alerts, clock=clock, text=text)
        self.show_host = open_host
        self.bind_keys(Scope.TRIAGE)

    def now_unix_s(self) -> float:
        """The time."""
        return self.clock()

    def action_open(self) -> None:
        """The alert, or the group's members; of a change, its alert or host."""
        row = self.chosen
        if isinstance(row, ChangeRow):
            known = self.page is not None and any(alert.id == row.alert_id for alert in _alerts_of(self.page))
            if row.alert_id and known:
                self._open_alert(row.alert_id)
            elif row.host:
                self.show_host(row.host, row.gpu_uuid)
        elif row is not None and row.is_group:
            self._fold(row, is_open=not row.is_open)
        elif row is not None:
            self._open_alert(row.alert.id)

    def action_unfold(self) -> None:
        """Show the group's members."""
        if isinstance(row := self.chosen, TriageRow) and row.is_group and not row.is_open:
            self._fold(row, is_open=True)

    def action_fold(self) -> None:
        """Hide the members; the cursor goes to their group."""
        row = self.chosen
        if isinstance(row, TriageRow) and (row.is_member or row.is_open):
            self.rows.choose(("group", row.group.id))
            self._fold(row, is_open=False)

    def _fold(self, row: TriageRow, *, is_open: bool) -> None:
        self.opened = self.opened | {row.group.id} if is_open else self.opened - {row.group.id}
        self.again()

    def _open_alert(self, alert_id: str) -> None:
        from leptontui.ui.screens.alert import AlertScreen  # noqa: PLC0415 — when it is wanted

        self.app.push_screen(
            AlertScreen(
                self.source,
                self.commands,
                alert_id,
                self.show_host,
                target=self.target,
                alerts=self.alerts,
                clock=self.clock,
            )
        )

    def action_mark(self) -> None:
        """Mark the row, or unmark it; the cursor goes on."""
        if isinstance(row := self.chosen, TriageRow):
            self.marked ^= {row.key}
            self.rows.action_cursor(1)
            self.draw()

    def action_acknowledge(self) -> None:
        """Look after what is chosen."""
        found = self.chosen_alerts()
        chosen = [alert for alert in found if alert.acknowledgement is None]
        if found and not chosen:
            self.notify("it is acknowledged already", markup=False)
        if self.page is not None:
            self.acknowledge([(alert, place_of(alert, self.page.numbers)) for alert in chosen])

    def action_unacknowledge(self) -> None:
        """Take back that it is looked after."""
        self.unacknowledge(self.chosen_alerts())

    def action_silence(self) -> None:
        """Tell nobody of what is chosen."""
        self.silence(self.chosen_alerts())

    def action_plan(self) -> None:
        """Open the plan of what is suggested, on one host, or on those of all marked alerts."""
        if isinstance(self.chosen, TriageRow) or self.marked:
            self.plan_for(self.suggesting())

    def action_open_host(self) -> None:
        """Open the host of the chosen row."""
        if (host := self.host_for("h")) is not None:
            row = self.chosen
            is_gpu = isinstance(row, TriageRow) and row.alert.subject.entity.value == "gpu"
            uuid = row.gpu_uuid if isinstance(row, ChangeRow) else None
            if isinstance(row, TriageRow) and is_gpu:
                uuid = row.alert.subject.instance or None
            self.show_host(host, uuid)

    def action_open_history(self) -> None:
        """Search what happened."""
        self.open_history()

    def action_open_report(self) -> None:
        """Show the shift's report."""
        if self.alerts is not None:
            from leptontui.ui.screens.report import ReportScreen  # noqa: PLC0415 — when it is wanted

            self.app.push_screen(ReportScreen(self.source, self.commands, self.alerts, clock=self.clock))

    def action_open_silences(self) -> None:
        """Show the silences."""
        if self.alerts is not None:
            from leptontui.ui.screens.silences import SilencesScreen  # noqa: PLC0415 — when it is wanted

            self.app.push_screen(SilencesScreen(self.source, self.commands, self.alerts, clock=self.clock))

    def action_leave(self) -> None:
        """Forget marks, then the filter; then go back."""
        if self.marked:
            self.tended()
        elif self.filter:
            self.query_one(AlertBar).clear()
        else:
            self.dismiss()

    def tended(self) -> None:
        """Nothing is marked any more."""
        self.marked = frozenset()
        if self.is_mounted:
            self.draw()

    def on_row_list_opened(self) -> None:
        """A double click does what enter does."""
        self.action_open()


def _alerts_of(page: TriagePage) -> Sequence[Alert]:
    return [*(alert for group in page.board.groups for alert in group.alerts), *page.board.resolved]
