"""Predicted crossings as findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from leptontui.health.words import eta_words
from leptontui.model.series import Entity, Eta, SeriesKey

_SCHEMA: Final = {
    "host": pl.String(),
    "instance": pl.String(),
    "threshold": pl.Float64(),
    "words": pl.String(),
}


def predictions(etas: Mapping[SeriesKey, Eta], entity: Entity, metric: str, now_unix_s: float) -> pl.DataFrame:
    """Crossings that are expected, soonest first: columns host, instance, threshold, words."""
    rows = []
    for key, eta in etas.items():
        if key.entity is not entity or key.metric != metric:
            continue
        words = eta_words(_what(key, eta), eta, now_unix_s)
        if words is not None:
            rows.append((eta.expected_unix_s or 0.0, key.host, key.instance, eta.threshold, words))
    return pl.DataFrame([row[1:] for row in sorted(rows)], schema=_SCHEMA, orient="row")


def _what(key: SeriesKey, eta: Eta) -> str:
    if key.metric == "temp_c":
        return f"{eta.threshold:.0f} °C"
    return f"{short_mount(key.instance)} full" if key.entity is Entity.FILESYSTEM else "memory full"


_LONGEST_MOUNT: Final = 24


def short_mount(mount: str) -> str:
    """A mount point short enough for a table's cell."""
    return mount if len(mount) <= _LONGEST_MOUNT else "…" + mount[1 - _LONGEST_MOUNT :]
