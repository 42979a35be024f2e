"""A screen that lists rows of one kind: header, a note, titles, the rows, all about the chosen one, the keys."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Hashable, Sequence
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.widgets import Input, Static

from leptontui.render.cells import Piece
from leptontui.ui.commands import Scope
from leptontui.ui.screens.fleet_words import FILTER_KEYS, idle_ways
from leptontui.ui.screens.paged import P, PagedScreen
from leptontui.ui.widgets.footer import CommandFooter
from leptontui.ui.widgets.header import Header
from leptontui.ui.widgets.row_list import SCROLLBAR, Heading, RowList
from leptontui.ui.widgets.said import SaidLine, SaidLines
from leptontui.ui.widgets.search_bar import SearchBar

R = TypeVar("R")
_FEW_ROWS = 30
"""On a screen with fewer rows a line less is told about the chosen row."""


class ListScreen(PagedScreen[P], Generic[P, R]):
    """Lists rows of one kind with a cursor that is bound to what a row is about."""

    CSS_PATH = "../styles/listing.tcss"
    AUTO_FOCUS = "#list"
    SCOPE: ClassVar[Scope]
    PLACE: ClassVar[str]
    DETAIL_LINES: ClassVar[int] = 3
    """How many lines are told about the chosen row; one less on a small screen."""

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield Header()
        yield from self.compose_note()
        yield SaidLine(id="list-titles")
        yield RowList[R](self.key_of, self.cells_of, id="list")
        yield Static(id="nothing", markup=False)
        yield SaidLines(id="list-detail")
        yield CommandFooter(self.SCOPE, self.powers)

    def compose_note(self) -> ComposeResult:
        """The line below the header."""
        yield SaidLine(id="list-note")

    # What subclasses say.

    def key_of(self, row: R) -> Hashable:
        """What a row is about."""
        raise NotImplementedError

    def cells_of(self, row: R, width: int) -> Sequence[Piece]:
        """A row as pieces."""
        raise NotImplementedError

    def items(self) -> Sequence[R | Heading]:
        """What is listed of the page."""
        raise NotImplementedError

    def titles(self, width: int) -> Sequence[Piece]:
        """The line above the rows."""
        raise NotImplementedError

    def note(self) -> Sequence[Piece]:
        """What is to be said of the list."""
        raise NotImplementedError

    def about(self, row: R, width: int) -> Sequence[Sequence[Piece]]:
        """All there is to say about the chosen row."""
        raise NotImplementedError

    def detail_lines(self) -> int:
        """How many lines are told about the chosen row."""
        return self.DETAIL_LINES - (self.size.height < _FEW_ROWS)

    def nothing(self) -> str:
        """Why there is no row; only asked for with a page."""
        raise NotImplementedError

    def idle(self) -> Collection[str]:
        """Actions that can do nothing at the moment."""
        return () if self.chosen is not None else ("open_host",)

    # What they use.

    @property
    def rows(self) -> RowList[R]:
        """The list."""
        return self.query_one(RowList)

    @property
    def chosen(self) -> R | None:
        """The row under the cursor."""
        return self.rows.cursor

    def paged(self) -> None:
        """List the new page."""
        if self.is_mounted:
            self.rows.show(self.items())

    def draw(self) -> None:
        """Draw everything but the rows, which are drawn when they change."""
        self.query_one(Header).show(self.header_facts(self.PLACE))
        self.draw_note()
        self.query_one("#list-titles", SaidLine).show(
            (Piece(" "), *self.titles(max(0, self.size.width - SCROLLBAR - 1)))
        )
        is_empty = self.page is None or not self.items()
        self.set_class(is_empty, "-nothing")
        words = "" if not is_empty else self.nothing() if self.page is not None else self._waiting()
        self.query_one("#nothing", Static).update(words)
        self.rows.redraw()
        self.draw_chosen()

    def draw_note(self) -> None:
        """The line below the header."""
        self.query_one("#list-note", SaidLine).show(self.note())

    def draw_chosen(self) -> None:
        """What is said about the chosen row, and the keys that do something with it."""
        count = self.detail_lines()
        row, width = self.chosen, self.size.width
        lines = list(self.about(row, width))[:count] if row is not None else []
        self.query_one("#list-detail", SaidLines).show([*lines, *[()] * (count - len(lines))])
        footer = self.query_one(CommandFooter)
        if isinstance(self.focused, Input):  # while a filter is typed the keys mean letters
            footer.show_keys(FILTER_KEYS)
        else:
            footer.show_commands(without={*self.idle(), *idle_ways(self.snapshot)})

    def on_resize(self) -> None:
        """Columns are placed anew."""
        self.call_after_refresh(self.tick)

    def on_row_list_cursor_moved(self) -> None:
        """Tell about the row under the cursor."""
        if self.is_mounted:
            self.draw_chosen()

    def on_descendant_focus(self) -> None:
        """The keys mean something else."""
        self.draw_chosen()

    async def on_search_bar_left(self, message: SearchBar.Left) -> None:
        """Back to the rows; a filter that is kept has chosen the first row it leaves."""
        self.rows.focus()
        if message.is_kept:
            await self.settle()
            self.rows.place()

    def action_leave(self) -> None:
        """Back to where we came from."""
        self.dismiss()

    def _waiting(self) -> str:
        failure = self.condition.failure or self.trouble
        return f"✖ {failure}" if failure else "waiting for the first picture of the fleet"


def wrapped(text: str, width: int, role: str = "text", *, lines: int = 3) -> list[tuple[Piece, ...]]:
    """A text over several lines, one cell from the edge; what does not fit is cut off with an ellipsis."""
    room = max(10, width - 2)
    parts = textwrap.wrap(text, room, max_lines=lines, placeholder="…", subsequent_indent="  ")
    return [(Piece(f" {part}", role),) for part in parts]
