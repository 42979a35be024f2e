"""One line about what wants the user: a login that asks, host keys to be reviewed, what is wrong with the inventory."""

from __future__ import annotations

from collections.abc import Sequence

from leptontui.model.text import plain
from leptontui.render.cells import Piece, fit_pieces
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.widgets.line import Line
from leptontui.view.key_review import changed, waiting

_GAP = Piece("   ")


class Notices(Line):
    """Takes a line only while there is something to say.

    Args:
        can_let_in: whether questions can be answered and keys accepted here.
    """

    ON = "surface"

    def __init__(self, *, can_let_in: bool) -> None:
        super().__init__(id="notices")
        self._can_let_in = can_let_in
        self._pieces: tuple[Piece, ...] = ()
        self.display = False

    def show(self, snapshot: FleetSnapshot) -> None:
        """Say what there is to say of a snapshot."""
        self._pieces = notice_pieces(snapshot, can_let_in=self._can_let_in)
        self.display = bool(self._pieces)
        self.update()

    def pieces(self, width: int) -> Sequence[Piece]:
        """The line, fitted."""
        return fit_pieces(self._pieces, width)


def notice_pieces(snapshot: FleetSnapshot, *, can_let_in: bool) -> tuple[Piece, ...]:
    """What wants the user, the most urgent first; nothing where nothing does."""
    parts: list[tuple[Piece, ...]] = []
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
    pieces: list[Piece] = [Piece(" ")] if parts else []
    for number, part in enumerate(parts):
        pieces += [_GAP] if number else []
        pieces += part
    return tuple(pieces)


def _key(key: str, title: str, *, can_let_in: bool) -> tuple[Piece, ...]:
    return (Piece(" "), Piece(key, "accent", is_bold=True), Piece(f" {title}", "dim")) if can_let_in else ()
