"""The host screen's first lines: which host and GPU, how it is linked, how old its values are, what it is made of."""

from __future__ import annotations

import textwrap
import time

from leptontui.model.health import Severity
from leptontui.model.link import Link, LinkState
from leptontui.model.text import plain
from leptontui.render import numbers
from leptontui.render.canvas import Line
from leptontui.render.chart_axes import clock_text
from leptontui.render.ink import Ink, Pen, facts, spread
from leptontui.render.palette import Palette, role_of
from leptontui.render.quantity import duration_text, size_text
from leptontui.ui.widgets.painted import Painted
from leptontui.view.host_rows import GpuRow, HostPage, HostVitals

_LINK_SIGNS = {
    LinkState.LIVE: ("●", "well"),
    LinkState.STALE: ("◌", "unknown"),
    LinkState.DIALING: ("◌", "unknown"),
    LinkState.LOST: ("✖", "critical"),
    LinkState.REFUSED: ("✖", "critical"),
}


class HostTitle(Painted):
    """Title, facts and, where the link is not live, why in words."""

    def __init__(self) -> None:
        super().__init__(id="host-title")
        self._host = ""
        self._page: HostPage | None = None
        self._gpu: GpuRow | None = None
        self._now_unix_s = 0.0
        self._armed_until: float | None = None
        self._can_act = False
        self._trouble = ""
        self._is_frozen = False

    def show(
        self,
        host: str,
        page: HostPage | None,
        gpu: GpuRow | None,
        *,
        now_unix_s: float,
        can_act: bool,
        armed_until_unix_s: float | None,
        trouble: str = "",
        is_frozen: bool = False,
    ) -> None:
        """Show whose screen this is.

        Args:
            host: the host's name.
            page: what is known of it; None before the first page.
            gpu: the chosen one.
            now_unix_s: what ages are counted from.
            can_act: whether there is a command port.
            armed_until_unix_s: when arming expires; None while read-only.
            trouble: what keeps the screen from being drawn, in words; "" if nothing does.
            is_frozen: the picture stands still while data go on arriving.
        """
        self._host, self._page, self._gpu, self._now_unix_s = plain(host, 80), page, gpu, now_unix_s
        self._can_act, self._armed_until, self._trouble = can_act, armed_until_unix_s, trouble
        self._is_frozen = is_frozen
        self.repaint()

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """One to five lines."""
        bar = Ink(palette, on="surface")
        lines = [spread(self._identity(bar), self._state(bar), width)]
        ink = Ink(palette)
        page = self._page
        if self._trouble:
            lines.append(ink.line().add(f" ✖ {plain(self._trouble)}", "critical").fit(width))
        if page is None:
            lines.append(ink.line().add(" waiting for the first picture of this host", "dim").fit(width))
            return lines
        lines.append(facts(ink, self._facts(ink, page, width), width))
        lines.extend(_why_not_live(ink, page, width, self._now_unix_s))
        return lines

    def _identity(self, ink: Ink) -> Pen:
        pen = ink.line().add(f" {self._host}", "accent", is_bold=True)
        if self._gpu is not None:
            pen.add(" ▸ ", "dim").add(self._gpu.label, "text", is_bold=True)
            if self._gpu.name:
                pen.add(f"   {self._gpu.name.removeprefix('NVIDIA ')}")
            if self._gpu.job:
                pen.add("   job ", "dim").add(self._gpu.job)
                pen.add(f" ({self._gpu.user})" if self._gpu.user else "", "dim")
        return pen

    def _state(self, ink: Ink) -> Pen:
        pen = ink.line().add("   ")
        page = self._page
        if page is not None and page.link is not None:
            sign, role = _LINK_SIGNS[page.link.state]
            received = page.vitals.received_unix_s if page.vitals is not None else None
            age = "never seen" if received is None else f"age {numbers.age(self._now_unix_s - received)}"
            age_role = "text" if page.is_fresh(self._now_unix_s) else "warning"
            pen.add(f"{sign} {page.link.state.value}", role).add(f"   {age}", age_role)
        if self._is_frozen:
            pen.add("   FROZEN", "warning", is_bold=True)
        if self._can_act and self._armed_until is not None and self._armed_until > self._now_unix_s:
            left = numbers.countdown(self._armed_until - self._now_unix_s)
            pen.add("   ").add(f"ARMED {left}", "critical", is_bold=True)
        else:
            pen.add("   ").add("READ-ONLY", "dim")
        return pen.add(time.strftime("   %H:%M:%S ", time.localtime(self._now_unix_s)))

    def _facts(self, ink: Ink, page: HostPage, width: int) -> list[Pen]:
        """What is wrong with the host, then what it is made of, the most asked for first."""
        vitals, gpu = page.vitals, self._gpu
        pieces: list[Pen] = []
        if vitals is not None and vitals.health and page.severity > Severity.UNKNOWN:
            health = plain(vitals.health, max(20, width - 4))
            pieces.append(ink.line().add(f"{page.severity.glyph} {health}", role_of(page.severity), is_bold=True))

        def fact(label: str, value: str | None) -> None:
            if value:
                pieces.append(ink.line().add(f"{label} " if label else "", "dim").add(value))

        if gpu is not None:
            uuid = plain(gpu.uuid, 64)
            fact("", uuid if width >= 140 or len(uuid) < 20 else f"{uuid[:10]}…{uuid[-4:]}")  # noqa: PLR2004 — room
        if vitals is not None:
            pieces += _gpu_count(ink, vitals)
            fact("group", vitals.group)
            fact("node", vitals.node_state)
            fact("in", vitals.partitions)
            fact("driver", vitals.driver_version)
            fact("up", duration_text(vitals.uptime_s) if vitals.uptime_s is not None else None)
            fact("kernel", vitals.kernel)
            if vitals.probe_cpu_pct is not None:
                fact("probe", f"{numbers.percent(vitals.probe_cpu_pct)} %  {size_text(vitals.probe_rss_bytes)}")
        if page.link is not None:
            fact("", plain(page.link.address))
        if vitals is not None and vitals.clock_offset_s is not None and abs(vitals.clock_offset_s) >= 1.0:
            pieces.append(ink.line().add(f"▲ clock off by {numbers.three(vitals.clock_offset_s)} s", "warning"))
        return pieces


