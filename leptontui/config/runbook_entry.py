"""One `[[runbook]]` of a file, with its parameters and steps: what could be understood, and every problem."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from leptontui.config.action_parameters import read_parameters
from leptontui.config.custom_action import PREFIX, filled, names_in
from leptontui.config.problem import did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.model.action_spec import ActionSpec
from leptontui.model.runbook import CONDITIONS, Runbook, RunbookTask, TaskKind

KEYS: Final = ("name", "meaning", "parameter", "step")
MOST_STEPS: Final = 50
LONGEST_WAIT_S: Final = 7 * 86_400.0
DEFAULT_WAIT_S: Final = 600.0

_STEP_KEYS: Final = {
    TaskKind.ACTION: ("action", "unit", "reason", "params", "title"),
    TaskKind.CHECK: ("check", "unit", "params", "title"),
    TaskKind.WAIT: ("wait", "unit", "limit_s", "title"),
}
_ALL_STEP_KEYS: Final = tuple(dict.fromkeys(key for keys in _STEP_KEYS.values() for key in keys))
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}", re.ASCII)
_NAME_EXPECTED: Final = "lower-case letters, digits, . _ - (at most 40)"


def read_runbook(table: Table, specs: Mapping[str, ActionSpec], source: str) -> Runbook | None:
    """The runbook; None, with problems noted, if there is anything wrong with it.

    Args:
        table: its `[[runbook]]`.
        specs: every action that there is, by name.
        source: where it is written, for people.
    """
    before = len(table.problems)
    table.refuse_unknown(KEYS)
    name, meaning = table.text("name", _NAME_EXPECTED), table.text("meaning", "what it is for, in one line")
    if "name" not in table.values:
        table.problem("name", "missing", _NAME_EXPECTED)
    elif name is not None and _NAME.fullmatch(name) is None:
        table.problem("name", quoted(name), _NAME_EXPECTED)
    if "meaning" not in table.values:
        table.problem("meaning", "missing", "what it is for, in one line")
    parameters, names = read_parameters(table)
    steps = table.tables("step")
    if not steps and "step" not in table.values:
        table.problem("step", "missing", "one or more [[runbook.step]]")
    if len(steps) > MOST_STEPS:
        table.problem("step", f"{len(steps)} of them", f"at most {MOST_STEPS}")
    tasks = [_task(step, specs, ("host", *names)) for step in steps[:MOST_STEPS]]
    if len(table.problems) > before or name is None or meaning is None:
        return None
    return Runbook(name, meaning, parameters, tuple(task for task in tasks if task is not None), source)


def _task(table: Table, specs: Mapping[str, ActionSpec], names: Sequence[str]) -> RunbookTask | None:
    kinds = [kind for kind in TaskKind if kind.value in table.values]
    if len(kinds) != 1:
        known = set(table.values) & set(_ALL_STEP_KEYS)
        if not kinds and set(table.values) - known:
            table.refuse_unknown(_ALL_STEP_KEYS)
        table.problem(
            kinds[1].value if kinds else "",
            " and ".join(kind.value for kind in kinds) or "does nothing",
            'one of action = "…", check = "…" or wait = "…"',
        )
        return None
    kind = kinds[0]
    table.refuse_unknown(_STEP_KEYS[kind])
    what = table.text(kind.value)
    texts = {key: _template(table, key, names) for key in ("unit", "reason", "title")}
    if what is None:
        return None
    if kind is TaskKind.ACTION or (kind is TaskKind.CHECK and what.startswith(PREFIX)):
        return _action(table, kind, what, specs, names, texts)
    return _condition(table, kind, what, texts)


def _action(
    table: Table,
    kind: TaskKind,
    name: str,
    specs: Mapping[str, ActionSpec],
    names: Sequence[str],
    texts: Mapping[str, str],
) -> RunbookTask | None:
    spec = specs.get(name)
    if spec is None:
        guess = did_you_mean(name, specs)
        table.problem(kind.value, quoted(name), "" if guess else "the name of an action", guess)
        return None
    if spec.takes_unit and not texts["unit"]:
        table.problem("unit", "missing", f'what is meant by {name}, e.g. "vllm.service"')
    elif not spec.takes_unit and texts["unit"]:
        table.problem("unit", quoted(texts["unit"]), f"none: {name} takes no unit")
    if spec.takes_reason and not texts["reason"]:
        table.problem("reason", "missing", f"why, which {name} says to whoever finds it")
    elif not spec.takes_reason and texts["reason"]:
        table.problem("reason", quoted(texts["reason"]), f"none: {name} takes no reason")
    params = _params(table, spec, names)
    title = texts["title"] or _title(spec, texts["unit"], params)
    return RunbookTask(kind, title, name, texts["unit"], texts["reason"], params)


def _params(table: Table, spec: ActionSpec, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    value = table.values.get("params", {})
    if not isinstance(value, dict):
        table.problem("params", quoted(value), 'a table such as { gpu = "all" }')
        return ()
    known = {parameter.name: parameter for parameter in spec.parameters}
    found: dict[str, str] = {}
    for name, given in value.items():
        if name not in known:
            guess = did_you_mean(name, known)
            expected = f"one of {', '.join(known)}" if known else f"none: {spec.name} has no parameter"
            table.problem("params", f"unknown parameter {quoted(name)}", "" if guess else expected, guess, item=name)
            continue
        text = str(given) if isinstance(given, int) and not isinstance(given, bool) else given
        if not isinstance(text, str):
            table.problem("params", f"{name} = {quoted(given)}", "a text or a whole number", item=name)
            continue
        placeholders = _placeholders(table, "params", text, names)
        complaint = "" if placeholders is None or placeholders else known[name].complaint(text)
        if complaint:
            table.problem("params", complaint, item=name)
        found[name] = text
    missing = [one.name for one in spec.parameters if one.default is None and one.name not in value]
    if missing:
        table.problem("params", f"{spec.name} needs {', '.join(missing)}", f'params = {{ {missing[0]} = "…" }}')
    return tuple(sorted(found.items()))


def _condition(table: Table, kind: TaskKind, name: str, texts: Mapping[str, str]) -> RunbookTask | None:
    condition = CONDITIONS.get(name)
    limit_s = table.seconds("limit_s", 1.0, LONGEST_WAIT_S) if kind is TaskKind.WAIT else 0.0
    if condition is None:
        guess = did_you_mean(name, CONDITIONS)
        own = f", or {PREFIX}NAME for an action of your own" if kind is TaskKind.CHECK else ""
        table.problem(kind.value, quoted(name), "" if guess else f"one of {', '.join(CONDITIONS)}{own}", guess)
        return None
    if condition.takes_unit and not texts["unit"]:
        table.problem("unit", "missing", 'which one, e.g. "vllm.service"')
    elif not condition.takes_unit and texts["unit"]:
        table.problem("unit", quoted(texts["unit"]), f"none: {name} takes no unit")
    if "params" in table.values:
        table.problem("params", "not for a condition", f"params with an action or {PREFIX}NAME only")
    title = texts["title"] or condition.meaning.replace("{unit}", texts["unit"])
    return RunbookTask(
        kind,
        title if texts["title"] else f"{'Wait until' if kind is TaskKind.WAIT else 'Check that'} {title}",
        unit=texts["unit"],
        condition=name,
        limit_s=DEFAULT_WAIT_S if limit_s is None else limit_s,
    )


def _template(table: Table, key: str, names: Sequence[str]) -> str:
    text = table.text(key)
    if text is not None:
        _placeholders(table, key, text, names)
    return text or ""


def _placeholders(table: Table, key: str, text: str, names: Sequence[str]) -> list[str] | None:
    """The placeholders in a text; None, with a problem noted, if one of them cannot be filled."""
    try:
        found = names_in([text])
    except ValueError:
        table.problem(key, quoted(text), "{NAME} for what is put in, {{ and }} for braces")
        return None
    for name in found:
        if name not in names:
            guess = did_you_mean(name, names)
            table.problem(key, f"nothing is called {{{name}}}", "" if guess else f"one of {', '.join(names)}", guess)
            return None
    return found


def _title(spec: ActionSpec, unit: str, params: Sequence[tuple[str, str]]) -> str:
    """The action's own title, with this step's words; `{host}` stays to be filled."""
    values = {one.name: one.default or "" for one in spec.parameters} | dict(params)
    try:
        return filled(spec.title, {**values, "host": "{host}", "unit": unit})
    except (KeyError, ValueError):
        return spec.verb
