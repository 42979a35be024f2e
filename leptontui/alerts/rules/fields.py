"""Reads the single keys of a rule's table: durations, choices, conditions, texts with values in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from leptontui.alerts.rules.condition import Condition
from leptontui.alerts.rules.durations import EXPECTED, parse_duration
from leptontui.alerts.rules.template import Template, compile_template
from leptontui.alerts.rules.tokens import ConditionError
from leptontui.alerts.rules.vocabulary import Catalogued, Foreign
from leptontui.config.problem import did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.model.action import ActionName
from leptontui.model.series import Entity

MAX_LABELS: Final = 16

Names = Catalogued | Foreign

_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}", re.ASCII)
_URL: Final = re.compile(r"https?://[!-~]{1,500}", re.ASCII)


def read_choice(table: Table, key: str, possible: Iterable[str], *, is_needed: bool = False) -> str | None:
    """One of some words; None if it is absent or another, which is noted; so is absence of what is needed."""
    possible = tuple(possible)
    text = table.text(key)
    if text is None:
        if is_needed and key not in table.values:
            table.problem(key, "missing", "one of " + ", ".join(possible))
        return None
    if text in possible:
        return text
    guess = did_you_mean(text, possible)
    table.problem(key, quoted(text), "" if guess else "one of " + ", ".join(possible), guess)
    return None


def read_duration(table: Table, key: str) -> float:
    """Seconds; 0 if it is absent or wrong, which is noted."""
    value = table.values.get(key)
    if value is None:
        return 0.0
    seconds = parse_duration(value) if isinstance(value, str) else None
    if seconds is None:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        hint = f'write {key} = "{value}s"' if is_number else ""
        table.problem(key, quoted(value), EXPECTED, hint)
    return seconds or 0.0


def read_action(table: Table, entity: Entity | None) -> str:
    """The name of an action; "" if there is none, or it is wrong, which is noted."""
    if table.values.get("action") == "":
        return ""
    action = read_choice(table, "action", [name.value for name in ActionName]) or ""
    if action == ActionName.RESTART_UNIT.value and entity not in {Entity.UNIT, None}:
        table.problem("action", '"restart"', 'entity = "unit", as it is a unit that is restarted')
        return ""
    return action


def read_runbook(table: Table) -> str:
    """An address; "" if there is none, or it is wrong, which is noted."""
    if table.values.get("runbook") == "":
        return ""
    runbook = table.text("runbook") or ""
    if runbook and not _URL.fullmatch(runbook):
        table.problem("runbook", quoted(runbook), "an address that begins with https://")
        return ""
    return runbook


def read_condition(
    table: Table, key: str, names: Names, compile_with: Callable[[str, Names], Condition], *, is_needed: bool = False
) -> Condition | None:
    """A condition or expression; None if it is absent or wrong, which is noted."""
    value = table.values.get(key)
    if value is None:
        if is_needed:
            table.problem(key, "missing", 'a condition, e.g. "temp_c > 85"')
        return None
    if not isinstance(value, str):
        table.problem(key, quoted(value), "a text")
        return None
    try:
        return compile_with(" ".join(value.split()), names)
    except ConditionError as error:
        table.problem(key, error.found, error.expected, error.suggestion)
        return None


def read_template(table: Table, key: str, value: object, names: Names) -> Template | None:
    """A text with values in it; None if it is absent or wrong, which is noted."""
    if not isinstance(value, str) or not value.strip():
        table.problem(key, "missing" if value is None else quoted(value), 'a text, e.g. "{host}: {value}"')
        return None
    try:
        return compile_template(" ".join(value.split()), names)
    except ConditionError as error:
        table.problem(key, error.found, error.expected, error.suggestion)
        return None


def read_labels(table: Table, names: Names) -> tuple[tuple[str, Template], ...]:
    """Names and texts; those that are wrong are noted and left out."""
    value = table.values.get("labels", {})
    if not isinstance(value, dict) or len(value) > MAX_LABELS:
        table.problem("labels", quoted(value), f'a table of at most {MAX_LABELS}, e.g. {{ team = "gpu" }}')
        return ()
    found: list[tuple[str, Template]] = []
    for name, text in value.items():
        if not _LABEL.fullmatch(name):
            table.problem("labels", quoted(name), "letters, digits and _ as a label's name")
            continue
        template = read_template(table, "labels", text, names)
        if template is not None:
            found.append((name, template))
    return tuple(found)
