"""Makes what hosts say believable: absurd numbers become null, text becomes fit for a screen. Never raises."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import polars as pl

from leptontui.model.catalogue import Metric
from leptontui.model.text import plain

PERCENT_SLACK: Final = 0.5
"""Shares computed from tick counters overshoot 100 % by rounding; up to this much is clipped, more is not believed."""

_FLOAT32_MAX: Final = 3.4028234e38
_INT64_MAX: Final = 2.0**63
_TEXT_LIMIT: Final = 200
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


class Bounds:
    """The physical bounds of one numeric metric, from the catalogue.

    Most ticks hold nothing absurd: the extremes are looked at first, and only a column that needs it is gone through.
    """

    def __init__(self, item: Metric) -> None:
        self._lower = item.lower if item.lower is not None else -_FLOAT32_MAX
        self._upper = item.upper if item.upper is not None else (_INT64_MAX if item.is_integer else _FLOAT32_MAX)
        is_percent = item.unit == "%" and item.upper == 100.0  # noqa: PLR2004 — a percentage is of a hundred
        self._slack = PERCENT_SLACK if is_percent else 0.0

    def has(self, lowest: float, highest: float) -> bool:
        """Whether everything between two values is believable as it is."""
        return self._lower <= lowest and highest <= self._upper

    def is_absurd(self, value: object) -> bool:
        """Whether no honest host says such a value.

        Fans turn faster than their nominal speed, and a process may use more than one core: not all that is not
        believed is absurd.
        """
        if not isinstance(value, int | float):
            return True
        beyond = self._upper if self._upper >= _FLOAT32_MAX or self._upper == _INT64_MAX else 2.0 * self._upper
        return not self._lower <= value <= beyond

    def within(self, value: pl.Expr) -> pl.Expr:
        """`value`, null beyond the bounds; a percentage slightly above 100 is clipped."""
        is_within = (value >= self._lower) & (value <= self._upper + self._slack)
        return pl.when(is_within).then(value.clip(upper_bound=self._upper) if self._slack else value)

    def believable(self, column: pl.Series) -> pl.Series:
        """`column` with everything beyond the bounds made null."""
        lowest, highest = cast("float | None", column.min()), cast("float | None", column.max())
        if lowest is None or highest is None or self.has(lowest, highest):
            return column
        return column.to_frame().select(self.within(pl.col(column.name)).alias(column.name)).to_series()


def within_capacity(metrics: Iterable[Metric]) -> list[pl.Expr]:
    """Columns greater than their capacity, a column of the same row, made null."""
    found = list(metrics)
    names = {item.name for item in found}
    return [
        pl.when(pl.col(item.capacity).is_null() | (pl.col(item.name) <= pl.col(item.capacity)))
        .then(pl.col(item.name))
        .alias(item.name)
        for item in found
        if item.capacity in names
    ]


def fit_text(said: Sequence[Any]) -> Sequence[Any]:
    """Texts (or None) as `leptontui.model.text.plain` shows them; only what needs it is gone through one by one.

    Returns:
        `said` itself where all of it is fit.
    """
    texts = [text for text in said if text]
    if not texts or ("".join(texts).isprintable() and max(map(len, texts)) <= _TEXT_LIMIT):
        return said
    return [plain(text, _TEXT_LIMIT) if text is not None else None for text in said]


def has_control(text: str | None) -> bool:
    """Whether a text has control characters, which our probe never sends."""
    return text is not None and _CONTROL.search(text) is not None
