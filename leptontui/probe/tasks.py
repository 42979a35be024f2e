"""Processes by state, from /proc: how many there are, which have ended unasked for, and which wait for a driver.

A host may have 20,000 processes, and to look at one takes 15 µs: all of them each second would cost a third of a core.
So the list is read every ten seconds, less often where it is long, and those that matter are looked at first (those
that were blocked or are of the driver's tools), then new ones and the others in turn, for at most half a millisecond
a sweep; until all have been seen once, for at most five.
"""

import os
import time
from itertools import zip_longest

from .files import read_once, read_or_none
from .parsing import whole

PERIOD_S = 10.0
SLICE_S = 0.0005
FIRST_SLICE_S = 0.005
LISTING_SHARE = 0.0003
"""Of a core, for reading the list."""
MOST_URGENT = 128
_AT_ONCE = 16
_BLOCKED, _ZOMBIE = b"D", b"Z"
_PF_KTHREAD = 0x200000
_FLAGS = 6
"""Column of the flags in /proc/PID/stat, counted from the state on."""
_DRIVERS = (b"nvidia", b"nv_")
_IN_DRIVER = b"[nvidia"
"""In the stack of a process that waits inside one of the driver's modules; only root may read stacks."""
_STAT_BYTES = 512
_STACK_BYTES = 4096
_HIDDEN = "other users' processes are hidden (/proc is mounted with hidepid)"


def parse_state(stat):
    """(state, name, whether it is a kernel thread) in the content of /proc/PID/stat, in bytes; None if malformed."""
    before, parenthesis, rest = stat.rpartition(b")")
    words = rest.split(None, _FLAGS + 1)
    if not parenthesis or len(words) <= _FLAGS:
        return None
    flags = whole(words[_FLAGS])
    return words[0], before.partition(b"(")[2], bool(flags is not None and flags & _PF_KTHREAD)


def parse_totals(loadavg):
    """(running, all) tasks in the content of /proc/loadavg, None where it is malformed."""
    words = loadavg.split()
    running, slash, total = words[3].partition(b"/") if len(words) > 3 else (b"", b"", b"")  # noqa: PLR2004
    return (whole(running), whole(total)) if slash else (None, None)


def parse_files(content):
    """(used, most) file handles in the content of /proc/sys/fs/file-nr, None where it is malformed."""
    words = content.split()
    if len(words) < 3:  # noqa: PLR2004 — used, free, most
        return None, None
    used, free, most = whole(words[0]), whole(words[1]), whole(words[2])
    return (None if used is None or free is None else max(0, used - free)), most


class TaskReader:
    """Processes by state.

    Args:
        proc: where /proc is.
        clock: what a slice of the work is measured by.

    Attributes:
        gaps: {what: why} of what cannot be read.
    """

    def __init__(self, proc="/proc", clock=time.perf_counter):
        self._proc = proc
        self._clock = clock
        self._due_at = 0.0
        # By pid in order of when it was looked at: whether it is the kernel's.
        self._seen = {}
        self._zombies = set()
        self._blocked = set()
        self._drivers = set()
        self._queue = []
        self._has_seen_all = False
        self._limits = {}
        self.gaps = {}

    def read(self, now):
        """The wire's `Tasks` as a dict.

        Args:
            now: monotonic time, in seconds.

        Raises:
            OSError: /proc cannot be read.
        """
        if now >= self._due_at:
            started = self._clock()
            self._begin()
            self._due_at = now + max(PERIOD_S, (self._clock() - started) / LISTING_SHARE)
        self._look(self._clock() + (SLICE_S if self._has_seen_all else FIRST_SLICE_S))
        row = dict(self._limits)
        if self._has_seen_all and not self.gaps:
            row["zombies"] = len(self._zombies)
            row["blocked"] = len(self._blocked)
            row["driver_blocked"] = len(self._blocked & self._drivers)
        return row

    def _begin(self):
        running, total = parse_totals(read_or_none(self._proc + "/loadavg") or b"")
        used, most = parse_files(read_or_none(self._proc + "/sys/fs/file-nr") or b"")
        pids_max = whole(read_or_none(self._proc + "/sys/kernel/pid_max") or b"")
        self._limits = {"total": total, "running": running, "pids_max": pids_max, "fds_used": used, "fds_max": most}
        self.gaps = {"processes": _HIDDEN} if self._is_hidden() else {}
        if self.gaps:
            return
        pids = {name for name in os.listdir(self._proc) if name.isdigit()}
        for pid in [pid for pid in self._seen if pid not in pids]:
            self._forget(pid)
        self._queue_up(pids.difference(self._seen))

    def _queue_up(self, new):
        urgent = list(self._blocked | self._drivers)[:MOST_URGENT]
        rest = []
        if self._has_seen_all:
            known = set(urgent)
            # Those that were looked at longest ago come first. A kernel thread stays one, and there are thousands; a
            # process that takes its number over was absent in between.
            rest = [pid for pid, is_kernel in self._seen.items() if not is_kernel and pid not in known]
        # One of each in turn: neither many new ones nor many old ones may keep the others waiting for ever.
        mixed = [pid for pair in zip_longest(new, rest) for pid in pair if pid is not None]
        # It is taken from the end.
        self._queue = mixed[::-1] + urgent[::-1]

    def _is_hidden(self):
        try:
            read_once(self._proc + "/1/stat", 1)
        except OSError:
            return True
        return False

    def _look(self, until):
        queue = self._queue
        while queue:
            for _ in range(min(_AT_ONCE, len(queue))):
                self._note(queue.pop())
            if queue and self._clock() >= until:
                return
        self._has_seen_all = True

    def _forget(self, pid):
        self._seen.pop(pid, None)
        for pids in (self._zombies, self._blocked, self._drivers):
            pids.discard(pid)

    def _note(self, pid):
        self._forget(pid)
        directory = "%s/%s" % (self._proc, pid)
        try:
            found = parse_state(read_once(directory + "/stat", _STAT_BYTES))
        except OSError:
            # It has ended.
            return
        if found is None:
            return
        state, name, is_kernel = found
        if name.startswith(_DRIVERS) or (state == _BLOCKED and self._is_in_driver(directory)):
            self._drivers.add(pid)
            is_kernel = False
        self._seen[pid] = is_kernel
        if not is_kernel and state == _ZOMBIE:
            self._zombies.add(pid)
        elif not is_kernel and state == _BLOCKED:
            self._blocked.add(pid)

    @staticmethod
    def _is_in_driver(directory):
        return _IN_DRIVER in (read_or_none(directory + "/stack", _STACK_BYTES) or b"")
