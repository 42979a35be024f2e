"""Processes by state, from /proc: how many there are, which have ended unasked for, and which wait for a driver.

A host may have 20,000 processes, and to look at one takes 15 µs: all of them each second would cost a third of a core.
So every ten seconds the list is read and those that matter are looked at (new ones, and those that were blocked, dead
or of the driver's tools); the others in turn, for at most two milliseconds a sweep.
"""

import os
import time

from .files import read_once, read_or_none
from .parsing import whole

PERIOD_S = 10.0
SLICE_S = 0.002
_AT_ONCE = 16
_BLOCKED, _ZOMBIE = b"D", b"Z"
_WELL = b"-"
_KERNEL_THREAD = b"k"
_PF_KTHREAD = 0x200000
_FLAGS = 6
"""Column of the flags in /proc/PID/stat, counted from the state on."""
_DRIVERS = (b"nvidia", b"nv_")
_STAT_BYTES = 512
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
        self._states = {}
        self._drivers = {}
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
            self._due_at = now + PERIOD_S
            self._begin()
        self._look(self._clock() + SLICE_S)
        row = dict(self._limits)
        if self._has_seen_all and not self.gaps:
            states = list(self._states.values())
            row["zombies"] = states.count(_ZOMBIE)
            row["blocked"] = states.count(_BLOCKED)
            row["driver_blocked"] = sum(self._states.get(pid) == _BLOCKED for pid in self._drivers)
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
        for pid in [pid for pid in self._states if pid not in pids]:
            del self._states[pid]
            self._drivers.pop(pid, None)
        new = pids.difference(self._states)
        urgent = [pid for pid, state in self._states.items() if state in (_BLOCKED, _ZOMBIE) or pid in self._drivers]
        known = set(urgent)
        # Those that were looked at longest ago come first: `_note` puts a process at the end.
        rest = [pid for pid in self._states if pid not in known]
        # It is taken from the end.
        self._queue = rest[::-1] + list(new) + urgent

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
            if self._clock() >= until:
                return
        self._has_seen_all = True

    def _note(self, pid):
        before = self._states.pop(pid, None)
        if before == _KERNEL_THREAD:
            # It stays one, and there are thousands; a process that takes its number over was absent in between.
            self._states[pid] = before
            return
        try:
            found = parse_state(read_once("%s/%s/stat" % (self._proc, pid), _STAT_BYTES))
        except OSError:
            # It has ended.
            self._drivers.pop(pid, None)
            return
        if found is None:
            return
        state, name, is_kernel = found
        if name.startswith(_DRIVERS):
            self._drivers[pid] = name
        elif is_kernel:
            state = _KERNEL_THREAD
        self._states[pid] = state if state in (_BLOCKED, _ZOMBIE, _KERNEL_THREAD) else _WELL
