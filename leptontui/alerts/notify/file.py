"""The notifiers' file: TOML that says who is told of what. It holds secrets, so nobody but its owner may read it.

```toml
[[notifier]]
name = "oncall"
url = "slack://…"                 # apprise's address, or urls = […] to tell several
levels = ["page"]                 # of page, ticket, note
match = { group = "train" }       # or as Alertmanager writes it: ["group=~train.*", "job!=test"]
group_by = ["rack"]               # else groups are those on the screen
group_wait_s = 30
group_interval_s = 300
repeat_interval_s = 14400         # 0: never again
per_hour = 30
send_resolved = true
include_predictive = true

[[notifier]]
name = "alertmanager"
alertmanager = "http://am.example:9093"   # several: a list
levels = ["page", "ticket"]
token = "…"                       # or user and password; ca_file for certificates

[[notifier]]
name = "pager"
pagerduty = "…"                   # integration key of a service, Events API v2; incidents are resolved too
region = "us"                     # or "eu"
```

All problems are told at once, with file, line and key; none repeats a secret.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from leptontui.alerts.notify.address import ADDRESS_KEYS, SECRET_KEYS
from leptontui.alerts.notify.entry import ENTRY_KEYS, read_entry
from leptontui.alerts.notify.spec import NotifierSpec
from leptontui.config.lines import Lines
from leptontui.config.problem import Problem, did_you_mean
from leptontui.config.reading import Table
from leptontui.config.text import unreadable
from leptontui.config.toml_text import what_and_where

MAX_FILE_BYTES: Final = 1 << 20
_FORBIDDEN: Final = 0o077
_SHORTEST_SECRET: Final = 4
_QUOTED: Final = 20
"""Problems quote at least so much of a text."""
_HIDDEN: Final = "a text that is not repeated here, as it may be a secret"


def default_notify_path() -> Path:
    """`~/.config/leptontui/notify.toml`, or below `XDG_CONFIG_HOME`; whether it exists is not asked."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        base = Path(folder) if Path(folder).is_absolute() else Path("~/.config").expanduser()
    except RuntimeError:  # no home
        base = Path("/nonexistent")
    return base / "leptontui" / "notify.toml"


def load_notifiers(path: Path) -> tuple[tuple[NotifierSpec, ...], tuple[str, ...]]:
    """What runs: the notifiers that are right, and what is wrong in words. An absent file is an empty one."""
    if not path.exists():
        return (), ()
    specs, problems = examine_notifiers(path)
    return specs, tuple(str(problem) for problem in problems)


def examine_notifiers(path: Path) -> tuple[tuple[NotifierSpec, ...], list[Problem]]:
    """Read the file at `path`: what could be understood, and every problem, in the order of lines."""
    file = str(path)
    try:
        text, reason, mend = _read_private(path)
        if reason:
            return (), [Problem(file, None, "", reason, "", mend)]
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return (), [_syntax_problem(file, text, error)]
    except (ValueError, RecursionError, OSError) as error:
        return (), [Problem(file, None, "", unreadable(error, "a TOML file"))]
    problems: list[Problem] = []
    top = Table(document, file, Lines.of(text), "", 0, "", problems)
    specs = _notifiers(top)
    secrets = frozenset(_secrets(document))
    found = [_without_secrets(problem, secrets) for problem in problems]
    return specs, sorted(found, key=lambda problem: problem.line or 0)


def _read_private(path: Path) -> tuple[str, str, str]:
    """The file's text; else why it is refused, and the mend.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    # Not blocking: a named pipe would keep us waiting for ever.
    if path.is_dir():
        raise IsADirectoryError
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(handle, "rb") as opened:  # noqa: PTH123 — what is checked must be what is read
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("not a regular file")
        if status.st_uid != os.geteuid():
            return "", "belongs to somebody else, who could read and change it", f"chown $USER {path}"
        if status.st_mode & _FORBIDDEN:
            mode = stat.S_IMODE(status.st_mode)
            return "", f"it holds secrets, and others may read or write it (mode {mode:04o})", f"chmod 600 {path}"
        raw = opened.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        raise ValueError(f"larger than {MAX_FILE_BYTES >> 20} MiB")
    return raw.decode("utf-8").replace("\r\n", "\n"), "", ""


def _syntax_problem(file: str, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    """The parser's words may hold the text's, which may be a secret."""
    words, line = what_and_where(error, text)
    is_plain = words.replace(" ", "").isalpha()
    return Problem(file, line, "", f"not TOML: {words}" if is_plain else "not TOML")


def _notifiers(top: Table) -> tuple[NotifierSpec, ...]:
    inside = tuple(key for key in top.values if key in ENTRY_KEYS)
    top.refuse_unknown(("notifier",), elsewhere=inside)
    for key in inside:
        top.problem(key, "at the top of the file", "it inside a [[notifier]]")
    tables = top.values.get("notifier")
    if isinstance(tables, dict):
        top.problem("notifier", "[notifier]", "[[notifier]] with two brackets")
        return ()
    if tables is None:
        if not any(did_you_mean(key, ["notifier"]) for key in top.values):
            top.problem(
                "", "no notifiers", "", 'one is written as [[notifier]] with name = "oncall" and url = "slack://…"'
            )
        return ()
    if not isinstance(tables, list) or not all(isinstance(values, dict) for values in tables):
        top.problem("notifier", "not a table", "one or more [[notifier]]")
        return ()
    specs: list[NotifierSpec] = []
    names: set[str] = set()
    for n, values in enumerate(tables):
        table = Table(values, top.file, top.lines, "notifier", n, f"notifier {n + 1}", top.problems)
        before = len(top.problems)
        found = read_entry(table, Path(top.file).parent)
        name = found[0].name if found else ""
        if name in names:
            table.problem("name", f'a second notifier called "{name}"', "another name")
        names.add(name)
        if len(top.problems) == before:
            key = next(key for key in ADDRESS_KEYS if key in values)
            line = top.lines.key("notifier", n, key)
            where = top.file if line is None else f"{top.file}:{line}"
            specs += [replace(spec, where=where) for spec in found]
    return tuple(specs)


def _without_secrets(problem: Problem, secrets: frozenset[str]) -> Problem:
    """The problem without any text of the file that could be a secret in the wrong place."""

    def hides(words: str) -> bool:
        return not any(secret in words for secret in secrets)

    if hides(problem.key) and hides(problem.found) and hides(problem.suggestion):
        return problem
    return replace(
        problem,
        key=problem.key if hides(problem.key) else "notifier",
        found=problem.found if hides(problem.found) else _HIDDEN,
        suggestion=problem.suggestion if hides(problem.suggestion) else "",
    )


def _secrets(value: object, *, is_secret: bool = False) -> Iterator[str]:
    """Beginnings of every text that is a secret by its key, or looks like an address, as problems would quote them."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _secrets(str(key))
            yield from _secrets(inner, is_secret=is_secret or key in SECRET_KEYS)
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets(inner, is_secret=is_secret)
    elif isinstance(value, str) and (is_secret or "://" in value):
        secret = value.partition("://")[2] if "://" in value else value  # what kind of service it is is no secret
        if len(secret) >= _SHORTEST_SECRET:
            yield secret[:_QUOTED]
            yield ascii(secret)[1:-1][:_QUOTED]
