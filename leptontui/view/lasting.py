"""How long a silence lasts, as it is typed: 30m, 2h, 1h30m, until 08:00, tomorrow 08:00."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

CHOICES: Final = ("30m", "2h", "8h", "tomorrow 08:00")
"""What is offered, the usual ones first."""
_UNITS: Final = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_SPAN: Final = re.compile(r"(?:\s*\d{1,5}(?:\.\d{1,3})?\s*(?:min|s|m|h|d|w)\s*)+", re.ASCII)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(min|s|m|h|d|w)", re.ASCII)
_TIME: Final = re.compile(r"(?:until\s+)?(?:(tomorrow)(?:\s+(?:at\s+)?)?)?(?:(\d{1,2})(?::(\d{2}))?)?", re.ASCII)
_LEAST_S: Final = 60.0
_MOST_S: Final = 30 * 86_400.0
_MORNING: Final = 8
_HOURS, _MINUTES = 24, 60


@dataclass(frozen=True, slots=True)
class Lasting:
    """A typed duration, understood.

    Attributes:
        seconds: from now; 0 if it cannot be understood.
        error: why not, in words; "" if it can.
    """

    seconds: float = 0.0
    error: str = ""


def lasting(text: str, now_unix_s: float) -> Lasting:
    """Understand a duration or a time of day, local time. Never raises."""
    wanted = text.strip().lower()
    if not wanted:
        return Lasting(error="for how long? e.g. 2h")
    if _SPAN.fullmatch(wanted):
        return _bounded(sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(wanted)))
    found = _TIME.fullmatch(wanted)
    if found is None or not (found[1] or (found[2] and (found[3] or wanted.startswith("until")))):
        return Lasting(error="not understood: write 30m, 2h, 1h30m, 08:00 or tomorrow 08:00")
    hour, minute = int(found[2] or _MORNING), int(found[3] or 0)
    if hour >= _HOURS or minute >= _MINUTES:
        return Lasting(error=f"there is no {hour:02d}:{minute:02d}")
    now = datetime.fromtimestamp(now_unix_s).astimezone()
    then = now.replace(hour=hour, minute=minute, second=0, microsecond=0, tzinfo=None)
    if found[1] or then <= now.replace(tzinfo=None):
        then += timedelta(days=1)
    return _bounded(then.astimezone().timestamp() - now_unix_s)


def _bounded(seconds: float) -> Lasting:
    if seconds < _LEAST_S:
        return Lasting(error="at least a minute")
    if seconds > _MOST_S:
        return Lasting(error="at most 30 days: a rule that is never wanted belongs into the rules' file")
    return Lasting(seconds)
