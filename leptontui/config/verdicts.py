"""The user's own verdicts: `~/.config/leptontui/verdicts.toml` says what to do about an Xid or another signal.

```toml
[[verdict]]
xid = 79                       # or a list: xid = [119, 120]
action = "inspect"             # none, watch, restart-application, support, drain-reset, reboot, inspect, replace
why = "our vendor wants to see it"

[[verdict]]
signal = "straggler"           # or a list
action = "none"                # makes it no finding at all
severity = "warning"           # else by the action: critical from drain-reset on
```

An entry replaces one voice. The most severe of all voices still wins: what the driver itself asks for counts, unless
`signal = "recovery-action"` is overridden, too. All problems are told at once; an entry with one is left out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, TypeVar

from leptontui.config.problem import Problem, did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.config.text import read_text, unreadable
from leptontui.config.toml_text import tables_called, top_of
from leptontui.model.health import Severity
from leptontui.model.signals import SIGNALS
from leptontui.model.verdict import Override, Overrides, Remedy, severity_of

FILE: Final = "verdicts.toml"
MOST_XID: Final = 9999
_KEYS: Final = ("xid", "signal", "action", "severity", "why")
_ACTIONS: Final = tuple(remedy.key for remedy in Remedy)
_SEVERITIES: Final = {"warning": Severity.WARNING, "critical": Severity.CRITICAL}
_XIDS: Final = "an Xid such as 79, or a list such as [119, 120]"
_LONGEST_WHY: Final = 120
_FORECAST: Final = "forecast"
"""The signal that is none of what is, but of what may come: by itself it asks for nothing to be done."""

T = TypeVar("T", int, str)


def default_verdicts() -> Path | None:
    """`~/.config/leptontui/verdicts.toml`, or below `XDG_CONFIG_HOME`, if it is there."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        base = Path(folder) if Path(folder).is_absolute() else Path("~/.config").expanduser()
        path = base / "leptontui" / FILE
        return path if path.exists() else None
    except (RuntimeError, OSError):  # no home
        return None


def read_verdicts(path: Path) -> tuple[Overrides, list[Problem]]:
    """Read the file at `path`: what could be understood, and every problem, in the order of lines. Never raises."""
    problems: list[Problem] = []
    try:
        top = top_of(read_text(path), str(path), problems)
    except (ValueError, OSError) as error:
        return Overrides(), [Problem(str(path), None, "", unreadable(error, "a TOML file"))]
    if top is None:
        return Overrides(), problems
    top.refuse_unknown(("verdict",))
    xids: dict[int, Override] = {}
    signals: dict[str, Override] = {}
    for table in tables_called(top, "verdict"):
        codes, names, override = _entry(table)
        if override is None:
            continue
        for code in codes:
            _add(table, "xid", code, override, xids)
        for name in names:
            _add(table, "signal", name, override, signals)
    return Overrides(xids, signals), sorted(problems, key=lambda problem: problem.line or 0)


def _entry(table: Table) -> tuple[list[int], list[str], Override | None]:
    """What one entry is about, and what it says; None where something is wrong with it."""
    before = len(table.problems)
    table.refuse_unknown(_KEYS)
    codes, names = _xids(table), _signals(table)
    if not {"xid", "signal"} & set(table.values):
        table.problem("", "about nothing", 'xid = 79, or signal = "straggler"')
    remedy = _action(table)
    severity = _severity(table)
    why = table.text("why") or ""
    if len(why) > _LONGEST_WHY:
        table.problem("why", f"{len(why)} characters", f"at most {_LONGEST_WHY}")
    if remedy is None or len(table.problems) > before:
        return [], [], None
    if _FORECAST in names and (remedy > Remedy.WATCH or severity is Severity.CRITICAL):
        key = "action" if remedy > Remedy.WATCH else "severity"
        table.problem(key, f'"{table.values[key]}" for signal = "{_FORECAST}"', 'at most "watch" and "warning"')
        return [], [], None
    if remedy is Remedy.NONE and severity is not None:
        table.problem("severity", 'with action = "none"', "none of it: it is no finding then")
        return [], [], None
    line = table.lines.key(table.name, table.n, "")
    source = f"{Path(table.file).name}:{line}" if line else Path(table.file).name
    return codes, names, Override(remedy, severity or severity_of(remedy), source, why)


def _xids(table: Table) -> list[int]:
    value = table.values.get("xid")
    if value is None:
        return []
    codes = value if isinstance(value, list) else [value]
    found = []
    for code in codes:
        if isinstance(code, bool) or not isinstance(code, int) or not 0 < code <= MOST_XID:
            table.problem("xid", quoted(code), _XIDS)
        else:
            found.append(code)
    if not codes:
        table.problem("xid", "empty", _XIDS)
    return found


def _signals(table: Table) -> list[str]:
    value = table.values.get("signal")
    if value is None:
        return []
    names = [value] if isinstance(value, str) else table.texts("signal", 'a name such as "straggler"') or []
    for name in names:
        if name not in SIGNALS:
            guess = did_you_mean(name, SIGNALS)
            table.problem("signal", quoted(name), "" if guess else f"one of {', '.join(SIGNALS)}", guess, item=name)
    if not names:
        table.problem("signal", "empty", 'a name such as "straggler"')
    return names


def _action(table: Table) -> Remedy | None:
    expected = f"one of {', '.join(_ACTIONS)}"
    if "action" not in table.values:
        table.problem("action", "missing", expected)
        return None
    text = table.text("action", expected)
    remedy = None if text is None else Remedy.of(text)
    if text is not None and remedy is None:
        table.problem("action", quoted(text), expected, did_you_mean(text.lower(), _ACTIONS))
    return remedy


def _severity(table: Table) -> Severity | None:
    text = table.text("severity", '"warning" or "critical"')
    if text is None or text in _SEVERITIES:
        return _SEVERITIES.get(text or "")
    table.problem("severity", quoted(text), '"warning" or "critical"', did_you_mean(text.lower(), _SEVERITIES))
    return None


def _add(table: Table, key: str, what: T, override: Override, known: dict[T, Override]) -> None:
    if what in known:
        table.problem(key, f"{what} a second time", "one verdict on each", f"the first is at {known[what].source}")
    else:
        known[what] = override
