"""What is asked of the forecaster."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.model.catalogue import FORECAST_STEPS
from leptontui.model.series import Series


@dataclass(frozen=True, slots=True)
class ForecastRequest:
    """One series to forecast.

    Attributes:
        series: its past.
        lower, upper: physical bounds in the metric's unit, None where there is none.
        threshold: when its crossing is asked for, in the metric's unit; None if it is not.
        is_rising_bad: whether the threshold is crossed upward.
        steps: how many steps of the series to forecast.
    """

    series: Series
    lower: float | None
    upper: float | None
    threshold: float | None
    is_rising_bad: bool = True
    steps: int = FORECAST_STEPS
