"""The host screen's lower half: one panel of several, each for what belongs together; the first one sums up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from leptontui.render.canvas import Line
from leptontui.render.ink import Ink, beside
from leptontui.render.palette import Palette
from leptontui.ui.commands import PANELS
from leptontui.ui.widgets.host_lists import events, processes, unavailable
from leptontui.ui.widgets.host_network import nic_lines, port_lines
from leptontui.ui.widgets.host_services import sample_lines, service_lines, unit_lines
from leptontui.ui.widgets.host_storage import disk_lines, filesystem_lines, rest_line
from leptontui.ui.widgets.host_vitals import vitals_lines
from leptontui.ui.widgets.painted import Painted
from leptontui.view.host_rows import HostPage, HostVitals

_TWO_COLUMNS, _THREE_COLUMNS = 96, 156
_DETAILED: Final = 84
"""From this width on the panels of parts have all their columns."""
_GAP: Final = 3
_FILESYSTEMS, _PROCESSES, _EVENTS = 6, 8, 8
"""So many of each are summed up; their own panels list all."""


class HostPanels(Painted):
    """Everything of a host that is not a GPU's."""

    def __init__(self) -> None:
        super().__init__(id="host-panels")
        self._page: HostPage | None = None
        self._panel = 0
        self._chosen: str | None = None
        self._is_fresh = True

    def show(self, page: HostPage, *, panel: int, chosen: str | None, is_fresh: bool) -> None:
        """Show a page.

        Args:
            page: the host.
            panel: which panel, from 0.
            chosen: uuid of the chosen GPU; its processes stand out.
            is_fresh: whether the values are.
        """
        self._page, self._panel, self._chosen, self._is_fresh = page, panel, chosen, is_fresh
        self.repaint()

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """Which panels there are, then the one that is shown."""
        page = self._page
        if page is None or page.vitals is None:
            return []
        ink = Ink(palette, is_fresh=self._is_fresh)
        now = Ink(palette)  # events and what cannot be read do not grow old with the values
        body = self._body(ink, now, page, page.vitals, width)
        return [tabs(now, page, self._panel, width), *body]

    def _body(self, ink: Ink, now: Ink, page: HostPage, vitals: HostVitals, width: int) -> list[Line]:
        room = width - 2
        if vitals.received_unix_s is None and PANELS[self._panel] != "events":
            return [now.line().add(f" {_NEVER_HEARD}", "dim").fit(width)]
        is_detailed = width >= _DETAILED
        match PANELS[self._panel]:
            case "processes":
                blocks = [processes(ink, page, room, None)]
            case "storage":
                blocks = [
                    filesystem_lines(ink, page.filesystems, room, is_detailed=is_detailed),
                    disk_lines(ink, page.disks, room, is_detailed=is_detailed),
                ]
            case "network":
                blocks = [
                    nic_lines(ink, page.nics, room, is_detailed=is_detailed),
                    port_lines(ink, page.ports, room, is_detailed=is_detailed),
                ]
            case "services":
                blocks = [
                    service_lines(ink, page.services, room),
                    unit_lines(ink, page.units, room),
                    sample_lines(ink, page.samples, page.samples_total, room),
                ]
            case "events":
                blocks = [events(now, page, room, limit=len(page.events) or 1), unavailable(now, page, room)]
            case _:
                return self._overview(ink, now, page, vitals, width)
        shown = [block for block in blocks if block]
        if not shown:
            return [now.line().add(f" {_NOTHING[PANELS[self._panel]]}", "dim").fit(width)]
        return [line for block in shown for line in (*_indented(ink, block, width), ink.line().fit(width))]

    def _overview(self, ink: Ink, now: Ink, page: HostPage, vitals: HostVitals, width: int) -> list[Line]:
        """What there is to know at a glance, in as many columns as fit."""
        lines = _sum(ink, page, vitals, width)
        lines.append(ink.line().fit(width))
        room = width - 2
        if width >= _TWO_COLUMNS:
            left = room * 11 // 20
            right = room - left - _GAP
            blocks = [
                processes(ink, page, left, self._chosen, limit=2 * _PROCESSES),
                events(now, page, right, limit=_EVENTS) + unavailable(now, page, right),
            ]
            return lines + _indented(ink, beside(ink, blocks, (left, right), gap=_GAP), width)
        for block in (
            processes(ink, page, room, self._chosen, limit=_PROCESSES),
            events(now, page, room, limit=_EVENTS),
            unavailable(now, page, room),
        ):
            lines += _indented(ink, [*block, []], width) if block else []
        return lines


