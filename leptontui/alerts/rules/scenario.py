"""Scenario files: series that go in, alerts that are to come out, as promtool tests rules."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from leptontui.alerts.rules.columns import dtype_of
from leptontui.alerts.rules.durations import EXPECTED as A_DURATION
from leptontui.alerts.rules.durations import parse_duration
from leptontui.alerts.rules.fields import read_choice
from leptontui.alerts.rules.notation import EXPECTED, NotationError, Value, values_of
from leptontui.config.lines import Lines
from leptontui.config.problem import Problem, quoted
from leptontui.config.reading import Table
from leptontui.config.text import unreadable
from leptontui.model.series import KEY_OF, Entity

STATES: Final = ("pending", "firing", "resolved")
MAX_STEPS: Final = 20_000
DEFAULT_STEP_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Input:
    """The series of one subject.

    Attributes:
        entity: what it is.
        host: its host.
        instance: GPU uuid, mount …; "" for a host.
        values: by column, or derived column as a condition writes it.
        ahead: by metric what is forecast for the end of the rule's horizon, at each step; the way there is straight.
        labels: what the inventory says of the host.
    """

    entity: Entity
    host: str
    instance: str
    values: Mapping[str, tuple[Value, ...]]
    ahead: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Expected:
    """One alert that is to be there.

    Attributes:
        rule: its rule.
        state: one of `STATES`.
        host: its host; "" where the scenario has one only and does not say.
        instance: its subject on that host; likewise.
        summary: its text; "" where that does not matter.
        labels: labels that it has, among others.
    """

    rule: str
    state: str
    host: str = ""
    instance: str = ""
    summary: str = ""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """All alerts that are to be there at one time; resolved ones only where they are asked for.

    Attributes:
        at_s: seconds from the scenario's beginning.
        alerts: pending and firing ones are to be these and no others.
    """

    at_s: float
    alerts: tuple[Expected, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    Attributes:
        name: what it shows.
        where: the file and line it begins at.
        step_s: time between two values, and between two evaluations.
        rules: only these are evaluated; empty: all.
        inputs: what goes in.
        checks: what is to come out, in order of time.
        acknowledged_s: when somebody acknowledges all that fires; None: nobody does.
    """

    name: str
    where: str
    step_s: float
    rules: tuple[str, ...]
    inputs: tuple[Input, ...]
    checks: tuple[Check, ...]
    acknowledged_s: float | None = None


def read_scenarios(text: str, file: str) -> tuple[tuple[Scenario, ...], tuple[Problem, ...]]:
    """The scenarios of a file, and what is wrong with the others. Never raises.

    Args:
        text: the file's text.
        file: its name, for problems.
    """
    problems: list[Problem] = []
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        words = f"not TOML: {error}" if isinstance(error, tomllib.TOMLDecodeError) else unreadable(error, "TOML")
        return (), (Problem(file, None, "", words),)
    top = Table(document, file, Lines.of(text), "", 0, "", problems)
    top.refuse_unknown(("scenario",))
    entries = document.get("scenario")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        top.problem("scenario", "none", "one or more [[scenario]]")
        return (), tuple(problems)
    found: list[Scenario] = []
    for n, entry in enumerate(entries):
        table = Table(entry, file, top.lines, "scenario", n, f"scenario {n + 1}", problems)
        before = len(problems)
        scenario = _read(table)
        if scenario is not None and len(problems) == before:
            found.append(scenario)
    return tuple(found), tuple(problems)


def _read(table: Table) -> Scenario | None:
    table.refuse_unknown(("name", "step", "rules", "acknowledge", "series", "expect"))
    name = table.text("name")
    if name is None:
        table.problem("name", "missing", "what it shows")
    step_s = _duration(table, "step", DEFAULT_STEP_S)
    rules = table.texts("rules", "a list of rules' names") or []
    inputs = [item for inner in table.tables("series") if (item := _read_input(inner)) is not None]
    checks = [check for inner in table.tables("expect") if (check := _read_check(inner)) is not None]
    if not inputs:
        table.problem("series", "none", "one or more [[scenario.series]]")
    if not checks:
        table.problem("expect", "none", "one or more [[scenario.expect]]")
    if step_s <= 0:
        table.problem("step", "0", "more than that")
        return None
    if checks and checks[-1].at_s / step_s > MAX_STEPS:
        table.problem("expect", f"{checks[-1].at_s / step_s:.0f} steps", f"at most {MAX_STEPS}")
        return None
    line = table.lines.key(table.name, table.n, "name")
    where = table.file if line is None else f"{table.file}:{line}"
    ordered = tuple(sorted(checks, key=lambda check: check.at_s))
    seen = _duration(table, "acknowledge", 0.0) if "acknowledge" in table.values else None
    return Scenario(name or "", where, step_s, tuple(rules), tuple(inputs), ordered, seen)


