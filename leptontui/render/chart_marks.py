"""What is written on a chart: the threshold's line and name, and when it will be crossed."""

from __future__ import annotations

from rich.style import Style

from leptontui.model.series import Eta
from leptontui.render.canvas import Canvas
from leptontui.render.chart_axes import ChartStyles, Frame, clock_text


def draw_threshold(canvas: Canvas, frame: Frame, line: float, styles: ChartStyles) -> None:
    """A dashed line across, where it is in range."""
    if frame.extent.low <= line <= frame.extent.high:
        for column in range(frame.columns):
            canvas.over(frame.left + column, frame.row(line), "┄", styles.threshold)


def name_threshold(canvas: Canvas, frame: Frame, line: float, label: str, styles: ChartStyles) -> None:
    """The line's name where nothing is drawn over it; out of range, at the edge beyond which it lies."""
    if not frame.extent.low <= line <= frame.extent.high:
        is_above = line > frame.extent.high
        text = f" {label} {'↑' if is_above else '↓'} "
        row = frame.top if is_above else frame.top + frame.rows - 1
        column = _free_column(canvas, frame, row, len(text), " ░▒│")
    else:
        text, row = f" {label} ", frame.row(line)
        column = _free_column(canvas, frame, row, len(text), "┄")
    if column is not None:
        canvas.write(frame.left + column, row, text, styles.threshold)


def _free_column(canvas: Canvas, frame: Frame, row: int, length: int, free: str) -> int | None:
    """The first column, two from the left on, from which `length` cells hold nothing but `free` glyphs."""
    run = 0
    for column in range(2, frame.columns):
        run = run + 1 if canvas.glyph_at(frame.left + column, row) in free else 0
        if run == length:
            return column - length + 1
    return None


def draw_eta(canvas: Canvas, frame: Frame, line: float, eta: Eta, styles: ChartStyles) -> None:
    """The interval of the crossing as a heavy line on the threshold, its expected instant as ◆, and both in words."""
    if not frame.extent.low <= line <= frame.extent.high:
        return
    row = frame.row(line)
    first = frame.column(eta.earliest_unix_s)
    last = frame.column(eta.latest_unix_s) if eta.latest_unix_s is not None else frame.columns - 1
    for column in range(max(0, first), min(last, frame.columns - 1) + 1):
        canvas.over(frame.left + column, row, "━", styles.eta)
    at = first if eta.expected_unix_s is None else frame.column(eta.expected_unix_s)
    if 0 <= at < frame.columns:
        canvas.over(frame.left + at, row, "◆", styles.eta)
    _write_eta(canvas, frame, row, (first, min(last, frame.columns - 1)), eta_text(eta), styles.eta)


def _write_eta(canvas: Canvas, frame: Frame, row: int, interval: tuple[int, int], text: str, style: Style) -> None:
    """Right of the interval; where there is no room, in the row above it, so that the line stays whole."""
    first, last = interval
    padded = f" {text} "
    if last + 1 + len(padded) <= frame.columns:
        canvas.write(frame.left + last + 1, row, padded, style)
    elif len(padded) <= frame.columns:
        beside = row - 1 if row - 1 >= frame.top else row + 1
        start = min(max(0, first - 1), frame.columns - len(padded))
        canvas.write(frame.left + start, beside, padded, style)


def eta_text(eta: Eta) -> str:
    """When the threshold is crossed, by the local clock: "03:23 (03:19–03:31)"; always an interval.

    Where only the band's edge reaches it there is no expected time: "may be reached from 03:19 (80 % band)".
    """
    earliest = clock_text(eta.earliest_unix_s)
    if eta.expected_unix_s is None:
        until = f" to {clock_text(eta.latest_unix_s)}" if eta.latest_unix_s is not None else ""
        return f"may be reached from {earliest}{until} (80 % band)"
    latest = clock_text(eta.latest_unix_s) if eta.latest_unix_s is not None else "later"
    return f"{clock_text(eta.expected_unix_s)} ({earliest}–{latest})"
