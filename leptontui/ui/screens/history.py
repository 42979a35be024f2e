"""The history of alerts: what happened, newest first, searched as it is typed; who did it, and why."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Hashable, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.timer import Timer

from leptontui.errors import LeptonError
from leptontui.model.alert_history import Happening, HistoryQuery, Transition
from leptontui.model.text import plain
from leptontui.ports import AlertPort, CommandPort, SnapshotSource
from leptontui.render.alert_words import clock, sign_of
from leptontui.render.cells import Piece, fit
from leptontui.render.numbers import age
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.commands import Scope
from leptontui.ui.screens.listing import ListScreen, wrapped
from leptontui.ui.screens.tending import FindTarget, OpenHost
from leptontui.ui.widgets.row_list import Heading
from leptontui.ui.widgets.search_bar import SearchBar
from leptontui.view.alert_places import apart, place_of

_LOG = logging.getLogger(__name__)
LIMIT: Final = 500
_PAUSE_S: Final = 0.2
"""So long after the last letter the history is searched."""
_ROOMY: Final = 110
_WHAT: Final = 14
_ROLES: Final = {
    Happening.RESOLVED: "well",
    Happening.ACKNOWLEDGED: "well",
    Happening.UNACKNOWLEDGED: "warning",
}
Found = tuple[Transition, ...]


class HistoryScreen(ListScreen[FleetSnapshot, Transition]):
    """Searches the history.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        alerts: knows the history.
        show_host: opens a host, with a GPU chosen.
        target: a host as the inventory has it.
        words: what is searched at first.
        clock: tells the time in unix seconds.
    """

    SCOPE: ClassVar[Scope] = Scope.HISTORY
    PLACE: ClassVar[str] = "history"
    DETAIL_LINES: ClassVar[int] = 4

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        alerts: AlertPort,
        show_host: OpenHost,
        *,
        target: FindTarget,
        words: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, commands, alerts=alerts, clock=clock)
        self._port = alerts
        self._show_host = show_host
        self._target = target
        self._words = words
        self._found: Found | None = None
        self._failure = ""
        self._pause: Timer | None = None
        self._seen: object = None
        self.bind_keys(Scope.HISTORY)

    def compose_note(self) -> ComposeResult:
        """What is searched, and how much was found."""
        yield SearchBar()

    def on_mount(self) -> None:
        """Search at once."""
        super().on_mount()
        self.query_one(SearchBar).write(self._words)
        self._search()

    def making(self) -> Callable[[FleetSnapshot], FleetSnapshot]:
        """The header tells of the snapshot; the rows come from the port."""
        return _same

    def paged(self) -> None:
        """What has happened since is in the history: look again."""
        if self.page is None:
            return
        board = self.page.alerts
        marks = tuple(
            (alert.id, alert.state, alert.acknowledgement) for group in board.groups for alert in group.alerts
        )
        seen = (marks, board.silences, board.resolved[:1])
        if self._seen is not None and seen != self._seen:
            self._search()
        self._seen = seen

    def key_of(self, row: Transition) -> Hashable:
        """Which step of which alert."""
        return (row.alert.id, row.happening, row.at_unix_s)

    def items(self) -> Sequence[Transition | Heading]:
        """Newest first."""
        return self._found or ()

    def note(self) -> Sequence[Piece]:
        """How many were found."""
        if self._failure:
            return (Piece(" ✖ cannot be read ", "critical"),)
        if self._found is None:
            return (Piece(" reading … ", "dim"),)
        count = len(self._found)
        more = " newest" if count >= LIMIT else ""
        return (Piece(f" {count}{more}"), Piece(f" step{'' if count == 1 else 's'}, newest first ", "dim"))

    def draw_note(self) -> None:
        """The note stands beside what is searched."""
        self.query_one(SearchBar).say(self.note())

    def titles(self, width: int) -> Sequence[Piece]:
        """The columns' names."""
        when, where = self._widths(width)
        return (Piece(f"  {fit('time', when)}  {fit('what', _WHAT)} {fit('where', where)} alert", "dim"),)

    def cells_of(self, row: Transition, width: int) -> Sequence[Piece]:
        """A step in a line."""
        when, where = self._widths(width)
        glyph, role = sign_of(row.alert.level, is_predictive=row.alert.is_predictive)
        who = f"{plain(row.who, 24)}: " if row.who else ""
        why = f"   {plain(row.why)}" if row.why else ""
        return (
            Piece(f"{glyph} ", role),
            Piece(f"{fit(_when(row.at_unix_s, self.clock()), when)}  ", "dim"),
            Piece(
                f"{fit(row.happening.value, _WHAT)} ",
                role if row.happening is Happening.FIRED else _ROLES.get(row.happening, "dim"),
            ),
            Piece(f"{fit(place_of(row.alert, {}), where)} "),
            Piece(who, "accent"),
            Piece(apart(plain(row.alert.summary), place_of(row.alert, {}), plain(row.alert.subject.host, 60))),
            Piece(why, "dim"),
        )

    def about(self, row: Transition, width: int) -> Sequence[Sequence[Piece]]:
        """Who, why, and the alert in full."""
        who = f" by {plain(row.who, 60)}" if row.who else ""
        head = (
            Piece(f" {place_of(row.alert, {})}  ", is_bold=True),
            Piece(f"{row.happening.value}{who}", _ROLES.get(row.happening, "text")),
            Piece(f"   {clock(row.at_unix_s, self.clock())}, {age(self.clock() - row.at_unix_s)} ago", "dim"),
            Piece(f"   {plain(row.alert.rule, 60)}", "dim"),
        )
        why = wrapped(plain(row.why, 300), width, "accent", lines=1) if row.why else []
        return [head, *why, *wrapped(plain(row.alert.summary, 300), width, lines=2)]

    def nothing(self) -> str:
        """Why nothing is listed."""
        if self._failure:
            return f"✖ The history cannot be read.\n\n{self._failure}"
        if self._found is None:
            return "reading the history …"
        if self._words.strip():
            return f"Nothing in the history has all of  {self._words}\n\nesc searches for nothing again."
        return "Nothing has happened yet: no alert has fired since this history began."

    def idle(self) -> Collection[str]:
        """What can be done nowhere here."""
        return {"answer"} if self.chosen is not None else {"answer", "open"}

    def action_filter(self) -> None:
        """Type what is searched."""
        self.query_one(SearchBar).edit()

    def action_open(self) -> None:
        """Open the alert of the chosen step."""
        if (row := self.chosen) is None:
            return
        from leptontui.ui.screens.alert import AlertScreen  # noqa: PLC0415 — when it is wanted

        self.app.push_screen(
            AlertScreen(
                self.source,
                self.commands,
                row.alert.id,
                self._show_host,
                target=self._target,
                alerts=self._port,
                known=row.alert,
                clock=self.clock,
            )
        )

    def action_leave(self) -> None:
        """Search for nothing again; then go back."""
        if self._words:
            self.query_one(SearchBar).clear()
        else:
            self.dismiss()

    def on_search_bar_typed(self, message: SearchBar.Typed) -> None:
        """Search as it is typed, once it stands still."""
        if message.text == self._words:
            return
        self._words = message.text
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(_PAUSE_S, self._search)

    def on_row_list_opened(self) -> None:
        """A double click opens the alert."""
        self.action_open()

    def _search(self) -> None:
        query = HistoryQuery(words=tuple(self._words.split()), limit=LIMIT)
        self.run_worker(self._read(query), group="search", exclusive=True, exit_on_error=False)

    async def _read(self, query: HistoryQuery) -> None:
        try:
            found = await self._port.history(query)
        except LeptonError as error:
            self._failure = plain(str(error), 300)
        except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
            _LOG.exception("searching the history failed")
            self._failure = plain(f"reading it went wrong: {type(error).__name__}: {error}", 300)
        else:
            self._found, self._failure = found, ""
        if self._failure:
            self._found = None
        if self.is_running:
            self.rows.show(self.items())
            self.draw()

    def _widths(self, width: int) -> tuple[int, int]:
        """Cells for the time and for where."""
        longest = max((len(place_of(row.alert, {})) for row in (self._found or ())[:100]), default=8)
        return 12, min(28 if width >= _ROOMY else 14, max(8, longest))


def _same(snapshot: FleetSnapshot) -> FleetSnapshot:
    return snapshot


def _when(t_unix_s: float, now_unix_s: float) -> str:
    local = time.localtime(t_unix_s)
    return time.strftime("%H:%M:%S" if abs(now_unix_s - t_unix_s) < 86_400 else "%d %b %H:%M", local)  # noqa: PLR2004 — a day
