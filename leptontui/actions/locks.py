"""Locks on hosts that all users of this machine share, so that nobody acts where somebody else does.

A lock is flock(2) on an empty file: the kernel lets go of it when its process ends, however it ends, so there are no
stale ones. The files lie in a folder like /run/lock, which is root's, and in which nobody can remove another's files;
they are read by all and written by nobody. Who does what is in `acts`. It holds against mistakes, not against malice:
who may log in to a host needs no lock to act there.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from leptontui.actions.acts import Act, append, end_of, line_of, read_acts, traffic_of
from leptontui.actions.blast import Traffic
from leptontui.actions.guard import Objection
from leptontui.actions.lock_files import MEND, gate, is_free, open_lock, shared_folder, try_lock
from leptontui.actions.names import node_names
from leptontui.actions.to_the_end import to_the_end
from leptontui.errors import ActionError, GuardRefused
from leptontui.model.text import plain

Judge = Callable[[Traffic], None]
"""Raises `GuardRefused` where what else is going on speaks against an action."""


class Hold(Protocol):
    """What is held until an action has ended."""

    @property
    def traffic(self) -> Traffic:
        """What else was going on when it was taken."""

    async def release(self) -> None:
        """Let go. Never raises."""


class Locks(Protocol):
    """Keeps actions out of each other's way."""

    async def take(self, act: Act, judge: Judge) -> Hold:
        """Hold all that an action needs.

        Raises:
            GuardRefused: somebody holds it, `judge` has something against it, or it cannot be told.
        """

    async def look(self) -> Traffic:
        """What is going on now.

        Raises:
            ActionError: it cannot be told.
        """

    async def holder(self, names: Sequence[str]) -> Objection | None:
        """Who acts on any of these now; None for nobody. Also where it cannot be told."""

    async def left(self, user: str) -> frozenset[str]:
        """Plans of this user whose locks nobody holds any more, and whose end is not known. Never raises."""

    async def settle(self, plan_id: str) -> None:
        """It is known how an action of this user ended that was broken off. Never raises."""


def lock_name(target: str) -> str:
    """By what name a host is locked: users may call it by its whole name or its first label, with user and port."""
    if ":" in target and "/" in target:
        return target  # a workload: kube:NS/KIND/NAME
    try:
        return node_names(target)[-1].lower()
    except ActionError:
        return target.lower()


class SharedLocks:
    """Locks in a folder; implements `Locks`.

    Args:
        folder: says where they are; it may raise `ActionError`.
        clock: unix time.
    """

    def __init__(self, folder: Callable[[], Path] = shared_folder, *, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._clock = folder, clock

    async def take(self, act: Act, judge: Judge) -> Hold:
        """See `Locks.take`."""
        taking = asyncio.create_task(asyncio.to_thread(self._take, act, judge))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            taking.add_done_callback(_let_go)  # it may come to hold them after we are gone
            raise

    async def look(self) -> Traffic:
        """See `Locks.look`."""
        return await asyncio.to_thread(self._look)

    async def holder(self, names: Sequence[str]) -> Objection | None:
        """See `Locks.holder`."""
        return await asyncio.to_thread(self._holder, tuple(lock_name(name) for name in names))

    async def left(self, user: str) -> frozenset[str]:
        """See `Locks.left`."""
        return await asyncio.to_thread(self._left, user)

    async def settle(self, plan_id: str) -> None:
        """See `Locks.settle`."""
        await asyncio.to_thread(self._end, plan_id)

    def _take(self, act: Act, judge: Judge) -> SharedHold:
        handles: list[int] = []
        try:
            return self._hold(act, judge, handles)
        except BaseException as error:
            _close(handles)
            if isinstance(error, OSError) or (isinstance(error, ActionError) and not isinstance(error, GuardRefused)):
                raise _unusable(error).refusal() from error
            raise

    def _hold(self, act: Act, judge: Judge, handles: list[int]) -> SharedHold:
        act = replace(act, names=tuple(dict.fromkeys(lock_name(name) for name in act.names)))
        folder = self._folder()
        with gate(folder):
            acts = read_acts(folder)
            traffic = traffic_of(acts, _held(folder, acts), self._clock())
            for name in act.names:
                handles.append(open_lock(folder, name))
                if not try_lock(handles[-1]):
                    raise busy(name, acts).refusal()
            judge(traffic)
            append(folder, os.geteuid(), line_of(act), self._clock())
            return SharedHold(self, act.plan_id, traffic, handles)

    def _look(self) -> Traffic:
        try:
            folder = self._folder()
            with gate(folder):
                acts = read_acts(folder)
                return traffic_of(acts, _held(folder, acts), self._clock())
        except OSError as error:
            unusable = _unusable(error)
            raise ActionError(unusable.cause, unusable.mend) from error

    def _holder(self, names: tuple[str, ...]) -> Objection | None:
        try:
            folder = self._folder()
            with gate(folder):
                acts = read_acts(folder)
                return next((busy(name, acts) for name in names if not is_free(folder, name)), None)
        except (OSError, ActionError) as error:
            return _unusable(error)

    def _left(self, user: str) -> frozenset[str]:
        try:
            folder = self._folder()
            with gate(folder):
                acts = [act for act in read_acts(folder) if act.user == user and not act.has_ended]
                held = _held(folder, acts)
                return frozenset(act.plan_id for act in acts if held.isdisjoint(act.names))
        except (OSError, ActionError):
            return frozenset()

    def _end(self, plan_id: str) -> None:
        try:
            folder = self._folder()
            with gate(folder):
                append(folder, os.geteuid(), end_of(plan_id), self._clock())
        except (OSError, ActionError):
            return  # it stays "its end is not known": that asks for a look, and harms nobody


@dataclass(frozen=True, slots=True)
class SharedHold:
    """Locks that are held; implements `Hold`.

    Attributes:
        locks: whose.
        plan_id: for which plan.
        traffic: see `Hold`.
        handles: the open files; emptied when they are let go.
    """

    locks: SharedLocks
    plan_id: str
    traffic: Traffic
    handles: list[int]

    async def release(self) -> None:
        """See `Hold.release`."""
        await to_the_end(self.let_go)

    def let_go(self) -> None:
        """As `release`, at once."""
        try:
            self.locks._end(self.plan_id)
        finally:
            _close(self.handles)


def _let_go(taking: asyncio.Task[SharedHold]) -> None:
    if not taking.cancelled() and taking.exception() is None:
        taking.result().let_go()  # nothing was run


def _close(handles: list[int]) -> None:
    while handles:
        os.close(handles.pop())  # lets go of the lock as well


def busy(name: str, acts: Sequence[Act]) -> Objection:
    """Somebody holds the lock of this name: who, as far as it is known."""
    there = [act for act in acts if name in act.names and not act.has_ended]
    who = max(there, key=lambda act: act.begun_unix_s, default=None)
    by = "" if who is None else f": {who.words} at {time.strftime('%H:%M:%S', time.localtime(who.begun_unix_s))}"
    return Objection("busy", f"another action is under way on {plain(name, 80)}{by}", "wait until it has ended")


def _unusable(error: OSError | ActionError) -> Objection:
    if isinstance(error, ActionError):
        return Objection("locks", error.cause, error.mend)
    place = f"{error.filename}: " if error.filename else ""
    why = f"{place}{error.strerror or error}"
    return Objection("locks", f"the locks that users share cannot be used, so nothing is run: {why}", MEND)


def _held(folder: Path, acts: Sequence[Act]) -> frozenset[str]:
    names = {name for act in acts if not act.has_ended for name in act.names}
    return frozenset(name for name in names if not is_free(folder, name))
