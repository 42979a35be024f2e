"""One entity's rows with everything its rules ask for: missing columns as nulls, derived ones, who is blind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.alerts.rules.columns import COUNTED, GROWING, LABEL, dtype_of
from leptontui.alerts.rules.condition import POLARS_ERRORS, parse_sql
from leptontui.alerts.rules.derived import Derived
from leptontui.alerts.rules.facts import Facts
from leptontui.alerts.rules.outlook import Outlook
from leptontui.alerts.rules.rule import Rule
from leptontui.model.link import LinkState
from leptontui.model.series import KEY_OF, Entity

Places = npt.NDArray[np.uint32]

INSTANCE: Final = "__instance"
LIVE: Final = "__live"
_TO, _AT = "__to", "__at"
_LIVE: Final = LinkState.LIVE.value


def table_of(facts: Facts, entity: Entity, rules: Sequence[Rule], troubles: dict[str, str]) -> pl.DataFrame | None:
    """The rows of one entity; None where nothing is known of it.

    Args:
        facts: what is known.
        entity: whose rows.
        rules: its rules.
        troubles: why something could not be derived, by derived column; grows.

    Returns:
        latest values in their order, with `INSTANCE`, `LIVE` and every column that the rules name.
    """
    rows = facts.latest(entity)
    if rows is None or "host" not in rows.columns:
        return None
    rows = _with_links(rows.with_columns(_instance(rows, entity)), facts, entity)
    named = {column for rule in rules for column in rule.columns}
    named |= {item.metric for rule in rules for item in rule.derived if item.is_predicting}
    rows = _with_missing(rows, entity, named, facts)
    return _with_derived(rows, facts, entity, {item for rule in rules for item in rule.derived}, troubles)


def _instance(rows: pl.DataFrame, entity: Entity) -> pl.Expr:
    keys = [key for key in KEY_OF.get(entity, ()) if key in rows.columns]
    if not keys:
        return pl.lit("").alias(INSTANCE)
    parts = [pl.col(key).cast(pl.String).fill_null("") for key in keys]
    return (parts[0] if len(parts) == 1 else pl.concat_str(parts, separator="/")).alias(INSTANCE)


def _with_links(rows: pl.DataFrame, facts: Facts, entity: Entity) -> pl.DataFrame:
    """Say of each row whether its host is live; parts do not say it themselves. Without any links all are."""
    if "link" not in rows.columns:
        hosts = None if entity is Entity.HOST else facts.latest(Entity.HOST)
        if hosts is None or "link" not in hosts.columns:
            return rows.with_columns(pl.lit(_LIVE).alias("link"), pl.lit(value=True).alias(LIVE))
        known = [name for name in ("link", "link_cause", "group") if name in hosts.columns and name not in rows.columns]
        rows = rows.join(hosts.select("host", *known), on="host", how="left", maintain_order="left")
    return rows.with_columns((pl.col("link") == _LIVE).fill_null(value=False).alias(LIVE))


def _with_missing(rows: pl.DataFrame, entity: Entity, named: Iterable[str], facts: Facts) -> pl.DataFrame:
    """Add what the rules name and the frame does not have: the age of values, labels, and nulls."""
    added: list[pl.Expr] = []
    for name in sorted(set(named) - set(rows.columns)):
        if name == "age_s" and "received_unix_s" in rows.columns:
            added.append((facts.now_unix_s - pl.col("received_unix_s")).clip(lower_bound=0.0).alias(name))
        elif name.startswith(LABEL):
            label = name.removeprefix(LABEL)
            known = {host: text for host, labels in facts.labels.items() for key, text in labels if key == label}
            added.append(
                pl.col("host").replace_strict(known, default="", return_dtype=pl.String).alias(name)
                if known
                else pl.lit("").alias(name)
            )
        else:
            added.append(pl.lit(None, dtype=dtype_of(entity, name) or pl.Float64()).alias(name))
    counted = [pl.when(LIVE).then(pl.col(name).fill_null(0)).alias(name) for name in named if name in COUNTED]
    return rows.with_columns(added).with_columns(counted) if added or counted else rows


def _with_derived(
    rows: pl.DataFrame, facts: Facts, entity: Entity, asked: set[Derived], troubles: dict[str, str]
) -> pl.DataFrame:
    """Add derived columns; one that cannot be had is null, and why is told."""
    ordered = sorted(asked, key=lambda item: item.column)
    windows = [item for item in ordered if not item.is_predicting]
    if windows:
        try:
            known = facts.derived(entity, windows).rename({"instance": INSTANCE})
            keys = ["host", INSTANCE]
            joined = rows.join(known, on=keys, how="left", maintain_order="left")
            if joined.height > rows.height:  # somebody is told twice: the first counts
                joined = rows.join(known.unique(keys, keep="first"), on=keys, how="left", maintain_order="left")
            rows = joined
        except POLARS_ERRORS as error:
            troubles.update((item.column, f"{type(error).__name__}: {error}") for item in windows)
        rows = rows.with_columns(_filled(item, entity, rows) for item in windows)
    ahead = [item for item in ordered if item.is_predicting]
    if ahead:
        rows = rows.with_columns(_foreseen(rows, facts, entity, ahead))
    return rows


def _filled(item: Derived, entity: Entity, rows: pl.DataFrame) -> pl.Expr:
    """A window's column; of what is counted only where it happened, it is 0 elsewhere."""
    if item.column not in rows.columns:
        return pl.lit(None, dtype=pl.Float64).alias(item.column)
    column = pl.col(item.column).cast(pl.Float64)
    if item.function == "increase" and item.metric in GROWING.get(entity, ()):
        return pl.when(LIVE).then(column.fill_null(0.0)).alias(item.column)
    return column.alias(item.column)


