"""Tries conditions on values drawn at random: what holds never or always, or is clear while it holds, is a slip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.alerts.rules.columns import LABEL
from leptontui.alerts.rules.condition import POLARS_ERRORS, Condition
from leptontui.alerts.rules.vocabulary import Catalogued, Foreign
from leptontui.model.health import Severity
from leptontui.model.verdict import Remedy

if TYPE_CHECKING:
    from leptontui.alerts.rules.rule import Rule

ROWS: Final = 4000
MORE_ROWS: Final = 60_000
"""Tried where a condition held for none of the first: it may ask for much at once."""
_SPREAD: Final = (0.5, 0.8, 0.9, 0.95, 0.97, 0.99, 1.0, 1.01, 1.03, 1.05, 1.1, 1.25, 2.0)
"""Values are drawn from around the numbers that a condition names."""
_USUAL: Final = (0.0, 1.0, 3.0, 10.0, 50.0, 100.0, 1e3, 1e5, 1e8, 1e10, 1e12, -1.0)
_FORESEEN: Final[dict[str, tuple[object, object]]] = {
    "severity": (int(Severity.WELL), int(Severity.PREDICTED)),
    "verdict_rank": (int(Remedy.NONE), int(Remedy.WATCH)),
    "verdict_action": (Remedy.NONE.key, Remedy.WATCH.key),
}
"""Columns as they are where all is well, and as they are where something is foreseen and nothing else is wrong."""
_FORESEEN_WORDS: Final = frozenset({"health", "verdict_words", "verdict_source"})
"""Words that may be those of a forecast."""
_NO_TEXT: Final = ("", "other")
_NULL_SHARE: Final = 0.1


def contradictions(rule: Rule, names: Catalogued | Foreign) -> list[tuple[str, str]]:
    """What of a rule cannot be meant, as (key, words)."""
    conditions = [rule.when, *([rule.clear] if rule.clear else [])]
    try:
        rows = sampled(conditions, names)
        if not all(rows.select(condition.expr.alias("it"))["it"].any() for condition in conditions):
            rows = sampled(conditions, names, MORE_ROWS)
        when = rows.select(rule.when.expr.alias("it"))["it"]
        clear = rows.select(rule.clear.expr.alias("it"))["it"] if rule.clear else None
    except POLARS_ERRORS:
        return [("when", "cannot be evaluated on every value of its columns")]
    found: list[tuple[str, str]] = []
    if not when.any():
        found.append(("when", f"did not hold for any of {rows.height} sets of values: it seems to contradict itself"))
    elif when.all():
        found.append(("when", f"held for all of {rows.height} sets of values: it seems to be always true"))
    if clear is not None and rule.clear is not None and not found:
        both = int((when & clear).sum())
        # Values and what is derived of them are drawn apart, so of these some may hold together.
        if both == when.sum() or (both and not rule.when.derived and rule.when.columns == rule.clear.columns):
            found.append(("clear", "holds also while when holds: an alert would begin and end at once"))
        elif not clear.any():
            found.append(("clear", f"did not hold for any of {rows.height} sets of values: the alert would never end"))
    return found


def is_met_by_forecast(rule: Rule, names: Catalogued | Foreign) -> bool:
    """Whether a rule that asks for no forecast itself may begin to hold because of one: by how a GPU or host is judged.

    What is judged by words counts as such; by severity or verdict it is tried.
    """
    if rule.when.columns & _FORESEEN_WORDS:
        return True
    judged = rule.when.columns & _FORESEEN.keys()
    if not judged:
        return False
    rows = sampled([rule.when], names, MORE_ROWS)
    well, foreseen = (
        rows.with_columns(pl.lit(_FORESEEN[name][which]).cast(rows.schema[name]).alias(name) for name in judged).select(
            rule.when.expr.fill_null(value=False).alias("it")
        )["it"]
        for which in (0, 1)
    )
    return bool((foreseen & ~well).any())


def sampled(conditions: list[Condition], names: Catalogued | Foreign, count: int = ROWS) -> pl.DataFrame:
    """Rows of values for all columns of some conditions, some of them null, the same at every call."""
    random = np.random.default_rng(1)
    dtypes: Mapping[str, pl.DataType] = names.dtypes()
    numbers = [number for condition in conditions for number in condition.numbers]
    texts = [text.replace("%", "x").replace("_", "x") for condition in conditions for text in condition.texts]
    pool = _pool(numbers)
    columns: list[pl.Series] = []
    for name in sorted({name for condition in conditions for name in condition.expr.meta.root_names()}):
        dtype = pl.String() if name.startswith(LABEL) else dtypes.get(name, pl.Float64())
        columns.append(_column(name, dtype, pool, [*texts, *_NO_TEXT], random, count))
    return pl.DataFrame(columns or [pl.Series("", np.zeros(count))])


def _pool(numbers: list[float]) -> npt.NDArray[np.float64]:
    shares = [number for number in numbers if 0 < number <= 2]  # noqa: PLR2004 — factors rather than values
    named = [number * factor for number in numbers for factor in _SPREAD] + [number - 1 for number in numbers]
    usual = [*_USUAL, *(value * share * factor for value in _USUAL for share in shares for factor in (0.99, 1.01))]
    # Half of what is drawn lies near a number that is named.
    weight = max(1, len(usual) // max(1, len(named)))
    return np.array(named * weight + usual)


def _column(
    name: str,
    dtype: pl.DataType,
    pool: npt.NDArray[np.float64],
    texts: list[str],
    random: np.random.Generator,
    count: int,
) -> pl.Series:
    is_null = pl.Series(random.random(count) < _NULL_SHARE)
    return pl.select(pl.when(~is_null).then(_known(name, dtype, pool, texts, random, count)).alias(name))[name]


def _known(
    name: str,
    dtype: pl.DataType,
    pool: npt.NDArray[np.float64],
    texts: list[str],
    random: np.random.Generator,
    count: int,
) -> pl.Series:
    if dtype == pl.Boolean():
        return pl.Series(name, random.integers(0, 2, count).astype(np.bool_))
    if dtype == pl.String():
        return pl.Series(name, np.array(texts, dtype=object)[random.integers(0, len(texts), count)].tolist())
    drawn = pool[random.integers(0, len(pool), count)]
    if dtype.is_integer():
        return pl.Series(name, np.floor(drawn).astype(np.int64), dtype=dtype)
    return pl.Series(name, drawn)
