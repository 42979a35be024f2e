"""The events: what hosts reported, newest first, repeated ones counted, what was before we connected marked."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult

from leptontui.model.health import Severity
from leptontui.model.text import plain
from leptontui.ports import AccessPort, CommandPort, SnapshotSource
from leptontui.render import numbers
from leptontui.render.cells import Piece, fit
from leptontui.render.palette import role_of
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.commands import Scope
from leptontui.ui.screens.listing import ListScreen, wrapped
from leptontui.ui.widgets.row_list import Heading
from leptontui.ui.widgets.search_bar import SearchBar
from leptontui.view.event_rows import EventRow

if TYPE_CHECKING:
    from leptontui.view.event_page import EventPage

_DAY_S: Final = 86_400.0
_ROOMY: Final = 110
_WHEN, _WHERE, _TIMES = 8, 7, 6
BACKLOG: Final = "↶"
"""Marks what happened before we connected and was found in the kernel's log."""


class EventsScreen(ListScreen["EventPage", EventRow]):
    """Lists what hosts reported.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        open_host: called with host and GPU of the chosen event.
        access: the way to let hosts be reached.
        clock: tells the time in unix seconds.
    """

    SCOPE: ClassVar[Scope] = Scope.EVENTS
    PLACE: ClassVar[str] = "events"
    DETAIL_LINES: ClassVar[int] = 4

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        open_host: Callable[[str, str | None], None],
        *,
        access: AccessPort | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, commands, access=access, clock=clock)
        self._open_host = open_host
        self._filter = ""
        self.bind_keys(Scope.EVENTS)

    def compose_note(self) -> ComposeResult:
        """The filter and what it did."""
        yield SearchBar()

    def making(self) -> Callable[[FleetSnapshot], EventPage]:
        """The events that the filter leaves."""
        return partial(_page, text=self._filter)

    def key_of(self, row: EventRow) -> Hashable:
        """What it is about."""
        return row.key

    def items(self) -> Sequence[EventRow | Heading]:
        """Newest first."""
        return self.page.rows if self.page is not None else ()

    def note(self) -> Sequence[Piece]:
        """How many are left, or what is wrong with the filter."""
        page = self.page
        if page is None:
            return ()
        if page.error:
            return (Piece(f" ▲ {plain(page.error)} ", "warning"),)
        if self._filter.strip():
            return (Piece(f" {len(page.rows)} of {page.total} kinds of events ", "accent"),)
        kinds = "kind of event" if page.total == 1 else "kinds of events, newest first"
        return (Piece(f" {page.total}"), Piece(f" {kinds} ", "dim"))

    def draw_note(self) -> None:
        """The note stands beside the filter."""
        self.query_one(SearchBar).say(self.note())

    def titles(self, width: int) -> Sequence[Piece]:
        """The columns' names."""
        host, what = self._widths(width)
        line = f"  {'time':>{_WHEN}}  {fit('host', host)} {fit('gpu', _WHERE)} {fit('what', what)} {'times':>{_TIMES}}"
        return (Piece(f"{line}  what the host said", "dim"),)

    def cells_of(self, row: EventRow, width: int) -> Sequence[Piece]:
        """An event in a line."""
        host, what = self._widths(width)
        role = role_of(row.severity)
        times = f"×{row.count}" if row.count > 1 else ""
        name = f"{BACKLOG} {row.what}" if row.is_backlog else row.what
        where = row.where.removeprefix("GPU ")
        return (
            Piece(f"{row.severity.glyph} ", role),
            Piece(f"{_when(row.t_unix_s, self.clock()):>{_WHEN}}  ", "dim"),
            Piece(f"{fit(plain(row.host, 60), host)} "),
            Piece(f"{fit(where, _WHERE)} "),
            Piece(f"{fit(name, what)} ", role, row.severity is Severity.CRITICAL),
            Piece(f"{times:>{_TIMES}}  ", "text"),
            Piece(row.text, "dim" if row.is_backlog else "text"),
        )

    def about(self, row: EventRow, width: int) -> Sequence[Sequence[Piece]]:
        """When, how often, what it means in general, and the whole line."""
        age = numbers.age(self.clock() - row.t_unix_s)
        told = f"{age} ago" if row.count == 1 else f"×{row.count} since {_clock(row.first_unix_s)}, last {age} ago"
        before = f"   {BACKLOG} before we connected, from the kernel's log" if row.is_backlog else ""
        head = (
            Piece(f" {plain(row.host, 60)}{' ▸ ' + row.where if row.where else ''}  ", is_bold=True),
            Piece(f"{row.severity.glyph} {row.what}", role_of(row.severity)),
            Piece(f"   {told}", "dim"),
            Piece(before, "accent"),
            Piece(f"   {row.meaning}", "dim"),
        )
        return [head, *wrapped(row.text or row.meaning, width, lines=3)]

    def nothing(self) -> str:
        """Why no event is listed."""
        if self._filter.strip() and self.page is not None and self.page.total:
            return f"No event matches  {self._filter}\n\nesc shows all {self.page.total} again."
        return (
            "No host has reported anything.\n\nXids, GPUs off the bus, OOM kills, hung tasks, silent NFS servers and "
            "the like are told here the moment they happen; what happened since boot is told when a host connects."
        )

    def idle(self) -> Collection[str]:
        """Without a row there is no host."""
        return () if self.chosen is not None else ("open_host", "filter_host")

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(SearchBar).edit()

    def action_filter_host(self) -> None:
        """Only the events of the host under the cursor; once more: all again."""
        bar = self.query_one(SearchBar)
        if (row := self.chosen) is not None:
            wanted = f'host="{plain(row.host, 60)}"'
            bar.write("" if self._filter == wanted else wanted)

    def action_open_host(self) -> None:
        """Open the host of the chosen event."""
        if (row := self.chosen) is not None:
            self._open_host(row.host, row.gpu_uuid)

    def action_leave(self) -> None:
        """Show everything again; then go back."""
        if self._filter:
            self.query_one(SearchBar).clear()
        else:
            self.dismiss()

    def host_for(self, key: str) -> str | None:  # noqa: ARG002 — the first event is chosen by itself
        """The host of the chosen event."""
        return self.chosen.host if self.chosen is not None else None

    def on_search_bar_typed(self, message: SearchBar.Typed) -> None:
        """Filter as it is typed."""
        self._filter = message.text
        self.again()

    def on_row_list_opened(self) -> None:
        """A double click opens the host."""
        self.action_open_host()

    def _widths(self, width: int) -> tuple[int, int]:
        """Cells for the host's name and for what happened."""
        rows = [row for row in self.items() if isinstance(row, EventRow)]
        host = max((len(row.host) for row in rows), default=8)
        what = max((len(row.what) + 2 * row.is_backlog for row in rows), default=8)
        is_roomy = width >= _ROOMY
        return min(24 if is_roomy else 10, max(4, host)), min(20 if is_roomy else 12, max(6, what))


def _when(t_unix_s: float, now_unix_s: float) -> str:
    """The time of day; of what is older than a day, the day."""
    local = time.localtime(t_unix_s)
    return time.strftime("%H:%M:%S" if now_unix_s - t_unix_s < _DAY_S else "%d %b", local)


def _clock(t_unix_s: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(t_unix_s))


def _page(snapshot: FleetSnapshot, text: str) -> EventPage:
    from leptontui.view.event_page import event_page  # noqa: PLC0415 — polars is loaded in the thread, not before

    return event_page(snapshot, text)
