"""The store: takes a tick's messages for the whole fleet, answers with latest values, series and trends."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.model.catalogue import CHART_BUCKETS, CHART_STEP_S
from leptontui.model.series import Entity, Series, SeriesKey
from leptontui.store.gpus import Gpus
from leptontui.store.happened import SCHEMAS, Happened
from leptontui.store.hosts import BACKWARDS, HostBook
from leptontui.store.intake import Heard, columns_of, facts_of
from leptontui.store.keys import SlotTable
from leptontui.store.newest import Newest, host_rows, published
from leptontui.store.oddities import Odd, Oddities
from leptontui.store.past import Past
from leptontui.store.rates import MAX_GAP_INTERVALS, Rates, with_host_rates
from leptontui.store.schema import LISTS_OF, counters_of, instances_of
from leptontui.store.windows import Window
from leptontui.wire import Hello, Received, Sweep

_WITH_SLOTS: Final[tuple[Entity, ...]] = (
    Entity.GPU,
    Entity.FILESYSTEM,
    Entity.DISK,
    Entity.NIC,
    Entity.PORT,
    Entity.SERVICE,
    Entity.SAMPLE,
)
_WITH_RATES: Final[tuple[Entity, ...]] = (Entity.DISK, Entity.NIC, Entity.PORT)


class Store:
    """Latest values and bounded history of the whole fleet. Not thread-safe; does no I/O.

    Args:
        interval_s: nominal time between two sweeps of a host.
    """

    def __init__(self, interval_s: float) -> None:
        limit_s = MAX_GAP_INTERVALS * interval_s
        self._hosts = HostBook()
        self._slots = {entity: SlotTable(LISTS_OF[entity][1]) for entity in _WITH_SLOTS}
        self._rates = {entity: Rates(counters_of(entity), limit_s) for entity in _WITH_RATES}
        self._past = Past(interval_s)
        self._gpus = Gpus(self._slots[Entity.GPU], interval_s)
        self._happened = Happened()
        self._oddities = Oddities()
        self._newest = {entity: Newest() for entity in Entity}
        self._facts = facts_of([])
        self._published: dict[Entity, pl.DataFrame] = {}
        self._gpu_rows: pl.DataFrame | None = None
        self._told_happened: dict[Entity, pl.DataFrame] | None = None
        self._take([], is_history=False)

    def append(self, batch: Sequence[Received]) -> None:
        """Take the messages of one tick: hellos and sweeps of any hosts, in the order received. Events are ignored.

        What a host says may be absurd: it becomes null, `oddities` tells it, and nothing is raised.
        """
        hellos: list[tuple[int, Hello, float]] = []
        live: list[Heard] = []
        past: list[Heard] = []
        for received in batch:
            host = self._hosts.table.code(received.host)
            match received.message:
                case Hello() as hello:
                    self._hosts.greet(host, hello, received.t_unix_s)
                    hellos.append((host, hello, received.t_mono_s))
                case Sweep(is_history=True) as sweep:
                    past.append(self._hosts.heard(host, sweep, received))
                case Sweep() as sweep:
                    live.append(self._hosts.heard(host, sweep, received))
        if hellos:
            self._learn(hellos)
        if past:
            past.sort(key=lambda heard: heard.sweep.t_mono_s)
            self._take(past, is_history=True)
        if live:
            self._take(live, is_history=False)
        if batch:
            self._stale()

    def latest(self, entity: Entity) -> pl.DataFrame:
        """The newest value of everything, ordered by host and key; columns as `leptontui.snapshot.Frames` says.

        Counters are given as rates, see `Metric.rate_name`. GPUs no longer in their host's newest sweep stay with
        null readings, `received_unix_s` being when they were last seen: with state "unknown" where the driver hangs,
        else "gone". Other entities go.
        """
        frame = self._published.get(entity)
        if frame is None:
            frame = self._published[entity] = published(self._rows(entity), entity, self._names())
        return frame

    def happened(self) -> dict[Entity, pl.DataFrame]:
        """What happened in the last ten minutes by our monotonic clock; see `happened.Happened.frame`."""
        if self._told_happened is None:
            names = self._names()
            self._told_happened = {
                entity: self._happened.frame(entity, names, self._slots.get(entity), self._newest[entity].rows)
                for entity in SCHEMAS
            }
        return dict(self._told_happened)

    @property
    def resets(self) -> Mapping[tuple[str, str], float]:
        """When a GPU's counters began anew (its driver was loaded, or it was reset), unix seconds by host and uuid."""
        table, names = self._slots[Entity.GPU], self._hosts.table.names
        return {(names[table.hosts[slot]], table.instances[slot]): at for slot, at in self._gpus.resets.items()}

    def oddities(self, mono_s: float) -> dict[str, tuple[str, ...]]:
        """What hosts said in the last minute that cannot be so, by host, in words; `mono_s` is our monotonic clock."""
        names = self._hosts.table.names
        return {names[host]: said for host, said in self._oddities.newest(mono_s).items()}

    def forget(self, hosts: Collection[str]) -> None:
        """Forget everything about some hosts; the places they had are given to others."""
        for name in hosts:
            host = self._hosts.forget(name)
            if host is None:
                continue
            code = np.array([host], dtype=np.int32)
            for table in self._slots.values():
                table.release(host)
            self._oddities.forget(host)
            self._happened.forget(Entity.HOST, code)
            self._past.forget(Entity.HOST, code)
            self._facts = self._facts.filter(pl.col("host") != host)
            for newest in self._newest.values():
                newest.drop("host", code)
        self._forget_reused()
        self._stale()

    def series(
        self,
        keys: Collection[SeriesKey],
        *,
        now_unix_s: float,
        step_s: float = CHART_STEP_S,
        buckets: int = CHART_BUCKETS,
    ) -> dict[SeriesKey, Series]:
        """Bucket means of some series on a regular grid; what was never sampled in that time is left out.

        Args:
            keys: which series.
            now_unix_s: the newest bucket is the one this is in; it is left out while nothing was sampled in it.
            step_s: width of a bucket: 10, 60, or the store's interval (five minutes only); services and samples have
                10 only.
            buckets: at most so many, the tier's length at most.

        Raises:
            KeyError: no tier has such buckets.
        """
        return self._past.series(keys, self._slot, now_unix_s=now_unix_s, step_s=step_s, buckets=buckets)

    def closed(
        self, keys: Collection[SeriesKey], *, now_unix_s: float, step_s: float, buckets: int
    ) -> tuple[float, dict[SeriesKey, npt.NDArray[np.float32]]]:
        """Like `series`, of closed buckets only, as arrays that all end at the same time.

        Returns:
            the end of the last bucket, and means (n,) from the first sampled bucket on, NaN where not sampled.
        """
        return self._past.closed(keys, self._slot, now_unix_s=now_unix_s, step_s=step_s, buckets=buckets)

    def window(
        self, entity: Entity, *, now_unix_s: float, step_s: float, buckets: int, metrics: Sequence[str] | None = None
    ) -> Window:
        """The newest closed buckets of all series of an entity with history; copies them. `metrics`: only of these.

        Raises:
            KeyError: the entity has no history, or no tier has such buckets.
        """
        table, last = self._slots.get(entity), int(now_unix_s // step_s) - 1
        return self._past.window(
            entity, table, self._names(), last=last, step_s=step_s, buckets=buckets, metrics=metrics
        )

    def trends(self, now_unix_s: float) -> pl.DataFrame:
        """The last quarter of an hour of every GPU, the open minute included.

        Returns:
            `host`, `uuid` and for each of `TREND_METRICS` a column `trend_<metric>: list[f32]` of `TREND_BUCKETS`
            one-minute means, oldest first, null where not sampled.
        """
        return self._past.trends(self._slots[Entity.GPU], self._names(), now_unix_s)

    def nbytes(self) -> int:
        """Bytes reserved by history and held by the newest rows."""
        newest = sum(int(kept.rows.estimated_size()) for kept in self._newest.values() if kept.rows is not None)
        return newest + self._past.nbytes()

    def _learn(self, hellos: list[tuple[int, Hello, float]]) -> None:
        odds: list[Odd] = []
        told = [(host, hello) for host, hello, _ in hellos]
        facts = facts_of(told)
        kept = self._facts.filter(~pl.col("host").is_in(facts["host"].implode()))
        self._facts = pl.concat([kept, facts])
        self._gpus.learn(told, odds)
        for number, what, how in odds:
            host, _, mono_s = hellos[number]
            self._oddities.note(host, what, how, mono_s)
        self._forget_reused()

    def _take(self, heard: list[Heard], *, is_history: bool) -> None:
        """Take sweeps: rates, history, and, unless they are of the past, the newest rows."""
        odds: list[Odd] = []
        frames = columns_of(heard, odds)
        for entity in _WITH_SLOTS:
            frames[entity] = self._with_slots(frames[entity], entity)
        self._forget_reused()
        for entity, rates in self._rates.items():
            frames[entity] = rates.step(frames[entity], is_history=is_history)
        frames[Entity.HOST] = with_host_rates(frames)
        self._past.add(frames, max((item.received_unix_s for item in heard), default=0.0))
        if not is_history:
            self._happened.take(frames)
            self._happened.take_details(self._gpus.take(frames[Entity.GPU], heard, odds))
            self._keep_newest(frames, heard)
        self._note(heard, odds)

    def _note(self, heard: list[Heard], odds: list[Odd]) -> None:
        for number, what, how in odds:
            self._oddities.note(heard[number].host, what, how, heard[number].received_mono_s)
        for host in self._hosts.backwards:
            self._oddities.note(host, "clock", BACKWARDS, heard[-1].received_mono_s)
        self._hosts.backwards.clear()

    def _keep_newest(self, frames: dict[Entity, pl.DataFrame], heard: list[Heard]) -> None:
        newest = {item.host: number for number, item in enumerate(heard)}
        hosts = np.fromiter(newest, dtype=np.int32, count=len(newest))
        is_newest = np.zeros(len(heard), dtype=np.bool_)
        is_newest[list(newest.values())] = True
        for entity, rows in frames.items():
            chosen = rows if is_newest.all() else rows.filter(pl.Series(is_newest[rows["sweep"].to_numpy()]))
            self._newest[entity].update(chosen, hosts)

    def _with_slots(self, rows: pl.DataFrame, entity: Entity) -> pl.DataFrame:
        """`rows` with their `slot`; rows beyond what a host may have are left out."""
        slots = self._slots[entity].slots(rows["host"].to_list(), instances_of(rows, entity))
        rows = rows.hstack([pl.Series("slot", slots, dtype=pl.Int32)])
        return rows if not len(slots) or slots.min() >= 0 else rows.filter(pl.col("slot") >= 0)

    def _forget_reused(self) -> None:
        """Forget what slots held that changed hands, and make room for new ones."""
        for entity, table in self._slots.items():
            if table.reused:
                reused = np.array(table.reused, dtype=np.int32)
                table.reused.clear()
                if entity in self._rates:
                    self._rates[entity].forget(reused)
                self._past.forget(entity, reused)
                self._happened.forget(entity, reused)
                self._newest[entity].drop("slot", reused)
                if entity is Entity.GPU:
                    self._gpus.forget(reused)
        self._gpus.reserve()

    def _stale(self) -> None:
        self._published.clear()
        self._gpu_rows = self._told_happened = None

    def _names(self) -> pl.Series:
        return pl.Series(self._hosts.table.names, dtype=pl.String)

    def _rows(self, entity: Entity) -> pl.DataFrame:
        if entity is Entity.HOST:
            return host_rows(self._hosts.table.codes(), self._facts, self._kept(entity), self._all_gpus())
        return self._all_gpus() if entity is Entity.GPU else self._kept(entity)

    def _all_gpus(self) -> pl.DataFrame:
        if self._gpu_rows is None:
            swept = self._kept(Entity.HOST)["host"]
            self._gpu_rows = self._gpus.rows(
                self._kept(Entity.GPU), self._kept(Entity.PROCESS), swept, self._hosts.hung
            )
        return self._gpu_rows

    def _kept(self, entity: Entity) -> pl.DataFrame:
        rows = self._newest[entity].rows
        assert rows is not None  # noqa: S101 — the constructor takes an empty tick, which makes the frames
        return rows

    def _slot(self, key: SeriesKey) -> int | None:
        host = self._hosts.table.find(key.host)
        if host is None or key.entity is Entity.HOST:
            return host
        return self._slots[key.entity].find(host, key.instance)
