"""Derived columns: what is asked of a series besides its latest value, by the name its column has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.alerts.rules.durations import duration_text

WINDOWS: Final = ("mean", "max", "min")
FUNCTIONS: Final = (*WINDOWS, "increase", "rate", "forecast", "eta")
"""What may be called besides SQL's own functions; `rate` is a column that is there already."""
PREDICTING: Final = ("forecast", "eta")

SHORTEST_S: Final = 10.0
LONGEST_S: Final = 6 * 3600.0
"""How far windows reach: so long is what the store keeps, and so fine."""
INCREASE_S: Final = 600.0
"""Growth is kept over ten minutes, no more and no less."""
LEAST_QUANTILE, MOST_QUANTILE = 0.025, 0.975
"""The edges of the 95 % band: beyond them a forecast says nothing."""


@dataclass(frozen=True, slots=True)
class Derived:
    """One derived column of one entity.

    Attributes:
        function: one of `FUNCTIONS` but rate.
        metric: of which metric.
        seconds: how long a window is, or how far ahead a forecast looks; 0 for `eta`.
        quantile: of a forecast, 0.5 the middle.
        threshold: of `eta`, the expression that is to be reached, as polars SQL.
    """

    function: str
    metric: str
    seconds: float = 0.0
    quantile: float = 0.5
    threshold: str = ""

    @property
    def column(self) -> str:
        """The column's name: the call as one would write it."""
        match self.function:
            case "eta":
                return f"eta({self.metric}, {self.threshold})"
            case "forecast":
                return f"forecast({self.metric}, '{duration_text(self.seconds)}', {self.quantile:g})"
            case _:
                return f"{self.function}({self.metric}, '{duration_text(self.seconds)}')"

    @property
    def is_predicting(self) -> bool:
        """Whether it tells of what will be."""
        return self.function in PREDICTING
