"""The numbers of a policy: how much may be out of service or under way, and which jobs may not be ended."""

from __future__ import annotations

import re
from typing import Final

from leptontui.config.problem import quoted
from leptontui.config.reading import Table
from leptontui.model.policy import Blast, Ceiling, JobShield, Limit

MOST_HOSTS: Final = 1_000_000
MOST_ACTIONS: Final = 100_000
MOST_HOURS: Final = 24 * 365
_SHARE: Final = re.compile(r"(\d{1,3}(?:\.\d{1,3})?) ?%")
_HUNDRED: Final = 100.0
_A_LIMIT: Final = 'a share such as "10%", or a number of hosts'


def read_blast(top: Table) -> Blast:
    """What `[blast]` says; limits that are absent or wrong are None."""
    table = _inner(top, "blast")
    if table is None:
        return Blast()
    table.refuse_unknown(("fleet", "group", "partition", "concurrent", "per_hour", "may_be_overridden"))
    is_loose = table.flag("may_be_overridden")
    return Blast(
        fleet=_limit(table, "fleet"),
        group=_limit(table, "group"),
        partition=_limit(table, "partition"),
        concurrent=_ceiling(table, "concurrent"),
        per_hour=_ceiling(table, "per_hour"),
        may_be_overridden=True if is_loose is None else is_loose,
    )


def read_jobs(top: Table) -> tuple[JobShield, ...]:
    """What `[jobs]` says: one shield for each of its keys, so that each knows its own line."""
    table = _inner(top, "jobs")
    if table is None:
        return ()
    table.refuse_unknown(("names", "users", "longer_than_h", "may_be_overridden"))
    is_loose = table.flag("may_be_overridden") or False
    shields = []
    if names := patterns(table, "names"):
        shields.append(JobShield(names=names, set_in=_place(table, "names"), may_be_overridden=is_loose))
    if users := patterns(table, "users"):
        shields.append(JobShield(users=users, set_in=_place(table, "users"), may_be_overridden=is_loose))
    hours = _hours(table)
    if hours is not None:
        place = _place(table, "longer_than_h")
        shields.append(JobShield(longer_than_s=3600.0 * hours, set_in=place, may_be_overridden=is_loose))
    return tuple(shields)


def patterns(table: Table, key: str) -> tuple[str, ...]:
    """The list of patterns at `key`; () if it is absent. What would fit nothing is a problem."""
    found = table.texts(key, 'a list such as ["gpu-*"]')
    if found is None:
        return ()
    if table.values[key] == []:
        table.problem(key, "empty", "at least one pattern, or no such key")
    for text in found:
        if not text.strip() or text != text.strip() or not text.isprintable():
            table.problem(key, quoted(text), "a pattern without spaces around it", item=text)
    return tuple(found)


def _inner(top: Table, name: str) -> Table | None:
    value = top.values.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        top.problem(name, quoted(value), f"one table [{name}]")
        return None
    return Table(value, top.file, top.lines, name, 0, name, top.problems)


def _place(table: Table, key: str) -> str:
    return table.places(key, [key])[0]


def _limit(table: Table, key: str) -> Limit | None:
    value = table.values.get(key)
    if value is None:
        return None
    if isinstance(value, str) and (share := _SHARE.fullmatch(value)) and 0 < float(share[1]) <= _HUNDRED:
        return Limit(share=float(share[1]) / _HUNDRED, set_in=_place(table, key))
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_HOSTS:
        return Limit(count=value, set_in=_place(table, key))
    table.problem(key, quoted(value), _A_LIMIT)
    return None


def _ceiling(table: Table, key: str) -> Ceiling | None:
    most = table.number(key, 1, MOST_ACTIONS)
    return None if most is None else Ceiling(most, _place(table, key))


def _hours(table: Table) -> float | None:
    value = table.values.get("longer_than_h")
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST_HOURS:
        return float(value)
    table.problem("longer_than_h", quoted(value), f"0 to {MOST_HOURS} hours")
    return None
