"""The inspection of one GPU: what is wrong in words, then everything that is known of it, and what each value means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

from textual.app import ComposeResult
from textual.containers import VerticalScroll

from leptontui.model.focus import Focus
from leptontui.model.health import Severity
from leptontui.model.text import plain
from leptontui.model.verdict import Remedy
from leptontui.ports import AccessPort, CommandPort, SnapshotSource
from leptontui.render import numbers
from leptontui.render.cells import Piece
from leptontui.render.palette import role_of
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.commands import Scope
from leptontui.ui.messages import ActionAsked, MenuAsked
from leptontui.ui.screens.fleet_words import idle_ways
from leptontui.ui.screens.listing import wrapped
from leptontui.ui.screens.paged import PagedScreen
from leptontui.ui.screens.ways import ActingScreen
from leptontui.ui.widgets.footer import CommandFooter
from leptontui.ui.widgets.header import Header
from leptontui.ui.widgets.metric_sheet import MetricSheet
from leptontui.ui.widgets.metric_text import metric_text, source_words, unit_words
from leptontui.ui.widgets.said import SaidLines
from leptontui.view.gpu_sheet import GpuSheet, gpu_sheet
from leptontui.view.host_rows import GpuRow, HostPage, known_of

_ABOUT_LINES: Final = 2
_MOST_FINDINGS: Final = 4
"""So many of a GPU are told above its values, and of its host."""


class InspectScreen(ActingScreen, PagedScreen[HostPage]):
    """One GPU. Which one is an identity: a snapshot without it does not show another.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        host: the host's name in the fleet.
        gpu_uuid: the GPU; None for the worst of the host's.
        access: the way to let hosts be reached.
        clock: tells the time in unix seconds.
    """

    CSS_PATH = "../styles/listing.tcss"
    AUTO_FOCUS = "#metric-sheet"

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        host: str,
        gpu_uuid: str | None,
        *,
        access: AccessPort | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, commands, access=access, clock=clock)
        self.host = host
        self.gpu_uuid = gpu_uuid
        self.bind_keys(Scope.INSPECT)

    def compose(self) -> ComposeResult:
        """Header, what is wrong, the sheet, what the metric under the cursor means, keys."""
        yield Header()
        yield SaidLines(id="sheet-head")
        with VerticalScroll(id="sheet-body", can_focus=False):
            yield MetricSheet()
        yield SaidLines(id="sheet-about")
        yield CommandFooter(Scope.INSPECT, self.powers)

    def on_mount(self) -> None:
        """Say what is looked at."""
        super().on_mount()
        self.source.focus(Focus(host=self.host))

    def on_screen_resume(self) -> None:
        """Back from a dialog: say again what is looked at."""
        self.source.focus(Focus(host=self.host))

    def making(self) -> Callable[[FleetSnapshot], HostPage]:
        """The page of the GPU's host."""
        return partial(_page, host=self.host)

    def host_for(self, key: str) -> str | None:  # noqa: ARG002 — the whole screen is about one host
        """This GPU's."""
        return self.host

    @property
    def gpu(self) -> GpuRow | None:
        """The GPU, as it was last known."""
        return self.page.gpu(self.gpu_uuid) if self.page is not None else None

    @property
    def sheet(self) -> GpuSheet | None:
        """Everything about it."""
        return gpu_sheet(self.page, self.gpu_uuid) if self.page is not None else None

    def paged(self) -> None:
        """Without a choice, the GPU that is worst off."""
        if self.gpu_uuid is None and self.page is not None and self.page.gpus:
            self.gpu_uuid = max(self.page.gpus, key=lambda gpu: (gpu.severity or 0, -(gpu.index or 0))).uuid

    def draw(self) -> None:
        """All of it."""
        gpu = self.gpu
        label = f"{plain(self.host, 60)} ▸ {gpu.label if gpu is not None else 'GPU'}"
        self.query_one(Header).show(self.header_facts(label))
        self.query_one("#sheet-head", SaidLines).show(self._head())
        is_fresh = self.page is not None and self.page.is_fresh(self.clock()) and _is_read(gpu)
        self.query_one(MetricSheet).show(self.sheet, is_fresh=is_fresh)
        self._draw_about()
        self.query_one(CommandFooter).show_commands(without=idle_ways(self.snapshot))

    def _head(self) -> Sequence[Sequence[Piece]]:
        """Which GPU, how old its values are, and what is wrong, in words."""
        page, gpu = self.page, self.gpu
        if page is None:
            return [(Piece(" waiting for the first picture of this host", "dim"),)]
        if gpu is None:
            words = "this host has told of no GPU" if not page.gpus else "this GPU is not told of any more"
            return [(Piece(f" ◌ {words}", "unknown"),), *self._of_host(page)]
        lines: list[tuple[Piece, ...]] = [self._what(page, gpu)]
        severity = Severity.UNKNOWN if gpu.severity is None else Severity(gpu.severity)
        words = gpu.health or _STATES.get(gpu.state or "", "") or ("well" if severity is Severity.WELL else "")
        for said in (gpu.findings or (f"{severity.glyph} {words}",))[:_MOST_FINDINGS]:
            lines += wrapped(said, self.size.width, role_of(_severity_of(said)), lines=2)
        return [*lines, *self._verdict(gpu), *self._of_host(page), ()]

    def _verdict(self, gpu: GpuRow) -> Iterator[tuple[Piece, ...]]:
        """What is to be done, and whose rule says so; nothing where watching is all."""
        if (gpu.verdict_rank or 0) > Remedy.WATCH and gpu.verdict_words:
            words = f"→ {gpu.verdict_words} (says {gpu.verdict_source})"
            yield from wrapped(words, self.size.width, "accent", lines=2)

    def _of_host(self, page: HostPage) -> Iterator[tuple[Piece, ...]]:
        """What is wrong with its host, but for what is wrong with its GPUs."""
        vitals = page.vitals
        if vitals is None or (vitals.severity or 0) <= Severity.UNKNOWN:
            return
        said = [text for text in vitals.findings or () if not text[2:].startswith("GPU ")]
        for text in said[:_MOST_FINDINGS]:
            glyph, _, words = text.partition(" ")
            yield from wrapped(f"{glyph} host: {words}", self.size.width, role_of(_severity_of(text)), lines=1)

    def _what(self, page: HostPage, gpu: GpuRow) -> tuple[Piece, ...]:
        received = gpu.received_unix_s
        age = "never read" if received is None else f"age {numbers.age(self.clock() - received)}"
        is_fresh = page.is_fresh(self.clock()) and _is_read(gpu)
        state = f"  {gpu.state}" if gpu.state not in {None, "", "present"} else ""
        profile = f"  MIG {gpu.mig_profile}" if gpu.mig_profile else ""
        job = f"   job {gpu.job}" + (f" ({gpu.user})" if gpu.user else "") if gpu.job else ""
        return (
            Piece(f" {gpu.label}", is_bold=True),
            Piece(f"  {gpu.name or numbers.NULL}{profile}"),
            Piece(state, "critical", is_bold=True),
            Piece(job),
            Piece(f"   {age}", "dim" if is_fresh else "warning"),
        )

    def _draw_about(self) -> None:
        """What the metric under the cursor means."""
        value = self.query_one(MetricSheet).chosen
        lines: list[Sequence[Piece]] = []
        if value is not None:
            item = value.metric
            unit = f" [{unit_words(item)}]" if unit_words(item) else ""
            source = source_words(item)
            lines.append(
                (
                    Piece(f" {item.title}", "accent", is_bold=True),
                    Piece(f"  {item.meaning}"),
                    Piece(f"{unit}   {source}" if source else unit, "dim"),
                )
            )
            text = f"not known{self._why_unknown()}" if value.value is None else metric_text(item, value.value)
            lines.append((Piece(f" {text}"), Piece(f"   {value.name}", "dim")))
        self.query_one("#sheet-about", SaidLines).show([*lines, *[()] * (_ABOUT_LINES - len(lines))])

    def _why_unknown(self) -> str:
        """What the probe said it cannot read; it names the kind of value, not each value."""
        reasons = self.page.unavailable if self.page is not None else ()
        return f": {'; '.join(reasons)}" if reasons else ": this GPU or its driver does not tell it"

    def on_metric_sheet_cursor_moved(self) -> None:
        """Explain the metric under the cursor, and keep it in sight."""
        self._draw_about()
        body, at = self.query_one("#sheet-body", VerticalScroll), self.query_one(MetricSheet).chosen_line
        top, height = body.scroll_offset.y, max(1, body.size.height)
        if not top < at < top + height - 1:
            body.scroll_to(y=max(0, at - (1 if at <= top else height - 2)), animate=False, force=True)

    def on_resize(self) -> None:
        """Texts are wrapped anew."""
        self.call_after_refresh(self.tick)

    def ask(self, action: str) -> None:
        """Ask for something to be done to this GPU or its host."""
        if self.commands is not None:
            self.post_message(ActionAsked(action, self.host, self._reason, known=known_of(self.page, self.gpu)))

    def ask_menu(self) -> None:
        """Show what can be done to this GPU or its host."""
        if self.commands is not None:
            self.post_message(MenuAsked((self.host,), self._reason, known=known_of(self.page, self.gpu)))

    @property
    def _reason(self) -> str:
        """What is wrong with it."""
        return (self.gpu.health if self.gpu is not None else "") or ""

    def action_gpu_next(self) -> None:
        """Inspect the next GPU of the host."""
        self._step(1)

    def action_gpu_previous(self) -> None:
        """Inspect the previous GPU of the host."""
        self._step(-1)

    def action_leave(self) -> None:
        """Back to where we came from."""
        self.dismiss()

    def _step(self, step: int) -> None:
        gpus = self.page.gpus if self.page is not None else ()
        if gpus:
            at = next((number for number, gpu in enumerate(gpus) if gpu.uuid == self.gpu_uuid), 0)
            self.gpu_uuid = gpus[(at + step) % len(gpus)].uuid
            self.draw()


_STATES: Final = {
    "gone": "gone: its host lists it no more; these are the last values known",
    "unknown": "nothing is known: the driver does not answer; these are the last values known",
}


def _severity_of(said: str) -> Severity:
    """Of a finding, by its glyph."""
    return next((severity for severity in Severity if said.startswith(severity.glyph)), Severity.UNKNOWN)


def _is_read(gpu: GpuRow | None) -> bool:
    return gpu is not None and gpu.state not in {"gone", "unknown"}


def _page(snapshot: FleetSnapshot, host: str) -> HostPage:
    from leptontui.view.host_page import host_page  # noqa: PLC0415 — polars is loaded here, in the thread, not before

    return host_page(snapshot, host)
