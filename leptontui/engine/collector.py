"""The bounded queue between the links and the store: what does not fit is dropped, that of the loudest host first."""

from __future__ import annotations

import asyncio
from collections import deque
from operator import itemgetter
from typing import Final

from leptontui.wire import Received, Sweep

SWEEPS_OF_A_HOST: Final = 32
"""Live sweeps of one host in one tick: at one a second a tick holds one; more than these no chart could show."""

MESSAGES_OF_A_HOST: Final = 2048
"""Everything else of one host in one tick: events, and the sweeps of its past that come with a new link."""
_MARKED_S: Final = 60.0


class _Queue:
    """What one host said since the last tick, each with its number."""

    __slots__ = ("live", "other")

    def __init__(self) -> None:
        self.live: deque[tuple[int, Received]] = deque()
        self.other: deque[tuple[int, Received]] = deque()

    def __len__(self) -> int:
        return len(self.live) + len(self.other)

    def drop(self) -> None:
        """Drop the oldest: a sweep that newer ones follow, else whatever there is."""
        (self.live or self.other).popleft()


class _Lengths:
    """Hosts by how much of each is queued, so that the loudest is known without asking all of them."""

    def __init__(self) -> None:
        self._hosts: list[dict[str, None]] = [{}]
        self._longest = 0

    def change(self, host: str, before: int, after: int) -> None:
        """So much of `host` is queued now: one more or less than before."""
        self._hosts[before].pop(host, None)
        if after == len(self._hosts):
            self._hosts.append({})
        if after:
            self._hosts[after][host] = None
        self._longest = max(self._longest, after)
        while self._longest and not self._hosts[self._longest]:
            self._longest -= 1

    def loudest(self) -> str:
        """The host of which most is queued, of several the one that has been so for longest."""
        return next(iter(self._hosts[self._longest]))


class Collector:
    """Holds what was received since the last tick. Used on the engine's loop only.

    Args:
        capacity: messages held at most, of all hosts together.
    """

    def __init__(self, capacity: int) -> None:
        self._queues: dict[str, _Queue] = {}
        self._lengths = _Lengths()
        self._capacity = capacity
        self._count = 0
        self._number = 0
        self._pressing = asyncio.Event()
        self.dropped = 0
        self._dropped_at: dict[str, float] = {}

    def resize(self, capacity: int) -> None:
        """Hold so many from now on."""
        self._capacity = capacity

    def offer(self, received: Received) -> None:
        """Queue one message; drops and counts the oldest where there are too many, that of the same host first."""
        queue = self._queues.get(received.host)
        if queue is None:
            queue = self._queues[received.host] = _Queue()
        is_live = isinstance(received.message, Sweep) and not received.message.is_history
        side, most = (queue.live, SWEEPS_OF_A_HOST) if is_live else (queue.other, MESSAGES_OF_A_HOST)
        self._number += 1
        side.append((self._number, received))
        self._count += 1
        if len(side) > most:
            side.popleft()
            self._drop_one(received)
        else:
            length = len(queue)
            self._lengths.change(received.host, length - 1, length)
            if self._count > self._capacity:
                self._drop_of_the_loudest(received)
        if self._count * 2 >= self._capacity or len(side) * 4 >= most:
            self._pressing.set()

    def drain(self) -> list[Received]:
        """Everything queued, that of each host in the order in which it came; the queue is empty afterwards."""
        said = [item for queue in self._queues.values() for item in (*queue.live, *queue.other)]
        said.sort(key=itemgetter(0))
        self._queues.clear()
        self._lengths = _Lengths()
        self._count = 0
        self._pressing.clear()
        return [received for _, received in said]

    async def wait(self, seconds: float) -> None:
        """Wait `seconds`, or less when the queue is half full or holds much of one host."""
        try:
            async with asyncio.timeout(seconds):
                await self._pressing.wait()
        except TimeoutError:
            return

    def flooding(self, mono_s: float) -> list[str]:
        """Hosts of which something was dropped in the last minute by our monotonic clock."""
        self._dropped_at = {host: at for host, at in self._dropped_at.items() if at > mono_s - _MARKED_S}
        return sorted(self._dropped_at)

    def _drop_of_the_loudest(self, received: Received) -> None:
        host = self._lengths.loudest()
        queue = self._queues[host]
        queue.drop()
        self._lengths.change(host, len(queue) + 1, len(queue))
        self._drop_one(received, host)

    def _drop_one(self, received: Received, host: str | None = None) -> None:
        self._count -= 1
        self.dropped += 1
        self._dropped_at[host or received.host] = received.t_mono_s
