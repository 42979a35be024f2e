"""Filters and sorts a snapshot by a view state, and hands out plain rows for what is visible.

Polars work over the fleet happens in `arrange`, which belongs in a thread; a slice of rows is cheap.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import polars as pl

from leptontui.snapshot import FleetSnapshot
from leptontui.view.alert_places import taken_by
from leptontui.view.columns import COLUMNS
from leptontui.view.filtering import condition
from leptontui.view.query import parse
from leptontui.view.row import Row, RowId
from leptontui.view.rows import row_of
from leptontui.view.state import DEFAULT_SORT, Rows, ViewState
from leptontui.view.summary import FleetSummary, summarise
from leptontui.view.work import with_work

_LISTS: Final = ("gpu_models", "gpu_jobs", "gpu_pods", "gpu_containers", "gpu_users", "gpu_states", "gpu_uuids")
_OF_A_BARE_HOST: Final = ("host", "group", "link", "received_unix_s", "severity", "health", "gpu_count")
_LONGEST_TEXT: Final = 64
_TEXT_OF: Final = {"host": "host", "gpu": "number"}
"""Columns that show another text than what they are sorted by."""


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """A snapshot as one view state wants it. Immutable; made in a thread, read on the screen's.

    Attributes:
        snapshot: what it shows.
        state: as asked for.
        summary: the whole fleet in a few numbers.
        total: rows before filtering.
        shown: rows after it.
        error: what of the filter could not be understood, in words; "" if all could.
        longest: length of the longest text of each text column over the whole fleet, by column name.
    """

    snapshot: FleetSnapshot
    state: ViewState
    summary: FleetSummary
    total: int
    shown: int
    error: str
    longest: Mapping[str, int]
    _frame: pl.DataFrame
    _rows: dict[int, Row]
    _taken: Mapping[tuple[str, str], str]

    def rows(self, start: int, stop: int) -> tuple[Row, ...]:
        """The rows from `start` up to `stop`, cut to what there is; made once, then remembered."""
        start, stop = max(0, start), min(stop, self.shown)
        missing = [at for at in range(start, stop) if at not in self._rows]
        if missing:
            first = missing[0]
            part = self._frame.slice(first, missing[-1] + 1 - first)
            for at, values in enumerate(part.iter_rows(named=True), first):
                self._rows[at] = row_of(values, self.snapshot, self._taken)
        return tuple(self._rows[at] for at in range(start, stop))

    def id_at(self, position: int) -> RowId | None:
        """What the row at `position` is about; None beyond the end."""
        if not 0 <= position < self.shown:
            return None
        part = self._frame.slice(position, 1)
        return RowId(part["host"][0], part["uuid"][0] if "uuid" in part.columns else None)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that rows are shown of, each once, in the order of the rows."""
        return tuple(self._frame["host"].unique(maintain_order=True).to_list())

    def position(self, row_id: RowId) -> int | None:
        """Where a row is; None if it is not shown.

        Among hosts a GPU is found as its host, among GPUs a host as the first of its rows: the one who changes from one
        to the other stays on the same machine.
        """
        is_it = pl.col("host") == row_id.host
        if "uuid" in self._frame.columns and row_id.gpu_uuid is not None:
            is_it &= pl.col("uuid") == row_id.gpu_uuid
        found = self._frame.select(is_it.arg_true()).to_series()
        return int(found[0]) if found.len() else None


def arrange(snapshot: FleetSnapshot, state: ViewState) -> Arrangement:
    """Filter and sort. Takes milliseconds at 8,000 GPUs: not for the screen's thread."""
    frame = _gpus(snapshot) if state.rows is Rows.GPU else _hosts(snapshot)
    query = parse(state.filter)
    shown = frame
    if query.terms:
        shown = frame.filter(condition(query, state.rows, frame.columns, _LISTS))
    return Arrangement(
        snapshot=snapshot,
        state=state,
        summary=summarise(snapshot),
        total=frame.height,
        shown=shown.height,
        error=query.error,
        longest=_longest(frame, state.rows),
        _frame=_sorted(shown, state),
        _rows={},
        _taken=taken_by(snapshot.alerts),
    )


def _gpus(snapshot: FleetSnapshot) -> pl.DataFrame:
    """All GPUs, and one row for each host of which no GPU is known: lost hosts are never hidden."""
    gpus, hosts = snapshot.frames.gpus, snapshot.frames.hosts
    bare = hosts.join(gpus.select("host").unique(), on="host", how="anti")
    if bare.height:
        bare = bare.select(_OF_A_BARE_HOST)  # not its memory: that column is the GPUs' here
        gpus = pl.concat([gpus, bare], how="diagonal")
    of_hosts = [name for name in ("node_state", "partitions") if name in hosts.columns and name not in gpus.columns]
    causes = hosts.select("host", "link_cause", *of_hosts, host_rank=_ranks(hosts), __received="received_unix_s")
    gpus = gpus.drop("link_cause", strict=False)  # of a host without GPUs it would be null
    joined = with_work(gpus, snapshot).join(causes, on="host", how="left", maintain_order="left")
    if "state" not in joined.columns:
        return joined.drop("__received")
    # Nothing comes from a GPU that is gone: that it is gone is as old as what came last from its host.
    received = pl.when(pl.col("state") == "gone").then("__received").otherwise("received_unix_s")
    return joined.with_columns(received_unix_s=received).drop("__received")


