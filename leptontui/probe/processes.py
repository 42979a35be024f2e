"""Who uses the GPUs: a process's user, command and scheduler job, from /proc/PID."""

import os
import pwd
import re

from .files import read_once, read_or_none
from .parsing import clean, clean_or_none, whole
from .patrol import Patrol

LIMIT_S = 1.0
"""How long reading about one process may take: its command line cannot be read while its memory map is locked."""
MOST = 256
_START = 19
"""Column of the start time in /proc/PID/stat, counted from the one after the command."""
_UID = 2
_COMMAND_LENGTH = 256
_JOB = re.compile(rb"/job_(\d+)(?:/|$)", re.MULTILINE)


def parse_job(cgroup):
    """The Slurm job in the content of /proc/PID/cgroup, None if there is none."""
    match = _JOB.search(cgroup)
    return match.group(1).decode("ascii") if match else None


def parse_start(stat):
    """The start time in the content of /proc/PID/stat, in clock ticks since boot; None if it cannot be told."""
    # The command, in parentheses, may itself contain blanks and parentheses.
    words = stat.rpartition(b")")[2].split()
    return whole(words[_START]) if len(words) > _START else None


def parse_command(cmdline):
    """The content of /proc/PID/cmdline as one line, None if it is empty."""
    return clean_or_none(cmdline.rstrip(b"\0").replace(b"\0", b" "), _COMMAND_LENGTH)


def parse_passwd(content):
    """{uid: name} out of /etc/passwd's content."""
    names = {}
    for line in content.split(b"\n"):
        words = line.split(b":")
        uid = whole(words[_UID]) if len(words) > _UID else None
        if uid is not None:
            names.setdefault(uid, clean(words[0], 64))
    return names


class Describer:
    """Describes processes; what was read is kept as long as the process is the same.

    Args:
        proc: where /proc is.
        etc: where the file of local users is.
    """

    def __init__(self, proc="/proc", etc="/etc"):
        self._proc = proc
        self._passwd = etc + "/passwd"
        self._known = {}
        self._users = {}

    def __call__(self, pid):
        """User, command and job of process `pid`, as a dict; empty once it is gone."""
        try:
            start = parse_start(read_once("%s/%d/stat" % (self._proc, pid)))
        except OSError:
            self._known.pop(pid, None)
            return {}
        known = self._known.get(pid)
        if known is not None and known[0] == start:
            return known[1]
        described = self._describe("%s/%d" % (self._proc, pid))
        if len(self._known) > 4 * MOST:
            self._known.clear()
        self._known[pid] = (start, described)
        return described

    def _describe(self, directory):
        cmdline = read_or_none(directory + "/cmdline")
        command = None if cmdline is None else parse_command(cmdline)
        if command is None:
            comm = read_or_none(directory + "/comm")
            command = None if comm is None else clean_or_none(comm, 64)
        cgroup = read_or_none(directory + "/cgroup")
        try:
            user = self._user(os.stat(directory).st_uid)
        except OSError:
            user = None
        return {"user": user, "command": command, "job": None if cgroup is None else parse_job(cgroup)}

    def _user(self, uid):
        if uid not in self._users:
            self._users.update(parse_passwd(read_or_none(self._passwd, 1 << 20) or b""))
        if uid not in self._users:
            # May ask a directory service over the network: one more reason to be in a thread of its own.
            try:
                self._users[uid] = clean(pwd.getpwuid(uid).pw_name, 64)
            except KeyError:
                self._users[uid] = str(uid)
        return self._users[uid]


class ProcessReader:
    """Joins what NVML says of processes with what /proc says of them.

    Args:
        describe: called with a pid, in a thread.
        wake: called, in another thread, when all are described; None for nothing.
        limit_s: how long one call may take.
    """

    def __init__(self, describe, wake=None, limit_s=LIMIT_S):
        self._patrol = Patrol(describe, limit_s, wake)

    @property
    def is_idle(self):
        """Whether all processes are described or cannot be."""
        return self._patrol.is_idle

    def ask(self, uses):
        """Describe the processes of `uses`, dicts with a pid, if nothing is being asked."""
        self._patrol.check()
        self._patrol.send(sorted({use["pid"] for use in uses}))

    def join(self, limit_s):
        """Wait, at most `limit_s`, until all are described or cannot be."""
        self._patrol.join(limit_s)

    def rows(self, uses):
        """The wire's processes, as dicts: `uses` with user, command and job where they are known."""
        self._patrol.check()
        rows = []
        for use in uses[:MOST]:
            row = dict(use)
            row.update(self._patrol.found.get(use["pid"], (None, None))[0] or {})
            rows.append(row)
        return rows
