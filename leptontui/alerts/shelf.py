"""The alerts' database: what fires, what was acknowledged and silenced, and what happened, kept in SQLite.

One file for all fleets of a user, each under its scope. Several instances may have it open: acknowledgements and
silences are shared by all of them; what happens is recorded, and people are told, by the one that holds the lease.
Every record is written in a transaction that asks whether the lease still is the writer's.

The journal is a rollback journal, not a write-ahead log: homes of bastions are often on NFS, where a write-ahead log
does not work (sqlite.org/wal.html), and a few small writes a minute gain nothing from it.

Everything here blocks: it is called in one thread, never on a loop.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import platformdirs

from leptontui.alerts.shelf_file import in_words, open_database
from leptontui.alerts.shelf_tables import (
    ROW,
    alert_of,
    row_of,
    search,
    silence_of,
    text_of,
    transition_of,
)
from leptontui.model.alert import Acknowledgement, Alert, Silence
from leptontui.model.alert_history import HistoryQuery, Transition

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT_DAYS: Final = 90
MOST_TRANSITIONS: Final = 50_000
"""About a kilobyte each. The oldest go first, as do those older than `KEPT_DAYS`."""
_MOST_ROWS: Final = 20_000
"""Most rows that a query reads, whatever its limit."""
_DAY_S: Final = 86_400.0


def default_path() -> Path:
    """Where alerts are kept unless told otherwise: `alerts.sqlite` in the user's state directory."""
    return platformdirs.user_state_path("leptontui") / "alerts.sqlite"


