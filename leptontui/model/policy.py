"""What may be done, by whom, when and how much of it: a policy as data, each value with the place where it is set."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import IntEnum
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

ARM_FOR_S: Final = 900.0
"""Arming expires after so long without an action, unless a policy says otherwise."""

EVERY_DAY: Final = frozenset(range(7))

_MINUTES: Final = 60


class Syslog(IntEnum):
    """Whether the audit's lines go to syslog (and so to the journal) too."""

    OFF = 0
    COPY = 1
    """As well as may be."""
    REQUIRED = 2
    """Nothing is run if they cannot be written there."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How many hosts may be out of service.

    Attributes:
        share: of those there are, 0 to 1; None where `count` says it.
        count: hosts.
        set_in: where it is set; "" for what is built in.
    """

    share: float | None = None
    count: int = 0
    set_in: str = ""

    def of(self, total: int) -> int:
        """How many of `total`: one host is always allowed."""
        most = self.count if self.share is None else math.floor(self.share * total + 1e-9)
        return max(most, 1)

    @property
    def words(self) -> str:
        """For people: "10 %" or "3 hosts"."""
        return f"{self.count} hosts" if self.share is None else f"{100 * self.share:g} %"


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How many actions there may be.

    Attributes:
        most: so many.
        set_in: where it is set; "" for what is built in.
    """

    most: int
    set_in: str = ""


@dataclass(frozen=True, slots=True)
class Blast:
    """How much may be out of service or under way at once. None: it is not limited here.

    Attributes:
        fleet, group, partition: hosts out of service, of those in the fleet, the inventory's group and the scheduler's
            partition.
        concurrent: actions under way, of all users of this machine.
        per_hour: actions begun in any hour, likewise.
        may_be_overridden: whether a typed reason sets these aside.
    """

    fleet: Limit | None = None
    group: Limit | None = None
    partition: Limit | None = None
    concurrent: Ceiling | None = None
    per_hour: Ceiling | None = None
    may_be_overridden: bool = True


@dataclass(frozen=True, slots=True)
class JobShield:
    """Which jobs may not be ended by an action. A job is protected if any of these fits.

    Attributes:
        names, users: patterns with `*` and `?`.
        longer_than_s: jobs that run for longer; None for no such limit.
        set_in: where it is set.
        may_be_overridden: whether a typed reason sets it aside.
    """

    names: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    longer_than_s: float | None = None
    set_in: str = ""
    may_be_overridden: bool = False


@dataclass(frozen=True, slots=True)
class Hours:
    """When a clause holds.

    Attributes:
        days: 0 for Monday to 6 for Sunday; a window over midnight belongs to the day on which it begins.
        from_minute, until_minute: of the day; equal for all of it; a window may go over midnight.
        zone: name in the time zone database; "" for this machine's, whatever `TZ` says.
        begins_unix_s, ends_unix_s: from when and until when, None for no end on that side.
    """

    days: frozenset[int] = EVERY_DAY
    from_minute: int = 0
    until_minute: int = 0
    zone: str = ""
    begins_unix_s: float | None = None
    ends_unix_s: float | None = None

    def hold_at(self, t_unix_s: float) -> bool:
        """Whether they hold at a moment.

        Raises:
            ZoneInfoNotFoundError: the zone is not known here (a KeyError).
        """
        if self.begins_unix_s is not None and t_unix_s < self.begins_unix_s:
            return False
        if self.ends_unix_s is not None and t_unix_s >= self.ends_unix_s:
            return False
        zone = ZoneInfo(self.zone) if self.zone else _zone_of_this_machine()
        local = datetime.fromtimestamp(t_unix_s, zone)
        minute, day = _MINUTES * local.hour + local.minute, local.weekday()
        if self.from_minute == self.until_minute:
            return day in self.days
        if self.from_minute < self.until_minute:
            return self.from_minute <= minute < self.until_minute and day in self.days
        if minute >= self.from_minute:
            return day in self.days
        return minute < self.until_minute and (day - 1) % 7 in self.days


def _zone_of_this_machine() -> tzinfo:
    try:
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError):
        return UTC


@dataclass(frozen=True, slots=True)
class Clause:
    """What is allowed or denied. Empty patterns fit everything; all of a clause must fit.

    Attributes:
        set_in: where it is set.
        actions, users, unix_groups, groups, hosts, units: patterns with `*` and `?`; `groups` are the inventory's
            groups and the partitions of a host.
        hours: when it holds.
        why: what people are told, for a denial.
        may_be_overridden: whether a typed reason sets a denial aside.
    """

    set_in: str
    actions: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    unix_groups: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    hours: Hours = field(default_factory=Hours)
    why: str = ""
    may_be_overridden: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What one file says.

    Attributes:
        source: the file; "" for what is built in.
        read_only_in: where it says that nothing may be done; "" if it does not.
        arm_for_s: arming expires after so long without an action; None if it does not say.
        locks: the folder of the locks that all users share; "" if it does not say.
        blast: how much may be out of service or under way.
        shields: which jobs may not be ended.
        allow: if there are any, only what one of them fits may be done.
        deny: what may not be done.
        syslog: whether the audit's lines go there too.
    """

    source: str = ""
    read_only_in: str = ""
    arm_for_s: float | None = None
    locks: str = ""
    blast: Blast = field(default_factory=Blast)
    shields: tuple[JobShield, ...] = ()
    allow: tuple[Clause, ...] = ()
    deny: tuple[Clause, ...] = ()
    syslog: Syslog = Syslog.OFF


BUILT_IN: Final = Blast(
    fleet=Limit(0.10),
    group=Limit(0.25),
    partition=Limit(0.20),
    concurrent=Ceiling(10),
    per_hour=Ceiling(100),
)
"""Where the system's policy is silent. Clusters plan with some 5 % of their nodes out of service: twice that, of the
whole fleet, wants a reason. Groups and partitions may be small: one sick node must not want one there. All of these may
be overridden with a reason."""


@dataclass(frozen=True, slots=True)
class Policies:
    """All policies that hold: each is judged by itself, and all of them must allow what is to be done.

    Attributes:
        each: the system's first, with what is built in where it is silent; then the user's.
        problems: what is wrong with their files; nothing is run while there is any.
    """

    each: tuple[Policy, ...] = (Policy(blast=BUILT_IN),)
    problems: tuple[str, ...] = ()

    @property
    def read_only_in(self) -> str:
        """Where it is set that nothing may be done; "" if it is not."""
        return next((policy.read_only_in for policy in self.each if policy.read_only_in), "")

    @property
    def is_read_only(self) -> bool:
        """Whether nothing may be done at all, by anybody: then there is no way to act."""
        return bool(self.read_only_in)

    @property
    def arm_for_s(self) -> float:
        """Arming expires after so long without an action: the shortest that any says."""
        said = [policy.arm_for_s for policy in self.each if policy.arm_for_s is not None]
        return min(said, default=ARM_FOR_S)

    @property
    def locks(self) -> str:
        """The folder of the shared locks; "" if no policy says."""
        return next((policy.locks for policy in self.each if policy.locks), "")

    @property
    def syslog(self) -> Syslog:
        """The strictest that any says."""
        return max((policy.syslog for policy in self.each), default=Syslog.OFF)

    @property
    def notice(self) -> str:
        """What whoever looks at the screen must know, one line; "" for nothing."""
        if self.problems:
            more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
            return f"no action can be taken, the policy cannot be read: {self.problems[0]}{more}"
        return f"read-only by policy, set in {self.read_only_in}" if self.is_read_only else ""


def built_in() -> Policies:
    """What holds where no file says anything."""
    return Policies()