_NEVER_HEARD: Final = "nothing has been heard of this host yet"
_NOTHING: Final = {
    "processes": "no process uses a GPU, as far as this host tells",
    "storage": "this host has told of no filesystem or disk yet",
    "network": "this host has told of no network interface yet",
    "services": "no unit, service or script of this host is watched: the inventory names them",
    "events": "nothing was reported",
}


def tabs(ink: Ink, page: HostPage, panel: int, width: int) -> Line:
    """The panels with their keys; what is wrong in one is counted beside its name."""
    wrong = {
        "storage": sum(bool(row.is_silent or row.is_readonly) for row in page.filesystems),
        "network": sum(row.is_ill for row in page.ports),
        "services": sum(row.is_failed for row in page.units) + sum(row.is_healthy is False for row in page.services),
    }
    line = ink.line().add(" ")
    for number, name in enumerate(PANELS):
        is_shown = number == panel
        line.add(f"{number + 1} ", "accent").add(
            f"[{name}]" if is_shown else name, "text" if is_shown else "dim", is_bold=is_shown
        )
        line.add(f" ✖{wrong[name]}" if wrong.get(name) else "", "critical").add("  ")
    return line.fit(width)


def _sum(ink: Ink, page: HostPage, vitals: HostVitals, width: int) -> list[Line]:
    room = width - 2
    if width >= _THREE_COLUMNS:
        third = (room - 2 * _GAP) // 3
        widths: tuple[int, ...] = (third, third, room - 2 * third - 2 * _GAP)
        blocks = [
            vitals_lines(ink, vitals, widths[0]),
            [*_filesystems(ink, page, widths[1]), *_services(ink, page, widths[1])],
            _traffic(ink, page, widths[2]),
        ]
    elif width >= _TWO_COLUMNS:
        half = (room - _GAP) // 2
        widths = (half, room - half - _GAP)
        blocks = [
            [*vitals_lines(ink, vitals, widths[0]), *_filesystems(ink, page, widths[0])],
            [*_traffic(ink, page, widths[1]), *_services(ink, page, widths[1])],
        ]
    else:
        widths = (room,)
        rest = [*_filesystems(ink, page, room), *_services(ink, page, room), *_traffic(ink, page, room)]
        blocks = [[*vitals_lines(ink, vitals, room), *rest]]
    return _indented(ink, beside(ink, blocks, widths, gap=_GAP), width)


def _filesystems(ink: Ink, page: HostPage, width: int) -> list[Line]:
    """The fullest, and those that do not answer or cannot be written."""
    told = sorted(page.filesystems, key=lambda row: not (row.is_silent or row.is_readonly))
    lines = filesystem_lines(ink, told[:_FILESYSTEMS], width)
    return lines + rest_line(ink, len(told) - _FILESYSTEMS, PANELS.index("storage") + 1, width)


def _services(ink: Ink, page: HostPage, width: int) -> list[Line]:
    """The services, and the units that are not as they should be."""
    lines = service_lines(ink, page.services[:_FILESYSTEMS], width)
    failed = [row for row in page.units if row.is_failed]
    lines += unit_lines(ink, failed, width)
    if page.units and not failed:
        lines.append(
            ink.line()
            .add("units  ", "dim", is_bold=True)
            .add(f"none of {len(page.units)} has failed", "dim")
            .fit(width)
        )
    return lines


def _traffic(ink: Ink, page: HostPage, width: int) -> list[Line]:
    return [*disk_lines(ink, page.disks, width), *nic_lines(ink, page.nics, width), *port_lines(ink, page.ports, width)]


def _indented(ink: Ink, lines: Sequence[Line], width: int) -> list[Line]:
    return [ink.line().add(" ").draw(line).fit(width) for line in lines]
