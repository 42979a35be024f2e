"""The fleet screen: every GPU or host as a row, the worst first."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.widgets import Static

from leptontui.model.focus import Focus
from leptontui.model.target import Fleet
from leptontui.model.text import plain
from leptontui.ports import AccessPort, AlertPort, CommandPort, SnapshotSource
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.arranger import Arranger
from leptontui.ui.commands import Scope
from leptontui.ui.screens import fleet_words
from leptontui.ui.screens.marking import MarkingWays
from leptontui.ui.widgets.column_titles import ColumnTitles
from leptontui.ui.widgets.filter_bar import FilterBar
from leptontui.ui.widgets.fleet_table import SCROLLBAR, FleetTable
from leptontui.ui.widgets.footer import CommandFooter
from leptontui.ui.widgets.header import Header
from leptontui.ui.widgets.notices import Notices
from leptontui.ui.widgets.status_line import StatusLine
from leptontui.view.columns import Placed, next_sort, place, sorted_by, toggled
from leptontui.view.row import RowId
from leptontui.view.state import Rows, ViewState

if TYPE_CHECKING:
    from leptontui.view.arrange import Arrangement


class FleetScreen(MarkingWays):
    """Header, filter, table, keys.

    Args:
        source: told which trends are in view.
        commands: the way to act; None on a read-only screen.
        fleet: the inventory.
        access: the way to let hosts be reached; None where there is none.
        alerts: the way to look after alerts; None where there is none.
        clock: tells the time in unix seconds.
    """

    AUTO_FOCUS = "#fleet-table"

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
        super().__init__(source, commands, fleet=fleet, access=access, alerts=alerts, clock=clock)
        self._expected = len(fleet.hosts)
        self._state = ViewState()
        self._arrangement: Arrangement | None = None
        self._placed: tuple[Placed, ...] = ()
        self._has_chosen_rows = False
        self._trouble = ""
        self._focused_on: Focus | None = None
        self._arranger = Arranger(self._arranged, self._not_arranged)
        self.bind_keys(Scope.FLEET)

    @property
    def cursor(self) -> RowId | None:
        """What the row under the cursor is about; None if no row is chosen."""
        return self.query_one(FleetTable).cursor

    @property
    def shown_hosts(self) -> tuple[str, ...]:
        """The hosts that the filter leaves, each once."""
        return self._arrangement.hosts if self._arrangement is not None else ()

    @property
    def shown_rows(self) -> Rows:
        """What a row stands for."""
        return self._state.rows

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Header()
        yield Notices(can_let_in=self.access is not None)
        yield FilterBar()
        yield ColumnTitles()
        yield FleetTable(self._clock)
        yield Static(id="nothing", markup=False)
        yield StatusLine()
        yield CommandFooter(Scope.FLEET, self.powers)

    def on_mount(self) -> None:
        """Ages grow between two snapshots."""
        self.set_interval(1.0, self.tick)
        self._say_nothing()
        self.draw_header()
        self.call_after_refresh(self._arranger.warm_up)

    def on_unmount(self) -> None:
        """End the thread."""
        self._arranger.close()

    def on_screen_resume(self) -> None:
        """Back from another screen: say again what is looked at."""
        self._focused_on = None
        self.on_fleet_table_viewed()

    def on_resize(self, _event: events.Resize) -> None:
        """Choose the columns anew."""
        self.call_after_refresh(self._draw)

    def show(self, snapshot: FleetSnapshot) -> None:
        """Arrange the snapshot, then draw it."""
        self.known = snapshot
        self.keep_marks()
        self.query_one(Notices).show(snapshot, self.commands.activity if self.commands is not None else None)
        self._arrange()

    async def settle(self) -> None:
        """Wait until what was asked for has been arranged."""
        await self._arranger.settle()

    def tick(self) -> None:
        """Clock, ages, arming and condition."""
        self.draw_header()
        if self._arrangement is not None:
            self.query_one(FleetTable).redraw()
        else:
            self._say_nothing()

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).edit()

    def action_sort_next(self) -> None:
        """Sort by the next column."""
        self._change(next_sort(self._state, 1))

    def action_sort_previous(self) -> None:
        """Sort by the previous column."""
        self._change(next_sort(self._state, -1))

    def action_sort_reverse(self) -> None:
        """Turn the order round."""
        self._change(replace(self._state, is_descending=not self._state.is_descending))

    def action_toggle_rows(self) -> None:
        """One row per GPU, or one per host."""
        self._has_chosen_rows = True
        self._change(toggled(self._state))

    def action_leave(self) -> None:
        """Leave the app, but not by accident while an action is running."""
        if self.is_acting():
            self.notify("an action is running: ctrl+q leaves all the same", severity="warning")
        else:
            self.app.exit()

    def host_for(self, key: str) -> str | None:
        """The host under the cursor; while no row is chosen, the key chooses the one on top and does nothing else."""
        table = self.query_one(FleetTable)
        if table.cursor is None and (row := table.place()) is not None:
            self.notify(f"cursor on {fleet_words.name_of(row)}: press {key} again", markup=False)
            return None
        return table.cursor.host if table.cursor is not None else None

    def filter_by(self, text: str) -> None:
        """Show the GPUs that a filter leaves."""
        if self._state.rows is not Rows.GPU:
            self.action_toggle_rows()
        self.query_one(FilterBar).write(text)

    def _change(self, state: ViewState) -> None:
        self._state = state
        self._arrange()

    def on_search_bar_typed(self, message: FilterBar.Typed) -> None:
        """Filter as it is typed."""
        self._change(replace(self._state, filter=message.text))

    async def on_search_bar_left(self, message: FilterBar.Left) -> None:
        """Back to the table; a filter that is kept has chosen the first row it leaves."""
        table = self.query_one(FleetTable)
        table.focus()
        if message.is_kept and self._state.filter:
            await self.settle()
            table.place()

    def on_column_titles_chosen(self, message: ColumnTitles.Chosen) -> None:
        """Sort by the clicked column."""
        self._change(sorted_by(self._state, message.name))

    def on_fleet_table_opened(self) -> None:
        """A double click opens the host."""
        self.action_open_host()

    def on_fleet_table_cursor_moved(self) -> None:
        """Describe the row under the cursor."""
        table = self.query_one(FleetTable)
        shown = self._arrangement.shown if self._arrangement is not None else 0
        self.query_one(StatusLine).show(table.cursor_row, table.cursor_position, shown, self._clock())

    def on_descendant_focus(self) -> None:
        """While a filter is typed the keys mean letters."""
        self._draw_keys()
        self.draw_header()

    def key_escape(self) -> None:
        """Escape in the table: forget the marks; show everything again; then let go of the chosen row."""
        if self.unmark():
            return
        if self._state.filter:
            self.query_one(FilterBar).clear()
        else:
            self.query_one(FleetTable).unplace()

    def _arrange(self) -> None:
        if self.known is not None:
            self._arranger.want(self.known, self._state, self.query_one(FleetTable).in_view)

    def _not_arranged(self, words: str) -> None:
        self._trouble = plain(words)
        self.draw_header()

    def _arranged(self, arrangement: Arrangement) -> None:
        if not self._has_chosen_rows and fleet_words.has_no_gpu(arrangement):
            self.action_toggle_rows()
            return
        self._arrangement, self._trouble = arrangement, ""
        self._draw()

    def _draw(self) -> None:
        arrangement = self._arrangement
        if arrangement is None or not self.is_mounted:
            self.draw_header()
            return
        self._say_nothing()
        state = arrangement.state
        self._placed = place(state.rows, self.size.width - SCROLLBAR, arrangement.longest)
        self.query_one(ColumnTitles).show(self._placed, sort=state.sort, is_descending=state.is_descending)
        self.query_one(FleetTable).show(arrangement, self._placed, self.marks.hosts)
        self._draw_keys()
        self.draw_header()

    def _draw_keys(self) -> None:
        """Show the keys that do something here."""
        footer = self.query_one(CommandFooter)
        if self.focused is not None and self.focused.id == "filter":
            footer.show_keys(fleet_words.FILTER_KEYS)
            return
        has_row = self._arrangement is not None and self._arrangement.shown > 0
        idle = fleet_words.idle_actions(self.targets, has_row=has_row)
        if self._arrangement is None or self._arrangement.summary.gpus == 0:
            idle |= {"inspect", "open_jobs"}
        footer.show_commands(without=idle | fleet_words.idle_ways(self.known))

    def draw_header(self) -> None:
        """The header's two lines."""
        if not self.is_mounted:
            return
        facts = fleet_words.header_facts(
            plain(self._fleet.name, 40),
            self._expected,
            self._arrangement,
            now_unix_s=self._clock(),
            armed_until_unix_s=self.commands.armed_until_unix_s if self.commands is not None else None,
            is_frozen=self.condition.is_frozen,
            failure=self.condition.failure or self._trouble,
        )
        self.query_one(Header).show(facts)
        if self._arrangement is not None:
            blind = facts.counts.total - facts.counts.live
            width = self.size.width
            note = (*self.marks_note(width), *fleet_words.filter_note(self._arrangement, width))
            board = self._arrangement.snapshot.alerts
            self.query_one(FilterBar).show(self._arrangement.summary, blind=blind, note=note, board=board)

    def _say_nothing(self) -> None:
        is_empty = self._arrangement is None or self._arrangement.shown == 0
        self.set_class(is_empty, "-nothing")
        words = fleet_words.nothing_words(self._arrangement, self._expected, self.condition.failure)
        self.query_one("#nothing", Static).update(words if is_empty else "")

    def on_fleet_table_viewed(self) -> None:
        """Say which trends are in view."""
        focus = Focus(trends=self.query_one(FleetTable).series_in_view())
        if focus != self._focused_on and self.app.screen is self:
            self._focused_on = focus
            self.source.focus(focus)
