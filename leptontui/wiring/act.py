"""`leptontui act`: one action on hosts of the inventory, without a screen; guarded, audited and verified as any."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from leptontui.config.hostlist import parse_hostlist
from leptontui.config.problem import did_you_mean
from leptontui.errors import ActionError, ConfigError, GuardRefused, NotConfirmed
from leptontui.inventory.book import Book
from leptontui.model.action_spec import ActionSpec
from leptontui.model.activity import (
    Pace,
    Rollout,
    RolloutPlan,
    RolloutRequest,
    RolloutState,
    TargetRun,
    TargetState,
    Wish,
)
from leptontui.model.text import plain
from leptontui.ports import CommandPort
from leptontui.view.act_words import SCHEMA, news, rollout_json, rollout_plan_json, rollout_plan_lines
from leptontui.wiring.doing import (
    CODES,
    DONE,
    INTERRUPTED,
    NOT_PLANNED,
    ONCE_MORE,
    REFUSED,
    Doing,
    Stop,
    complain,
    known_hosts,
    say,
    settled,
    with_port,
    worst,
)
from leptontui.wiring.headless import run_headless
from leptontui.wiring.watch import FleetWatch

_LOOK_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done.

    Attributes:
        action: its name.
        targets: hosts of the inventory, in ClusterShell syntax.
        unit, reason, params: as in `ActionRequest`.
        pace: a `Pace`, by its value.
        batch: how many at a time, where rolling.
        confirm: what a single plan wants typed beyond the host's name.
    """

    action: str
    targets: str
    unit: str = ""
    reason: str = ""
    params: tuple[tuple[str, str], ...] = ()
    pace: str = Pace.SERIAL.value
    batch: int = 1
    confirm: str = ""


def act(book: Book, order: Order, doing: Doing) -> int:
    """Plan, print, and carry it out where the user says on how many hosts.

    Returns:
        0 verified (or planned, on a dry run), 1 a command failed, 2 not verified, 3 not planned, 4 refused or not
        confirmed, 5 unknown.

    Raises:
        ConfigError: the order or the inventory is wrong.
        KeyboardInterrupt: interrupted twice.
    """
    return run_headless(_acted(book, order, doing))


async def _acted(book: Book, order: Order, doing: Doing) -> int:
    told: dict[str, Any] = {"schema": SCHEMA, "dry_run": doing.is_dry}

    async def use(port: CommandPort, watch: FleetWatch) -> int:
        return await _Act(port, watch, book, order, doing, told).done()

    try:
        code = await with_port(book, doing, use)
    except GuardRefused as refusal:
        code = _complain(told, "refused", refusal, REFUSED, rule=refusal.rule)
    except NotConfirmed as refusal:
        code = _complain(told, "refused", refusal, REFUSED, rule="not-confirmed")
    except ActionError as error:
        code = _complain(told, "error", error, NOT_PLANNED)
    if doing.as_json:
        say(json.dumps({**told, "exit_code": code}))
    return code


def _complain(told: dict[str, Any], what: str, error: ActionError, code: int, *, rule: str = "") -> int:
    told[what] = {"cause": error.cause, "mend": error.mend, **({"rule": rule} if rule else {})}
    complain(f"{'refused: ' if rule else ''}{error}")
    return code


