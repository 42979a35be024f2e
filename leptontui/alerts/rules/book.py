"""The rules there are: the shipped ones, changed as the user's file says, and the user's own."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Final

from leptontui.alerts.rules.automatic import read_auto
from leptontui.alerts.rules.reading import FOREIGN, read_rule
from leptontui.alerts.rules.rule import SHIPPED, Rule
from leptontui.alerts.rules.vocabulary import Foreign
from leptontui.config.lines import Lines
from leptontui.config.problem import Problem, did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.config.text import read_text, unreadable
from leptontui.config.trust import others_who_may_write
from leptontui.model.alert_policy import RulePolicy
from leptontui.model.reaction import AutoPolicy

SHIPPED_FILES: Final = ("gpu.toml", "host.toml", "parts.toml", "foresight.toml")
MOST_RULES: Final = 1000

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)
_PLACE: Final = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules that can be evaluated, and what is wrong with the others.

    Attributes:
        rules: shipped ones first, in the files' order.
        auto: what the user allows to be done without a person.
        problems: what is wrong; a rule with a problem is not among the rules.
        disabled: names of shipped rules that are turned off.
    """

    rules: tuple[Rule, ...] = ()
    auto: AutoPolicy = field(default_factory=AutoPolicy)
    problems: tuple[Problem, ...] = ()
    disabled: tuple[str, ...] = ()

    @property
    def policies(self) -> dict[str, RulePolicy]:
        """How the alerts of each rule live, by its name."""
        return {rule.name: rule.policy for rule in self.rules}


@dataclass(slots=True)
class _File:
    """The tables of one file; grows while it is read."""

    rules: dict[str, Table] = field(default_factory=dict)
    overrides: dict[str, Table] = field(default_factory=dict)
    auto: AutoPolicy = field(default_factory=AutoPolicy)
    problems: list[Problem] = field(default_factory=list)


def user_rules_file() -> Path:
    """`~/.config/leptontui/rules.toml`, or below `XDG_CONFIG_HOME`; whether it exists is not asked."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        base = Path(folder) if Path(folder).is_absolute() else Path("~/.config").expanduser()
    except RuntimeError:  # no home
        base = Path()
    return base / "leptontui" / "rules.toml"


def load_rules(user_file: Path | None, *, foreign: Foreign | None = None, is_alone: bool = False) -> RuleBook:
    """Read the shipped rules and the user's. Never raises: what is wrong is in `problems`.

    Args:
        user_file: the user's rules and changes; it may be None or absent.
        foreign: what rules for recorded series may name; None where there are none.
        is_alone: whether the user's file stands for itself, without the shipped rules.
    """
    try:
        text = "" if user_file is None or not user_file.exists() else read_text(user_file)
    except (OSError, ValueError) as error:
        book = read_rules("", "", foreign=foreign, is_alone=is_alone)
        problem = Problem(str(user_file), None, "", unreadable(error, "a TOML file"))
        return RuleBook(book.rules, book.auto, (problem, *book.problems), book.disabled)
    book = read_rules(text, str(user_file), foreign=foreign, is_alone=is_alone)
    return book if user_file is None or not book.auto.allow else _guarded(book, user_file, text)


def _guarded(book: RuleBook, user_file: Path, text: str) -> RuleBook:
    """Without what is allowed to be done by itself, where somebody else may have allowed it."""
    try:
        why, mend = others_who_may_write(user_file)
    except OSError as error:
        why, mend = unreadable(error, "a TOML file"), ""
    if not why:
        return book
    line = Lines.of(text).key("auto", 0, "")
    told = Problem(str(user_file), line, "auto", f"nothing is done by itself: {why}", "only yours to write", mend)
    return replace(book, auto=AutoPolicy(), problems=(*book.problems, told))


def read_rules(text: str, file: str, *, foreign: Foreign | None = None, is_alone: bool = False) -> RuleBook:
    """The same, from the user's file as a text; `file` is its name, for problems."""
    shipped: dict[str, Table] = {} if is_alone else shipped_tables()
    users = _tables(text, file)
    problems = users.problems
    rules: list[Rule] = []
    disabled: list[str] = []
    for name, table in shipped.items():
        override = users.overrides.pop(name, None)
        chosen = table if override is None else _merged(table, override)
        rule = read_rule(chosen, SHIPPED if override is None else _origin(override), foreign)
        if chosen.values.get("disabled") is True:
            disabled.append(name)
        elif rule is not None:
            rules.append(rule)
    for name, table in users.overrides.items():
        guess = did_you_mean(name, shipped) or "leptontui rules list names them"
        table.problem("", "no shipped rule is called so", "" if shipped else "shipped rules", guess)
    for name, table in users.rules.items():
        if name in shipped:
            table.problem(
                "name", f'a shipped rule is called "{name}"', suggestion=f"to change it write [override.{name}]"
            )
            continue
        rule = read_rule(table, _origin(table), foreign)
        if rule is not None and table.values.get("disabled") is not True:
            rules.append(rule)
    shipped_problems = {id(table.problems): table.problems for table in shipped.values()}
    problems += [problem for found in shipped_problems.values() for problem in found]
    problems.sort(key=lambda problem: problem.line or 0)
    return RuleBook(tuple(rules), users.auto, tuple(problems), tuple(disabled))