@dataclass(frozen=True, slots=True)
class Shared:
    """What all instances on one fleet share.

    Attributes:
        acknowledged: by alert id.
        silences: those that hold, or will.
    """

    acknowledged: Mapping[str, Acknowledgement] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What the lease's holder writes down at once.

    Attributes:
        transitions: what happened, in order.
        alive: what fires now, whole; None to leave it as it is.
        kept: further texts by name.
        ended: ids of alerts that ended: their acknowledgements go.
    """

    transitions: tuple[Transition, ...] = ()
    alive: tuple[Alert, ...] | None = None
    kept: Mapping[str, str] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()


class Shelf:
    """The database as one fleet's instance uses it. For one thread at a time.

    Args:
        path: the file, made with mode 0600; None keeps everything in memory.
        scope: which fleet.

    Attributes:
        moved_aside: where a damaged file was moved that was found in its place; "" if there was none.

    Raises:
        AlertError: it cannot be opened.
    """

    def __init__(self, path: Path | None, scope: str) -> None:
        self._path = path
        self._scope = scope
        self.moved_aside = ""
        self._database, self.moved_aside = open_database(path)

    def close(self) -> None:
        """Close the file."""
        with suppress(sqlite3.Error):
            self._database.close()

    def lease(self, holder: str, who: str, now_unix_s: float, lasts_s: float) -> str:
        """Take, or keep, the lease on the fleet.

        Args:
            holder: unique to this instance.
            who: this instance for people.
            now_unix_s: now.
            lasts_s: how long it holds unless renewed.

        Returns:
            "" if it is this instance's now, else who holds it, for people.

        Raises:
            AlertError: the database cannot be read or written.
        """
        with self._writing() as database:
            asked = "SELECT holder, who, until_unix_s FROM lease WHERE scope = ?"
            row = database.execute(asked, (self._scope,)).fetchone()
            if row is not None and row[0] != holder:
                left_s = row[2] - now_unix_s
                if 0.0 < left_s <= 2.0 * lasts_s:  # more than that: the clock was set back since
                    return str(row[1])
            database.execute(
                "INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?)", (self._scope, holder, who, now_unix_s + lasts_s)
            )
        return ""

    def release(self, holder: str) -> None:
        """Give the lease up, so that another instance takes it at once.

        Raises:
            AlertError: the database cannot be written.
        """
        with self._writing() as database:
            database.execute("DELETE FROM lease WHERE scope = ? AND holder = ?", (self._scope, holder))

    def alive(self) -> tuple[Alert, ...]:
        """What fired when it was last written down.

        Raises:
            AlertError: the database cannot be read.
        """
        with in_words(self._path):
            rows = self._database.execute("SELECT body FROM alive WHERE scope = ? ORDER BY id", (self._scope,))
            return tuple(alert for (body,) in rows if (alert := alert_of(body)) is not None)

    def kept(self, name: str) -> str:
        """A further text; "" if there is none.

        Raises:
            AlertError: the database cannot be read.
        """
        with in_words(self._path):
            row = self._database.execute(
                "SELECT body FROM kept WHERE scope = ? AND name = ?", (self._scope, name)
            ).fetchone()
        return "" if row is None else str(row[0])

    def shared(self, now_unix_s: float) -> Shared:
        """What all instances on this fleet share.

        Raises:
            AlertError: the database cannot be read.
        """
        with in_words(self._path):
            acknowledged = self._database.execute(
                "SELECT id, who, why, at_unix_s FROM acknowledged WHERE scope = ?", (self._scope,)
            ).fetchall()
            silences = self._database.execute(
                "SELECT body FROM silences WHERE scope = ? AND until_unix_s > ? ORDER BY id", (self._scope, now_unix_s)
            ).fetchall()
        return Shared(
            {known: Acknowledgement(who, why, at) for known, who, why, at in acknowledged},
            tuple(silence for (body,) in silences if (silence := silence_of(body)) is not None),
        )

    def record(self, holder: str, changes: Changes) -> bool:
        """Write down what happened, all of it or nothing.

        Returns:
            whether it was written: only the lease's holder may.

        Raises:
            AlertError: the database cannot be written.
        """
        with self._writing() as database:
            row = database.execute("SELECT holder FROM lease WHERE scope = ?", (self._scope,)).fetchone()
            if row is None or row[0] != holder:
                return False
            database.executemany(
                f"INSERT INTO transitions {ROW}",
                (row_of(self._scope, transition) for transition in changes.transitions),
            )
            database.executemany(
                "DELETE FROM acknowledged WHERE scope = ? AND id = ?", ((self._scope, known) for known in changes.ended)
            )
            if changes.alive is not None:
                database.execute("DELETE FROM alive WHERE scope = ?", (self._scope,))
                database.executemany(
                    "INSERT INTO alive VALUES (?, ?, ?)",
                    ((self._scope, alert.id, text_of(alert)) for alert in changes.alive),
                )
            database.executemany(
                "INSERT OR REPLACE INTO kept VALUES (?, ?, ?)",
                ((self._scope, name, body) for name, body in changes.kept.items()),
            )
        return True

    def acknowledge(self, given: Mapping[str, Acknowledgement]) -> None:
        """Share acknowledgements; one that is there stays.

        Raises:
            AlertError: the database cannot be written.
        """
        with self._writing() as database:
            database.executemany(
                "INSERT OR IGNORE INTO acknowledged VALUES (?, ?, ?, ?, ?)",
                ((self._scope, known, by.who, by.why, by.at_unix_s) for known, by in given.items()),
            )

    def unacknowledge(self, alert_ids: Iterable[str]) -> None:
        """Take acknowledgements back.

        Raises:
            AlertError: the database cannot be written.
        """
        with self._writing() as database:
            database.executemany(
                "DELETE FROM acknowledged WHERE scope = ? AND id = ?", ((self._scope, known) for known in alert_ids)
            )

    def silence(self, silence: Silence) -> None:
        """Share a silence.

        Raises:
            AlertError: the database cannot be written.
        """
        with self._writing() as database:
            database.execute(
                "INSERT OR REPLACE INTO silences VALUES (?, ?, ?, ?)",
                (self._scope, silence.id, silence.until_unix_s, text_of(silence)),
            )

    def unsilence(self, silence_id: str) -> None:
        """End a silence.

        Raises:
            AlertError: the database cannot be written.
        """
        with self._writing() as database:
            database.execute("DELETE FROM silences WHERE scope = ? AND id = ?", (self._scope, silence_id))

    def history(self, query: HistoryQuery, *, is_whole: bool = False) -> tuple[Transition, ...]:
        """What happened, newest first.

        Args:
            query: what is asked.
            is_whole: of all fleets.

        Raises:
            AlertError: the database cannot be read.
        """
        statement, given = search(query, None if is_whole else self._scope)
        given[-1] = min(query.limit, _MOST_ROWS)
        with in_words(self._path):
            rows = self._database.execute(statement, given).fetchall()
        return tuple(found for row in rows if (found := transition_of(*row)) is not None)

    def prune(self, now_unix_s: float) -> None:
        """Let go of what is too old or too much.

        Raises:
            AlertError: the database cannot be written.
        """
        with self._writing() as database:
            database.execute("DELETE FROM transitions WHERE at_unix_s < ?", (now_unix_s - KEPT_DAYS * _DAY_S,))
            database.execute(
                "DELETE FROM transitions WHERE n <= (SELECT max(n) FROM transitions) - ?", (MOST_TRANSITIONS,)
            )
            database.execute("DELETE FROM silences WHERE until_unix_s < ?", (now_unix_s - _DAY_S,))

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing."""
        with in_words(self._path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
