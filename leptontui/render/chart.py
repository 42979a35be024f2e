"""The large chart: history as a braille line, the forecast as a filled shade, a threshold and where it is crossed.

textual-plot is the library for ordinary charts in Textual, but it draws lines only: a forecast's band has to be a
filled shade, so this one is our own. Pure: values in, segments out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style

from leptontui.model.series import Forecast, Series
from leptontui.render.canvas import Canvas, Line, segment_between
from leptontui.render.chart_axes import ChartStyles, Frame, draw_axes, frame_of
from leptontui.render.chart_band import Future, Points, draw_band
from leptontui.render.chart_marks import draw_eta, draw_threshold, name_threshold
from leptontui.render.chart_scale import Extent, Scale, extent_of, in_unit

_LEAST_PAST_S = 600.0
"""The history's share of the chart is never narrower than this."""
_GAP_STEPS = 1.6
"""Two values further apart than this many buckets are not joined."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A line the series should not cross.

    Attributes:
        value: in the metric's own unit.
        label: as written on the line, e.g. "slowdown 87 °C".
    """

    value: float
    label: str


def chart(
    series: Series | None,
    forecast: Forecast | None,
    *,
    width: int,
    height: int,
    scale: Scale,
    now_unix_s: float,
    styles: ChartStyles,
    threshold: Threshold | None = None,
) -> list[Line]:
    """Draw a chart; works at any size, down to nothing.

    Args:
        series: the history; None or all gaps leaves that part blank.
        forecast: what is to come, None if there is none.
        width: of the area, in character cells.
        height: of the area, in character cells.
        scale: the vertical scale.
        now_unix_s: where the past ends.
        styles: colours.
        threshold: the line across.

    Returns:
        `height` lines, each exactly `width` cells wide.
    """
    canvas = Canvas(width, height, styles.axis)
    if width < 1 or height < 1:
        return canvas.lines()
    past = _past(series, scale)
    future = Future.of(forecast, past, scale)
    line = threshold.value / scale.divisor if threshold is not None else None
    extent = _extent(past, future, line, scale, height)
    frame = frame_of(width, height, extent, scale.unit, _start(past, now_unix_s), now_unix_s, _end(future, now_unix_s))
    draw_band(canvas, frame, future, styles)
    draw_axes(canvas, frame, styles)
    if line is not None:
        draw_threshold(canvas, frame, line, styles)
    if future is not None:
        _draw_line(
            canvas, frame, list(zip(future.t, future.mean, strict=True)), future.step_s, styles.forecast, stride=2
        )
    if past:
        _draw_line(canvas, frame, past, series.step_s if series else 0.0, styles.series)
    if threshold is not None and line is not None:
        if forecast is not None and forecast.eta is not None and forecast.eta.threshold == threshold.value:
            draw_eta(canvas, frame, line, forecast.eta, styles)
        name_threshold(canvas, frame, line, threshold.label, styles)
    if future is None and not any(value is not None for _, value in past):
        words = " no history of this yet "
        canvas.write(frame.left + (frame.columns - len(words)) // 2, frame.top + frame.rows // 2, words, styles.label)
    return canvas.lines()


def _past(series: Series | None, scale: Scale) -> Points:
    if series is None:
        return []
    return list(zip(series.t_unix_s, in_unit(series.values, scale), strict=False))


def _start(past: Points, now_unix_s: float) -> float:
    """The first sampled time, so that a young history is not a sliver, but never less than ten minutes ago."""
    first = next((t for t, value in past if value is not None), now_unix_s)
    return min(first, now_unix_s - _LEAST_PAST_S)


def _end(future: Future | None, now_unix_s: float) -> float:
    return max(future.t[-1], now_unix_s) if future is not None else now_unix_s


def _extent(past: Points, future: Future | None, line: float | None, scale: Scale, height: int) -> Extent:
    values = [value for _, value in past if value is not None]
    outer: Sequence[float] = ()
    if future is not None:
        values += future.mean + future.lo80 + future.hi80
        outer = future.lo95 + future.hi95
    return extent_of(values, scale=scale, rows=height - 3, outer=outer, threshold=line)


def _draw_line(canvas: Canvas, frame: Frame, points: Points, step_s: float, style: Style, stride: int = 1) -> None:
    """Join neighbouring values; a missing one is a gap.

    The line is two dots high, since one dot's row looks like crumbs. `stride` 2 sets every other dot of one row: what
    is not yet known.
    """
    dots: list[tuple[int, int]] = []
    before: tuple[float, tuple[int, int]] | None = None
    for t, value in points:
        if value is None or not frame.t_start <= t <= frame.t_end:
            before = None
            continue
        dot = (frame.dot_x(t), frame.dot_y(value))
        is_joined = before is not None and t - before[0] <= _GAP_STEPS * step_s
        dots.extend(segment_between(before[1], dot) if before is not None and is_joined else [dot])
        before = (t, dot)
    if stride == 1:
        dots += [(x, y + 1) for x, y in dots]
    left, top = 2 * frame.left, 4 * frame.top
    inside = range(4 * frame.rows)
    canvas.dots(((left + x, top + y) for x, y in dots if y in inside and (stride == 1 or x % stride == 0)), style)
