"""systemd units that matter: one `systemctl show` for all of them, every ten seconds, in a thread."""

import os
import time

from . import children
from .gaps import Unreadable
from .parsing import clean, clean_or_none, whole
from .patrol import Patrol

PERIOD_S = 10.0
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

_PROPERTIES = "LoadState,ActiveState,SubState,MainPID,NRestarts,StateChangeTimestampMonotonic"
_NOT_THERE = frozenset((b"not-found", b"masked", b"error", b"bad-setting"))
_SUFFIX = ".service"
_SCHEDULERS = (("slurmd", "slurm"), ("kubelet", "kubernetes"))


def parse_show(content, names, now, named=()):
    """What `systemctl show` printed for `names`, in that order: the wire's `Unit`s, as dicts.

    Args:
        content: blocks of NAME=VALUE, in bytes, with an empty line between two.
        names: as asked for.
        now: monotonic time, in seconds.
        named: those of `names` to be told also if the host does not have them.
    """
    rows = []
    blocks = content.strip(b"\n").split(b"\n\n")
    for name, block in zip(names, blocks):  # noqa: B905 — strict= is not in Python 3.6
        values = dict(line.partition(b"=")[::2] for line in block.split(b"\n"))
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
    """The units as they were within the last ten seconds.

    Args:
        wanted: units that the user named.
        wake: called, in another thread, when there is a new answer; None for nothing.
        command: path of systemctl; looked for if it is None.
        booted: exists where systemd runs.
    """

    def __init__(self, wanted=(), wake=None, command=None, booted=BOOTED):
        self._names, self._named = unit_names(wanted)
        self._command = children.which("systemctl") if command is None else command
        self._booted = booted
        self._patrol = Patrol(self._ask, LIMIT_S + 1.0, wake)
        self._due_at = 0.0

    def _ask(self, _):
        argv = [self._command, "show", "--no-pager", "--property=" + _PROPERTIES, "--"]
        argv += [name if "." in name else name + _SUFFIX for name in self._names]
        return parse_show(children.output_of(argv, LIMIT_S), self._names, time.monotonic(), self._named)

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
        if now >= self._due_at and self._patrol.is_idle:
            self._due_at = now + PERIOD_S
            if self._command is None or not os.path.isdir(self._booted):
                raise Unreadable("systemd does not run here", retry_s=600.0)
            self._patrol.send((None,))
        if self._patrol.hung:
            raise Unreadable("systemctl does not answer", retry_s=PERIOD_S)
        rows, error = self._patrol.found.get(None, ([], None))
        if error is not None:
            raise Unreadable(str(getattr(error, "why", None) or error), retry_s=PERIOD_S)
        return rows


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
