"""Arguments that say how a fleet is watched: what forecasts may cost, and where everything is recorded."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from typing import Final

from leptontui.errors import ConfigError
from leptontui.wiring.options import DEFAULT_RATE, WatchOptions

MOST_PERCENT: Final = 100.0
MOST_ANOMALIES: Final = 1000.0


def add_recording_option(parser: argparse.ArgumentParser) -> None:
    """Add `--record`."""
    parser.add_argument(
        "--record",
        metavar="PATH",
        type=Path,
        help="record everything as tidy parquet: parts in a folder, or a FILE.parquet",
    )


def add_forecast_options(parser: argparse.ArgumentParser) -> None:
    """Add `--forecast-cpu`, `--neural` and `--anomaly-rate`."""
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
    parser.add_argument(
        "--anomaly-rate",
        metavar="PER_SERIES_DAY",
        type=_rate,
        help=f"false anomalies allowed for each series a day (default {DEFAULT_RATE:g}; 0: none are looked for)",
    )


def watch_options(arguments: argparse.Namespace, *, keeps_learned: bool = True) -> WatchOptions:
    """What the arguments say; those that a parser does not have are left at their defaults.

    Args:
        arguments: parsed.
        keeps_learned: whether what forecasts learn is kept for the next run: not of a simulated fleet.

    Raises:
        ConfigError: something is asked for that is not installed.
    """
    percent: float | None = getattr(arguments, "forecast_cpu", None)
    if getattr(arguments, "neural", False) and importlib.util.find_spec("neuralforecast") is None:
        raise ConfigError(
            ["--neural: the LSTM is not installed"],
            "install it: pip install 'leptontui[neural]', or leave the option out",
        )
    return WatchOptions(
        forecast_share=None if percent is None else percent / 100.0,
        is_neural=getattr(arguments, "neural", False),
        keeps_learned=keeps_learned,
        record=getattr(arguments, "record", None),
        anomaly_rate=getattr(arguments, "anomaly_rate", DEFAULT_RATE),
    )


def _percent(text: str) -> float:
    percent = float(text)
    if not 0.0 <= percent <= MOST_PERCENT:
        raise argparse.ArgumentTypeError(f"{text}: must be between 0 and {MOST_PERCENT:g} per cent of one core")
    return percent


def _rate(text: str) -> float:
    rate = float(text)
    if not (rate == 0.0 or DEFAULT_RATE / 1000.0 <= rate <= MOST_ANOMALIES):
        least = DEFAULT_RATE / 1000.0
        raise argparse.ArgumentTypeError(f"{text}: must be 0, or between {least:g} and {MOST_ANOMALIES:g} a day")
    return rate
