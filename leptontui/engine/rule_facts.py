"""What rules are evaluated on, live: latest values, windows of the store's past, what foresight foresees.

What touches the store or foresight is taken at once, on the engine's loop, by reference or as a copy of what is asked
for; joins and windows are made of that in the thread in which the rules are evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
import polars as pl

from leptontui.alerts.rules.columns import COUNTED
from leptontui.alerts.rules.derived import Derived
from leptontui.alerts.rules.facts import Labels
from leptontui.alerts.rules.outlook import Outlook
from leptontui.engine.rule_windows import FINE_S, NOTHING, Sampled, sampled
from leptontui.model.series import KEY_OF, Entity
from leptontui.model.target import HostTarget
from leptontui.snapshot import Frames
from leptontui.store.store import Store

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
class Taken:
    """What was taken of the engine at one instant: nothing of it is ever changed.

    Attributes:
        frames: the snapshot's.
        happened: by entity those to which something happened, see `Store.happened`.
        sampled: what windows are made of, by entity.
        foreseen: what forecasts are told by.
        needs: what rules derive.
    """

    frames: Frames
    happened: Mapping[Entity, pl.DataFrame]
    sampled: Mapping[Entity, Sampled]
    foreseen: Foreseen
    needs: Needs


@dataclass(frozen=True)
class Foreseen:
    """Forecasts as rules ask for them, made once for as long as foresight's frame stays the same.

    Attributes:
        frame: see `Foreseeing.frame`; None where nothing is asked of it.
        asked: entities and metrics.
    """

    frame: pl.DataFrame | None
    asked: frozenset[tuple[Entity, str]]

    @cached_property
    def outlooks(self) -> Mapping[tuple[Entity, str], Outlook]:
        """What is foreseen, by entity and metric."""
        if self.frame is None:
            return {}
        # Strings are compared once, not over and over in each of the many columns' filters.
        names = self.frame["entity"] + pl.Series(["/"]) + self.frame["metric"]
        return {
            (entity, metric): outlook_of(self.frame.filter(names == f"{entity.value}/{metric}"))
            for entity, metric in self.asked
        }


class FleetFacts:
    """The fleet at one instant; see `leptontui.alerts.rules.facts.Facts`.

    What costs time is made when it is first asked for: that is in the thread in which rules are evaluated.

    Args:
        now_unix_s: the instant.
        labels: the inventory's labels.
        taken: what everything is made of.
    """

    def __init__(self, now_unix_s: float, labels: Labels, taken: Taken) -> None:
        self.now_unix_s = now_unix_s
        self.labels = labels
        self._taken = taken

    @cached_property
    def frames(self) -> Mapping[Entity, pl.DataFrame]:
        """Latest values by entity."""
        latest = {entity: getattr(self._taken.frames, name) for entity, name in _FRAMES.items()}
        latest[Entity.HOST] = with_gpu_counts(latest[Entity.HOST], latest[Entity.GPU])
        for entity, rows in self._taken.happened.items():
            latest[entity] = _with_happened(latest[entity], rows, entity)
        return latest

    @cached_property
    def windows(self) -> Mapping[Entity, pl.DataFrame]:
        """Derived columns by entity."""
        by_entity: dict[Entity, list[Derived]] = {}
        for entity, item in self._taken.needs:
            by_entity.setdefault(entity, []).append(item)
        return {
            entity: _joined(self._taken.sampled[entity].frame, _grown(asked, self._taken.happened.get(entity)))
            for entity, asked in by_entity.items()
        }

    @property
    def outlooks(self) -> Mapping[tuple[Entity, str], Outlook]:
        """What is foreseen, by entity and metric."""
        return self._taken.foreseen.outlooks

    def latest(self, entity: Entity) -> pl.DataFrame | None:
        """See `Facts.latest`."""
        return self.frames.get(entity)

    def derived(self, entity: Entity, asked: Sequence[Derived]) -> pl.DataFrame:
        """See `Facts.derived`."""
        known = self.windows.get(entity, NOTHING)
        columns = [item.column for item in asked]
        missing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in columns if name not in known.columns]
        return known.with_columns(missing).select("host", "instance", *columns)

    def outlook(self, entity: Entity, metric: str) -> Outlook | None:
        """See `Facts.outlook`."""
        return self.outlooks.get((entity, metric))


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
        self._sampled: dict[Entity, tuple[int, Sampled]] = {}
        self._foreseen = Foreseen(None, frozenset())

    def at(self, frames: Frames, now_unix_s: float, needs: Needs) -> FleetFacts:
        """Everything that the rules ask for, now.

        Args:
            frames: the snapshot's.
            now_unix_s: the instant.
            needs: what rules derive; see `Evaluator.needs`.
        """
        labels = {name: target.labels for name, target in self._targets().items() if target.labels}
        entities = dict.fromkeys(entity for entity, _ in needs)
        taken = Taken(
            frames,
            self._store.happened(),
            {entity: self._windows(entity, needs, now_unix_s) for entity in entities},
            self._ahead(needs),
            needs,
        )
        return FleetFacts(now_unix_s, labels, taken)

    def _windows(self, entity: Entity, needs: Needs, now_unix_s: float) -> Sampled:
        """Windows are made anew when a bucket has closed; in between they are what they were."""
        bucket = int(now_unix_s // FINE_S)
        kept = self._sampled.get(entity)
        if kept is None or kept[0] != bucket:
            asked = [item for of, item in needs if of is entity]
            kept = self._sampled[entity] = (bucket, sampled(self._store, entity, asked, now_unix_s))
        return kept[1]

    def _ahead(self, needs: Needs) -> Foreseen:
        asked = frozenset((entity, item.metric) for entity, item in needs if item.is_predicting)
        frame = None if self._foresight is None or not asked else self._foresight.frame()
        if frame is not self._foreseen.frame or asked != self._foreseen.asked:
            self._foreseen = Foreseen(frame, asked)
        return self._foreseen


def _joined(windows: pl.DataFrame, grown: pl.DataFrame) -> pl.DataFrame:
    found = [frame for frame in (windows, grown) if frame.height]
    if len(found) > 1:
        return windows.join(grown, on=["host", "instance"], how="full", coalesce=True)
    return found[0] if found else NOTHING


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
    (key,) = KEY_OF[entity]
    told = happened.select("host", pl.col("instance").alias(key), *extra)
    joined = rows.join(told, on=["host", key], how="left", maintain_order="left")
    return joined.with_columns(pl.col(name).fill_null(value=False) for name in extra if name == "is_missing")


def _grown(asked: Sequence[Derived], happened: pl.DataFrame | None) -> pl.DataFrame:
    """Growth over ten minutes, of those that grew."""
    wanted = [item for item in asked if item.function == "increase"]
    if happened is None or not wanted:
        return NOTHING
    instance = pl.col("instance") if "instance" in happened.columns else pl.lit("").alias("instance")
    known = [item for item in wanted if f"{item.metric}_10min" in happened.columns]
    return happened.select(
        "host", instance, *(pl.col(f"{item.metric}_10min").cast(pl.Float64).alias(item.column) for item in known)
    )
