"""How many commands one connection carries at a time: learned when the host refuses one (MaxSessions)."""

from __future__ import annotations

import asyncio
from collections import deque


class Seats:
    """Lets commands wait for their turn once the host has refused one while others ran.

    Attributes:
        taken: how many run, or are being started.
        limit: how many the host lets run at a time; None until it has refused one.
    """

    def __init__(self) -> None:
        self.taken = 0
        self.limit: int | None = None
        self._queue: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for a seat, and take it."""
        if self._has_room and not self._queue:
            self.taken += 1
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

    def leave(self) -> None:
        """Give a seat back."""
        self.taken -= 1
        while self._queue and self._has_room:
            turn = self._queue.popleft()
            if not turn.done():
                self.taken += 1
                turn.set_result(None)

    def learn(self) -> bool:
        """A command was refused, and has given its seat back: whether that is because others have one."""
        if self.taken == 0:
            return False
        self.limit = self.taken if self.limit is None else min(self.limit, self.taken)
        return True

    @property
    def is_full(self) -> bool:
        """Whether there is a wait."""
        return bool(self._queue) or not self._has_room

    @property
    def _has_room(self) -> bool:
        return self.limit is None or self.taken < self.limit
