"""Big digits of half blocks, readable from four metres."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style

from leptontui.render.canvas import Line

_PIXELS = {
    "0": ("###", "# #", "# #", "# #", "###"),
    "1": (" # ", "## ", " # ", " # ", "###"),
    "2": ("###", "  #", "###", "#  ", "###"),
    "3": ("###", "  #", "###", "  #", "###"),
    "4": ("# #", "# #", "###", "  #", "  #"),
    "5": ("###", "#  ", "###", "  #", "###"),
    "6": ("###", "#  ", "###", "# #", "###"),
    "7": ("###", "  #", "  #", "  #", "  #"),
    "8": ("###", "# #", "###", "# #", "###"),
    "9": ("###", "# #", "###", "  #", "###"),
    ":": (" ", "#", " ", "#", " "),
    "/": ("  #", "  #", " # ", "#  ", "#  "),
    "–": ("   ", "   ", "###", "   ", "   "),
    ".": (" ", " ", " ", " ", "#"),
    " ": ("  ", "  ", "  ", "  ", "  "),
}
_PIXEL_ROWS = 5


def digit_rows(scale: int) -> int:
    """Height in lines of digits at a scale."""
    return (_PIXEL_ROWS * scale + 1) // 2


def digits_width(text: str, scale: int) -> int:
    """Width in cells of a text at a scale."""
    glyphs = [_PIXELS.get(char, _PIXELS["–"]) for char in text]
    return sum((len(glyph[0]) + 1) * scale for glyph in glyphs) - scale if glyphs else 0


def big_digits(text: str, style: Style, *, scale: int = 2) -> list[Line]:
    """A number in big digits.

    Args:
        text: digits, ":", "/", ".", "–" and spaces; anything else is shown as "–".
        style: colour of the strokes.
        scale: cells a pixel is wide; it is half as many lines tall. A digit is 3 by 5 pixels.

    Returns:
        `digit_rows(scale)` lines of equal width.
    """
    scale = max(1, scale)
    rows: list[str] = []
    for number in range(_PIXEL_ROWS):
        gap = " " * scale
        row = gap.join("".join(pixel * scale for pixel in _PIXELS.get(char, _PIXELS["–"])[number]) for char in text)
        rows.extend([row] * scale)
    if len(rows) % 2:
        rows.append(" " * len(rows[0]))
    return [[Segment(_halves(rows[i], rows[i + 1]), style)] for i in range(0, len(rows), 2)]


def _halves(upper: str, lower: str) -> str:
    blocks = {("#", "#"): "█", ("#", " "): "▀", (" ", "#"): "▄", (" ", " "): " "}
    return "".join(blocks[pair] for pair in zip(upper, lower, strict=True))
