"""The host screen: everything about one host, and the large chart of the metric under the cursor."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Final

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from leptontui.model.focus import Focus
from leptontui.ports import AccessPort, CommandPort, SnapshotSource
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.commands import PANELS, Scope
from leptontui.ui.messages import ActionAsked, MenuAsked
from leptontui.ui.screens.fleet_words import idle_ways
from leptontui.ui.screens.paged import PagedScreen
from leptontui.ui.screens.ways import ActingScreen
from leptontui.ui.widgets.footer import CommandFooter
from leptontui.ui.widgets.gpu_strip import GpuStrip
from leptontui.ui.widgets.host_chart import HostChart
from leptontui.ui.widgets.host_panels import HostPanels
from leptontui.ui.widgets.host_title import HostTitle
from leptontui.view.host_charts import ChartChoice, choices_of, drawn_of
from leptontui.view.host_rows import GpuRow, HostPage, known_of

_SHORT_ROWS: Final = 32
"""With fewer rows the chart takes all but a peek at the panels."""
_LEAST_CHART, _MOST_CHART = 10, 28
_PEEK_ROWS: Final = 5
"""Rows of the panels that stay in sight on a small screen."""
_ROWS_FOR_ALL: Final = 44
"""From so many rows on the chart stays beside every panel; below, only beside the first."""


class HostScreen(ActingScreen, PagedScreen[HostPage]):
    """One host. The chosen GPU and metric are identities; a snapshot without them does not choose others.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        host: the host's name in the fleet.
        gpu_uuid: the GPU whose chart is shown first; None for the host's own.
        access: the way to let hosts be reached.
        idle: actions of the registry that can do nothing on this host: the footer shows no key for them.
        clock: tells the time in unix seconds.

    Attributes:
        host: the host's name in the fleet.
    """

    CSS_PATH = "../styles/host.tcss"

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        host: str,
        gpu_uuid: str | None,
        *,
        access: AccessPort | None = None,
        idle: Collection[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, commands, access=access, clock=clock)
        self.host = host
        self._idle = frozenset(idle)
        self._gpu_uuid = gpu_uuid
        self._metric = 0
        self._panel = 0
        self._focused_on: Focus | None = None
        self._was_fresh = False
        self.bind_keys(Scope.HOST)

    def compose(self) -> ComposeResult:
        """Title, what there is of the host, keys."""
        yield HostTitle()
        with VerticalScroll(id="host-body", can_focus=True):
            yield GpuStrip()
            yield HostChart()
            yield HostPanels()
        yield CommandFooter(Scope.HOST, self.powers)

    def on_mount(self) -> None:
        """Say what is looked at."""
        super().on_mount()
        self._focus_source()

    def host_for(self, key: str) -> str | None:  # noqa: ARG002 — the whole screen is about one host
        """This one."""
        return self.host

    def on_screen_resume(self) -> None:
        """Back from a dialog: say again what is looked at."""
        self._focused_on = None
        self._focus_source()

    def on_resize(self, _event: events.Resize) -> None:
        """The chart takes what the rest leaves."""
        self.draw()

    def making(self) -> Callable[[FleetSnapshot], HostPage]:
        """The page of this host."""
        return partial(_page, host=self.host)

    def paged(self) -> None:
        """Choose what is charted, unless somebody has chosen."""
        self._choose_first()
        self._focus_source()

    # What is chosen.

    @property
    def _gpu(self) -> GpuRow | None:
        return self.page.gpu(self._gpu_uuid) if self.page is not None else None

    def _choices(self) -> tuple[ChartChoice, ...]:
        return choices_of(self.page, self._gpu_uuid) if self.page is not None else ()

    @property
    def choice(self) -> ChartChoice | None:
        """What the large chart shows; None before the first page."""
        choices = self._choices()
        return choices[self._metric % len(choices)] if choices else None

    def _choose_first(self) -> None:
        """Without a choice by the user, the GPU that is worst off."""
        if self._gpu_uuid is None and self.page is not None and self.page.gpus:
            self._gpu_uuid = max(self.page.gpus, key=lambda gpu: (gpu.severity or 0, -(gpu.index or 0))).uuid

    def _focus_source(self) -> None:
        choice = self.choice
        focus = Focus(chart=choice.key if choice is not None else None, host=self.host)
        if focus != self._focused_on:
            self._focused_on = focus
            self.source.focus(focus)

    def _step_metric(self, step: int) -> None:
        if count := len(self._choices()):
            self._metric = (self._metric + step) % count
            self._focus_source()
            self.draw()

    def _step_gpu(self, step: int) -> None:
        gpus = self.page.gpus if self.page is not None else ()
        if not gpus:
            return
        at = next((number for number, gpu in enumerate(gpus) if gpu.uuid == self._gpu_uuid), 0)
        self._gpu_uuid = gpus[(at + step) % len(gpus)].uuid
        self._focus_source()
        self.draw()

    def action_metric_next(self) -> None:
        """Chart the next metric."""
        self._step_metric(1)

    def action_metric_previous(self) -> None:
        """Chart the previous metric."""
        self._step_metric(-1)

    def action_gpu_next(self) -> None:
        """Choose the next GPU."""
        self._step_gpu(1)

    def action_gpu_previous(self) -> None:
        """Choose the previous GPU."""
        self._step_gpu(-1)

    def action_leave(self) -> None:
        """Back to the fleet."""
        self.dismiss()

    def action_panel(self, number: int) -> None:
        """Show one of the panels, from its top."""
        self._panel = number % len(PANELS)
        self.query_one("#host-body", VerticalScroll).scroll_home(animate=False)
        self.draw()

    def action_panel_next(self) -> None:
        """Show the next panel."""
        self.action_panel(self._panel + 1)

    def action_panel_previous(self) -> None:
        """Show the previous panel."""
        self.action_panel(self._panel - 1)

    def action_inspect(self) -> None:
        """Show all that is known of the chosen GPU."""
        if self._gpu is not None:
            from leptontui.ui.screens.inspect import InspectScreen  # noqa: PLC0415 — when it is wanted

            self.app.push_screen(
                InspectScreen(
                    self.source, self.commands, self.host, self._gpu_uuid, access=self.access, clock=self.clock
                )
            )

    def ask(self, action: str) -> None:
        """Ask for something to be done here."""
        if self.commands is not None:
            self.post_message(ActionAsked(action, self.host, self._reason, known=known_of(self.page, self._gpu)))

    def ask_menu(self) -> None:
        """Show what can be done here."""
        if self.commands is not None:
            self.post_message(MenuAsked((self.host,), self._reason, known=known_of(self.page, self._gpu)))

    @property
    def _reason(self) -> str:
        """What is wrong with the chosen GPU, else with the host."""
        gpu, vitals = self._gpu, self.page.vitals if self.page is not None else None
        return (gpu.health if gpu is not None else "") or (vitals.health if vitals is not None else "") or ""

    # Drawing.

    def tick(self) -> None:
        """Ages, the clock, the condition; all of it once the values are no longer fresh."""
        if self.page is not None and self.page.is_fresh(self.clock()) != self._was_fresh:
            self.draw()
        else:
            self._draw_title()

    def draw(self) -> None:
        """All of it."""
        self._draw_title()
        page = self.page
        if page is None:
            return
        self._was_fresh = is_fresh = page.is_fresh(self.clock())
        choice = self.choice
        name = choice.metric.name if choice is not None and choice.key.instance == self._gpu_uuid else ""
        strip, panels = self.query_one(GpuStrip), self.query_one(HostPanels)
        strip.show(page, chosen=self._gpu_uuid, metric=name, is_fresh=is_fresh, rows=self.size.height)
        panels.show(page, panel=self._panel, chosen=self._gpu_uuid, is_fresh=is_fresh)
        self._draw_chart(choice, is_fresh=is_fresh)
        is_first = self._panel == 0
        strip.display = bool(page.gpus) and (is_first or self.size.height >= _SHORT_ROWS)
        self.query_one(HostChart).display = is_first or self.size.height >= _ROWS_FOR_ALL
        self._share_rows(strip, panels)
        idle = set() if page.gpus else {"inspect"}
        self.query_one(CommandFooter).show_commands(without=self._idle | idle | idle_ways(self.snapshot))

    def _draw_title(self) -> None:
        armed = self.commands.armed_until_unix_s if self.commands is not None else None
        self.query_one(HostTitle).show(
            self.host,
            self.page,
            self._gpu,
            now_unix_s=self.clock(),
            can_act=self.commands is not None,
            armed_until_unix_s=armed,
            trouble=self.condition.failure or self.trouble,
            is_frozen=self.condition.is_frozen,
        )

    def _draw_chart(self, choice: ChartChoice | None, *, is_fresh: bool) -> None:
        snapshot = self.snapshot
        if snapshot is None:
            return
        self.query_one(HostChart).show(
            choice,
            *drawn_of(choice, snapshot),
            snapshot.forecaster,
            now_unix_s=snapshot.t_unix_s,
            position=f"{self._metric % len(self._choices()) + 1}/{len(self._choices())}" if choice is not None else "",
            is_fresh=is_fresh,
        )

    def _share_rows(self, strip: GpuStrip, panels: HostPanels) -> None:
        """The chart takes the rows that strip and panels leave, but never fewer than it needs to be read."""
        width, height = self.size
        title = self.query_one(HostTitle).get_content_height(self.size, self.size, width)
        rest = height - title - 1
        if strip.display:
            rest -= strip.get_content_height(self.size, self.size, width) + 1
        wanted = rest - panels.get_content_height(self.size, self.size, width) - 1
        least = min(max(_LEAST_CHART, rest - _PEEK_ROWS if height < _SHORT_ROWS else rest // 2), _MOST_CHART)
        self.query_one(HostChart).styles.height = max(least, min(wanted, _MOST_CHART))


def _page(snapshot: FleetSnapshot, host: str) -> HostPage:
    from leptontui.view.host_page import host_page  # noqa: PLC0415 — polars is loaded here, in the thread, not before

    return host_page(snapshot, host)
