"""Runbooks: the shipped ones, then `~/.config/leptontui/runbooks/*.toml`.

```toml
[[runbook]]
name = "swap-driver"
meaning = "Drain a host, wait until it is empty, restart a service, look, give it back."

[[runbook.parameter]]                    # as of an action in actions.toml
name = "why"
meaning = "why, for whoever finds the host drained"
pattern = "[A-Za-z0-9 ,.:-]{3,80}"

[[runbook.step]]
action = "drain"                         # any action, `custom/NAME` too; with unit, reason and params as it needs them
reason = "{why}"

[[runbook.step]]
wait = "drained-and-empty"               # a condition, asked again and again
limit_s = 14400                          # default 600

[[runbook.step]]
check = "gpus-answer"                    # a condition, asked once; or `custom/NAME`, which must end well
```

`{host}` and the runbook's parameters may stand in unit, reason, params and title. A runbook with a problem is left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from leptontui.config.problem import Problem, quoted
from leptontui.config.runbook_entry import read_runbook
from leptontui.config.text import read_text, unreadable
from leptontui.config.toml_text import tables_called, top_of
from leptontui.config.trust import others_who_may_write
from leptontui.model.action_spec import ActionSpec
from leptontui.model.runbook import Runbook

SHIPPED_FILES: Final = ("gpu.toml", "service.toml")
MOST_RUNBOOKS: Final = 100
"""Of one file."""
MOST_FILES: Final = 200


@dataclass(frozen=True, slots=True)
class RunbookShelf:
    """All runbooks that can be started, and what is wrong with the others.

    Attributes:
        runbooks: by name: the shipped ones, then the files' in the order of their names.
        problems: what is wrong; a runbook with a problem is not among them.
        files: the user's files that were read.
    """

    runbooks: Mapping[str, Runbook]
    problems: tuple[Problem, ...] = ()
    files: tuple[str, ...] = ()


def runbook_folder() -> Path:
    """`~/.config/leptontui/runbooks`, or below `XDG_CONFIG_HOME`; whether it exists is not asked."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        base = Path(folder) if Path(folder).is_absolute() else Path("~/.config").expanduser()
    except RuntimeError:  # no home
        base = Path()
    return base / "leptontui" / "runbooks"


def load_runbooks(
    specs: Mapping[str, ActionSpec], files: Sequence[Path] | None = None, *, is_alone: bool = False
) -> RunbookShelf:
    """Read the shipped runbooks and the user's. Never raises: what is wrong is in `problems`.

    Args:
        specs: every action that there is, by name.
        files: the user's; None means those in `runbook_folder()`.
        is_alone: whether the user's files stand for themselves, without the shipped ones.
    """
    found: dict[str, Runbook] = {}
    problems: list[Problem] = []
    if not is_alone:
        for name in SHIPPED_FILES:
            text = resources.files("leptontui.config").joinpath("runbooks_shipped", name).read_text("utf-8")
            _read(text, name, specs, found, problems, source="shipped")
    if files is None:
        files = _user_files(problems)
    for path in files:
        try:
            text = read_text(path)
            why, mend = others_who_may_write(path)
        except (OSError, ValueError) as error:
            problems.append(Problem(str(path), None, "", unreadable(error, "a TOML file")))
            continue
        if why:  # what it says is done to hosts in the user's name
            problems.append(Problem(str(path), None, "", f"is not used: {why}", "", mend))
            continue
        _read(text, str(path), specs, found, problems)
    return RunbookShelf(found, tuple(problems), tuple(map(str, files)))


def _user_files(problems: list[Problem]) -> list[Path]:
    folder = runbook_folder()
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix == ".toml")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        problems.append(Problem(str(folder), None, "", f"cannot be read: {error.strerror}"))
        return []
    if len(found) > MOST_FILES:
        problems.append(Problem(str(folder), None, "", f"{len(found)} files", f"at most {MOST_FILES}"))
    return found[:MOST_FILES]


def _read(
    text: str,
    file: str,
    specs: Mapping[str, ActionSpec],
    found: dict[str, Runbook],
    problems: list[Problem],
    source: str = "",
) -> None:
    """Add the runbooks of one file to `found`, and what is wrong with it to `problems`, by line."""
    top = top_of(text, file, problems)
    if top is None:
        return
    begun = len(problems)
    top.refuse_unknown(("runbook",))
    if "runbook" not in top.values:
        top.problem("", "no runbook in it", "one or more [[runbook]]")
    for table in tables_called(top, "runbook", MOST_RUNBOOKS):
        line = table.lines.key("runbook", table.n, "")
        runbook = read_runbook(table, specs, source or (file if line is None else f"{file}:{line}"))
        if runbook is None:
            continue
        if runbook.name in found:
            first = f"the first is at {found[runbook.name].source}"
            table.problem("name", f"{quoted(runbook.name)} a second time", "another name", first)
            continue
        found[runbook.name] = runbook
    problems[begun:] = sorted(problems[begun:], key=lambda problem: problem.line or 0)
