"""The kernel's log through systemd's journal, for who may not read /dev/kmsg: `journalctl` that follows, as a child."""

import json
import os
import time
from collections import deque

from . import children
from .gaps import Unreadable
from .kernel_lines import Interpreter, matters
from .kmsg import MOST_BACKLOG, LogEvent
from .parsing import clean, clean_or_none, whole
from .patrol import Patrol

START_LIMIT_S = 5.0
PROVE_S = 5.0
"""A kernel's log has lines since boot: one that shows none for so long is not readable, or not this kernel's."""
RESTART_S = 10.0
MOST_LINES = 20000
"""So far back the journal is read at the start."""
_BACKLOG_PAUSE_S = 1.0
"""journalctl prints what was logged before in one go: after such a pause there is no more of it."""
_LINE_BYTES = 1 << 16
_READ_BYTES = 1 << 16
_MOST_READS = 16
_MESSAGE_NUMBERS = 4096
_COMPLAINT_BYTES = 4096


def parse_entry(line):
    """(message, stamp, cursor) of one line of `journalctl -o json`: str or bytes, seconds since boot, str.

    What is missing or malformed is None.
    """
    try:
        entry = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None, None, None
    if not isinstance(entry, dict):
        return None, None, None
    message = entry.get("MESSAGE")
    if isinstance(message, list):
        # Not UTF-8: as numbers.
        numbers = message[:_MESSAGE_NUMBERS]
        is_bytes = all(isinstance(number, int) and 0 <= number < 256 for number in numbers)  # noqa: PLR2004
        message = bytes(bytearray(numbers)) if is_bytes else None
    elif not isinstance(message, str):
        message = None
    stamp_us = whole(entry.get("__MONOTONIC_TIMESTAMP"))
    cursor = entry.get("__CURSOR")
    return (
        message,
        None if stamp_us is None or stamp_us < 0 else stamp_us / 1e6,
        clean_or_none(cursor) if isinstance(cursor, str) else None,
    )


class Journal:
    """Kernel lines of the journal, since boot and as they come. The child is ended by `close`, restarted if it ends.

    Args:
        command: path of journalctl.
        wake: called, in another thread, when the child has been started; None for nothing.

    Attributes:
        fd: to be polled; None while there is no child.
        is_proven: whether a line of the kernel has been seen.
    """

    def __init__(self, command, wake=None):
        self.fd = None
        self.is_proven = False
        self._command = command
        self._patrol = Patrol(self._start, START_LIMIT_S, wake)
        self._child = None
        self._cursor = None
        self._began_s = time.monotonic()
        self._start_at = self._began_s
        self._prove_by = self._began_s + PROVE_S
        self._why = None
        self._rest = b""
        self._complaints = b""
        self._interpret = Interpreter()
        self._backlog = deque(maxlen=MOST_BACKLOG)
        self._live = []
        self._read_at = self._began_s
        self._is_closed = False

    def _start(self, _):
        argv = [self._command, "--dmesg", "--boot", "--follow", "--quiet", "--output=json"]
        if self._cursor is None:
            argv.append("--lines=%d" % MOST_LINES)
        else:
            argv += ["--no-tail", "--after-cursor=" + self._cursor]
        child = children.start(argv, is_lasting=True)
        if self._is_closed:
            children.end(child)
            return None
        for pipe in (child.stdout, child.stderr):
            os.set_blocking(pipe.fileno(), False)
        return child

    def check(self, now):
        """Start the child where there is none; to be called now and then.

        Args:
            now: monotonic time, in seconds.

        Raises:
            Unreadable: nothing of the kernel can be read so far; says why.
        """
        self._patrol.check(now)
        if self._child is None and self._patrol.is_idle:
            outcome = self._patrol.found.pop(None, None)
            if outcome is not None:
                self._take_child(*outcome, now=now)
            elif now >= self._start_at:
                self._patrol.send((None,))
        if not self.is_proven and now >= self._prove_by:
            raise Unreadable(self._why or "the journal shows no line of the kernel")

    def _take_child(self, child, error, now):
        self._start_at = now + RESTART_S
        if child is None:
            self._why = clean("journalctl: %s" % error)
            return
        self._child = child
        self.fd = child.stdout.fileno()

    def events(self):
        """What was logged since the last call, as `LogEvent`s; the backlog once no more of it comes."""
        for _ in range(_MOST_READS):
            if self._child is None:
                break
            try:
                chunk = os.read(self.fd, _READ_BYTES)
            except BlockingIOError:
                break
            if not chunk:
                self._lose()
                break
            self._read_at = time.monotonic()
            lines = (self._rest + chunk).split(b"\n")
            self._rest = lines.pop()[-_LINE_BYTES:]
            self._take(lines)
        if self._child is not None:
            self._hear_complaints(self._child)
        backlog = []
        if self._live or time.monotonic() - self._read_at >= _BACKLOG_PAUSE_S:
            backlog = list(self._backlog)
            self._backlog.clear()
        live, self._live = self._live, []
        return backlog + live

    def _take(self, lines):
        for line in lines:
            if matters(line):
                message, stamp_s, _ = parse_entry(line)
                happening = None if message is None else self._interpret(message, stamp_s)
                if happening is not None:
                    is_backlog = stamp_s is not None and stamp_s < self._began_s
                    found = self._backlog if is_backlog else self._live
                    found.append(LogEvent(happening, stamp_s, is_backlog))
        if lines:
            message, _, cursor = parse_entry(lines[-1])
            self._cursor = cursor or self._cursor
            self.is_proven = self.is_proven or message is not None

    def _hear_complaints(self, child):
        """Take what it writes to stderr, of which a pipe holds only so much before it would have to wait."""
        for _ in range(_MOST_READS):
            try:
                chunk = os.read(child.stderr.fileno(), _READ_BYTES)
            except OSError:
                return
            if not chunk:
                return
            self._complaints = (self._complaints + chunk)[:_COMPLAINT_BYTES]

    def _lose(self):
        child, self._child, self.fd, self._rest = self._child, None, None, b""
        self._hear_complaints(child)
        complaints, self._complaints = self._complaints, b""
        words = clean(complaints.strip().partition(b"\n")[0], 120)
        children.end(child)
        self._why = "journalctl ended" + (": " + words if words else "")

    def close(self):
        """End the child."""
        self._is_closed = True
        if self._child is not None:
            child, self._child, self.fd = self._child, None, None
            children.end(child)
