"""The fleet's table: virtualised, drawn line by line, with a cursor that is bound to an identity.

Only lines whose displayed cells have changed are drawn again. Rows come from an arrangement made elsewhere; the widget
asks it for the visible slice and never sees the whole fleet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from textual import events
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from leptontui.model.series import Entity, SeriesKey
from leptontui.render.cells import Piece, segments
from leptontui.ui.themes import palette_of
from leptontui.ui.widgets.fleet_cells import CURSOR_BAR, MARK, MARKED_CURSOR, row_pieces
from leptontui.view.columns import Placed
from leptontui.view.row import Row, RowId

_CHUNK: Final = 64
"""Rows are asked for by this many, so that scrolling by a line costs a look-up."""
SCROLLBAR: Final = 1
"""Columns the scrollbar takes, as the style sheet says."""
_STRIPS: Final = 1024
_LOUD: Final = {"rule": "dim"}
_FORESEEN: Final = {
    "util_trend": "util_pct",
    "temp_trend": "temp_c",
    "memory_trend": "memory_used_bytes",
    "power_trend": "power_w",
}


class Shown(Protocol):
    """What the table shows: see `leptontui.view.arrange.Arrangement`."""

    @property
    def shown(self) -> int:
        """How many rows there are."""

    def rows(self, start: int, stop: int) -> tuple[Row, ...]:
        """A slice of them."""

    def id_at(self, position: int) -> RowId | None:
        """What a row is about."""

    def position(self, row_id: RowId) -> int | None:
        """Where a row is."""


@dataclass(frozen=True, slots=True)
class _LineKey:
    """What a drawn line depends on; equal keys look the same."""

    row_id: RowId
    version: int
    width: int
    theme: str
    is_selected: bool
    is_marked: bool


class FleetTable(ScrollView, can_focus=True):
    """Rows of the fleet.

    Args:
        clock: tells the time in unix seconds; ages are told against it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "up", show=False),
        Binding("down", "cursor(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "edge(False)", "first", show=False),
        Binding("end,G", "edge(True)", "last", show=False),
    ]

    class CursorMoved(Message):
        """The cursor is on another row, or its row has changed."""

    class Viewed(Message):
        """Other rows than before are in view."""

    class Opened(Message):
        """A row was clicked twice."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(id="fleet-table")
        self._clock = clock
        self._shown: Shown | None = None
        self._marked: frozenset[str] = frozenset()
        self._placed: tuple[Placed, ...] = ()
        self._chosen: RowId | None = None
        self._cursor_at: int | None = None
        self._strips: LRUCache[_LineKey, Strip] = LRUCache(_STRIPS)
        self._drawn: dict[int, _LineKey] = {}
        self._pieces: dict[int, tuple[Piece, ...]] = {}
        self._rows: dict[int, Row] = {}

    @property
    def cells(self) -> int:
        """Width of a row: the scrollbar's column is kept free."""
        return max(0, self.size.width - SCROLLBAR)

    @property
    def cursor(self) -> RowId | None:
        """What the row under the cursor is about; None while unplaced or its row is not shown."""
        return self._chosen if self._cursor_at is not None else None

    @property
    def cursor_row(self) -> Row | None:
        """The row under the cursor."""
        return self._row(self._cursor_at) if self._cursor_at is not None else None

    @property
    def cursor_position(self) -> int | None:
        """Where the cursor is at the moment, from 0; None if it is nowhere."""
        return self._cursor_at

    def mark(self, hosts: frozenset[str]) -> None:
        """Show that these hosts are marked, on each of their rows."""
        if hosts != self._marked:
            self._marked = hosts
            self.redraw()

    def show(self, shown: Shown, placed: Sequence[Placed], marked: frozenset[str] = frozenset()) -> None:
        """Show an arrangement.

        The cursor stays on its GPU or host wherever that has gone, and the view follows it; while it is unplaced the
        view stays where it is, whichever rows come there. It never goes to a row that nobody chose.

        Args:
            shown: the rows.
            placed: the columns.
            marked: names of the hosts that are marked.
        """
        self._marked = marked
        before = self._cursor_at - self.scroll_offset.y if self._cursor_at is not None else -1
        was_in_view = 0 <= before < self.size.height
        self._shown, self._placed = shown, tuple(placed)
        self._rows.clear()
        self.virtual_size = Size(self.cells, shown.shown)
        self._cursor_at = shown.position(self._chosen) if self._chosen is not None else None
        if self._cursor_at is not None and self._chosen is not None and self._chosen.gpu_uuid is None:
            self._chosen = shown.id_at(self._cursor_at)
        if self._cursor_at is not None and was_in_view and not self._is_in_view(self._cursor_at):
            self._scroll(self._cursor_at - before)
        self.redraw()
        self.post_message(self.Viewed())

    def place(self) -> Row | None:
        """Place the cursor on the row on top of the view, unless it is placed; returns the row it is on then."""
        if self._cursor_at is None:
            self._move(self.scroll_offset.y)
        return self.cursor_row

    def unplace(self) -> None:
        """Let go of the chosen row and show the top again."""
        self._chosen = self._cursor_at = None
        self._scroll(0)
        self.redraw()

    def redraw(self) -> None:
        """Draw what has changed since: values, ages, columns, cursor, theme."""
        self._pieces.clear()
        top, theme = self.scroll_offset.y, palette_of(self.app).name
        for y in range(self.size.height):
            if self._drawn.get(y) != self._key(top + y, theme):
                self.refresh(Region(0, y, self.size.width, 1))
        self.post_message(self.CursorMoved())

    @property
    def in_view(self) -> tuple[int, int]:
        """The rows that are asked for to fill the viewport: from the first up to the second."""
        top = self.scroll_offset.y
        return top - top % _CHUNK, top + self.size.height + _CHUNK

    def series_in_view(self) -> frozenset[SeriesKey]:
        """The series whose trends are in view: what should be forecast first."""
        names = [_FORESEEN[place.column.name] for place in self._placed if place.column.name in _FORESEEN]
        top = self.scroll_offset.y
        rows = self._shown.rows(top, top + self.size.height) if self._shown else ()
        return frozenset(
            SeriesKey(row.id.host, Entity.GPU, row.id.gpu_uuid, name)
            for row in rows
            if row.id.gpu_uuid is not None and row.standing.is_live
            for name in names
        )

    def render_line(self, y: int) -> Strip:
        """One line of the viewport, from the cache where it looks as before."""
        at, palette = self.scroll_offset.y + y, palette_of(self.app)
        key = self._key(at, palette.name)
        if key is None:
            self._drawn.pop(y, None)
            return Strip.blank(self.cells, palette.style("text"))
        self._drawn[y] = key
        strip = self._strips.get(key)
        if strip is None:
            strip = self._draw(self._line(at), is_selected=key.is_selected, is_marked=key.is_marked)
            self._strips[key] = strip
        return strip

    def action_cursor(self, rows: int) -> None:
        """Move the cursor; an unplaced one goes to the row on top of the view."""
        self._move(self.scroll_offset.y if self._cursor_at is None else self._cursor_at + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by nearly a screenful."""
        start = self.scroll_offset.y if self._cursor_at is None else self._cursor_at
        self._move(start + pages * max(1, self.size.height - 1))

    def action_edge(self, is_end: bool) -> None:  # noqa: FBT001 — Textual passes an action's parameters by position
        """Move the cursor to the first or the last row."""
        self._move(self._shown.shown - 1 if is_end and self._shown else 0)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row that was clicked; a second click opens it."""
        at = self.scroll_offset.y + event.y
        if self._shown is None or at >= self._shown.shown:
            return
        self._move(at)
        if event.chain > 1:
            self.post_message(self.Opened())

    def on_resize(self) -> None:
        """Everything is laid out anew, and other rows are in view."""
        if self._shown is not None:
            self.virtual_size = Size(self.cells, self._shown.shown)
        self._drawn.clear()
        self._pieces.clear()
        self.post_message(self.Viewed())

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell which rows are in view now."""
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._drawn.clear()
            self.post_message(self.Viewed())

    def _move(self, to: int) -> None:
        if self._shown is None or not self._shown.shown:
            return
        at = min(max(0, to), self._shown.shown - 1)
        self._cursor_at, self._chosen = at, self._shown.id_at(at)
        if not self._is_in_view(at):
            self._scroll(at if at < self.scroll_offset.y else at - self.size.height + 1)
        self.redraw()

    def _is_in_view(self, at: int) -> bool:
        return 0 <= at - self.scroll_offset.y < max(1, self.size.height)

    def _scroll(self, top: int) -> None:
        self.scroll_to(y=max(0, top), animate=False, force=True)

    def _row(self, at: int) -> Row | None:
        if self._shown is None or not 0 <= at < self._shown.shown:
            return None
        if at not in self._rows:
            start = at - at % _CHUNK
            self._rows.update(enumerate(self._shown.rows(start, start + _CHUNK), start))
        return self._rows[at]

    def _line(self, at: int) -> tuple[Piece, ...]:
        pieces = self._pieces.get(at)
        if pieces is None:
            row = self._row(at)
            pieces = row_pieces(row, self._placed, self.cells, self._clock()) if row is not None else ()
            self._pieces[at] = pieces
        return pieces

    def _key(self, at: int, theme: str) -> _LineKey | None:
        row = self._row(at)
        if row is None:
            return None
        is_marked = row.id.host in self._marked
        is_selected = at == self._cursor_at
        return _LineKey(row.id, hash(self._line(at)), self.cells, theme, is_selected=is_selected, is_marked=is_marked)

    def _draw(self, pieces: tuple[Piece, ...], *, is_selected: bool, is_marked: bool) -> Strip:
        palette = palette_of(self.app)
        if not is_selected:
            if is_marked:
                pieces = (Piece(MARK, "accent", is_bold=True), *pieces[1:])
            return Strip(segments(pieces, palette), self.cells)
        # Quiet colours would sink into the cursor's background, in 16 colours altogether.
        loud = (piece._replace(role=_LOUD.get(piece.role, piece.role.removeprefix("quiet-"))) for piece in pieces[1:])
        barred = (Piece(MARKED_CURSOR if is_marked else CURSOR_BAR, "accent", is_bold=is_marked), *loud)
        return Strip(segments(barred, palette, "cursor"), self.cells)
