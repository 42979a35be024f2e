"""How many messages an hour may be sent: a bucket that fills evenly, so that no burst is followed by long silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may still be sent.

    Half of an hour's messages may go at once; the rest comes evenly. With a capacity of C and R refilled an hour, any
    window shorter than an hour holds less than C + R messages; C + R is one more than the limit.

    Attributes:
        left: messages, fractions of which refill; between 0 and the capacity.
        at_unix_s: when that was so.
    """

    left: float
    at_unix_s: float

    @classmethod
    def full(cls, per_hour: int, now: float) -> Allowance:
        """Nothing sent yet."""
        return cls(_capacity(per_hour), now)

    def refilled(self, per_hour: int, now: float) -> Allowance:
        """The same at another time; a clock that was set back gives nothing and takes nothing."""
        gained = max(0.0, now - self.at_unix_s) * _refill(per_hour) / HOUR_S
        return Allowance(min(_capacity(per_hour), max(0.0, self.left) + gained), now)

    def spent(self, per_hour: int, now: float) -> Allowance:
        """After one more message."""
        return Allowance(max(0.0, self.refilled(per_hour, now).left - 1.0), now)

    def whole(self, per_hour: int, now: float) -> int:
        """How many messages may be sent now."""
        return int(self.refilled(per_hour, now).left + 1e-9)

    def next_unix_s(self, per_hour: int, now: float) -> float:
        """When one may be sent."""
        missing = 1.0 - self.refilled(per_hour, now).left
        return now if missing <= 0 else now + missing * HOUR_S / _refill(per_hour)


def _capacity(per_hour: int) -> float:
    return float((per_hour + 1) // 2)


def _refill(per_hour: int) -> float:
    return per_hour + 1 - _capacity(per_hour)
