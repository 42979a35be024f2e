"""The CPU time that forecasts may take: a share of one core, saved up for a minute at most."""

from __future__ import annotations

from collections import deque
from typing import Final

DEFAULT_SHARE: Final = 0.10
"""Of one core. Own choice: the whole program's measure is that a bastion does not notice it."""
SAVED_S: Final = 60.0
"""So long a share that was not used is kept; and so far ahead what is on the screen may borrow."""
_SPENT_OVER_S: Final = 120.0


class Budget:
    """What may be spent now. Pure: the time is told.

    Args:
        share: of one core, more than 0.
        now_s: any clock that does not go back, in seconds.

    Attributes:
        share: of one core.
    """

    def __init__(self, share: float, now_s: float) -> None:
        self.share = share
        self._left_s = self._most_s = share * SAVED_S
        self._at_s = self._began_s = now_s
        self._spent: deque[tuple[float, float]] = deque()

    def left_s(self, now_s: float) -> float:
        """CPU seconds that may be spent now; below 0 what was borrowed."""
        self._left_s = min(self._most_s, self._left_s + self.share * max(0.0, now_s - self._at_s))
        self._at_s = now_s
        return self._left_s

    def may_borrow(self, now_s: float) -> bool:
        """Whether what is on the screen may still be forecast."""
        return self.left_s(now_s) > -self._most_s

    def spend(self, seconds: float, now_s: float) -> None:
        """Count what was spent."""
        self._left_s = self.left_s(now_s) - seconds
        self._spent.append((now_s, seconds))

    def wait_s(self, now_s: float) -> float:
        """How long until something may be spent again; 0 if it may now."""
        return max(0.0, -self.left_s(now_s)) / self.share

    def spent_share(self, now_s: float) -> float:
        """Share of one core that was spent in the last two minutes, or since the beginning."""
        while self._spent and self._spent[0][0] < now_s - _SPENT_OVER_S:
            self._spent.popleft()
        over = min(_SPENT_OVER_S, now_s - self._began_s)
        return sum(seconds for _, seconds in self._spent) / over if over > 0 else 0.0
