"""How many logins one address takes at a time: unknown at first, learned from its refusals.

sshd drops connections beyond MaxStartups before its greeting, by chance at first, all of them later. So the number of
concurrent logins per address is halved when one is dropped, and grows by one per round of successes: additive increase,
multiplicative decrease, as TCP does (RFC 5681 section 3.1).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Final

from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind

_LEAST: Final = 1.0


class Gate:
    """Lets so many in at a time as the address takes.

    Args:
        most: never more than this.

    Attributes:
        limit: how many may be inside now; its fraction is what has grown towards the next whole number.
    """

    def __init__(self, most: int) -> None:
        self.limit = float(most)
        self._most = float(most)
        self._inside = 0
        self._cuts = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def is_idle(self) -> bool:
        """Whether nobody is in or waits, and nothing was learned that is worth remembering."""
        return not self._inside and not self._queue and self.limit >= self._most

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn. An error of kind "host busy" inside halves the limit, an end without error raises it."""
        await self._enter()
        cuts = self._cuts
        try:
            yield
        except LinkError as error:
            if is_busy(error):
                self._cut(cuts)
            raise
        else:
            self.limit = min(self._most, self.limit + 1.0 / self.limit)
        finally:
            self._inside -= 1
            self._wake()

    async def _enter(self) -> None:
        if self._inside < int(self.limit) and not self._queue:
            self._inside += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._inside -= 1
                self._wake()
            elif turn in self._queue:
                self._queue.remove(turn)
            raise

    def _cut(self, cuts: int) -> None:
        """Halve the limit; once for all that were dropped together, which came in under the same limit."""
        if cuts == self._cuts:
            self._cuts += 1
            self.limit = max(_LEAST, min(self.limit, float(self._inside)) / 2.0)

    def _wake(self) -> None:
        while self._queue and self._inside < int(self.limit):
            turn = self._queue.popleft()
            if not turn.done():
                self._inside += 1
                turn.set_result(None)


class Gates:
    """One gate per address; forgotten when there is nothing to remember.

    Args:
        most: see `Gate`.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._gates: dict[Hashable, Gate] = {}

    @asynccontextmanager
    async def turn(self, address: Hashable) -> AsyncIterator[None]:
        """Wait for a turn at `address`; see `Gate.turn`."""
        gate = self._gates.setdefault(address, Gate(self._most))
        try:
            async with gate.turn():
                yield
        finally:
            if gate.is_idle and self._gates.get(address) is gate:
                del self._gates[address]

    def limit(self, address: Hashable) -> int:
        """How many logins are let in at `address` at a time."""
        gate = self._gates.get(address)
        return self._most if gate is None else int(gate.limit)


def is_busy(error: LinkError) -> bool:
    """Whether the host takes no more for the moment."""
    return isinstance(error.fault, Fault) and error.fault.kind is FaultKind.HOST_BUSY
