"""A trend cell: the past as solid blocks, then the forecast in its own colour, on one physical scale."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from leptontui.render.cells import Piece
from leptontui.render.sparkline import GAP, resample, sparkline

CROSSING: Final = "◆"
"""Where a threshold is expected to be crossed."""
_MINUTES: Final = 15


@lru_cache(maxsize=4096)
def trend(
    past: tuple[float | None, ...],
    future: tuple[float, ...],
    *,
    lower: float,
    upper: float,
    crossing: int | None,
    width: int,
    role: str,
    forecast_role: str = "forecast",
) -> tuple[Piece, ...]:
    """A cell of exactly `width` cells: past, a blank that stands for now, future; each covers a quarter of an hour.

    Remembered: a trend is a minute's work to change and is asked for with every snapshot.

    Args:
        past: one-minute means, oldest first, None where nothing was sampled; drawn as a blank.
        future: means of the next minutes, as far as they are known; the rest is blank.
        lower: the scale's lowest block.
        upper: its full block.
        crossing: index into `future` at which a threshold is crossed; None if none is.
        width: cells to fill.
        role: colour of the past.
        forecast_role: colour of the future.
    """
    half = min(_MINUTES, max(1, (width - 1) // 2))
    solid = sparkline(resample(past, half), lower, upper)
    ahead = (future + (None,) * _MINUTES)[:_MINUTES]
    dim = sparkline(resample(ahead, half), lower, upper)
    end = Piece(GAP * (width - 2 * half - 1))
    if crossing is None:
        return (Piece(solid + GAP, role), Piece(dim, forecast_role), end)
    at = min(half - 1, crossing * half // _MINUTES)
    return (
        Piece(solid + GAP, role),
        Piece(dim[:at], forecast_role),
        Piece(CROSSING, "predicted", is_bold=True),
        Piece(dim[at + 1 :], forecast_role),
        end,
    )