class _Act:
    """One order, from its hosts to its end."""

    def __init__(
        self, port: CommandPort, watch: FleetWatch, book: Book, order: Order, doing: Doing, told: dict[str, Any]
    ) -> None:
        self._port, self._watch, self._book = port, watch, book
        self._order, self._doing, self._told = order, doing, told
        self._is_interrupted = False

    async def done(self) -> int:
        """Plan it, and do it where that is wanted; returns the exit code."""
        listed = parse_hostlist(self._order.targets)
        if listed.faults or not listed.hosts:
            faults = [f"{fault.item}: {fault.found}, expected {fault.expected}" for fault in listed.faults]
            raise ConfigError([f"TARGETS: {fault}" for fault in faults or ["no host"]])
        names = [host.name for host in listed.hosts]
        is_whole = _spec_of(self._order, self._port.specs).removes_capacity
        await settled(self._watch, self._book, names, self._doing.timeout_s, is_whole=is_whole)
        hosts = known_hosts(self._watch.fleet, names)
        self._port.arm()
        order = self._order
        plan = await self._port.plan_rollout(
            RolloutRequest(
                order.action, hosts, order.unit, order.reason, order.params, Pace(order.pace), max(order.batch, 1)
            )
        )
        self._told["plan"] = rollout_plan_json(plan)
        if not self._doing.as_json:
            say("\n".join(rollout_plan_lines(plan)))
        if self._doing.is_dry:
            self._port.disarm()
            return self._code_of_plan(plan)
        confirmation = self._confirmation(plan)
        await self._port.start_rollout(plan, confirmation, self._doing.override)
        rollout = await self._watched(plan.rollout_id)
        self._told["rollout"] = rollout_json(rollout)
        if not self._doing.as_json:
            say(f"{rollout.title}: {rollout.state.value}: {rollout.said}")
        codes = [*_codes(rollout), *([NOT_PLANNED] if plan.unplanned else [])]
        return worst(codes) or (INTERRUPTED if self._is_interrupted else DONE)

    def _code_of_plan(self, plan: RolloutPlan) -> int:
        standing = (*plan.standing, *(one for part in plan.plans for one in part.standing))
        is_refused = any(not (one.may_be_overridden and self._doing.override) for one in standing)
        return worst([REFUSED if is_refused else DONE, NOT_PLANNED if plan.unplanned else DONE])

    def _confirmation(self, plan: RolloutPlan) -> str:
        """What is typed for the plan: the count given stands for it, but not for what wants words of its own.

        Raises:
            NotConfirmed: no count is given, or another one, or the words are missing.
        """
        count = len(plan.plans)
        if self._doing.count is None:
            raise NotConfirmed("nothing is done without --yes", f"--yes {count} does it")
        if self._doing.count != count:
            raise NotConfirmed(f"--yes {self._doing.count}, but it would be done on {count}", f"--yes {count} does it")
        if plan.confirmation in {"", str(count), plan.plans[0].request.host}:
            return plan.confirmation
        if self._order.confirm != plan.confirmation:
            raise NotConfirmed("this has to be confirmed by itself", f"--confirm '{plan.confirmation}' does it")
        return plan.confirmation

    async def _watched(self, rollout_id: str) -> Rollout:
        """Tell how it goes until it is over. What stopped is not gone on with: nobody is there to decide that."""
        stop, seen, told = Stop(), dict[str, TargetRun](), defaultdict[str, set[str]](set)
        while True:
            rollout = next(one for one in self._port.activity.rollouts if one.rollout_id == rollout_id)
            if not self._doing.as_json:
                for target in rollout.targets:
                    if seen.get(target.host, TargetRun(target.host)) != target:
                        say("\n".join(news(seen.get(target.host), target, told[target.host])))
                    seen[target.host] = target
                    told[target.host].update(target.lines)
            is_busy = any(target.state is TargetState.RUNNING for target in rollout.targets)
            if not is_busy and rollout.state in {RolloutState.ENDED, RolloutState.ABANDONED}:
                return rollout
            if rollout.state is RolloutState.STOPPED or (stop.is_wanted and rollout.state is RolloutState.RUNNING):
                if stop.is_wanted:
                    self._is_interrupted = True
                    complain(ONCE_MORE)
                elif not self._doing.as_json:
                    say(f"{rollout.title}: {rollout.said}")
                await self._port.steer_rollout(rollout_id, Wish.ABANDON)
                continue
            await asyncio.sleep(_LOOK_EVERY_S)


def _spec_of(order: Order, specs: Sequence[ActionSpec]) -> ActionSpec:
    """What the order's action is; found out before any host is waited for.

    Raises:
        ActionError: there is no such action, or it is about a unit, and none is named.
    """
    spec = next((one for one in specs if one.name == order.action), None)
    if spec is None:
        near = did_you_mean(order.action, [str(one.name) for one in specs])
        raise ActionError(f"there is no action {plain(order.action, 60)}", near or "leptontui actions lists them")
    if spec.takes_unit and not order.unit:
        raise ActionError(f"{spec.name} is about a unit, and none is named", "name it with --unit")
    return spec


def _codes(rollout: Rollout) -> list[int]:
    return [CODES[target.state] for target in rollout.targets if target.state in CODES]
