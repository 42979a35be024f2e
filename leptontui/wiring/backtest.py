"""`leptontui backtest`: how good the forecasts would have been on recorded series."""

from __future__ import annotations

from pathlib import Path

from leptontui.errors import ForecastError


def backtest(
    recording: Path, *, horizons: str, levels: str, metric: str | None, out: Path | None, origins: str, as_json: bool
) -> int:
    """Forecast recorded series as live, and print how well that went.

    Raises:
        ForecastError: not built yet.
    """
    raise ForecastError(f"{recording}: cannot be tested yet")
