"""systemd units that matter: one `systemctl show` for all of them, in a thread, once a minute and whenever one changes.

It takes 15 ms of CPU, too much for every few seconds. That a unit was started, ended or started anew shows in its
control group, which is looked at every two seconds for a few microseconds a unit.
"""

import os
import time

from . import children
from .files import read_or_none
from .gaps import Unreadable
from .parsing import clean, clean_or_none, whole
from .patrol import Patrol

PERIOD_S = 60.0
LOOK_S = 2.0
CHANGING_S = 10.0
"""How often is asked while a unit is between two states, or where control groups cannot be seen."""
LEAST_S = 5.0
"""A unit that is started again and again is not asked for more often."""
LIMIT_S = 5.0
MATTERS = (
    "nvidia-fabricmanager",
    "nvidia-persistenced",
    "nvidia-dcgm",
    "slurmd",
    "slurmctld",
    "kubelet",
    "containerd",
    "docker",
    "crio",
)
"""Watched on every host that has them."""
MOST = 64
NOT_FOUND = "not-found"
BOOTED = "/run/systemd/system"
"""Is there where systemd runs: see sd_booted(3)."""

_PROPERTIES = "LoadState,ActiveState,SubState,MainPID,NRestarts,StateChangeTimestampMonotonic,ControlGroup"
_SETTLED = frozenset(("active", "inactive", "failed", NOT_FOUND, "masked", None))
_GROUPS = ("/fs/cgroup", "/fs/cgroup/systemd", "/fs/cgroup/unified")
"""Where systemd's control groups are: version 2, version 1, and both side by side."""
_SLICE = "/system.slice"
_PID_BYTES = 16
_NOT_THERE = frozenset((b"not-found", b"masked", b"error", b"bad-setting"))
_SUFFIX = ".service"
_SCHEDULERS = (("slurmd", "slurm"), ("kubelet", "kubernetes"))


def blocks_of(content):
    """[{property: value}], in bytes, of what `systemctl show` printed: blocks of lines, an empty one between two."""
    blocks = content.strip(b"\n").split(b"\n\n")
    return [dict(line.partition(b"=")[::2] for line in block.split(b"\n")) for block in blocks]


def parse_groups(content, names):
    """The units' control groups, as systemd names them: {name: path}; where one has none, where it would be."""
    groups = {}
    for name, values in zip(names, blocks_of(content)):  # noqa: B905 — strict= is not in Python 3.6
        group = values.get(b"ControlGroup", b"").decode("utf-8", "replace")
        if not group.startswith("/") or "/.." in group or "\0" in group:
            group = "%s/%s" % (_SLICE, full_name(name))
        groups[name] = group
    return groups


def full_name(name):
    """The unit's name with its suffix."""
    return name if "." in name else name + _SUFFIX


def parse_show(content, names, now, named=()):
    """What `systemctl show` printed for `names`, in that order: the wire's `Unit`s, as dicts.

    Args:
        content: as for `blocks_of`.
        names: as asked for.
        now: monotonic time, in seconds.
        named: those of `names` to be told also if the host does not have them.
    """
    rows = []
    for name, values in zip(names, blocks_of(content)):  # noqa: B905 — strict= is not in Python 3.6
        loaded = values.get(b"LoadState", b"")
        if loaded in _NOT_THERE or not loaded:
            if name in named:
                rows.append({"unit": name, "active": clean_or_none(loaded, 32) or NOT_FOUND})
            continue
        since_us = whole(values.get(b"StateChangeTimestampMonotonic"))
        rows.append(
            {
                "unit": name,
                "active": clean_or_none(values.get(b"ActiveState"), 32),
                "sub": clean_or_none(values.get(b"SubState"), 32),
                # 0 stands for none.
                "main_pid": whole(values.get(b"MainPID")) or None,
                # Not told before systemd 235.
                "restarts": whole(values.get(b"NRestarts")),
                "since_s": max(0.0, round(now - since_us / 1e6, 1)) if since_us else None,
            }
        )
    return rows


def unit_names(wanted):
    """(all units to ask for, those the user named), without suffix ".service", each once and fit for a command line."""
    named = []
    for word in wanted:
        name = clean(str(word))
        if name.endswith(_SUFFIX):
            name = name[: -len(_SUFFIX)]
        if name and not name.startswith("-") and " " not in name and name not in named:
            named.append(name)
    named = named[: MOST - len(MATTERS)]
    return [name for name in MATTERS if name not in named] + named, named


