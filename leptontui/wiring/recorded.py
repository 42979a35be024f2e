"""Recorded series of a tidy parquet file, each on a regular grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from leptontui.errors import ConfigError
from leptontui.model.catalogue import METRICS
from leptontui.wiring.tidy import TidySeries, read_tidy

Values = npt.NDArray[np.float64]

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
        ConfigError: see `read_tidy`; or no series can be used.
    """
    read = sorted(read_tidy(path, metric, keeps_repeats=True), key=lambda one: (one.metric, one.name))
    found: dict[str, list[Recorded]] = {}
    left_out = 0
    for one in read:
        gridded = _on_grid(one)
        if gridded is None:
            left_out += 1
        else:
            found.setdefault(one.metric, []).append(gridded)
    if not found:
        raise ConfigError([f"{path}: no series of at least {LEAST_VALUES} values"])
    return found, left_out


def _on_grid(one: TidySeries) -> Recorded | None:
    """A series on a grid of its usual step; None where it has no such grid."""
    ts = one.at_unix_s
    distances = np.diff(ts)
    distances = distances[distances > 0.0]
    if len(distances) < LEAST_VALUES - 1:
        return None
    step = float(np.median(distances))
    exact = np.rint((ts - ts[0]) / step)
    if exact[-1] >= MOST_BUCKETS:
        return None
    bucket = exact.astype(np.int64)
    values = np.full(int(bucket[-1]) + 1, np.nan)
    times = values.copy()
    known = np.isfinite(one.values)
    values[bucket[known]] = one.values[known]
    times[bucket[known]] = ts[known]
    return Recorded(one.name, one.metric, values, times, float(ts[0]), step)


def _named_bounds(metric: str) -> tuple[float | None, float | None]:
    if metric in _CATALOGUED:
        return _CATALOGUED[metric]
    for suffix, lower, upper in _SUFFIX_BOUNDS:
        if metric.endswith(suffix):
            return lower, upper
    return 0.0, None


_CATALOGUED: Final = {item.name: (item.lower, item.upper) for item in METRICS}
