"""The user's own actions: `/etc/leptontui/actions.toml` for everybody, then `~/.config/leptontui/actions.toml`.

```toml
[[action]]
name = "diagnose"                                  # called custom/diagnose
meaning = "Run NVIDIA's diagnosis."
command = ["dcgmi", "diag", "-r", "{level}"]       # a vector; no shell reads it
where = "host"                                     # or "controller"
danger = "disruptive"                              # harmless, disruptive or destructive (the default)
sudo = true                                        # through sudo where the login is not root
timeout_s = 1800
succeeds = [0]
verify = ["dcgmi", "health", "-g", "0", "-c"]      # asked afterwards; without it nothing is called verified
verify_says = "Healthy"                            # a regular expression that must match within the answer
# asks = true                                      # instead of verify: it changes nothing, how it ends is the answer

[[action.parameter]]
name = "level"
meaning = "how thorough: 1 is seconds, 3 is half an hour"
choices = ["1", "2", "3"]                          # or pattern = "[a-z]+", or range = [1, 3]
default = "1"
```

`{host}`, `{unit}`, `{reason}`, `{user}` and the parameters may stand in a word of `command` and `verify`. All problems
are told at once; an action with one is left out.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from leptontui.config.action_entry import read_action
from leptontui.config.custom_action import CustomAction, CustomActions
from leptontui.config.problem import Problem, did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.config.text import read_text, unreadable
from leptontui.config.toml_text import tables_called, top_of
from leptontui.config.trust import others_who_may_write
from leptontui.model.action_catalogue import SHIPPED

FILE: Final = "actions.toml"
SYSTEM: Final = Path("/etc/leptontui") / FILE
_MOST: Final = 100
"""Actions of one file: more than a menu can show."""


def action_files() -> tuple[Path, ...]:
    """The files that are there: the system's, then the user's own."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    found = []
    try:
        base = Path(folder) if Path(folder).is_absolute() else Path("~/.config").expanduser()
        candidates = [SYSTEM, base / "leptontui" / FILE]
    except RuntimeError:  # no home
        candidates = [SYSTEM]
    for path in candidates:
        try:
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError:  # cannot be looked at: reading it says why
            pass
        found.append(path)
    return tuple(found)


def load_actions(files: Sequence[Path] | None = None) -> CustomActions:
    """Read the user's own actions: what could be understood, and every problem. Never raises.

    Args:
        files: in this order, None means `action_files()`. What a file names cannot be named anew by a later one.
    """
    known: dict[str, CustomAction] = {}
    problems: list[Problem] = []
    files = action_files() if files is None else files
    for path in files:
        top = _opened(path, problems)
        if top is not None:
            _read_file(top, known)
    return CustomActions(known, tuple(problems), tuple(map(str, files)))


def _opened(path: Path, problems: list[Problem]) -> Table | None:
    """The file's top level; None, with a problem, where it cannot be used at all."""
    try:
        text = read_text(path)
        why, mend = others_who_may_write(path)
    except (ValueError, OSError) as error:
        problems.append(Problem(str(path), None, "", unreadable(error, "a TOML file")))
        return None
    if why:  # what it names is run on hosts in the user's name
        problems.append(Problem(str(path), None, "", f"is not used: {why}", "", mend))
        return None
    return top_of(text, str(path), problems)


def _read_file(top: Table, known: dict[str, CustomAction]) -> None:
    begun = len(top.problems)
    top.refuse_unknown(("action",))
    here: dict[str, Table] = {}
    for table in tables_called(top, "action", _MOST):
        action = read_action(table)
        name = None if action is None else action.spec.name
        if action is None or name is None:
            continue
        if name in known:
            table.problem(
                "name", f"{quoted(name.partition('/')[2])} a second time", "another name", _first(known[name])
            )
            continue
        known[name] = action
        here[name] = table
    names = [*SHIPPED, *known]
    for name, table in here.items():
        undo = known[name].spec.undo
        if undo and undo not in names:
            guess = did_you_mean(undo, names)
            table.problem("undo", quoted(undo), "" if guess else "the name of an action", guess)
            del known[name]
    top.problems[begun:] = sorted(top.problems[begun:], key=lambda problem: problem.line or 0)


def _first(action: CustomAction) -> str:
    return f"the first is at {action.source}"
