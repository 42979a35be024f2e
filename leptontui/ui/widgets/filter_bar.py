"""The header's second line: what is wrong, the filter as it is typed, how many rows it leaves, the order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Key
from textual.message import Message
from textual.widgets import Input

from leptontui.render.cells import Piece, fit_pieces, width_of
from leptontui.render.counts import counts
from leptontui.ui.widgets.line import Line
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


class _Note(Line):
    """What the filter did, or what is wrong with it; and the order."""

    ON = "surface"

    def __init__(self) -> None:
        super().__init__(id="note")
        self._pieces: tuple[Piece, ...] = ()

    def show(self, pieces: Sequence[Piece]) -> None:
        self._pieces = tuple(pieces)
        self.styles.width = min(width_of(self._pieces), max(20, self.app.size.width // 2))
        self.update()

    def pieces(self, width: int) -> Sequence[Piece]:
        return fit_pieces(self._pieces, width) if width_of(self._pieces) > width else self._pieces


class _Sign(Line):
    """The key that starts a filter, standing before it."""

    ON = "surface"

    def pieces(self, width: int) -> Sequence[Piece]:  # noqa: ARG002 — it is as it is
        return (Piece("/", "accent"), Piece(" "))


class FilterBar(Horizontal):
    """Counts, filter and order. The filter works as it is typed: enter keeps it, escape clears it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "clear", "clear", show=False)]

    class Typed(Message):
        """The filter's text has changed.

        Attributes:
            text: what it is now.
        """

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The reader is done with typing.

        Attributes:
            is_kept: by enter: what was typed is what is wanted.
        """

        def __init__(self, *, is_kept: bool = False) -> None:
            super().__init__()
            self.is_kept = is_kept

    def __init__(self) -> None:
        super().__init__(id="filter-bar")

    def compose(self) -> ComposeResult:
        """The line's parts from left to right."""
        yield _Counts()
        yield _Sign(id="sign")
        yield Input(placeholder="filter", id="filter", compact=True, select_on_focus=False, max_length=300)
        yield _Note()

    def show(self, summary: FleetSummary, *, blind: int, note: Sequence[Piece]) -> None:
        """Say what is wrong and what the filter did.

        Args:
            summary: the fleet in numbers.
            blind: hosts of which nothing fresh is known.
            note: right of the filter: rows left, an error, the order.
        """
        field = self.query_one(Input)
        self.query_one(_Counts).show(summary, blind, is_filtered=field.has_focus or bool(field.value))
        self.query_one(_Note).show(note)

    def edit(self) -> None:
        """Start typing at once: the very next key is a letter."""
        self.screen.set_focus(self.query_one(Input))

    def clear(self) -> None:
        """Show everything again."""
        self.query_one(Input).value = ""

    def action_clear(self) -> None:
        """Escape: clear and leave."""
        self.clear()
        self.post_message(self.Left())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        event.stop()
        self.post_message(self.Typed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: keep the filter and leave."""
        event.stop()
        self.post_message(self.Left(is_kept=True))

    def on_key(self, event: Key) -> None:
        """Arrows lead from the filter into the table."""
        if event.key in {"down", "up"}:
            event.stop()
            self.post_message(self.Left())
