"""The GPUs of one host side by side: a column a GPU, a row a value; the chosen one stands out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from leptontui.model.health import Severity
from leptontui.model.text import plain
from leptontui.render import numbers
from leptontui.render.canvas import Line
from leptontui.render.gauge import bar
from leptontui.render.ink import Ink, Pen
from leptontui.render.palette import Palette, role_of
from leptontui.ui.widgets.painted import Painted
from leptontui.view.host_rows import THROTTLE_HARDWARE, GpuRow, HostPage, throttle_words

_LABEL_WIDTH = 10
_NUMBER_WIDTH = 5
_LEAST_COLUMN = 6
_MOST_COLUMN = 24
_LEAST_BAR = 3
_SMALL, _LARGE = 32, 48
"""Screens with fewer rows show one block of GPUs; only with that many do several blocks show every row."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the strip: its label, the metric it shows, its number, and what fills its bar."""

    label: str
    metric: str
    role: str
    number: Callable[[GpuRow], str]
    value: Callable[[GpuRow], float | None]
    upper: Callable[[GpuRow], float | None]


_ROWS = (
    _Row(
        "util %", "util_pct", "series-1", lambda g: numbers.percent(g.util_pct), lambda g: g.util_pct, lambda _: 100.0
    ),
    _Row(
        "mem GiB",
        "memory_used_bytes",
        "series-3",
        lambda g: numbers.gib(g.memory_used_bytes),
        lambda g: g.memory_used_bytes,
        lambda g: g.memory_total_bytes,
    ),
    _Row(
        "temp °C",
        "temp_c",
        "series-2",
        lambda g: numbers.whole(g.temp_c),
        lambda g: g.temp_c,
        lambda g: g.temp_slowdown_c,
    ),
    _Row(
        "power W",
        "power_w",
        "series-4",
        lambda g: numbers.whole(g.power_w),
        lambda g: g.power_w,
        lambda g: g.power_limit_w,
    ),
    _Row(
        "clock MHz",
        "clock_sm_mhz",
        "series-5",
        lambda g: numbers.whole(g.clock_sm_mhz),
        lambda g: g.clock_sm_mhz,
        lambda g: g.clock_sm_max_mhz,
    ),
)


