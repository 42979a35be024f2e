"""Lines that show what they are told: one line, or the few that say all about the row under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from leptontui.render.canvas import Line as Segments
from leptontui.render.cells import Piece, fit_pieces, segments
from leptontui.render.palette import Palette
from leptontui.ui.widgets.line import Line
from leptontui.ui.widgets.painted import Painted


class SaidLine(Line):
    """One line of pieces."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 — Textual's word
        super().__init__(id=id)
        self._pieces: tuple[Piece, ...] = ()

    def show(self, pieces: Sequence[Piece]) -> None:
        """Say something else."""
        self._pieces = tuple(pieces)
        self.update()

    def pieces(self, width: int) -> Sequence[Piece]:
        """What was said, fitted."""
        return fit_pieces(self._pieces, width)


class SaidLines(Painted):
    """A few lines of pieces; as high as there are lines."""

    ON: ClassVar[str] = "background"
    """The palette's role of what lies behind."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 — Textual's word
        super().__init__(id=id)
        self._lines: tuple[tuple[Piece, ...], ...] = ()

    def show(self, lines: Sequence[Sequence[Piece]]) -> None:
        """Say something else."""
        told = tuple(tuple(line) for line in lines)
        if told != self._lines:
            self._lines = told
            self.repaint()

    def paint(self, width: int, palette: Palette) -> list[Segments]:
        """Every line, fitted."""
        return [segments(fit_pieces(line, width), palette, self.ON) for line in self._lines]
