"""Blast radius and job protection, pure: what would be out of service, which jobs would be ended, how much is going on.

Counted are hosts: a host that is out of service already adds nothing, so one that fell over can always be drained.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final

from leptontui.actions.guard import Objection
from leptontui.model.policy import Blast, Ceiling, JobShield, Limit, Policies
from leptontui.model.text import plain

_SHOWN: Final = 6


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the fleet, and what of it is out of service.

    Attributes:
        kind: "fleet", "group" or "partition".
        name: its name.
        members: all its hosts, by name.
        out: those out of service.
    """

    kind: str
    name: str
    members: frozenset[str]
    out: frozenset[str]


@dataclass(frozen=True, slots=True)
class Job:
    """A job, or a pod, that an action would end.

    Attributes:
        job_id: as its scheduler calls it.
        user: whose; for a pod its namespace.
        name: its name.
        elapsed_s: seconds since it began; None where not known.
    """

    job_id: str
    user: str
    name: str
    elapsed_s: float | None = None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What users of this machine do with the program.

    Attributes:
        under_way: actions that are under way, harmless ones not counted.
        last_hour: actions begun in the last hour, likewise.
        out: hosts that an action under way, or one whose end is not known, takes out of service.
        broken_off: (host, who and what) of actions of the last hour whose end is not known.
    """

    under_way: int = 0
    last_hour: int = 0
    out: frozenset[str] = frozenset()
    broken_off: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Stakes:
    """What an action touches, as the scheduler and this machine say.

    Attributes:
        parts: the parts of the fleet that it belongs to.
        jobs: what runs there; None where that cannot be had.
        room_unknown: why it is not known what is out of service; "" if it is.
        jobs_unknown: why it is not known what runs there; "" if it is.
    """

    parts: tuple[Part, ...] = ()
    jobs: tuple[Job, ...] | None = ()
    room_unknown: str = ""
    jobs_unknown: str = ""
    going: frozenset[str] = field(default_factory=frozenset)
    """The hosts that it takes out of service, by every name that the parts may call them."""


def blast_objections(policies: Policies, stakes: Stakes) -> Iterator[Objection]:
    """Whether too much would be out of service."""
    for policy in policies.each:
        limits = _limits(policy.blast)
        if stakes.room_unknown and any(limits.values()):
            place = next(limit.set_in for limit in limits.values() if limit is not None)
            yield Objection(
                "room-unknown",
                f"what is out of service is not known: {stakes.room_unknown}",
                _mend(policy.blast),
                place,
                may_be_overridden=policy.blast.may_be_overridden,
            )
        for part in stakes.parts:
            limit = limits.get(part.kind)
            if limit is not None:
                yield from _too_much(part, limit, stakes.going, policy.blast)


def _limits(blast: Blast) -> dict[str, Limit | None]:
    return {"fleet": blast.fleet, "group": blast.group, "partition": blast.partition}


def _too_much(part: Part, limit: Limit, going: frozenset[str], blast: Blast) -> Iterator[Objection]:
    new = (going & part.members) - part.out
    after = len(part.out) + len(new)
    most = limit.of(len(part.members))
    if not new or after <= most:
        return
    shown = ", ".join(plain(name, 40) for name in sorted(part.out)[:_SHOWN])
    more = f" and {len(part.out) - _SHOWN} more" if len(part.out) > _SHOWN else ""
    already = f"; out already: {shown}{more}" if part.out else ""
    yield Objection(
        f"blast-{part.kind}",
        f"{after} of {len(part.members)} hosts of {part.kind} {plain(part.name, 60)} would be out of service, "
        f"at most {limit.words} may be ({most}){already}",
        _mend(blast),
        limit.set_in,
        may_be_overridden=blast.may_be_overridden,
    )


def _mend(blast: Blast) -> str:
    return "give a reason to do it all the same" if blast.may_be_overridden else "put others back into service first"


def traffic_objections(policies: Policies, traffic: Traffic, *, more: int = 1, at_once: int = 1) -> Iterator[Objection]:
    """Whether too much is going on, on this machine.

    Args:
        policies: all that hold.
        traffic: without what is to be done.
        more: how many actions are to be begun.
        at_once: how many of them at the same time.
    """
    for policy in policies.each:
        blast = policy.blast
        yield from _too_many("concurrent", blast.concurrent, traffic.under_way, at_once, "under way", blast)
        yield from _too_many("per-hour", blast.per_hour, traffic.last_hour, more, "begun within the hour", blast)


def _too_many(
    rule: str, ceiling: Ceiling | None, so_far: int, more: int, what: str, blast: Blast
) -> Iterator[Objection]:
    if ceiling is None or so_far + more <= ceiling.most:
        return
    yield Objection(
        rule,
        f"{so_far} action{'' if so_far == 1 else 's'} {what} by users of this machine and {more} more, "
        f"at most {ceiling.most} may be",
        "wait, or give a reason to do it all the same" if blast.may_be_overridden else "wait until there are fewer",
        ceiling.set_in,
        may_be_overridden=blast.may_be_overridden,
    )


def broken_off_objections(traffic: Traffic, hosts: Iterable[str]) -> Iterator[Objection]:
    """Whether an action on these hosts was broken off lately, so that nobody knows how it stands."""
    wanted = frozenset(hosts)
    for host, words in traffic.broken_off:
        if host in wanted:
            yield Objection(
                "broken-off",
                f"{words}, and its end is not known",
                "see how it stands first, or give a reason to go on",
                may_be_overridden=True,
            )


def job_objections(policies: Policies, stakes: Stakes, ended: tuple[str, ...] | None) -> Iterator[Objection]:
    """Whether a protected job would be ended.

    Args:
        policies: all that hold.
        stakes: what runs there.
        ended: ids of the jobs that are ended; None for all that run there.
    """
    shields = [shield for policy in policies.each for shield in policy.shields]
    if not shields or ended == ():
        return
    if stakes.jobs is None:
        yield Objection(
            "jobs-unknown",
            f"whether a protected job runs there is not known: {stakes.jobs_unknown}",
            "mend that first",
            shields[0].set_in,
            may_be_overridden=all(shield.may_be_overridden for shield in shields),
        )
        return
    at_stake = [job for job in stakes.jobs if ended is None or job.job_id in ended]
    for shield in shields:
        hit = next((job for job in at_stake if _shields(shield, job)), None)
        if hit is not None:
            yield Objection(
                "protected-job",
                f"it would end job {plain(hit.job_id, 60)} {plain(hit.name, 60)} of {plain(hit.user, 40)}, which is "
                f"protected: {_why(shield, hit)}",
                "wait until it has ended, or ask its owner",
                shield.set_in,
                may_be_overridden=shield.may_be_overridden,
            )


def _shields(shield: JobShield, job: Job) -> bool:
    if any(fnmatchcase(job.name, pattern) for pattern in shield.names):
        return True
    if any(fnmatchcase(job.user, pattern) for pattern in shield.users):
        return True
    if shield.longer_than_s is None:
        return False
    return job.elapsed_s is None or job.elapsed_s > shield.longer_than_s


def _why(shield: JobShield, job: Job) -> str:
    if shield.longer_than_s is not None:
        runs = (
            "for how long it runs is not known"
            if job.elapsed_s is None
            else f"it runs for {job.elapsed_s / 3600:.1f} h"
        )
        return f"{runs}, jobs of more than {shield.longer_than_s / 3600:g} h may not be ended"
    if shield.names:
        return f"its name is one of {', '.join(shield.names)}"
    return f"its user is one of {', '.join(shield.users)}"
