"""The command port: plans, guards, audits, runs and verifies actions. Lives on the engine's loop."""

from __future__ import annotations

import asyncio
import inspect
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from leptontui.actions import guard
from leptontui.actions.audit import Audit, Json
from leptontui.actions.facts import FleetFacts, sight_of
from leptontui.actions.names import user_label
from leptontui.actions.parameters import complete
from leptontui.actions.reach import Prepared, Reach
from leptontui.actions.registry import PREPARE
from leptontui.actions.runner import Record, argv_of, carry_out
from leptontui.actions.setting import Setting, Sleep
from leptontui.errors import ActionError, AuditError, CommandTimeout, GuardRefused, LinkError, NotConfirmed
from leptontui.model.action import ActionRequest, Outcome, OutcomeKind, Plan
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.action_spec import ActionSpec
from leptontui.model.target import Fleet, HostTarget
from leptontui.model.text import plain
from leptontui.transport.contract import Transport

_LOG = logging.getLogger(__name__)

_KEPT_PLANS: Final = 64
"""Plans that can still be run; the oldest go first."""

TransportOf = Callable[[HostTarget], Awaitable[Transport] | Transport]


class Desk:
    """Carries out actions on a fleet; implements `leptontui.ports.CommandPort`.

    `arm`, `disarm` and `armed_until_unix_s` may be called from any thread, the rest on one event loop only.

    Attributes:
        fleet: the hosts; may be replaced, and a plan made for a host that is gone or changed is then refused.

    Args:
        fleet: the hosts and controllers.
        transport_of: the way to a host; the desk connects it where needed and never closes it.
        facts: links and ages as the engine sees them.
        audit: where every action is written down.
        user: who acts, by login name; stands before every reason.
        clock: unix seconds.
        arm_for_s: arming expires so long after the last action.
        sleep: waits for seconds; given by tests.
        verified: called with the host's name after an action on it was verified.
    """

    def __init__(
        self,
        fleet: Fleet,
        *,
        transport_of: TransportOf,
        facts: FleetFacts,
        audit: Audit,
        user: str,
        clock: Callable[[], float] = time.time,
        arm_for_s: float = 900.0,
        sleep: Sleep = asyncio.sleep,
        verified: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.fleet = fleet
        self._transport_of = transport_of
        self._facts = facts
        self._audit = audit
        self._user = user_label(user)
        self._clock = clock
        self._arm_for_s = arm_for_s
        self._sleep = sleep
        self._verified = verified
        self._armed_until_unix_s: float | None = None
        self._prepared: dict[str, Prepared] = {}
        self._busy: set[str] = set()
        self._actors: dict[str, str] = {}

    @property
    def armed_until_unix_s(self) -> float | None:
        """When arming expires; None while read-only."""
        until = self._armed_until_unix_s
        return until if until is not None and self._clock() < until else None

    def arm(self) -> float:
        """Allow actions for a while; returns when that expires (unix seconds)."""
        until = self._clock() + self._arm_for_s
        self._armed_until_unix_s = until
        return until

    def disarm(self) -> None:
        """Go back to read-only at once. What is already running is not stopped."""
        self._armed_until_unix_s = None

    async def plan(self, request: ActionRequest) -> Plan:
        """What would be done. Asks the hosts, changes nothing. Works while read-only.

        Raises:
            GuardRefused: somebody else's drain stands in the way, or there is nothing to undo.
            ActionError: it cannot be planned (no such unit, no controller, host unreachable).
        """
        target, spec = self._target(request.host), self._spec(request.action)
        asked = [target.name]
        setting = self._setting(complete(request, spec), spec, target, asked)
        try:
            prepared = await PREPARE[spec.name](setting)
        except (LinkError, CommandTimeout) as error:
            raise ActionError(f"{asked[-1]} could not be asked: {error.cause}", error.mend) from error
        prepared = replace(prepared, plan=replace(prepared.plan, warnings=self._warnings(prepared)))
        self._prepared[prepared.plan.plan_id] = prepared
        while len(self._prepared) > _KEPT_PLANS:
            del self._prepared[next(iter(self._prepared))]
        return prepared.plan

    async def run(self, plan: Plan, confirmation: str) -> Outcome:
        """Guard again, audit, run, verify, audit. A plan is run at most once.

        Raises:
            GuardRefused: a rule forbids it now.
            NotConfirmed: `confirmation` is not what the plan asks for; the plan can be confirmed again.
            AuditError: the audit cannot be written; nothing was run.
        """
        try:
            prepared = self._admit(plan, confirmation)
            with self._busy_with(plan.request.host):
                del self._prepared[plan.plan_id]
                asked_unix_s = self._clock()
                await self._check_again(prepared)
                return await self._carry_out(prepared, asked_unix_s)
        except (GuardRefused, NotConfirmed) as refusal:
            await self._note_refusal(plan, refusal)
            raise

    async def run_as(self, plan: Plan, actor: str) -> Outcome:
        """Run a plan for the program itself, by the user's own allow-list: as `run`, but nothing is typed.

        Guarded as anybody's action, so nothing is run while read-only; it does not prolong the arming. The audit's
        lines carry `actor` beside the user.

        Raises:
            GuardRefused: a rule forbids it now.
            AuditError: the audit cannot be written; nothing was run.
        """
        self._actors[plan.plan_id] = plain(actor, 200)
        try:
            return await self.run(plan, plan.confirmation)
        finally:
            del self._actors[plan.plan_id]

    async def _carry_out(self, prepared: Prepared, asked_unix_s: float) -> Outcome:
        await self._audit.write("begun", self._clock(), self._about(prepared.plan))
        objection = guard.answer_young(asked_unix_s, self._clock())
        if objection is not None:
            raise objection.refusal()
        record, plan_id = Record(), prepared.plan.plan_id
        outcome = Outcome(plan_id, OutcomeKind.UNKNOWN, "it was broken off before its end was known")
        try:
            outcome = await carry_out(prepared, record, self._clock, sleep=self._sleep)
        finally:  # also when cancelled: what was begun is ended in the audit
            unwritten = await self._write_end(prepared.plan, outcome, record)
            if self._armed_until_unix_s is not None and plan_id not in self._actors:
                self.arm()
            if outcome.kind is OutcomeKind.VERIFIED:
                self._verified(prepared.plan.request.host)
        return replace(outcome, summary=f"{outcome.summary} — {unwritten}") if unwritten else outcome

    async def _write_end(self, plan: Plan, outcome: Outcome, record: Record) -> str:
        ended: dict[str, Json] = {
            **self._about(plan),
            "outcome": outcome.kind.value,
            "summary": outcome.summary,
            "ran": [*record.steps],
        }
        try:
            await self._audit.write("ended", self._clock(), ended)
        except AuditError as error:  # it was run, and its begin is on disk: the outcome must not be lost over this
            _LOG.exception("the end of plan %s is not in the audit", plan.plan_id)
            return f"its end is missing in the audit: {error.cause}"
        return ""

    def _admit(self, plan: Plan, confirmation: str) -> Prepared:
        """Every rule that needs no answer from a host, in the order in which the user can do something about it."""
        now = self._clock()
        prepared = self._prepared.get(plan.plan_id)
        objection = guard.armed(self._armed_until_unix_s, now)
        if prepared is None:
            raise (objection or guard.PLAN_UNKNOWN).refusal()
        objection = (
            objection
            or guard.plan_unchanged(prepared.plan, plan)
            or guard.plan_young(prepared.made_unix_s, now)
            or guard.still_there(prepared.target, self.fleet.host(plan.request.host))
            or guard.alone(plan.request.host, self._busy)
            or self._objection_to_sight(prepared)
        )
        if objection is not None:
            raise objection.refusal()
        guard.check_confirmation(plan, confirmation)
        return prepared

    async def _check_again(self, prepared: Prepared) -> None:
        """The state at the moment of execution; whoever does not answer now is not acted through."""
        try:
            objection = await prepared.deed.check_again()
        except (LinkError, CommandTimeout, ActionError) as error:
            raise GuardRefused("no-answer", f"the state could not be asked for again: {error.cause}") from error
        objection = (
            objection or guard.armed(self._armed_until_unix_s, self._clock()) or self._objection_to_sight(prepared)
        )
        if objection is not None:
            raise objection.refusal()

    def _objection_to_sight(self, prepared: Prepared) -> guard.Objection | None:
        sight = sight_of(self.fleet, self._facts, prepared.target)
        if self._spec(prepared.plan.request.action).needs_live_link:
            return guard.live_and_fresh(sight)
        return guard.no_common_cause(sight) if self._spec(prepared.plan.request.action).removes_capacity else None

    def _warnings(self, prepared: Prepared) -> tuple[str, ...]:
        """What would refuse it if it were run now, and how old what is seen of the host is, before the plan's own."""
        now = self._clock()
        objections = [guard.armed(self._armed_until_unix_s, now), self._objection_to_sight(prepared)]
        refused = [
            f"cannot be run now: {found.cause}" + (f" ({found.mend})" if found.mend else "")
            for found in objections
            if found is not None
        ]
        dark = guard.darkness(sight_of(self.fleet, self._facts, prepared.target), now)
        is_said = self._spec(prepared.plan.request.action).needs_live_link or not dark
        return (*refused, *(() if is_said else (dark,)), *prepared.plan.warnings)

    def _setting(self, request: ActionRequest, spec: ActionSpec, target: HostTarget, asked: list[str]) -> Setting:
        async def reach_of(host: HostTarget) -> Reach:
            asked.append(host.name)
            return await self._reach(host)

        return Setting(
            request=request,
            spec=spec,
            target=target,
            fleet=self.fleet,
            facts=self._facts,
            user=self._user,
            plan_id=secrets.token_hex(8),
            clock=self._clock,
            sleep=self._sleep,
            tell=lambda _: None,
            reach_of=reach_of,
        )

    def _spec(self, action: str) -> ActionSpec:
        spec = SHIPPED.get(action)
        if spec is None or action not in PREPARE:
            raise ActionError(f"there is no action {plain(action, 60)}")
        return spec

    def _target(self, host: str) -> HostTarget:
        target = self.fleet.host(host)
        if target is None:
            raise ActionError(f"{plain(host, 60)} is not in the fleet")
        return target

    async def _reach(self, target: HostTarget) -> Reach:
        found = self._transport_of(target)
        transport = await found if inspect.isawaitable(found) else found
        await transport.connect()
        return Reach.of(target, transport)

    @contextmanager
    def _busy_with(self, host: str) -> Iterator[None]:
        self._busy.add(host)
        try:
            yield
        finally:
            self._busy.discard(host)

    def _about(self, plan: Plan) -> dict[str, Json]:
        request, actor = plan.request, self._actors.get(plan.plan_id)
        confirmed = "host name typed" if plan.confirmation else "one key"
        return {
            "plan_id": plan.plan_id,
            "user": self._user,
            **({"actor": actor} if actor else {}),
            "action": str(request.action),
            "host": request.host,
            "unit": request.unit,
            "reason": request.reason,
            "params": dict(request.params),
            "steps": argv_of(plan.steps),
            "confirmation": "allowed by [auto] in rules.toml" if actor else confirmed,
        }

    async def _note_refusal(self, plan: Plan, refusal: GuardRefused | NotConfirmed) -> None:
        rule = refusal.rule if isinstance(refusal, GuardRefused) else "not-confirmed"
        noted: dict[str, Json] = {**self._about(plan), "outcome": "refused", "rule": rule, "summary": refusal.cause}
        try:
            await self._audit.write("refused", self._clock(), noted)
        except AuditError:  # nothing was run: the refusal is what the user has to hear
            _LOG.exception("a refusal of plan %s is not in the audit", plan.plan_id)
