"""Words: what is odd about a value, in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from leptontui.anomaly.detector import Reason

_NOTHING: Final = 1e-4


def number_text(value: float) -> str:
    """A number of unknown unit, four digits."""
    return f"{value:.4g}"


def reason_text(
    reason: Reason,
    value: float,
    *,
    expected: float,
    half_width: float,
    middle: float,
    usual_width: float,
    lowest: float | None = None,
    highest: float | None = None,
    say: Callable[[float], str] = number_text,
) -> str:
    """What is odd about `value`; see `Judgement` for the other numbers.

    Args:
        reason: what is oddest about it.
        value: what was measured.
        expected: the forecast.
        half_width: half the width of its band.
        middle: what is usual.
        usual_width: how far from it values usually are.
        lowest: below this the series cannot be; None where there is no such bound.
        highest: likewise.
        say: how a number is said, with its unit.
    """

    def between(centre: float, width: float) -> str:
        # What is nothing beside the value is said as nothing.
        ends = [0.0 if abs(end) < _NOTHING * abs(value) else end for end in (centre - width, centre + width)]
        low = say(ends[0] if lowest is None else max(lowest, ends[0]))
        high = say(ends[1] if highest is None else min(highest, ends[1]))
        return low if low == high else f"{low} to {high}"

    match reason:
        case Reason.STEP:
            return f"{say(value)}, where {between(expected, half_width)} was expected from the values before"
        case Reason.PLACE:
            return f"{say(value)}, where {between(middle, usual_width)} is usual"
        case Reason.PHASE:
            return f"{say(value)}, where about {say(middle)} is usual at this time of day"
        case Reason.LEVEL:
            return f"{say(value)} after a while away from the usual {say(middle)}"
        case Reason.SWING:
            return f"{say(value)}, and it moves much more than usual"
        case Reason.CALM:
            return f"{say(value)}, and it moves much less than usual"
