"""What the reader is looking at: the engine forecasts this first and keeps its charts ready."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.model.series import SeriesKey


@dataclass(frozen=True, slots=True)
class Focus:
    """What is on the screen.

    Attributes:
        trends: series whose cells are visible in a table; forecast at the trend's pace.
        chart: the series of the large chart, None if there is none on the screen.
        host: the host whose own screen is open, None on the fleet screen.
    """

    trends: frozenset[SeriesKey] = frozenset()
    chart: SeriesKey | None = None
    host: str | None = None
