"""Arguments that say how a fleet is watched: what forecasts may cost, and where everything is recorded."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from leptontui.wiring.options import WatchOptions

MOST_PERCENT: Final = 100.0


def add_recording_option(parser: argparse.ArgumentParser) -> None:
    """Add `--record`."""
    parser.add_argument(
        "--record",
        metavar="PATH",
        type=Path,
        help="record everything as tidy parquet: parts in a folder, or a FILE.parquet",
    )


def add_forecast_options(parser: argparse.ArgumentParser) -> None:
    """Add `--forecast-cpu` and `--neural`."""
    parser.add_argument(
        "--forecast-cpu",
        metavar="PERCENT",
        type=_percent,
        help="what forecasts may take of one core (default 10; 0: no forecasts)",
    )
    parser.add_argument(
        "--neural",
        action="store_true",
        help="let an LSTM join the forecasts where its error is least; needs leptontui[neural]",
    )


def watch_options(arguments: argparse.Namespace, *, keeps_learned: bool = True) -> WatchOptions:
    """What the arguments say; those that a parser does not have are left at their defaults.

    Args:
        arguments: parsed.
        keeps_learned: whether what forecasts learn is kept for the next run: not of a simulated fleet.
    """
    percent: float | None = getattr(arguments, "forecast_cpu", None)
    return WatchOptions(
        forecast_share=None if percent is None else percent / 100.0,
        is_neural=getattr(arguments, "neural", False),
        keeps_learned=keeps_learned,
        record=getattr(arguments, "record", None),
    )


def _percent(text: str) -> float:
    percent = float(text)
    if not 0.0 <= percent <= MOST_PERCENT:
        raise argparse.ArgumentTypeError(f"{text}: must be between 0 and {MOST_PERCENT:g} per cent of one core")
    return percent
