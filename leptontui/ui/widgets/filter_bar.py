"""The header's second line: what is wrong, the filter as it is typed, how many rows it leaves, the order."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.widgets import Input

from leptontui.model.alert import AlertBoard
from leptontui.render.alert_counts import alert_counts
from leptontui.render.cells import Piece, width_of
from leptontui.render.counts import counts
from leptontui.ui.widgets.line import Line
from leptontui.ui.widgets.search_bar import SearchBar
from leptontui.view.summary import FleetSummary

_WIDE, _WIDE_FILTERED, _ROOMY, _ALL = 100, 130, 150, 180
"""From this width on the counts are written out, without and with a filter; and from which on the rest is told, too."""


class _Counts(Line):
    """How many are critical, predicted, warned of, and on how many hosts we are blind."""

    ON = "surface"

    def __init__(self) -> None:
        super().__init__(id="counts")
        self._summary: FleetSummary | None = None
        self._board: AlertBoard | None = None
        self._blind = 0
        self._is_filtered = False

    def show(self, summary: FleetSummary, board: AlertBoard | None, blind: int, *, is_filtered: bool) -> None:
        self._summary, self._board, self._blind, self._is_filtered = summary, board, blind, is_filtered
        self.styles.width = width_of(self.pieces(0))
        self.update()

    def pieces(self, width: int) -> Sequence[Piece]:  # noqa: ARG002 — it takes what it needs
        if self._summary is None:
            return ()
        is_short = self.app.size.width < (_WIDE_FILTERED if self._is_filtered else _WIDE)
        if self._board is not None and self._board.evaluated_unix_s:
            return (Piece(" "), *self._of_alerts(self._board, self._summary, is_short=is_short), Piece("   "))
        line = counts(
            self._summary.critical,
            self._summary.predicted,
            self._summary.warnings,
            blind=self._blind,
            is_short=is_short,
        )
        return (Piece(" "), *line, Piece("   "))

    def _of_alerts(self, board: AlertBoard, summary: FleetSummary, *, is_short: bool) -> Sequence[Piece]:
        """Alerts that want somebody; where there is room, how many rows below are not well, which is not the same."""
        is_roomy = self.app.size.width >= _ROOMY and not self._is_filtered
        line = alert_counts(board, blind=self._blind, is_short=is_short, has_handled=is_roomy)
        not_well = summary.critical + summary.predicted + summary.warnings
        if self.app.size.width < _ALL or self._is_filtered or not not_well:
            return line
        return (*line, Piece(f"   {not_well} GPU{'' if not_well == 1 else 's'} or hosts not well", "dim"))


class FilterBar(SearchBar):
    """Counts, filter and order."""

    def compose(self) -> ComposeResult:
        """The line's parts from left to right."""
        yield _Counts()
        yield from super().compose()

    def show(
        self, summary: FleetSummary, *, blind: int, note: Sequence[Piece], board: AlertBoard | None = None
    ) -> None:
        """Say what is wrong and what the filter did.

        Args:
            summary: the fleet in numbers.
            board: its alerts are counted, once rules have been evaluated; before that, and without one, findings are.
            blind: hosts of which nothing fresh is known.
            note: right of the filter: rows left, an error, the order.
        """
        field = self.query_one(Input)
        self.query_one(_Counts).show(summary, board, blind, is_filtered=field.has_focus or bool(field.value))
        self.say(note)
