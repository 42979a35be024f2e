"""The store: takes a tick's messages for the whole fleet, answers with latest values, series and trends."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.model.catalogue import CHART_BUCKETS, CHART_STEP_S, TREND_BUCKETS, TREND_METRICS, TREND_STEP_S
from leptontui.model.series import Entity, Series, SeriesKey
from leptontui.store.intake import Heard, columns_of, facts_of, identities_of
from leptontui.store.keys import HostTable, SlotTable
from leptontui.store.newest import Newest, gpu_rows, host_rows, published
from leptontui.store.rates import Rates, with_host_rates
from leptontui.store.schema import KEY_OF, counters_of, series_of
from leptontui.store.tiers import History
from leptontui.wire import Hello, Received, Sweep

_WITH_HISTORY: Final = (Entity.HOST, Entity.GPU, Entity.FILESYSTEM)
_WITH_SLOTS: Final = (Entity.GPU, Entity.FILESYSTEM, Entity.DISK, Entity.NIC, Entity.PORT)


class Store:
    """Latest values and bounded history of the whole fleet. Not thread-safe; does no I/O.

    Args:
        interval_s: nominal time between two sweeps of a host.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._hosts = HostTable()
        self._slots = {entity: SlotTable() for entity in _WITH_SLOTS}
        self._rates = {
            entity: Rates(counters_of(entity), interval_s) for entity in (Entity.DISK, Entity.NIC, Entity.PORT)
        }
        self._turns: dict[int, int] = {}
        self._history = {entity: History(series_of(entity), interval_s) for entity in _WITH_HISTORY}
        self._newest = {entity: Newest() for entity in Entity}
        self._hellos: dict[int, Hello] = {}
        self._offsets_s: dict[int, float] = {}
        self._epochs: dict[int, int] = {}
        self._facts = facts_of([])
        self._last_seen = np.zeros(0)
        self._published: dict[Entity, pl.DataFrame] = {}
        self._gpu_rows: pl.DataFrame | None = None
        self._take([], is_history=False)
        self._identity = self._with_slots(identities_of([]), Entity.GPU).drop("host", "uuid")

    def append(self, batch: Sequence[Received]) -> None:
        """Take the messages of one tick: hellos and sweeps of any hosts, in the order received. Events are ignored.

        What a host says may be absurd: it becomes null, and nothing is raised.
        """
        hellos: list[tuple[int, Hello]] = []
        live: list[Heard] = []
        past: list[Heard] = []
        for received in batch:
            host = self._hosts.code(received.host)
            match received.message:
                case Hello() as hello:
                    self._greet(host, hello, received.t_unix_s)
                    hellos.append((host, hello))
                case Sweep(is_history=True) as sweep:
                    past.append(self._heard(host, sweep, received))
                case Sweep() as sweep:
                    live.append(self._heard(host, sweep, received))
        if hellos:
            self._learn(hellos)
        if past:
            past.sort(key=lambda heard: heard.sweep.t_mono_s)
            self._take(past, is_history=True)
        if live:
            self._take(live, is_history=False)
        if batch:
            self._published.clear()
            self._gpu_rows = None

    def latest(self, entity: Entity) -> pl.DataFrame:
        """The newest value of everything, ordered by host and key; columns as `leptontui.snapshot.Frames` says.

        Counters are given as rates `<name>_per_s`, `busy_s` as `busy_pct`. GPUs no longer in their host's newest sweep
        stay with state "gone" and null readings, `received_unix_s` being when they were last seen; other entities go.
        """
        frame = self._published.get(entity)
        if frame is None:
            names = pl.Series(self._hosts.names, dtype=pl.String)
            frame = self._published[entity] = published(self._rows(entity), entity, names)
        return frame

    @property
    def resets(self) -> dict[tuple[str, str], float]:
        """When counters of GPUs began anew, unix seconds by host and uuid."""
        return {}

    def forget(self, hosts: Collection[str]) -> None:
        """Forget everything about some hosts; what they had is given to others."""
        for name in hosts:
            host = self._hosts.release(name)
            if host is None:
                continue
            for kept in (self._hellos, self._offsets_s, self._epochs, self._turns):
                kept.pop(host, None)
            for table in self._slots.values():
                table.release(host)
            self._facts = self._facts.filter(pl.col("host") != host)
            for newest in self._newest.values():
                newest.rows = newest.rows.filter(pl.col("host") != host) if newest.rows is not None else None
            self._history[Entity.HOST].forget(np.array([host], dtype=np.int32))
        self._forget_reused()
        self._published.clear()
        self._gpu_rows = None

    def hello(self, host: str) -> Hello | None:
        """The last hello of `host`, None if it never said one."""
        code = self._hosts.find(host)
        return self._hellos.get(code) if code is not None else None

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
            step_s: width of a bucket: 10, 60, or the store's interval (five minutes only).
            buckets: at most so many, the tier's length at most.

        Raises:
            KeyError: no tier has such buckets.
        """
        found: dict[SeriesKey, Series] = {}
        for entity, history in self._history.items():
            ring = history.ring(step_s)
            known = [(key, slot) for key in keys if key.entity is entity and (slot := self._slot(key)) is not None]
            asked = [(key, slot) for key, slot in known if key.metric in history.metrics]
            if not asked:
                continue
            last = int(now_unix_s // step_s)
            first = last - min(buckets, ring.buckets) + 1
            slots = np.unique(np.array([slot for _, slot in asked], dtype=np.int32))
            window = ring.window(slots, first, last)
            for key, slot in asked:
                values = window[:, history.metrics.index(key.metric), int(np.searchsorted(slots, slot))]
                made = _series_of(key, values, first, step_s)
                if made is not None:
                    found[key] = made
        return found

    def trends(self, now_unix_s: float) -> pl.DataFrame:
        """The last quarter of an hour of every GPU, the open minute included.

        Returns:
            `host`, `uuid` and for each of `TREND_METRICS` a column `trend_<metric>: list[f32]` of `TREND_BUCKETS`
            one-minute means, oldest first, null where not sampled.
        """
        table, history = self._slots[Entity.GPU], self._history[Entity.GPU]
        last = int(now_unix_s // TREND_STEP_S)
        window = history.ring(TREND_STEP_S).window(slice(len(table)), last - TREND_BUCKETS + 1, last)
        frame = table.frame()
        names = pl.Series(self._hosts.names, dtype=pl.String)
        columns = [names.gather(frame["host"]).alias("host"), frame["instance"].alias("uuid")]
        for metric in TREND_METRICS:
            flat = np.ascontiguousarray(window[:, history.metrics.index(metric), :].T).ravel()
            means = pl.Series(f"trend_{metric}", flat, dtype=pl.Float32).fill_nan(None)
            columns.append(means.reshape((len(table), TREND_BUCKETS)).arr.to_list())
        return pl.DataFrame(columns)

    def nbytes(self) -> int:
        """Bytes reserved by history and held by the newest rows."""
        newest = sum(int(kept.rows.estimated_size()) for kept in self._newest.values() if kept.rows is not None)
        return newest + sum(history.nbytes() for history in self._history.values())

    def _heard(self, host: int, sweep: Sweep, received: Received) -> Heard:
        at = received.t_unix_s
        if sweep.is_history:
            at = sweep.t_unix_s - self._offsets_s.get(host, 0.0)
        elif host not in self._hellos:
            self._offsets_s[host] = sweep.t_unix_s - at
        turn = 0
        if not sweep.is_history:
            turn = self._turns[host] = self._turns.get(host, 0) + 1
        return Heard(sweep, host, self._epochs.get(host, 0), turn, received.t_unix_s, received.t_mono_s, at)

    def _greet(self, host: int, hello: Hello, received_unix_s: float) -> None:
        before = self._hellos.get(host)
        if before is not None and before.boot_id != hello.boot_id:
            self._epochs[host] = self._epochs.get(host, 0) + 1
        self._hellos[host] = hello
        self._offsets_s[host] = hello.t_unix_s - received_unix_s

    def _learn(self, hellos: list[tuple[int, Hello]]) -> None:
        facts = facts_of(hellos)
        kept = self._facts.filter(~pl.col("host").is_in(facts["host"].implode()))
        self._facts = pl.concat([kept, facts])
        identity = self._with_slots(identities_of(hellos), Entity.GPU).drop("host", "uuid")
        self._forget_reused()
        stays = self._identity.filter(~pl.col("slot").is_in(identity["slot"].implode()))
        self._identity = pl.concat([stays, identity])

    def _take(self, heard: list[Heard], *, is_history: bool) -> None:
        """Take sweeps: rates, history, and, unless they are of the past, the newest rows."""
        frames = columns_of(heard)
        for entity in _WITH_SLOTS:
            frames[entity] = self._with_slots(frames[entity], entity)
        self._forget_reused()
        for entity, rates in self._rates.items():
            frames[entity] = rates.step(frames[entity], is_history=is_history)
        frames[Entity.HOST] = with_host_rates(frames)
        now = max((item.received_unix_s for item in heard), default=0.0)
        for entity, history in self._history.items():
            rows = frames[entity]
            slots = rows["host" if entity is Entity.HOST else "slot"].to_numpy()
            history.add(slots, rows["at_unix_s"].to_numpy(), _matrix(rows, history.metrics), now)
        if not is_history:
            self._keep_newest(frames, heard)

    def _keep_newest(self, frames: dict[Entity, pl.DataFrame], heard: list[Heard]) -> None:
        newest = {item.host: number for number, item in enumerate(heard)}
        hosts = np.fromiter(newest, dtype=np.int32, count=len(newest))
        is_newest = np.zeros(len(heard), dtype=np.bool_)
        is_newest[list(newest.values())] = True
        for entity, rows in frames.items():
            chosen = rows if is_newest.all() else rows.filter(pl.Series(is_newest[rows["sweep"].to_numpy()]))
            self._newest[entity].update(chosen, hosts)
        gpus = frames[Entity.GPU]
        self._last_seen[gpus["slot"].to_numpy()] = gpus["received_unix_s"].to_numpy()

    def _with_slots(self, rows: pl.DataFrame, entity: Entity) -> pl.DataFrame:
        """`rows` with their `slot`; rows beyond what a host may have are left out."""
        slots = self._slots[entity].slots(rows["host"].to_list(), rows[KEY_OF[entity][0]].to_list())
        rows = rows.hstack([pl.Series("slot", slots, dtype=pl.Int32)])
        return rows if not len(slots) or slots.min() >= 0 else rows.filter(pl.col("slot") >= 0)

    def _forget_reused(self) -> None:
        """Forget what slots held that changed hands, and make room for new ones."""
        for entity, table in self._slots.items():
            if table.reused:
                reused = np.array(table.reused, dtype=np.int32)
                table.reused.clear()
                if entity in self._history:
                    self._history[entity].forget(reused)
                else:
                    self._rates[entity].forget(reused)
                self._drop_slots(entity, reused)
        missing = len(self._slots[Entity.GPU]) - len(self._last_seen)
        self._last_seen = np.concatenate([self._last_seen, np.full(missing, np.nan)])

    def _drop_slots(self, entity: Entity, slots: npt.NDArray[np.int32]) -> None:
        is_other = ~pl.col("slot").is_in(pl.Series(slots).implode())
        rows = self._newest[entity].rows
        self._newest[entity].rows = rows.filter(is_other) if rows is not None else None
        if entity is Entity.GPU:
            self._identity = self._identity.filter(is_other)
            self._last_seen[slots[slots < len(self._last_seen)]] = np.nan

    def _rows(self, entity: Entity) -> pl.DataFrame:
        if entity is Entity.HOST:
            return host_rows(len(self._hosts.names), self._facts, self._kept(entity), self._gpus())
        return self._gpus() if entity is Entity.GPU else self._kept(entity)

    def _gpus(self) -> pl.DataFrame:
        if self._gpu_rows is None:
            self._gpu_rows = self._made_gpus()
        return self._gpu_rows

    def _made_gpus(self) -> pl.DataFrame:
        return gpu_rows(
            self._slots[Entity.GPU].frame(),
            self._identity,
            self._kept(Entity.GPU),
            self._kept(Entity.PROCESS),
            self._last_seen,
            self._kept(Entity.HOST)["host"],
        )

    def _kept(self, entity: Entity) -> pl.DataFrame:
        rows = self._newest[entity].rows
        assert rows is not None  # noqa: S101 — the constructor takes an empty tick, which makes the frames
        return rows

    def _slot(self, key: SeriesKey) -> int | None:
        host = self._hosts.find(key.host)
        if host is None or key.entity is Entity.HOST:
            return host
        return self._slots[key.entity].find(host, key.instance)


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