def _hosts(snapshot: FleetSnapshot) -> pl.DataFrame:
    """All hosts with what can be said of their GPUs together."""
    hosts = snapshot.frames.hosts
    gpus = with_work(snapshot.frames.gpus, snapshot)
    of_gpus = (
        gpus.lazy()
        .group_by("host")
        .agg(
            gpu_util_pct=pl.col("util_pct").mean(),
            gpu_util_min_pct=pl.col("util_pct").min(),
            gpu_temp_c=pl.col("temp_c").max(),
            gpu_power_w=pl.when(pl.col("power_w").is_not_null().any()).then(pl.col("power_w").sum()),
            gpu_models=pl.col("name").drop_nulls().unique(),
            gpu_jobs=pl.col("job").drop_nulls().unique(),
            gpu_pods=pl.col("pod").drop_nulls().unique(),
            gpu_containers=pl.col("container").drop_nulls().unique(),
            gpu_users=pl.col("user").drop_nulls().unique(),
            gpu_states=pl.col("state").drop_nulls().unique(),
            gpu_uuids=pl.col("uuid").drop_nulls(),
        )
        .collect()
    )
    return hosts.with_columns(host_rank=_ranks(hosts)).join(of_gpus, on="host", how="left", maintain_order="left")


def _sorted(frame: pl.DataFrame, state: ViewState) -> pl.DataFrame:
    """By the wanted column, then host and GPU; what is not known comes last either way."""
    columns = {column.name: column for column in COLUMNS[state.rows]}
    chosen = columns.get(state.sort, columns[DEFAULT_SORT])
    keys = [pl.col(chosen.sort) if chosen.sort in frame.columns else pl.lit(None)]
    is_descending = [state.is_descending]
    if frame.schema.get(chosen.sort) == pl.String:
        keys = [pl.when(keys[0] != "").then(keys[0].str.to_lowercase())]
    if chosen.name == "age":
        is_descending = [not state.is_descending]  # the oldest was received first
    keys.append(pl.col("host_rank"))
    keys += [pl.col(name) for name in ("index", "mig_order") if name in frame.columns]
    is_descending += [False] * (len(keys) - 1)
    return frame.sort(keys, descending=is_descending, nulls_last=True, maintain_order=True)


def _longest(frame: pl.DataFrame, rows: Rows) -> dict[str, int]:
    """Length of the longest text by column; hosts' own names, models, jobs."""
    texts = {column.name: _TEXT_OF.get(column.name, column.sort) for column in COLUMNS[rows] if column.grows_to}
    if texts.get("model") in frame.columns and "mig_profile" in frame.columns:
        frame = frame.with_columns(pl.coalesce("mig_profile", "name").alias("name"))
    lengths = frame.select(
        **{
            name: _shown_text(source).str.len_chars().max().fill_null(0)
            for name, source in texts.items()
            if source in frame.columns
        }
    )
    return (
        {name: min(value, _LONGEST_TEXT) for name, value in lengths.row(0, named=True).items()} if lengths.width else {}
    )


def _shown_text(source: str) -> pl.Expr:
    """A text column as it will be shown: models without what every one of them has."""
    column = pl.col(source)
    if source != "name":
        return column
    return (
        column.unique()
        .str.replace_all(r"(?i)\b(nvidia|tesla|geforce)\s+", "")
        .str.extract(r"^((?:RTX|GTX|Quadro|TITAN)(?: \S+){0,2}|[^\s-]+)", 1)
    )


def _ranks(hosts: pl.DataFrame) -> pl.Series:
    """Each host's place in natural order (gpu-9 before gpu-10), shape (hosts,)."""
    return pl.Series("host_rank", _natural_ranks(tuple(hosts["host"].to_list())), dtype=pl.UInt32)


@lru_cache(maxsize=4)
def _natural_ranks(names: tuple[str, ...]) -> tuple[int, ...]:
    keys = [
        [(part.zfill(20) if part.isdigit() else part.lower()) for part in re.split(r"(\d+)", name)] for name in names
    ]
    order = sorted(range(len(names)), key=keys.__getitem__)
    ranks = [0] * len(names)
    for rank, at in enumerate(order):
        ranks[at] = rank
    return tuple(ranks)
