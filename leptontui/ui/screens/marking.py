"""The fleet's keys that mark hosts, and what acts on those that are marked, else on the row under the cursor."""

from __future__ import annotations

from collections.abc import Sequence

from leptontui.model.activity import Activity, RolloutState, RunbookState
from leptontui.render.cells import Piece
from leptontui.ui.messages import MenuAsked, OrderPlaced
from leptontui.ui.screens import fleet_words
from leptontui.ui.screens.plan import spec_of
from leptontui.ui.screens.ways import FleetWays
from leptontui.ui.widgets.fleet_table import FleetTable
from leptontui.view.marks import Marks
from leptontui.view.orders import Order, known_params
from leptontui.view.row import GpuRow, Row
from leptontui.view.state import Rows


class MarkingWays(FleetWays):
    """Marks are bound to hosts: neither sorting nor filtering moves them, and a plan is about those it was asked for.

    Attributes:
        marks: the marked hosts.
    """

    marks = Marks()

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor."""
        return self.query_one(FleetTable).cursor_row

    @property
    def shown_hosts(self) -> tuple[str, ...]:
        """The hosts that the filter leaves, each once."""
        raise NotImplementedError

    @property
    def shown_rows(self) -> Rows:
        """What a row stands for."""
        raise NotImplementedError

    def draw_header(self) -> None:
        """Draw how many are marked."""
        raise NotImplementedError

    def _marked(self) -> None:
        self.query_one(FleetTable).mark(self.marks.hosts)
        self.draw_header()

    def action_mark(self) -> None:
        """Mark the host under the cursor, or unmark it; among hosts the cursor goes on."""
        if self.commands is None or (host := self.host_for("space")) is None:
            return
        self.marks = self.marks.toggled(host)
        if self.shown_rows is Rows.HOST:
            self.query_one(FleetTable).action_cursor(1)  # among GPUs the next row may be the same host's
        self._marked()

    def action_mark_all(self) -> None:
        """Mark all hosts that the filter leaves, or unmark them."""
        if self.commands is not None:
            self.marks = self.marks.all_toggled(self.shown_hosts)
            self._marked()

    def unmark(self) -> bool:
        """Forget all marks; returns whether there were any."""
        had = bool(self.marks.hosts)
        self.marks = Marks()
        if had:
            self._marked()
        return had

    def keep_marks(self) -> None:
        """Forget marks of hosts that are not in the fleet any more."""
        if self.marks.hosts and self.known is not None:
            self.marks = self.marks.kept(self.known.links)

    def marks_note(self, width: int) -> Sequence[Piece]:
        """How many are marked, and how many of them are not to be seen."""
        if not (count := len(self.marks.hosts)):
            return ()
        hidden = self.marks.hidden(self.shown_hosts)
        away = (
            f", {hidden} not shown"
            if hidden and width >= fleet_words.ROOMY
            else f" ({hidden} hidden)"
            if hidden
            else ""
        )
        return (Piece(f" ✓ {count} host{'' if count == 1 else 's'} marked{away} ", "accent", is_bold=True),)

    def is_acting(self) -> bool:
        """Whether something that was begun here has not ended: it would be broken off."""
        activity = self.commands.activity if self.commands is not None else Activity()
        is_running = any(worker.group == "actions" and not worker.is_finished for worker in self.app.workers)
        is_rolling = any(rollout.state is RolloutState.RUNNING for rollout in activity.rollouts)
        is_stepping = any(  # a check or a wait is gone on with by the next session
            run.state is RunbookState.RUNNING and run.at < len(run.steps) and run.steps[run.at].kind == "action"
            for run in activity.runbooks
        )
        return is_running or is_rolling or is_stepping

    @property
    def _chosen_hosts(self) -> tuple[str, ...]:
        """Those that are marked, in the inventory's order."""
        return self.marks.ordered(target.name for target in self.targets)

    def ask(self, action: str) -> None:
        """Ask for something to be done to the hosts that are marked, else to the one under the cursor."""
        spec = spec_of(self.commands, action) if self.commands is not None else None
        if spec is None:
            return
        if hosts := self._chosen_hosts:
            self.post_message(OrderPlaced(Order(action, hosts)))
        elif (host := self.host_for(fleet_words.ACTION_KEYS.get(action, "x"))) is not None:
            reason = fleet_words.reason_for(self.cursor_row) if spec.takes_reason else ""
            params = known_params(spec, self._known_there())
            self.post_message(OrderPlaced(Order(action, (host,), reason=reason, params=params)))

    def ask_menu(self) -> None:
        """Show what can be done to the hosts that are marked, else to the one under the cursor."""
        if self.commands is None:
            return
        if hosts := self._chosen_hosts:
            self.post_message(MenuAsked(hosts))
        elif (host := self.host_for("x")) is not None:
            reason = fleet_words.reason_for(self.cursor_row)
            self.post_message(MenuAsked((host,), reason, known=self._known_there()))

    def _known_there(self) -> dict[str, str]:
        """What the row under the cursor says about parameters."""
        row = self.cursor_row
        if isinstance(row, GpuRow) and row.id.gpu_uuid is not None and row.gpu is not None:
            return {"gpu": str(row.gpu)}
        return {}
