"""Slurm's view of the simulated fleet: partitions, jobs, drained nodes. What its commands print is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from leptontui.demo.answer import Login
from leptontui.demo.layout import CPU_COUNT, FIRST_EVAL_JOB, TRAIN_JOB, Layout, Role, SimulatedHost

EVAL_ENDS_S: Final = 45.0
"""A small job on a drained node ends this long after the drain, so that DRAINING becomes DRAINED."""
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
    """

    reason: str
    user: str
    t_unix_s: float


@dataclass(frozen=True, slots=True)
class NodeState:
    """State of a node at one moment.

    Attributes:
        base: "ALLOCATED", "MIXED" or "IDLE".
        is_drained: the DRAIN flag.
        is_responding: its slurmd answers.
    """

    base: str
    is_drained: bool
    is_responding: bool

    @property
    def flags(self) -> str:
        """As `scontrol show node` writes it, e.g. "ALLOCATED+DRAIN"."""
        return self.base + "+DRAIN" * self.is_drained + "+NOT_RESPONDING" * (not self.is_responding)

    @property
    def long(self) -> str:
        """As `sinfo -o %T` writes it, e.g. "draining"."""
        drained = "drained" if self.base == "IDLE" else "draining"
        return (drained if self.is_drained else self.base.lower()) + "*" * (not self.is_responding)

    @property
    def short(self) -> str:
        """As `sinfo -o %t` writes it, e.g. "drng"."""
        short = {"allocated": "alloc", "mixed": "mix", "drained": "drain", "draining": "drng"}
        word = self.long.rstrip("*")
        return short.get(word, word) + "*" * (not self.is_responding)


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
        return list(self._jobs)

    def _has_ended(self, job: Job, t_unix_s: float) -> bool:
        drains = [self._drains.get(host.name) for host in job.hosts]
        since = [drain.t_unix_s for drain in drains if drain is not None]
        return job.number != TRAIN_JOB and bool(since) and t_unix_s - min(since) > EVAL_ENDS_S

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
        return NodeState(base, host.name in self._drains, is_up(host))

    def drain_of(self, host: SimulatedHost) -> Drain | None:
        """Why `host` is drained, None if it is not."""
        return self._drains.get(host.name)

    def drain(self, host: SimulatedHost, *, reason: str, user: str, t_unix_s: float) -> None:
        """Set the DRAIN flag; as in Slurm a second drain replaces the first one's reason."""
        self.jobs(t_unix_s)
        self._drains[host.name] = Drain(reason, user, t_unix_s)

    def undrain(self, host: SimulatedHost, t_unix_s: float) -> bool:
        """Clear the DRAIN flag; False if it was not set."""
        self.jobs(t_unix_s)
        return self._drains.pop(host.name, None) is not None


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
