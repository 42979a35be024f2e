"""The sheet of one GPU: its processes, then groups of metrics in as many columns as fit, with a cursor; then events."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.message import Message

from leptontui.model.health import Severity
from leptontui.render import numbers
from leptontui.render.canvas import Line
from leptontui.render.cells import fit
from leptontui.render.ink import Ink, beside
from leptontui.render.palette import Palette, role_of
from leptontui.ui.widgets.metric_text import metric_text
from leptontui.ui.widgets.painted import Painted
from leptontui.view.event_rows import EventRow
from leptontui.view.gpu_sheet import GpuSheet, SheetGroup, SheetValue
from leptontui.view.part_rows import ProcessRow

_LEAST_COLUMN: Final = 38
_MOST_COLUMNS: Final = 5
_GAP: Final = 2
_NAME: Final = 17
_PROCESSES: Final = 6


class MetricSheet(Painted, can_focus=True):
    """Every metric of one GPU. The cursor is on a metric's name, not on a line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor(-1)", "up", show=False),
        Binding("down", "cursor(1)", "down", show=False),
        Binding("pageup", "cursor(-8)", "page up", show=False),
        Binding("pagedown", "cursor(8)", "page down", show=False),
        Binding("home", "edge(False)", "first", show=False),
        Binding("end,G", "edge(True)", "last", show=False),
    ]

    class CursorMoved(Message):
        """The cursor is on another metric."""

    def __init__(self) -> None:
        super().__init__(id="metric-sheet")
        self._sheet: GpuSheet | None = None
        self._is_fresh = True
        self._chosen = ""
        self._lines_of: dict[str, int] = {}

    @property
    def chosen(self) -> SheetValue | None:
        """The metric under the cursor."""
        return next((value for value in self._values if value.name == self._chosen), None)

    @property
    def chosen_line(self) -> int:
        """In which line it stands."""
        return self._lines_of.get(self._chosen, 0)

    @property
    def _values(self) -> tuple[SheetValue, ...]:
        groups = self._sheet.groups if self._sheet is not None else ()
        return tuple(value for group in groups for value in group.values)

    def show(self, sheet: GpuSheet | None, *, is_fresh: bool) -> None:
        """Show another sheet; the cursor stays on its metric."""
        self._sheet, self._is_fresh = sheet, is_fresh
        if not self._chosen and self._values:
            self._chosen = self._values[0].name
        self.repaint()

    def action_cursor(self, step: int) -> None:
        """Go to another metric, in reading order."""
        names = [value.name for value in self._values]
        if names:
            at = names.index(self._chosen) if self._chosen in names else 0
            self._choose(names[min(max(0, at + step), len(names) - 1)])

    def action_edge(self, is_end: bool) -> None:  # noqa: FBT001 — Textual passes an action's parameters by position
        """Go to the first or the last metric."""
        if values := self._values:
            self._choose(values[-1 if is_end else 0].name)

    def _choose(self, name: str) -> None:
        self._chosen = name
        self.repaint()
        self.post_message(self.CursorMoved())

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """Processes, the groups in columns, events."""
        self._lines_of = {}
        sheet = self._sheet
        if sheet is None:
            return []
        ink = Ink(palette, is_fresh=self._is_fresh)
        count = max(1, min(_MOST_COLUMNS, (width - 1 + _GAP) // (_LEAST_COLUMN + _GAP)))
        room = (width - 1 - (count - 1) * _GAP) // count
        blocks = [self._column(ink, groups, room) for groups in columns(sheet.groups, count)]
        lines = [*_processes(ink, sheet.processes, width), ink.line().fit(width)]
        self._lines_of = {name: at + len(lines) for name, at in self._lines_of.items()}
        lines += beside(ink, blocks, [room] * len(blocks), gap=_GAP)
        now = Ink(palette)
        if sheet.events:
            lines += [ink.line().fit(width), *_events(now, sheet.events, width)]
        return [ink.line().add(" ").draw(line).fit(width) for line in lines]

    def _column(self, ink: Ink, groups: Sequence[SheetGroup], room: int) -> list[Line]:
        lines: list[Line] = []
        for group in groups:
            if lines:
                lines.append(ink.line().fit(room))
            lines.append(ink.line().add(group.title, "dim", is_bold=True).fit(room))
            for value in group.values:
                self._lines_of[value.name] = len(lines)
                lines.append(self._line(ink, value, room))
        return lines

    def _line(self, ink: Ink, value: SheetValue, room: int) -> Line:
        is_chosen = value.name == self._chosen
        pen = Ink(ink.palette, on="cursor" if is_chosen else "background", is_fresh=ink.is_fresh)
        text = metric_text(value.metric, value.value)
        bad = value.severity >= Severity.WARNING
        sign = f"{value.severity.glyph} " if bad else ""
        role = role_of(value.severity) if bad else "dim" if text == numbers.NULL else "text"
        left = f"{value.metric.title:<{_NAME}}"
        name = pen.line().add("▌" if is_chosen else " ", "accent").add(left, "accent" if is_chosen else "dim")
        figure = f"{sign}{text}"
        space = room - name.width
        name.add(fit(figure, space, is_left=False) if len(figure) <= space else fit(figure, space), role, is_bold=bad)
        return name.fit(room)


def columns(groups: Sequence[SheetGroup], count: int) -> list[list[SheetGroup]]:
    """The groups, in order, over so many columns that are about equally high; a group is not broken."""
    heights = [len(group.values) + 2 for group in groups]
    low, high = max(heights, default=1), max(1, sum(heights))
    while low < high:  # the least height that needs no more columns than there are
        middle = (low + high) // 2
        low, high = (low, middle) if len(_filled(groups, heights, middle)) <= count else (middle + 1, high)
    return _filled(groups, heights, low)


def _filled(groups: Sequence[SheetGroup], heights: Sequence[int], limit: int) -> list[list[SheetGroup]]:
    filled: list[list[SheetGroup]] = []
    taken = limit + 1
    for group, height in zip(groups, heights, strict=True):
        if taken + height > limit:
            filled.append([])
            taken = 0
        filled[-1].append(group)
        taken += height
    return filled


def _processes(ink: Ink, rows: Sequence[ProcessRow], width: int) -> list[Line]:
    """Who uses it: memory, owner, job and step, pod, container, command."""
    lines = [ink.line().add("processes", "dim", is_bold=True).fit(width)]
    if not rows:
        return [*lines, ink.line().add(" none is known to use it", "dim").fit(width)]
    heading = f" {'pid':>8}  {'GiB':>5}  {'user':<10}{'job.step':<12}{'pod or container':<24}command"
    lines[0] = ink.line().add("processes", "dim", is_bold=True).add(f"   {len(rows)}", "dim").fit(width)
    lines.append(ink.line().add(heading, "dim").fit(width))
    for row in rows[:_PROCESSES]:
        job = "" if not row.job else f"{row.job}.{row.step}" if row.step else row.job
        place = "  ".join(part for part in (row.pod, row.container) if part)
        pen = ink.line().add(f" {numbers.NULL if row.pid is None else row.pid:>8}  ")
        pen.add(f"{numbers.gib(row.memory_used_bytes):>5}  ")
        for text, room in ((row.user, 10), (job, 12), (place, 24)):
            pen.add(fit(text or numbers.NULL, room - 1) + " ", "text" if text else "dim")
        lines.append(pen.add(row.command or numbers.NULL, "text" if row.command else "dim").fit(width))
    if len(rows) > _PROCESSES:
        words = f" and {len(rows) - _PROCESSES} more that hold less; the host's panel of processes lists them"
        lines.append(ink.line().add(words, "dim").fit(width))
    return lines


def _events(ink: Ink, rows: Sequence[EventRow], width: int) -> list[Line]:
    """What its host reported of it."""
    lines = [ink.line().add("events", "dim", is_bold=True).fit(width)]
    for row in rows:
        clock = time.strftime("%d %b %H:%M:%S", time.localtime(row.t_unix_s))
        times = f" ×{row.count}" if row.count > 1 else ""
        pen = ink.line().add(f" {clock}  ", "dim").add(f"{row.severity.glyph} {row.what}{times}", role_of(row.severity))
        pen.add("  before we connected" if row.is_backlog else "", "dim").add(f"  {row.text}")
        lines.append(pen.fit(width))
    return lines
