"""A chart's forecast band: a filled shade whose edges are smoothed with eighth blocks."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

from rich.style import Style

from leptontui.model.series import Forecast
from leptontui.render.canvas import Canvas
from leptontui.render.chart_axes import ChartStyles, Frame
from leptontui.render.chart_scale import ABSURD, Scale

_SHADE95, _SHADE80 = "░", "▒"
_EIGHTHS = " ▁▂▃▄▅▆▇"

Points = list[tuple[float, float | None]]
"""(time in unix seconds, value in the scale's unit or None), oldest first."""


@dataclass(frozen=True, slots=True)
class Future:
    """A forecast in the scale's unit, each sequence of shape (h + 1,): it begins at the last value seen."""

    t: list[float]
    step_s: float
    mean: list[float]
    lo80: list[float]
    hi80: list[float]
    lo95: list[float]
    hi95: list[float]

    @classmethod
    def of(cls, forecast: Forecast | None, past: Points, scale: Scale) -> Future | None:
        """The forecast to draw; None if there is none or it is not finite."""
        if forecast is None or not forecast.mean:
            return None
        rows = (forecast.mean, forecast.lo80, forecast.hi80, forecast.lo95, forecast.hi95)
        count = min(len(row) for row in rows)
        if count == 0 or not all(abs(value) < ABSURD for row in rows for value in row):
            return None
        seen = [value for t, value in past if value is not None and t <= forecast.origin_unix_s + forecast.step_s]
        origin = seen[-1] if seen else forecast.mean[0] / scale.divisor
        times = [forecast.origin_unix_s + number * forecast.step_s for number in range(count + 1)]
        parts = [[origin, *(value / scale.divisor for value in row[:count])] for row in rows]
        return cls(times, forecast.step_s, *parts)

    def band_at(self, t: float) -> tuple[float, float, float, float] | None:
        """lo95, lo80, hi80, hi95 at time `t`, linearly between the steps; None outside the forecast."""
        if not self.t[0] <= t <= self.t[-1]:
            return None
        right = max(1, bisect_left(self.t, t))
        share = (t - self.t[right - 1]) / (self.t[right] - self.t[right - 1]) if self.step_s > 0 else 1.0
        edges = (self.lo95, self.lo80, self.hi80, self.hi95)
        lo95, lo80, hi80, hi95 = (row[right - 1] + share * (row[right] - row[right - 1]) for row in edges)
        return lo95, lo80, hi80, hi95


def draw_band(canvas: Canvas, frame: Frame, future: Future | None, styles: ChartStyles) -> None:
    """Fill the forecast's bands; at their edges an eighth block in the fill's colour smooths the stairs."""
    if future is None:
        return
    for column in range(frame.columns):
        band = future.band_at(frame.time_at(column))
        if band is None:
            continue
        lo95, lo80, hi80, hi95 = (frame.level(value) for value in band)
        _fill(canvas, frame, column, (lo95, hi95), _SHADE95, styles.band95)
        _fill(canvas, frame, column, (lo80, hi80), _SHADE80, styles.band80)


def _fill(canvas: Canvas, frame: Frame, column: int, levels: tuple[float, float], shade: str, style: Style) -> None:
    """Fill one column between two levels, in rows from the plot's bottom (0.0) to its top."""
    low, high = max(0.0, levels[0]), min(float(frame.rows), levels[1])
    if high <= low:
        return
    for row in range(int(low), min(frame.rows, math.ceil(high))):
        x, y = frame.left + column, frame.top + frame.rows - 1 - row
        covered_from, covered_to = max(low - row, 0.0), min(high - row, 1.0)
        if covered_to - covered_from > 0.94:  # noqa: PLR2004 — less than half of an eighth is missing
            canvas.put(x, y, shade, style)
        elif style.bgcolor is None:
            if covered_to - covered_from >= 0.5 or int(low) == int(high):  # noqa: PLR2004 — rounded to whole cells
                canvas.put(x, y, shade, style)
        elif covered_from <= 0.06:  # noqa: PLR2004 — the upper edge: the cell's lower part is filled
            _edge(canvas, x, y, covered_to, Style(color=style.bgcolor))
        elif covered_to >= 0.94:  # noqa: PLR2004 — the lower edge: the cell's upper part is filled
            _edge_below(canvas, x, y, covered_from, style)
        else:
            canvas.put(x, y, shade, style)


def _edge(canvas: Canvas, x: int, y: int, covered: float, style: Style) -> None:
    eighths = round(8 * covered)
    if eighths:
        canvas.over(x, y, _EIGHTHS[min(7, eighths)], style)


def _edge_below(canvas: Canvas, x: int, y: int, covered_from: float, style: Style) -> None:
    """A block of what lies behind, on the fill: there are no eighth blocks that hang from the top."""
    eighths = round(8 * covered_from)
    if eighths == 0:
        canvas.put(x, y, _SHADE95, style)
        return
    behind = canvas.background_at(x, y)
    if behind is None:
        if eighths <= 4:  # noqa: PLR2004 — the terminal's own background has no name to paint with
            canvas.put(x, y, "▀" if eighths == 4 else " ", Style(color=style.bgcolor, bgcolor=None))  # noqa: PLR2004
        return
    canvas.put(x, y, _EIGHTHS[min(7, eighths)], Style(color=behind, bgcolor=style.bgcolor))
