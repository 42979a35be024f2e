"""The text of a TOML file as its top table, and the tables `[[name]]` in it; what is wrong is told with its line."""

from __future__ import annotations

import tomllib

from leptontui.config.lines import Lines
from leptontui.config.problem import Problem, quoted
from leptontui.config.reading import Table
from leptontui.config.text import unreadable


def top_of(text: str, file: str, problems: list[Problem]) -> Table | None:
    """The file's top level; None, with a problem, where it is not TOML.

    Args:
        text: what is in it.
        file: its name, for problems.
        problems: where its problems go.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words, line = what_and_where(error, text)
        problems.append(Problem(file, line, "", f"not TOML: {quoted(words)[1:-1]}"))
        return None
    except RecursionError as error:
        problems.append(Problem(file, None, "", unreadable(error, "a TOML file")))
        return None
    return Table(document, file, Lines.of(text), "", 0, "", problems)


def what_and_where(error: tomllib.TOMLDecodeError, text: str) -> tuple[str, int]:
    """What the parser complains of and the line: it says "… (at line 3, column 7)" or "… (at end of document)"."""
    words, _, place = str(error).rpartition(" (at ")
    number = place.removeprefix("line ").partition(",")[0]
    line = int(number) if number.isdigit() else text.rstrip("\n").count("\n") + 1
    return words or str(error), line


def tables_called(top: Table, name: str, most: int | None = None) -> list[Table]:
    """The tables `[[name]]`, in the order of the file; none, with a problem, where something else stands there.

    Args:
        top: the file's top level.
        name: what they are called.
        most: so many are read; more are a problem.
    """
    value = top.values.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        found = f"[{name}]" if isinstance(value, dict) else quoted(value)
        top.problem(name, found, f"[[{name}]] with two brackets")
        return []
    if most is not None and len(value) > most:
        top.problem(name, f"{len(value)} of them", f"at most {most}")
    return [
        Table(values, top.file, top.lines, name, n, f"{name} {n + 1}", top.problems)
        for n, values in enumerate(value[:most])
    ]
