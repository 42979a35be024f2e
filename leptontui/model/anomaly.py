"""Anomalies: series that left their own forecast and their own past, those that moved together being one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.model.series import SeriesKey

SCORE_LEAST: Final = -4.0
SCORE_MOST: Final = 9.0
"""Bounds of a score."""
MEMBERS_KEPT: Final = 16
HOSTS_KEPT: Final = 64
ANOMALIES_KEPT: Final = 64
"""How many members, hosts and anomalies are named; all are counted."""


@dataclass(frozen=True, slots=True)
class Surprise:
    """One series of an anomaly, as it was when it was oddest.

    Attributes:
        key: which series.
        score: -log10 of how often a day this series alone, while all is well, looks as odd: 1 is once in ten days.
        value: what was measured, in the metric's unit.
        expected: what its own short forecast expected.
        lower, upper: the forecast's band.
        words: what is odd, in one line.
    """

    key: SeriesKey
    score: float
    value: float
    expected: float
    lower: float
    upper: float
    words: str


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Series that left what is usual for them, together.

    Attributes:
        id: stays the same while it lasts.
        since_unix_s: when the first of them did.
        until_unix_s: when the last of them came back; None while it goes on.
        score: the greatest of its members' scores.
        members: the oddest, at most `MEMBERS_KEPT`, oddest first.
        member_count: how many series there are in all.
        hosts: whose they are, at most `HOSTS_KEPT`, sorted.
        host_count: how many hosts there are in all.
        words: what is odd, in one line.
    """

    id: str
    since_unix_s: float
    until_unix_s: float | None
    score: float
    members: tuple[Surprise, ...]
    member_count: int
    hosts: tuple[str, ...]
    host_count: int
    words: str


@dataclass(frozen=True, slots=True)
class AnomalyWatch:
    """How the search for anomalies goes.

    Attributes:
        rate_per_day: false alarms per series and day that the user allows.
        realised_per_day: alarms per series and day that there were; None before a day's worth of series was seen.
        series: series that are watched.
        learning: those of them with too short a past to be judged.
        alarms: alarms of single series so far.
        step_ms: CPU time that the last step took, None before the first.
    """

    rate_per_day: float
    realised_per_day: float | None = None
    series: int = 0
    learning: int = 0
    alarms: int = 0
    step_ms: float | None = None