class GpuStrip(Painted):
    """The GPUs of a host. Which one is chosen is an identity, not a column."""

    def __init__(self) -> None:
        super().__init__(id="gpu-strip")
        self._page: HostPage | None = None
        self._chosen: str | None = None
        self._metric = ""
        self._is_fresh = True
        self._rows = 0

    def show(self, page: HostPage, *, chosen: str | None, metric: str, is_fresh: bool, rows: int) -> None:
        """Show a page's GPUs.

        Args:
            page: the host.
            chosen: uuid of the chosen GPU.
            metric: catalogue name of the charted metric; its row is marked.
            is_fresh: whether the values are.
            rows: height of the screen; decides what is left out.
        """
        self._page, self._chosen, self._metric = page, chosen, metric
        self._is_fresh, self._rows = is_fresh, rows
        self.display = bool(page.gpus)
        self.repaint()

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """All GPUs, in as many blocks as the width needs; on a small screen one block around the chosen GPU."""
        if self._page is None or not self._page.gpus:
            return []
        gpus = self._page.gpus
        fits = max(1, (width - _LABEL_WIDTH - 2) // _LEAST_COLUMN)
        if len(gpus) <= fits:
            blocks = [gpus]
        elif self._rows < _SMALL:
            at = next((i for i, gpu in enumerate(gpus) if gpu.uuid == self._chosen), 0)
            first = min(max(0, at - fits // 2), len(gpus) - fits)
            blocks = [gpus[first : first + fits]]
        else:
            count = -(-len(gpus) // fits)
            per_block = -(-len(gpus) // count)
            blocks = [gpus[i : i + per_block] for i in range(0, len(gpus), per_block)]
        has_details = self._rows >= (_SMALL if len(blocks) == 1 else _LARGE)
        hidden = len(gpus) - sum(len(block) for block in blocks)
        lines: list[Line] = []
        for block in blocks:
            if lines:
                lines.append(Ink(palette).line().fit(width))
            lines.extend(self._block(block, width, palette, hidden=hidden, has_details=has_details))
        return lines

    def _block(
        self, gpus: tuple[GpuRow, ...], width: int, palette: Palette, *, hidden: int, has_details: bool
    ) -> list[Line]:
        column = min(_MOST_COLUMN, max(_LEAST_COLUMN, (width - _LABEL_WIDTH - 2) // len(gpus)))
        lines = [self._row("gpu", gpus, column, width, palette, self._heading, note=f"+{hidden}" if hidden else "")]
        for row in _ROWS:
            if not has_details and row.metric == "clock_sm_mhz":
                continue

            def cell(ink: Ink, gpu: GpuRow, room: int, row: _Row = row) -> Pen:
                return _figure(ink, gpu, room, row)

            lines.append(self._row(row.label, gpus, column, width, palette, cell, metric=row.metric))
        if has_details:
            lines.append(self._row("held by", gpus, column, width, palette, _throttle))
            lines.append(self._row("ecc", gpus, column, width, palette, _ecc))
        return lines

    def _row(
        self,
        label: str,
        gpus: tuple[GpuRow, ...],
        column: int,
        width: int,
        palette: Palette,
        cell: Callable[[Ink, GpuRow, int], Pen],
        *,
        metric: str | None = None,
        note: str = "",
    ) -> Line:
        is_charted = metric is not None and metric == self._metric
        line = Ink(palette).line().add("▸" if is_charted else " ", "accent")
        line.add(f"{label + note:<{_LABEL_WIDTH}}", "accent" if is_charted else "dim")
        for gpu in gpus:
            ink = Ink(palette, on="cursor" if gpu.uuid == self._chosen else "background", is_fresh=self._is_fresh)
            line.draw(cell(ink, gpu, column - 1).fit(column - 1)).add(" ")
        return line.fit(width)

    def _heading(self, ink: Ink, gpu: GpuRow, room: int) -> Pen:
        severity = Severity.UNKNOWN if gpu.severity is None else Severity(gpu.severity)
        name = gpu.number
        is_chosen = gpu.uuid == self._chosen
        digits = min(_NUMBER_WIDTH - 1, room - 2)  # however narrow, the severity's sign is never cut off
        pen = ink.line().add(f"{name:>{digits}} ", "accent" if is_chosen else "text", is_bold=is_chosen)
        pen.add(severity.glyph, role_of(severity))
        if gpu.state in {"gone", "unknown"}:
            pen.add(" gone" if gpu.state == "gone" else " ?", "critical", is_bold=True)
        elif room >= _NUMBER_WIDTH + 8:
            pen.add(f" {plain(gpu.job, room - _NUMBER_WIDTH - 3)}" if gpu.job else "", "dim")
        return pen


def _figure(ink: Ink, gpu: GpuRow, room: int, row: _Row) -> Pen:
    """A number and, where there is room, a bar towards the value's own limit."""
    text = row.number(gpu)
    pen = ink.line().add(f"{text:>{_NUMBER_WIDTH}}", "dim" if text == numbers.NULL else "text")
    width = room - _NUMBER_WIDTH - 1
    if width >= _LEAST_BAR and row.upper(gpu) is not None:
        pen.add(" ").draw(bar(row.value(gpu), row.upper(gpu), width - 1, ink.style(row.role), ink.style("rule")))
    return pen


_SHORT_REASONS = {
    "HW slowdown": "HW",
    "HW thermal": "HW°C",
    "power brake": "brk",
    "SW thermal": "SW°C",
    "power cap": "cap",
    "sync boost": "sync",
    "display": "disp",
}
"""What is written where a GPU's column has no room for the words."""


def _throttle(ink: Ink, gpu: GpuRow, room: int) -> Pen:
    words = throttle_words(gpu.throttle_reasons)
    if not words:
        return ink.line().add(f"{numbers.NULL:>{_NUMBER_WIDTH}}", "dim")
    is_hardware = bool((gpu.throttle_reasons or 0) & THROTTLE_HARDWARE)
    word = words[0] if len(words[0]) < room else _SHORT_REASONS[words[0]]
    return ink.line().add(f" {word:>{_NUMBER_WIDTH - 1}}", "critical" if is_hardware else "dim")


def _ecc(ink: Ink, gpu: GpuRow, room: int) -> Pen:
    """Corrected and uncorrected errors; one dash where ECC is off or unreadable."""
    if gpu.ecc_corrected is None and gpu.ecc_uncorrected is None:
        return ink.line().add(f"{numbers.NULL:>{_NUMBER_WIDTH}}", "dim")
    pen = ink.line()
    bad = f"✖{numbers.metric(gpu.ecc_uncorrected)}" if gpu.ecc_uncorrected else ""
    if bad and room < _NUMBER_WIDTH + 1 + len(bad):
        return pen.add(f"{bad:>{_NUMBER_WIDTH}}", "critical", is_bold=True)
    text = numbers.metric(gpu.ecc_corrected)
    pen.add(f"{text:>{_NUMBER_WIDTH}}", "text" if gpu.ecc_corrected else "dim")
    return pen.add(f" {bad}" if bad else "", "critical", is_bold=True)
