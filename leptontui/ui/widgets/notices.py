"""Lines about what wants the user: a login that asks, host keys to be reviewed, what is wrong with the inventory."""

from __future__ import annotations

from typing import Final

from leptontui.model.text import plain
from leptontui.render.canvas import Line
from leptontui.render.cells import Piece, fit_pieces, segments, width_of
from leptontui.render.palette import Palette
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.widgets.painted import Painted
from leptontui.view.key_review import changed, waiting

_GAP: Final = Piece("   ")
_SMALL: Final = 30
"""With fewer rows on the screen one line has to do."""
_MOST_LINES: Final = 3
Part = tuple[Piece, ...]


class Notices(Painted):
    """Takes lines only while there is something to say.

    Args:
        can_let_in: whether questions can be answered and keys accepted here.
    """

    def __init__(self, *, can_let_in: bool) -> None:
        super().__init__(id="notices")
        self._can_let_in = can_let_in
        self._parts: tuple[Part, ...] = ()
        self.display = False

    def show(self, snapshot: FleetSnapshot) -> None:
        """Say what there is to say of a snapshot."""
        parts = notice_parts(snapshot, can_let_in=self._can_let_in)
        if parts != self._parts:
            self._parts = parts
            self.display = bool(parts)
            self.repaint()

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """As few lines as they fit in; how many did not is counted."""
        most = 1 if self.app.size.height < _SMALL else _MOST_LINES
        return [segments(fit_pieces(line, width), palette, "surface") for line in packed(self._parts, width, most)]


def packed(parts: tuple[Part, ...], width: int, most: int) -> list[Part]:
    """The parts on at most so many lines, each line as full as it gets; what is left out is counted at the end."""
    lines: list[list[Piece]] = []
    left = list(parts)
    while left and len(lines) < most:
        line = [Piece(" "), *left.pop(0)]
        is_last = len(lines) == most - 1
        while left:
            room = width - width_of(line) - width_of(left[0]) - _GAP.width
            if room < (0 if len(left) == 1 or not is_last else 4):
                break
            line += [_GAP, *left.pop(0)]
        lines.append(line)
    if left and lines:
        more = Piece(f"  +{len(left)}", "warning")
        lines[-1] = [*fit_pieces(lines[-1], width - more.width), more]
    return [tuple(line) for line in lines]


def notice_parts(snapshot: FleetSnapshot, *, can_let_in: bool) -> tuple[Part, ...]:
    """What wants the user, the most urgent first; nothing where nothing does."""
    parts: list[Part] = []
    if refused := changed(snapshot):
        words = f"✖ {refused} host key{'' if refused == 1 else 's'} CHANGED: refused"
        parts.append((Piece(words, "critical", is_bold=True), *_key("K", "shows", can_let_in=can_let_in)))
    if snapshot.questions:
        first, rest = snapshot.questions[0], len(snapshot.questions) - 1
        more = f" and {rest} more" if rest else ""
        words = f"▲ a login asks: {plain(first.prompt, 60)} {plain(first.subject, 60)}{more}"
        parts.append((Piece(words, "warning", is_bold=True), *_key("a", "answers", can_let_in=can_let_in)))
    if keys := waiting(snapshot):
        words = f"▲ {keys} host{'' if keys == 1 else 's'} with unknown keys"
        parts.append((Piece(words, "warning"), *_key("K", "reviews", can_let_in=can_let_in)))
    parts += [(Piece(f"▲ {plain(notice)}", "warning"),) for notice in snapshot.notices]
    return tuple(parts)


def _key(key: str, title: str, *, can_let_in: bool) -> Part:
    return (Piece(" "), Piece(key, "accent", is_bold=True), Piece(f" {title}", "dim")) if can_let_in else ()
