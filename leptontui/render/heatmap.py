"""A heatmap of all GPUs: one cell each, grouped by host, as much of the fleet on a page as fits.

A host's GPUs come as a string, one sign per GPU: "0" to "8" is a well GPU's utilisation in eighths, "-" a well one
whose utilisation is unknown, "C", "P", "W" and "U" are critical, predicted, warning and unknown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from leptontui.model.health import Severity
from leptontui.render.canvas import Line

SEVERITY_SIGNS: Mapping[str, Severity] = {
    "C": Severity.CRITICAL,
    "P": Severity.PREDICTED,
    "W": Severity.WARNING,
    "U": Severity.UNKNOWN,
}
_LEVELS = "▁▁▂▂▃▄▅▅▆"
"""Never a full block: the rows stay apart, and a sick GPU's filled cell is the biggest thing on the page."""
_BARS = " ▁▂▃▄▅▆▇█"
_SIZES = ((7, 3), (6, 3), (5, 2), (4, 2), (3, 1), (2, 1), (1, 1))
"""Cells and rows of one GPU, from the roomiest on."""
_NO_VALUE = "·"
_LONGEST_NAME = 16
_BETWEEN = 2


@dataclass(frozen=True, slots=True)
class HostCells:
    """One host of the heatmap.

    Attributes:
        name: the host's name, already fit for the screen.
        signs: one sign a GPU, by GPU index; see the module.
        severity: the host's own.
    """

    name: str
    signs: str
    severity: Severity = Severity.WELL


@dataclass(frozen=True, slots=True)
class HeatStyles:
    """Colours of the heatmap.

    Attributes:
        levels: of a well GPU's cell, from idle to busy, at least one.
        severities: of the cell of a GPU that is not well.
        names: of the name of a host that is not well.
        name: of any other host's name.
        missing: of blanks, and of a well GPU whose utilisation is unknown.
    """

    levels: tuple[Style, ...]
    severities: Mapping[Severity, Style]
    names: Mapping[Severity, Style]
    name: Style
    missing: Style


@dataclass(frozen=True, slots=True)
class HeatLayout:
    """How hosts are laid out.

    Attributes:
        name_width: cells for each host's name; 0 if only the first host of a line is named.
        label_width: cells for the name of each line's first host; 0 if every host has its own.
        signs: GPUs of the host that has most.
        cell_width: cells of one GPU; the last one is blank if there are several.
        per_line: hosts on a line.
        lines: lines on a page.
        line_gap: blank rows between two lines.
        pages: how many pages there are, at least 1.
        prefix: what all names begin with; left out of the names on the screen.
        cell_rows: rows of one GPU.
    """

    name_width: int
    label_width: int
    signs: int
    cell_width: int
    per_line: int
    lines: int
    line_gap: int
    pages: int
    prefix: str
    cell_rows: int = 1

    @property
    def per_page(self) -> int:
        """Hosts on a page."""
        return self.per_line * self.lines

    @property
    def gap(self) -> int:
        """Cells between two hosts."""
        return _BETWEEN if self.name_width else 1


