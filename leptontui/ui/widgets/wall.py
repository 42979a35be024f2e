"""The wallboard's one widget: everything is laid out for the size there is, the digits as big as they can be."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from textual.color import Color

from leptontui.model.health import Severity
from leptontui.model.text import plain
from leptontui.render import numbers
from leptontui.render.canvas import Line
from leptontui.render.chart_axes import clock_text
from leptontui.render.heatmap import HeatLayout, HeatStyles, HostCells, heat_layout, heatmap
from leptontui.render.ink import Ink, beside, facts, spread
from leptontui.render.palette import Palette, role_of
from leptontui.ui.widgets.painted import Painted
from leptontui.ui.widgets.wall_worst import OLD_S, alerting_lines, count_lines, worst_lines
from leptontui.view.wall_rows import Blindness, WallPage

_ROOMY = 100
"""From this width on the title counts hosts and GPUs, and the worst have their host and GPU in columns."""


class Wall(Painted):
    """The whole wall.

    Args:
        clock: unix seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(id="wall")
        self._clock = clock
        self._page: WallPage | None = None
        self._turned = 0
        self._trouble = ""
        self._failure = ""
        self._is_frozen = False

    def show(self, page: WallPage) -> None:
        """Show a page."""
        self._page, self._trouble = page, ""
        self.repaint()

    def fail(self, words: str) -> None:
        """Say that the picture is not being renewed, and why."""
        self._trouble = plain(words)
        self.repaint()

    def tick(self, *, is_frozen: bool = False, failure: str = "") -> None:
        """A second has passed: the clock and the ages.

        Args:
            is_frozen: the picture stands still while data go on arriving.
            failure: why nothing will arrive any more, fit for the screen; "" while data can arrive.
        """
        self._is_frozen, self._failure = is_frozen, failure
        self.repaint()

    def turn(self) -> None:
        """Turn to the heatmap's next page."""
        self._turned += 1
        self.repaint()

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """Title, what we are blind to, counts beside the worst, then the heatmap in all that is left."""
        height = self.size.height
        ink = Ink(palette)
        page = self._page
        lines = [self._title(Ink(palette, on="surface"), width)]
        troubles = [words for words in (self._failure, self._trouble) if words]
        lines += [ink.line().add(f" ✖ {words}", "critical", is_bold=True).fit(width) for words in troubles]
        lines += alerting_lines(ink, page, width, self._clock()) if page is not None else []
        if page is None:
            return [*lines, ink.line().add(" waiting for the first picture of the fleet", "dim").fit(width)]
        if page.blindness is not None:
            lines.append(_banner(palette, page.blindness, page.hosts_total, width))
        scale = 3 if height >= 54 and width >= 150 else 2 if height >= 34 and width >= 100 else 1  # noqa: PLR2004 — sizes of screens
        counts = count_lines(ink, page, scale)
        taken = max((sum(len(segment.text) for segment in line) for line in counts), default=0) + 2
        lines.append(ink.line().fit(width))
        worst = worst_lines(ink, page, width - taken - 4, len(counts), self._clock())
        lines += [
            [Segment(" ", ink.style()), *line] for line in beside(ink, [counts, worst], (taken, width - taken - 3))
        ]
        lines.append(ink.line().fit(width))
        return (lines + self._heat(ink, page, width, height - len(lines)))[: max(1, height)]

    def _title(self, ink: Ink, width: int) -> Line:
        now = self._clock()
        left = ink.line().add(" lepton ", "accent", is_bold=True).add("▸ ", "dim")
        right = ink.line().add("   ")
        page = self._page
        if page is not None:
            left.add(page.fleet, is_bold=True)
            if width >= _ROOMY:
                left.add(f"   {page.hosts_total} hosts   {page.gpus_total} GPUs", "dim")
            if page.dropped_sweeps:
                left.add(f"   ▲ {page.dropped_sweeps} sweeps dropped", "warning")
            age = None if page.newest_age_s is None else page.newest_age_s + max(0.0, now - page.t_unix_s)
            is_old = age is None or age >= OLD_S
            right.add("age ", "dim").add(
                "nothing received yet" if age is None else numbers.age(age),
                "warning" if is_old else "text",
                is_bold=is_old,
            )
        if self._is_frozen:
            right.add("   FROZEN", "warning", is_bold=True)
        right.add("   WALLBOARD  READ-ONLY   ", "dim")
        right.add(time.strftime("%H:%M:%S ", time.localtime(now)), is_bold=True)
        return spread(left, right, width)

    def _heat(self, ink: Ink, page: WallPage, width: int, rows: int) -> list[Line]:
        """The heatmap; its heading says which page of how many, and what the signs mean."""
        if rows < 2 or not page.hosts:  # noqa: PLR2004 — a heading and a line
            return []
        hosts = [HostCells(host.name, host.signs, host.severity) for host in page.hosts]
        layout = heat_layout(hosts, width - 2, rows - 1)
        at = self._turned % layout.pages
        cells = heatmap(hosts, layout, page=at, width=width - 2, styles=_heat_styles(ink))
        body = [ink.line().add(" ").draw(line).fit(width) for line in cells]
        return [_heat_heading(ink, layout, at, width), *body]


def _banner(palette: Palette, blind: Blindness, total: int, width: int) -> Line:
    """Where nothing fresh is known, in words; always there while it is so."""
    hosts = "1 host" if blind.hosts == 1 else f"{blind.hosts} hosts"
    since = f" since {clock_text(blind.since_unix_s)}" if blind.since_unix_s is not None else ""
    more = f", and {blind.causes - 1} more" if blind.causes > 1 else ""
    head = f" ◌ blind on {hosts} of {total}{since} ("
    text = f"{head}{plain(blind.cause, max(8, width - len(head) - len(more) - 2))}{more})"
    ink = Ink(palette, on="warning")
    line = Segment.adjust_line_length([Segment(text)], width)
    return [Segment(segment.text, palette.style("background", on=ink.on, is_bold=True)) for segment in line]


def _heat_heading(ink: Ink, layout: HeatLayout, at: int, width: int) -> Line:
    right = ink.line()
    if layout.pages > 1:
        right.add(f"page {at + 1}/{layout.pages} ", "text", is_bold=True)
    pieces = [ink.line().add("utilisation", "dim", is_bold=True), ink.line().add("▁ 0 %  ▆ 100 %", "dim")]
    if layout.prefix:
        pieces.append(ink.line().add(f"names begin with {layout.prefix}", "dim"))
    pieces += [
        ink.line().add(f"{severity.glyph} ", role_of(severity)).add(severity.name.lower(), "dim")
        for severity in (Severity.CRITICAL, Severity.PREDICTED, Severity.WARNING, Severity.UNKNOWN)
    ]
    return facts(ink, pieces, max(0, width - right.width), between=2) + right.segments


_RAMP = (0.30, 0.42, 0.54, 0.66)
"""How much of the series' colour a well GPU's cell has, from idle to busy: calm beside what is not well."""


def _heat_styles(ink: Ink) -> HeatStyles:
    palette = ink.palette
    behind, series = Color.parse(palette.background), Color.parse(palette.colour("series-1"))
    filled = {severity: palette.style("background", on=role_of(severity), is_bold=True) for severity in Severity}
    filled[Severity.UNKNOWN] = ink.style("unknown")
    return HeatStyles(
        levels=tuple(Style(color=behind.blend(series, share).hex6, bgcolor=palette.background) for share in _RAMP),
        severities=filled,
        names={severity: ink.style(role_of(severity), is_bold=severity > Severity.UNKNOWN) for severity in Severity},
        name=ink.style("dim"),
        missing=ink.style("dim"),
    )