def _read_input(table: Table) -> Input | None:
    table.refuse_unknown(("entity", "host", "instance", "values", "ahead", "labels"))
    text = read_choice(table, "entity", [entity.value for entity in Entity], is_needed=True)
    host = table.text("host") or "host1"
    labels = table.values.get("labels", {})
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        table.problem("labels", quoted(labels), 'a table, e.g. { rack = "r1" }')
        labels = {}
    if text is None:
        return None
    entity = Entity(text)
    values, ahead = _read_values(table, "values", entity), _read_values(table, "ahead", entity)
    instance = table.text("instance") or ("" if entity is Entity.HOST else _usual(entity, values))
    return Input(entity, host, instance, values, ahead, tuple(sorted(labels.items())))


def _usual(entity: Entity, values: Mapping[str, tuple[Value, ...]]) -> str:
    """The instance where a scenario does not say it: what its key columns say, or a name."""
    told = [values[key][0] for key in KEY_OF[entity] if key in values]
    return "/".join(str(part) for part in told) if len(told) == len(KEY_OF[entity]) else f"{entity.value}1"


def _read_values(table: Table, key: str, entity: Entity) -> dict[str, tuple[Value, ...]]:
    given = table.values.get(key, {})
    if not isinstance(given, dict):
        table.problem(key, quoted(given), 'a table, e.g. { temp_c = "70x3 95x5" }')
        return {}
    found: dict[str, tuple[Value, ...]] = {}
    for column, written in given.items():
        try:
            is_text = dtype_of(entity, column) == pl.String() and isinstance(written, str) and written != "_"
            found[" ".join(column.split())] = (str(written),) if is_text else values_of(written)
        except NotationError as error:
            table.problem(key, f"{column if column.isprintable() else quoted(column)}: {error}", EXPECTED)
    return found


def _read_check(table: Table) -> Check | None:
    table.refuse_unknown(("at", "alerts"))
    at_s = _duration(table, "at", None)
    given = table.values.get("alerts", [])
    if not isinstance(given, list) or not all(isinstance(entry, dict) for entry in given):
        table.problem("alerts", quoted(given), 'a list, e.g. [{ rule = "gpu-hot", state = "firing" }]')
        return None
    alerts = tuple(item for entry in given if (item := _read_expected(table, entry)) is not None)
    return Check(at_s, tuple(sorted(alerts)))


def _read_expected(table: Table, entry: Mapping[str, object]) -> Expected | None:
    inner = Table(entry, table.file, table.lines, table.name, table.n, table.label, table.problems)
    inner.refuse_unknown(("rule", "state", "host", "instance", "summary", "labels"))
    rule = inner.text("rule")
    state = read_choice(inner, "state", STATES, is_needed=True)
    if rule is None:
        inner.problem("alerts", "no rule", 'rule = "gpu-hot"')
    labels = entry.get("labels", {})
    if not isinstance(labels, dict):
        inner.problem("labels", quoted(labels), "a table")
        labels = {}
    if rule is None or state is None:
        return None
    texts = {key: inner.text(key) or "" for key in ("host", "instance", "summary")}
    return Expected(rule, state, **texts, labels=tuple(sorted((name, str(value)) for name, value in labels.items())))


def _duration(table: Table, key: str, default: float | None) -> float:
    value = table.values.get(key)
    if value is None and default is not None:
        return default
    seconds = parse_duration(value) if isinstance(value, str) else None
    if seconds is None:
        table.problem(key, "missing" if value is None else quoted(value), A_DURATION)
    return seconds or 0.0