def heat_layout(hosts: Sequence[HostCells], width: int, height: int) -> HeatLayout:
    """The roomiest layout that fits one page; if none does, the densest.

    First with wide cells and whole names, then narrow cells, then without what all names begin with, then with a name
    per line only.
    """
    prefix = common_prefix([host.name for host in hosts])
    widest = min(_LONGEST_NAME, max((cell_len(host.name) for host in hosts), default=1))
    rest = max(1, widest - cell_len(prefix))
    signs = max((len(host.signs) for host in hosts), default=1)
    plans = [(cut, room, *size) for cut, room in (("", widest), (prefix, rest)) for size in _SIZES]
    for cut, name_width, cell_width, cell_rows in plans:
        for line_gap in (1, 0) if cell_rows == 1 else (1,):
            block = name_width + 1 + signs * cell_width + _BETWEEN
            per_line = max(1, (width + _BETWEEN) // block)
            lines = max(1, (height + line_gap) // (cell_rows + line_gap))
            is_within = block <= width + _BETWEEN and cell_rows <= height
            if per_line * lines >= len(hosts) and is_within:
                return HeatLayout(name_width, 0, signs, cell_width, per_line, lines, line_gap, 1, cut, cell_rows)
    per_line = max(1, (width - widest) // (signs + 1))
    lines = max(1, height)
    pages = max(1, -(-len(hosts) // (per_line * lines)))
    return HeatLayout(0, widest + 1, signs, 1, per_line, lines, 0, pages, "")


def common_prefix(names: Sequence[str]) -> str:
    """What all names begin with, up to their last sign that is neither letter nor digit ("gpu-" of gpu-001)."""
    if len(names) < 2:  # noqa: PLR2004 — one name has nothing in common
        return ""
    first, last = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    shared = first[:length]
    end = max((i + 1 for i, char in enumerate(shared) if not char.isalnum()), default=0)
    return shared[:end]


def heatmap(hosts: Sequence[HostCells], layout: HeatLayout, *, page: int, width: int, styles: HeatStyles) -> list[Line]:
    """One page of the heatmap.

    Args:
        hosts: all hosts, in the order to show.
        layout: from `heat_layout` for the same hosts.
        page: which page; wraps around.
        width: lines are at most this wide.
        styles: colours.
    """
    first = page % layout.pages * layout.per_page
    shown = hosts[first : first + layout.per_page]
    lines: list[Line] = []
    for start in range(0, len(shown), layout.per_line):
        if lines:
            lines.extend([[] for _ in range(layout.line_gap)])
        row = shown[start : start + layout.per_line]
        for at in range(layout.cell_rows):
            line: Line = []
            if layout.label_width:
                line.append(Segment(set_cell_size(row[0].name, layout.label_width - 1) + " ", styles.name))
            for host in row:
                line.extend(_block(host, layout, styles, at))
            lines.append(Segment.adjust_line_length(line, width, pad=False))
    return lines


def _block(host: HostCells, layout: HeatLayout, styles: HeatStyles, at: int) -> Line:
    """Row `at` of one host; its name stands in the middle one."""
    line: Line = []
    is_middle = at == layout.cell_rows // 2
    if layout.name_width:
        name = set_cell_size(host.name.removeprefix(layout.prefix) if is_middle else "", layout.name_width)
        style = styles.name if host.severity <= Severity.WELL else styles.names[host.severity]
        line.append(Segment(name + " ", style))
    run, run_style = "", styles.missing
    body = max(1, layout.cell_width - 1)
    for sign in host.signs[: layout.signs]:
        glyph, style = cell_of(sign, styles)
        if layout.cell_rows > 1:
            glyph = _bar(sign, glyph, layout.cell_rows - 1 - at, layout.cell_rows, is_middle=is_middle)
        if style is not run_style and run:
            line.append(Segment(run, run_style))
            run = ""
        filling = glyph if sign in SEVERITY_SIGNS else glyph * body
        run, run_style = run + (f"{filling:^{body}}" if layout.cell_rows > 1 else f"{filling:<{body}}"), style
        if layout.cell_width > body:
            line.append(Segment(run, run_style))
            line.append(Segment(" ", styles.missing))
            run = ""
    if run:
        line.append(Segment(run, run_style))
    used = min(len(host.signs), layout.signs)
    line.append(Segment(" " * ((layout.signs - used) * layout.cell_width + layout.gap), styles.missing))
    return line


def _bar(sign: str, glyph: str, above: int, rows: int, *, is_middle: bool) -> str:
    """What stands `above` rows over the bottom of a GPU's cell of several rows: a bar as high as it is busy."""
    if not sign.isdigit():
        return glyph if is_middle else " "
    eighths = max(1, min(8, int(sign)) * rows)
    return _BARS[max(0, min(8, eighths - 8 * above))]


def cell_of(sign: str, styles: HeatStyles) -> tuple[str, Style]:
    """Glyph and style of one GPU: its severity's sign, else its utilisation."""
    if (severity := SEVERITY_SIGNS.get(sign)) is not None:
        return severity.glyph, styles.severities[severity]
    if sign.isdigit():
        level = min(8, int(sign))
        return _LEVELS[level], styles.levels[min(len(styles.levels) - 1, level * len(styles.levels) // 9)]
    return _NO_VALUE, styles.missing
