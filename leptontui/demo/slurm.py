"""Slurm's view of the simulated fleet: partitions, jobs, drained nodes. What its commands print is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from leptontui.demo.answer import Login
from leptontui.demo.layout import CPU_COUNT, FIRST_EVAL_JOB, TRAIN_JOB, Layout, Role, SimulatedHost

EVAL_ENDS_S: Final = 45.0
"""A small job on a drained node ends this long after the drain, so that DRAINING becomes DRAINED."""
TRAIN_LEAVES_S: Final = 60.0
"""The training job gives a drained node up so long after the drain, at its next checkpoint, and goes on without it."""
REGISTERS_S: Final = 6.0
"""So long after a host is up again its slurmd tells that it was rebooted."""
DEFAULT_PARTITION: Final = "train"
EVAL_CPUS: Final = 8

IsUp = Callable[[SimulatedHost], bool]


@dataclass(frozen=True, slots=True)
class Job:
    """A running job.

    Attributes:
        number: its id.
        name: its name.
        user: whose.
        partition: where.
        hosts: its nodes.
        cpus: CPUs of each node it has.
        gpus: GPUs of each node it has.
        started_unix_s: since when.
    """

    number: int
    name: str
    user: str
    partition: str
    hosts: tuple[SimulatedHost, ...]
    cpus: int
    gpus: int
    started_unix_s: float


@dataclass(frozen=True, slots=True)
class Drain:
    """Why a node takes no new jobs.

    Attributes:
        reason: as given.
        user: who gave it.
        t_unix_s: when.
        begun_unix_s: since when no new job starts there, whatever reason was given then; None for since `t_unix_s`.
    """

    reason: str
    user: str
    t_unix_s: float
    begun_unix_s: float | None = None

    @property
    def since_unix_s(self) -> float:
        """Since when no new job starts there."""
        return self.t_unix_s if self.begun_unix_s is None else self.begun_unix_s


@dataclass(frozen=True, slots=True)
class Reboot:
    """A reboot that Slurm was asked for.

    Attributes:
        asked_unix_s: when.
        has_own_drain: ASAP: the node takes no more jobs because of it.
        resumes: the node is in service again afterwards, whatever it was before.
        issued_unix_s: when the host was told; None while jobs are waited for.
    """

    asked_unix_s: float
    has_own_drain: bool
    resumes: bool
    issued_unix_s: float | None = None


@dataclass(frozen=True, slots=True)
class NodeState:
    """State of a node at one moment.

    Attributes:
        base: "ALLOCATED", "MIXED" or "IDLE".
        is_drained: the DRAIN flag.
        is_responding: its slurmd answers.
        reboot: "REBOOT_REQUESTED", "REBOOT_ISSUED", or "" for none.
    """

    base: str
    is_drained: bool
    is_responding: bool
    reboot: str = ""

    @property
    def flags(self) -> str:
        """As `scontrol show node` writes it, e.g. "ALLOCATED+DRAIN"."""
        marks = (self.base, "DRAIN" * self.is_drained, self.reboot, "NOT_RESPONDING" * (not self.is_responding))
        return "+".join(filter(None, marks))

    @property
    def long(self) -> str:
        """As `sinfo -o %T` writes it, e.g. "draining"."""
        drained = "drained" if self.base == "IDLE" else "draining"
        return (drained if self.is_drained else self.base.lower()) + self._mark

    @property
    def short(self) -> str:
        """As `sinfo -o %t` writes it, e.g. "drng"."""
        return self.bare + self._mark

    @property
    def bare(self) -> str:
        """The same without its mark."""
        short = {"allocated": "alloc", "mixed": "mix", "drained": "drain", "draining": "drng"}
        word = self.long.rstrip("*@^")
        return short.get(word, word)

    @property
    def _mark(self) -> str:
        if self.reboot:
            return "@" if self.reboot == "REBOOT_REQUESTED" else "^"
        return "*" * (not self.is_responding)


def stamp(t_unix_s: float) -> str:
    """A time as Slurm writes it, in UTC."""
    return datetime.fromtimestamp(t_unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def elapsed(seconds: float) -> str:
    """A job's run time as Slurm writes it, `[days-][hours:]minutes:seconds`."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}-{hour:02d}:{minute:02d}:{second:02d}"
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"


