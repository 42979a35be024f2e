"""Who uses the GPUs: a process's user, command, scheduler job, pod and container, from /proc/PID."""

import os
import pwd
import time

from .attribution import image_of, parse_cgroup, parse_environ, parse_pod_logs, pod_of, slurm_of
from .files import read_once, read_or_none
from .masking import masked
from .parsing import clean, clean_or_none, whole
from .patrol import Patrol

LIMIT_S = 1.0
"""How long reading about one process may take: its command line cannot be read while its memory map is locked."""
MOST = 256
REFRESH_S = 30.0
"""How long what was read of a process holds: it may become another program, and its pod's name may come late."""
LOOK_S = 5.0
"""How often it is looked whether the same processes are still the same: looking at one costs 40 µs."""
PODS_S = 10.0
"""How often at most the kubelet's directories are listed for a pod that is not known."""
_START = 19
"""Column of the start time in /proc/PID/stat, counted from the one after the command."""
_UID = 2
_COMMAND_LENGTH = 256
_COMMAND_BYTES = 512
_CMDLINE_BYTES = 4096
_CGROUP_BYTES = 1 << 14
_ENVIRON_BYTES = 1 << 17
_HIDDEN = "_hidden"
_NO_ENVIRON = "_environ"
_WHY_HIDDEN = "other users' processes are hidden (/proc is mounted with hidepid)"
_WHY_NO_ENVIRON = "only root may read other users' environments: jobs and pods are known by cgroups alone"


def parse_start(stat):
    """The start time in the content of /proc/PID/stat, in clock ticks since boot; None if it cannot be told."""
    # The command, in parentheses, may itself contain blanks and parentheses.
    words = stat.rpartition(b")")[2].split()
    return whole(words[_START]) if len(words) > _START else None


def parse_command(cmdline):
    """The content of /proc/PID/cmdline as one line without secrets, None if it is empty."""
    words = cmdline.rstrip(b"\0").decode("utf-8", "replace").split("\0")
    return _short(clean_or_none(masked(words), _COMMAND_LENGTH))


