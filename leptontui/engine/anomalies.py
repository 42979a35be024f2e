"""Anomalies of the fleet as it is watched: every chart step the detector's state of all series is advanced.

A GPU's past is that of the work on it: when a job or its last process comes or goes, its series begin anew, and so do
those of its host. What a job does to its GPUs is therefore no anomaly; what happens during a job is.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.anomaly.settings import Settings
from leptontui.engine.anomaly_groups import AnomalyGroups, Place
from leptontui.engine.anomaly_series import LEAST, WINDOW, AnomalySeries, Rows, series_days
from leptontui.model.anomaly import Anomaly, AnomalyWatch, Surprise
from leptontui.model.catalogue import CHART_STEP_S
from leptontui.model.series import Entity
from leptontui.store.store import Store
from leptontui.store.windows import Window

LATE_S: Final = 2.5
"""How long after the end of a bucket it is judged: sweeps arrive late."""
_CAUGHT_UP: Final = 6
_REALISED_DAYS: Final = 1.0

_SCHEMA: Final = {
    "entity": pl.String,
    "host": pl.String,
    "instance": pl.String,
    "metric": pl.String,
    "score": pl.Float32,
    "since_unix_s": pl.Float64,
    "anomaly_id": pl.String,
    "words": pl.String,
}


class Anomalies:
    """Looks for anomalies in the store's series.

    Args:
        store: where the series are.
        clock: unix time.
        rate_per_day: false alarms allowed for each series a day.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.time, *, rate_per_day: float) -> None:
        self._store = store
        self._clock = clock
        settings = Settings(rate_per_day=rate_per_day, has_season=False, is_shared=True)
        self._series = [AnomalySeries(entity, name, settings) for entity, name in LEAST]
        self._entities = tuple(dict.fromkeys(entity for entity, _ in LEAST))
        self._groups = AnomalyGroups(self._windows_of, self._surprise_of)
        self._names: dict[Entity, tuple[pl.Series, pl.Series]] = {}
        self._work: dict[Entity, pl.Series] = {}
        self._judged_unix_s = -math.inf
        self._days = 0.0
        self._watch = AnomalyWatch(rate_per_day)
        self._told: tuple[Anomaly, ...] = ()
        self._frame = pl.DataFrame(schema=_SCHEMA)

    @property
    def told(self) -> tuple[Anomaly, ...]:
        """Anomalies that go on or ended a short while ago, the oddest first."""
        return self._told

    @property
    def watch(self) -> AnomalyWatch:
        """How the search goes."""
        return self._watch

    def frame(self) -> pl.DataFrame:
        """One row for each series that is odd now, at most a few thousand, the oddest of them.

        Returns:
            `entity`, `host`, `instance`, `metric`, `score`, `since_unix_s` (of its anomaly), `anomaly_id`, `words`.
        """
        return self._frame

    def nbytes(self) -> int:
        """Bytes reserved."""
        return sum(series.nbytes() for series in self._series)

    async def run(self) -> None:
        """Judge every bucket shortly after it is full; until cancelled."""
        while True:
            now = self._clock()
            due = (math.floor((now - LATE_S) / CHART_STEP_S) + 1) * CHART_STEP_S + LATE_S
            await asyncio.sleep(min(max(0.0, due - now), CHART_STEP_S + LATE_S))
            for _ in self.steps(self._clock()):
                # Between two metrics others get their turn: each takes a few milliseconds of a large fleet.
                await asyncio.sleep(0)

    def steps(self, now_unix_s: float) -> Iterator[None]:
        """Judge what is full and was not judged yet, one metric at a time; see `run`."""
        began = time.thread_time()
        spent = 0.0
        newest = math.floor((now_unix_s - LATE_S) / CHART_STEP_S) * CHART_STEP_S
        if newest < self._judged_unix_s - 2 * CHART_STEP_S:
            self._judged_unix_s = newest - CHART_STEP_S  # our clock was set back
        missed = int(min(_CAUGHT_UP, (newest - self._judged_unix_s) / CHART_STEP_S))
        if missed <= 0:
            return
        self._judged_unix_s = newest
        judged = learning = alarms = 0
        for entity in self._entities:
            window = self._store.window(entity, now_unix_s=newest, step_s=CHART_STEP_S, buckets=missed)
            self._take_over(entity, window)
            begun: list[Place] = []
            for number, series in self._of(entity):
                for bucket, at in enumerate(window.end_unix_s.tolist()):
                    step = series.advance(window.of(series.name)[bucket], at)
                    judged, learning = judged + step.judged, learning + step.learning
                    alarms += len(step.begun)
                    begun += self._places(number, entity, step.begun)
                    self._groups.end(number, step.ended.tolist(), at)
                spent += time.thread_time() - began
                yield
                began = time.thread_time()
            self._groups.begin(begun, newest)
        self._publish(newest, judged, learning // missed, alarms, missed)
        spent += time.thread_time() - began
        self._watch = replace(self._watch, step_ms=1000.0 * spent)

    def _publish(self, at_unix_s: float, judged: int, learning: int, alarms: int, steps: int) -> None:
        self._told = self._groups.told(at_unix_s)
        self._frame = self._made()
        self._days += series_days(judged)
        alarms += self._watch.alarms
        self._watch = replace(
            self._watch,
            realised_per_day=alarms / self._days if self._days >= _REALISED_DAYS else None,
            series=judged // steps + learning,
            learning=learning,
            alarms=alarms,
        )

    def _of(self, entity: Entity) -> Iterator[tuple[int, AnomalySeries]]:
        return ((number, series) for number, series in enumerate(self._series) if series.entity is entity)

    def _take_over(self, entity: Entity, window: Window) -> None:
        """Make room for new series, and begin anew those whose slot or work is another than before."""
        hosts, instances = window.hosts, window.instances
        changed = self._changed(entity, hosts, instances)
        self._names[entity] = (hosts, instances)
        for number, series in self._of(entity):
            series.resize(len(hosts))
            if len(changed):
                series.forget(changed)
                self._groups.drop(number, changed.tolist())

    def _changed(self, entity: Entity, hosts: pl.Series, instances: pl.Series) -> Rows:
        work = self._work_of(entity, hosts, instances)
        before = self._names.get(entity)
        if before is None:
            self._work[entity] = work
            return np.zeros(0, np.intp)
        kept = min(len(before[0]), len(hosts))
        same = (before[0].head(kept) == hosts.head(kept)) & (before[1].head(kept) == instances.head(kept))
        same &= self._work[entity].head(kept).eq_missing(work.head(kept))
        self._work[entity] = work
        return np.flatnonzero(~same.to_numpy())

    def _work_of(self, entity: Entity, hosts: pl.Series, instances: pl.Series) -> pl.Series:
        """What each series' machine is busy with: its jobs, and whether any process uses a GPU."""
        work = (
            pl.col("job").fill_null("")
            + pl.when(pl.col("process_count") > 0).then(pl.lit(" busy")).otherwise(pl.lit(""))
        ).alias("work")
        gpus = self._store.latest(Entity.GPU).select("host", pl.col("uuid").alias("instance"), work)
        if entity is Entity.HOST:
            gpus = gpus.group_by("host").agg(pl.col("work").sort().str.join(",")).with_columns(instance=pl.lit(""))
        asked = pl.DataFrame({"host": hosts, "instance": instances})
        return asked.join(gpus, on=["host", "instance"], how="left", maintain_order="left")["work"]

    def _places(self, number: int, entity: Entity, rows: Rows) -> list[Place]:
        hosts, instances = self._names[entity]
        return [Place(number, row, hosts[row], instances[row]) for row in rows.tolist()]

    def _windows_of(self, places: Sequence[Place]) -> npt.NDArray[np.float64]:
        found = np.zeros((len(places), WINDOW))
        metrics = np.array([place.metric for place in places], dtype=np.intp)
        rows = np.array([place.row for place in places], dtype=np.intp)
        for number in np.unique(metrics).tolist():
            are = metrics == number
            found[are] = self._series[number].window(rows[are])
        return found

    def _surprise_of(self, place: Place) -> Surprise:
        return self._series[place.metric].surprise(place.row, place.host, place.instance)

    def _made(self) -> pl.DataFrame:
        rows = [
            (
                member.key.entity.value,
                member.key.host,
                member.key.instance,
                member.key.metric,
                member.score,
                going.since_unix_s,
                going.id,
                member.words,
            )
            for going, member in self._groups.odd_now()
        ]
        return pl.DataFrame(rows, schema=_SCHEMA, orient="row")
