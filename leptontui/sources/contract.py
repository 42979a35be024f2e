"""What every source of sweeps does, and whom it tells."""

from __future__ import annotations

from typing import Protocol

from leptontui.model.link import Link
from leptontui.wire import Received


class Sink(Protocol):
    """Receives what sources have to tell. Called on the engine's loop; never blocks."""

    def offer(self, received: Received) -> None:
        """Take a message; when the queue is full the oldest is dropped and counted."""

    def link_changed(self, link: Link) -> None:
        """Take the new state of a host's link."""


class Source(Protocol):
    """Watches some hosts until cancelled."""

    async def run(self, sink: Sink) -> None:
        """Watch. Returns only by cancellation, with every link closed and every probe gone."""

    def redial(self, host: str) -> None:
        """Dial `host` now if it is lost or refused; nothing if it is not one of this source's."""
