"""Lines of text in a palette's roles, put together from the left, and lines set beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.segment import Segment
from rich.style import Style

from leptontui.render.canvas import Line, line_width
from leptontui.render.palette import Palette

_SOLID = frozenset({"dim", "rule", "background", "accent"})
"""Roles that say nothing about a value, and so stay when it is old."""


@dataclass(frozen=True, slots=True)
class Ink:
    """What to write with.

    Attributes:
        palette: the theme's colours.
        on: the role of what lies behind.
        is_fresh: whether the values are; old ones are dim, whatever their colour would be.
    """

    palette: Palette
    on: str = "background"
    is_fresh: bool = True

    def style(self, role: str = "text", *, is_bold: bool = False) -> Style:
        """The style of one role."""
        if not self.is_fresh and role not in _SOLID:
            role = "dim"
        return self.palette.style(role, on=self.on, is_bold=is_bold)

    def line(self) -> Pen:
        """A new, empty line."""
        return Pen(self)


@dataclass(slots=True)
class Pen:
    """One line being written."""

    ink: Ink
    segments: Line = field(default_factory=list)

    def add(self, text: str, role: str = "text", *, is_bold: bool = False) -> Pen:
        """Write on. `text` must be fit for the screen already."""
        if text:
            self.segments.append(Segment(text, self.ink.style(role, is_bold=is_bold)))
        return self

    def draw(self, line: Line) -> Pen:
        """Put a piece drawn elsewhere."""
        self.segments.extend(line)
        return self

    @property
    def width(self) -> int:
        """Cells written so far."""
        return line_width(self.segments)

    def fit(self, width: int) -> Line:
        """Exactly `width` cells: cut off or padded."""
        return Segment.adjust_line_length(self.segments, max(0, width), style=self.ink.style())


def spread(left: Pen, right: Pen, width: int) -> Line:
    """One piece at each end of a line; where both do not fit the right one is kept whole and the left one cut."""
    room = width - right.width
    if room <= 0:
        return right.fit(width)
    return left.fit(room) + right.segments


def facts(ink: Ink, pieces: Sequence[Pen], width: int, *, between: int = 3) -> Line:
    """As many of `pieces`, in order, as fit; what does not fit is left out whole."""
    line = ink.line().add(" ")
    for piece in pieces:
        gap = between if line.width > 1 else 0
        if piece.segments and line.width + gap + piece.width <= width:
            line.add(" " * gap).draw(piece.segments)
    return line.fit(width)


def beside(ink: Ink, blocks: Sequence[Sequence[Line]], widths: Sequence[int], *, gap: int = 2) -> list[Line]:
    """Blocks of lines set side by side; block i takes `widths[i]` cells."""
    height = max((len(block) for block in blocks), default=0)
    lines: list[Line] = []
    for row in range(height):
        line: Line = []
        for number, (block, width) in enumerate(zip(blocks, widths, strict=True)):
            if number:
                line.append(Segment(" " * gap, ink.style()))
            piece = block[row] if row < len(block) else []
            line.extend(Segment.adjust_line_length(piece, width, style=ink.style()))
        lines.append(line)
    return lines
