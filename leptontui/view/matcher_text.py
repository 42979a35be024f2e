"""Matchers as they are typed and shown: `rule=gpu-xid host=~gpu-0.* job!=8812`, values quoted where they need it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from leptontui.model.alert import Alert, Matcher
from leptontui.model.text import plain

_LONGEST: Final = 1000
_TERM: Final = re.compile(r"""\s*(?:([\w.\-/]+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*"|[^\s,"]*)|(\S+))\s*,?""")
_PLAIN: Final = re.compile(r"[^\s,\"\\~][^\s,\"\\]*")
"""A value that needs no quotes; one that begins with ~ would make a regular expression of what is none."""
_OPERATORS: Final = {"=": (False, False), "!=": (False, True), "=~": (True, False), "!~": (True, True)}
_TELLING: Final = ("rule", "host", "gpu", "mount", "device", "unit", "service", "port", "nic")
"""Labels that say which trouble it is and where; the others say what it belongs to."""


@dataclass(frozen=True, slots=True)
class TypedMatchers:
    """What was typed, understood.

    Attributes:
        matchers: the conditions.
        error: why they cannot be used, in words; "" if they can.
    """

    matchers: tuple[Matcher, ...] = ()
    error: str = ""


def parse_matchers(text: str) -> TypedMatchers:
    """Understand typed matchers. Never raises; what is wrong is told in words."""
    found: list[Matcher] = []
    for term in _TERM.finditer(text[:_LONGEST].strip()):
        label, operator, value, strange = term.groups()
        if strange is not None:
            return TypedMatchers(tuple(found), f"not understood: {plain(strange, 40)} — write label=value")
        if not value:
            return TypedMatchers(tuple(found), f'{label}{operator} what? An empty value is written {label}{operator}""')
        is_regex, is_negated = _OPERATORS[operator]
        found.append(Matcher(label, _unquoted(value), is_regex=is_regex, is_negated=is_negated))
    nothing = "" if found else "at least one condition, e.g. host=gpu-017: a silence of everything is not made"
    return TypedMatchers(tuple(found), nothing)


def written(matchers: Iterable[Matcher]) -> str:
    """Matchers as they would be typed."""
    return " ".join(_written(matcher) for matcher in matchers)


def matchers_for(alerts: Sequence[Alert]) -> tuple[Matcher, ...]:
    """What a silence of these would ask for: the telling labels that all of them share.

    Alerts of one trouble share its rule or their host; where they share neither, the labels they do share.
    """
    shared = set(alerts[0].labels) if alerts else set()
    for alert in alerts[1:]:
        shared &= set(alert.labels)
    telling = [pair for name in _TELLING for pair in sorted(shared) if pair[0] == name and pair[1]]
    chosen = telling or [pair for pair in sorted(shared) if pair[1]]
    return tuple(Matcher(name, value) for name, value in chosen)


def _written(matcher: Matcher) -> str:
    operator = next(sign for sign, flags in _OPERATORS.items() if flags == (matcher.is_regex, matcher.is_negated))
    value = matcher.value
    if not _PLAIN.fullmatch(value):
        value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{matcher.label}{operator}{value}"


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    return re.sub(r"\\(.)", r"\1", value[1:-1])
