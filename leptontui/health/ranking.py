"""Findings and how they are ranked: a row's worst one is what it says, the others are counted and listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from leptontui.model.health import Severity

_NONE: Final = -1


@dataclass(frozen=True, slots=True)
class Voice:
    """What a finding asks for, by row.

    Attributes:
        rank: a `Remedy`.
        source: who says so.
        reason: what was seen, without what to do about it.
        lines: further evidence, `list[str]`; None for none.
    """

    rank: pl.Expr
    source: pl.Expr
    reason: pl.Expr
    lines: pl.Expr | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that can be wrong with a row.

    Attributes:
        severity: how bad it is; `WELL` for a voice that is heard for the verdict and not told by itself.
        when: true where it is so; null counts as not.
        words: what to say there.
        signal: name of its kind among `signals.SIGNALS`; "" for one that has no say in the verdict by itself.
        more: how many further findings stand behind it (a finding about several GPUs); None for none.
        voice: what it asks for where that differs from row to row; None to go by its signal.
    """

    severity: Severity
    when: pl.Expr
    words: pl.Expr
    signal: str = ""
    more: pl.Expr | None = None
    voice: Voice | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """The findings that hold somewhere, and the rows where one does.

    Attributes:
        rows: those rows, with a column for each item that says whether it holds there.
        at: where they are in the frame.
        height: of the frame.
        items: name of such a column and finding, worst first.
    """

    rows: pl.DataFrame
    at: pl.Series
    height: int
    items: tuple[tuple[str, Finding], ...]

    def spread(self, told: pl.DataFrame) -> pl.DataFrame:
        """`told`, one row for each of `rows`, as columns of the whole frame; null elsewhere."""
        places = np.full(self.height, _NONE, dtype=np.int64)
        places[self.at.to_numpy()] = np.arange(len(self.at))
        rows = pl.Series(places, dtype=pl.Int64)
        return told.select(pl.all().gather(rows.set(rows == _NONE, None)))


def held(frame: pl.DataFrame, findings: Sequence[Finding]) -> Held:
    """Which findings hold where.

    Args:
        frame: with every column that the findings ask for.
        findings: worst first.
    """
    flags = frame.select(finding.when.fill_null(value=False).alias(f"__{n}") for n, finding in enumerate(findings))
    # Most rows are well and most findings hold nowhere; words, which are what costs, are made only for the others.
    items = tuple((name, item) for name, item in zip(flags.columns, findings, strict=True) if flags[name].any())
    if not items:
        return Held(frame.clear(), pl.Series([], dtype=pl.get_index_type()), frame.height, ())
    is_flagged = flags.select(pl.any_horizontal(name for name, _ in items)).to_series()
    rows = pl.concat([frame, flags], how="horizontal").filter(is_flagged)
    # polars 2.1 panics in `format` on a chunk that the filter has left empty.
    return Held(rows.rechunk(), is_flagged.arg_true(), frame.height, items)


def ranked(found: Held) -> pl.DataFrame:
    """Columns `severity: i8`, `health: str` and `findings: list[str]`, one row for each of the frame's.

    The first finding that holds is told, followed by " +N" for the others; `findings` are the words of all that holds,
    each behind its severity's glyph.
    """
    items = [(name, item) for name, item in found.items if item.severity is not Severity.WELL]
    if not items:
        return _well(found.height)
    told = found.rows.select(
        pl.coalesce(pl.when(name).then(pl.lit(int(item.severity), pl.Int8)) for name, item in items).alias("severity"),
        pl.coalesce(pl.when(name).then(item.words.fill_null("?")) for name, item in items).alias("health"),
        _others(items).alias("others"),
        pl.concat_list(
            pl.when(name).then(pl.format("{} {}", pl.lit(item.severity.glyph), item.words.fill_null("?")))
            for name, item in items
        )
        .list.drop_nulls()
        .alias("findings"),
    ).select(
        "severity",
        "findings",
        pl.when(pl.col("others") > 0).then(pl.format("{} +{}", "health", "others")).otherwise("health").alias("health"),
    )
    return found.spread(told).select(
        pl.col("severity").fill_null(int(Severity.WELL)).cast(pl.Int8),
        pl.col("health").fill_null(""),
        pl.col("findings").fill_null([]),
    )


def _well(height: int) -> pl.DataFrame:
    return pl.select(
        pl.repeat(int(Severity.WELL), height, dtype=pl.Int8).alias("severity"),
        pl.repeat("", height, dtype=pl.String).alias("health"),
        pl.repeat([], height, dtype=pl.List(pl.String)).alias("findings"),
    )


def _others(items: Sequence[tuple[str, Finding]]) -> pl.Expr:
    counted = [pl.col(name).cast(pl.Int32) for name, _ in items]
    more = [
        pl.when(name).then(item.more.cast(pl.Int32)).otherwise(0).fill_null(0)
        for name, item in items
        if item.more is not None
    ]
    return pl.sum_horizontal(*counted, *more) - 1


def attached(frame: pl.LazyFrame, found: pl.DataFrame, on: Sequence[str]) -> pl.LazyFrame:
    """`frame` in its order with the columns of `found` (unique by `on`) where they belong, null elsewhere."""
    if found.height:
        return frame.join(found.lazy(), on=on, how="left", maintain_order="left")
    # Nothing was found on most ticks, and a join of 8,000 rows costs half a millisecond.
    return frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in found.schema.items() if name not in on)


def with_columns_of(frame: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Only the columns of `schema`, in its types and in one chunk; what `frame` lacks is null."""
    # Column by column: a `select` of fifty of them costs twice as much for a few thousand rows.
    found = frame.schema
    return pl.DataFrame(
        [
            _column_of(frame, name, dtype) if name in found else _nulls(name, dtype, frame.height)
            for name, dtype in schema.items()
        ]
    )


def _column_of(frame: pl.DataFrame, name: str, dtype: pl.DataType) -> pl.Series:
    column = frame.get_column(name)
    return (column if column.dtype == dtype else column.cast(dtype, strict=False)).rechunk()


def _nulls(name: str, dtype: pl.DataType, height: int) -> pl.Series:
    return pl.Series(name, [None], dtype=dtype).new_from_index(0, height) if height else pl.Series(name, [], dtype)
