"""Windows of the store's past for rules: copied at once on the engine's loop, reduced wherever they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.alerts.rules.derived import WINDOWS, Derived
from leptontui.model.series import Entity
from leptontui.store.store import Store
from leptontui.store.windows import Window

FINE_S: Final = 10.0
"""Windows are made of means of ten seconds, …"""
_COARSE_S: Final = 60.0
_FINE_UP_TO_S: Final = 420.0
"""… longer ones of means of a minute."""
COVERED_SHARE: Final = 0.75
"""A window is known once so much of it is sampled."""

NOTHING: Final = pl.DataFrame(schema={"host": pl.String(), "instance": pl.String()})


def step_of(item: Derived) -> float:
    """Width of the buckets that a window is made of, in seconds."""
    return FINE_S if item.seconds <= _FINE_UP_TO_S else _COARSE_S


def buckets_of(item: Derived) -> int:
    """How many of them it has."""
    return max(1, round(item.seconds / step_of(item)))


@dataclass(frozen=True)
class Sampled:
    """What the windows of one entity are made of; it is never changed, so that it can be reduced in another thread.

    Attributes:
        asked: the windows.
        copies: the store's closed buckets by their width, as many as the longest of those windows has.
    """

    asked: tuple[Derived, ...]
    copies: dict[float, Window]

    @cached_property
    def frame(self) -> pl.DataFrame:
        """Means, greatest and least over closed buckets; of a greatest that of the buckets' means.

        Returns:
            `host`, `instance` and a column for each window, null where too little is sampled.
        """
        columns: list[pl.Series] = []
        keys = NOTHING
        for item in self.asked:
            window = self.copies.get(step_of(item))
            if window is None:
                continue
            keys = pl.DataFrame({"host": window.hosts, "instance": window.instances})
            buckets = buckets_of(item)
            values = reduced(item.function, window.of(item.metric)[-buckets:], buckets)
            columns.append(pl.Series(item.column, values, nan_to_null=True))
        return keys.with_columns(columns) if columns else NOTHING


def sampled(store: Store, entity: Entity, asked: Sequence[Derived], now_unix_s: float) -> Sampled:
    """Copy what the windows among `asked` are made of: one copy for each width, of the metrics asked for only."""
    windows = tuple(item for item in asked if item.function in WINDOWS)
    copies: dict[float, Window] = {}
    for step_s in sorted({step_of(item) for item in windows}):
        mine = [item for item in windows if step_of(item) == step_s]
        try:
            copies[step_s] = store.window(
                entity,
                now_unix_s=now_unix_s,
                step_s=step_s,
                buckets=max(map(buckets_of, mine)),
                metrics=sorted({item.metric for item in mine}),
            )
        except KeyError:  # the entity has no such history
            continue
    return Sampled(windows, copies)


def reduced(function: str, values: npt.NDArray[np.float32], buckets: int) -> npt.NDArray[np.float64]:
    """The mean, greatest or least of each series; NaN where too little of the window is sampled.

    Args:
        function: "mean", "max" or "min".
        values: bucket means, NaN where not sampled, shape (b, n).
        buckets: how many the window has; the history may be shorter.
    """
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    with np.errstate(invalid="ignore"):
        match function:
            case "max":
                found = np.where(known, values, -np.inf).max(axis=0, initial=-np.inf)
            case "min":
                found = np.where(known, values, np.inf).min(axis=0, initial=np.inf)
            case _:
                found = np.where(known, values, 0.0).sum(axis=0, dtype=np.float64) / np.maximum(count, 1)
    return np.where(count >= COVERED_SHARE * buckets, found, np.nan).astype(np.float64)
