"""Recorded series from a tidy parquet file: one row for each value, with its series, metric and time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.errors import ConfigError
from leptontui.model.catalogue import METRICS

Values = npt.NDArray[np.float64]

NEEDED: Final = ("metric", "ts", "value")
NAMING: Final = ("host", "entity", "instance")
"""Columns that name a series together where there is no column `series`."""
MOST_BUCKETS: Final = 2_000_000
"""A series of more steps, gaps counted, is not one of regular steps."""
LEAST_VALUES: Final = 3
CARD_GIB: Final = (8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 128, 141, 192, 256, 288)
"""Sizes of GPUs' memory."""
_SUFFIX_BOUNDS: Final = (("_pct", 0.0, 100.0), ("_frac", 0.0, 1.0), ("_bytes", 0.0, None), ("_kbs", 0.0, None))


@dataclass(frozen=True, slots=True)
class Recorded:
    """One series on a regular grid.

    Attributes:
        series: its name.
        metric: what it measures.
        values: NaN where missing, shape (n,).
        ts: time of each value as it was recorded, NaN where missing, shape (n,).
        start_unix_s: time of the first.
        step_s: width of a step: the median distance of two values.
    """

    series: str
    metric: str
    values: Values
    ts: Values
    start_unix_s: float
    step_s: float

    def bounds_at(self, origin: int) -> tuple[float | None, float | None]:
        """Physical bounds: the catalogue's, else by the name's unit, else not negative.

        An upper bound that the series is mostly beyond is none: some call a share of one core "per cent"; a lower one
        that it was ever beyond is none either: not every number is a quantity.
        """
        lower, upper = _named_bounds(self.metric)
        seen = self.values[: origin + 1]
        seen = seen[np.isfinite(seen)]
        if lower is not None and len(seen) and seen.min() < lower:
            lower = None
        if upper is not None and len(seen) and np.median(seen) > upper:
            upper = None
        return lower, upper


def card_bytes(metric: str, most: float) -> float | None:
    """A bound for the memory used on a GPU, where a recording does not say how much there is.

    Args:
        metric: its name.
        most: the most that any card has used so far, in bytes.

    Returns:
        The smallest size that cards are made in and that holds it; None for other metrics, and beyond the largest.
    """
    if not (metric.endswith("_bytes") and "gpu" in metric and "mem" in metric):
        return None
    return next((size * 2.0**30 for size in CARD_GIB if size * 2.0**30 >= most), None)


def read_recorded(path: Path, metric: str | None = None) -> tuple[dict[str, list[Recorded]], int]:
    """Read all series of a file, by metric, in the order of their names.

    Args:
        path: the file.
        metric: only this one; None for all.

    Returns:
        the series, and how many were left out: of fewer than `LEAST_VALUES` values, or with times too far apart.

    Raises:
        ConfigError: it cannot be read, a column is missing or of the wrong type, or there is nothing in it.
    """
    frame = _read(path)
    if metric is not None:
        metrics = frame["metric"].unique().sort().to_list()
        if metric not in metrics:
            raise ConfigError([f"{path}: no metric {metric!r}"], f"it has {', '.join(map(str, metrics))}")
        frame = frame.filter(pl.col("metric") == metric)
    found: dict[str, list[Recorded]] = {}
    left_out = frame.select("metric", "series").n_unique()
    for one in _series(frame):
        found.setdefault(one.metric, []).append(one)
        left_out -= 1
    if not found:
        raise ConfigError([f"{path}: no series of at least {LEAST_VALUES} values"])
    return found, left_out


def _read(path: Path) -> pl.DataFrame:
    """Columns series, metric (text), ts (unix seconds), value (floats), by time."""
    try:
        frame = pl.read_parquet(sorted(path.glob("*.parquet")) if path.is_dir() else path)
    except FileNotFoundError:
        raise ConfigError([f"{path}: there is no such file"]) from None
    except (OSError, pl.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError([f"{path}: not readable as parquet: {reason}"]) from None
    missing = [name for name in NEEDED if name not in frame.columns]
    naming = [name for name in NAMING if name in frame.columns]
    if "series" not in frame.columns and not naming:
        missing.insert(0, "series")
    if missing:
        problems = [f"{path}: no column {name!r}" for name in missing]
        raise ConfigError(problems, "needed are series, metric, ts (unix seconds or a time) and value")
    if "series" not in frame.columns:
        joined = pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in naming], separator="/")
        frame = frame.with_columns(series=joined)
    ts, value = frame.schema["ts"], frame.schema["value"]
    if not (ts.is_numeric() or isinstance(ts, pl.Datetime)):
        raise ConfigError([f"{path}: column 'ts' is {ts}, expected unix seconds or a time"])
    if not (value.is_numeric() or value == pl.Boolean):
        raise ConfigError([f"{path}: column 'value' is {value}, expected numbers"])
    seconds = pl.col("ts").dt.epoch("us") / 1e6 if isinstance(ts, pl.Datetime) else pl.col("ts").cast(pl.Float64)
    return (
        frame.select(
            pl.col("series").cast(pl.String),
            pl.col("metric").cast(pl.String),
            ts=seconds,
            value=pl.col("value").cast(pl.Float64).fill_null(float("nan")),
        )
        .filter(pl.col("ts").is_finite() & pl.col("series").is_not_null() & pl.col("metric").is_not_null())
        .sort("metric", "series", "ts", maintain_order=True)
    )


def _series(frame: pl.DataFrame) -> Iterator[Recorded]:
    for (metric, series), part in frame.group_by(["metric", "series"], maintain_order=True):
        ts, value = part["ts"].to_numpy(), part["value"].to_numpy()
        distances = np.diff(ts)
        distances = distances[distances > 0.0]
        if len(distances) < LEAST_VALUES - 1:
            continue
        step = float(np.median(distances))
        exact = np.rint((ts - ts[0]) / step)
        if exact[-1] >= MOST_BUCKETS:
            continue
        bucket = exact.astype(np.int64)
        values = np.full(int(bucket[-1]) + 1, np.nan)
        times = values.copy()
        known = np.isfinite(value)
        values[bucket[known]] = value[known]
        times[bucket[known]] = ts[known]
        yield Recorded(str(series), str(metric), values, times, float(ts[0]), step)


def _named_bounds(metric: str) -> tuple[float | None, float | None]:
    if metric in _CATALOGUED:
        return _CATALOGUED[metric]
    for suffix, lower, upper in _SUFFIX_BOUNDS:
        if metric.endswith(suffix):
            return lower, upper
    return 0.0, None


_CATALOGUED: Final = {item.name: (item.lower, item.upper) for item in METRICS}