def shipped_tables() -> dict[str, Table]:
    """The tables of the shipped rules, by name."""
    found: dict[str, Table] = {}
    for name in SHIPPED_FILES:
        text = resources.files("leptontui.alerts.rules").joinpath("shipped", name).read_text("utf-8")
        read = _tables(text, name)
        if read.problems:
            raise AssertionError(read.problems[0])
        found |= read.rules
    return found


def names_series(text: str) -> bool:
    """Whether a rules file has a rule for recorded series that are none of ours."""
    try:
        rules = tomllib.loads(text).get("rule", [])
    except (tomllib.TOMLDecodeError, RecursionError):
        return False
    return isinstance(rules, list) and any(isinstance(rule, dict) and rule.get("entity") == FOREIGN for rule in rules)


def _tables(text: str, file: str) -> _File:
    found = _File()
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        words = _PLACE.sub("", str(error)).strip()
        line = int(place.group(1)) if place and place.group(1) else None
        found.problems.append(Problem(file, line, "", f"not TOML: {words}"))
        return found
    except RecursionError as error:
        found.problems.append(Problem(file, None, "", unreadable(error, "TOML")))
        return found
    top = Table(document, file, Lines.of(text), "", 0, "", found.problems)
    top.refuse_unknown(("rule", "override", "auto"))
    _read_rules(top, found)
    _read_overrides(top, found)
    found.auto = read_auto(top)
    return found


def _read_rules(top: Table, found: _File) -> None:
    entries = top.values.get("rule", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        top.problem("rule", "no list of tables", "[[rule]]")
        return
    if len(entries) > MOST_RULES:
        top.problem("rule", f"{len(entries)} rules", f"at most {MOST_RULES}")
    for n, entry in enumerate(entries[:MOST_RULES]):
        name = entry.get("name")
        is_named = isinstance(name, str) and _NAME.fullmatch(name)
        table = Table(
            entry, top.file, top.lines, "rule", n, f"rule {name}" if is_named else f"rule {n + 1}", found.problems
        )
        if not isinstance(name, str) or not is_named:
            shown = "missing" if name is None else quoted(name)
            table.problem("name", shown, 'small letters, digits and dashes, e.g. "gpu-hot"')
        elif name in found.rules:
            table.problem("name", f'a second rule called "{name}"')
        else:
            found.rules[name] = table


def _read_overrides(top: Table, found: _File) -> None:
    entries = top.values.get("override", {})
    if not isinstance(entries, dict):
        top.problem("override", "no table", "[override.NAME]")
        return
    for name, entry in entries.items():
        if isinstance(entry, dict):
            label = f"override {name if _NAME.fullmatch(name) else quoted(name)}"
            found.overrides[name] = Table(entry, top.file, top.lines, f"override.{name}", 0, label, found.problems)
        else:
            top.problem("override", f"{quoted(name)} is no table", "[override.NAME]")


def _merged(shipped: Table, override: Table) -> Table:
    """A shipped rule's table with the user's keys in it; problems are told with the user's lines."""
    if "name" in override.values:
        override.problem("name", "a shipped rule's name cannot be changed")
    values: Mapping[str, object] = {**shipped.values, **override.values, "name": shipped.values["name"]}
    return Table(values, override.file, override.lines, override.name, override.n, override.label, override.problems)


def _origin(table: Table) -> str:
    line = table.lines.key(table.name, table.n, "")
    name = Path(table.file).name
    return name if line is None else f"{name}:{line}"
