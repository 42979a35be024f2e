"""Which series of the fleet are near their threshold or rising towards it: told from means, without any forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.engine.foresight_kinds import FAR_S, FLEET, NEAR_S, SPANS, Kind
from leptontui.health.thresholds import (
    FILESYSTEM_CRITICAL_FREE_SHARE,
    GPU_MEMORY_FULL_SHARE,
    MEMORY_CRITICAL_AVAILABLE_SHARE,
    TEMP_CRITICAL_C,
)
from leptontui.model.series import KEY_OF, Entity, SeriesKey
from leptontui.store.store import Store

MOST_RISKS: Final = 24
"""Series of each kind; those that would be there first."""
NEAR_SHARE: Final = 0.9
"""Own choice: a value above this share of its threshold is near it even where it does not rise."""
_REACH: Final = 2.0
"""A straight line that is there within this many horizons is reason enough to look closer."""
_MEAN_OF: Final = 3
"""Buckets that a mean is taken of."""
_AGO: Final = {NEAR_S: (60, 12), FAR_S: (60, 10)}
"""Buckets that the rise is measured over; the shorter one where the longer is not known yet."""

_LIMITS: Final[dict[tuple[Entity, str], pl.Expr]] = {
    (Entity.GPU, "temp_c"): pl.col("temp_slowdown_c").cast(pl.Float64).fill_null(TEMP_CRITICAL_C),
    (Entity.GPU, "memory_used_bytes"): pl.col("memory_total_bytes") * GPU_MEMORY_FULL_SHARE,
    (Entity.HOST, "memory_used_bytes"): pl.col("memory_total_bytes") * (1 - MEMORY_CRITICAL_AVAILABLE_SHARE),
    (Entity.FILESYSTEM, "used_bytes"): pl.col("total_bytes") * (1 - FILESYSTEM_CRITICAL_FREE_SHARE),
}
"""Thresholds as `health.thresholds.threshold_for` has them, for a whole frame."""


def risks(store: Store, now_unix_s: float) -> list[tuple[SeriesKey, float]]:
    """Series of all kinds that are at risk, with their step, by turns."""
    return by_turns([risks_of(store, kind, now_unix_s) for kind in FLEET])


def by_turns(found: Sequence[Sequence[tuple[SeriesKey, float]]]) -> list[tuple[SeriesKey, float]]:
    """The first of each kind, then the second of each, and so on."""
    longest = max(map(len, found), default=0)
    return [of_kind[rank] for rank in range(longest) for of_kind in found if rank < len(of_kind)]


def risks_of(store: Store, kind: Kind, now_unix_s: float) -> list[tuple[SeriesKey, float]]:
    """Series of a kind that are near their threshold, or would reach it soon if they went on as they did.

    Returns:
        at most `MOST_RISKS` with their step, those that would be there first in front; none of a kind without
        threshold.
    """
    if (kind.entity, kind.metric) not in _LIMITS:
        return []
    rising = _rising(store, kind, now_unix_s)
    latest = store.latest(kind.entity)
    if not len(rising) or not len(latest):
        return []
    parts = KEY_OF.get(kind.entity, ())
    here = pl.col("state") == "present" if kind.entity is Entity.GPU else pl.lit(value=True)
    limits = (
        latest.lazy()
        .filter(here)
        .select(
            "host",
            pl.col(parts[0]).alias("instance") if parts else pl.lit("").alias("instance"),
            _LIMITS[kind.entity, kind.metric].alias("limit"),
        )
    )
    horizon_s = SPANS[kind.step_s].steps * kind.step_s
    room, rise = pl.col("limit") - pl.col("level"), pl.col("rise")
    nearness = (room / pl.col("limit")) / (1 - NEAR_SHARE)
    rows = (
        limits.join(rising.lazy(), on=["host", "instance"], how="inner")
        .filter((room > 0) & (pl.col("limit") > 0))
        .with_columns(
            left_s=pl.min_horizontal(
                pl.when(rise > 0).then(room / rise),
                # What only lies near comes after all that rises.
                pl.when(nearness <= 1).then((_REACH - 1) * horizon_s * (1 + nearness)),
            )
        )
        .filter(pl.col("left_s") <= _REACH * horizon_s)
        .sort("left_s", "host", "instance")
        .head(MOST_RISKS)
        .select("host", "instance")
        .collect()
    )
    return [(SeriesKey(host, kind.entity, instance, kind.metric), kind.step_s) for host, instance in rows.iter_rows()]


def _rising(store: Store, kind: Kind, now_unix_s: float) -> pl.DataFrame:
    """Level and rise per second of all series of a kind, where known: columns host, instance, level, rise."""
    step_s = kind.step_s
    window = store.window(kind.entity, now_unix_s=now_unix_s, step_s=step_s, buckets=_MEAN_OF, metrics=[kind.metric])
    level = _mean(window.of(kind.metric))
    rise = np.full(len(level), np.nan)
    for ago in _AGO[step_s]:
        before = store.window(
            kind.entity, now_unix_s=now_unix_s - ago * step_s, step_s=step_s, buckets=_MEAN_OF, metrics=[kind.metric]
        )
        found = (level - _mean(before.of(kind.metric))) / (ago * step_s)
        rise = np.where(np.isnan(rise), found, rise)
    return (
        pl.DataFrame({"host": window.hosts, "instance": window.instances, "level": level, "rise": rise})
        .with_columns(pl.col("level", "rise").fill_nan(None))
        .drop_nulls("level")
    )


def _mean(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Mean of the sampled buckets, NaN where none was: (b, n) → (n,)."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0).sum(axis=0, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
