"""How many commands one connection carries at a time: learned when the host refuses one (MaxSessions)."""

from __future__ import annotations

import asyncio
from collections import deque


class Seats:
    """Lets commands wait for their turn once the host has refused one while others ran.

    Attributes:
        limit: how many the host lets run at a time, as far as is known; None until it has refused one.
    """

    def __init__(self) -> None:
        self.limit: int | None = None
        self._taken = 0
        self._running = 0
        self._ended = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for a seat, and take it."""
        if self._has_room and not self._queue:
            self._taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            elif turn in self._queue:
                self._queue.remove(turn)
            raise

    def settle(self) -> None:
        """The command that has taken a seat runs."""
        self._running += 1
        if self.limit is not None and self.limit < self._running:
            self.limit = self._running
            self._wake()

    def end(self) -> None:
        """A command that ran has ended; after a round of them one more is tried: what was learned may be too little."""
        self._running -= 1
        self._ended += 1
        if self.limit is not None and self._ended >= self.limit:
            self.limit += 1
            self._ended = 0
        self.leave()

    def leave(self) -> None:
        """Give back a seat whose command does not run."""
        self._taken -= 1
        self._wake()

    def learn(self) -> bool:
        """A command was refused, and has given its seat back: whether that may be because others have one.

        Those that were asked for before it may have been granted though their answers are not read yet.
        """
        if self._taken == 0:
            return False
        self.limit = max(1, self._running)
        self._ended = 0
        return True

    @property
    def is_full(self) -> bool:
        """Whether there is a wait."""
        return bool(self._queue) or not self._has_room

    @property
    def _has_room(self) -> bool:
        return self.limit is None or self._taken < self.limit

    def _wake(self) -> None:
        while self._queue and self._has_room:
            turn = self._queue.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)
