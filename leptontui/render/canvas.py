"""A grid of character cells, painted back to front, with a braille layer of 2 × 4 dots per cell."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BRAILLE = 0x2800
_HALF_AND_MORE = frozenset("▄▅▆▇")
"""A cell that is mostly filled by a block counts as filled behind a line: a cell has one glyph only."""

Line = list[Segment]
"""One line of the screen."""


class Canvas:
    """`width` × `height` character cells; whatever lies outside is silently cut off.

    Glyphs must be one cell wide; texts are written one character to a cell, so they must be free of wide characters.
    """

    def __init__(self, width: int, height: int, blank: Style | None = None) -> None:
        self.width = max(0, width)
        self.height = max(0, height)
        self._blank = blank or Style.null()
        self._glyphs = [[" "] * self.width for _ in range(self.height)]
        self._styles = [[self._blank] * self.width for _ in range(self.height)]

    def put(self, x: int, y: int, glyph: str, style: Style) -> None:
        """Replace one cell."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self._glyphs[y][x] = glyph
            self._styles[y][x] = style

    def over(self, x: int, y: int, glyph: str, style: Style) -> None:
        """Replace the glyph and what `style` sets; the background that lies there stays."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self.put(x, y, glyph, Style(bgcolor=self._styles[y][x].bgcolor) + style)

    def write(self, x: int, y: int, text: str, style: Style) -> None:
        """Write `text` from column `x` on, over whatever background lies there."""
        for offset, glyph in enumerate(text):
            self.over(x + offset, y, glyph, style)

    def glyph_at(self, x: int, y: int) -> str:
        """What stands in a cell; "" outside."""
        return self._glyphs[y][x] if 0 <= x < self.width and 0 <= y < self.height else ""

    def background_at(self, x: int, y: int) -> Color | None:
        """The background of a cell; None is the terminal's own."""
        return self._styles[y][x].bgcolor if 0 <= x < self.width and 0 <= y < self.height else None

    def dots(self, dots: Iterable[tuple[int, int]], style: Style) -> None:
        """Set braille dots, given as (column, row) on a grid of 2·width × 4·height, over the background there."""
        cells: dict[tuple[int, int], int] = {}
        for dot_x, dot_y in dots:
            if 0 <= dot_x < 2 * self.width and 0 <= dot_y < 4 * self.height:
                cell = (dot_x // 2, dot_y // 4)
                cells[cell] = cells.get(cell, 0) | _DOTS[dot_x % 2][dot_y % 4]
        for (x, y), bits in cells.items():
            there = ord(self._glyphs[y][x])
            if self._glyphs[y][x] in _HALF_AND_MORE:
                self.put(x, y, " ", Style(bgcolor=self._styles[y][x].color))
            if _BRAILLE < there <= _BRAILLE + 0xFF:
                bits |= there - _BRAILLE  # noqa: PLW2901 — both lines share the cell; the later one's colour wins
            self.over(x, y, chr(_BRAILLE + bits), style)

    def lines(self) -> list[Line]:
        """The picture, neighbours of one style joined; each line is exactly `width` cells wide."""
        return [_joined(glyphs, styles) for glyphs, styles in zip(self._glyphs, self._styles, strict=True)]


def segment_between(start: tuple[int, int], end: tuple[int, int]) -> Iterable[tuple[int, int]]:
    """The grid points of a straight line from `start` to `end`, both included (Bresenham)."""
    (x, y), (x_end, y_end) = start, end
    step_x, step_y = (1 if x_end >= x else -1), (1 if y_end >= y else -1)
    run, rise = abs(x_end - x), abs(y_end - y)
    error = run - rise
    while True:
        yield x, y
        if (x, y) == (x_end, y_end):
            return
        doubled = 2 * error
        if doubled > -rise:
            error -= rise
            x += step_x
        if doubled < run:
            error += run
            y += step_y


def line_width(line: Line) -> int:
    """Width of a line in cells."""
    return sum(cell_len(segment.text) for segment in line)


def _joined(glyphs: list[str], styles: list[Style]) -> Line:
    line: Line = []
    start = 0
    for x in range(1, len(glyphs) + 1):
        if x == len(glyphs) or styles[x] != styles[start]:
            line.append(Segment("".join(glyphs[start:x]), styles[start]))
            start = x
    return line
