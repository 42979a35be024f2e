"""Shows the audit of actions, and says whether it can be trusted."""

from __future__ import annotations

import json
import shlex
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Final

from leptontui.actions.audit import default_path
from leptontui.actions.audit_reading import Entry, Json, entries, examine
from leptontui.alerts.rules.durations import EXPECTED, parse_duration
from leptontui.errors import AuditError
from leptontui.model.counted import counted
from leptontui.model.text import plain

SCHEMA: Final = 1
"""Version of the JSON document of `verify`."""

WELL, UNTOLD, BAD = 0, 1, 2
"""Exit codes of `verify`."""

_WORDS: Final = 300
_LAST_UNIX_S: Final = 1e11
"""Some 3,000 years: what is later is no time."""


def show_audit(file: Path | None, words: tuple[str, ...], *, since: str, limit: int, as_json: bool) -> int:
    """Print what was done, oldest first.

    Args:
        file: the audit; None for the user's own.
        words: all must be in a line.
        since: from how long ago on, e.g. "30d".
        limit: at most so many, the newest.
        as_json: each line as it stands in the audit.

    Returns:
        0.

    Raises:
        AuditError: it cannot be read, or `since` is no span.
    """
    path = file if file is not None else default_path()
    seconds = parse_duration(since)
    if not seconds:
        raise AuditError(f"--since {plain(since, 40)}: expected {EXPECTED}, e.g. 30d")
    begin = time.time() - seconds
    found = [line for line in _entries(path) if _t(line) >= begin and _has(line, words)][-limit:]
    for line in found:
        print(json.dumps(line, ensure_ascii=True) if as_json else _line(line))
    if not found:
        print(f"leptontui: no such action stands in {path}", file=sys.stderr)
    return WELL


def verify_audit(file: Path | None, *, as_json: bool) -> int:
    """Check the chain and the head of an audit.

    Args:
        file: the audit; None for the user's own.
        as_json: one JSON document instead of lines.

    Returns:
        0 where all lines can be trusted, 1 where something could not be told, 2 where one cannot be.

    Raises:
        AuditError: it cannot be read.
    """
    path = file if file is not None else default_path()
    try:
        found = examine(path)
    except FileNotFoundError as error:
        raise AuditError(f"there is no audit at {path}", "no action has been taken by this user yet") from error
    except OSError as error:
        raise AuditError(f"the audit {path} cannot be read: {error.strerror or error}") from error
    code = BAD if found.bad is not None else UNTOLD if found.notes else WELL
    if as_json:
        bad = None if found.bad is None else {"line": found.bad.number, "reason": found.bad.reason}
        document = {"schema": SCHEMA, "file": str(path), "lines": found.lines, "last_sha256": found.last}
        print(json.dumps({**document, "bad": bad, "notes": list(found.notes)}))
        return code
    if found.bad is not None:
        print(f"{path}:{found.bad.number}: {plain(found.bad.reason, _WORDS)}")
    else:
        print(
            f"{path}: {counted(found.lines, 'line')}, none was edited, moved, taken out or cut off; "
            f"the last is {found.last}"
        )
    for note in found.notes:
        print(f"{path}: {note}")
    return code


def _entries(path: Path) -> tuple[Entry, ...]:
    try:
        return entries(path)
    except OSError as error:
        raise AuditError(f"the audit {path} cannot be read: {error.strerror or error}") from error


def _t(line: Entry) -> float:
    t = line.get("t_unix_s")
    if isinstance(t, bool) or not isinstance(t, int | float) or not 0 <= t < _LAST_UNIX_S:
        return 0.0
    return float(t)


def _has(line: Entry, words: tuple[str, ...]) -> bool:
    text = json.dumps(line, ensure_ascii=False).casefold()
    return all(word.casefold() in text for word in words)


def _line(line: Entry) -> str:
    """One line for people: when, who, what, where, and what came of it."""
    when = datetime.fromtimestamp(_t(line)).astimezone().isoformat(sep=" ", timespec="seconds")
    who = _said(line, "user") or "?"
    if (sudo_user := _said(line, "sudo_user")) and sudo_user != who:
        who = f"{who} (sudo: {sudo_user})"
    if actor := _said(line, "actor"):
        who = f"{who} ({actor})"
    what = " ".join(word for key in ("action", "unit", "host") if (word := _said(line, key)))
    parts = [when, who, _said(line, "event"), what or _said(line, "title")]
    parts += [word for key in ("outcome", "rule", "set_in", "part_of", "summary", "said") if (word := _said(line, key))]
    if reason := _said(line, "override"):
        parts.append(f"rules set aside: {reason}")
    if _said(line, "event") == "begun":
        parts += [_command(step) for step in _steps(line)]
    return "  ".join(parts)


def _steps(line: Entry) -> list[Json]:
    steps = line.get("steps")
    return steps if isinstance(steps, list) else []


def _command(step: Json) -> str:
    argv = step.get("argv") if isinstance(step, dict) else None
    host = step.get("host") if isinstance(step, dict) else ""
    words = [word for word in argv if isinstance(word, str)] if isinstance(argv, list) else []
    return plain(f"{host}$ {shlex.join(words)}", _WORDS)


def _said(line: Entry, key: str) -> str:
    value = line.get(key)
    return plain(value, _WORDS) if isinstance(value, str) else ""
