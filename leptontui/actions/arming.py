"""Whether a session may act, and until when: armed by its user, for a while after the last action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from leptontui.actions.guard import Objection, armed

_SET_BACK_S: Final = 60.0
"""A clock that is set back by more than this ends it: nobody knows then how long it has lasted."""


class Arming:
    """Callable from any thread.

    Args:
        clock: unix seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until_unix_s: float | None = None
        self._for_s = 0.0

    @property
    def armed_until_unix_s(self) -> float | None:
        """When it expires; None while read-only."""
        until = self._until_unix_s
        return until if until is not None and self._now(until) < until else None

    @property
    def is_off(self) -> bool:
        """Whether it was never armed, or that was taken back; not whether it has expired."""
        return self._until_unix_s is None

    def objection(self) -> Objection | None:
        """What stands against acting now: that it is read-only, or is so again."""
        until = self._until_unix_s
        return armed(until, 0.0 if until is None else self._now(until))

    def arm(self, for_s: float) -> float:
        """Arm for so many seconds from now on; returns when that expires."""
        until = self._clock() + for_s
        self._until_unix_s, self._for_s = until, for_s
        return until

    def prolong(self, for_s: float) -> None:
        """An action was taken: it expires so long after it, unless it was taken back meanwhile."""
        if self._until_unix_s is not None:
            self.arm(for_s)

    def disarm(self) -> None:
        """Go back to read-only at once."""
        self._until_unix_s = None

    def _now(self, until: float) -> float:
        """The time; the end of it where the clock was set back."""
        now = self._clock()
        return now if until - now <= self._for_s + _SET_BACK_S else until
