"""The tables of the alerts' database, and how alerts and silences are written into them."""

from __future__ import annotations

import sqlite3
from typing import Final, TypeVar

import msgspec

from leptontui.model.alert import Alert, Silence
from leptontui.model.alert_history import Happening, HistoryQuery, Transition

T = TypeVar("T")

VERSION: Final = 1
"""Of the tables; kept in the file as its `user_version`."""

_CREATE: Final = (
    "CREATE TABLE lease (scope TEXT PRIMARY KEY, holder TEXT NOT NULL, who TEXT NOT NULL, until_unix_s REAL NOT NULL)",
    "CREATE TABLE alive (scope TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (scope, id)) WITHOUT ROWID",
    """CREATE TABLE acknowledged (scope TEXT, id TEXT, who TEXT NOT NULL, why TEXT NOT NULL, at_unix_s REAL NOT NULL,
    PRIMARY KEY (scope, id)) WITHOUT ROWID""",
    """CREATE TABLE silences (scope TEXT, id TEXT, until_unix_s REAL NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (scope, id)) WITHOUT ROWID""",
    """CREATE TABLE transitions (n INTEGER PRIMARY KEY, scope TEXT NOT NULL, at_unix_s REAL NOT NULL,
    happening TEXT NOT NULL, id TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, words TEXT NOT NULL,
    body TEXT NOT NULL)""",
    "CREATE INDEX transitions_when ON transitions (scope, at_unix_s)",
    "CREATE TABLE kept (scope TEXT, name TEXT, body TEXT NOT NULL, PRIMARY KEY (scope, name)) WITHOUT ROWID",
)

_MIGRATIONS: Final[dict[int, tuple[str, ...]]] = {0: _CREATE}
"""What makes of the version that is the key the next one."""


class NewerTables(Exception):
    """The file was written by a later version of the program."""


def bring_up_to_date(database: sqlite3.Connection) -> None:
    """Make the tables, or make of an earlier version's tables this one's, in one transaction.

    Raises:
        NewerTables: they are a later version's; nothing was changed.
        sqlite3.Error: the file cannot be read or written.
    """
    if _version_of(database) == VERSION:
        return
    if _version_of(database) > VERSION:
        raise NewerTables
    database.execute("BEGIN IMMEDIATE")
    try:
        found = _version_of(database)  # again: another process may have been first
        for version in range(found, VERSION):
            for statement in _MIGRATIONS[version]:
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _version_of(database: sqlite3.Connection) -> int:
    row = database.execute("PRAGMA user_version").fetchone()
    return int(row[0])


def text_of(value: Alert | Silence) -> str:
    """An alert or a silence as JSON."""
    return msgspec.json.encode(value).decode()


def alert_of(text: str) -> Alert | None:
    """The alert that was written so; None if it cannot be read."""
    return _read(text, Alert)


def silence_of(text: str) -> Silence | None:
    """The silence that was written so; None if it cannot be read."""
    return _read(text, Silence)


def _read(text: str, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeError, ValueError):
        return None


def row_of(scope: str, transition: Transition) -> tuple[object, ...]:
    """A transition as a row of `transitions`, without its number."""
    alert = transition.alert
    words = [alert.rule, alert.summary, transition.who, transition.why, *(f"{name}={it}" for name, it in alert.labels)]
    return (
        scope,
        transition.at_unix_s,
        transition.happening.value,
        alert.id,
        transition.who,
        transition.why,
        "\n".join(words).casefold(),
        text_of(alert),
    )


ROW: Final = "(scope, at_unix_s, happening, id, who, why, words, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
"""What `row_of` is inserted into."""


def transition_of(at_unix_s: float, happening: str, who: str, why: str, body: str) -> Transition | None:
    """The transition of a row; None if it cannot be read."""
    alert = alert_of(body)
    if alert is None or happening not in _HAPPENINGS:
        return None
    return Transition(Happening(happening), at_unix_s, alert, who, why)


_HAPPENINGS: Final = frozenset(happening.value for happening in Happening)


def search(query: HistoryQuery, scope: str | None) -> tuple[str, list[object]]:
    """The statement that answers a query, newest first, and its parameters.

    Args:
        query: what is asked.
        scope: of which fleet; None for all.
    """
    conditions, given = ["1"], list[object]()
    for condition, value in (
        ("scope = ?", scope),
        ("at_unix_s >= ?", query.since_unix_s),
        ("at_unix_s < ?", query.until_unix_s),
    ):
        if value is not None:
            conditions.append(condition)
            given.append(value)
    for word in query.words:
        conditions.append("instr(words, ?) > 0")  # no pattern: what the user types is text
        given.append(word.casefold())
    given.append(max(0, query.limit))
    where = " AND ".join(conditions)
    return f"SELECT at_unix_s, happening, who, why, body FROM transitions WHERE {where} ORDER BY n DESC LIMIT ?", given  # noqa: S608 — fixed text


def is_asked_for(transition: Transition, query: HistoryQuery) -> bool:
    """Whether a transition that is not in the database yet answers a query."""
    since, until = query.since_unix_s, query.until_unix_s
    if (since is not None and transition.at_unix_s < since) or (until is not None and transition.at_unix_s >= until):
        return False
    words = str(row_of("", transition)[6])
    return all(word.casefold() in words for word in query.words)
