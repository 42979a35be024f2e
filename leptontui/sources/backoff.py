"""How long to wait before dialling again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """When a link is called stale, given up, and dialled again. All times in seconds.

    Attributes:
        stale_intervals: intervals without a sweep after which a link is stale.
        stale_s: the shortest such time.
        silence_s: a stale link that says nothing for so long again is given up.
        start_s: a probe that has not said anything yet is given up after so long; Python starts slowly on a busy host.
        tick_s: how often links are looked at.
        first_s, longest_s: bounds of the backoff.
        reset_s: a link that was live for so long starts again from the first backoff.
        refused_s: pause after a refusal, which only a human can mend.
    """

    stale_intervals: float = 3.0
    stale_s: float = 3.0
    silence_s: float = 10.0
    start_s: float = 30.0
    tick_s: float = 0.5
    first_s: float = 0.5
    longest_s: float = 30.0
    reset_s: float = 30.0
    refused_s: float = 300.0

    def stale_after_s(self, interval_s: float) -> float:
        """Time without a sweep after which a link is stale."""
        return max(self.stale_s, self.stale_intervals * interval_s)


class Backoff:
    """Exponential backoff with full jitter: many hosts lost in one instant do not come back in one instant.

    The n-th pause is uniform between `first_s` and `first_s · 2ⁿ`, at most `longest_s`.

    Args:
        patience: the bounds.
        random: where chance comes from.
    """

    def __init__(self, patience: Patience, random: random.Random) -> None:
        self._patience = patience
        self._random = random
        self._failures = 0

    def reset(self) -> None:
        """Start again from the shortest pause."""
        self._failures = 0

    def pause_s(self) -> float:
        """Pause after one more failure."""
        # Beyond 2^16 the bound is reached with any sensible setting; the power must not grow for weeks.
        self._failures = min(self._failures + 1, 16)
        bound = min(self._patience.longest_s, self._patience.first_s * 2.0**self._failures)
        return self._random.uniform(self._patience.first_s, max(bound, self._patience.first_s))

    def refused_s(self) -> float:
        """Pause after a refusal: spread by a tenth, so that a fleet does not knock in step."""
        return self._patience.refused_s * self._random.uniform(0.9, 1.1)
