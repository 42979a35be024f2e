"""The header's second line: what is wrong, the filter as it is typed, how many rows it leaves, the order."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widgets import Input

from leptontui.render.cells import Piece, width_of
from leptontui.render.counts import counts
from leptontui.ui.widgets.line import Line
from leptontui.ui.widgets.search_bar import SearchBar
from leptontui.view.summary import FleetSummary

_WIDE, _WIDE_FILTERED = 100, 130
"""From this width on the counts are written out, without and with a filter."""


class _Counts(Line):
    """How many are critical, predicted, warned of, and on how many hosts we are blind."""

    ON = "surface"

    def __init__(self) -> None:
        super().__init__(id="counts")
        self._summary: FleetSummary | None = None
        self._blind = 0
        self._is_filtered = False

    def show(self, summary: FleetSummary, blind: int, *, is_filtered: bool) -> None:
        self._summary, self._blind, self._is_filtered = summary, blind, is_filtered
        self.styles.width = width_of(self.pieces(0))
        self.update()

    def pieces(self, width: int) -> Sequence[Piece]:  # noqa: ARG002 — it takes what it needs
        if self._summary is None:
            return ()
        line = counts(
            self._summary.critical,
            self._summary.predicted,
            self._summary.warnings,
            blind=self._blind,
            is_short=self.app.size.width < (_WIDE_FILTERED if self._is_filtered else _WIDE),
        )
        return (Piece(" "), *line, Piece("   "))


class FilterBar(SearchBar):
    """Counts, filter and order."""

    def compose(self) -> ComposeResult:
        """The line's parts from left to right."""
        yield _Counts()
        yield from super().compose()

    def show(self, summary: FleetSummary, *, blind: int, note: Sequence[Piece]) -> None:
        """Say what is wrong and what the filter did.

        Args:
            summary: the fleet in numbers.
            blind: hosts of which nothing fresh is known.
            note: right of the filter: rows left, an error, the order.
        """
        field = self.query_one(Input)
        self.query_one(_Counts).show(summary, blind, is_filtered=field.has_focus or bool(field.value))
        self.say(note)
