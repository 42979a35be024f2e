"""A tick's messages as columns: one frame per entity for the whole fleet, never one per host or row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.model.catalogue import Kind, Metric, metric
from leptontui.model.series import KEY_OF, Entity
from leptontui.store.bounds import Bounds, fit_text, within_capacity
from leptontui.store.oddities import Odd, beyond, by_sweep, unprintable
from leptontui.store.schema import (
    HOST_FIELDS,
    HOST_IDENTITY,
    IDENTITY,
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

    def read(self, rows: Sequence[Any], odds: list[Odd] | None = None) -> pl.DataFrame:
        """What `rows` say, made believable. Integers beyond 64 bits become null, as any other absurd number.

        Args:
            rows: messages, or parts of them.
            odds: what was not believed is added to this.
        """
        if not rows:
            return self._nothing
        columns = []
        odds = [] if odds is None else odds
        for name, dtype, read, bounds, kind in self._columns:
            said: Sequence[Any] = list(map(read, rows))
            if kind is Kind.TEXT and (fit := fit_text(said)) is not said:
                odds += unprintable(name, said)
                said = fit
            column = pl.Series(name, said, dtype=dtype, strict=False)
            column = bounds.believable(column) if bounds is not None else column
            if (nulls := column.null_count()) and nulls > said.count(None):
                odds += beyond(name, said, column, bounds)
            columns.append(column)
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


def columns_of(heard: Sequence[Heard], odds: list[Odd] | None = None) -> dict[Entity, pl.DataFrame]:
    """One frame per entity: `schema.META`, then what the sweeps say, made believable.

    Keys are unique within a sweep (the first of equals is taken) and never empty.

    Args:
        heard: the sweeps.
        odds: what was not believed is added to this, by number of the sweep.
    """
    sweeps = [item.sweep for item in heard]
    meta = meta_of(heard)
    odds = [] if odds is None else odds
    frames = {Entity.HOST: meta.hstack(_HOST.read(sweeps, odds)).hstack([_cores(sweeps)])}
    for entity in LISTS_OF:
        flat, of_sweep = listed(sweeps, entity, odds)
        found: list[Odd] = []
        values = _SWEPT[entity].read(flat, found)
        odds += by_sweep(found, of_sweep)
        frames[entity] = _keyed(meta[of_sweep].hstack(values), entity, odds)
    return frames


def listed(
    sweeps: Sequence[Sweep | Hello], entity: Entity, odds: list[Odd], field: str = ""
) -> tuple[list[Any], npt.NDArray[np.intp]]:
    """What messages list of an entity, no more of each than a real host has, and the number of each row's message.

    Args:
        sweeps: the messages.
        entity: which of `LISTS_OF`.
        odds: too long lists are added to this.
        field: where else than in the entity's own field.
    """
    usual, most = LISTS_OF[entity]
    lists = [getattr(sweep, field or usual) for sweep in sweeps]
    lengths = [len(found) for found in lists]
    if lengths and max(lengths) > most:
        odds += [
            (number, field or usual, f"{length} were said, {most} are taken")
            for number, length in enumerate(lengths)
            if length > most
        ]
        lists = [found[:most] for found in lists]
        lengths = [len(found) for found in lists]
    return list(chain.from_iterable(lists)), np.repeat(np.arange(len(lists)), lengths)


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


def _keyed(frame: pl.DataFrame, entity: Entity, odds: list[Odd]) -> pl.DataFrame:
    """`frame` without rows whose key is missing or said twice in one sweep.

    A mount point or a process may honestly be named twice; a GPU that is named twice is odd.
    """
    keys = KEY_OF[entity]
    if not frame.height:
        return frame
    said = frame.select("sweep", *keys)
    is_named = not any(
        said[key].null_count() or (said[key].dtype == pl.String and said[key].str.len_bytes().min() == 0)
        for key in keys
    )
    if is_named and said.n_unique() == frame.height:
        return frame
    named = pl.all_horizontal(
        pl.col(key).str.len_bytes() > 0 if frame.schema[key] == pl.String else pl.col(key).is_not_null() for key in keys
    )
    kept = frame.filter(named).unique(["sweep", *keys], keep="first", maintain_order=True)
    if entity is Entity.GPU:
        lost = (
            frame["sweep"].value_counts(name="n").join(kept["sweep"].value_counts(name="kept"), on="sweep", how="left")
        )
        rows = lost.filter(pl.col("n") > pl.col("kept").fill_null(0))["sweep"]
        odds += [(number, "gpus", "one is named twice, or has no name") for number in rows.to_list()]
    return kept


def identities_of(hellos: Sequence[tuple[int, Hello]], odds: list[Odd]) -> pl.DataFrame:
    """What hellos tell about GPUs: `host: i32`, `uuid` and `schema.IDENTITY`; a later hello's rows come later.

    Args:
        hellos: with their hosts' codes.
        odds: what was not believed is added to this, by number of the hello.
    """
    flat, of_hello = listed([hello for _, hello in hellos], Entity.GPU, odds)
    hosts = np.array([host for host, _ in hellos], dtype=np.int32)[of_hello]
    found: list[Odd] = []
    values = _GPU_IDENTITY.read(flat, found)
    odds += by_sweep(found, of_hello)
    frame = pl.DataFrame({"host": hosts}, schema={"host": pl.Int32}).hstack(values)
    return frame.filter(pl.col("uuid").str.len_bytes() > 0).unique(["host", "uuid"], keep="last", maintain_order=True)


def facts_of(hellos: Sequence[tuple[int, Hello]]) -> pl.DataFrame:
    """What hellos tell about their hosts: `host: i32` and `schema.HOST_IDENTITY`, the last hello of each."""
    newest = dict(hellos)
    hosts = pl.DataFrame({"host": list(newest)}, schema={"host": pl.Int32})
    return hosts.hstack(_HOST_IDENTITY.read(list(newest.values())))
