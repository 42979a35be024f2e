"""Bars and strips: one value as a length, many values as heights."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style

from leptontui.render.canvas import Line

_EIGHTHS_TALL = "▁▂▃▄▅▆▇█"
_FULL, _HALF, _REST = "━", "╸", "─"


def bar(value: float | None, upper: float | None, width: int, full: Style, rest: Style) -> Line:
    """A horizontal bar, exactly `width` cells wide; without a value or an upper bound, nothing but its bed.

    Args:
        value: the length, in the unit of `upper`; cut to 0…upper.
        upper: what fills the bar.
        width: in cells.
        full: style of the filled part.
        rest: style of the bed.
    """
    if width <= 0:
        return []
    share = share_of(value, upper)
    halves = 0 if share is None else round(share * width * 2)
    whole, part = divmod(halves, 2)
    filled = _FULL * whole + _HALF * part
    line: Line = [Segment(filled, full)] if filled else []
    if bed := width - len(filled):
        line.append(Segment(_REST * bed, rest))
    return line


def share_of(value: float | None, upper: float | None) -> float | None:
    """`value` as a share of `upper`, cut to 0…1; None where either is missing or `upper` is not positive."""
    if value is None or upper is None or not math.isfinite(value) or not upper > 0:
        return None
    return min(1.0, max(0.0, value / upper))


def strip(values: Sequence[float | None], upper: float, width: int, styles: Sequence[Style], missing: Style) -> Line:
    """One block a value, its height and its style by the share of `upper`; at most `width` cells.

    Where there are more values than cells, a cell shows the greatest of its neighbours: the busy core is the news.

    Args:
        values: one a cell, None where unknown.
        upper: what fills a cell.
        width: in cells.
        styles: from idle to busy, at least one.
        missing: style of an unknown value.
    """
    if width <= 0 or not values:
        return []
    per_cell = math.ceil(len(values) / width)
    line: Line = []
    for first in range(0, len(values), per_cell):
        known = [value for value in values[first : first + per_cell] if value is not None]
        share = share_of(max(known), upper) if known else None
        if share is None:
            line.append(Segment("·", missing))
        else:
            style = styles[min(len(styles) - 1, int(share * len(styles)))]
            line.append(Segment(_EIGHTHS_TALL[min(7, int(share * 8))], style))
    return line