class UnitReader:
    """The units as they were within the last few seconds.

    Args:
        wanted: units that the user named.
        wake: called, in another thread, when there is a new answer; None for nothing.
        command: path of systemctl; looked for if it is None.
        booted: exists where systemd runs.
        sys: where /sys is.
    """

    def __init__(self, wanted=(), wake=None, command=None, booted=BOOTED, sys="/sys"):
        self._names, self._named = unit_names(wanted)
        self._command = children.which("systemctl") if command is None else command
        self._booted = booted
        self._patrol = Patrol(self._ask, LIMIT_S + 1.0, wake)
        roots = [sys + group for group in _GROUPS if os.path.isdir(sys + group + _SLICE)]
        self._root = roots[0] if roots else None
        self._asked_at = None
        self._look_at = 0.0
        self._groups = {}
        self._seen = []

    def _ask(self, _):
        argv = [self._command, "show", "--no-pager", "--property=" + _PROPERTIES, "--"]
        printed = children.output_of(argv + [full_name(name) for name in self._names], LIMIT_S)
        self._groups = parse_groups(printed, self._names)
        self._seen = self._identities()
        return parse_show(printed, self._names, time.monotonic(), self._named)

    @property
    def is_idle(self):
        """Whether systemctl has answered or hangs."""
        return self._patrol.is_idle

    def read(self, now):
        """The wire's `Unit`s, as dicts; empty before the first answer.

        Args:
            now: monotonic time, in seconds.

        Raises:
            Unreadable: there is no systemd, or it does not answer; says why.
        """
        self._patrol.check(now)
        if self._patrol.is_idle and self._is_due(now):
            self._asked_at = now
            if self._command is None or not os.path.isdir(self._booted):
                raise Unreadable("systemd does not run here", retry_s=600.0)
            self._patrol.send((None,))
        if self._patrol.hung:
            raise Unreadable("systemctl does not answer", retry_s=CHANGING_S)
        rows, error = self._patrol.found.get(None, ([], None))
        if error is not None:
            raise Unreadable(str(getattr(error, "why", None) or error), retry_s=CHANGING_S)
        return [_aged(row, now - self._asked_at) for row in rows]

    def _is_due(self, now):
        if self._asked_at is None:
            return True
        elapsed = now - self._asked_at
        rows, error = self._patrol.found.get(None, ([], None))
        is_settled = self._root is not None and all(row.get("active") in _SETTLED for row in rows)
        if error is not None or elapsed >= (PERIOD_S if is_settled else CHANGING_S):
            return True
        if now < self._look_at or elapsed < LEAST_S:
            return False
        self._look_at = now + LOOK_S
        return self._identities() != self._seen

    def _identities(self):
        """Of each unit, what changes when it is started, ends or is started anew; None without a control group."""
        return [self._identity(self._groups[name]) for name in self._names if name in self._groups]

    def _identity(self, group):
        """Of its control group: which it is, its first process, and whether there is any; a failed unit's stays."""
        if self._root is None:
            return None
        path = self._root + group
        try:
            inode = os.stat(path).st_ino
        except OSError:
            return None
        first = (read_or_none(path + "/cgroup.procs", _PID_BYTES) or b"").partition(b"\n")[0]
        return inode, first, read_or_none(path + "/cgroup.events")


def _aged(row, elapsed_s):
    """The unit as it is said so long after it was asked."""
    since_s = row.get("since_s")
    return row if since_s is None else dict(row, since_s=round(since_s + elapsed_s, 1))


def scheduler_of(rows, root=""):
    """What runs jobs there: "slurm", "kubernetes" or None, from the units; without units, from what is installed.

    Args:
        rows: the wire's units, as dicts.
        root: where the root directory is, in tests.
    """
    states = {row["unit"]: row["active"] for row in rows}
    for is_wanted in ("active".__eq__, lambda state: state not in (None, NOT_FOUND, "masked")):
        for unit, scheduler in _SCHEDULERS:
            if unit in states and is_wanted(states[unit]):
                return scheduler
    if not rows:
        for path, scheduler in (("/usr/sbin/slurmd", "slurm"), ("/usr/bin/kubelet", "kubernetes")):
            if os.path.exists(root + path):
                return scheduler
    return None
