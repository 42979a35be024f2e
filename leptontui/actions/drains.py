"""Drains that are remembered: kept before they are begun, over restarts, until they are seen to have ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from leptontui.actions.drain_file import DrainFile, Kept, KeptDrain, default_path
from leptontui.actions.reach import Prepared
from leptontui.actions.schedulers import ReachOf, stand_of
from leptontui.actions.stand import Stand
from leptontui.actions.to_the_end import to_the_end
from leptontui.errors import ActionError, CommandTimeout, LinkError
from leptontui.model.action import OutcomeKind
from leptontui.model.activity import Drained
from leptontui.model.target import Fleet
from leptontui.model.text import plain

_LOG = logging.getLogger(__name__)

_ASKED_AT_ONCE: Final = 4
"""Hosts asked about at the same time: sshd lets ten commands run over one connection (MaxSessions)."""


class Drains:
    """What this user has taken out of service with the program. Lives on one event loop, but for `drained`.

    A drain is written down before its command is run, so that it is not forgotten where the program is killed in
    between; whether it took effect is asked when it is looked at again.

    Args:
        path: the file; None means `drains.json` in the user's state directory.
        fleet_of: the fleet at this moment.
        reach_of: the way to a controller, connected.
        clock: unix seconds.

    Attributes:
        trouble: why the file could not be read or written the last time, "" if it could.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        fleet_of: Callable[[], Fleet],
        reach_of: ReachOf,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file = DrainFile(path if path is not None else default_path())
        self._fleet_of = fleet_of
        self._reach_of = reach_of
        self._clock = clock
        self._seen: dict[tuple[str, str], Drained] = {}
        self._drained: tuple[Drained, ...] = ()
        self._before: dict[str, Kept] = {}
        self._under_way: dict[str, frozenset[tuple[str, str]]] = {}
        self.trouble = ""

    @property
    def drained(self) -> tuple[Drained, ...]:
        """What is out of service, oldest first. Any thread; immediate; empty until it was looked at once."""
        return self._drained

    async def expect(self, prepared: Prepared) -> str:
        """Write down what a plan takes out of service, before its first command.

        Returns:
            Why it could not be written, in words; "" if it was.
        """
        taken = self._kept(prepared)
        before: Kept = {}

        def edit(kept: Kept) -> None:
            before.update({drain.key: kept[drain.key] for drain in taken if drain.key in kept})
            for drain in taken:
                since = before[drain.key].since_unix_s if drain.key in before else drain.since_unix_s
                kept[drain.key] = replace(drain, since_unix_s=since)

        if not taken:
            return ""
        self._under_way[prepared.plan.plan_id] = frozenset(drain.key for drain in taken)
        await self._change(edit)
        self._before[prepared.plan.plan_id] = before
        return self._complaint()

    async def settle(self, prepared: Prepared, kind: OutcomeKind) -> str:
        """Say how a plan ended: what failed is as it was before, and what is verified to be back is forgotten.

        Where it is not known whether it took effect, it is remembered, and asked for.

        Returns:
            Why it could not be written, in words; "" if it was.
        """
        taken, given_back = self._kept(prepared), prepared.deed.gives_back()
        before = self._before.pop(prepared.plan.plan_id, {})
        self._under_way.pop(prepared.plan.plan_id, None)
        if not taken and not given_back:
            return ""
        is_undone = kind in {OutcomeKind.FAILED, OutcomeKind.REFUSED}

        def edit(kept: Kept) -> None:
            for drain in taken:
                if not is_undone:
                    kept.setdefault(drain.key, drain)
                elif drain.key in before:
                    kept[drain.key] = before[drain.key]
                else:
                    kept.pop(drain.key, None)
            if kind is OutcomeKind.VERIFIED:
                for key in [key for key in kept if key in self._keys(given_back)]:
                    del kept[key]

        await self._change(edit)
        complaint = self._complaint()
        await self._look_at([key for key in self._keys(drain.host for drain in taken) if key in self._seen])
        return complaint

    async def forget(self, host: str) -> None:
        """Strike a host off the list, as it stands in this fleet. Changes nothing on its scheduler."""
        keys = self._keys([host])

        def edit(kept: Kept) -> None:
            for key in keys:
                kept.pop(key, None)

        await self._change(edit)

    async def look_again(self) -> None:
        """Read the file and ask how each host stands; what is in service again is forgotten."""
        await self._change(lambda _: None)
        await self._look_at([*self._seen])

    async def _look_at(self, keys: list[tuple[str, str]]) -> None:
        room = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def look(key: tuple[str, str]) -> tuple[str, str] | None:
            async with room:
                return key if await self._is_over(key) else None

        over = [key for key in await asyncio.gather(*map(look, keys)) if key is not None]
        under_way = frozenset[tuple[str, str]]().union(*self._under_way.values())
        ended = [key for key in over if key not in under_way and key in self._seen]
        if not ended:
            return

        def edit(kept: Kept) -> None:
            for key in ended:
                kept.pop(key, None)

        for host, _ in ended:
            _LOG.info("%s is in service again: its drain is not remembered any more", host)
        await self._change(edit)

    async def _is_over(self, key: tuple[str, str]) -> bool:
        """Ask how one host stands and keep the answer; whether it is in service again."""
        fleet, drain = self._fleet_of(), self._seen[key]
        target = fleet.host(drain.host)
        if target is None or (target.controller or "") != key[1]:
            self._keep(key, replace(drain, said=f"it is not in this fleet: its controller is {plain(key[1], 60)}"))
            return False
        try:
            stand = await stand_of(fleet, target, self._reach_of)
        except (ActionError, LinkError, CommandTimeout) as error:
            self._keep(key, replace(drain, said=f"it could not be asked: {error.cause}", is_empty=None))
            return False
        self._keep(key, replace(drain, said=_said(drain, stand), is_empty=stand.is_empty, asked_unix_s=self._clock()))
        return not (stand.is_out or stand.is_rebooting)

    def _keep(self, key: tuple[str, str], drain: Drained) -> None:
        if key in self._seen:  # it may have been given back while it was asked
            self._seen[key] = drain
            self._publish()

    def _kept(self, prepared: Prepared) -> list[KeptDrain]:
        return [
            KeptDrain(
                host=drain.host,
                controller=self._controller_of(drain.host),
                scheduler=drain.scheduler,
                node=drain.node,
                reason=drain.reason,
                since_unix_s=drain.since_unix_s or self._clock(),
            )
            for drain in prepared.deed.takes_out()
        ]

    def _keys(self, hosts: Iterable[str]) -> list[tuple[str, str]]:
        return [(host, self._controller_of(host)) for host in hosts]

    def _controller_of(self, host: str) -> str:
        target = self._fleet_of().host(host)
        return (target.controller if target is not None else None) or ""

    async def _change(self, edit: Callable[[Kept], None]) -> None:
        try:
            kept = await to_the_end(self._file.change, edit)
        except OSError as error:
            self.trouble = f"{self._file.path}: {error.strerror or error}"
            _LOG.warning("remembered drains cannot be kept: %s", self.trouble)
            kept = {key: _as_kept(key, drain) for key, drain in self._seen.items()}
            edit(kept)  # then it is remembered at least until the program ends
        else:
            self.trouble = ""
        self._seen = {key: _as_seen(drain, self._seen.get(key)) for key, drain in kept.items()}
        self._publish()

    def _publish(self) -> None:
        self._drained = tuple(sorted(self._seen.values(), key=lambda drain: (drain.since_unix_s, drain.host)))

    def _complaint(self) -> str:
        return f"it is remembered only until the program ends: {self.trouble}" if self.trouble else ""


def _as_seen(kept: KeptDrain, seen: Drained | None) -> Drained:
    fresh = Drained(kept.host, kept.node, kept.scheduler, kept.reason, kept.since_unix_s)
    if seen is None or (seen.reason, seen.since_unix_s) != (kept.reason, kept.since_unix_s):
        return fresh
    return seen


def _as_kept(key: tuple[str, str], seen: Drained) -> KeptDrain:
    return KeptDrain(
        host=seen.host,
        controller=key[1],
        scheduler=seen.scheduler,
        node=seen.node,
        reason=seen.reason,
        since_unix_s=seen.since_unix_s,
    )


def _said(drain: Drained, stand: Stand) -> str:
    """How it stands; where somebody has given another reason meanwhile, that comes first. Slurm itself adds to one."""
    if not stand.is_out or stand.reason.startswith(drain.reason):
        return stand.said
    by = f" [{stand.by}]" if stand.by else ""
    return f"it is out for another reason now: {stand.reason or 'none given'}{by}; {stand.said}"
