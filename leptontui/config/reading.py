"""One table of a TOML file, read key by key: a wrong value becomes a problem with its line, not an exception."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leptontui.config.lines import Lines
from leptontui.config.problem import Problem, did_you_mean, quoted

_KINDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number", list: "a list", dict: "a table"}


@dataclass(frozen=True, slots=True)
class Table:
    """One table and where its problems go.

    Attributes:
        values: the table as tomllib read it.
        file: the file's name, for problems.
        lines: where keys stand.
        name, n: the table is the n-th (from 0) called `name`; ("", 0) is the top level.
        label: what people call it, e.g. "group 2"; "" for the top level.
        problems: what is wrong so far; grows.
    """

    values: Mapping[str, object]
    file: str
    lines: Lines
    name: str
    n: int
    label: str
    problems: list[Problem]

    def problem(self, key: str, found: str, expected: str = "", suggestion: str = "", *, item: str = "") -> None:
        """Note that `key` is wrong; `item` narrows the line down to where that text stands in its value."""
        line = self.lines.item(self.name, self.n, key, item) if key or self.name else None
        where = f"{self.label}: {key}" if self.label and key else self.label or key
        self.problems.append(Problem(self.file, line, where, found, expected, suggestion))

    def places(self, key: str, items: Iterable[str]) -> list[str]:
        """Where each of `items`, which stand in the value of `key` in this order, is: "fleet.toml:12"."""
        lines = self.lines.items(self.name, self.n, key, items)
        return [self.file if line is None else f"{self.file}:{line}" for line in lines]

    def refuse_unknown(self, known: Iterable[str], *, elsewhere: Iterable[str] = ()) -> None:
        """Note every key that is neither in `known` nor, for a message of its own, in `elsewhere`."""
        known = tuple(known)
        for key in self.values:
            if key not in known and key not in elsewhere:
                shown = key if key.isascii() and key.isprintable() else quoted(key)
                expected = "" if (guess := did_you_mean(key, known)) else "one of " + ", ".join(known)
                line = self.lines.key(self.name, self.n, key)
                where = f"{self.label}: {shown}" if self.label else shown
                self.problems.append(Problem(self.file, line, where, "unknown key", expected, guess))

    def text(self, key: str, expected: str = "text") -> str | None:
        """The text at `key`, None if it is absent or wrong (empty, not text, holds control characters)."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            self.problem(key, f"{_kind(value)} {quoted(value)}", expected)
        elif not value.strip():
            self.problem(key, "empty", expected)
        elif not value.isprintable():
            self.problem(key, quoted(value), f"{expected} without control characters")
        else:
            return value.strip()
        return None

    def number(self, key: str, lowest: int, highest: int) -> int | None:
        """The whole number at `key`, None if it is absent or wrong."""
        value = self.values.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self.problem(key, f"{_kind(value)} {quoted(value)}", f"a whole number from {lowest} to {highest}")
        elif not lowest <= value <= highest:
            self.problem(key, quoted(value), f"{lowest} to {highest}")
        else:
            return value
        return None

    def seconds(self, key: str, lowest: float, highest: float) -> float | None:
        """The number of seconds at `key`, None if it is absent or wrong."""
        value = self.values.get(key)
        if value is None:
            return None
        expected = f"{lowest:g} to {highest:g} seconds"
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.problem(key, f"{_kind(value)} {quoted(value)}", expected)
        elif not lowest <= value <= highest:
            self.problem(key, quoted(value), expected)
        else:
            return float(value)
        return None

    def flag(self, key: str) -> bool | None:
        """True or false at `key`, None if it is absent or wrong."""
        value = self.values.get(key)
        if value is None or isinstance(value, bool):
            return value
        self.problem(key, f"{_kind(value)} {quoted(value)}", "true or false")
        return None

    def path(self, key: str, folder: Path) -> str | None:
        """The path at `key`, `~` expanded, relative to `folder`; None if it is absent or wrong."""
        text = self.text(key, "a path")
        return None if text is None else self.expanded(key, text, folder)

    def expanded(self, key: str, text: str, folder: Path) -> str | None:
        """`text`, found at `key`, as a path: `~` expanded, relative to `folder`; None if it cannot be."""
        try:
            return str(folder / Path(text).expanduser())
        except RuntimeError:
            self.problem(key, quoted(text), "a path; there is no such user's home folder")
            return None

    def texts(self, key: str, expected: str) -> list[str] | None:
        """The list of texts at `key`, None if it is absent; entries that are not text are noted and left out."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, list):
            hint = f"write {key} = [{quoted(value)}]".replace("'", '"') if isinstance(value, str) else ""
            self.problem(key, f"{_kind(value)} {quoted(value)}", expected, hint)
            return []
        for entry in value:
            if not isinstance(entry, str):
                self.problem(key, f"{_kind(entry)} {quoted(entry)}", expected)
        return [entry for entry in value if isinstance(entry, str)]

    def argv(self, key: str, expected: str) -> tuple[str, ...] | None:
        """The argument vector at `key`, None if it is absent (a problem too) or wrong."""
        value = self.values.get(key)
        if value is None:
            self.problem(key, "missing", expected)
        elif isinstance(value, str):
            shown = json.dumps(value) if value.isprintable() else '"..."'
            self.problem(key, f"text {quoted(value)}", expected, f'for a shell write {key} = ["sh", "-c", {shown}]')
        elif not isinstance(value, list) or not value or not all(isinstance(word, str) for word in value):
            self.problem(key, f"{_kind(value)} {quoted(value)}", expected)
        elif not value[0].strip() or any("\0" in word for word in value):
            self.problem(key, quoted(value), expected)
        else:
            return tuple(value)
        return None

    def tables(self, key: str) -> list[Table]:
        """The tables at `[[name.key]]`, or in a list of inline ones; what is none of these is noted and left out."""
        value = self.values.get(key)
        if value is None:
            return []
        full = f"{self.name}.{key}"
        first = self.lines.first_inner(self.name, self.n, full)
        label = f"{self.label}: {key}" if self.label else key
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            found = f"[{full}]" if isinstance(value, dict) else f"{_kind(value)} {quoted(value)}"
            line = None if first is None else self.lines.key(full, first, "")
            line = line or self.lines.key(self.name, self.n, key)
            self.problems.append(Problem(self.file, line, label, found, f"one or more [[{full}]]"))
            return []
        return [
            Table(entry, self.file, self.lines, full, first + n, f"{label} {n + 1}", self.problems)
            if first is not None
            else Table(entry, self.file, self.lines, self.name, self.n, f"{label} {n + 1}", self.problems)
            for n, entry in enumerate(value)
        ]


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a date or time")
