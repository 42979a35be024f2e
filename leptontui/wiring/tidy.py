"""Tidy parquet: series of a file with the columns `series`, `metric`, `ts` and `value`, one row for each value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.errors import ConfigError
from leptontui.model.text import plain

COLUMNS: Final = ("series", "metric", "ts", "value")
_METRICS_NAMED: Final = 8
_NAME_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class TidySeries:
    """One series of a file.

    Attributes:
        name: the series, fit to be shown.
        metric: the metric's name, fit to be shown.
        at_unix_s: ascending, each once unless repeats are kept, shape (n,).
        values: NaN for missing, shape (n,).
        labels: where somebody said that it was odd, shape (n,); None where the file has no column `label`.
    """

    name: str
    metric: str
    at_unix_s: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
    labels: npt.NDArray[np.bool_] | None


def read_tidy(path: Path, metric: str | None = None, *, keeps_repeats: bool = False) -> list[TidySeries]:
    """The series of a file, in the order in which they first appear.

    `ts` is in seconds since 1970 or a date and time (UTC where it says nothing else).

    Args:
        path: the file.
        metric: only this metric; None for all.
        keeps_repeats: of values with the same time all are kept, in the file's order, not only the last one.

    Raises:
        ConfigError: it cannot be read, is no parquet, lacks a column or has one of the wrong kind, or has no value.
    """
    frame = _checked(path, _read(path))
    if metric is not None:
        names = frame["metric"].unique(maintain_order=True).to_list()
        frame = frame.filter(pl.col("metric") == metric)
        if not frame.height:
            there = ", ".join(plain(str(name), _NAME_LIMIT) for name in names[:_METRICS_NAMED])
            raise ConfigError([f"{path}: no metric {plain(metric, _NAME_LIMIT)}"], f"there is {there}" if there else "")
    if not frame.height:
        raise ConfigError([f"{path}: has no values"], "write one row for each value of each series")
    has_labels = "label" in frame.columns
    found = []
    for (name, kind), rows in frame.group_by(["series", "metric"], maintain_order=True):
        ordered = rows.sort("ts", maintain_order=True)
        if not keeps_repeats:
            ordered = ordered.unique("ts", keep="last", maintain_order=True)
        found.append(
            TidySeries(
                plain(str(name), _NAME_LIMIT),
                plain(str(kind), _NAME_LIMIT),
                ordered["ts"].to_numpy().astype(np.float64),
                ordered["value"].to_numpy().astype(np.float64),
                ordered["label"].to_numpy().astype(np.bool_) if has_labels else None,
            )
        )
    return found


def _read(path: Path) -> pl.DataFrame:
    mend = "the file has to be parquet with the columns " + ", ".join(COLUMNS)
    if path.is_dir():
        return _read_folder(path, mend)
    if not path.is_file():
        raise ConfigError([f"{path}: {'is no file' if path.exists() else 'no such file'}"], mend)
    try:
        wanted: list[str] = [name for name in (*COLUMNS, "label") if name in pl.read_parquet_schema(path)]
        return pl.read_parquet(path, columns=wanted)
    except PermissionError:
        raise ConfigError([f"{path}: you may not read it"]) from None
    except (OSError, pl.exceptions.PolarsError) as error:
        said = plain(str(error), _NAME_LIMIT)
        raise ConfigError([f"{path}: cannot be read as parquet: {said}"], mend) from None


def _read_folder(path: Path, mend: str) -> pl.DataFrame:
    """All parts of a recording."""
    parts = sorted(path.glob("*.parquet"))
    if not parts:
        raise ConfigError([f"{path}: no parquet in this folder"], mend)
    read = [_read(part) for part in parts]
    try:
        return pl.concat(read, how="vertical_relaxed")
    except pl.exceptions.PolarsError:
        raise ConfigError([f"{path}: its files have different columns"], mend) from None


def _checked(path: Path, frame: pl.DataFrame) -> pl.DataFrame:
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise ConfigError(
            [f"{path}: no column {name}" for name in missing], "the columns have to be " + ", ".join(COLUMNS)
        )
    ts, value = frame.schema["ts"], frame.schema["value"]
    problems = []
    if not (ts.is_numeric() or ts in (pl.Datetime, pl.Date)):
        problems.append(f"{path}: column ts is {ts}, expected seconds since 1970 or a date and time")
    if not (value.is_numeric() or value == pl.Boolean):
        problems.append(f"{path}: column value is {value}, expected numbers")
    if "label" in frame.columns and not (frame.schema["label"].is_integer() or frame.schema["label"] == pl.Boolean):
        problems.append(f"{path}: column label is {frame.schema['label']}, expected 0 and 1")
    if problems:
        raise ConfigError(problems)
    at = pl.col("ts")
    seconds = at.cast(pl.Datetime("us")).dt.epoch("us") / 1e6 if not ts.is_numeric() else at.cast(pl.Float64)
    is_labelled = (
        [(pl.col("label").cast(pl.Int64).fill_null(0) != 0).alias("label")] if "label" in frame.columns else []
    )
    return frame.with_columns(
        pl.col("series", "metric").cast(pl.String).fill_null(""),
        seconds.alias("ts"),
        pl.col("value").cast(pl.Float64).fill_null(float("nan")),
        *is_labelled,
    ).filter(pl.col("ts").is_finite())
