"""Durations as people write them: "90s", "5m", "1h30m", "2d"."""

from __future__ import annotations

import re
from typing import Final

LONGEST_S: Final = 366 * 86400.0
"""A longer duration is taken for a slip of the keyboard."""

_UNITS: Final = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_WHOLE: Final = re.compile(r"(?:\d{1,9}(?:\.\d{1,3})?[dhms])+", re.ASCII)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([dhms])", re.ASCII)

EXPECTED: Final = 'a duration such as "90s", "5m" or "1h30m"'


def parse_duration(text: str) -> float | None:
    """Seconds; None if `text` is not a duration, or one of more than a year."""
    if len(text) > 40 or not _WHOLE.fullmatch(text):  # noqa: PLR2004 — longer is none
        return None
    parts = _PART.findall(text)
    units = [unit for _, unit in parts]
    if units != sorted(set(units), key="dhms".index):
        return None
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return seconds if seconds <= LONGEST_S else None


def duration_text(seconds: float) -> str:
    """The shortest way of writing it: 5400 → "1h30m", 0 → "0s". Milliseconds are the finest."""
    left = round(seconds * 1000)
    text = ""
    for unit, size in _UNITS.items():
        if unit == "s":
            if left or not text:
                text += f"{left / 1000:g}s" if left % 1000 else f"{left // 1000}s"
            break
        count, left = divmod(left, int(size * 1000))
        text += f"{count}{unit}" if count else ""
    return text
