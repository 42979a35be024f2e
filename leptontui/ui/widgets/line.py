"""A widget of one line that is painted from pieces: header, titles, footer."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip
from textual.widget import Widget

from leptontui.render.cells import Piece, fit_pieces, segments
from leptontui.ui.themes import palette_of


class Line(Widget):
    """One line. Subclasses say what in `pieces`; nothing is drawn again that looks as before."""

    DEFAULT_CSS = "Line { height: 1; }"
    ON = "background"
    """The palette's role of what lies behind."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 — Textual's word
        super().__init__(id=id)
        self._drawn: tuple[Piece, ...] | None = None

    def pieces(self, width: int) -> Sequence[Piece]:
        """What to show in `width` cells."""
        raise NotImplementedError

    def update(self) -> None:
        """Draw again if anything has changed."""
        if self.is_mounted and tuple(self.pieces(self.size.width)) != self._drawn:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line; blank below it."""
        palette, width = palette_of(self.app), self.size.width
        if y > 0:
            return Strip.blank(width, palette.style("text", on=self.ON))
        self._drawn = tuple(self.pieces(width))
        return Strip(segments(fit_pieces(self._drawn, width), palette, self.ON), width)
