"""The audit file: one JSON line before and one after each action, chained by SHA-256, on disk before anything is run.

The chain shows a line that was changed, dropped, moved or put in between, and the head beside it that lines were cut
off the end. Neither has a key: they do not stop somebody who writes both anew, see `audit_reading`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import platformdirs

from leptontui.actions.actor import Actor
from leptontui.actions.audit_copy import send_copy
from leptontui.actions.audit_head import Head, read_head, write_head
from leptontui.actions.audit_reading import FIRST, BadLine, Json, verify
from leptontui.actions.lock_files import WITHIN_S, lock_within
from leptontui.actions.to_the_end import to_the_end
from leptontui.actions.whole_file import sync_folder
from leptontui.errors import AuditError
from leptontui.model.policy import Syslog

__all__ = ["FIRST", "Audit", "BadLine", "Json", "default_path", "verify"]

_LOG = logging.getLogger(__name__)

_TAIL_BYTES: Final = 64 * 1024
_MEND: Final = "nothing is run without an audit: make the file writable or name another one"


def default_path() -> Path:
    """Where the audit is kept unless told otherwise: `audit.jsonl` in the user's state directory."""
    return platformdirs.user_state_path("leptontui") / "audit.jsonl"


class Audit:
    """Appends to one audit file. Safe against other threads and other instances of the program.

    Args:
        path: the file; made with mode 0600, its directory with 0700. None means `default_path()`.
        sudo_user: who became the acting user through sudo; None means what `SUDO_USER` says.
        actor: who acts: where from, and through which terminal; None where that is not known.
        copies: whether each line goes to the system's log, too.
        send: sends it there; given by tests.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        sudo_user: str | None = None,
        actor: Actor | None = None,
        copies: Callable[[], Syslog] = lambda: Syslog.OFF,
        send: Callable[[Mapping[str, Json], str], None] = send_copy,
    ) -> None:
        self.path = path if path is not None else default_path()
        self._sudo_user = os.environ.get("SUDO_USER", "") if sudo_user is None else sudo_user
        self._actor, self._copies, self._send = actor, copies, send

    async def write(self, event: str, t_unix_s: float, fields: Mapping[str, Json]) -> None:
        """Append one line and wait until it is on disk. Not undone by cancellation: the line is written or not.

        Raises:
            AuditError: it cannot be told that the line is on disk, or in the system's log where that is required.
        """
        line: dict[str, Json] = {"t_unix_s": round(t_unix_s, 3), "event": event, **fields, "sudo_user": self._sudo_user}
        if (actor := self._actor) is not None:
            line |= {"uid": actor.uid, "login_user": actor.login_user, "tty": actor.tty}
            line |= {"machine": actor.host, "came_from": actor.came_from}
        await to_the_end(self._append, line)

    def _append(self, line: dict[str, Json]) -> None:
        try:
            with self._locked() as handle:
                previous, is_torn = _last_line(handle)
                digest = hashlib.sha256(previous).hexdigest() if previous is not None else FIRST
                line["prev"] = digest
                if is_torn:
                    line["after_torn"] = True
                count = self._count(handle, digest, line, is_torn=is_torn)
                written = json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode()
                hashed = hashlib.sha256(written).hexdigest()
                self._copy(line, hashed)
                end = os.fstat(handle).st_size
                _write_all(handle, (b"\n" if is_torn else b"") + written + b"\n")
                os.fsync(handle)
                try:
                    write_head(self.path, Head(count + 1, hashed))
                except OSError:
                    with suppress(OSError):  # nothing is run: nothing shall look as if it had been begun
                        os.ftruncate(handle, end)
                    raise
        except OSError as error:
            reason = error.strerror or str(error)
            raise AuditError(f"the audit file {self.path} cannot be written: {reason}", _MEND) from error

    def _count(self, handle: int, digest: str, line: dict[str, Json], *, is_torn: bool) -> int:
        """How many lines there are; what the head says that cannot be so is noted in the line."""
        try:
            head = read_head(self.path)
        except ValueError:
            line["after_cut"] = "the head was spoilt"
            return _count_lines(handle)
        if head is not None and head.last == digest and not is_torn:
            return head.lines
        hashes = _hashes(handle)
        if head is None and hashes:
            line["head_made"] = True
        elif head is not None and not (head.lines <= len(hashes) and hashes[head.lines - 1] == head.last):
            line["after_cut"] = f"there were {head.lines} lines, the last with the hash {head.last}"
        return len(hashes)

    def _copy(self, line: Mapping[str, Json], digest: str) -> None:
        wanted = self._copies()
        if wanted is Syslog.OFF:
            return
        try:
            self._send(line, digest)
        except OSError as error:
            reason = error.strerror or str(error)
            if wanted is Syslog.REQUIRED:
                raise AuditError(
                    f"the audit's copy cannot be written to the system's log: {reason}",
                    "the policy requires it, so nothing is run: mend the log",
                ) from error
            _LOG.warning("a line of the audit is not in the system's log: %s", reason)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_new = not self.path.exists()
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(self.path, flags, 0o600)
        try:
            found = os.fstat(handle)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(0, "it is no regular file")
            if stat.S_IMODE(found.st_mode) & 0o077:
                os.fchmod(handle, 0o600)  # somebody let others read it
            lock_within(handle, WITHIN_S)
            if is_new:
                sync_folder(self.path.parent)
            yield handle
        finally:
            os.close(handle)  # lets go of the lock as well


def _hashes(handle: int) -> list[str]:
    """The hash of every line. Only where the head does not say how it stands: the whole file is read."""
    raw = os.pread(handle, os.fstat(handle).st_size, 0)
    lines = raw.split(b"\n")
    return [hashlib.sha256(line).hexdigest() for line in (lines[:-1] if lines[-1] == b"" else lines)]


def _count_lines(handle: int) -> int:
    return len(_hashes(handle))


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
