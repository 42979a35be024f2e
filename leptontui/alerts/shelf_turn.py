"""One turn at the alerts' database: renew the lease, write what there is, read what others have shared. Blocks."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from leptontui.alerts.cares import Care
from leptontui.alerts.shelf import Changes, Shared, Shelf
from leptontui.alerts.shelf_file import is_damage
from leptontui.errors import AlertError
from leptontui.model.alert import Alert
from leptontui.model.alert_history import HistoryQuery, Transition

LEASE_S: Final = 15.0
"""An instance that is not heard of for so long no longer tells people: the next one does."""
REMEMBERED_S: Final = 3600.0
"""So much of what happened is read at the beginning."""
_PRUNE_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was written down before.

    Attributes:
        alive: what fired then.
        recent: what happened in the last hour, newest first.
        kept: further texts by name, those that were asked for.
    """

    alive: tuple[Alert, ...] = ()
    recent: tuple[Transition, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn came to.

    Attributes:
        shared: acknowledgements and silences of all instances.
        keeper: who else keeps the history and tells people; "" if it is this one, or nobody.
        remembered: what was written down before; None if it was not asked for.
        moved_aside: where a damaged file is now; "" if there was none.
    """

    shared: Shared
    keeper: str
    remembered: Remembered | None
    moved_aside: str = ""


def merged(changes: Sequence[Changes]) -> Changes:
    """Several, in order, as one."""
    whole = [one.alive for one in changes if one.alive is not None]
    return Changes(
        tuple(transition for one in changes for transition in one.transitions),
        whole[-1] if whole else None,
        {name: body for one in changes for name, body in one.kept.items()},
        frozenset().union(*(one.ended for one in changes)),
    )


class ShelfTurns:
    """The database of one fleet's alerts as one instance works at it. For one thread.

    Args:
        path: the file; None keeps everything in memory.
        scope: which fleet.
        can_keep: whether this instance may take the lease; one that may not makes no file either.
        names: of the further texts to read with what is remembered.
    """

    def __init__(self, path: Path | None, scope: str, *, can_keep: bool, names: tuple[str, ...]) -> None:
        self._path, self._scope, self._can_keep, self._names = path, scope, can_keep, names
        self._holder = secrets.token_hex(8)
        self._who = f"another leptontui, process {os.getpid()} on {socket.gethostname()}"
        self._shelf: Shelf | None = None
        self._pruned_unix_s: float | None = None

    def turn(self, cares: Sequence[Care], changes: Sequence[Changes], now_unix_s: float, *, asks: bool) -> Turn:
        """Do all of it.

        Args:
            cares: what users said since the last turn.
            changes: what happened since; dropped if another instance keeps the history.
            now_unix_s: now.
            asks: whether what was written down before is read.

        Raises:
            AlertError: the file cannot be read or written; all that was not written is to be given again.
        """
        shelf = self._opened()
        if shelf is None:
            return Turn(Shared(), "", Remembered() if asks else None)
        try:
            remembered = self._remembered(shelf, now_unix_s) if asks else None
            for care in cares:
                care.write(shelf)
            keeper = shelf.lease(self._holder, self._who, now_unix_s, LEASE_S) if self._can_keep else ""
            if changes and self._can_keep and not keeper:
                shelf.record(self._holder, merged(changes))  # at once: nothing is written twice when it is tried again
            if self._pruned_unix_s is None or abs(now_unix_s - self._pruned_unix_s) > _PRUNE_S:
                self._prune(shelf, now_unix_s)
            return Turn(shelf.shared(now_unix_s), keeper, remembered, shelf.moved_aside)
        except AlertError as error:
            if is_damage(error):
                self._shelf = None  # the next turn moves it aside and begins anew
                shelf.close()
            raise

    def history(self, query: HistoryQuery) -> tuple[Transition, ...]:
        """What happened, newest first.

        Raises:
            AlertError: the file cannot be read.
        """
        shelf = self._opened()
        return () if shelf is None else shelf.history(query)

    def remembered(self, now_unix_s: float) -> Remembered:
        """What was written down, by whichever instance.

        Raises:
            AlertError: the file cannot be read.
        """
        shelf = self._opened()
        return Remembered() if shelf is None else self._remembered(shelf, now_unix_s)

    def end(self, changes: Sequence[Changes]) -> None:
        """Write what is left, give the lease up, close the file. What cannot be done any more is left."""
        shelf, self._shelf = self._shelf, None
        if shelf is None:
            return
        with suppress(AlertError):
            shelf.record(self._holder, merged(changes))
            shelf.release(self._holder)
        shelf.close()

    def _opened(self) -> Shelf | None:
        is_there = self._path is None or self._can_keep or self._path.exists()
        if self._shelf is None and is_there:
            self._shelf = Shelf(self._path, self._scope)
        return self._shelf

    def _remembered(self, shelf: Shelf, now_unix_s: float) -> Remembered:
        recent = shelf.history(HistoryQuery(since_unix_s=now_unix_s - REMEMBERED_S))
        return Remembered(shelf.alive(), recent, {name: shelf.kept(name) for name in self._names})

    def _prune(self, shelf: Shelf, now_unix_s: float) -> None:
        if self._can_keep:
            shelf.prune(now_unix_s)
        self._pruned_unix_s = now_unix_s
