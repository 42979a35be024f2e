"""One side of a fail-over: a standby put to work, or a host taken out of service, by its scheduler or by a unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from leptontui.actions import privilege
from leptontui.actions.guard import Objection
from leptontui.actions.names import SYSTEMD, checked_unit, is_reason_of
from leptontui.actions.parameters import complete
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict
from leptontui.actions.restart import RestartDeed
from leptontui.actions.schedulers import prepare_drain, prepare_undrain, stand_of
from leptontui.actions.service_health import service_of
from leptontui.actions.setting import Setting
from leptontui.actions.staying_up import Watch
from leptontui.actions.systemd import UnitState
from leptontui.actions.unit_questions import Unit
from leptontui.errors import ActionError, GuardRefused
from leptontui.model.action import ActionName, ActionRequest, Standing, Step
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.target import HostTarget
from leptontui.model.text import plain

_KEPT_IN_RESERVE: Final = re.compile(r"\b(?:stand-?by|spare|reserve)\b", re.IGNORECASE)
"""Words in a reason that say that a host is out of service only until it is needed."""

_START_WITHIN_S: Final = 190.0
"""systemd-system.conf(5): DefaultTimeoutStartSec and DefaultTimeoutStopSec are 90 s each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """One side of a fail-over.

    Attributes:
        deed: what surrounds its commands.
        verification: what is asked afterwards, and what the answer must say.
        steps, take_back, reaches: as in `Prepared`.
        running: what it affects, one line each.
        after: what comes of it, one line each.
        warnings: what the reader must not overlook.
        standing: rules that stand in its way.
        ends_jobs: as in `Prepared`.
    """

    deed: Deed
    verification: str
    steps: tuple[Step, ...] = ()
    take_back: Mapping[int, Step] = field(default_factory=dict)
    reaches: tuple[Reach, ...] = ()
    running: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    standing: tuple[Standing, ...] = ()
    ends_jobs: tuple[str, ...] | None = ()

    @classmethod
    def of(cls, prepared: Prepared) -> Half:
        """A plan as one side; how it is undone by itself is left out."""
        plan = prepared.plan
        return cls(
            deed=prepared.deed,
            verification=plan.verification,
            steps=plan.steps,
            take_back=prepared.take_back,
            reaches=prepared.reaches,
            running=plan.running_there,
            after=plan.after_this[:-1],
            warnings=plan.warnings,
            standing=plan.standing,
            ends_jobs=prepared.ends_jobs,
        )


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
        return _still_works(await self.verify())

    async def verify(self) -> Verdict:
        """It takes work."""
        stand = await stand_of(self.setting.fleet, self.standby, self.setting.reach_of)
        return Verdict(is_so=stand.is_well and not stand.is_out and not stand.is_rebooting, said=stand.said)


@dataclass(frozen=True, slots=True)
class UnitDeed(Deed):
    """A unit that is to be up, or not to be up; nothing is said of how it came to that.

    Attributes:
        unit: the unit.
        planned: what it was when the plan was made.
        has_to_run: whether it has to be up.
    """

    unit: Unit
    planned: UnitState
    has_to_run: bool

    async def check_again(self) -> Objection | None:
        """It is as it was shown."""
        now = await self.unit.ask()
        if now.is_up == self.planned.is_up and not now.was_restarted_by_hand_since(self.planned):
            return None
        return Objection("changed-since", f"{now.unit} on {self.unit.reach.name} is {now.words}", "plan it again")

    async def verify(self) -> Verdict:
        """It is up, or it is not."""
        now = await self.unit.ask()
        is_so = now.is_up if self.has_to_run else now.active in {"inactive", "failed"}
        return Verdict(is_so=is_so, said=f"{now.unit} on {self.unit.reach.name} is {now.words}")


async def standby_by_scheduler(setting: Setting, standby: HostTarget) -> Half:
    """A standby that its scheduler gives work to.

    Raises:
        GuardRefused: somebody else has it out of service for a reason of theirs.
        ActionError: it would not take work, or its scheduler cannot be asked.
        LinkError: the controller cannot be reached.
        CommandTimeout: no answer in time.
    """
    stand = await stand_of(setting.fleet, standby, setting.reach_of)
    if not stand.is_well or stand.is_rebooting:
        raise ActionError(f"the standby would not take work: {stand.said}", "mend it first, or name another one")
    is_ours = is_reason_of(setting.user, stand.reason)
    if stand.is_out and stand.reason and not is_ours and not _KEPT_IN_RESERVE.search(stand.reason):
        raise GuardRefused(
            "somebody-elses-reason",
            f"the standby {stand.node} is out of service for: {stand.reason} [{stand.by}]",
            "ask whoever did it; or undrain it by itself, if it may be used",
        )
    if not stand.is_out:
        said = f"standby: {stand.node} is in service already: {stand.said}"
        return Half(deed=InServiceDeed(setting, standby), verification=f"{stand.node} takes work", after=(said,))
    half = Half.of(await prepare_undrain(_setting_for(setting, standby, ActionName.UNDRAIN)))
    return replace(
        half,
        verification=f"{stand.node} takes work",
        running=(),
        after=tuple(f"standby: {line}" for line in half.after),
        warnings=tuple(f"standby: {line}" for line in half.warnings),
    )


