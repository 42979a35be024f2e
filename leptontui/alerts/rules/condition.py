"""A condition, compiled: a polars expression and what it needs, checked against the columns' types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl
from polars.exceptions import PanicException, PolarsError

from leptontui.alerts.rules.columns import LABEL
from leptontui.alerts.rules.derived import Derived
from leptontui.alerts.rules.syntax import Threshold, write
from leptontui.alerts.rules.tokens import ConditionError
from leptontui.alerts.rules.vocabulary import Catalogued, Foreign
from leptontui.model.text import plain

POLARS_ERRORS: Final = (PolarsError, PanicException, ValueError, TypeError, OverflowError)
"""What polars raises for an expression that it cannot parse or evaluate; a panic is no `Exception`."""

_LONGEST_REASON: Final = 160


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, or expression, of one entity.

    Attributes:
        text: as it was written.
        expr: the expression over columns and derived columns.
        columns: columns it names.
        derived: derived columns it names.
        texts, numbers: literals in it.
        threshold: what its first forecast is compared with; None if it names none.
    """

    text: str
    expr: pl.Expr
    columns: frozenset[str]
    derived: tuple[Derived, ...]
    texts: tuple[str, ...]
    numbers: tuple[float, ...]
    threshold: Threshold | None


def compile_condition(text: str, names: Catalogued | Foreign) -> Condition:
    """Compile an expression that is true or false.

    Raises:
        ConditionError: it cannot be parsed, names what is not there, or is not true or false.
    """
    condition, dtype = _compiled(text, names)
    if dtype != pl.Boolean():
        raise ConditionError(f"gives {_words(dtype)}", "a condition that is true or false, e.g. temp_c > 85")
    return condition


def compile_number(text: str, names: Catalogued | Foreign) -> Condition:
    """Compile an expression that is a number.

    Raises:
        ConditionError: it cannot be parsed, names what is not there, or is no number.
    """
    condition, dtype = _compiled(text, names)
    if not dtype.is_numeric():
        raise ConditionError(f"gives {_words(dtype)}", "a number")
    return condition


def compile_value(text: str, names: Catalogued | Foreign) -> Condition:
    """Compile an expression of any type, for a template.

    Raises:
        ConditionError: it cannot be parsed or names what is not there.
    """
    return _compiled(text, names)[0]


def _compiled(text: str, names: Catalogued | Foreign) -> tuple[Condition, pl.DataType]:
    written = write(text, names)
    columns = frozenset(written.columns)
    given = names.dtypes()
    dtypes = {column: pl.String() if column.startswith(LABEL) else given[column] for column in columns}
    dtypes |= {item.column: pl.Float64() for item in written.derived}
    expr = parse_sql(written.sql)
    strange = set(expr.meta.root_names()) - dtypes.keys()
    if strange:
        raise ConditionError(f"names {min(strange)}", "columns")
    condition = Condition(
        text,
        expr,
        columns,
        tuple(dict.fromkeys(written.derived)),
        tuple(dict.fromkeys(written.texts)),
        tuple(dict.fromkeys(written.numbers)),
        written.threshold,
    )
    return condition, _dtype(expr, dtypes)


def parse_sql(sql: str) -> pl.Expr:
    """A polars expression from SQL of quoted names and allowed functions only.

    Raises:
        ConditionError: it does not parse.
    """
    try:
        # In brackets: of what stands behind a whole expression polars says nothing.
        return pl.sql_expr(f"({sql})")
    except POLARS_ERRORS as error:
        raise ConditionError(_reason(error)) from None


def _dtype(expr: pl.Expr, dtypes: Mapping[str, pl.DataType]) -> pl.DataType:
    """The type of an expression, tried on two rows: one without any value, one with."""
    rows = {name: pl.Series(name, [None, _example(dtype)], dtype=dtype) for name, dtype in dtypes.items()}
    needed = {name: rows[name] for name in expr.meta.root_names()}
    frame = pl.DataFrame(list(needed.values()) or [pl.Series("", [None, None])])
    try:
        return frame.select(expr.alias("it"))["it"].dtype
    except POLARS_ERRORS as error:
        raise ConditionError(_reason(error)) from None


def _example(dtype: pl.DataType) -> object:
    if dtype == pl.Boolean():
        return True
    return "a" if dtype == pl.String() else 1


def _words(dtype: pl.DataType) -> str:
    if dtype == pl.Boolean():
        return "true or false"
    if dtype == pl.String():
        return "a text"
    return "a number" if dtype.is_numeric() else "no value"


def _reason(error: BaseException) -> str:
    """Why polars cannot, in one line."""
    first = str(error).strip().split("\n")[0]
    return plain(first, _LONGEST_REASON) or type(error).__name__
