"""The host screen's lower half: CPU, memory, pressure, filesystems, disks, network, GPU processes and events."""

from __future__ import annotations

from collections.abc import Sequence

from leptontui.model.text import plain
from leptontui.render import numbers
from leptontui.render.canvas import Line
from leptontui.render.gauge import bar, strip
from leptontui.render.ink import Ink, Pen, beside
from leptontui.render.palette import Palette
from leptontui.render.quantity import rate_text, size_text
from leptontui.ui.widgets.host_lists import events, processes, unavailable
from leptontui.ui.widgets.painted import Painted
from leptontui.view.host_rows import HostPage, HostVitals
from leptontui.view.part_rows import DiskRow, FilesystemRow, NicRow

_TWO_COLUMNS, _THREE_COLUMNS = 96, 156
_GAP = 3
_LABEL = 9
_WARN_FULL, _CRITICAL_FULL = 0.90, 0.95
"""Filesystems: 10 % free is a warning, 5 % critical (thresholds of the health rules)."""
_BUSY_PCT = 90.0
"""Disks: busier than this is a warning."""


class HostPanels(Painted):
    """Everything of a host that is not a GPU's, in as many columns as fit."""

    def __init__(self) -> None:
        super().__init__(id="host-panels")
        self._page: HostPage | None = None
        self._chosen: str | None = None
        self._is_fresh = True

    def show(self, page: HostPage, *, chosen: str | None, is_fresh: bool) -> None:
        """Show a page.

        Args:
            page: the host.
            chosen: uuid of the chosen GPU; its processes stand out.
            is_fresh: whether the values are.
        """
        self._page, self._chosen, self._is_fresh = page, chosen, is_fresh
        self.repaint()

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """The panels, set beside each other where there is room."""
        page = self._page
        if page is None or page.vitals is None:
            return []
        ink = Ink(palette, is_fresh=self._is_fresh)
        lines = _vitals_rows(ink, page, page.vitals, width)
        lines.append(ink.line().fit(width))
        now = Ink(palette)  # events and what cannot be read do not grow old with the values
        room = width - 2
        if width >= _TWO_COLUMNS:
            left = room * 11 // 20
            right = room - left - _GAP
            blocks = [
                processes(ink, page, left, self._chosen),
                events(now, page, right) + unavailable(now, page, right),
            ]
            lines += _indented(ink, beside(ink, blocks, (left, right), gap=_GAP), width)
        else:
            for block in (
                processes(ink, page, room, self._chosen),
                events(now, page, room),
                unavailable(now, page, room),
            ):
                lines += _indented(ink, [*block, []], width) if block else []
        return lines


def _vitals_rows(ink: Ink, page: HostPage, vitals: HostVitals, width: int) -> list[Line]:
    room = width - 2
    if width >= _THREE_COLUMNS:
        third = (room - 2 * _GAP) // 3
        widths: tuple[int, ...] = (third, third, room - 2 * third - 2 * _GAP)
        blocks = [
            _vitals(ink, vitals, widths[0]),
            _filesystems(ink, page.filesystems, widths[1]),
            _traffic(ink, page, widths[2]),
        ]
    elif width >= _TWO_COLUMNS:
        half = (room - _GAP) // 2
        widths = (half, room - half - _GAP)
        storage = _filesystems(ink, page.filesystems, widths[0])
        blocks = [[*_vitals(ink, vitals, widths[0]), *storage], _traffic(ink, page, widths[1])]
    else:
        widths = (room,)
        rest = [*_filesystems(ink, page.filesystems, room), *_traffic(ink, page, room)]
        blocks = [[*_vitals(ink, vitals, room), *rest]]
    return _indented(ink, beside(ink, blocks, widths, gap=_GAP), width)


def _indented(ink: Ink, lines: Sequence[Line], width: int) -> list[Line]:
    return [ink.line().add(" ").draw(line).fit(width) for line in lines]


def _vitals(ink: Ink, vitals: HostVitals, width: int) -> list[Line]:
    """CPU with its cores, memory, swap and pressure."""
    room = max(8, min(26, width - 50))
    cpu = _label(ink, "cpu %").add(f"{numbers.percent(vitals.cpu_util_pct):>5} ")
    cpu.draw(bar(vitals.cpu_util_pct, 100.0, room, ink.style("series-1"), ink.style("rule")))
    for name, value in (
        ("user", vitals.cpu_user_pct),
        ("sys", vitals.cpu_system_pct),
        ("iowait", vitals.cpu_iowait_pct),
    ):
        cpu.add(f"  {name} ", "dim").add(numbers.percent(value))
    lines = [cpu.fit(width)]
    loads = ink.line().add("  load ", "dim")
    loads.add("  ".join(numbers.three(value) for value in (vitals.load1, vitals.load5, vitals.load15)))
    if vitals.cpu_count is not None:
        loads.add(f" of {vitals.cpu_count}", "dim")
    cores = vitals.cores_pct or ()
    heat = [ink.style(role) for role in ("dim", "series-1", "series-1", "warning")]
    lines.append(
        _label(ink, "cores")
        .draw(strip(cores, 100.0, max(0, width - _LABEL - loads.width), heat, ink.style("dim")))
        .draw(loads.segments)
        .fit(width)
    )
    lines.append(_memory(ink, "mem GiB", vitals.memory_used_bytes, vitals.memory_total_bytes, room).fit(width))
    lines.append(_memory(ink, "swap GiB", vitals.swap_used_bytes, vitals.swap_total_bytes, room).fit(width))
    lines.append(_pressure(ink, vitals).fit(width))
    return lines


