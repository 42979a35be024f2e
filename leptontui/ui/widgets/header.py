"""The header's first line as a widget."""

from __future__ import annotations

from collections.abc import Sequence

from leptontui.render.cells import Piece
from leptontui.render.header import HeaderFacts, header
from leptontui.ui.widgets.line import Line


class Header(Line):
    """Which fleet, how many live, how old, armed or not, what time it is."""

    ON = "surface"

    def __init__(self) -> None:
        super().__init__(id="header")
        self._facts: HeaderFacts | None = None

    def show(self, facts: HeaderFacts) -> None:
        """Say something else."""
        self._facts = facts
        self.update()

    def pieces(self, width: int) -> Sequence[Piece]:
        """The header, fitted."""
        return header(self._facts, width) if self._facts is not None else ()
