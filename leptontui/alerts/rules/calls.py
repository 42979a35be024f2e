"""Reads the arguments of a derived call: which metric, over how long, which quantile, up to which threshold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from leptontui.alerts.rules.derived import LEAST_QUANTILE, MOST_QUANTILE, Derived
from leptontui.alerts.rules.durations import EXPECTED, parse_duration
from leptontui.alerts.rules.tokens import ConditionError, Token, Type

_USAGE: Final = {
    "mean": "mean(METRIC, '5m')",
    "max": "max(METRIC, '5m')",
    "min": "min(METRIC, '5m')",
    "increase": "increase(TOTAL, '10m')",
    "forecast": "forecast(METRIC, '15m', 0.8)",
    "eta": "eta(METRIC, THRESHOLD)",
}


def derived_call(name: str, items: tuple[Token, ...], write: Callable[[tuple[Token, ...]], str]) -> Derived:
    """What a call asks for.

    Args:
        name: the function.
        items: the tokens between its brackets.
        write: turns the tokens of an inner expression into SQL.

    Raises:
        ConditionError: wrong arguments; says how it is written.
    """
    usage = _USAGE[name]
    arguments = _arguments(items)
    most = 3 if name == "forecast" else 2
    if not 2 <= len(arguments) <= most or not all(arguments):  # noqa: PLR2004 — the metric and one more
        raise ConditionError(f"{name}(…) with {_count(arguments)}", usage)
    metric = arguments[0]
    if len(metric) != 1 or metric[0].type is not Type.WORD:
        raise ConditionError(f"{name}(…) of something that is no metric", usage)
    if name == "eta":
        return Derived("eta", metric[0].text, threshold=write(arguments[1]))
    seconds = _seconds(arguments[1], usage)
    quantile = _quantile(arguments[2], usage) if len(arguments) > 2 else 0.5  # noqa: PLR2004
    return Derived(name, metric[0].text, seconds, quantile)


def _count(arguments: list[tuple[Token, ...]]) -> str:
    count = sum(map(bool, arguments))
    return "1 argument" if count == 1 else f"{count} arguments"


def _arguments(items: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """The tokens between commas that are in no inner brackets."""
    found: list[list[Token]] = [[]]
    depth = 0
    for token in items:
        depth += token.is_operator("(") - token.is_operator(")")
        if depth == 0 and token.is_operator(","):
            found.append([])
        else:
            found[-1].append(token)
    return [tuple(argument) for argument in found]


def _seconds(items: tuple[Token, ...], usage: str) -> float:
    if len(items) == 1 and items[0].type is Type.TEXT:
        seconds = parse_duration(items[0].text)
        if seconds:
            return seconds
        raise ConditionError(f"'{items[0].text}'", EXPECTED.replace('"', "'"))
    raise ConditionError("a window that is no text", usage)


def _quantile(items: tuple[Token, ...], usage: str) -> float:
    if len(items) == 1 and items[0].type is Type.NUMBER:
        quantile = float(items[0].text)
        if LEAST_QUANTILE <= quantile <= MOST_QUANTILE:
            return quantile
        raise ConditionError(f"quantile {items[0].text}", f"{LEAST_QUANTILE} to {MOST_QUANTILE}")
    raise ConditionError("a quantile that is no number", usage)
