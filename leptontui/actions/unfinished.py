"""Actions that were broken off: begun in the audit, never ended. Asked again how they stand, and settled there.

The program was killed in between, or its machine went down. What it had sent off may have taken effect, or still be at
work: nothing is run again, the host is asked. What it says stands in the audit from then on as the end of the action.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from leptontui.actions.audit_reading import Entry, Json, broken_off, entries
from leptontui.actions.desk import Desk
from leptontui.actions.judging import WORKLOADS
from leptontui.actions.schedulers import stand_of
from leptontui.errors import ActionError, AuditError, CommandTimeout, GuardRefused, LinkError
from leptontui.model.action import ActionName, ActionRequest
from leptontui.model.activity import Unfinished
from leptontui.model.target import HostTarget
from leptontui.model.text import plain

_OF_THE_SCHEDULER: Final = frozenset(
    {ActionName.DRAIN, ActionName.UNDRAIN, ActionName.CORDON, ActionName.FAIL_OVER, ActionName.REBOOT}
)
"""Actions of which the host's scheduler knows best how they stand."""

_ELSEWHERE_S: Final = 24 * 3600.0
"""After so long, what was begun on another machine that shares the audit is taken for broken off, too."""

_WORDS: Final = 300
_SHOWN: Final = 2


class BrokenOff:
    """Knows this user's actions that were broken off. Lives on the engine's loop, but for `unfinished`.

    Args:
        desk: whose audit is read, and through which hosts are asked; nothing is run through it.
        clock: unix seconds.
        machine: this machine's name; None asks for it.
    """

    def __init__(self, desk: Desk, *, clock: Callable[[], float] = time.time, machine: str | None = None) -> None:
        self._desk, self._clock = desk, clock
        self._machine = socket.gethostname() if machine is None else machine
        self._found: dict[str, Unfinished] = {}
        self._shown: tuple[Unfinished, ...] = ()
        self._read_at: tuple[int, int] | None = None
        self._entries: tuple[Entry, ...] = ()

    @property
    def unfinished(self) -> tuple[Unfinished, ...]:
        """Oldest first; those that were settled in this session stay. Any thread."""
        return self._shown

    async def look_again(self) -> None:
        """Read the audit, ask how each stands, and settle there what can be told.

        Raises:
            AuditError: the audit cannot be read.
        """
        left = await self._desk.locks.left(self._desk.user)
        for plan_id in left - {_text(entry, "plan_id") for entry in await self._read()}:
            await self._desk.locks.settle(plan_id)  # it was broken off before it was begun: nothing of it was run
        for entry in await self._broken_off():
            found = await self._asked(entry)
            self._found[found.plan_id] = found
            self._shown = tuple(sorted(self._found.values(), key=lambda one: one.begun_unix_s))

    async def _broken_off(self) -> tuple[Entry, ...]:
        """Those that nobody is at: what is under way elsewhere holds its lock until its end is in the audit."""
        candidates = [entry for entry in await self._read() if await self._is_left(entry)]
        if not candidates:
            return ()
        # Whatever ended before its lock was found free has its end in the audit by now.
        still = {entry.get("plan_id") for entry in await self._read()}
        return tuple(entry for entry in candidates if entry.get("plan_id") in still)

    async def _read(self) -> tuple[Entry, ...]:
        """What the audit says was begun and has no end; read anew only where the file has changed."""
        path = self._desk.audit.path
        try:
            read_at, found = await asyncio.to_thread(_read_anew, path, self._read_at)
        except OSError as error:
            cause = f"the audit file {path} cannot be read: {error.strerror or error}"
            raise AuditError(cause, "what was broken off is not known") from error
        if found is not None:
            self._read_at, self._entries = read_at, found
        return self._entries

    async def _is_left(self, entry: Entry) -> bool:
        names = [name for key in ("host", "unit") if _is_locked(key, name := _text(entry, key))]
        return await self._desk.locks.holder(names) is None

    async def _asked(self, entry: Entry) -> Unfinished:
        """How one stands, asked now; what the host said is its end in the audit."""
        request = _request(entry)
        begun = entry.get("t_unix_s")
        one = Unfinished(
            plan_id=_text(entry, "plan_id"),
            title=_text(entry, "title") or f"{request.action} {request.unit} on {request.host}".replace("  ", " "),
            host=request.host,
            user=_text(entry, "user"),
            begun_unix_s=float(begun) if isinstance(begun, int | float) else 0.0,
        )
        elsewhere = _text(entry, "machine")
        if elsewhere not in {"", self._machine} and self._clock() - one.begun_unix_s < _ELSEWHERE_S:
            # A home that several machines share: whether it is still under way there cannot be told by locks here.
            return replace(one, said=f"it was begun on {elsewhere}, which may still be at it")
        target = self._desk.fleet.host(request.host)
        if target is None:
            return replace(one, said="it is not in this fleet, so it is not asked")
        try:
            said = await self._standing(request, target)
        except (LinkError, CommandTimeout) as error:
            return replace(one, said=plain(f"it could not be asked: {error.cause}", _WORDS))
        return await self._settled(replace(one, said=plain(said, _WORDS)), entry)

    async def _standing(self, request: ActionRequest, target: HostTarget) -> str:
        """What the host, or its scheduler, says of it now.

        Raises:
            LinkError: it cannot be reached.
            CommandTimeout: no answer in time.
        """
        try:
            if request.action in _OF_THE_SCHEDULER and target.scheduler is not None:
                return (await stand_of(self._desk.fleet, target, self._desk.reach)).said
            plan = (await self._desk.prepare(request)).plan
        except GuardRefused as refused:  # what stands in the way of doing it again is how it stands
            return refused.cause
        except ActionError as error:
            if isinstance(error.__cause__, LinkError | CommandTimeout):
                raise error.__cause__ from error
            return f"it cannot be told: {error.cause}"
        return "; ".join(plan.running_there[:_SHOWN] or plan.after_this[:_SHOWN]) or "nothing is said of it"

    async def _settled(self, one: Unfinished, entry: Entry) -> Unfinished:
        fields: dict[str, Json] = {
            "plan_id": one.plan_id,
            "user": one.user,
            "action": _text(entry, "action"),
            "host": one.host,
            "unit": _text(entry, "unit"),
            "outcome": "unknown",
            "summary": f"it was broken off; asked again: {one.said}",
        }
        try:
            await self._desk.audit.write("settled", self._clock(), fields)
        except AuditError as error:
            return replace(one, said=f"{one.said} — {error.cause}")
        await self._desk.locks.settle(one.plan_id)
        return replace(one, is_settled=True)


def _read_anew(path: Path, read_at: tuple[int, int] | None) -> tuple[tuple[int, int] | None, tuple[Entry, ...] | None]:
    """When and what; no lines where the file is as it was at `read_at` (its size in bytes and time in ns)."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None, ()
    now = (found.st_size, found.st_mtime_ns)
    return now, None if now == read_at else broken_off(entries(path))


def _is_locked(key: str, name: str) -> bool:
    return bool(name) and (key == "host" or name.startswith(WORKLOADS))


def _request(entry: Entry) -> ActionRequest:
    params = entry.get("params")
    pairs = params.items() if isinstance(params, dict) else ()
    return ActionRequest(
        _text(entry, "action"),
        _text(entry, "host"),
        _text(entry, "unit"),
        _text(entry, "reason"),
        tuple(sorted((name, value) for name, value in pairs if isinstance(value, str))),
    )


def _text(entry: Entry, key: str) -> str:
    value = entry.get(key)
    return plain(value, _WORDS) if isinstance(value, str) else ""
