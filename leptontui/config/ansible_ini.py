"""Ansible's INI inventories: groups, children, variables and ranges of hosts, every problem with its line."""

from __future__ import annotations

import ast
import re
import shlex
from dataclasses import dataclass, field
from typing import Final

from leptontui.config.ansible import ALL, UNGROUPED, Tree, Vars
from leptontui.config.ansible_range import expand_pattern
from leptontui.config.found import NotUnderstood
from leptontui.config.hostlist import MAX_HOSTS
from leptontui.config.problem import did_you_mean, quoted

_SECTION: Final = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_KINDS: Final = ("children", "vars")
_MOST_PROBLEMS: Final = 20
_LONGEST_LITERAL: Final = 4096


@dataclass(slots=True)
class _Reading:
    """What was read so far: the section, groups that must be defined somewhere, and what is wrong."""

    tree: Tree = field(default_factory=Tree)
    problems: list[NotUnderstood] = field(default_factory=list)
    group: str = UNGROUPED
    kind: str = ""
    defined: set[str] = field(default_factory=lambda: {ALL, UNGROUPED})
    mentioned: dict[str, int] = field(default_factory=dict)


def parse_ansible_ini(text: str) -> tuple[Tree, list[NotUnderstood]]:
    """Read such a text. Never raises: what is wrong is in the list, in the order of lines."""
    reading = _Reading()
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        try:
            _read(reading, line, number)
        except NotUnderstood as problem:
            problem.line = number
            reading.problems.append(problem)
            if len(reading.problems) >= _MOST_PROBLEMS or len(reading.tree.host_variables) > MAX_HOSTS:
                return reading.tree, reading.problems
    for name, number in reading.mentioned.items():
        if name not in reading.defined:
            hint = did_you_mean(name, reading.defined)
            words = f"no group {quoted(name)} in it" + (f"; {hint}" if hint else "")
            reading.problems.append(NotUnderstood(words, number))
    reading.problems.sort(key=lambda problem: problem.line or 0)
    return reading.tree, reading.problems


def _read(reading: _Reading, line: str, number: int) -> None:
    if line.startswith("[") and (section := _SECTION.fullmatch(line)) is not None:
        reading.group, reading.kind = section[1], section[2] or ""
        if reading.kind not in ("", *_KINDS):
            kind, reading.kind = reading.kind, "vars"
            raise NotUnderstood(f"section {quoted(line)}", None, f":children or :vars, not :{kind}")
        if reading.kind == "vars":
            reading.mentioned.setdefault(reading.group, number)
        else:
            reading.defined.add(reading.group)
        reading.tree.group(reading.group)
    elif line.startswith("[") and line.endswith("]") and " " in line:
        raise NotUnderstood(f"section {quoted(line)}", None, "[name], [name:children] or [name:vars]")
    elif reading.kind == "vars":
        key, equals, value = line.partition("=")
        if not equals:
            raise NotUnderstood(quoted(line), None, "name=value")
        reading.tree.group(reading.group).variables[key.strip()] = _value(value.strip())
    elif reading.kind == "children":
        child = line.partition("#")[0].strip()
        if not child or " " in child:
            raise NotUnderstood(quoted(line), None, "one group's name")
        reading.mentioned.setdefault(child, number)
        reading.tree.group(reading.group).children.append(child)
    else:
        _read_hosts(reading, line, number)


def _read_hosts(reading: _Reading, line: str, number: int) -> None:
    try:
        pattern, *words = shlex.split(line, comments=True)
    except ValueError as error:
        raise NotUnderstood(f"{quoted(line)}: {str(error).lower()}") from None
    variables: Vars = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise NotUnderstood(f"{quoted(word)} after a host", None, "name=value")
        variables[key] = value
    names, port = expand_pattern(pattern)
    if port is not None:
        variables.setdefault("ansible_port", port)
    for name in names:
        reading.tree.add_host(reading.group, name, variables, number)


def _value(text: str) -> object:
    """A value of a :vars section: quotes are taken off as Python would; all else is text."""
    if text[:1] in {'"', "'"} and len(text) <= _LONGEST_LITERAL:
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text
    return text
