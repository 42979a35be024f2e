"""Records the fleet while it is watched: cuts on the engine's loop, writes on a thread."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

import polars as pl

from leptontui.store.recorder import Recording, Slice, Slicer
from leptontui.store.store import Store

_LOG = logging.getLogger(__name__)

LOOK_S: Final = 5.0
"""How often it is looked whether a part is due."""


class RecordingTask:
    """Writes what is watched into a recording until cancelled; then what is left.

    Args:
        store: what is watched.
        recording: where it goes.
        notify: says what is wrong in every snapshot, by source; None takes it back.
        clock: unix time.
    """

    def __init__(
        self,
        store: Store,
        recording: Recording,
        notify: Callable[[str, str | None], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._slicer = Slicer(store, clock())
        self._recording = recording
        self._notify = notify
        self._clock = clock

    async def run(self) -> None:
        """Record until cancelled."""
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                if self._slicer.due(self._clock()):
                    await self.write()
        finally:
            # On the loop, as nothing may be waited for when all is being wound up.
            self._write(self._slicer.cut(self._clock(), is_last=True))

    async def write(self) -> None:
        """Write what has settled."""
        said = await asyncio.to_thread(self._write, self._slicer.cut(self._clock()))
        self._notify("recording", said)

    def _write(self, cut: Slice | None) -> str | None:
        """Write a part; returns what is wrong, in words."""
        try:
            if cut is not None:
                self._recording.write(cut)
        except (OSError, pl.exceptions.PolarsError) as error:
            _LOG.warning("a part of the recording could not be written", exc_info=True)
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return f"the recording has a hole: {self._recording.parts}: {reason}"
        return None
