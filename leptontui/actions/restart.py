"""Restart of a systemd unit: planned from what the unit says of itself, verified by asking it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.actions import privilege
from leptontui.actions.guard import Objection
from leptontui.actions.names import SYSTEMD, checked_unit
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict
from leptontui.actions.service_health import service_of
from leptontui.actions.setting import Setting
from leptontui.actions.staying_up import Look, Watch
from leptontui.actions.systemd import UnitState
from leptontui.actions.unit_questions import Unit
from leptontui.errors import CommandTimeout, LinkError
from leptontui.model.action import Plan, Step
from leptontui.model.text import plain

SETTLE_S: Final = 10
"""A unit may be on its way up for so many seconds after `systemctl restart` has returned."""

_MOST_SHOWN: Final = 5
"""Units that go with it, and lines of its journal, in a plan."""

_MOST_LIMIT_S: Final = 1800.0
"""Of what a unit's own limits for stopping and starting ask for, in seconds."""


@dataclass(frozen=True, slots=True)
class RestartDeed(Deed):
    """What surrounds `systemctl restart`.

    Attributes:
        unit: what is restarted.
        before: the unit when the plan was made.
        watch: watches it once it is up.
        limit_s: how long starting and stopping may take.
    """

    unit: Unit
    before: UnitState
    watch: Watch
    limit_s: float

    async def check_again(self) -> Objection | None:
        """The unit is still the one that was shown: loaded, and not restarted meanwhile."""
        now = await self.unit.ask()
        if now.was_restarted_by_hand_since(self.before):
            return Objection(
                "changed-since", f"{now.unit} was restarted since the plan was made: {now.words}", "plan it again"
            )
        return None

    async def verify(self) -> Verdict:
        """Another invocation than before is up, stays up, and says that it is well."""
        now = await self._settled()
        if now.leaves_no_trace:
            return Verdict(is_so=False, said=f"{now.unit} runs to its end and leaves no trace to tell a restart by")
        if not now.is_up:
            return Verdict(is_so=False, said=f"{now.unit} is {now.words}")
        if not now.is_restart_of(self.before):
            return Verdict(is_so=False, said=f"{now.unit} is up, but was not restarted: {now.words}")

        async def look() -> Look:
            later = await self.unit.ask()
            is_same = not later.is_restart_of(now) and later.restarts == now.restarts
            return Look(later.is_up and is_same, later.words)

        return await self.watch.verdict(look)

    async def explain(self) -> str:
        """The unit's last lines in the journal, as far as the login may read them."""
        return await self.unit.journal()

    async def _settled(self) -> UnitState:
        """The unit once it is up and another one, or has failed, or does not get there in time."""
        now, waited_s = await self.unit.ask(), 0
        while not (now.is_up and now.is_restart_of(self.before)) and now.active != "failed" and not now.leaves_no_trace:
            if waited_s >= (max(self.limit_s, SETTLE_S) if now.is_in_transition else SETTLE_S):
                break
            if waited_s % SETTLE_S == 1:
                self.watch.tell(f"{now.unit}: {now.words}; waiting, {waited_s} s")
            await self.watch.sleep(1.0)
            waited_s += 1
            now = await self.unit.ask()
        return now


async def prepare_unit_restart(setting: Setting) -> Prepared:
    """Plan the restart of the request's unit on its host, one of the host's systemd or of the login's own.

    Raises:
        ActionError: the unit is not allowed, not there, or cannot be asked.
        LinkError: the host cannot be asked.
        CommandTimeout: no answer in time.
    """
    request, target, spec = setting.request, setting.target, setting.spec
    reference = checked_unit(request.unit, target.units)
    reach = await setting.host()
    is_own = reference.kind != SYSTEMD
    user_id, warnings = await _login_of(reach) if is_own else (None, [])
    unit = Unit(reach, reference.name, user_id)
    before = await unit.ask()
    limit_s = _limit_s(before, spec.timeout_s)
    step, more = await _restart_step(unit, limit_s)
    warnings += more
    warnings += _company(before)
    if before.active != "active":
        warnings.append(f"{unit.name} is not active now: this starts it")
    if before.is_file_newer:
        warnings.append("its unit file was changed on disk, and systemd has not read it again: the old one is started")
    service = service_of(target, unit.name)
    watch = Watch(reach, unit.name, before.watch_s, service, setting.sleep, setting.tell)
    show = " ".join(unit.systemctl("show", unit.name))
    plan = Plan(
        setting.plan_id,
        request,
        spec.title.format(unit=unit.shown, host=target.name),
        spec.danger,
        (step,),
        f"{show} → active and running, not the same invocation, {watch.words}",
        running_there=(f"{unit.shown}: {before.words}", *await _last_words(unit)),
        after_this=(f"{unit.name} serves nothing until it is up again", spec.undone_by),
        warnings=tuple(warnings),
    )
    return Prepared(plan, target, (reach,), RestartDeed(unit, before, watch, limit_s), setting.clock())


def _company(before: UnitState) -> list[str]:
    """What is restarted along with it."""
    if not before.goes_with:
        return []
    shown = ", ".join(before.goes_with[:_MOST_SHOWN])
    more = f" and {len(before.goes_with) - _MOST_SHOWN} more" if len(before.goes_with) > _MOST_SHOWN else ""
    return [f"systemd stops, and starts again where they ran, what depends on it: {shown}{more}"]


async def _last_words(unit: Unit) -> tuple[str, ...]:
    """What it said last: whoever restarts it should have read that."""
    try:
        said = await unit.journal()
    except (LinkError, CommandTimeout):
        return ()  # a help: the plan stands without it
    lines = [line for raw in said.splitlines() if (line := plain(raw, 160))]
    return tuple(f"journal: {line}" for line in lines[-_MOST_SHOWN:])


async def _restart_step(unit: Unit, limit_s: float) -> tuple[Step, tuple[str, ...]]:
    """The step, with sudo where the host's systemd asks for root and the login is not, and what to warn of.

    There is no `--` before the unit: sudoers rules compare the whole command line, and are written without it. The
    unit's name cannot be taken for an option (`names.unit_reference`).
    """
    argv = unit.systemctl("restart", unit.name)
    if unit.user_id is not None:
        return Step(unit.reach.name, unit.reach.login, argv, limit_s), ()
    return await privilege.step_as_root(unit.reach, *argv, timeout_s=limit_s)


async def _login_of(reach: Reach) -> tuple[str, list[str]]:
    """The login's user id, and what to warn of about its own systemd."""
    user_id = await privilege.user_id(reach)
    lingers = await reach.ask("loginctl", "show-user", user_id, "--property=Linger")
    if lingers.exit_status == 0 and lingers.stdout.strip() == "Linger=no":
        return user_id, ["the login has no linger there: its own systemd, and this unit, end with its last session"]
    return user_id, []


def _limit_s(before: UnitState, least_s: float) -> float:
    """How long a restart may take: what the unit's file allows for stopping and starting, if that is longer."""
    if before.start_within_s is None or before.stop_within_s is None:
        return least_s
    return max(least_s, min(before.start_within_s + before.stop_within_s + SETTLE_S, _MOST_LIMIT_S))
