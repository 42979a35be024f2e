"""The clauses of a policy: `[[allow]]` and `[[deny]]`, with whom, what, where and when they mean."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from typing import Final
from zoneinfo import ZoneInfo

from leptontui.config.policy_limits import patterns
from leptontui.config.problem import did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.config.toml_text import tables_called
from leptontui.model.action import ActionName
from leptontui.model.policy import EVERY_DAY, Clause, Hours

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_BETWEEN: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")
_A_DAY: Final = 24 * 60
_WHO_AND_WHAT: Final = ("actions", "users", "unix_groups", "groups", "hosts", "units")
_WHEN: Final = ("days", "between", "timezone", "from", "until")
_LONGEST_WHY: Final = 200


def read_clauses(top: Table, name: str) -> tuple[Clause, ...]:
    """The clauses called `name`, in the order of the file."""
    return tuple(_clause(table, is_denial=name == "deny") for table in tables_called(top, name))


def _clause(table: Table, *, is_denial: bool) -> Clause:
    table.refuse_unknown((*_WHO_AND_WHAT, *_WHEN, *(("why", "may_be_overridden") if is_denial else ())))
    why = table.text("why") or ""
    if len(why) > _LONGEST_WHY:
        table.problem("why", f"{len(why)} characters", f"at most {_LONGEST_WHY}")
    line = table.lines.key(table.name, table.n, "")
    return Clause(
        table.file if line is None else f"{table.file}:{line}",
        actions=_actions(table),
        users=patterns(table, "users"),
        unix_groups=patterns(table, "unix_groups"),
        groups=patterns(table, "groups"),
        hosts=patterns(table, "hosts"),
        units=patterns(table, "units"),
        hours=_hours(table),
        why=why,
        may_be_overridden=(table.flag("may_be_overridden") or False) if is_denial else False,
    )


def _actions(table: Table) -> tuple[str, ...]:
    """Patterns of actions; one that fits no action is a mistake that would leave something unforbidden."""
    found = patterns(table, "actions")
    known = [name.value for name in ActionName]
    for pattern in found:
        if not pattern.startswith("custom/") and not any(fnmatchcase(name, pattern) for name in known):
            guess = did_you_mean(pattern, known)
            expected = "" if guess else f"one of {', '.join(known)}, or custom/NAME"
            table.problem("actions", quoted(pattern), expected, guess, item=pattern)
    return found


def _hours(table: Table) -> Hours:
    zone = table.text("timezone", 'a name such as "Europe/Berlin"') or ""
    if zone:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError):
            table.problem("timezone", quoted(zone), 'a name such as "Europe/Berlin" or "UTC"')
            zone = ""
    first, last = _between(table)
    begins, ends = _moment(table, "from"), _moment(table, "until")
    if begins is not None and ends is not None and ends <= begins:
        table.problem("until", "not after from", "a later moment")
    return Hours(_days(table), first, last, zone, begins, ends)


def _between(table: Table) -> tuple[int, int]:
    text = table.text("between", 'hours such as "08:00-18:00"')
    if text is None:
        return 0, 0
    match = _BETWEEN.fullmatch(text.replace(" ", ""))
    first, last = (0, 0) if match is None else (60 * int(match[1]) + int(match[2]), 60 * int(match[3]) + int(match[4]))
    if match is None or first == last or last > _A_DAY:
        table.problem("between", quoted(text), 'hours such as "08:00-18:00" or "22:00-06:00"')
        return 0, 0
    return first, last % _A_DAY if first else last


def _days(table: Table) -> frozenset[int]:
    found = table.texts("days", 'a list such as ["mon-fri", "sun"]')
    if found is None:
        return EVERY_DAY
    days: set[int] = set()
    for text in found:
        first, dash, last = text.strip().lower().partition("-")
        if first not in _DAYS or (dash and last not in _DAYS):
            table.problem("days", quoted(text), f"one of {', '.join(_DAYS)}, or two of them: mon-fri", item=text)
            continue
        begin, end = _DAYS.index(first), _DAYS.index(last) if dash else _DAYS.index(first)
        days |= {(begin + n) % 7 for n in range((end - begin) % 7 + 1)}
    if table.values["days"] == []:
        table.problem("days", "empty", 'at least one day: ["mon-fri"]')
    return frozenset(days)


def _moment(table: Table, key: str) -> float | None:
    """A moment as TOML writes it; without an offset it is UTC's, so that it is the same for everybody."""
    value = table.values.get(key)
    if value is None:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        table.problem(key, quoted(value), "a moment such as 2026-12-20T00:00:00Z, without quotes")
        return None
    return (value if value.tzinfo is not None else value.replace(tzinfo=UTC)).timestamp()
