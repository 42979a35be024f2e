"""A screen whose page is made from each snapshot in a thread: of the snapshots that wait only the newest is taken."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from textual.worker import Worker

from leptontui.model.text import plain
from leptontui.ports import AccessPort, AlertPort, CommandPort, SnapshotSource
from leptontui.render.header import HeaderFacts
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.screens.base import SnapshotScreen

_LOG = logging.getLogger(__name__)
P = TypeVar("P")


class PagedScreen(SnapshotScreen, Generic[P]):
    """Pages snapshots. Subclasses say how in `making`, and draw in `draw`.

    Args:
        source: where snapshots come from.
        commands: the way to act; None on a read-only screen.
        access: the way to let hosts be reached; None where there is none.
        alerts: the way to look after alerts; None where there is none.
        clock: tells the time in unix seconds.

    Attributes:
        page: what is shown; None before the first one.
        snapshot: what the page was made of.
        trouble: why the newest snapshot cannot be shown, fit for the screen; "" if it is.
        clock: tells the time in unix seconds.
    """

    def __init__(
        self,
        source: SnapshotSource,
        commands: CommandPort | None,
        *,
        access: AccessPort | None = None,
        alerts: AlertPort | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(source, commands, access=access, alerts=alerts)
        self.clock = clock
        self.page: P | None = None
        self.snapshot: FleetSnapshot | None = None
        self.trouble = ""
        self._pending: FleetSnapshot | None = None
        self._worker: Worker[None] | None = None

    def making(self) -> Callable[[FleetSnapshot], P]:
        """What makes a page, as it is asked for now. Called in a thread: it must not look at the screen."""
        raise NotImplementedError

    def draw(self) -> None:
        """Draw the page, or what there is to say without one. Called only while mounted."""
        raise NotImplementedError

    def paged(self) -> None:
        """A new page is there; it is drawn afterwards."""

    def show(self, snapshot: FleetSnapshot) -> None:
        """Page the snapshot in a thread; while one is being paged only the newest waits."""
        self._pending = snapshot
        if self._worker is None or self._worker.is_finished:
            self._worker = self.run_worker(self._load(), group="page", exit_on_error=False)

    def again(self) -> None:
        """Make the page anew: something else is asked for."""
        if self._pending is None and self.snapshot is not None:
            self.show(self.snapshot)

    async def settle(self) -> None:
        """Wait until everything shown so far has been paged."""
        while (worker := self._worker) is not None and not worker.is_finished:
            await worker.wait()

    def on_mount(self) -> None:
        """Ages grow between two snapshots."""
        self.set_interval(1.0, self.tick)
        self.draw()

    def tick(self) -> None:
        """Draw again: clock, ages, arming and condition."""
        if self.is_mounted:
            self.draw()

    def header_facts(self, place: str) -> HeaderFacts:
        """The header of a screen beside the fleet's.

        Args:
            place: what the screen shows, after the fleet's name.
        """
        snapshot, now = self.snapshot, self.clock()
        until = self.commands.armed_until_unix_s if self.commands is not None else None
        failure = self.condition.failure or self.trouble
        if snapshot is None:
            return HeaderFacts("", now, armed_until_unix_s=until, failure=failure, place=place)
        age_s = snapshot.newest_age_s
        return HeaderFacts(
            plain(snapshot.fleet, 40),
            now,
            counts=snapshot.link_counts,
            age_s=None if age_s is None else max(0.0, now - snapshot.t_unix_s + age_s),
            dropped_sweeps=snapshot.dropped_sweeps,
            forecaster=snapshot.forecaster,
            armed_until_unix_s=until,
            is_frozen=self.condition.is_frozen,
            failure=failure,
            place=place,
        )

    async def _load(self) -> None:
        while (snapshot := self._pending) is not None:
            self._pending = None
            try:
                page = await asyncio.to_thread(self.making(), snapshot)
            except Exception as error:  # noqa: BLE001 — the boundary of a task: shown, and the next snapshot is tried
                _LOG.exception("%s cannot show a snapshot", type(self).__name__)
                self.trouble = plain(f"this snapshot cannot be shown: {type(error).__name__}: {error}")
            else:
                self.trouble, self.page, self.snapshot = "", page, snapshot
                self.paged()
            if self.is_mounted:
                self.draw()
