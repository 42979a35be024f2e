"""The kernel's log in /dev/kmsg: what it says since boot, and then as it grows."""

import errno
import os
import re
import stat
from collections import deque, namedtuple

from .gaps import Unreadable
from .kernel_lines import Interpreter

LogEvent = namedtuple("LogEvent", "happening stamp_s is_backlog")
"""A `Happening`, when it was logged by the monotonic clock (None if the log does not tell), and whether before us."""

MOST_BACKLOG = 200
"""What happened before the probe was started is told up to so many events, the newest."""
_KMSG_DEVICE = (1, 11)
_RECORD_BYTES = 8192
_MOST_READS = 2000
"""Records taken at a time, 10 ms of CPU: whoever reads a log that never ends has to pause in between."""
_RECORD = re.compile(rb"\d+,\d+,(\d{1,18}),[^;]*;")


def parse_record(line):
    """(message, stamp in seconds) of one line, in bytes; the stamp is None where there is none.

    See the kernel's Documentation/ABI/testing/dev-kmsg; a file or a pipe may also have bare messages.
    """
    match = _RECORD.match(line)
    if match is None:
        return line, None
    return line[match.end() :], int(match.group(1)) / 1e6


class KernelLog:
    """The kernel's log.

    Its clock is not corrected as the monotonic clock is: after a hundred days of uptime, events of the backlog may be
    minutes off.

    Args:
        path: of the log; a pipe or a file in tests.

    Attributes:
        fd: to be polled; None for an ordinary file, which has to be read now and then.
        has_more: whether there may be more than the last call has taken, besides the backlog.
        has_lost: whether lines were overwritten before they could be read; for the caller to reset.

    Raises:
        Unreadable: it cannot be read; says why.
    """

    def __init__(self, path="/dev/kmsg"):
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise Unreadable("%s (%s)" % (error.strerror, path), retry_s=float("inf")) from error
        kind = os.fstat(self._fd)
        is_file = stat.S_ISREG(kind.st_mode)
        is_device = stat.S_ISCHR(kind.st_mode) and _KMSG_DEVICE == (os.major(kind.st_rdev), os.minor(kind.st_rdev))
        if not (is_file or is_device or stat.S_ISFIFO(kind.st_mode)):
            os.close(self._fd)
            raise Unreadable("%s is not the kernel's log" % path, retry_s=float("inf"))
        self.fd = None if is_file else self._fd
        self.has_more = False
        self.has_lost = False
        self._rest = b""
        self._interpret = Interpreter()
        # A pipe keeps nothing from before; of the others, all up to the first time that there is no more is backlog.
        self._backlog = deque(maxlen=MOST_BACKLOG) if is_file or is_device else None

    def events(self):
        """What was logged since the last call, as `LogEvent`s; the backlog in one piece, once it is read.

        Raises:
            Unreadable: it has ended.
        """
        found = []
        self.has_more = False
        for _ in range(_MOST_READS):
            try:
                chunk = os.read(self._fd, _RECORD_BYTES)
            except OSError as error:
                # EPIPE: lines were overwritten before we read them; the next read goes on with the oldest left.
                if error.errno == errno.EPIPE:
                    self.has_lost = self.has_lost or self._backlog is None
                    continue
                if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK):
                    return self._end_of_backlog() + found
                raise Unreadable(error.strerror, retry_s=float("inf")) from error
            if not chunk:
                if self.fd is None:
                    return self._end_of_backlog() + found
                raise Unreadable("the kernel's log has ended", retry_s=float("inf"))
            lines = (self._rest + chunk).split(b"\n")
            self._rest = lines.pop()[-_RECORD_BYTES:]
            for line in lines:
                self._take(line, found)
        self.has_more = self._backlog is None
        return found

    def _take(self, line, found):
        # A line that begins with a blank belongs to the record before it: the device it is about.
        if line[:1] == b" ":
            return
        message, stamp_s = parse_record(line)
        happening = self._interpret(message, stamp_s)
        if happening is None:
            return
        if self._backlog is None:
            found.append(LogEvent(happening, stamp_s, is_backlog=False))
        else:
            self._backlog.append(LogEvent(happening, stamp_s, is_backlog=True))

    def _end_of_backlog(self):
        backlog, self._backlog = self._backlog or (), None
        return list(backlog)

    def close(self):
        """Close it."""
        os.close(self._fd)
