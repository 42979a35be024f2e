"""Fail over: a standby is put into service and seen there, then the host is taken out of it; one plan, one way back.

It is made of the undrain of the standby and the drain of the host, as their scheduler prepares them. The standby comes
first, so that capacity is never missing; and a standby that is put back, but does not take work, costs nothing: what
was done is taken back, and the host is left as it is.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, replace
from typing import Final

from leptontui.actions.guard import Objection
from leptontui.actions.names import is_reason_of
from leptontui.actions.parameters import complete
from leptontui.actions.reach import Deed, Prepared, Verdict
from leptontui.actions.schedulers import prepare_drain, prepare_undrain, stand_of
from leptontui.actions.setting import Setting
from leptontui.actions.stand import Stand
from leptontui.errors import ActionError, GuardRefused
from leptontui.model.action import ActionName, ActionRequest
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.activity import Drained
from leptontui.model.target import HostTarget
from leptontui.model.text import plain

_KEPT_IN_RESERVE: Final = re.compile(r"\b(?:stand-?by|spare|reserve)\b", re.IGNORECASE)
"""Words in a reason that say that a host is out of service only until it is needed."""


@dataclass(frozen=True, slots=True)
class InServiceDeed(Deed):
    """A standby that is in service already: it only has to stay so.

    Attributes:
        setting: of the fail-over.
        standby: the host.
    """

    setting: Setting
    standby: HostTarget

    async def check_again(self) -> Objection | None:
        """It still takes work."""
        verdict = await self.verify()
        if verdict.is_so:
            return None
        return Objection("changed-since", f"the standby does not take work any more: {verdict.said}", "plan it again")

    async def verify(self) -> Verdict:
        """It takes work."""
        stand = await stand_of(self.setting.fleet, self.standby, self.setting.reach_of)
        return Verdict(is_so=stand.is_well and not stand.is_out and not stand.is_rebooting, said=stand.said)


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
        LinkError: a controller cannot be reached.
        CommandTimeout: no answer in time.
    """
    request, target, spec = setting.request, setting.target, setting.spec
    standby = _standby_of(setting)
    host_half = await prepare_drain(_setting_for(setting, target, ActionName.DRAIN))
    host_stand = await stand_of(setting.fleet, target, setting.reach_of)
    stand = await stand_of(setting.fleet, standby, setting.reach_of)
    _check(stand, setting.user)
    half = await prepare_undrain(_setting_for(setting, standby, ActionName.UNDRAIN)) if stand.is_out else None
    steps = half.plan.steps if half is not None else ()
    plan = replace(
        host_half.plan,
        plan_id=setting.plan_id,
        request=request,
        title=spec.title.format(host=target.name, standby=standby.name),
        danger=spec.danger,
        steps=(*steps, *host_half.plan.steps),
        verification=f"{standby.name} takes work, then: {host_half.plan.verification}",
        after_this=(*_after(half, stand), *_of(target, host_half.plan.after_this[:-1]), spec.undone_by),
        warnings=(*_warnings(half, stand, host_stand, setting.user), *_of(target, host_half.plan.warnings)),
        confirmation=host_half.plan.confirmation or request.host,
        standing=(*(half.plan.standing if half is not None else ()), *host_half.plan.standing),
    )
    deed = FailOverDeed(half.deed if half is not None else InServiceDeed(setting, standby), host_half.deed, len(steps))
    return Prepared(
        plan,
        target,
        tuple({reach.name: reach for one in (half, host_half) if one is not None for reach in one.reaches}.values()),
        deed,
        setting.clock(),
        take_back={
            **(half.take_back if half is not None else {}),
            **{len(steps) + number: step for number, step in host_half.take_back.items()},
        },
        others=(standby.name,),
        ends_jobs=host_half.ends_jobs,
    )


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


def _setting_for(setting: Setting, target: HostTarget, action: ActionName) -> Setting:
    spec = SHIPPED[action]
    request = ActionRequest(action, target.name, reason=setting.request.reason)
    return replace(setting, request=complete(request, spec), spec=spec, target=target)


def _check(stand: Stand, user: str) -> None:
    """The standby would take work, and whoever has it out of service keeps it in reserve."""
    if not stand.is_well or stand.is_rebooting:
        raise ActionError(f"the standby would not take work: {stand.said}", "mend it first, or name another one")
    if (
        stand.is_out
        and stand.reason
        and not is_reason_of(user, stand.reason)
        and not _KEPT_IN_RESERVE.search(stand.reason)
    ):
        raise GuardRefused(
            "somebody-elses-reason",
            f"the standby {stand.node} is out of service for: {stand.reason} [{stand.by}]",
            "ask whoever did it; or undrain it by itself, if it may be used",
        )


def _after(half: Prepared | None, stand: Stand) -> tuple[str, ...]:
    if half is None:
        return (f"standby: {stand.node} is in service already: {stand.said}",)
    return tuple(f"standby: {line}" for line in half.plan.after_this[:-1])


def _warnings(half: Prepared | None, stand: Stand, host: Stand, user: str) -> tuple[str, ...]:
    warnings = []
    if stand.is_out and not stand.reason:
        warnings.append(f"nobody said why the standby {stand.node} is out of service")
    elif stand.is_out and not is_reason_of(user, stand.reason):
        warnings.append(f"somebody else keeps the standby in reserve: {stand.reason} [{stand.by}]")
    elif half is not None:
        warnings += [f"standby: {line}" for line in half.plan.warnings]
    if stand.partitions and host.partitions and not set(stand.partitions) & set(host.partitions):
        theirs, ours = ", ".join(stand.partitions), ", ".join(host.partitions)
        warnings.append(f"the standby takes other work: it is in {theirs}, and {host.node} in {ours}")
    return tuple(warnings)


def _of(target: HostTarget, lines: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{plain(target.name, 60)}: {line}" for line in lines)
