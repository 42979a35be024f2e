"""History of the entities that have one: bucket means of their series, and the trends of every GPU."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.model.catalogue import CHART_BUCKETS, CHART_STEP_S, TREND_BUCKETS, TREND_METRICS, TREND_STEP_S
from leptontui.model.series import Entity, Series, SeriesKey
from leptontui.store.keys import SlotTable
from leptontui.store.schema import series_of
from leptontui.store.tiers import History
from leptontui.store.windows import Window

SHORT: Final = (Entity.SERVICE, Entity.SAMPLE)
"""Of these only an hour is kept."""
WITH_HISTORY: Final = (Entity.HOST, Entity.GPU, Entity.FILESYSTEM, *SHORT)


class Past:
    """The history of the fleet, by entity.

    Args:
        interval_s: nominal time between two sweeps.
    """

    def __init__(self, interval_s: float) -> None:
        self._history = {
            entity: History(series_of(entity), interval_s, is_short=entity in SHORT) for entity in WITH_HISTORY
        }

    def add(self, frames: Mapping[Entity, pl.DataFrame], now_unix_s: float) -> None:
        """Add the rows of sweeps."""
        for entity, history in self._history.items():
            rows = frames[entity]
            slots = rows["host" if entity is Entity.HOST else "slot"].to_numpy()
            history.add(slots, rows["at_unix_s"].to_numpy(), _matrix(rows, history.metrics), now_unix_s)

    def forget(self, entity: Entity, slots: npt.NDArray[np.int32]) -> None:
        """Forget some slots of an entity; nothing where it has no history."""
        if entity in self._history:
            self._history[entity].forget(slots)

    def series(
        self,
        keys: Collection[SeriesKey],
        slot_of: Callable[[SeriesKey], int | None],
        *,
        now_unix_s: float,
        step_s: float = CHART_STEP_S,
        buckets: int = CHART_BUCKETS,
    ) -> dict[SeriesKey, Series]:
        """See `Store.series`; `slot_of` gives the slot of a key."""
        found: dict[SeriesKey, Series] = {}
        rings = {entity: ring for entity, history in self._history.items() if (ring := history.ring(step_s))}
        if not rings:
            raise KeyError(step_s)
        for entity, ring in rings.items():
            metrics = self._history[entity].metrics
            known = [(key, slot) for key in keys if key.entity is entity and (slot := slot_of(key)) is not None]
            asked = [(key, slot) for key, slot in known if key.metric in metrics]
            if not asked:
                continue
            last = int(now_unix_s // step_s)
            first = last - min(buckets, ring.buckets) + 1
            slots = np.unique(np.array([slot for _, slot in asked], dtype=np.int32))
            window = ring.window(slots, first, last)
            for key, slot in asked:
                values = window[:, metrics.index(key.metric), int(np.searchsorted(slots, slot))]
                made = _series_of(key, values, first, step_s)
                if made is not None:
                    found[key] = made
        return found

    def closed(
        self,
        keys: Collection[SeriesKey],
        slot_of: Callable[[SeriesKey], int | None],
        *,
        now_unix_s: float,
        step_s: float,
        buckets: int,
    ) -> tuple[float, dict[SeriesKey, npt.NDArray[np.float32]]]:
        """See `Store.closed`; `slot_of` gives the slot of a key."""
        last = int(now_unix_s // step_s) - 1
        found: dict[SeriesKey, npt.NDArray[np.float32]] = {}
        for entity, history in self._history.items():
            ring = history.ring(step_s)
            known = [(key, slot) for key in keys if key.entity is entity and (slot := slot_of(key)) is not None]
            asked = [(key, slot) for key, slot in known if key.metric in history.metrics]
            if ring is None or not asked:
                continue
            slots = np.unique(np.array([slot for _, slot in asked], dtype=np.int32))
            window = ring.window(slots, last - min(buckets, ring.buckets - 1) + 1, last)
            for key, slot in asked:
                values = window[:, history.metrics.index(key.metric), int(np.searchsorted(slots, slot))]
                sampled = np.flatnonzero(~np.isnan(values))
                if len(sampled):
                    found[key] = np.ascontiguousarray(values[sampled[0] :])
        return (last + 1) * step_s, found

    def window(
        self,
        entity: Entity,
        table: SlotTable | None,
        names: pl.Series,
        *,
        last: int,
        step_s: float,
        buckets: int,
        metrics: Sequence[str] | None = None,
    ) -> Window:
        """See `Store.window`; with the entity's slots (None for hosts), the hosts' names by code, the last bucket."""
        history = self._history[entity]
        ring = history.ring(step_s)
        if ring is None:
            raise KeyError(step_s)
        first = last - min(buckets, ring.buckets - 1) + 1
        if table is None:
            hosts, instances = names, pl.repeat("", len(names), eager=True, dtype=pl.String)
        else:
            frame = table.frame()
            # Free slots belong to no host and hold nothing.
            hosts = names.gather(frame["host"].clip(0)) if len(names) else pl.Series([], dtype=pl.String)
            instances = frame["instance"]
        ends = step_s * np.arange(first + 1, last + 2, dtype=np.float64)
        shown = history.metrics if metrics is None else tuple(metrics)
        which = None if metrics is None else [history.metrics.index(name) for name in shown]
        return Window(entity, shown, hosts, instances, ends, ring.window(slice(len(hosts)), first, last, which))

    def trends(self, table: SlotTable, names: pl.Series, now_unix_s: float) -> pl.DataFrame:
        """See `Store.trends`; with the GPUs' slots and the names of the hosts' codes."""
        history = self._history[Entity.GPU]
        ring = history.ring(TREND_STEP_S)
        assert ring is not None  # noqa: S101 — one of `tiers.TIERS`
        last = int(now_unix_s // TREND_STEP_S)
        window = ring.window(slice(len(table)), last - TREND_BUCKETS + 1, last)
        frame = table.frame()
        is_taken = frame["host"] >= 0
        columns = [names.gather(frame["host"].clip(0)).alias("host"), frame["instance"].alias("uuid")]
        for metric in TREND_METRICS:
            flat = np.ascontiguousarray(window[:, history.metrics.index(metric), :].T).ravel()
            means = pl.Series(f"trend_{metric}", flat, dtype=pl.Float32).fill_nan(None)
            columns.append(means.reshape((len(table), TREND_BUCKETS)).arr.to_list())
        trends = pl.DataFrame(columns)
        return trends.filter(is_taken) if table.has_free else trends

    def nbytes(self) -> int:
        """Bytes reserved."""
        return sum(history.nbytes() for history in self._history.values())


def _matrix(rows: pl.DataFrame, metrics: tuple[str, ...]) -> npt.NDArray[np.float32]:
    """Columns as an array with NaN for null, shape (rows, metrics)."""
    return np.column_stack([rows[name].to_numpy().astype(np.float32, copy=False) for name in metrics])


def _series_of(key: SeriesKey, values: npt.NDArray[np.float32], first: int, step_s: float) -> Series | None:
    """A series from bucket means (n,), without what was not sampled before its start and in the open bucket."""
    sampled = np.flatnonzero(~np.isnan(values))
    if not len(sampled):
        return None
    start = int(sampled[0])
    end = len(values) - (1 if math.isnan(values[-1]) else 0)
    ends = tuple((first + number + 1) * step_s for number in range(start, end))
    means = tuple(None if math.isnan(value) else value for value in values[start:end].tolist())
    return Series(key, ends, means, step_s)
