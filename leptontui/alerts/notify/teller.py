"""Tells one address: asks what is due, sends it, tries again later; one message at a time, so that order is kept."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from leptontui.alerts.notify.courier import Courier
from leptontui.alerts.notify.spec import NotifierSpec
from leptontui.model.alert import AlertGroup, NotifierStatus
from leptontui.model.alert_history import Transition

FIRST_RETRY_S: Final = 5.0
LONGEST_RETRY_S: Final = 300.0
LIMIT_S: Final = 30.0
"""A message that has not left by then counts as not sent."""
_MOST_DOUBLINGS: Final = 16
_NEVER_SPIN_S: Final = 0.05
"""Where something is due by a hair's breadth of the clock only."""


class Duty(Protocol):
    """What one kind of notifier does: remembers, finds what is due, and sends it."""

    def look(self, groups: Sequence[AlertGroup], transitions: Sequence[Transition], now: float) -> None:
        """Step on to another board."""

    def next_unix_s(self, now: float) -> float | None:
        """When `take` has something if nothing changes: a time that is past means now; None means never."""

    def take(self, now: float, *, is_leaving: bool) -> Callable[[], str] | None:
        """Something to send, as a call that blocks and says what went wrong; None if nothing is due."""

    def settle(self, trouble: str, now: float) -> bool:
        """Note how what `take` gave last went; whether that is worth remembering over a restart."""

    @property
    def waiting(self) -> int:
        """Messages that should have been sent by now."""

    @property
    def sent(self) -> int:
        """Messages delivered."""

    @property
    def failing_unix_s(self) -> float | None:
        """Since when nothing gets through."""


class Teller:
    """Looks after one address.

    Args:
        spec: which.
        duty: what it does there.
        clock: unix seconds.
        chance: where jitter comes from.
        on_settled: called when there is something new to remember.
        limit_s: time limit of one attempt.
        first_retry_s: bound of the first pause after a failure.
    """

    def __init__(
        self,
        spec: NotifierSpec,
        duty: Duty,
        clock: Callable[[], float],
        chance: random.Random,
        on_settled: Callable[[], None],
        limit_s: float = LIMIT_S,
        first_retry_s: float = FIRST_RETRY_S,
    ) -> None:
        self.spec = spec
        self.duty = duty
        self.status = NotifierStatus(spec.name, sent=duty.sent, failing_since_unix_s=duty.failing_unix_s)
        self._clock = clock
        self._chance = chance
        self._on_settled = on_settled
        self._limit_s = limit_s
        self._first_retry_s = first_retry_s
        self._courier = Courier(spec.name)
        self._changed = asyncio.Event()
        self._failures = 0
        self._retry_unix_s = 0.0
        self._trouble = ""
        self._flight: asyncio.Future[str] | None = None

    def offer(self, groups: Sequence[AlertGroup], transitions: Sequence[Transition], now: float) -> None:
        """Step on to another board; what is due is sent by `run`."""
        self.duty.look(groups, transitions, now)
        self._restate()
        self._changed.set()

    async def run(self) -> None:
        """Send what is due, until cancelled. What is on its way then is left to `leave`."""
        while True:
            self._changed.clear()
            pause_s = self._pause_s()
            if pause_s is None or pause_s > 0:
                await self._wait(pause_s)
            elif not await self._tell(is_leaving=False):
                await asyncio.sleep(_NEVER_SPIN_S)

    async def leave(self, limit_s: float) -> None:
        """Let what is on its way arrive, then send what waits, within the limit; the rest is remembered."""
        try:
            async with asyncio.timeout(limit_s):
                if self._flight is not None:
                    self._settle(await asyncio.shield(self._flight))
                if not self._trouble or self._clock() >= self._retry_unix_s:  # else it would only fail again
                    await self._tell(is_leaving=True)
        except TimeoutError:
            pass
        finally:
            self._courier.leave()

    def stumble(self, trouble: str) -> None:
        """Note a fault of our own."""
        self._trouble = trouble
        self._restate()

    def _pause_s(self) -> float | None:
        now = self._clock()
        at = self.duty.next_unix_s(now)
        if at is None:
            return None
        return max(at, min(self._retry_unix_s, now + LONGEST_RETRY_S)) - now

    async def _wait(self, pause_s: float | None) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _tell(self, *, is_leaving: bool) -> bool:
        """Send one message; whether there was one."""
        send = self.duty.take(self._clock(), is_leaving=is_leaving)
        if send is None:
            return False
        # Shielded: a message on its way cannot be called back, only waited for.
        self._flight = asyncio.ensure_future(self._courier.carry(send, self._limit_s))
        self._settle(await asyncio.shield(self._flight))
        return True

    def _settle(self, trouble: str) -> None:
        self._flight = None
        now = self._clock()
        is_news = self.duty.settle(trouble, now)
        self._trouble = trouble
        if trouble:
            self._failures = min(self._failures + 1, _MOST_DOUBLINGS)
            bound = min(LONGEST_RETRY_S, self._first_retry_s * 2.0 ** (self._failures - 1))
            self._retry_unix_s = now + self._chance.uniform(bound / 2, bound)
        else:
            self._failures, self._retry_unix_s = 0, 0.0
        self._restate()
        if is_news:
            self._on_settled()

    def _restate(self) -> None:
        duty = self.duty
        status = NotifierStatus(self.spec.name, duty.sent, duty.waiting, duty.failing_unix_s, self._trouble)
        if status != self.status:
            self.status = status
