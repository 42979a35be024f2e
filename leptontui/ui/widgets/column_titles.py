"""The table's titles: each column's name and unit, the one sorted by marked; a click sorts."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message

from leptontui.render.cells import Piece, fit, fit_pieces
from leptontui.ui.widgets.line import Line
from leptontui.view.columns import Placed

_DOWN, _UP = "▼", "▲"


class ColumnTitles(Line):
    """The line above the table."""

    class Chosen(Message):
        """A title was clicked.

        Attributes:
            name: the column's name.
        """

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__(id="titles")
        self._placed: tuple[Placed, ...] = ()
        self._sort = ""
        self._is_descending = True

    def show(self, placed: Sequence[Placed], *, sort: str, is_descending: bool) -> None:
        """Show other columns or another order."""
        self._placed, self._sort, self._is_descending = tuple(placed), sort, is_descending
        self.update()

    def pieces(self, width: int) -> Sequence[Piece]:
        """The titles at their columns."""
        pieces: list[Piece] = [Piece(" ")]
        at = 1
        for place in self._placed:
            pieces.append(Piece(" " * (place.left - at)))
            pieces.append(self._title(place))
            at = place.left + place.width
        return fit_pieces(pieces, width)

    def on_click(self, event: events.Click) -> None:
        """Sort by the column under the mouse."""
        for place in self._placed:
            if place.column.sort and place.left <= event.x < place.left + place.width:
                self.post_message(self.Chosen(place.column.name))

    def _title(self, place: Placed) -> Piece:
        column, width = place.column, place.width
        if column.is_trend:
            half = (width - 1) // 2
            return Piece(fit("15 min", half) + " " + fit("→ 15 min" if half >= 8 else "→ 15", half), "dim")  # noqa: PLR2004
        if column.name != self._sort:
            return Piece(fit(column.title, width, is_left=column.is_left), "dim")
        arrow = _DOWN if self._is_descending else _UP
        title = f"{column.title} {arrow}" if len(column.title) + 2 <= width else f"{column.title}"[: width - 1] + arrow
        return Piece(fit(title, width, is_left=column.is_left), "accent")
