"""Silences: whether they match, hold, and may be made at all. Pure."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Sequence
from typing import Final

import polars as pl

from leptontui.errors import AlertError
from leptontui.model.alert import Alert, Matcher, Silence
from leptontui.model.text import plain

Labels = tuple[tuple[str, str], ...]

LONGEST_PATTERN: Final = 200
"""Longest value or pattern of a matcher, in characters."""
MOST_MATCHERS: Final = 16
SHORTEST_S: Final = 60.0
LONGEST_S: Final = 30 * 86_400.0
"""A silence that outlives a month is a rule that should be changed instead."""
_WORDS: Final = 500

_NOBODYS_VALUE: Final = "zq3-no-label-has-this-value-9x"
"""What no label says: whatever matches this matches anything."""


@functools.lru_cache(maxsize=65_536)
def _is_whole_match(pattern: str, text: str) -> bool:
    # Rust's engine, through polars: linear in the text whatever the pattern, which Python's own is not. Its syntax is
    # RE2's, as Alertmanager's is.
    found = pl.Series([text], dtype=pl.String).str.contains(rf"\A(?s:{pattern})\z", strict=True)
    return bool(found[0])


def matches(matchers: Sequence[Matcher], labels: Labels) -> bool:
    """Whether all matchers hold for these labels; an absent label has the value ""."""
    said = dict(labels)
    return all(_holds(matcher, said.get(matcher.label, "")) for matcher in matchers)


def _holds(matcher: Matcher, value: str) -> bool:
    is_same = _is_whole_match(matcher.value, value) if matcher.is_regex else matcher.value == value
    return is_same is not matcher.is_negated


def silence_of(alert: Alert, silences: Sequence[Silence], now_unix_s: float) -> str:
    """The id of the first silence that holds `alert` now; "" if none does."""
    for silence in silences:
        if silence.from_unix_s <= now_unix_s < silence.until_unix_s and matches(silence.matchers, alert.labels):
            return silence.id
    return ""


def check_matchers(matchers: Sequence[Matcher]) -> None:
    """Refuse matchers that cannot be meant.

    Raises:
        AlertError: there is none, one is broken or too long, or together they match everything.
    """
    if not matchers:
        raise AlertError("a silence needs at least one condition", "name a label, e.g. host=gpu-017")
    if len(matchers) > MOST_MATCHERS:
        raise AlertError(f"{len(matchers)} conditions are too many, the limit is {MOST_MATCHERS}")
    for matcher in matchers:
        _check(matcher)
    if all(_holds(matcher, "") or _holds(matcher, _NOBODYS_VALUE) for matcher in matchers):
        raise AlertError(
            "this would silence every alert there is",
            "name at least one label with the value, or values, that are meant, e.g. host=gpu-017",
        )


def _check(matcher: Matcher) -> None:
    shown = plain(matcher.value, 60)
    if not matcher.label.strip():
        raise AlertError("a condition has no label", "name a label, e.g. host=gpu-017")
    if len(matcher.value) > LONGEST_PATTERN or len(matcher.label) > LONGEST_PATTERN:
        raise AlertError(f"{shown}: longer than {LONGEST_PATTERN} characters")
    if matcher.is_regex and (why := broken_pattern(matcher.value)):
        raise AlertError(
            f"{plain(matcher.label, 40)}=~{shown} is not a regular expression: {why}",
            "parentheses, brackets and stars must be complete; look-around and back references are not known",
        )


def broken_pattern(pattern: str) -> str:
    """Why a text is no regular expression that matchers may have, in words; "" if it is one."""
    if len(pattern) > LONGEST_PATTERN:
        return f"longer than {LONGEST_PATTERN} characters"
    try:
        pl.Series([""]).str.contains(pattern, strict=True)  # by itself: "a)|(b" is whole only in parentheses
        _is_whole_match(pattern, "")
    except pl.exceptions.PolarsError as error:
        return plain(_said_of(error), 120)
    return ""


def _said_of(error: Exception) -> str:
    """What is wrong, from the engine's drawing of it: its last line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return next(
        (line.removeprefix("error: ") for line in lines if line.startswith("error: ")), lines[0] if lines else ""
    )


def make_silence(matchers: Sequence[Matcher], *, now_unix_s: float, lasts_s: float, who: str, why: str) -> Silence:
    """A new silence from now on.

    Args:
        matchers: all must hold.
        now_unix_s: its beginning.
        lasts_s: 1 minute to 30 days.
        who: who makes it.
        why: what for.

    Raises:
        AlertError: the matchers cannot be meant, or it lasts too short or too long.
    """
    check_matchers(matchers)
    if not (math.isfinite(lasts_s) and SHORTEST_S <= lasts_s <= LONGEST_S):
        raise AlertError(f"a silence lasts {SHORTEST_S / 60:.0f} minute to {LONGEST_S / 86_400:.0f} days")
    told = repr((tuple(matchers), now_unix_s, lasts_s, who))
    made = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return Silence(made, tuple(matchers), now_unix_s, now_unix_s + lasts_s, plain(who, 60), plain(why, _WORDS))
