"""A line with a few words of which one is chosen: the arrows and space change it."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from leptontui.render.canvas import Line
from leptontui.render.ink import Ink
from leptontui.render.palette import Palette
from leptontui.ui.widgets.painted import Painted


class Choice(Painted, can_focus=True):
    """One of a few words.

    Args:
        words: what there is to choose from; at least one.
        value: the one chosen at first; the first where it is none of them.
        id: the widget's id.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "step(1)", "next", show=False),
        Binding("left", "step(-1)", "previous", show=False),
    ]

    class Changed(Message):
        """Another word is chosen."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def __init__(self, words: tuple[str, ...], value: str, *, id: str) -> None:  # noqa: A002 — Textual's word
        super().__init__(id=id)
        self.words = words
        self.value = value if value in words else words[0]

    def action_step(self, step: int) -> None:
        """Choose the next word, or the one before."""
        self.choose(self.words[(self.words.index(self.value) + step) % len(self.words)])

    def choose(self, word: str) -> None:
        """Choose a word."""
        self.value = word
        self.repaint()
        self.post_message(self.Changed(self))

    def on_click(self, event: events.Click) -> None:
        """Choose the word that was clicked."""
        at = 0
        for word in self.words:
            at += len(word) + 3
            if event.x < at:
                self.choose(word)
                return

    def on_focus(self) -> None:
        """Show that the arrows work here."""
        self.repaint()

    def on_blur(self) -> None:
        """They do not any more."""
        self.repaint()

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """One line: the chosen word in brackets, so that it can be told without colour."""
        pen = Ink(palette, on="surface").line()
        for word in self.words:
            is_chosen = word == self.value
            role = "accent" if is_chosen and self.has_focus else "text" if is_chosen else "dim"
            pen.add(f"[{word}] " if is_chosen else f" {word}  ", role, is_bold=is_chosen)
        return [pen.fit(width)]
