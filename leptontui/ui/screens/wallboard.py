"""The wallboard: for a television, read from four metres. It has no way to act, and no key does anything here."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from textual.app import ComposeResult

from leptontui.ports import SnapshotSource
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.screens.base import SnapshotScreen
from leptontui.ui.widgets.wall import Wall
from leptontui.view.wall_rows import WallPage

_LOG = logging.getLogger(__name__)
PAGE_S = 10.0
"""A page of the heatmap stays for so long."""


class WallboardScreen(SnapshotScreen):
    """Counts in big digits, the worst ten, a heatmap whose pages turn by themselves, a clock, and honest ages.

    Args:
        source: where snapshots come from.
        clock: unix seconds.
    """

    def __init__(self, source: SnapshotSource, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(source, None)
        self._clock = clock
        self._pending: FleetSnapshot | None = None
        self._is_loading = False

    def compose(self) -> ComposeResult:
        """One wall."""
        yield Wall(self._clock)

    def on_mount(self) -> None:
        """The clock ticks, and the pages turn, also when no snapshot comes."""
        self.set_interval(1.0, self.tick)
        self.set_interval(PAGE_S, self.query_one(Wall).turn)

    def tick(self) -> None:
        """The clock, ages and the condition."""
        self.query_one(Wall).tick(is_frozen=self.condition.is_frozen, failure=self.condition.failure)

    def show(self, snapshot: FleetSnapshot) -> None:
        """Page the snapshot in a thread; while one is being paged only the newest waits."""
        self._pending = snapshot
        if not self._is_loading:
            self._is_loading = True
            self.run_worker(self._load(), group="wall-page", exit_on_error=False)

    async def _load(self) -> None:
        try:
            while (snapshot := self._pending) is not None:
                self._pending = None
                try:
                    page = await asyncio.to_thread(_page, snapshot)
                except Exception as error:  # noqa: BLE001 — the boundary of a task: shown, and the next snapshot is tried
                    _LOG.exception("cannot page the wallboard")
                    self.query_one(Wall).fail(f"this snapshot cannot be shown: {error}")
                else:
                    self.query_one(Wall).show(page)
        finally:
            self._is_loading = False


def _page(snapshot: FleetSnapshot) -> WallPage:
    from leptontui.view.wall_page import wall_page  # noqa: PLC0415 — polars is loaded here, in the thread, not before

    return wall_page(snapshot)
