"""What the fleet works on, as the job view lists it: plain rows; None is what is not known."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from leptontui.model.health import Severity

_SPECIAL: Final = re.compile(r'[",\s]')
"""What a value of the filter language cannot hold; `?` stands for any one character there."""


class JobKind(StrEnum):
    """What holds the GPUs together."""

    JOB = "job"
    """A job of the scheduler."""
    POD = "pod"
    CONTAINER = "container"
    USER = "user"
    """Processes of a user that belong to none of the above."""


class JobSort(StrEnum):
    """What the jobs are ordered by; each in the direction that puts first what is looked for."""

    WORST = "worst"
    GPUS = "GPUs"
    UTIL = "util"
    LEAST = "least util"
    MEMORY = "memory"
    POWER = "power"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job over all its hosts. Texts are fit for the screen.

    Attributes:
        kind: what it is.
        name: its identity: job number, "namespace/pod", container, user.
        users: whose processes they are.
        gpus: GPUs and MIG instances it uses.
        hosts: hosts they are in, in natural order, at most 8.
        hosts_total: how many hosts.
        hosts_blind: those of them of which nothing fresh is known.
        util_pct: mean utilisation of those that are live; None if it is not known.
        util_min_pct: the least of them.
        memory_used_bytes: device memory its processes hold; the GPUs' where processes do not tell.
        power_w: drawn by the GPUs it uses, those it shares included.
        severity: of the worst of its GPUs.
        finding: what is wrong there, with host and GPU; "" if nothing is.
        filter: the fleet's filter that shows its GPUs.
    """

    kind: JobKind
    name: str
    users: tuple[str, ...]
    gpus: int
    hosts: tuple[str, ...]
    hosts_total: int
    hosts_blind: int
    util_pct: float | None
    util_min_pct: float | None
    memory_used_bytes: float | None
    power_w: float | None
    severity: Severity
    finding: str
    filter: str

    @property
    def key(self) -> tuple[str, str]:
        """What the row is about."""
        return (self.kind.value, self.name)


@dataclass(frozen=True, slots=True)
class JobPage:
    """All there is to list.

    Attributes:
        rows: in the order asked for, at most `jobs.JOB_LIMIT`.
        total: how many there are.
        gpus_used: GPUs and MIG instances that some job uses.
        gpus_total: GPUs and MIG instances that are there.
    """

    rows: tuple[JobRow, ...]
    total: int
    gpus_used: int
    gpus_total: int


def filter_of(kind: JobKind, name: str) -> str:
    """The fleet's filter for the GPUs of a job."""
    value = _SPECIAL.sub("?", name)
    if kind is JobKind.USER:
        return f"user={value} !job:* !pod:* !container:*"
    return f"{kind.value}:{value}"
