"""The files that locks are: opened without following, creating over or trusting anything, and locked with flock(2)."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from leptontui.errors import ActionError

FOLDERS: Final = (Path("/run/lock"), Path("/tmp"))  # noqa: S108 — shared on purpose: root's, and sticky
"""The first of these that is root's, and in which nobody can remove another's files, holds the locks."""

MEND: Final = "an administrator makes a folder: install -d -m 1777 FOLDER, and names it as locks in the policy"

_MODE: Final = 0o644
WITHIN_S: Final = 5.0
"""So long another instance is waited for that has a file locked: it holds it for as long as it writes."""

_POLL_S: Final = 0.02


def shared_folder(folders: Sequence[Path] = FOLDERS) -> Path:
    """Where the locks are unless a policy says otherwise.

    Raises:
        ActionError: there is no such place.
    """
    for folder in folders:
        try:
            found = folder.stat()
        except OSError:
            continue
        if found.st_uid == 0 and found.st_mode & stat.S_ISVTX and found.st_mode & stat.S_IWOTH:
            return folder
    named = " nor ".join(str(folder) for folder in folders)
    raise ActionError(f"there is no place for the locks that users share: neither {named} is root's and 1777", MEND)


def is_free(folder: Path, name: str) -> bool:
    """Whether nobody holds the lock of this name. The caller holds the gate.

    Raises:
        OSError: it cannot be told.
    """
    try:
        handle = _open(_path_of(folder, name))
    except FileNotFoundError:
        return True
    try:
        return try_lock(handle)
    finally:
        os.close(handle)


def open_lock(folder: Path, name: str) -> int:
    """The file of the lock of this name, made where it is not there.

    Raises:
        OSError: it cannot be opened or made, or something else is in its place.
    """
    path = _path_of(folder, name)
    try:
        return _open(path)
    except FileNotFoundError:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
        except FileExistsError:
            return _open(path)
        os.fchmod(handle, _MODE)  # whatever the umask: others have to open it
        return handle


def try_lock(handle: int) -> bool:
    """Lock an open file if nobody else has it locked."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_within(handle: int, seconds: float) -> None:
    """Lock an open file, waiting for whoever has it.

    Raises:
        OSError: it was not let go of within that time.
    """
    deadline = time.monotonic() + seconds
    while not try_lock(handle):
        if time.monotonic() >= deadline:
            raise OSError(0, "another instance does not let go of it")
        time.sleep(_POLL_S)


@contextmanager
def gate(folder: Path) -> Iterator[None]:
    """One at a time looks at the locks and takes them: what was counted holds until the lock is taken.

    Raises:
        OSError: the folder cannot be used, or somebody does not let go of the gate.
    """
    found = folder.stat()
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise OSError(0, f"{folder}: anybody may remove files there, its mode has no sticky bit")
    if found.st_uid not in {0, os.geteuid()}:
        raise OSError(0, f"{folder} belongs to another user")
    handle = open_lock(folder, "")
    try:
        lock_within(handle, WITHIN_S)
        yield
    finally:
        os.close(handle)


def _path_of(folder: Path, name: str) -> Path:
    if not name:
        return folder / "leptontui.gate"
    return folder / f"leptontui.{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:24]}.lock"


def _open(path: Path) -> int:
    """Open what exists, for reading only: flock needs no more, and nobody's file is written to."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(0, f"{path.name} is no regular file")
    return handle
