"""Whether a session may act, and until when: armed by its user, for a while after the last action."""

from __future__ import annotations

from collections.abc import Callable

from leptontui.actions.guard import Objection, armed


class Arming:
    """Callable from any thread.

    Args:
        clock: unix seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until_unix_s: float | None = None

    @property
    def armed_until_unix_s(self) -> float | None:
        """When it expires; None while read-only."""
        until = self._until_unix_s
        return until if until is not None and self._clock() < until else None

    @property
    def is_off(self) -> bool:
        """Whether it was never armed, or that was taken back; not whether it has expired."""
        return self._until_unix_s is None

    def objection(self) -> Objection | None:
        """What stands against acting now: that it is read-only, or is so again."""
        return armed(self._until_unix_s, self._clock())

    def arm(self, for_s: float) -> float:
        """Arm for so many seconds from now on; returns when that expires."""
        until = self._clock() + for_s
        self._until_unix_s = until
        return until

    def prolong(self, for_s: float) -> None:
        """An action was taken: it expires so long after it, unless it was taken back meanwhile."""
        if self._until_unix_s is not None:
            self.arm(for_s)

    def disarm(self) -> None:
        """Go back to read-only at once."""
        self._until_unix_s = None
