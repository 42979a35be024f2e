"""A parsed filter as a polars expression over a frame of GPUs or hosts."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection
from functools import reduce
from typing import Final

import polars as pl

from leptontui.view.query import FieldKind, Op, Query, Term
from leptontui.view.state import Rows

_HAYSTACK: Final = {
    Rows.GPU: ("host", "name", "job", "pod", "container", "user", "health", "group", "link", "node_state"),
    Rows.HOST: (
        "host",
        "gpu_models",
        "gpu_jobs",
        "gpu_pods",
        "gpu_containers",
        "gpu_users",
        "health",
        "group",
        "link",
        "link_cause",
        "node_state",
    ),
}
_COMPARE: Final[dict[Op, Callable[[pl.Expr, float], pl.Expr]]] = {
    Op.HAS: operator.eq,
    Op.EQUAL: operator.eq,
    Op.LESS: operator.lt,
    Op.AT_MOST: operator.le,
    Op.MORE: operator.gt,
    Op.AT_LEAST: operator.ge,
}


def condition(query: Query, rows: Rows, columns: Collection[str], lists: Collection[str]) -> pl.Expr:
    """What a row must fulfil: a Boolean expression without nulls.

    Args:
        query: the filter.
        rows: what a row stands for.
        columns: the frame's columns; a term about any other holds for no row.
        lists: those that hold lists of texts: one fitting entry is enough.
    """
    conditions = [_condition(term, rows, columns, lists) for term in query.terms]
    return reduce(operator.and_, conditions, pl.lit(value=True))


def _condition(term: Term, rows: Rows, columns: Collection[str], lists: Collection[str]) -> pl.Expr:
    holds = _holds(term, rows, columns, lists).fill_null(value=False)
    return ~holds if term.is_negated else holds


def _holds(term: Term, rows: Rows, columns: Collection[str], lists: Collection[str]) -> pl.Expr:
    if term.field is None:
        return _free(term.words[0], rows, columns, lists)
    name = term.field.gpu if rows is Rows.GPU else term.field.host
    if name not in columns or (term.is_share and term.field.capacity not in columns):
        return pl.lit(value=False)
    if term.field.kind in {FieldKind.NUMBER, FieldKind.SEVERITY}:
        value = pl.col(name) / pl.col(term.field.capacity) if term.is_share else pl.col(name)
        return _COMPARE[term.op](value, term.number)
    is_exact = term.field.kind is FieldKind.EXACT or term.op is Op.EQUAL
    patterns = [_pattern(word, is_exact=is_exact) for word in term.words]
    if is_exact and term.field.is_joined:
        patterns = [f"(?:.*,)? ?{pattern}(?:,.*)?" for pattern in patterns]
    if name in lists:
        return pl.col(name).list.eval(_any_of(pl.element(), patterns)).list.any()
    return _any_of(pl.col(name), patterns)


def _free(word: str, rows: Rows, columns: Collection[str], lists: Collection[str]) -> pl.Expr:
    parts = [
        pl.col(name).list.join("\n", ignore_nulls=True) if name in lists else pl.col(name)
        for name in _HAYSTACK[rows]
        if name in columns
    ]
    haystack = pl.concat_str(parts, separator="\n", ignore_nulls=True).str.to_lowercase()
    if _has_wildcard(word):
        return haystack.str.contains(f"(?m){_glob(word)}")
    return haystack.str.contains(word, literal=True)


def _any_of(column: pl.Expr, patterns: list[str]) -> pl.Expr:
    return column.str.contains(f"(?is)^(?:{'|'.join(patterns)})$")


def _pattern(word: str, *, is_exact: bool) -> str:
    if _has_wildcard(word):
        return _glob(word)
    return re.escape(word) if is_exact else f".*{re.escape(word)}.*"


def _has_wildcard(word: str) -> bool:
    return "*" in word or "?" in word


def _glob(word: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in word)
