"""A tick's messages as columns: one frame per entity for the whole fleet, never one per host or row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from leptontui.model.catalogue import Kind, Metric, metric
from leptontui.model.series import Entity
from leptontui.store.bounds import Bounds, fit_text, within_capacity
from leptontui.store.schema import (
    HOST_FIELDS,
    HOST_IDENTITY,
    IDENTITY,
    KEY_OF,
    LISTS_OF,
    MAX_CORES,
    META,
    dtype_of,
    swept,
)
from leptontui.wire import Hello, Sweep


class Reader:
    """Reads some metrics of many messages, or of parts of them, as columns.

    Args:
        metrics: what is read.
        fields: where it is found, for what is not found under the metric's name.
    """

    def __init__(self, metrics: tuple[Metric, ...], fields: Mapping[str, str] | None = None) -> None:
        where = fields or {}
        self._columns = [
            (item.name, dtype_of(item), attrgetter(where.get(item.name, item.name)), _bounds_of(item), item.kind)
            for item in metrics
        ]
        self._capacities = within_capacity(metrics)
        self._nothing = pl.DataFrame(schema={name: dtype for name, dtype, *_ in self._columns})

    def read(self, rows: Sequence[Any]) -> pl.DataFrame:
        """What `rows` say, made believable. Integers beyond 64 bits become null, as any other absurd number."""
        if not rows:
            return self._nothing
        columns = []
        for name, dtype, read, bounds, kind in self._columns:
            said: Sequence[Any] = list(map(read, rows))
            if kind is Kind.TEXT:
                said = fit_text(said)
            column = pl.Series(name, said, dtype=dtype, strict=False)
            columns.append(bounds.believable(column) if bounds is not None else column)
        frame = pl.DataFrame(columns)
        return frame.with_columns(self._capacities) if self._capacities else frame


def _bounds_of(item: Metric) -> Bounds | None:
    return None if item.kind in {Kind.TEXT, Kind.FLAG} else Bounds(item)


_CORES: Final = metric(Entity.HOST, "cores_pct")
_CORE_BOUNDS: Final = Bounds(_CORES)
_SWEPT: Final = {entity: Reader(swept(entity)) for entity in LISTS_OF}
_HOST: Final = Reader(swept(Entity.HOST), HOST_FIELDS)
_GPU_IDENTITY: Final = Reader(tuple(metric(Entity.GPU, name) for name in ("uuid", *IDENTITY)))
_HOST_IDENTITY: Final = Reader(tuple(metric(Entity.HOST, name) for name in HOST_IDENTITY))


class Heard(msgspec.Struct, frozen=True):
    """A sweep, whose it is and when it was.

    Attributes:
        sweep: the message.
        host: the host's code.
        epoch: grows with every boot of the host.
        turn: grows by one with every sweep of the host.
        received_unix_s, received_mono_s: when it was received, by our clocks.
        at_unix_s: when it was made, by our wall clock.
    """

    sweep: Sweep
    host: int
    epoch: int
    turn: int
    received_unix_s: float
    received_mono_s: float
    at_unix_s: float


def columns_of(heard: Sequence[Heard]) -> dict[Entity, pl.DataFrame]:
    """One frame per entity: `schema.META`, then what the sweeps say, made believable.

    Keys are unique within a sweep (the first of equals is taken) and never empty.
    """
    sweeps = [item.sweep for item in heard]
    meta = meta_of(heard)
    frames = {Entity.HOST: meta.hstack(_HOST.read(sweeps)).hstack([_cores(sweeps)])}
    for entity, (field, most) in LISTS_OF.items():
        lists = [getattr(sweep, field)[:most] for sweep in sweeps]
        values = _SWEPT[entity].read(list(chain.from_iterable(lists)))
        of_sweep = np.repeat(np.arange(len(lists)), [len(found) for found in lists])
        frames[entity] = _keyed(meta[of_sweep].hstack(values), entity)
    return frames


def meta_of(heard: Sequence[Heard]) -> pl.DataFrame:
    """The columns of `schema.META`, one row per sweep."""
    return pl.DataFrame(
        {
            "sweep": np.arange(len(heard), dtype=np.int32),
            "host": [item.host for item in heard],
            "epoch": [item.epoch for item in heard],
            "turn": [item.turn for item in heard],
            "received_unix_s": [item.received_unix_s for item in heard],
            "received_mono_s": [item.received_mono_s for item in heard],
            "t_unix_s": [item.sweep.t_unix_s for item in heard],
            "t_mono_s": [item.sweep.t_mono_s for item in heard],
            "at_unix_s": [item.at_unix_s for item in heard],
        },
        schema=META,
    )


def _cores(sweeps: Sequence[Sweep]) -> pl.Series:
    """`cores_pct` of each sweep, null where it has none, shape (sweeps,)."""
    lists = [sweep.cpu.cores_pct[:MAX_CORES] for sweep in sweeps]
    lengths = [len(cores) for cores in lists]
    with np.errstate(over="ignore"):
        flat = np.fromiter(chain.from_iterable(lists), dtype=np.float32, count=sum(lengths))
    of_sweep = np.repeat(np.arange(len(lists), dtype=np.int32), lengths)
    found = pl.DataFrame({"sweep": of_sweep, _CORES.name: flat}).group_by("sweep", maintain_order=True).agg(_CORES.name)
    every = pl.DataFrame({"sweep": np.arange(len(lists), dtype=np.int32)}).join(
        found, on="sweep", how="left", maintain_order="left"
    )
    if not len(flat) or _CORE_BOUNDS.has(float(flat.min()), float(flat.max())):
        return every[_CORES.name]
    return every.select(pl.col(_CORES.name).list.eval(_CORE_BOUNDS.within(pl.element()))).to_series()


def _keyed(frame: pl.DataFrame, entity: Entity) -> pl.DataFrame:
    """`frame` without rows whose key is missing or said twice in one sweep."""
    keys = KEY_OF[entity]
    said = [frame[key].to_list() for key in keys]
    is_named = all("" not in column and None not in column for column in said)
    if is_named and len(set(zip(frame["sweep"].to_list(), *said, strict=True))) == frame.height:
        return frame
    named = pl.all_horizontal(
        pl.col(key).str.len_bytes() > 0 if frame.schema[key] == pl.String else pl.col(key).is_not_null() for key in keys
    )
    return frame.filter(named).unique(["sweep", *keys], keep="first", maintain_order=True)


def identities_of(hellos: Sequence[tuple[int, Hello]]) -> pl.DataFrame:
    """What hellos tell about GPUs: `host: i32`, `uuid` and `schema.IDENTITY`; a later hello's rows come later."""
    most = LISTS_OF[Entity.GPU][1]
    lists = [hello.gpus[:most] for _, hello in hellos]
    hosts = np.repeat(np.array([host for host, _ in hellos], dtype=np.int32), [len(found) for found in lists])
    values = _GPU_IDENTITY.read(list(chain.from_iterable(lists)))
    frame = pl.DataFrame({"host": hosts}).hstack(values)
    return frame.filter(pl.col("uuid").str.len_bytes() > 0).unique(["host", "uuid"], keep="last", maintain_order=True)


def facts_of(hellos: Sequence[tuple[int, Hello]]) -> pl.DataFrame:
    """What hellos tell about their hosts: `host: i32` and `schema.HOST_IDENTITY`, the last hello of each."""
    newest = dict(hellos)
    hosts = pl.DataFrame({"host": list(newest)}, schema={"host": pl.Int32})
    return hosts.hstack(_HOST_IDENTITY.read(list(newest.values())))
