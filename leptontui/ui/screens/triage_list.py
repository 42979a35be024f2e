"""The triage list without its keys: counts, filter, the rows by section, all about the chosen one."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Sequence
from functools import partial
from typing import ClassVar, Final

from textual.app import ComposeResult

from leptontui.model.alert import Alert
from leptontui.ports import AlertPort, CommandPort, SnapshotSource
from leptontui.render.cells import Piece
from leptontui.render.numbers import age
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.commands import Scope
from leptontui.ui.screens import triage_words
from leptontui.ui.screens.listing import ListScreen
from leptontui.ui.screens.tending import FindTarget
from leptontui.ui.widgets import triage_cells
from leptontui.ui.widgets.alert_bar import AlertBar
from leptontui.ui.widgets.notices import Notices
from leptontui.ui.widgets.row_list import Heading
from leptontui.view.suggested import suggestion
from leptontui.view.triage_rows import ChangeRow, Row, TriagePage, TriageRow

_ANEW_S: Final = 60.0
"""So often what is older than an hour goes from what changed, though nothing else happens."""


class TriageList(ListScreen[TriagePage, Row]):
    """Lists alerts and changes. The cursor and the marks are on alerts and groups, never on lines.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        target: a host as the inventory has it.
        alerts: the way to look after alerts; None where there is none.
        clock: tells the time in unix seconds.
        text: the filter at first.
    """

    SCOPE: ClassVar[Scope] = Scope.TRIAGE
    PLACE: ClassVar[str] = "triage"
    DETAIL_LINES: ClassVar[int] = 5

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        *,
        target: FindTarget,
        alerts: AlertPort | None = None,
        clock: Callable[[], float] = time.time,
        text: str = "",
    ) -> None:
        super().__init__(source, commands, alerts=alerts, clock=clock)
        self.target = target
        self.filter = text
        self.opened: frozenset[str] = frozenset()
        self.marked: frozenset[Hashable] = frozenset()
        self._columns = triage_cells.columns_of((), 80, has_marks=False)
        self._pages = _Pages()

    def compose_note(self) -> ComposeResult:
        """What wants the user, then counts and filter."""
        yield Notices(can_let_in=False)
        yield AlertBar()

    def making(self) -> Callable[[FleetSnapshot], TriagePage]:
        """The rows that the filter leaves, and the members of what is unfolded."""
        return partial(self._pages.make, text=self.filter, opened=self.opened)

    def key_of(self, row: Row) -> Hashable:
        """What it is about."""
        return row.key

    def items(self) -> Sequence[Row | Heading]:
        """The sections."""
        if self.page is None:
            return ()
        return tuple(triage_words.items(self.page, self.clock(), has_failed=bool(self.condition.failure)))

    def paged(self) -> None:
        """Marks of what is gone go with it; the rows are listed when they are drawn."""
        if (page := self.page) is not None:
            self.marked &= {row.key for row in page.rows}

    def draw(self) -> None:
        """Everything; the headings tell ages, so they are told anew."""
        if self.page is not None:
            self._columns = triage_cells.columns_of(self.page.rows, self.size.width, has_marks=bool(self.marked))
            self.rows.show(self.items())
        if self.snapshot is not None:
            self.query_one(Notices).show(self.snapshot)
        super().draw()

    def draw_note(self) -> None:
        """Counts, the filter, and how old all this is."""
        page = self.page
        if page is not None:
            blind = page.hosts_total - page.hosts_live
            self.query_one(AlertBar).show(page.board, blind=blind, note=self.note())

    def note(self) -> Sequence[Piece]:
        """What is marked, what the filter hides, when rules were evaluated."""
        page = self.page
        if page is None:
            return ()
        pieces: list[Piece] = []
        if self.marked:
            pieces.append(Piece(f" {len(self.chosen_alerts())} marked ", "accent"))
        if self.filter.strip():
            pieces.append(Piece(f" hides {page.filtered_out} ", "accent"))
        if page.board.evaluated_unix_s and not pieces:
            pieces.append(Piece(f" rules evaluated {age(self.clock() - page.board.evaluated_unix_s)} ago ", "dim"))
        return pieces

    def titles(self, width: int) -> Sequence[Piece]:  # noqa: ARG002 — columns are placed already
        """The columns' names."""
        return triage_cells.titles(self._columns)

    def cells_of(self, row: Row, width: int) -> Sequence[Piece]:
        """A row in a line."""
        if self.page is None:
            return ()
        return triage_cells.row_cells(
            row,
            self._columns,
            width,
            page=self.page,
            is_marked=row.key in self.marked,
            now_unix_s=self.clock(),
        )

    def about(self, row: Row, width: int) -> Sequence[Sequence[Piece]]:
        """Where, since when, and the evidence."""
        return triage_words.about(row, self.page, width, self.clock()) if self.page is not None else ()

    def nothing(self) -> str:
        """Never asked for: headings speak where there is no row."""
        return ""

    def idle(self) -> Collection[str]:
        """Keys that can do nothing with the chosen row."""
        row, chosen = self.chosen, self.chosen_alerts()
        idle = {"answer"}
        if row is None:
            idle |= {"open", "open_host", "mark"}
        if isinstance(row, ChangeRow):
            idle |= {"mark"} if row.host else {"mark", "open", "open_host"}
        if not chosen:
            idle |= {"acknowledge", "unacknowledge", "silence"}
        elif not any(alert.acknowledgement is not None for alert in chosen):
            idle.add("unacknowledge")
        specs = self.commands.specs if self.commands is not None else ()
        if suggestion(self.suggesting(), self.target, specs) is None:
            idle.add("plan")
        if self.page is None or not self.page.board.silences:
            idle.add("open_silences")
        return idle

    # What is chosen.

    def chosen_rows(self) -> tuple[TriageRow, ...]:
        """What is marked, else the row under the cursor."""
        marked = [row for row in self.page.rows if row.key in self.marked] if self.page is not None else []
        rows = marked or ([self.chosen] if self.chosen is not None else [])
        return tuple(row for row in rows if isinstance(row, TriageRow))

    def chosen_alerts(self) -> tuple[Alert, ...]:
        """The alerts that keys act on, each once."""
        found = {alert.id: alert for row in self.chosen_rows() for alert in row.alerts}
        return tuple(found.values())

    def suggesting(self) -> tuple[Alert, ...]:
        """The alerts whose suggestion the key for plans opens: those that are marked, else the single chosen one."""
        if self.marked:
            return self.chosen_alerts()
        row = self.chosen
        return row.alerts if isinstance(row, TriageRow) and len(row.alerts) == 1 else ()

    def host_for(self, key: str) -> str | None:  # noqa: ARG002 — the first row is chosen by itself
        """The host of the chosen row."""
        row = self.chosen
        host = row.host if isinstance(row, ChangeRow) else row.alert.subject.host if row is not None else ""
        return host or None

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(AlertBar).edit()

    def on_search_bar_typed(self, message: AlertBar.Typed) -> None:
        """Filter as it is typed."""
        self.filter = message.text
        self.again()


class _Pages:
    """Makes pages, and makes the same one not twice: snapshots come more often than rules are evaluated."""

    def __init__(self) -> None:
        self._asked: tuple[object, ...] = ()
        self._of: FleetSnapshot | None = None
        self._page: TriagePage | None = None

    def make(self, snapshot: FleetSnapshot, text: str, opened: frozenset[str]) -> TriagePage:
        """The page of a snapshot."""
        from leptontui.view.triage_page import triage_page  # noqa: PLC0415 — polars is loaded in the thread, not before

        asked, before = (snapshot.link_counts, int(snapshot.t_unix_s // _ANEW_S), text, opened), self._of
        is_same = before is not None and before.alerts is snapshot.alerts and before.events is snapshot.events
        if self._page is None or not is_same or asked != self._asked:
            self._asked, self._of, self._page = asked, snapshot, triage_page(snapshot, text, opened)
        return self._page
