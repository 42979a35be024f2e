"""The audit file: one JSON line before and one after each action, chained by SHA-256, on disk before anything is run.

The chain shows a line that was changed, dropped or put in between. It has no key: it does not show that the last lines
were cut off, nor stop somebody who writes the whole file anew. Ship the lines elsewhere where that matters.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from leptontui.errors import AuditError

FIRST: Final = "0" * 64
"""What the first line has in the place of its predecessor's hash."""

_LOCK_WITHIN_S: Final = 5.0
_LOCK_POLL_S: Final = 0.02
_TAIL_BYTES: Final = 64 * 1024
_MEND: Final = "nothing is run without an audit: make the file writable or name another one"

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def default_path() -> Path:
    """Where the audit is kept unless told otherwise: `audit.jsonl` in the user's state directory."""
    return platformdirs.user_state_path("leptontui") / "audit.jsonl"


@dataclass(frozen=True, slots=True)
class BadLine:
    """The first line at which an audit file cannot be trusted.

    Attributes:
        number: counted from 1.
        reason: what is wrong with it.
    """

    number: int
    reason: str


class Audit:
    """Appends to one audit file. Safe against other threads and other instances of the program.

    Args:
        path: the file; made with mode 0600, its directory with 0700. None means `default_path()`.
        sudo_user: who became the acting user through sudo; None means what `SUDO_USER` says.
    """

    def __init__(self, path: Path | None = None, *, sudo_user: str | None = None) -> None:
        self.path = path if path is not None else default_path()
        self._sudo_user = os.environ.get("SUDO_USER", "") if sudo_user is None else sudo_user

    async def write(self, event: str, t_unix_s: float, fields: Mapping[str, Json]) -> None:
        """Append one line and wait until it is on disk. Not undone by cancellation: the line is written or not.

        Raises:
            AuditError: it cannot be told that the line is on disk.
        """
        line: dict[str, Json] = {"t_unix_s": round(t_unix_s, 3), "event": event, **fields, "sudo_user": self._sudo_user}
        await asyncio.shield(asyncio.to_thread(self._append, line))

    def _append(self, line: dict[str, Json]) -> None:
        try:
            with self._locked() as handle:
                previous, is_torn = _last_line(handle)
                line["prev"] = hashlib.sha256(previous).hexdigest() if previous is not None else FIRST
                if is_torn:
                    line["after_torn"] = True
                written = json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
                _write_all(handle, b"\n" + written if is_torn else written)
                os.fsync(handle)
        except OSError as error:
            reason = error.strerror or str(error)
            raise AuditError(f"the audit file {self.path} cannot be written: {reason}", _MEND) from error

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_new = not self.path.exists()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(self.path, flags, 0o600)
        try:
            _lock(handle)
            if is_new:
                _sync_directory(self.path.parent)
            yield handle
        finally:
            os.close(handle)  # lets go of the lock as well


def _lock(handle: int) -> None:
    deadline = time.monotonic() + _LOCK_WITHIN_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise OSError("another instance does not let go of it") from None
            time.sleep(_LOCK_POLL_S)
        else:
            return


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_all(handle: int, content: bytes) -> None:
    written = os.write(handle, content)
    if written != len(content):  # a full disk: what is there is a torn line, which the next one will say
        raise OSError("the disk is full")


def _last_line(handle: int) -> tuple[bytes | None, bool]:
    """The last line without its newline (None in an empty file), and whether that newline is missing."""
    end = os.fstat(handle).st_size
    if end == 0:
        return None, False
    tail, start = b"", end
    while start > 0 and b"\n" not in tail[:-1]:
        size = min(_TAIL_BYTES, start)
        start -= size
        tail = os.pread(handle, size, start) + tail
    is_torn = not tail.endswith(b"\n")
    return tail.removesuffix(b"\n").rsplit(b"\n", 1)[-1], is_torn


def verify(path: Path) -> BadLine | None:
    """Read an audit file and check its chain.

    A line torn by a crash is no fault if its successor says so and is chained to what is left of it.

    Returns:
        The first line that cannot be trusted, None if all can.

    Raises:
        OSError: the file cannot be read.
    """
    lines = path.read_bytes().split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    expected, torn = FIRST, None
    for number, raw in enumerate(lines, 1):
        line = _decoded(raw)
        if torn is not None and (line is None or line.get("after_torn") is not True):
            return torn
        torn = None
        if line is None:
            torn = BadLine(number, "is not a JSON object: torn by a crash, or tampered with")
        elif line.get("prev") != expected:
            return BadLine(number, "does not follow from the line before it")
        expected = hashlib.sha256(raw).hexdigest()
    return torn


def _decoded(raw: bytes) -> dict[str, Json] | None:
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
