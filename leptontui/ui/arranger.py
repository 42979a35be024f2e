"""Arranges snapshots in a thread of its own; of those that wait only the newest is arranged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from leptontui.snapshot import FleetSnapshot
from leptontui.view.state import ViewState

if TYPE_CHECKING:
    from leptontui.view.arrange import Arrangement

_LOG = logging.getLogger(__name__)


class Arranger:
    """One thread that filters and sorts, so that the screen never does.

    Args:
        arranged: called on the screen's loop with each result.
        failed: called on the screen's loop, in words, if a snapshot cannot be arranged.
    """

    def __init__(self, arranged: Callable[[Arrangement], None], failed: Callable[[str], None]) -> None:
        self._arranged = arranged
        self._failed = failed
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="arrange")
        self._wanted: tuple[FleetSnapshot, ViewState, tuple[int, int]] | None = None
        self._task: asyncio.Task[None] | None = None

    def want(self, snapshot: FleetSnapshot, state: ViewState, in_view: tuple[int, int]) -> None:
        """Arrange `snapshot` as soon as the thread is free, unless something newer comes in between.

        Args:
            snapshot: what to arrange.
            state: how.
            in_view: the rows, from the first up to the second, that will probably be asked for: made in the thread.
        """
        self._wanted = (snapshot, state, in_view)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name="arrange")

    async def settle(self) -> None:
        """Wait until everything wanted so far has been arranged."""
        while self._task is not None and not self._task.done():
            await asyncio.wait({self._task})

    def warm_up(self) -> None:
        """Load in the thread what arranging needs, before there is anything to arrange."""
        self._thread.submit(_load)

    def close(self) -> None:
        """End the thread; what is under way is not waited for."""
        if self._task is not None:
            self._task.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while (wanted := self._wanted) is not None:
            self._wanted = None
            try:
                arrangement = await loop.run_in_executor(self._thread, _arrange, *wanted)
                self._arranged(arrangement)
            except Exception as error:  # noqa: BLE001 — the task's boundary: told, and the next snapshot is tried
                _LOG.exception("cannot arrange a snapshot")
                self._failed(f"this snapshot cannot be shown: {type(error).__name__}: {error}")


def _load() -> None:
    import leptontui.view.arrange  # noqa: F401, PLC0415 — polars is loaded here, in the thread, not before


def _arrange(snapshot: FleetSnapshot, state: ViewState, in_view: tuple[int, int]) -> Arrangement:
    from leptontui.view.arrange import arrange  # noqa: PLC0415 — see above

    arrangement = arrange(snapshot, state)
    arrangement.rows(*in_view)
    return arrangement
