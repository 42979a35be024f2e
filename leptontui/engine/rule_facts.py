"""What rules are evaluated on, live: latest values, windows of the store's past, what foresight foresees.

Everything that touches the store or foresight is taken at once, on the engine's loop; what comes of it never changes,
so that the rules can be evaluated in another thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.alerts.rules.columns import COUNTED
from leptontui.alerts.rules.derived import WINDOWS, Derived
from leptontui.alerts.rules.facts import Labels
from leptontui.alerts.rules.outlook import Outlook
from leptontui.model.series import Entity
from leptontui.model.target import HostTarget
from leptontui.snapshot import Frames
from leptontui.store.store import Store

COVERED_SHARE: Final = 0.75
"""A window is known once so much of it is sampled."""
_FINE_S, _COARSE_S = 10.0, 60.0
_FINE_UP_TO_S: Final = 420.0
"""Longer windows are taken from one-minute means."""
_EDGES: Final = ("lo95", "lo80", "mean", "hi80", "hi95")
_HORIZONS: Final = {"1m": 60.0, "5m": 300.0, "15m": 900.0, "30m": 1800.0, "1h": 3600.0, "2h": 7200.0, "4h": 14400.0}
_FRAMES: Final = {
    Entity.HOST: "hosts",
    Entity.GPU: "gpus",
    Entity.FILESYSTEM: "filesystems",
    Entity.DISK: "disks",
    Entity.NIC: "nics",
    Entity.PROCESS: "processes",
    Entity.PORT: "ports",
    Entity.UNIT: "units",
    Entity.SERVICE: "services",
    Entity.SAMPLE: "samples",
}
_EXTRA: Final = frozenset({*COUNTED, "is_missing"})

Needs = Collection[tuple[Entity, Derived]]


class Foreseeing(Protocol):
    """What foresees: `leptontui.engine.foresight.Foresight`."""

    def frame(self) -> pl.DataFrame:
        """What is foreseen of the whole fleet."""


@dataclass(frozen=True, slots=True)
class FleetFacts:
    """The fleet at one instant; see `leptontui.alerts.rules.facts.Facts`.

    Attributes:
        now_unix_s: the instant.
        labels: the inventory's labels.
        frames: latest values by entity.
        windows: derived columns by entity.
        outlooks: what is foreseen, by entity and metric.
    """

    now_unix_s: float
    labels: Labels
    frames: Mapping[Entity, pl.DataFrame]
    windows: Mapping[Entity, pl.DataFrame]
    outlooks: Mapping[tuple[Entity, str], Outlook]

    def latest(self, entity: Entity) -> pl.DataFrame | None:
        """See `Facts.latest`."""
        return self.frames.get(entity)

    def derived(self, entity: Entity, asked: Sequence[Derived]) -> pl.DataFrame:
        """See `Facts.derived`."""
        known = self.windows.get(entity, _NOTHING)
        columns = [item.column for item in asked]
        missing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in columns if name not in known.columns]
        return known.with_columns(missing).select("host", "instance", *columns)

    def outlook(self, entity: Entity, metric: str) -> Outlook | None:
        """See `Facts.outlook`."""
        return self.outlooks.get((entity, metric))


_NOTHING: Final = pl.DataFrame(schema={"host": pl.String(), "instance": pl.String()})


class RuleFacts:
    """Makes facts of what the engine has.

    Args:
        store: where the past is.
        foresight: what foresees; None where nothing is forecast.
        targets: the hosts as the inventory has them now.
    """

    def __init__(
        self, store: Store, foresight: Foreseeing | None, targets: Callable[[], Mapping[str, HostTarget]] = dict
    ) -> None:
        self._store = store
        self._foresight = foresight
        self._targets = targets
        self._windows: dict[Entity, tuple[int, pl.DataFrame]] = {}

    def at(self, frames: Frames, now_unix_s: float, needs: Needs) -> FleetFacts:
        """Everything that the rules ask for, now.

        Args:
            frames: the snapshot's.
            now_unix_s: the instant.
            needs: what rules derive; see `Evaluator.needs`.
        """
        labels = {name: target.labels for name, target in self._targets().items() if target.labels}
        latest = {entity: getattr(frames, name) for entity, name in _FRAMES.items()}
        happened = self._store.happened()
        latest[Entity.HOST] = with_gpu_counts(latest[Entity.HOST], latest[Entity.GPU])
        for entity, rows in happened.items():
            latest[entity] = _with_happened(latest[entity], rows, entity)
        by_entity: dict[Entity, list[Derived]] = {}
        for entity, item in needs:
            by_entity.setdefault(entity, []).append(item)
        windows = {
            entity: self._derived(entity, asked, happened.get(entity), now_unix_s)
            for entity, asked in by_entity.items()
        }
        ahead = {(entity, item.metric) for entity, item in needs if item.is_predicting}
        return FleetFacts(now_unix_s, labels, latest, windows, self._outlooks(ahead))

    def _derived(
        self, entity: Entity, asked: Sequence[Derived], happened: pl.DataFrame | None, now_unix_s: float
    ) -> pl.DataFrame:
        found = [
            frame for frame in (self._windowed(entity, asked, now_unix_s), _grown(asked, happened)) if frame.height
        ]
        if not found:
            return _NOTHING
        if len(found) == 1:
            return found[0]
        return found[0].join(found[1], on=["host", "instance"], how="full", coalesce=True)

    def _windowed(self, entity: Entity, asked: Sequence[Derived], now_unix_s: float) -> pl.DataFrame:
        """Means, greatest and least over closed buckets; of a greatest that of the buckets' means.

        A window is made anew when a bucket has closed; in between it is what it was.
        """
        bucket = int(now_unix_s // _FINE_S)
        if entity in self._windows and self._windows[entity][0] == bucket:
            return self._windows[entity][1]
        columns: list[pl.Series] = []
        keys = _NOTHING
        for item in asked:
            if item.function not in WINDOWS:
                continue
            step_s = _FINE_S if item.seconds <= _FINE_UP_TO_S else _COARSE_S
            try:
                window = self._store.window(
                    entity, now_unix_s=now_unix_s, step_s=step_s, buckets=max(1, round(item.seconds / step_s))
                )
            except KeyError:
                continue
            keys = pl.DataFrame({"host": window.hosts, "instance": window.instances})
            values = reduced(item.function, window.of(item.metric), max(1, round(item.seconds / step_s)))
            columns.append(pl.Series(item.column, values).fill_nan(None))
        found = keys.with_columns(columns) if columns else _NOTHING
        self._windows[entity] = (bucket, found)
        return found

    def _outlooks(self, asked: Collection[tuple[Entity, str]]) -> dict[tuple[Entity, str], Outlook]:
        if self._foresight is None or not asked:
            return {}
        frame = self._foresight.frame()
        # Strings are compared once, not over and over in each of the many columns' filters.
        names = frame["entity"] + pl.Series(["/"]) + frame["metric"]
        return {
            (entity, metric): outlook_of(frame.filter(names == f"{entity.value}/{metric}")) for entity, metric in asked
        }


def outlook_of(frame: pl.DataFrame) -> Outlook:
    """What foresight's frame says of one metric of one entity."""
    cube = np.stack(
        [
            np.column_stack([frame[f"{edge}_{name}"].cast(pl.Float64).to_numpy() for edge in _EDGES])
            for name in _HORIZONS
        ],
        axis=1,
    )
    origin = frame.select(pl.coalesce("origin_unix_s", "far_origin_unix_s").alias("it"))["it"].to_numpy()
    values = frame["value"].cast(pl.Float64).to_numpy()
    seconds = np.array(list(_HORIZONS.values()))
    return Outlook(frame["host"].to_list(), frame["instance"].to_list(), origin, values, seconds, cube)