class Slurm:
    """Jobs and drained nodes.

    Attributes:
        layout: the nodes.
        started_unix_s: when the simulation began.
    """

    def __init__(self, layout: Layout, start_unix_s: float, *, has_foreign_drain: bool) -> None:
        self.layout = layout
        self.started_unix_s = start_unix_s
        self._drains: dict[str, Drain] = {}
        self._reboots: dict[str, Reboot] = {}
        self._jobs = self._first_jobs(layout, start_unix_s)
        idle = layout.with_role(Role.IDLE)
        if has_foreign_drain and len(idle) > 1:
            ago_s = 31 * 3600.0
            self._drains[idle[-1].name] = Drain("ben: RMA 4711, waiting for parts", "ben", start_unix_s - ago_s)

    @staticmethod
    def _first_jobs(layout: Layout, start_unix_s: float) -> list[Job]:
        started = start_unix_s - (14 * 3600.0 + 120.0)
        train = layout.with_role(Role.TRAIN)
        jobs = [Job(TRAIN_JOB, "pretrain-70b", "anna", "train", train, CPU_COUNT, layout.gpus, started)]
        evals = [host for host in layout.hosts if host.has_eval_job]
        for number, host in enumerate(evals):
            started = start_unix_s - 60.0 * (20 + 7 * number)
            jobs.append(Job(FIRST_EVAL_JOB + number, "eval", "ben", "infer", (host,), EVAL_CPUS, 0, started))
        return jobs

    def jobs(self, t_unix_s: float) -> list[Job]:
        """Jobs that run at `t_unix_s`; forgets those that have ended."""
        self._jobs = [job for job in self._jobs if not self._has_ended(job, t_unix_s)]
        return [self._left_of(job, t_unix_s) for job in self._jobs]

    def _has_ended(self, job: Job, t_unix_s: float) -> bool:
        return job.number != TRAIN_JOB and any(self._out_s(host, t_unix_s) > EVAL_ENDS_S for host in job.hosts)

    def _left_of(self, job: Job, t_unix_s: float) -> Job:
        """The training job without the nodes that it has given up; it takes them again when they are in service."""
        hosts = tuple(host for host in job.hosts if self._out_s(host, t_unix_s) <= TRAIN_LEAVES_S)
        return job if len(hosts) in {0, len(job.hosts)} else replace(job, hosts=hosts)

    def _out_s(self, host: SimulatedHost, t_unix_s: float) -> float:
        """For how long a node has been drained, or asked to reboot."""
        drain, reboot = self._drains.get(host.name), self._reboots.get(host.name)
        since = [drain.since_unix_s] if drain else []
        since += [reboot.asked_unix_s] if reboot else []
        return t_unix_s - min(since) if since else 0.0

    def given_up(self, t_unix_s: float) -> tuple[SimulatedHost, ...]:
        """The nodes that the training job has given up."""
        whole = next((job for job in self._jobs if job.number == TRAIN_JOB), None)
        left = self._left_of(whole, t_unix_s).hosts if whole else ()
        return tuple(host for host in whole.hosts if host not in left) if whole else ()

    def partition_of(self, host: SimulatedHost) -> str:
        """The one partition `host` is in."""
        return next(name for name, hosts in self.layout.groups.items() if host in hosts)

    def jobs_on(self, host: SimulatedHost, t_unix_s: float) -> list[Job]:
        """Jobs that run on `host` at `t_unix_s`."""
        return [job for job in self.jobs(t_unix_s) if host in job.hosts]

    def state(self, host: SimulatedHost, t_unix_s: float, is_up: IsUp) -> NodeState:
        """State of `host` at `t_unix_s`."""
        cpus = sum(job.cpus for job in self.jobs_on(host, t_unix_s))
        base = "ALLOCATED" if cpus >= CPU_COUNT else "MIXED" if cpus else "IDLE"
        reboot = self._reboots.get(host.name)
        word = "" if reboot is None else "REBOOT_REQUESTED" if reboot.issued_unix_s is None else "REBOOT_ISSUED"
        return NodeState(base, host.name in self._drains, is_up(host), word)

    def drain_of(self, host: SimulatedHost) -> Drain | None:
        """Why `host` is drained, None if it is not."""
        return self._drains.get(host.name)

    def drain(self, host: SimulatedHost, *, reason: str, user: str, t_unix_s: float) -> None:
        """Set the DRAIN flag; as in Slurm a second drain replaces the first one's reason, and no job comes back."""
        self.jobs(t_unix_s)
        first = self._drains.get(host.name)
        self._drains[host.name] = Drain(reason, user, t_unix_s, first.since_unix_s if first else None)

    def undrain(self, host: SimulatedHost, t_unix_s: float) -> bool:
        """Clear the DRAIN flag; False if it was not set."""
        self.jobs(t_unix_s)
        return self._drains.pop(host.name, None) is not None

    def ask_reboot(
        self, host: SimulatedHost, *, is_asap: bool, resumes: bool, reason: str, user: str, t_unix_s: float
    ) -> None:
        """Reboot a node when its jobs have ended; until then it takes no more of them if `is_asap`."""
        self.jobs(t_unix_s)
        has_own_drain = is_asap and host.name not in self._drains
        if has_own_drain:
            self._drains[host.name] = Drain(reason or "Reboot ASAP", user, t_unix_s)
        self._reboots[host.name] = Reboot(t_unix_s, has_own_drain, resumes)

    def cancel_reboot(self, host: SimulatedHost) -> bool:
        """Call a reboot off that was not issued yet; False if there is none."""
        reboot = self._reboots.get(host.name)
        if reboot is None or reboot.issued_unix_s is not None:
            return False
        del self._reboots[host.name]
        if reboot.has_own_drain:
            self._drains.pop(host.name, None)
        return True

    def due_reboots(self, t_unix_s: float) -> list[SimulatedHost]:
        """Nodes whose jobs have ended and that are to be told now; each is named once."""
        due = []
        for name, reboot in list(self._reboots.items()):
            host = self.layout.host(name)
            if host is not None and reboot.issued_unix_s is None and not self.jobs_on(host, t_unix_s):
                self._reboots[name] = replace(reboot, issued_unix_s=t_unix_s)
                due.append(host)
        return due

    def register(self, host: SimulatedHost, boot_unix_s: float, t_unix_s: float) -> None:
        """Take note that a node runs since `boot_unix_s`: a reboot that was issued before is over."""
        reboot = self._reboots.get(host.name)
        if reboot is None or reboot.issued_unix_s is None or boot_unix_s < reboot.issued_unix_s:
            return
        if t_unix_s - boot_unix_s >= REGISTERS_S:
            del self._reboots[host.name]
            if reboot.resumes or reboot.has_own_drain:
                self._drains.pop(host.name, None)


@dataclass(frozen=True, slots=True)
class Asked:
    """Slurm at the moment of one command.

    Attributes:
        slurm: jobs and nodes.
        is_up: whether a node's slurmd answers.
        boot_unix_s: when a node was booted.
        login: who asks.
        t_unix_s: when.
    """

    slurm: Slurm
    is_up: IsUp
    boot_unix_s: Callable[[SimulatedHost], float]
    login: Login
    t_unix_s: float
