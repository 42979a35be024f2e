"""Fail over: a standby is put to work and seen there, then the host is taken out of service; one plan, one way back.

The standby comes first, so that capacity is never missing; and a standby that is put back, but does not take work,
costs nothing: what was done is taken back, and the host is left as it is. Who has a scheduler is undrained and drained
by it; otherwise a unit is named that is started on the standby and, where the host has no scheduler, stopped on it.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace

from leptontui.actions.failover_half import (
    Half,
    host_by_scheduler,
    host_by_unit,
    standby_by_scheduler,
    standby_by_unit,
)
from leptontui.actions.guard import Objection
from leptontui.actions.reach import Deed, Prepared, Verdict
from leptontui.actions.setting import Setting
from leptontui.errors import ActionError
from leptontui.model.action import Plan, Step
from leptontui.model.activity import Drained
from leptontui.model.target import HostTarget
from leptontui.model.text import plain


@dataclass(frozen=True, slots=True)
class FailOverDeed(Deed):
    """What surrounds the commands of a fail-over.

    Attributes:
        standby: around the standby's commands, which come first.
        host: around the host's.
        first: the number of the host's first command.
    """

    standby: Deed
    host: Deed
    first: int

    @property
    def patience_s(self) -> float:
        """The longer of both."""
        return max(self.standby.patience_s, self.host.patience_s)

    async def check_again(self) -> Objection | None:
        """Nothing has changed on either side."""
        return await self.standby.check_again() or await self.host.check_again()

    async def is_needed(self, number: int) -> bool:
        """The host's commands are run only once the standby is seen to take work."""
        if number < self.first:
            return await self.standby.is_needed(number)
        if number == self.first:
            verdict = await self.standby.verify()
            if not verdict.is_so:
                raise ActionError(f"the standby does not take work, so the host stays in service: {verdict.said}")
        return await self.host.is_needed(number - self.first)

    async def verify(self) -> Verdict:
        """The standby takes work, and the host is out of service."""
        standby, host = await self.standby.verify(), await self.host.verify()
        return Verdict(is_so=standby.is_so and host.is_so, said=f"{standby.said}; {host.said}")

    async def explain(self) -> str:
        """What both have to say."""
        return "\n".join(said for said in (await self.standby.explain(), await self.host.explain()) if said)

    def takes_out(self) -> tuple[Drained, ...]:
        """The host."""
        return self.host.takes_out()

    def gives_back(self) -> tuple[str, ...]:
        """The standby."""
        return self.standby.gives_back()


async def prepare_fail_over(setting: Setting) -> Prepared:
    """Plan the change from a host to its standby.

    Raises:
        GuardRefused: somebody else has the host or the standby out of service for a reason of theirs.
        ActionError: there is no such standby, it would not take work, no reason is given, or nothing can be asked.
        LinkError: a host or controller cannot be reached.
        CommandTimeout: no answer in time.
    """
    request, target, spec = setting.request, setting.target, setting.spec
    standby, unit = _standby_of(setting), request.param("unit")
    for one in (target, standby):
        if one.scheduler is None and not unit:
            raise ActionError(
                f"{plain(one.name, 60)} has no scheduler", "name the unit to start on the standby: unit=…"
            )
    host = await (host_by_unit(setting, unit) if target.scheduler is None else host_by_scheduler(setting, standby))
    first = await (standby_by_unit(setting, standby, unit) if unit else standby_by_scheduler(setting, standby))
    plan = Plan(
        setting.plan_id,
        request,
        spec.title.format(host=target.name, standby=standby.name),
        spec.danger,
        (*first.steps, *host.steps),
        f"{first.verification}, and only then the host's command; {host.verification}",
        running_there=host.running,
        after_this=(*first.after, *_of(target, host.after), spec.undone_by),
        warnings=(*first.warnings, *_of(target, host.warnings)),
        confirmation=target.name,
        standing=(*first.standing, *host.standing),
        undo=replace(request.but(standby=target.name), host=standby.name),
    )
    return Prepared(
        plan,
        target,
        tuple({reach.name: reach for reach in (*first.reaches, *host.reaches)}.values()),
        FailOverDeed(first.deed, host.deed, len(first.steps)),
        setting.clock(),
        take_back=_ways_back(first, host),
        others=(standby.name,),
        ends_jobs=host.ends_jobs,
    )


def _ways_back(first: Half, host: Half) -> dict[int, Step]:
    return {**first.take_back, **{len(first.steps) + number: step for number, step in host.take_back.items()}}


def _standby_of(setting: Setting) -> HostTarget:
    name, fleet = setting.request.param("standby"), setting.fleet
    standby = fleet.host(name)
    if standby is None:
        near = difflib.get_close_matches(name, [host.name for host in fleet.hosts], 1)
        mend = f"did you mean {plain(near[0], 60)}?" if near else "give its name as the fleet has it"
        raise ActionError(f"the standby {plain(name, 60)} is not in the fleet", mend)
    if standby.name == setting.target.name:
        raise ActionError(f"{plain(name, 60)} cannot be its own standby", "name another host")
    return standby


def _of(target: HostTarget, lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{plain(target.name, 60)}: {line}" for line in lines)
