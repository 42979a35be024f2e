"""The line above the footer: all there is to say about the row under the cursor, which its cell may cut off."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from leptontui.render.cells import Piece, spread
from leptontui.render.numbers import age
from leptontui.ui.widgets.fleet_cells import health_pieces
from leptontui.ui.widgets.line import Line
from leptontui.view.row import GpuRow, Row

_HINT: Final = (Piece(" ↓", "accent", is_bold=True), Piece(" chooses a row", "dim"))
_ROOMY: Final = 110
"""From this width on the GPU's model is told; before, what is wrong needs the room."""


class StatusLine(Line):
    """The row under the cursor in words, and where in the list it is."""

    def __init__(self) -> None:
        super().__init__(id="status")
        self._row: Row | None = None
        self._now_unix_s = 0.0
        self._right: tuple[Piece, ...] = ()

    def show(self, row: Row | None, position: int | None, shown: int, now_unix_s: float) -> None:
        """Describe a row.

        Args:
            row: the one under the cursor, None if none is chosen.
            position: where it is in the list, from 0; None if it is not in it.
            shown: how many rows the list has.
            now_unix_s: against which ages are told.
        """
        self._row, self._right, self._now_unix_s = None, (), now_unix_s
        if shown and (row is None or position is None):
            self._right = (Piece(f"  {shown} row{'' if shown == 1 else 's'} ", "dim"),)
        elif row is not None and position is not None:
            self._row = row
            self._right = (Piece(f"  {position + 1} of {shown} ", "dim"),)
        self.update()

    def pieces(self, width: int) -> Sequence[Piece]:
        """The line, fitted."""
        if not self._right:
            return ()
        if self._row is None:
            return spread(_HINT, self._right, width)
        left = (
            *_identity(self._row, has_model=width >= _ROOMY),
            *_dialling(self._row, self._now_unix_s),
            *health_pieces(self._row, self._now_unix_s),
        )
        return spread(left, self._right, width)


def _dialling(row: Row, now_unix_s: float) -> tuple[Piece, ...]:
    """Of a host that is not live: since when, and when it is dialled next."""
    state = row.standing
    if state.is_live or state.since_unix_s is None:
        return ()
    since = f"since {time.strftime('%H:%M', time.localtime(state.since_unix_s))}"
    if state.next_dial_unix_s is None:
        return (Piece(f"{since}   ", "dim"),)
    wait_s = state.next_dial_unix_s - now_unix_s
    when = f"next dial in {age(wait_s)}" if wait_s > 0 else "dialled now"
    return (Piece(f"{since}, {when}, ", "dim"), Piece("^r", "accent"), Piece(" now   ", "dim"))


def _identity(row: Row, *, has_model: bool) -> tuple[Piece, ...]:
    where = [Piece(" "), Piece(row.id.host, is_bold=True)]
    if isinstance(row, GpuRow) and row.id.gpu_uuid is not None:
        where += [
            Piece(f" ▸ GPU {row.number}"),
            Piece(f"  {row.model}" if has_model else "", "dim"),
        ]
    return (*where, Piece("   "))
