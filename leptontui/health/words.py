"""Ages and forecasts in a few words."""

from __future__ import annotations

import math
from typing import Final

import polars as pl

from leptontui.model.eta_words import wait_words
from leptontui.model.link import LinkState
from leptontui.model.series import Eta

_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0
_SWITCH: Final = 90.0
"""Up to 90 of a unit are told in it: "90 s", "2 min"."""
_CAUSE_LIMIT: Final = 80


def eta_words(what: str, eta: Eta, now_unix_s: float) -> str | None:
    """A predicted crossing, e.g. "87 °C in 11 min (7–19)"; "(7+)" if the band's far edge stays below the threshold.

    Returns:
        None if only the band's near edge crosses within the horizon: that is not expected, only possible.
    """
    times = [eta.earliest_unix_s, eta.expected_unix_s, eta.latest_unix_s]
    if eta.expected_unix_s is None or not all(math.isfinite(time) for time in times if time is not None):
        return None
    return f"{what} in {wait_words(eta, now_unix_s)}"


def blind_words(now_unix_s: float) -> pl.Expr:
    """Why nothing fresh is known, from the columns `link`, `link_cause` and `received_unix_s`."""
    age = age_words(now_unix_s - pl.col("received_unix_s"))
    whole_cause = pl.col("link_cause").fill_null("").str.split(" — ").list.first()
    is_long = whole_cause.str.len_chars() > _CAUSE_LIMIT
    cause = pl.when(is_long).then(whole_cause.str.slice(0, _CAUSE_LIMIT - 1) + "…").otherwise(whole_cause)
    because = pl.when(cause == "").then(pl.lit("")).otherwise(pl.format(": {}", cause))
    link = pl.col("link")
    return (
        pl.when(link == LinkState.STALE.value)
        .then(pl.format("stale {}", age.fill_null("")).str.strip_chars_end())
        .when(link == LinkState.LOST.value)
        .then(pl.format("lost{}", because))
        .when(link == LinkState.REFUSED.value)
        .then(pl.format("refused{}", because))
        .when(pl.col("received_unix_s").is_null())
        .then(pl.format("never seen{}", because))
        .otherwise(pl.format("last seen {} ago", age))
    )


def age_words(age_s: pl.Expr) -> pl.Expr:
    """An age such as "12 s", "3 min" or "5 h"; null stays null."""
    age = age_s.clip(lower_bound=0.0)
    return (
        pl.when(age <= _SWITCH)
        .then(pl.format("{} s", whole(age)))
        .when(age <= _SWITCH * _MINUTE_S)
        .then(pl.format("{} min", whole(age / _MINUTE_S)))
        .otherwise(pl.format("{} h", whole(age / _HOUR_S)))
    )


def whole(value: pl.Expr) -> pl.Expr:
    """A number rounded to a whole one, for `pl.format`."""
    return value.round(0).cast(pl.Int64, strict=False)


def tenths(value: pl.Expr) -> pl.Expr:
    """A number with one decimal, for `pl.format`."""
    return value.cast(pl.Float64).round(1)
