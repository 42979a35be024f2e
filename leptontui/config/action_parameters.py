"""`[[action.parameter]]` of `actions.toml`: one of a few words, a pattern, or a whole number in a range."""

from __future__ import annotations

import re
from typing import Final

from leptontui.config.custom_action import GIVEN
from leptontui.config.problem import quoted
from leptontui.config.reading import Table
from leptontui.model.action_spec import Parameter, ParameterKind

KEYS: Final = ("name", "meaning", "choices", "pattern", "range", "default")
MOST: Final = 12
_KINDS: Final = ("choices", "pattern", "range")
_MOST_CHOICES: Final = 64
_LONGEST_PATTERN: Final = 200
_ENDS: Final = 2
_HIGHEST: Final = 10**18 - 1
"""The largest number of 18 digits: what `Parameter.complaint` takes."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,29}", re.ASCII)
_NAME_EXPECTED: Final = "lower-case letters, digits and _ (at most 30), a letter first"
_EXAMPLES: Final = 'choices = ["1", "2"], pattern = "[a-z]+" or range = [1, 60]'


def read_parameters(table: Table) -> tuple[tuple[Parameter, ...], tuple[str, ...]]:
    """The parameters of an action, and the names of all that it has.

    Those with a mistake are left out of the former, which is noted in the problems; they are named all the same.
    """
    found: dict[str, Parameter] = {}
    tables = table.tables("parameter")
    if len(tables) > MOST:
        table.problem("parameter", f"{len(tables)} of them", f"at most {MOST}")
    for inner in tables[:MOST]:
        parameter = _parameter(inner)
        if parameter is not None and parameter.name in found:
            inner.problem("name", f"{quoted(parameter.name)} a second time", "another name")
        elif parameter is not None:
            found[parameter.name] = parameter
    names = [inner.values.get("name") for inner in tables]
    return tuple(found.values()), tuple(name for name in names if isinstance(name, str))


def _parameter(table: Table) -> Parameter | None:
    before = len(table.problems)
    table.refuse_unknown(KEYS)
    name, meaning = table.text("name", _NAME_EXPECTED), table.text("meaning")
    if "name" not in table.values:
        table.problem("name", "missing", _NAME_EXPECTED)
    elif name is not None and name in GIVEN:
        table.problem("name", quoted(name), f"another name than {', '.join(GIVEN)}, which are there already")
    elif name is not None and _NAME.fullmatch(name) is None:
        table.problem("name", quoted(name), _NAME_EXPECTED)
    if "meaning" not in table.values:
        table.problem("meaning", "missing", "what it is, in one line")
    given = [key for key in _KINDS if key in table.values]
    if len(given) != 1:
        table.problem(given[1] if given else "", " and ".join(given) or "takes any value", f"one of {_EXAMPLES}")
        return None
    default = _default(table)
    parameter = _typed(table, given[0], name or "", meaning or "", default)
    if parameter is None or len(table.problems) > before:
        return None
    if default is not None and parameter.complaint(default):
        table.problem("default", quoted(default), "a value that the parameter may have")
        return None
    return parameter


def _typed(table: Table, key: str, name: str, meaning: str, default: str | None) -> Parameter | None:
    if key == "choices":
        choices = _choices(table)
        return Parameter(name, meaning, ParameterKind.CHOICE, choices=choices, default=default) if choices else None
    if key == "pattern":
        pattern = _pattern(table)
        return Parameter(name, meaning, ParameterKind.PATTERN, pattern=pattern, default=default) if pattern else None
    ends = _range(table)
    if ends is None:
        return None
    return Parameter(name, meaning, ParameterKind.NUMBER, low=ends[0], high=ends[1], default=default)


def _choices(table: Table) -> tuple[str, ...]:
    expected = 'a list of texts such as ["1", "2"]'
    choices = table.texts("choices", expected) or []
    if not choices and not isinstance(table.values["choices"], str):
        table.problem("choices", "empty", expected)
    if len(choices) > _MOST_CHOICES:
        table.problem("choices", f"{len(choices)} of them", f"at most {_MOST_CHOICES}")
    for n, choice in enumerate(choices):
        if not choice or choice != choice.strip() or not choice.isprintable():
            table.problem("choices", quoted(choice), "texts without spaces around them or control characters")
        elif choice in choices[:n]:
            table.problem("choices", f"{quoted(choice)} a second time", item=choice)
    return tuple(choices)


def _pattern(table: Table) -> str | None:
    pattern = table.text("pattern", "a regular expression for the whole value")
    if pattern is None:
        return None
    if len(pattern) > _LONGEST_PATTERN:
        table.problem("pattern", f"{len(pattern)} characters", f"at most {_LONGEST_PATTERN}")
        return None
    try:
        takes_anything = re.compile(pattern).fullmatch("; $(x) `y` | -z") is not None
    except (re.error, RecursionError, OverflowError) as error:
        table.problem("pattern", f"{quoted(pattern)} is no regular expression: {error}")
        return None
    if takes_anything:
        table.problem("pattern", f"{quoted(pattern)} takes any text", "one that says what a value looks like")
        return None
    return pattern


def _range(table: Table) -> tuple[int, int] | None:
    value = table.values["range"]
    expected = "the lowest and the highest whole number, such as [1, 60]"
    if not isinstance(value, list) or len(value) != _ENDS:
        table.problem("range", quoted(value), expected)
        return None
    for end in value:
        if isinstance(end, bool) or not isinstance(end, int) or not 0 <= end <= _HIGHEST:
            table.problem("range", quoted(end), expected + ", none below 0")
            return None
    if value[0] > value[1]:
        table.problem("range", quoted(value), "the lowest first")
        return None
    return value[0], value[1]


def _default(table: Table) -> str | None:
    """The default as text; a number may be written as one."""
    value = table.values.get("default")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return table.text("default")
