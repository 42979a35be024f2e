"""One line to type a filter in: it works as it is typed; enter keeps it, escape clears it."""

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
from leptontui.ui.widgets.line import Line


class Note(Line):
    """What the filter did, or what is wrong with it; and the order."""

    ON = "surface"

    def __init__(self) -> None:
        super().__init__(id="note")
        self._pieces: tuple[Piece, ...] = ()

    def show(self, pieces: Sequence[Piece]) -> None:
        """Say something else."""
        self._pieces = tuple(pieces)
        self.styles.width = min(width_of(self._pieces), max(20, self.app.size.width // 2))
        self.update()

    def pieces(self, width: int) -> Sequence[Piece]:
        """The note, fitted."""
        return fit_pieces(self._pieces, width) if width_of(self._pieces) > width else self._pieces


class Sign(Line):
    """The key that starts a filter, standing before it."""

    ON = "surface"

    def __init__(self) -> None:
        super().__init__(id="sign")

    def pieces(self, width: int) -> Sequence[Piece]:  # noqa: ARG002 — it is as it is
        """The key."""
        return (Piece("/", "accent"), Piece(" "))


class SearchBar(Horizontal):
    """A filter and what it did. While it has the focus it takes every key."""

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
        yield Sign()
        yield Input(placeholder="filter", id="filter", compact=True, select_on_focus=False, max_length=300)
        yield Note()

    @property
    def text(self) -> str:
        """What is typed."""
        return self.query_one(Input).value

    def say(self, note: Sequence[Piece]) -> None:
        """What stands right of the filter: rows left, an error, the order."""
        self.query_one(Note).show(note)

    def write(self, text: str) -> None:
        """Filter by something else, as if it had been typed."""
        self.query_one(Input).value = text

    def edit(self) -> None:
        """Start typing at once: the very next key is a letter."""
        self.screen.set_focus(self.query_one(Input))

    def clear(self) -> None:
        """Show everything again."""
        self.write("")

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
        """Arrows lead from the filter into the rows."""
        if event.key in {"down", "up"}:
            event.stop()
            self.post_message(self.Left())
