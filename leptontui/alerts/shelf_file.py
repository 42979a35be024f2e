"""The file of the alerts' database: opened or made, private, moved aside where it is damaged; errors in words."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leptontui.alerts.shelf_tables import NewerTables, bring_up_to_date
from leptontui.errors import AlertError

if TYPE_CHECKING:
    from collections.abc import Iterator

BUSY_S: Final = 2.0
"""So long another instance's write is waited for."""

_WORDS: Final = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space; until then alerts are kept in memory"),
    sqlite3.SQLITE_IOERR: ("the disk cannot be read or written", "look at the disk, or its quota"),
    sqlite3.SQLITE_BUSY: ("another leptontui does not let go of it", "it is tried again"),
    sqlite3.SQLITE_LOCKED: ("another leptontui does not let go of it", "it is tried again"),
    sqlite3.SQLITE_READONLY: ("it may not be written", "make the file and its directory writable"),
    sqlite3.SQLITE_CANTOPEN: ("it cannot be opened", "make the file and its directory readable and writable"),
    sqlite3.SQLITE_PERM: ("it may not be opened", "make the file and its directory readable and writable"),
    sqlite3.SQLITE_CORRUPT: ("its content is damaged", "it is moved aside when leptontui is started anew"),
    sqlite3.SQLITE_NOTADB: ("it is no database", "it is moved aside when leptontui is started anew"),
}


@contextmanager
def in_words(path: Path | None) -> Iterator[None]:
    """Tell what fails, with its mend.

    Raises:
        AlertError: anything about the file or its tables.
    """
    what = f"the alerts' database {path}" if path is not None else "the alerts' database"
    try:
        yield
    except NewerTables as error:
        raise AlertError(
            f"{what} is of a later leptontui", "use that one, or set another XDG_STATE_HOME; alerts are kept in memory"
        ) from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None)
        cause, mend = _WORDS.get((code or 0) & 0xFF, (f"it failed: {error}", "alerts are kept in memory"))
        raise AlertError(f"{what}: {cause}", mend) from error
    except OSError as error:
        raise AlertError(
            f"{what}: {error.strerror or error}", "make the file and its directory readable and writable"
        ) from error


def _is_broken(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None) or 0
    return code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def open_database(path: Path | None) -> tuple[sqlite3.Connection, str]:
    """Open the file, or make it; a damaged one is moved aside and a new one made in its place.

    Args:
        path: the file; None for memory.

    Returns:
        the database with this version's tables, and where a damaged file is now ("" if there was none).

    Raises:
        AlertError: it cannot be opened.
    """
    with in_words(path):
        try:
            return _opened(path), ""
        except sqlite3.DatabaseError as error:
            if path is None or not _is_broken(error):
                raise
        with _alone_in(path.parent):
            try:
                return _opened(path), ""  # another instance may have made a new one meanwhile
            except sqlite3.DatabaseError as error:
                if not _is_broken(error):
                    raise
            aside = _move_aside(path)
            return _opened(path), aside


def _opened(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        _make_private(path)
    database = sqlite3.connect(
        ":memory:" if path is None else path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        database.execute("PRAGMA journal_mode = DELETE")
        bring_up_to_date(database)
        _check(database)
    except BaseException:
        database.close()
        raise
    return database


def _check(database: sqlite3.Connection) -> None:
    for (problem,) in database.execute("PRAGMA quick_check(1)"):
        if problem != "ok":
            damaged = sqlite3.DatabaseError(str(problem))
            damaged.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise damaged


def is_damage(error: AlertError) -> bool:
    """Whether an error of this file's says that its content is damaged."""
    return isinstance(error.__cause__, sqlite3.Error) and _is_broken(error.__cause__)


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Keep other instances from moving files there."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # lets go of the lock as well


def _make_private(path: Path) -> None:
    """Make the file, if it is not there, so that it is the user's alone from its first byte on."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    found = path.lstat()
    if found.st_mode & 0o077 and found.st_uid == os.getuid():
        path.chmod(0o600)


def _move_aside(path: Path) -> str:
    """Keep a damaged file for whoever wants to look at it; returns where it is now."""
    aside = path.with_name(f"{path.name}.damaged-{int(time.time())}")
    path.rename(aside)
    for beside in ("-journal", "-wal", "-shm"):
        with suppress(OSError):
            path.with_name(path.name + beside).unlink()
    return str(aside)
