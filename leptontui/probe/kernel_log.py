"""What the kernel says, from wherever it can be read: /dev/kmsg, else the journal, else nowhere, with the reason."""

import time

from . import children
from .clock import offset_s
from .gaps import Unreadable
from .journal import Journal
from .kernel_lines import pci_text
from .kmsg import KernelLog

WHAT = "kernel log"
_KMSG = "/dev/kmsg"
PAUSE_S = 1.0
"""How long a log that never ends is left alone after so much was read that it cost 10 ms."""
LOST_S = 60.0
"""How long it is said that lines were lost."""
_LATE_S = 5.0
"""A line that is told later than this after it was logged is dated by its own stamp."""


class LogWatch:
    """Reads the kernel's log and tells of what matters in it.

    Args:
        config: `kmsg`, where the log is; `journal`, the path of journalctl.
        gaps: where to note why it cannot be read.
        tell: called for each event with (happening, t_unix_s, is_backlog).
        channel: what to wait on; None for a caller that only calls `check`.
    """

    def __init__(self, config, gaps, tell, channel=None):
        self._gaps = gaps
        self._tell = tell
        self._channel = channel
        self._log = None
        self._journal = None
        self._watched = None
        self._kmsg_why = None
        self._paused_until = 0.0
        self._lost_until = None
        path = config.get("kmsg", _KMSG)
        try:
            self._log = KernelLog(path)
        except Unreadable as error:
            self._open_journal(config, path, error.why)
        self._watch(None if self._log is None else self._log.fd)

    def _open_journal(self, config, path, why):
        self._kmsg_why = why
        # Where a test or a user says where the log is, it is nowhere else.
        command = config.get("journal", children.which("journalctl") if path == _KMSG else None)
        if command is None:
            self._gaps.note(WHAT, why)
            return
        self._journal = Journal(command, None if self._channel is None else self._channel.wake)

    @property
    def is_telling(self):
        """Whether the kernel's log is being read: then the driver need not be asked for Xids."""
        return self._log is not None or (self._journal is not None and self._journal.is_proven)

    def check(self, now):
        """Read what has come and see that it goes on coming; to be called once a second or so.

        Args:
            now: monotonic time, in seconds.
        """
        if self._journal is not None:
            self._check_journal(now)
        is_polled = self._log is not None and self._log.fd is not None and self._channel is not None
        if now >= self._paused_until and (not is_polled or self._log.has_more):
            self._read()
        if self._lost_until is not None and now >= self._lost_until and self._log is not None:
            self._lost_until = None
            self._gaps.clear(WHAT)

    def _check_journal(self, now):
        try:
            self._journal.check(now)
        except Unreadable as error:
            self._gaps.note(WHAT, "%s; %s" % (self._kmsg_why, error.why))
        else:
            self._gaps.clear(WHAT)
        self._watch(self._journal.fd)

    def _watch(self, fd):
        if self._channel is None or fd == self._watched:
            return
        if self._watched is not None:
            self._channel.unwatch(self._watched)
        if fd is not None:
            self._channel.watch(fd, self._read)
        self._watched = fd

    def _read(self):
        source = self._log or self._journal
        if source is None:
            return
        try:
            events = source.events()
        except Unreadable as error:
            self._gaps.note(WHAT, error.why)
            self._watch(None)
            self._log.close()
            self._log = None
            return
        self._pace(source)
        if not events:
            return
        start = offset_s()
        for happening, stamp_s, is_backlog in events:
            self._tell(happening, self._when(start, stamp_s, is_backlog), is_backlog)

    def _pace(self, source):
        """See to it that a log that never ends does not take all of a core."""
        now = time.monotonic()
        if source is self._log and source.has_lost:
            source.has_lost = False
            self._lost_until = now + LOST_S
            self._gaps.note(WHAT, "lines came faster than they could be read; some were lost")
        if source is self._log and source.has_more:
            self._paused_until = now + PAUSE_S
            self._watch(None)
        else:
            # A child that has ended takes its pipe with it.
            self._watch(source.fd)

    @staticmethod
    def _when(start, stamp_s, is_backlog):
        """When it happened, by the wall clock; None for just now."""
        if stamp_s is None:
            return None
        mono_s = time.monotonic()
        if not is_backlog and mono_s - stamp_s < _LATE_S:
            return None
        return start + min(stamp_s, mono_s)

    def close(self):
        """Close it, and end what was started for it."""
        self._watch(None)
        if self._log is not None:
            self._log.close()
        if self._journal is not None:
            self._journal.close()


def event_of(happening, t_unix_s, is_backlog, uuid):
    """The wire's `Event` as a dict, but for its version.

    Args:
        happening: what happened.
        t_unix_s: when.
        is_backlog: whether before the probe was started.
        uuid: of the GPU it is about, None if it is not known.
    """
    return {
        "t_unix_s": t_unix_s,
        "name": happening.name,
        "gpu_uuid": uuid,
        "code": happening.code,
        "text": happening.text,
        "is_backlog": is_backlog,
        "pci_bus_id": None if uuid is not None else pci_text(happening.pci),
    }