def _label(ink: Ink, text: str) -> Pen:
    return ink.line().add(f"{text:<{_LABEL}}", "dim")


def _memory(ink: Ink, label: str, used: int | None, total: int | None, room: int) -> Pen:
    pen = _label(ink, label)
    if total == 0:
        return pen.add(f"{'none':>5}", "dim")
    pen.add(f"{numbers.gib(used):>5} ").draw(bar(used, total, room, ink.style("series-3"), ink.style("rule")))
    return pen.add("  of ", "dim").add(numbers.gib(total))


def _pressure(ink: Ink, vitals: HostVitals) -> Pen:
    """Pressure stall: some and, where the kernel tells it, full."""
    pen = _label(ink, "stall %")
    pairs = (
        ("cpu", vitals.pressure_cpu_some_pct, None),
        ("mem", vitals.pressure_memory_some_pct, vitals.pressure_memory_full_pct),
        ("io", vitals.pressure_io_some_pct, vitals.pressure_io_full_pct),
    )
    for name, some, full in pairs:
        pen.add(f"{name} ", "dim").add(numbers.percent(some), "warning" if (some or 0.0) > 20.0 else "text")  # noqa: PLR2004 — pressure: some > 20 is a warning
        if full is not None:
            pen.add(" full ", "dim").add(numbers.percent(full), "critical" if full > 10.0 else "text")  # noqa: PLR2004 — full > 10 is critical
        pen.add("   ")
    return pen


def _heading(ink: Ink, text: str, columns: Sequence[tuple[str, int]], width: int) -> Line:
    """A panel's name and, right-aligned, its columns' units."""
    tail = ink.line()
    for name, room in columns:
        tail.add(f"{name:>{room}}", "dim")
    return ink.line().add(text, "dim", is_bold=True).fit(max(0, width - tail.width)) + tail.segments


def _filesystems(ink: Ink, rows: Sequence[FilesystemRow], width: int) -> list[Line]:
    if not rows:
        return []
    lines = [_heading(ink, "filesystems", (("used", 20), ("size", 11)), width)]
    for row in rows:
        share = row.used_bytes / row.total_bytes if row.used_bytes is not None and row.total_bytes else None
        role = (
            "series-6" if share is None or share < _WARN_FULL else "warning" if share < _CRITICAL_FULL else "critical"
        )
        name = ink.line().add(plain(row.mount, 60))
        if row.is_readonly:
            name.add(" read-only", "warning")
        tail = ink.line().draw(bar(row.used_bytes, row.total_bytes, 12, ink.style(role), ink.style("rule")))
        percent = numbers.percent(None if share is None else 100 * share)
        tail.add(f"{percent:>6} %", "text" if role == "series-6" else role).add(
            f"{size_text(row.total_bytes):>11}", "dim"
        )
        lines.append(name.fit(max(0, width - tail.width)) + tail.segments)
    return lines


def _traffic(ink: Ink, page: HostPage, width: int) -> list[Line]:
    lines: list[Line] = []
    if page.disks:
        lines.append(_heading(ink, "disks", (("read", 13), ("write", 13), ("busy %", 8)), width))
        lines += [_disk(ink, row, width) for row in page.disks]
    if page.nics:
        lines.append(_heading(ink, "network", (("in", 13), ("out", 13), ("errors", 8)), width))
        lines += [_nic(ink, row, width) for row in page.nics]
    return lines


def _disk(ink: Ink, row: DiskRow, width: int) -> Line:
    role = "warning" if row.busy_pct is not None and row.busy_pct > _BUSY_PCT else "text"
    tail = ink.line().add(f"{rate_text(row.read_bytes_per_s):>13}{rate_text(row.write_bytes_per_s):>13}")
    tail.add(f"{numbers.percent(row.busy_pct):>8}", role)
    return ink.line().add(plain(row.device, 40)).fit(max(0, width - tail.width)) + tail.segments


def _nic(ink: Ink, row: NicRow, width: int) -> Line:
    """Rates, and errors and drops of both directions together, per second."""
    bad = [row.rx_errors_per_s, row.tx_errors_per_s, row.rx_dropped_per_s, row.tx_dropped_per_s]
    known = [value for value in bad if value is not None]
    errors = sum(known) if known else None
    tail = ink.line().add(f"{rate_text(row.rx_bytes_per_s):>13}{rate_text(row.tx_bytes_per_s):>13}")
    tail.add(f"{numbers.three(errors):>8}", "warning" if errors else "dim")
    name = ink.line().add(plain(row.nic, 40), "text" if row.is_up else "dim")
    name.add(" down" if row.is_up is False else "", "warning")
    return name.fit(max(0, width - tail.width)) + tail.segments
