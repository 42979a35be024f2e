"""A line as pieces of text in a palette's roles: fitted, compared and hashed as data, made into segments at the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment

from leptontui.render.palette import Palette

ELLIPSIS: Final = "…"


class Piece(NamedTuple):
    """Text in one role.

    Attributes:
        text: what is written; control characters have been removed already, markup is text.
        role: the palette's role.
        is_bold: stands out.
    """

    text: str
    role: str = "text"
    is_bold: bool = False

    @property
    def width(self) -> int:
        """Cells it takes."""
        return len(self.text) if self.text.isascii() else cell_len(self.text)


def fit(text: str, width: int, *, is_left: bool = True) -> str:
    """Exactly `width` cells: padded on the other side, or cut off with an ellipsis."""
    length = len(text) if text.isascii() else cell_len(text)
    if length <= width:
        pad = " " * (width - length)
        return text + pad if is_left else pad + text
    return set_cell_size(text, width - 1) + ELLIPSIS if width > 0 else ""


def width_of(pieces: Iterable[Piece]) -> int:
    """Cells a line takes."""
    return sum(piece.width for piece in pieces)


def fit_pieces(pieces: Iterable[Piece], width: int) -> tuple[Piece, ...]:
    """Exactly `width` cells of a line."""
    fitted: list[Piece] = []
    room = width
    for piece in pieces:
        if piece.width > room:
            fitted.append(piece._replace(text=fit(piece.text, room)))
            return tuple(fitted)
        fitted.append(piece)
        room -= piece.width
    return (*fitted, Piece(" " * room)) if room else tuple(fitted)


def segments(pieces: Iterable[Piece], palette: Palette, on: str = "background") -> list[Segment]:
    """The pieces as rich segments on the background of the role `on`; no markup is interpreted."""
    return [Segment(text, palette.style(role, on=on, is_bold=is_bold)) for text, role, is_bold in pieces if text]


def spread(left: Sequence[Piece], right: Sequence[Piece], width: int) -> tuple[Piece, ...]:
    """One part at each end of a line of exactly `width` cells; the right one is kept whole where both do not fit."""
    room = width - width_of(right)
    if room <= 0:
        return fit_pieces(right, width)
    return (*fit_pieces(left, room), *right)
