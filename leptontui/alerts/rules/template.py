"""Texts with values in them: "{host} GPU {index}: {temp_c:.0f} °C". A field is an expression as conditions are."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Final

from leptontui.alerts.rules.condition import Condition, compile_value
from leptontui.alerts.rules.durations import duration_text
from leptontui.alerts.rules.tokens import ConditionError
from leptontui.alerts.rules.vocabulary import Catalogued, Foreign
from leptontui.model.text import plain

SPECIAL: Final = ("value", "threshold", "eta", "instance", "rule")
"""Fields that are no columns: the rule's value and threshold, when it will be so, the subject, the rule's name."""
MAX_FIELDS: Final = 16
MAX_CHARACTERS: Final = 300
_LONGEST_VALUE: Final = 80
_LONGEST_TEXT: Final = 240
_UNKNOWN: Final = "?"

_SPEC: Final = re.compile(r"(?:[+]?,?(?:\.\d)?[fg%d]?|bytes|duration)", re.ASCII)
_BYTES: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


@dataclass(frozen=True, slots=True)
class Field:
    """One value in a text.

    Attributes:
        name: a special field's name, or "".
        condition: of other fields the expression.
        spec: how it is written: a number's format, "bytes" or "duration".
    """

    name: str
    condition: Condition | None
    spec: str

    @property
    def key(self) -> str:
        """Under which its value is found."""
        return self.name if self.condition is None else self.condition.text


@dataclass(frozen=True, slots=True)
class Template:
    """A text with values in it.

    Attributes:
        text: as it was written.
        parts: what stands there, in order.
    """

    text: str
    parts: tuple[str | Field, ...]

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The expressions in it."""
        return tuple(part.condition for part in self.parts if isinstance(part, Field) and part.condition is not None)

    def fill(self, values: Mapping[str, object]) -> str:
        """The text with the values in it, safe to show: one line, without controls.

        Args:
            values: by `Field.key`; a missing or None one is shown as "?".
        """
        if len(self.parts) == 1 and isinstance(self.parts[0], str):
            return self.parts[0]
        told = [
            part if isinstance(part, str) else written(values.get(part.key), part.spec, part.key) for part in self.parts
        ]
        return plain("".join(told), _LONGEST_TEXT)


def compile_template(text: str, names: Catalogued | Foreign) -> Template:
    """Compile a text.

    Raises:
        ConditionError: a bracket is not closed, or a field or its format is wrong.
    """
    if len(text) > MAX_CHARACTERS:
        raise ConditionError(f"{len(text)} characters", f"at most {MAX_CHARACTERS}")
    parts: list[str | Field] = []
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise ConditionError(str(error), suggestion="write {{ for a bracket that is meant") from None
    for literal, name, spec, conversion in pieces:
        if literal:
            parts.append(plain(literal, MAX_CHARACTERS) if not literal.isprintable() else literal)
        if name is not None:
            parts.append(_field(name, spec or "", conversion, names))
    if len(parts) > 2 * MAX_FIELDS:
        raise ConditionError(f"{len(parts)} fields", f"at most {MAX_FIELDS}")
    return Template(text, tuple(parts))


def _field(name: str, spec: str, conversion: str | None, names: Catalogued | Foreign) -> Field:
    if conversion is not None:
        raise ConditionError(f"!{conversion} in {{{name}}}", "a column, or an expression")
    if not _SPEC.fullmatch(spec):
        raise ConditionError(f'format "{spec}"', ".0f, .1f, d, bytes or duration")
    if name in SPECIAL:
        return Field(name, None, spec)
    try:
        return Field("", compile_value(name, names), spec)
    except ConditionError as error:
        raise ConditionError(f"{{{name}}}: {error.found}", error.expected, error.suggestion) from None


def written(value: object, spec: str, key: str = "") -> str:
    """One value as a text. A value that is unknown, or not of the format's type, is told as it is."""
    match value:
        case None:
            return _UNKNOWN
        case bool():
            return "yes" if value else "no"
        case int() | float() if math.isfinite(value):
            return _number(value, spec, key)
        case int() | float():
            return _UNKNOWN
        case _:
            return plain(str(value), _LONGEST_VALUE) or _UNKNOWN


def _number(value: float, spec: str, key: str) -> str:
    if spec == "bytes" or (not spec and key.endswith("_bytes")):
        return bytes_text(value)
    if spec == "duration":
        return duration_text(round(abs(value)))
    if spec.endswith("d") or (not spec and isinstance(value, int)):
        return format(round(value), spec)
    return format(value, spec or (".3g" if abs(value) < 1000 else ".0f"))  # noqa: PLR2004 — digits that can be read


def bytes_text(value: float) -> str:
    """Bytes in the largest unit of which there is one: 76.4 GiB."""
    left, unit = float(value), 0
    while abs(left) >= 1024 and unit < len(_BYTES) - 1:  # noqa: PLR2004 — binary units
        left, unit = left / 1024, unit + 1
    return f"{left:.1f} {_BYTES[unit]}" if unit else f"{left:.0f} B"
