"""What a user may choose about how a fleet is watched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final


class AlertUse(Enum):
    """What a watch does about alerts."""

    NONE = "none"
    """There are none: a check is over before anything has held for long."""
    LOOK = "look"
    """They are shown, with what users said elsewhere; nothing is written down, nobody is told, nothing is done."""
    FULL = "full"


DEFAULT_RATE: Final = 0.01
"""False anomalies allowed for each series a day: one in a hundred days."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How a fleet is watched.

    Attributes:
        forecast_share: share of one core that forecasts may take; None for the default, 0 for no forecasts.
        is_neural: whether the neural member is wanted.
        keeps_learned: whether what forecasts learned, and alerts, are kept for the next run, and people are told of
            alerts: not of a simulated fleet.
        record: where everything is recorded; None for nowhere.
        anomaly_rate: false alarms that the search for anomalies may raise for each series a day; 0 for no search.
    """

    forecast_share: float | None = None
    is_neural: bool = False
    keeps_learned: bool = True
    record: Path | None = None
    anomaly_rate: float = DEFAULT_RATE

    @property
    def has_forecasts(self) -> bool:
        """Whether anything is forecast."""
        return self.forecast_share is None or self.forecast_share > 0
