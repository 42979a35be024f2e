"""A chart's frame: where the plot lies, how values and times become cells, and the two axes."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rich.style import Style

from leptontui.render.canvas import Canvas
from leptontui.render.chart_scale import Extent, tick_label

_LEAST_WIDTH_WITH_GUTTER = 24
_LEAST_HEIGHT_WITH_AXIS = 6
_TIME_STEPS_S = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_LEAST_LABEL_GAP = 4


@dataclass(frozen=True, slots=True)
class ChartStyles:
    """Styles of a chart's parts. A band's `bgcolor` is its fill, its `color` that of the shade's grain."""

    series: Style
    forecast: Style
    band80: Style
    band95: Style
    threshold: Style
    eta: Style
    axis: Style
    label: Style
    now: Style


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chart's plot lies on its canvas, and what it covers.

    Attributes:
        left, top: the plot's first column and row on the canvas.
        columns, rows: the plot's size in cells.
        extent: what the vertical axis covers.
        unit: written above the vertical axis; "" where there is no room.
        t_start, t_now, t_end: what the horizontal axis covers, unix seconds.
        has_axes: whether there is room for the axes.
    """

    left: int
    top: int
    columns: int
    rows: int
    extent: Extent
    unit: str
    t_start: float
    t_now: float
    t_end: float
    has_axes: bool

    def share_of(self, t: float) -> float:
        """Where a time lies between start (0.0) and end (1.0)."""
        return (t - self.t_start) / (self.t_end - self.t_start)

    def column(self, t: float) -> int:
        """The plot's column of a time; may lie outside."""
        return self.dot_x(t) // 2

    def dot_x(self, t: float) -> int:
        """The column of a time in braille dots, from the plot's left edge; at most one width beyond it."""
        return round(min(2.0, max(-1.0, self.share_of(t))) * (2 * self.columns - 1))

    def time_at(self, column: int) -> float:
        """The time in the middle of a column."""
        return self.t_start + (column + 0.5) / self.columns * (self.t_end - self.t_start)

    def level(self, value: float) -> float:
        """Height of a value above the plot's bottom, in rows."""
        return (value - self.extent.low) / (self.extent.high - self.extent.low) * self.rows

    def dot_y(self, value: float) -> int:
        """The row of a value in braille dots, from the plot's top; what lies outside is one row beyond the edge."""
        share = (self.extent.high - value) / (self.extent.high - self.extent.low)
        last = 4 * self.rows - 1
        return round(min(last + 4.0, max(-4.0, share * last)))

    def row(self, value: float) -> int:
        """The canvas row of a value."""
        return self.top + self.dot_y(value) // 4

    @property
    def now_column(self) -> int:
        """The plot's column of the present."""
        return self.column(self.t_now)


def frame_of(width: int, height: int, extent: Extent, unit: str, start: float, now: float, end: float) -> Frame:
    """Lay out a chart; without room for axes the plot takes it all."""
    end = end if end > start else start + 1.0
    labels = [tick_label(tick, extent.step) for tick in extent.ticks]
    gutter = max([len(unit), *(len(label) for label in labels)]) + 2
    if width < _LEAST_WIDTH_WITH_GUTTER or width <= 2 * gutter or height < _LEAST_HEIGHT_WITH_AXIS:
        return Frame(0, 0, width, height, extent, "", start, now, end, has_axes=False)
    # Top row: the unit. Below the plot: the axis and its labels.
    return Frame(gutter + 1, 1, width - gutter - 1, height - 3, extent, unit, start, now, end, has_axes=True)


def draw_axes(canvas: Canvas, frame: Frame, styles: ChartStyles) -> None:
    """Both axes, their labels, and the line where the past ends."""
    axis, label, now = styles.axis, styles.label, styles.now
    now_column = frame.now_column
    has_future = now_column < frame.columns - 1
    if has_future:
        for row in range(frame.rows):
            if not canvas.glyph_at(frame.left + now_column, frame.top + row).strip():
                canvas.over(frame.left + now_column, frame.top + row, "│", now)
    if not frame.has_axes:
        return
    spine = frame.left - 1
    canvas.write(max(0, spine - 1 - len(frame.unit)), 0, frame.unit, label)
    canvas.put(spine, 0, "╷", axis)
    for row in range(frame.rows):
        canvas.put(spine, frame.top + row, "│", axis)
    for tick in frame.extent.ticks:
        text, row = tick_label(tick, frame.extent.step), frame.row(tick)
        canvas.write(spine - 1 - len(text), row, text, label)
        canvas.put(spine, row, "┤", axis)
    floor = frame.top + frame.rows
    canvas.put(spine, floor, "└", axis)
    for column in range(frame.columns):
        canvas.put(frame.left + column, floor, "─", axis)
    _draw_times(canvas, frame, floor, styles)


def _draw_times(canvas: Canvas, frame: Frame, floor: int, styles: ChartStyles) -> None:
    """Now first, then start and end, then round times wherever there is still room."""
    taken: list[tuple[int, int]] = []

    def place(t: float, text: str, tick: str, style: Style) -> None:
        column = min(max(0, frame.column(t)), frame.columns - 1)
        start = min(max(0, column - len(text) // 2), frame.columns - len(text))
        end = start + len(text)
        if start < 0 or any(
            start < stop + _LEAST_LABEL_GAP and begin - _LEAST_LABEL_GAP < end for begin, stop in taken
        ):
            return
        taken.append((start, end))
        canvas.over(frame.left + column, floor, tick, style if tick == "┼" else styles.axis)
        canvas.write(frame.left + start, floor + 1, text, style)

    place(frame.t_now, f"{clock_text(frame.t_now)} now", "┼" if frame.t_end > frame.t_now else "┴", styles.now)
    place(frame.t_start, clock_text(frame.t_start), "┬", styles.label)
    place(frame.t_end, clock_text(frame.t_end), "┬", styles.label)
    for t in _round_times(frame):
        place(t, clock_text(t), "┬", styles.label)


def _round_times(frame: Frame) -> list[float]:
    """Times on the round minute or hour, about one in every fourteen columns."""
    least = (frame.t_end - frame.t_start) * 14 / max(1, frame.columns)
    step = next((step for step in _TIME_STEPS_S if step >= least), None)
    if step is None:
        return []
    first = int(frame.t_start // step) + 1
    return [float(number * step) for number in range(first, int(frame.t_end // step) + 1)]


def clock_text(t_unix_s: float) -> str:
    """Local time of day, "HH:MM"."""
    return time.strftime("%H:%M", time.localtime(t_unix_s))
