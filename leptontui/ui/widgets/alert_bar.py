"""The line of the triage list: how many alerts there are, the filter as it is typed, when rules were evaluated."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widgets import Input

from leptontui.model.alert import AlertBoard
from leptontui.render.alert_counts import alert_counts
from leptontui.render.cells import Piece, width_of
from leptontui.ui.widgets.line import Line
from leptontui.ui.widgets.search_bar import SearchBar

_WIDE, _WIDE_FILTERED = 100, 130
"""From this width on the counts are written out, without and with a filter."""


class AlertCounts(Line):
    """Pages, predicted and tickets that nobody looks after yet."""

    ON = "surface"

    def __init__(self) -> None:
        super().__init__(id="counts")
        self._board: AlertBoard | None = None
        self._blind = 0
        self._is_filtered = False

    def show(self, board: AlertBoard, blind: int, *, is_filtered: bool) -> None:
        """Count another board."""
        self._board, self._blind, self._is_filtered = board, blind, is_filtered
        self.styles.width = width_of(self.pieces(0))
        self.update()

    def pieces(self, width: int) -> Sequence[Piece]:  # noqa: ARG002 — it takes what it needs
        """The counts; none before rules were evaluated: no number is not zero."""
        if self._board is None or not self._board.evaluated_unix_s:
            return ()
        is_short = self.app.size.width < (_WIDE_FILTERED if self._is_filtered else _WIDE)
        line = alert_counts(self._board, blind=self._blind, is_short=is_short, has_handled=False)
        return (Piece(" "), *line, Piece("   "))


class AlertBar(SearchBar):
    """Counts, filter and what it did."""

    def compose(self) -> ComposeResult:
        """The line's parts from left to right."""
        yield AlertCounts()
        yield from super().compose()

    def show(self, board: AlertBoard, *, blind: int, note: Sequence[Piece]) -> None:
        """Say how many there are and what the filter did."""
        field = self.query_one(Input)
        self.query_one(AlertCounts).show(board, blind, is_filtered=field.has_focus or bool(field.value))
        self.say(note)
