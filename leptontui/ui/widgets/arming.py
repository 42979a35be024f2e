"""Whether actions are allowed, and for how long: in every dialog that may cover the header."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import App

from leptontui.render.cells import Piece
from leptontui.render.numbers import countdown
from leptontui.ui.widgets.line import Line


def arming_pieces(app: App[object]) -> tuple[Piece, ...]:
    """What the header says of arming; nothing where there is no command port."""
    found = getattr(app, "arming", None)
    if found is None:
        return ()
    armed_for_s = found()
    if armed_for_s is None:
        return ()
    if armed_for_s <= 0:
        return (Piece(" READ-ONLY ", "dim"),)
    return (Piece(f" ARMED {countdown(armed_for_s)} ", "critical", is_bold=True),)


class ArmingMark(Line):
    """The countdown, right of a dialog's title; follows the clock."""

    ON = "surface"
    DEFAULT_CSS = "ArmingMark { width: 13; height: 1; }"

    def __init__(self) -> None:
        super().__init__(id="arming")

    def on_mount(self) -> None:
        """It counts down."""
        self.set_interval(1.0, self.update)

    def pieces(self, width: int) -> Sequence[Piece]:
        """What it says, at the right end."""
        found = arming_pieces(self.app)
        gap = width - sum(piece.width for piece in found)
        return (Piece(" " * max(0, gap)), *found)
