"""A list with headings and a cursor that is bound to what a row is about; drawn line by line, however long it is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from leptontui.render.cells import Piece, fit_pieces, segments
from leptontui.ui.themes import palette_of
from leptontui.ui.widgets.fleet_cells import CURSOR_BAR

SCROLLBAR: Final = 1
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Heading:
    """A line between rows; the cursor passes over it."""

    text: str
    role: str = "dim"


class RowList(ScrollView, Generic[_T], can_focus=True):
    """Rows of one kind.

    Args:
        key_of: what a row is about.
        draw: a row as pieces for a width; the first cell is left to the cursor's bar.
        id: the widget's id.
    """

    DEFAULT_CSS = """
    RowList { height: 1fr; overflow-x: hidden; overflow-y: auto; scrollbar-gutter: stable;
              scrollbar-size-vertical: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "up", show=False),
        Binding("down", "cursor(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "edge(False)", "first", show=False),
        Binding("end,G", "edge(True)", "last", show=False),
    ]

    ON: ClassVar[str] = "background"
    """The palette's role of what lies behind."""

    class CursorMoved(Message):
        """The cursor is on another row, or its row has changed."""

    class Opened(Message):
        """A row was clicked twice."""

    def __init__(
        self,
        key_of: Callable[[_T], Hashable],
        draw: Callable[[_T, int], Sequence[Piece]],
        *,
        id: str,  # noqa: A002 — Textual's word
    ) -> None:
        super().__init__(id=id)
        self._key_of = key_of
        self._draw = draw
        self._items: tuple[_T | Heading, ...] = ()
        self._at_key: dict[Hashable, int] = {}
        self._chosen: Hashable = None

    @property
    def cells(self) -> int:
        """Width of a row: the scrollbar's column is kept free."""
        return max(0, self.size.width - SCROLLBAR)

    @property
    def cursor(self) -> _T | None:
        """The row under the cursor; None while none is chosen or the chosen one is not listed."""
        at = self._at_key.get(self._chosen)
        item = self._items[at] if at is not None else None
        return None if isinstance(item, Heading) else item

    def show(self, items: Sequence[_T | Heading]) -> None:
        """List other rows. The cursor stays on what it is about; at first it is on the first row.

        A row that goes takes the cursor with it: it never slides to a neighbour that nobody chose.
        """
        is_first = not self._at_key and self._chosen is None
        at = self._at_key.get(self._chosen)
        before = at - self.scroll_offset.y if at is not None else None
        self._items = tuple(items)
        self._at_key = {self._key_of(item): n for n, item in enumerate(items) if not isinstance(item, Heading)}
        self.virtual_size = Size(self.cells, len(self._items))
        if is_first and self._at_key:
            self._chosen = next(iter(self._at_key))
        at = self._at_key.get(self._chosen)
        if before is not None and at is not None and 0 <= before < self.size.height:
            self._scroll(at - before)
        self.refresh()
        self.post_message(self.CursorMoved())

    def place(self) -> None:
        """Put the cursor on the first row, unless it is on one."""
        if self.cursor is None:
            self._move(0, 1)

    def choose(self, key: Hashable) -> None:
        """Put the cursor on the row about `key`, if it is listed."""
        if (at := self._at_key.get(key)) is not None:
            self._move(at, 1)

    def redraw(self) -> None:
        """Draw again: what rows depend on has changed."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the viewport."""
        at, palette = self.scroll_offset.y + y, palette_of(self.app)
        if not 0 <= at < len(self._items):
            return Strip.blank(self.cells, palette.style("text", on=self.ON))
        item = self._items[at]
        if isinstance(item, Heading):
            return Strip(
                segments(fit_pieces((Piece(f" {item.text}", item.role, is_bold=True),), self.cells), palette, self.ON)
            )
        pieces = fit_pieces((Piece(" "), *self._draw(item, self.cells - 1)), self.cells)
        if self._at_key.get(self._chosen) != at:
            return Strip(segments(pieces, palette, self.ON), self.cells)
        return Strip(segments((Piece(CURSOR_BAR, "accent"), *pieces[1:]), palette, "cursor"), self.cells)

    def action_cursor(self, rows: int) -> None:
        """Move the cursor over headings; without one, put it on the row on top of the view."""
        at = self._at_key.get(self._chosen)
        self._move(self.scroll_offset.y if at is None else at + rows, 1 if at is None else rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by nearly a screenful."""
        at = self._at_key.get(self._chosen, self.scroll_offset.y)
        self._move(at + pages * max(1, self.size.height - 1), pages)

    def action_edge(self, is_end: bool) -> None:  # noqa: FBT001 — Textual passes an action's parameters by position
        """Move the cursor to the first or the last row."""
        self._move(len(self._items) - 1 if is_end else 0, -1 if is_end else 1)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row that was clicked; a second click opens it."""
        at = self.scroll_offset.y + event.y
        if 0 <= at < len(self._items) and not isinstance(self._items[at], Heading):
            self._move(at, 1)
            if event.chain > 1:
                self.post_message(self.Opened())

    def on_resize(self) -> None:
        """Rows are as wide as the widget."""
        self.virtual_size = Size(self.cells, len(self._items))

    def _move(self, to: int, step: int) -> None:
        """Put the cursor on the row at `to`, or on the next one in the direction of `step` that is no heading."""
        places = list(self._at_key.values())
        if not places:
            return
        to = min(max(to, places[0]), places[-1])
        at = next(n for n in (places if step > 0 else reversed(places)) if (n >= to if step > 0 else n <= to))
        item = self._items[at]
        if isinstance(item, Heading):
            return
        self._chosen = self._key_of(item)
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if at == places[0]:
            self._scroll(0)
        elif not top <= at < top + height:
            self._scroll(at if at < top else at - height + 1)
        self.refresh()
        self.post_message(self.CursorMoved())

    def _scroll(self, top: int) -> None:
        self.scroll_to(y=max(0, top), animate=False, force=True)
