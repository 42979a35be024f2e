"""Findings and how they are ranked: a row's worst one is what it says, the others are counted and listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from leptontui.model.health import Severity

_ROW: Final = "__row"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that can be wrong with a row.

    Attributes:
        severity: how bad it is.
        when: true where it is so; null counts as not.
        words: what to say there.
        more: how many further findings stand behind it (a finding about several GPUs); None for none.
    """

    severity: Severity
    when: pl.Expr
    words: pl.Expr
    more: pl.Expr | None = None


def ranked(frame: pl.DataFrame, findings: Sequence[Finding]) -> pl.DataFrame:
    """Columns `severity: i8`, `health: str` and `findings: list[str]`, one row for each of `frame`'s.

    `findings` are the words of all that holds, worst first, each behind its severity's glyph.

    Args:
        frame: with every column that the findings ask for.
        findings: worst first; of several that hold the first is told, followed by " +N" for the others.
    """
    flags = frame.select(finding.when.fill_null(value=False).alias(f"__{n}") for n, finding in enumerate(findings))
    # Most rows are well and most findings hold nowhere; words, which are what costs, are made only for the others.
    held = [(name, item) for name, item in zip(flags.columns, findings, strict=True) if flags[name].any()]
    if not held:
        return _well(frame.height)
    is_flagged = flags.select(pl.any_horizontal(name for name, _ in held)).to_series()
    told = (
        pl.concat([frame, flags], how="horizontal")
        .filter(is_flagged)
        .rechunk()  # polars 2.1 panics in `format` on a chunk that the filter has left empty
        .select(
            pl.coalesce(pl.when(name).then(pl.lit(int(item.severity), pl.Int8)) for name, item in held).alias(
                "severity"
            ),
            pl.coalesce(pl.when(name).then(item.words.fill_null("?")) for name, item in held).alias("health"),
            _others(held).alias("others"),
            pl.concat_list(
                pl.when(name).then(pl.format("{} {}", pl.lit(item.severity.glyph), item.words.fill_null("?")))
                for name, item in held
            )
            .list.drop_nulls()
            .alias("findings"),
        )
        .select(
            "severity",
            "findings",
            pl.when(pl.col("others") > 0)
            .then(pl.format("{} +{}", "health", "others"))
            .otherwise("health")
            .alias("health"),
        )
    )
    rows = pl.select(pl.int_range(frame.height, dtype=pl.get_index_type()).alias(_ROW))
    return rows.join(
        told.with_columns(is_flagged.arg_true().alias(_ROW)), on=_ROW, how="left", maintain_order="left"
    ).select(
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


def _others(held: Sequence[tuple[str, Finding]]) -> pl.Expr:
    counted = [pl.col(name).cast(pl.Int32) for name, _ in held]
    more = [
        pl.when(name).then(item.more.cast(pl.Int32)).otherwise(0).fill_null(0)
        for name, item in held
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
    return frame.select(
        pl.col(name).cast(dtype, strict=False) if name in frame.columns else pl.lit(None, dtype).alias(name)
        for name, dtype in schema.items()
    ).rechunk()
