"""What happened to alerts: the steps of their lives, and what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from leptontui.model.alert import Alert


class Happening(StrEnum):
    """What happened in the life of an alert; the history's and the notifiers' vocabulary."""

    PENDING = "pending"
    FIRED = "fired"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    SILENCED = "silenced"
    UNSILENCED = "unsilenced"
    """Its silence ended, and it still fires: whoever was not told of it is told now."""
    INHIBITED = "inhibited"
    UNINHIBITED = "uninhibited"
    """What hid it ended, and it still fires."""
    RESOLVED = "resolved"
    LAPSED = "lapsed"
    """It was pending and its condition ended before it fired."""


@dataclass(frozen=True, slots=True)
class Transition:
    """One step in the life of one alert.

    Attributes:
        happening: what.
        at_unix_s: when.
        alert: as it is after the step.
        who: the user who did it; "" for the program.
        why: what they wrote, or why the program did it.
    """

    happening: Happening
    at_unix_s: float
    alert: Alert
    who: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """What is asked of the history.

    Attributes:
        since_unix_s, until_unix_s: when; None for no limit.
        words: all must be in rule, summary, labels, who or why.
        limit: at most so many, the newest.
    """

    since_unix_s: float | None = None
    until_unix_s: float | None = None
    words: tuple[str, ...] = ()
    limit: int = 500
