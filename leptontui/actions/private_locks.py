"""Locks of this process only, for a simulated fleet: nobody else acts on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from leptontui.actions.acts import Act, traffic_of
from leptontui.actions.blast import Traffic
from leptontui.actions.guard import Objection
from leptontui.actions.locks import Hold, Judge, busy, lock_name


class PrivateLocks:
    """Locks in memory; implements `locks.Locks`.

    Args:
        clock: unix time.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._acts: dict[str, Act] = {}
        self._held: set[str] = set()

    async def take(self, act: Act, judge: Judge) -> Hold:
        """See `Locks.take`."""
        act = replace(act, names=tuple(dict.fromkeys(lock_name(name) for name in act.names)))
        traffic = await self.look()
        taken = next((name for name in act.names if name in self._held), None)
        if taken is not None:
            raise busy(taken, tuple(self._acts.values())).refusal()
        judge(traffic)
        self._acts[act.plan_id] = act
        self._held.update(act.names)
        return PrivateHold(self, act, traffic)

    async def look(self) -> Traffic:
        """See `Locks.look`."""
        return traffic_of(self._acts.values(), frozenset(self._held), self._clock())

    async def holder(self, names: Sequence[str]) -> Objection | None:
        """See `Locks.holder`."""
        acts = tuple(self._acts.values())
        return next((busy(name, acts) for name in map(lock_name, names) if name in self._held), None)

    async def left(self, user: str) -> frozenset[str]:
        """See `Locks.left`."""
        return frozenset(
            act.plan_id
            for act in self._acts.values()
            if act.user == user and not act.has_ended and self._held.isdisjoint(act.names)
        )

    async def settle(self, plan_id: str) -> None:
        """See `Locks.settle`."""
        if plan_id in self._acts:
            self._acts[plan_id] = replace(self._acts[plan_id], has_ended=True)

    def drop(self, names: tuple[str, ...]) -> None:
        """Hold these no longer."""
        self._held.difference_update(names)


@dataclass(frozen=True, slots=True)
class PrivateHold:
    """What is held in this process; implements `Hold`."""

    locks: PrivateLocks
    act: Act
    traffic: Traffic

    async def release(self) -> None:
        """See `Hold.release`."""
        await self.locks.settle(self.act.plan_id)
        self.locks.drop(self.act.names)