def _gpu_count(ink: Ink, vitals: HostVitals) -> list[Pen]:
    """How many GPUs there are of how many there should be, where they are fewer."""
    wanted = max(vitals.gpus_expected or 0, vitals.gpus_on_bus or 0)
    if vitals.gpu_count is None or vitals.gpu_count >= wanted:
        return []
    whose = "expected" if vitals.gpus_expected == wanted else "on the bus"
    return [ink.line().add(f"▲ {vitals.gpu_count} of {wanted} GPUs {whose}", "warning")]


def _why_not_live(ink: Ink, page: HostPage, width: int, now_unix_s: float) -> list[Line]:
    """The link's state in words with cause and mend, as long as it is not live."""
    link = page.link
    if link is None:
        return [ink.line().add(" ✖ the fleet has no host of this name", "critical").fit(width)]
    if link.state is LinkState.LIVE:
        return []
    sign, role = _LINK_SIGNS[link.state]
    wrapped = textwrap.wrap(f"{sign} {link_words(link, now_unix_s)}", max(20, width - 2), subsequent_indent="  ")
    lines = [ink.line().add(f" {text}", role, is_bold=True).fit(width) for text in wrapped[:3]]
    received = page.vitals.received_unix_s if page.vitals is not None else None
    if received is not None:
        text = f"   what follows was so {numbers.age(now_unix_s - received)} ago, at {_clock_s(received)}"
        lines.append(ink.line().add(text, "dim").fit(width))
    return lines


def link_words(link: Link, now_unix_s: float) -> str:
    """A link that is not live, in words: "lost since 03:10 (2 m): bastion2 unreachable — redialled by itself"."""
    if link.state is LinkState.DIALING:
        text = f"dialing {plain(link.address) or 'for the first time'} since {clock_text(link.since_unix_s)}"
    else:
        age = numbers.age(now_unix_s - link.since_unix_s)
        text = f"{link.state.value} since {clock_text(link.since_unix_s)} ({age})"
    if link.fault is not None:
        text += f": {plain(link.fault.cause)}" + (f" — {plain(link.fault.mend)}" if link.fault.mend else "")
    if link.next_dial_unix_s is not None and link.next_dial_unix_s > now_unix_s:
        text += f"; next dial in {numbers.age(link.next_dial_unix_s - now_unix_s)}"
    return text


def _clock_s(t_unix_s: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(t_unix_s))
