"""The policies at this moment: their files are looked at whenever they are asked for, and read where they changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from leptontui.config.policy import SYSTEM, read_policies, user_policy
from leptontui.model.policy import Policies

_SETTLED_S: Final = 2.0
"""What was changed so lately may change again within the same tick of the clock, unseen: it is read every time."""

_Stamp = tuple[int, int, int, int, int, int, int]


class PolicyBook:
    """Say what holds now, by calling it. Any thread.

    Args:
        system: the system's policy.
        user: the user's own; None for the usual place.
        read: reads both.
        clock: unix seconds.
    """

    def __init__(
        self,
        system: Path = SYSTEM,
        user: Path | None = None,
        *,
        read: Callable[[Path, Path | None], Policies] = read_policies,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._system, self._user, self._read, self._clock = system, user, read, clock
        self._kept: tuple[tuple[_Stamp | None, ...], Policies] | None = None

    def __call__(self) -> Policies:
        """What holds now. Never raises."""
        own = self._user if self._user is not None else user_policy()
        paths = [self._system.parent, self._system, *(() if own is None else (own,))]
        stamps, kept = tuple(_stamp(path) for path in paths), self._kept
        if kept is not None and kept[0] == stamps:
            return kept[1]
        found = self._read(self._system, self._user)
        latest_ns = max((max(stamp[2], stamp[3]) for stamp in stamps if stamp is not None), default=0)
        self._kept = (stamps, found) if self._clock() - latest_ns / 1e9 > _SETTLED_S else None
        return found


def _stamp(path: Path) -> _Stamp | None:
    """What changes with a file, its owner or its mode; None where it cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (
        found.st_dev,
        found.st_ino,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_size,
        found.st_uid,
        found.st_mode,
    )
