"""Drives the app in the fleet screen's tests: starts it on a hand-made fleet, waits for it, reads the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fleets import T0, FakeSource, fleet_of
from textual.pilot import Pilot

from leptontui.ports import CommandPort
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.app import LeptonApp
from leptontui.ui.screens.fleet import FleetScreen
from leptontui.ui.screens.paged import PagedScreen


class FleetPilot:
    """The app under test.

    Attributes:
        now: what the app's clock says; a test may turn it on.
    """

    def __init__(self, source: FakeSource, commands: CommandPort | None = None, **app: Any) -> None:
        self.now = T0
        self.source = source
        fleet = app.pop("fleet", None) or fleet_of(source.snapshot)
        self.app = LeptonApp(source, commands, fleet=fleet, clock=lambda: self.now, **app)
        self.pilot: Pilot[None]

    @asynccontextmanager
    async def run(
        self, width: int = 120, height: int = 40, *, notifications: bool = False
    ) -> AsyncIterator[FleetPilot]:
        """Run the app until the block ends."""
        async with self.app.run_test(size=(width, height), notifications=notifications) as self.pilot:
            await self.settle()
            yield self

    async def settle(self) -> None:
        """Wait until everything asked for so far is on the screen."""
        for _ in range(2):
            await self.pilot.pause()
            if isinstance(self.app.screen, FleetScreen | PagedScreen):
                await self.app.screen.settle()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.settle()

    async def type(self, text: str) -> None:
        await self.press(*("space" if char == " " else char for char in text))

    async def publish(self, snapshot: FleetSnapshot) -> None:
        self.source.publish(snapshot)
        await self.settle()

    @property
    def fleet(self) -> FleetScreen:
        screen = self.app.screen
        assert isinstance(screen, FleetScreen)
        return screen

    @property
    def cursor(self) -> tuple[str, str | None]:
        """Host and GPU of the row under the cursor."""
        row_id = self.fleet.cursor
        assert row_id is not None
        return row_id.host, row_id.gpu_uuid

    @property
    def lines(self) -> list[str]:
        """The screen's text, line by line."""
        return ["".join(segment.text for segment in strip) for strip in self.app.screen._compositor.render_strips()]

    @property
    def notices(self) -> str:
        """What notifications say."""
        return "\n".join(notice.message for notice in self.app._notifications)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def line_of(self, *words: str) -> str:
        """The one line that has all of these words."""
        found = [line for line in self.lines if all(word in line for word in words)]
        assert len(found) == 1, (words, self.text)
        return found[0]

    @property
    def highlighted(self) -> str:
        """The line with the cursor's bar."""
        return self.line_of("▌")
