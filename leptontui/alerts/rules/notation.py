"""Series as people write them: "20+1x10 _x3 5" is 20 and ten more, each one greater, three unknown, then 5.

As promtool writes them: `axn` is a and n more, `a+bxn` and `a-bxn` n more in steps of b, `_` and `_xn` unknown. A list
gives values of any type one by one, or as [value, how many].
"""

from __future__ import annotations

import math
import re
from typing import Final

Value = float | str | bool | None

MAX_VALUES: Final = 20_000

_NUMBER: Final = r"-?(?:\d{1,18}(?:\.\d{0,9})?|\.\d{1,9})(?:e[+-]?\d{1,2})?"
_PART: Final = re.compile(rf"({_NUMBER})(?:([+-])({_NUMBER}))?(?:x(\d{{1,6}}))?", re.ASCII)
_UNKNOWN: Final = re.compile(r"_(?:x(\d{1,6}))?", re.ASCII)

EXPECTED: Final = 'a number, a list, or a text such as "20+1x10 _x3 5"'


class NotationError(ValueError):
    """A series is not written as it should be; the text says what is wrong."""


def values_of(written: object) -> tuple[Value, ...]:
    """The values of one series; one alone stands for all time.

    Args:
        written: as TOML gives it: a number, true or false, a text, or a list.

    Raises:
        NotationError: it is none of these, or too long.
    """
    match written:
        case bool() | int() | float():
            return (_number(written),)
        case str():
            return _of_text(written)
        case list():
            return _of_list(written)
        case _:
            raise NotationError("no series")


def _of_text(text: str) -> tuple[Value, ...]:
    found: list[Value] = []
    for part in text.split():
        unknown = _UNKNOWN.fullmatch(part)
        if unknown:
            found += [None] * _count(unknown.group(1), is_more=False)
            continue
        match = _PART.fullmatch(part)
        if match is None:
            raise NotationError(f'"{part}" is no number, no "_" and no series such as "20+1x10"')
        first, sign, by, more = match.groups()
        step = (-1.0 if sign == "-" else 1.0) * float(by) if by is not None else 0.0
        if by is not None and more is None:
            raise NotationError(f'"{part}" does not say how often, as in "{part}x10"')
        count = _count(more, is_more=True)
        if len(found) + count > MAX_VALUES:
            raise NotationError(f"more than {MAX_VALUES} values")
        found += [float(first) + n * step for n in range(count)]
    if not found:
        raise NotationError("empty")
    return _limited(found)


def _of_list(items: list[object]) -> tuple[Value, ...]:
    found: list[Value] = []
    for item in items:
        match item:
            case [value, int(count)] if not isinstance(count, bool):
                if not 0 < count <= MAX_VALUES - len(found):
                    raise NotationError(f"{count} times")
                found += [_one(value)] * count
            case _:
                found.append(_one(item))
    if not found:
        raise NotationError("empty")
    return _limited(found)


def _one(value: object) -> Value:
    match value:
        case "_":
            return None
        case bool() | int() | float():
            return _number(value)
        case str():
            return value
        case _:
            raise NotationError("a list in which something is neither a value nor [value, how many]")


def _number(value: float) -> float | bool:
    if isinstance(value, bool):
        return value
    if not math.isfinite(value):
        raise NotationError(f"{value} is no number")
    return float(value)


def _count(text: str | None, *, is_more: bool) -> int:
    """How many values: of numbers the count says how many more."""
    count = int(text) + is_more if text is not None else 1
    if count > MAX_VALUES:
        raise NotationError(f"more than {MAX_VALUES} values")
    return count


def _limited(values: list[Value]) -> tuple[Value, ...]:
    if len(values) > MAX_VALUES:
        raise NotationError(f"more than {MAX_VALUES} values")
    return tuple(values)


def value_at(values: tuple[Value, ...], step: int) -> Value:
    """The value at a step; the last one stays."""
    return values[min(step, len(values) - 1)]
