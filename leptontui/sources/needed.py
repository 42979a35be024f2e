"""Leaves out of a module what nobody calls, so that no host reads and compiles it; lines keep their numbers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Final

_WORD: Final = re.compile(r"[A-Za-z_]\w*(?:%s\w*)*")
"""A name, or one that is put together from parts: "nvmlDeviceGet%sRunningProcesses_v3"."""


def needed_of(source: str, users: Iterable[str], *, always: str) -> str:
    """`source` with only those functions, classes and constants that `users`, or what they use of it, name.

    Args:
        source: a Python module.
        users: the text of what imports it; a name in a string counts, so that it may be looked up by it.
        always: what the names begin with that are kept in any case.

    Raises:
        SyntaxError: `source` is no Python.
    """
    definitions: dict[str, list[ast.stmt]] = {}
    wanted = {word for user in users for word in _WORD.findall(user)}
    for statement in ast.parse(source).body:
        name = _defined_by(statement)
        if name is None or name.startswith(always):
            wanted |= _names_in(statement)
        if name is not None:
            definitions.setdefault(name, []).append(statement)
    patterns = [re.compile(re.escape(word).replace("%s", r"\w+")) for word in wanted if "%s" in word]
    wanted |= {name for name in definitions if any(pattern.fullmatch(name) for pattern in patterns)}
    waiting = [name for name in definitions if name in wanted or name.startswith(always)]
    kept = set(waiting)
    while waiting:
        for statement in definitions[waiting.pop()]:
            more = {name for name in _names_in(statement) if name in definitions} - kept
            kept |= more
            waiting += more
    lines = source.splitlines()
    for name in definitions.keys() - kept:
        for statement in definitions[name]:
            decorators = getattr(statement, "decorator_list", [])
            first = min([statement.lineno, *(decorator.lineno for decorator in decorators)])
            last = statement.end_lineno or statement.lineno
            lines[first - 1 : last] = [""] * (last - first + 1)
    return "\n".join(lines) + "\n"


def _defined_by(statement: ast.stmt) -> str | None:
    """The name of the one thing that it defines, and does nothing else; None if it does more."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return statement.name
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        return target.id if isinstance(target, ast.Name) else None
    return None


def _names_in(statement: ast.stmt) -> set[str]:
    nodes = list(ast.walk(statement))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }
