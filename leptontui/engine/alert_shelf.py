"""The alerts' database beside the engine's loop: one thread works through what is to be written, nothing waits for it.

What cannot be written now is kept, in order, and tried again; meanwhile alerts go on in memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leptontui.alerts.cares import Care
from leptontui.alerts.shelf import Changes, Shared
from leptontui.alerts.shelf_tables import is_asked_for
from leptontui.alerts.shelf_turn import Remembered, ShelfTurns, Turn
from leptontui.engine.waiting import LeavingThreads
from leptontui.errors import AlertError
from leptontui.model.alert_history import HistoryQuery, Transition

_LOG = logging.getLogger(__name__)

TURN_S: Final = 3.0
"""Time between two turns where nothing is to be written."""
ASKED_WITHIN_S: Final = 5.0
"""So long an acknowledgement waits to be on disk before its user is told that it is not."""
_SLOW_S: Final = 20.0
_MOST_WAITING: Final = 10_000
_SILENT: Final = "the alerts' database does not answer: alerts are kept in memory"


@dataclass(frozen=True, slots=True, eq=False)
class _Said:
    """What a user said, and who waits for it to be written."""

    care: Care
    written: asyncio.Future[str]


class AlertShelf:
    """The database of one fleet's alerts. Its methods are called on the loop that runs `run`.

    Args:
        path: the file; None keeps everything in memory.
        scope: which fleet.
        can_keep: whether this instance may write down what happens, and tell people; one that may not reads only.
        clock: unix time.
        names: of the further texts to read at the beginning.

    Attributes:
        shared: acknowledgements and silences of all instances.
        is_keeper: whether this instance writes down what happens and tells people.
        keeper: who does it else, for people; "" if this one does, or nobody is known to.
    """

    def __init__(
        self,
        path: Path | None,
        scope: str,
        *,
        can_keep: bool,
        clock: Callable[[], float],
        names: tuple[str, ...] = (),
    ) -> None:
        self._can_keep, self._clock = can_keep, clock
        self._turns = ShelfTurns(path, scope, can_keep=can_keep, names=names)
        self._thread = LeavingThreads(1)
        self._said: deque[_Said] = deque()
        self._changes: deque[Changes] = deque(maxlen=_MOST_WAITING)
        self._wake = asyncio.Event()
        self._trouble = ""
        self._aside = ""
        self.shared = Shared()
        self.is_keeper = False
        self.keeper = ""

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong, and what was, in words."""
        moved = f"the alerts' database was damaged: it is now {self._aside}, and a new one was begun"
        return tuple(words for words in (self._trouble, moved if self._aside else "") if words)

    async def begin(self) -> Remembered:
        """Take the first turn: what was written down before, nothing if it cannot be read in time."""
        first = asyncio.ensure_future(self._turn(asks=True))
        done, _ = await asyncio.wait({first}, timeout=ASKED_WITHIN_S)
        if not done:
            self._failed(_SILENT)
            return Remembered()
        turn = first.result()
        return Remembered() if turn is None or turn.remembered is None else turn.remembered

    async def run(self) -> None:
        """Take turns until cancelled; then write what is left and give the lease up."""
        try:
            while True:
                await self._rest()
                turn = asyncio.ensure_future(self._turn(asks=False))
                done, _ = await asyncio.wait({turn}, timeout=_SLOW_S)
                if not done:
                    self._trouble = _SILENT
                await turn
        finally:
            ending = asyncio.get_running_loop().run_in_executor(self._thread, self._turns.end, tuple(self._changes))
            await asyncio.wait({ending}, timeout=1.0)

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(TURN_S):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    def put(self, changes: Changes) -> None:
        """Write this down, in its order, as soon as it can be. Only an instance that keeps the history does."""
        if self.is_keeper:
            self._changes.append(changes)
            self._wake.set()

    def say(self, care: Care) -> asyncio.Future[str]:
        """Share what a user said. It holds here at once; what is returned says when it is kept: see `kept`."""
        self.shared = care.apply(self.shared)
        written: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._said.append(_Said(care, written))
        self._wake.set()
        return written

    async def kept(self, written: asyncio.Future[str]) -> None:
        """Wait until what was said is on disk.

        Raises:
            AlertError: it is not (yet): it holds in this instance, as long as that runs, and is tried again.
        """
        done, _ = await asyncio.wait({written}, timeout=ASKED_WITHIN_S)
        trouble = written.result() if done else self._trouble or _SILENT
        if trouble:
            raise AlertError(f"it holds while this leptontui runs, but it is not kept yet: {trouble}")

    async def history(self, query: HistoryQuery) -> tuple[Transition, ...]:
        """What happened, newest first, what is not written down yet included.

        Raises:
            AlertError: the database cannot be read.
        """
        waiting = [one for changes in self._changes for one in changes.transitions if is_asked_for(one, query)]
        asked = asyncio.get_running_loop().run_in_executor(self._thread, self._turns.history, query)
        done, _ = await asyncio.wait({asked}, timeout=ASKED_WITHIN_S)
        if not done:
            raise AlertError("the alerts' database does not answer", "try again in a moment")
        return (*reversed(waiting), *asked.result())[: query.limit]

    async def remembered(self) -> Remembered:
        """What was written down, by whichever instance.

        Raises:
            AlertError: the database cannot be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._turns.remembered, self._clock())

    async def _turn(self, *, asks: bool) -> Turn | None:
        """One turn; None if it failed, which is told as trouble."""
        said, changes = tuple(self._said), tuple(self._changes)
        cares = [one.care for one in said]

        def work() -> Turn:
            return self._turns.turn(cares, changes, self._clock(), asks=asks)

        try:
            turn = await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except AlertError as error:
            self._failed(str(error), said)
            return None
        except Exception as error:  # noqa: BLE001 — the thread's boundary: alerts go on without a database
            _LOG.exception("the alerts' database failed")
            self._failed(f"the alerts' database failed: {type(error).__name__}", said)
            return None
        self._trouble, self._aside = "", turn.moved_aside or self._aside
        self.keeper = turn.keeper
        self.is_keeper = self._can_keep and not turn.keeper
        for _ in said:
            self._said.popleft()
        while self._changes and any(self._changes[0] is one for one in changes):
            self._changes.popleft()
        self.shared = turn.shared
        for one in self._said:  # said meanwhile
            self.shared = one.care.apply(self.shared)
        _tell(said, "")
        return turn

    def _failed(self, words: str, said: tuple[_Said, ...] = ()) -> None:
        if words != self._trouble:
            _LOG.warning("%s", words)
        self._trouble = words
        if not self.keeper:
            self.is_keeper = self._can_keep  # nobody else is known of, and somebody must tell people
        _tell(said, words)


def _tell(said: tuple[_Said, ...], words: str) -> None:
    for one in said:
        if not one.written.done():
            one.written.set_result(words)
