"""The host screen: everything about one host, and the large chart of the metric under the cursor."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll

from leptontui.model.action import ActionName
from leptontui.model.focus import Focus
from leptontui.ports import CommandPort, SnapshotSource
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.commands import Scope, bindings_of
from leptontui.ui.messages import ActionAsked
from leptontui.ui.screens.base import SnapshotScreen
from leptontui.ui.widgets.footer import CommandFooter
from leptontui.ui.widgets.gpu_strip import GpuStrip
from leptontui.ui.widgets.host_chart import HostChart
from leptontui.ui.widgets.host_panels import HostPanels
from leptontui.ui.widgets.host_title import HostTitle
from leptontui.view.host_charts import ChartChoice, choices_of
from leptontui.view.host_rows import GpuRow, HostPage

_LOG = logging.getLogger(__name__)
_SHORT_ROWS = 32
"""With fewer rows the chart takes all but a peek at the panels."""
_LEAST_CHART, _MOST_CHART = 10, 28
_PEEK_ROWS = 4
"""Rows of the panels that stay in sight on a small screen."""


class HostScreen(SnapshotScreen):
    """One host. The chosen GPU and metric are identities; a snapshot without them does not choose others.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        host: the host's name in the fleet.
        gpu_uuid: the GPU whose chart is shown first; None for the host's own.
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
        idle: Collection[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, commands)
        self.host = host
        self._idle = idle
        self._gpu_uuid = gpu_uuid
        self._clock = clock
        self._metric = 0
        self._page: HostPage | None = None
        self._snapshot: FleetSnapshot | None = None
        self._pending: FleetSnapshot | None = None
        self._is_loading = False
        self._trouble = ""
        self._focused_on: Focus | None = None
        self._was_fresh = False
        for binding in bindings_of(Scope.HOST, can_act=commands is not None):
            self._bindings.bind(
                binding.key, binding.action, binding.description, show=binding.show, priority=binding.priority
            )

    def compose(self) -> ComposeResult:
        """Title, what there is of the host, keys."""
        yield HostTitle()
        with VerticalScroll(id="host-body", can_focus=True):
            yield GpuStrip()
            yield HostChart()
            yield HostPanels()
        yield CommandFooter(Scope.HOST, can_act=self.commands is not None)

    def on_mount(self) -> None:
        """Ages grow between two snapshots."""
        self._focus_source()
        self.query_one(CommandFooter).show_commands(without=self._idle)
        self.set_interval(1.0, self.tick)
        self._draw()

    def host_for(self, key: str) -> str | None:  # noqa: ARG002 — the whole screen is about one host
        """This one."""
        return self.host

    def on_screen_resume(self) -> None:
        """Back from a dialog: say again what is looked at."""
        self._focused_on = None
        self._focus_source()

    def on_resize(self, _event: events.Resize) -> None:
        """The chart takes what the rest leaves."""
        self._draw()

    def show(self, snapshot: FleetSnapshot) -> None:
        """Page the snapshot in a thread; while one is being paged only the newest waits."""
        self._pending = snapshot
        if not self._is_loading:
            self._is_loading = True
            self.run_worker(self._load(), group="host-page", exit_on_error=False)

    async def _load(self) -> None:
        try:
            while (snapshot := self._pending) is not None:
                self._pending = None
                try:
                    page = await asyncio.to_thread(_page, snapshot, self.host)
                except Exception as error:  # noqa: BLE001 — the boundary of a task: shown, and the next snapshot is tried
                    _LOG.exception("cannot page %s", self.host)
                    self._trouble = f"this snapshot cannot be shown: {error}"
                else:
                    self._trouble, self._page, self._snapshot = "", page, snapshot
                    self._choose_first()
                    self._focus_source()
                self._draw()
        finally:
            self._is_loading = False

    # What is chosen.

    @property
    def _gpu(self) -> GpuRow | None:
        return self._page.gpu(self._gpu_uuid) if self._page is not None else None

    def _choices(self) -> tuple[ChartChoice, ...]:
        return choices_of(self._page, self._gpu_uuid) if self._page is not None else ()

    @property
    def choice(self) -> ChartChoice | None:
        """What the large chart shows; None before the first page."""
        choices = self._choices()
        return choices[self._metric % len(choices)] if choices else None

    def _choose_first(self) -> None:
        """Without a choice by the user, the GPU that is worst off."""
        if self._gpu_uuid is None and self._page is not None and self._page.gpus:
            self._gpu_uuid = max(self._page.gpus, key=lambda gpu: (gpu.severity or 0, -(gpu.index or 0))).uuid

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
            self._draw()

    def _step_gpu(self, step: int) -> None:
        gpus = self._page.gpus if self._page is not None else ()
        if not gpus:
            return
        at = next((number for number, gpu in enumerate(gpus) if gpu.uuid == self._gpu_uuid), 0)
        self._gpu_uuid = gpus[(at + step) % len(gpus)].uuid
        self._focus_source()
        self._draw()

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

    def _ask(self, action: ActionName) -> None:
        """Hand the wish to the app; the reason is what is wrong with the chosen GPU, else with the host."""
        if self.commands is None:
            return
        gpu, vitals = self._gpu, self._page.vitals if self._page is not None else None
        reason = (gpu.health if gpu is not None else "") or (vitals.health if vitals is not None else "") or ""
        self.post_message(ActionAsked(action, self.host, reason))

    def action_drain(self) -> None:
        """Ask for a drain of this host."""
        self._ask(ActionName.DRAIN)

    def action_undrain(self) -> None:
        """Ask to give this host back."""
        self._ask(ActionName.UNDRAIN)

    def action_restart(self) -> None:
        """Ask for a restart of one of its units."""
        self._ask(ActionName.RESTART_UNIT)

    # Drawing.

    def tick(self) -> None:
        """Ages, the clock, the condition; all of it once the values are no longer fresh."""
        if self._page is not None and self._page.is_fresh(self._clock()) != self._was_fresh:
            self._draw()
        else:
            self._draw_title()

    def _draw(self) -> None:
        if not self.is_mounted:
            return
        self._draw_title()
        page = self._page
        if page is None:
            return
        self._was_fresh = is_fresh = page.is_fresh(self._clock())
        choice = self.choice
        name = choice.metric.name if choice is not None and choice.key.instance == self._gpu_uuid else ""
        strip, panels = self.query_one(GpuStrip), self.query_one(HostPanels)
        strip.show(page, chosen=self._gpu_uuid, metric=name, is_fresh=is_fresh, rows=self.size.height)
        panels.show(page, chosen=self._gpu_uuid, is_fresh=is_fresh)
        self._draw_chart(choice, is_fresh=is_fresh)
        self._share_rows(strip, panels)

    def _draw_title(self) -> None:
        armed = self.commands.armed_until_unix_s if self.commands is not None else None
        self.query_one(HostTitle).show(
            self.host,
            self._page,
            self._gpu,
            now_unix_s=self._clock(),
            can_act=self.commands is not None,
            armed_until_unix_s=armed,
            trouble=self.condition.failure or self._trouble,
            is_frozen=self.condition.is_frozen,
        )

    def _draw_chart(self, choice: ChartChoice | None, *, is_fresh: bool) -> None:
        snapshot = self._snapshot
        if snapshot is None:
            return
        key = choice.key if choice is not None else None
        self.query_one(HostChart).show(
            choice,
            snapshot.charts.get(key) if key is not None else None,
            snapshot.forecasts.get(key) if key is not None else None,
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