def reduced(function: str, values: npt.NDArray[np.float32], buckets: int) -> npt.NDArray[np.float64]:
    """The mean, greatest or least of each series; NaN where too little of the window is sampled.

    Args:
        function: "mean", "max" or "min".
        values: bucket means, NaN where not sampled, shape (b, n).
        buckets: how many the window has; the history may be shorter.
    """
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    with np.errstate(invalid="ignore"):
        match function:
            case "max":
                found = np.where(known, values, -np.inf).max(axis=0, initial=-np.inf)
            case "min":
                found = np.where(known, values, np.inf).min(axis=0, initial=np.inf)
            case _:
                found = np.where(known, values, 0.0).sum(axis=0, dtype=np.float64) / np.maximum(count, 1)
    return np.where(count >= COVERED_SHARE * buckets, found, np.nan).astype(np.float64)


def with_gpu_counts(hosts: pl.DataFrame, gpus: pl.DataFrame) -> pl.DataFrame:
    """Hosts with how many of their GPUs are gone, and of how many nothing is known: `gpus_gone`, `gpus_unknown`."""
    if not {"state", "parent_uuid"} <= set(gpus.columns):
        return hosts
    state = pl.col("state")
    odd = gpus.filter((state != "present") & pl.col("parent_uuid").is_null())
    counts = odd.group_by("host").agg(
        (state == "gone").sum().cast(pl.Int64).alias("gpus_gone"),
        (state == "unknown").sum().cast(pl.Int64).alias("gpus_unknown"),
    )
    return hosts.join(counts, on="host", how="left", maintain_order="left").with_columns(
        pl.col("gpus_gone", "gpus_unknown").fill_null(0)
    )


def _with_happened(rows: pl.DataFrame, happened: pl.DataFrame, entity: Entity) -> pl.DataFrame:
    """Latest values with what happened in the last ten minutes that is no growth."""
    extra = [name for name in happened.columns if name in _EXTRA]
    if not extra or "host" not in rows.columns or rows.width == 1:
        return rows
    key = {Entity.GPU: "uuid", Entity.NIC: "nic", Entity.PORT: "port"}[entity]
    told = happened.select("host", pl.col("instance").alias(key), *extra)
    joined = rows.join(told, on=["host", key], how="left", maintain_order="left")
    return joined.with_columns(pl.col(name).fill_null(value=False) for name in extra if name == "is_missing")


def _grown(asked: Sequence[Derived], happened: pl.DataFrame | None) -> pl.DataFrame:
    """Growth over ten minutes, of those that grew."""
    wanted = [item for item in asked if item.function == "increase"]
    if happened is None or not wanted:
        return _NOTHING
    instance = pl.col("instance") if "instance" in happened.columns else pl.lit("").alias("instance")
    known = [item for item in wanted if f"{item.metric}_10min" in happened.columns]
    return happened.select(
        "host", instance, *(pl.col(f"{item.metric}_10min").cast(pl.Float64).alias(item.column) for item in known)
    )
