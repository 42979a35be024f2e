"""The one fixed setting of the detector: nothing here is fitted to a series, a metric or a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DAY_S: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Settings:
    """How anomalies are looked for.

    The values were chosen once, on series with labelled anomalies and for all of them together; neighbouring values
    differ little.

    Attributes:
        rate_per_day: false alarms per series and day that are allowed.
        warm_steps: values a series has to show before it is judged.
        has_season: whether the time of day is learnt: it needs days of history.
        phases: parts of the day that are told apart.
        merge_s: alarms of a series closer than this are one; also the length of the blocks in which its past is
            counted, so that the rate counts alarms as they are told.
        is_shared: the series are of one kind, so that what all of them do says what one of them may.
        gap_steps: after a silence of so many steps the forecast begins anew.
    """

    rate_per_day: float = 0.1
    warm_steps: int = 50
    has_season: bool = True
    phases: int = 48
    merge_s: float = 3600.0
    is_shared: bool = False
    gap_steps: float = 10.0
