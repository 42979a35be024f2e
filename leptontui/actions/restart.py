"""Restart of a systemd unit: planned from what the unit says of itself, verified by asking it again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from leptontui.actions.guard import Objection
from leptontui.actions.names import checked_unit
from leptontui.actions.reach import Deed, Prepared, Reach, Verdict, complaint
from leptontui.actions.setting import Setting, Sleep
from leptontui.actions.systemd import PROPERTIES, UnitState, parse_unit
from leptontui.errors import ActionError
from leptontui.model.action import Plan, Step

SETTLE_S: Final = 10
"""A unit may be activating for so many seconds after `systemctl restart` has returned."""

STAY_UP_S: Final = 3.0
"""It must still be the same invocation, and up, after this."""


@dataclass(frozen=True, slots=True)
class RestartDeed(Deed):
    """What surrounds `systemctl restart`.

    Attributes:
        reach: the host.
        before: the unit when the plan was made.
        sleep: waits for seconds; given by tests.
    """

    reach: Reach
    before: UnitState
    sleep: Sleep = asyncio.sleep

    async def check_again(self) -> Objection | None:
        """The unit is still the one that was shown: loaded, and not restarted meanwhile."""
        now = await ask_unit(self.reach, self.before.unit)
        if now.was_restarted_by_hand_since(self.before):
            return Objection(
                "changed-since", f"{now.unit} was restarted since the plan was made: {now.words}", "plan it again"
            )
        return None

    async def verify(self) -> Verdict:
        """Another invocation than before is up, and stays up."""
        now = await ask_unit(self.reach, self.before.unit)
        for _ in range(SETTLE_S):
            if (now.is_up and now.is_restart_of(self.before)) or now.active == "failed" or now.leaves_no_trace:
                break
            await self.sleep(1.0)
            now = await ask_unit(self.reach, self.before.unit)
        if now.leaves_no_trace:
            return Verdict(is_so=False, said=f"{now.unit} runs to its end and leaves no trace to tell a restart by")
        if not now.is_up:
            return Verdict(is_so=False, said=f"{now.unit} is {now.words}")
        if not now.is_restart_of(self.before):
            return Verdict(is_so=False, said=f"{now.unit} is up, but was not restarted: {now.words}")
        await self.sleep(STAY_UP_S)
        later = await ask_unit(self.reach, self.before.unit)
        if not later.is_up or later.is_restart_of(now):
            return Verdict(is_so=False, said=f"{now.unit} came up and did not stay: {later.words}")
        return Verdict(is_so=True, said=f"{now.unit} is {later.words}")

    async def explain(self) -> str:
        """The unit's last lines in the journal, as far as the login may read them."""
        unit = self.before.unit
        done = await self.reach.ask("journalctl", "--no-pager", "-q", "-o", "short-iso", "-n", "10", "-u", unit)
        return done.stdout


async def prepare_restart(setting: Setting) -> Prepared:
    """Plan the restart of the request's unit on its host.

    Raises:
        ActionError: the unit is not allowed, not there, or cannot be asked.
        LinkError: the host cannot be asked.
        CommandTimeout: no answer in time.
    """
    request, target, spec = setting.request, setting.target, setting.spec
    unit = checked_unit(request.unit, target.units)
    reach = await setting.host()
    before = await ask_unit(reach, unit)
    argv, warnings = await _restart_command(reach, unit)
    if before.active != "active":
        warnings.append(f"{unit} is not active now: this starts it")
    if before.is_file_newer:
        warnings.append("its unit file was changed on disk, and systemd has not read it again: the old one is started")
    plan = Plan(
        setting.plan_id,
        request,
        spec.title.format(unit=unit, host=target.name),
        spec.danger,
        (Step(reach.name, reach.login, argv, spec.timeout_s),),
        f"systemctl show {unit} → active and running, not the same invocation, and still so after 3 s",
        running_there=(f"{unit}: {before.words}",),
        after_this=(f"{unit} serves nothing until it is up again", spec.undone_by),
        warnings=tuple(warnings),
    )
    return Prepared(plan, target, (reach,), RestartDeed(reach, before, setting.sleep), setting.clock())


async def ask_unit(reach: Reach, unit: str) -> UnitState:
    """What systemd says of `unit`.

    Raises:
        ActionError: there is no such unit, it cannot be started, or there is no systemd.
    """
    done = await reach.ask("systemctl", "show", f"--property={','.join(PROPERTIES)}", "--", unit)
    if done.exit_status != 0:
        raise ActionError(f"systemd on {reach.name} does not tell of {unit}: {complaint(done)}")
    state = parse_unit(unit, done.stdout)
    if state.load != "loaded":
        raise ActionError(f"{unit} on {reach.name} is {state.load or 'not known to systemd'}")
    return state


async def _restart_command(reach: Reach, unit: str) -> tuple[tuple[str, ...], list[str]]:
    """The vector, with sudo where the login is not root, and what to warn of.

    There is no `--` before the unit: sudoers rules compare the whole command line, and are written without it. The
    unit's name cannot be taken for an option (`names.checked_unit`).
    """
    argv = ("systemctl", "restart", unit)
    who = await reach.ask("id", "-u")
    if who.exit_status != 0 or not who.stdout.strip().isdecimal():
        raise ActionError(f"{reach.name} does not say who logs in there: {complaint(who)}")
    if who.stdout.strip() == "0":
        return argv, []
    allowed = await reach.ask("sudo", "-n", "-l", *argv)
    if allowed.exit_status == 0:
        return ("sudo", "-n", *argv), []
    return ("sudo", "-n", *argv), [f"sudo is likely to refuse it: {complaint(allowed)}"]