def _foreseen(rows: pl.DataFrame, facts: Facts, entity: Entity, asked: Sequence[Derived]) -> list[pl.Series]:
    """Columns of what is foreseen, in the order of the rows."""
    keys = rows.select("host", INSTANCE).with_row_index(_TO)
    found: list[pl.Series] = []
    for metric in dict.fromkeys(item.metric for item in asked):
        outlook = facts.outlook(entity, metric)
        mine = [item for item in asked if item.metric == metric]
        if outlook is None or not len(outlook.values):
            found += [pl.Series(item.column, [None] * rows.height, dtype=pl.Float64) for item in mine]
            continue
        subjects = {
            "host": pl.Series(outlook.hosts, dtype=pl.String),
            INSTANCE: pl.Series(outlook.instances, dtype=pl.String),
        }
        pairs = pl.DataFrame(subjects).with_row_index(_AT).join(keys, on=["host", INSTANCE], how="inner")
        to, at = pairs[_TO].to_numpy(), pairs[_AT].to_numpy()
        now = np.full(len(outlook.values), np.nan)
        now[at] = rows[metric].cast(pl.Float64).to_numpy()[to]
        outlook = outlook.moved(now)
        for item in mine:
            values = np.full(rows.height, np.nan)
            values[to] = _ahead(item, outlook, rows, to, at, facts.now_unix_s)
            found.append(pl.Series(item.column, values).fill_nan(None))
    return found


def _ahead(
    item: Derived, outlook: Outlook, rows: pl.DataFrame, to: Places, at: Places, now_unix_s: float
) -> npt.NDArray[np.float64]:
    """One column for the rows `to`, whose forecasts are those numbered `at`."""
    if item.function == "forecast":
        return outlook.at(item.seconds, item.quantile)[at]
    limits = rows[pl.Series(to)].select(
        pl.lit(None, dtype=pl.Float64).alias("_"), parse_sql(item.threshold).cast(pl.Float64).alias("it")
    )
    thresholds = np.full(len(outlook.values), np.nan)
    thresholds[at] = limits["it"].to_numpy()
    until = outlook.reach(thresholds) - (now_unix_s - outlook.origin_unix_s)
    return np.maximum(until, 0.0)[at]