def _short(text):
    """`text`, shorter where its characters take many bytes on the wire."""
    while text and len(text.encode("ascii", "backslashreplace")) > _COMMAND_BYTES:
        text = text[: len(text) * 3 // 4]
    return text


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
        pods: where the kubelet keeps its pods' logs.
        clock: monotonic time, in seconds.
    """

    def __init__(self, proc="/proc", etc="/etc", pods="/var/log/pods", clock=time.monotonic):
        self._proc = proc
        self._passwd = etc + "/passwd"
        self._pods_at = pods
        self._clock = clock
        self._known = {}
        self._users = {}
        self._tasks = {}
        self._pods = {}
        self._pods_due = 0.0

    def __call__(self, pid):
        """What is known of process `pid`, as a dict of the wire's fields; empty once it is gone.

        Keys with an underscore say what could not be read; they are for `ProcessReader`.
        """
        now = self._clock()
        try:
            start = parse_start(read_once("%s/%d/stat" % (self._proc, pid)))
        except OSError:
            self._known.pop(pid, None)
            why = _absence(pid)
            # With hidepid=1 it is still seen whose it is.
            return {} if why is None else {"user": self._user("%s/%d" % (self._proc, pid)), _HIDDEN: why}
        known = self._known.get(pid)
        if known is None or known[0] != start or now >= known[1]:
            if len(self._known) > 4 * MOST:
                self._known.clear()
            known = self._known[pid] = (start, now + REFRESH_S, self._describe("%s/%d" % (self._proc, pid), now))
        # What its job is called may have been learned of another process of it.
        described = known[2]
        task = self._tasks.get(described.get("job"))
        return dict(described, job=task) if task is not None else described

    def _describe(self, directory, now):
        cmdline = read_or_none(directory + "/cmdline", _CMDLINE_BYTES)
        command = None if cmdline is None else parse_command(cmdline)
        if command is None:
            comm = read_or_none(directory + "/comm")
            command = None if comm is None else clean_or_none(comm, 64)
        described = {"user": self._user(directory), "command": command}
        said = parse_cgroup(read_or_none(directory + "/cgroup", _CGROUP_BYTES) or b"")
        variables = self._environ(directory)
        is_hidden = variables is None
        variables = variables or {}
        job, step, task = slurm_of(said, variables)
        if task is not None:
            if len(self._tasks) > 4 * MOST:
                self._tasks.clear()
            self._tasks[job] = task
        container = said.get("container") or image_of(variables)
        pod = self._pod(said.get("pod_uid"), variables, now)
        found = (("job", job), ("step", step), ("pod", pod), ("container", container))
        described.update({field: value for field, value in found if value is not None})
        if is_hidden and job is None and (pod is None or "/" not in pod):
            described[_NO_ENVIRON] = _WHY_NO_ENVIRON
        return described

    def _environ(self, directory):
        """The variables that attribute a process, None where its environment may not be read."""
        try:
            return parse_environ(read_once(directory + "/environ", _ENVIRON_BYTES))
        except PermissionError:
            return None
        except OSError:
            # It is ending, or its memory is gone.
            return {}

    def _pod(self, uid, variables, now):
        if uid is None:
            return None
        if uid not in self._pods and now >= self._pods_due:
            self._pods_due = now + PODS_S
            try:
                self._pods = parse_pod_logs(os.listdir(self._pods_at))
            except OSError:
                # No kubelet's, or not for this user.
                self._pods = {}
        return self._pods.get(uid) or pod_of(variables) or uid

    def _user(self, directory):
        try:
            uid = os.stat(directory).st_uid
        except OSError:
            return None
        if uid not in self._users:
            self._users.update(parse_passwd(read_or_none(self._passwd, 1 << 20) or b""))
        if uid not in self._users:
            # May ask a directory service over the network: one more reason to be in a thread of its own.
            try:
                self._users[uid] = clean(pwd.getpwuid(uid).pw_name, 64)
            except KeyError:
                self._users[uid] = str(uid)
        return self._users[uid]


def _absence(pid):
    """Why process `pid`, which has no directory, cannot be told; None if it has ended."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return _WHY_HIDDEN
    except (OSError, OverflowError):
        pass
    return None


class ProcessReader:
    """Joins what the drivers say of processes with what /proc says of them.

    Args:
        describe: called with a pid, in a thread.
        wake: called, in another thread, when all are described; None for nothing.
        limit_s: how long one call may take.
        clock: monotonic time, in seconds.

    Attributes:
        gaps: {what: why} of what could not be read for the last `rows`.
    """

    def __init__(self, describe, wake=None, limit_s=LIMIT_S, clock=time.monotonic):
        self.gaps = {}
        self._patrol = Patrol(describe, limit_s, wake)
        self._limit_s = limit_s
        self._clock = clock
        self._asked = None
        self._due = 0.0

    @property
    def is_idle(self):
        """Whether all processes are described or cannot be."""
        return self._patrol.is_idle

    def ask(self, uses):
        """Describe the processes of `uses`, dicts with a pid, if nothing is being asked."""
        self._patrol.check()
        now, pids = self._clock(), {use["pid"] for use in uses[:MOST]}
        if (pids != self._asked or now >= self._due) and self._patrol.is_idle:
            self._asked, self._due = pids, now + LOOK_S
            self._patrol.send(sorted(pids))

    def join(self, limit_s):
        """Wait, at most `limit_s`, until all are described or cannot be."""
        self._patrol.join(limit_s)

    def rows(self, uses):
        """The wire's processes, as dicts: `uses` with user, command, job, step, pod and container where known."""
        self._patrol.check()
        rows, whys = [], {}
        hung = self._patrol.hung
        for use in uses[:MOST]:
            row = dict(use)
            described, error = self._patrol.found.get(use["pid"], (None, None))
            if use["pid"] in hung:
                whys["gpu processes"] = "reading /proc/%d has not come to an end for %g s" % (use["pid"], self._limit_s)
            elif error is not None:
                whys["gpu processes"] = "%s: %s" % (type(error).__name__, error)
            for field, value in (described or {}).items():
                if field == _HIDDEN:
                    whys["gpu processes"] = value
                elif field == _NO_ENVIRON:
                    whys["environments of gpu processes"] = value
                elif value is not None:
                    row[field] = value
            rows.append(row)
        if len(uses) > MOST:
            whys["gpu processes"] = "more than %d, the rest was left out" % MOST
        self.gaps = whys
        return rows