async def host_by_scheduler(setting: Setting, standby: HostTarget) -> Half:
    """The host, drained by its scheduler. Raises as the drain does by itself."""
    half = Half.of(await prepare_drain(_setting_for(setting, setting.target, ActionName.DRAIN)))
    warnings = half.warnings
    if standby.scheduler is not None:
        ours = await stand_of(setting.fleet, setting.target, setting.reach_of)
        theirs = await stand_of(setting.fleet, standby, setting.reach_of)
        if ours.partitions and theirs.partitions and not {*ours.partitions} & {*theirs.partitions}:
            listed = f"{', '.join(theirs.partitions)}, and {ours.node} in {', '.join(ours.partitions)}"
            warnings = (f"the standby takes other work: it is in {listed}", *warnings)
    return replace(half, warnings=warnings)


async def standby_by_unit(setting: Setting, standby: HostTarget, text: str) -> Half:
    """A standby whose unit is started, if it is not up already.

    Raises:
        ActionError: the unit may not be acted on there, is not there, or cannot be asked.
        LinkError: the standby cannot be reached.
        CommandTimeout: no answer in time.
    """
    unit, before = await _unit(setting, standby, text)
    verification = f"{unit.name} on {standby.name} is up"
    if before.is_up:
        said = f"standby: {unit.name} is up already on {standby.name}: {before.words}"
        return Half(deed=UnitDeed(unit, before, has_to_run=True), verification=verification, after=(said,))
    watch = Watch(unit.reach, unit.name, before.watch_s, service_of(standby, unit.name), setting.sleep, setting.tell)
    start, warnings = await _step(unit, "start")
    stop, _ = await _step(unit, "stop")
    return Half(
        deed=RestartDeed(unit, before, watch, _START_WITHIN_S),
        verification=f"{verification}, {watch.words}",
        steps=(start,),
        take_back={0: stop},
        reaches=(unit.reach,),
        after=(f"standby: {unit.name} is {before.words} now on {standby.name}, and is started",),
        warnings=warnings,
    )


async def host_by_unit(setting: Setting, text: str) -> Half:
    """The host, whose unit is stopped. Raises as `standby_by_unit`; `ActionError` also where it does not run."""
    unit, before = await _unit(setting, setting.target, text)
    stop, warnings = await _step(unit, "stop")
    start, _ = await _step(unit, "start")
    if not before.is_up:
        warnings = (f"{unit.name} is {before.words} on {setting.target.name}: it is stopped all the same", *warnings)
    return Half(
        deed=UnitDeed(unit, before, has_to_run=False),
        verification=f"{unit.name} on {setting.target.name} is not up",
        steps=(stop,),
        take_back={0: start} if before.is_up else {},
        reaches=(unit.reach,),
        running=(f"{unit.name}: {before.words}",),
        after=(f"{unit.name} serves nothing any more on {setting.target.name}",),
        warnings=warnings,
    )


def _still_works(verdict: Verdict) -> Objection | None:
    if verdict.is_so:
        return None
    return Objection("changed-since", f"the standby does not take work any more: {verdict.said}", "plan it again")


def _setting_for(setting: Setting, target: HostTarget, action: ActionName) -> Setting:
    spec = SHIPPED[action]
    request = ActionRequest(action, target.name, reason=setting.request.reason)
    return replace(setting, request=complete(request, spec), spec=spec, target=target)


async def _unit(setting: Setting, target: HostTarget, text: str) -> tuple[Unit, UnitState]:
    reference = checked_unit(text, target.units)
    if reference.kind != SYSTEMD:
        raise ActionError(f"{plain(text, 60)} cannot be failed over", "name a unit of the host's own systemd")
    unit = Unit(await setting.reach_of(target), reference.name)
    return unit, await unit.ask()


async def _step(unit: Unit, verb: str) -> tuple[Step, tuple[str, ...]]:
    return await privilege.step_as_root(unit.reach, *unit.systemctl(verb, unit.name), timeout_s=_START_WITHIN_S)
