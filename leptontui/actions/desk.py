"""The desk: plans, guards, audits, runs and verifies single actions. Lives on the engine's loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from leptontui.actions import guard
from leptontui.actions.actor import Actor
from leptontui.actions.arming import Arming
from leptontui.actions.audit import Audit, Json
from leptontui.actions.bench import Bench, TransportOf
from leptontui.actions.blast import Traffic
from leptontui.actions.carrying import Carrying, Drains, about, note_refusal
from leptontui.actions.consent import Consent
from leptontui.actions.facts import FleetFacts, sight_of
from leptontui.actions.guard import Objection
from leptontui.actions.judging import Judge, needs_link
from leptontui.actions.locks import Locks
from leptontui.actions.made import Made
from leptontui.actions.names import user_label
from leptontui.actions.passwords import Passwords
from leptontui.actions.policy import may_act
from leptontui.actions.private_locks import PrivateLocks
from leptontui.actions.privilege import obtain
from leptontui.actions.reach import Prepared, Reach
from leptontui.actions.setting import Setting, Sleep
from leptontui.actions.voices import Voices
from leptontui.config.custom_action import CustomAction
from leptontui.errors import GuardRefused, NotConfirmed
from leptontui.model.action import ActionRequest, Outcome, OutcomeKind, Plan, Standing
from leptontui.model.action_spec import ActionSpec
from leptontui.model.policy import Policies, built_in
from leptontui.model.target import Fleet, HostTarget
from leptontui.model.text import plain
from leptontui.transport.asking import Asker


class Desk:
    """Carries out single actions on a fleet.

    `arm`, `disarm`, `armed_until_unix_s`, `said` and `specs` may be called from any thread, the rest on one event loop.

    Attributes:
        fleet: the hosts; may be replaced, and a plan made for a host that is gone or changed is then refused.
        locks: what keeps actions out of each other's way.
        audit: where every action is written down.

    Args:
        fleet: the hosts and controllers.
        transport_of: the way to a host; the desk connects it where needed and never closes it.
        facts: links and ages as the engine sees them.
        audit: see above.
        user: who acts, by login name.
        actor: who acts, as the machine knows it; None means `user` and no more. Stands before every reason.
        policies: what holds now; called whenever something is judged.
        locks: see above; None for this process only.
        custom: the user's own actions, by name.
        drains: remembers what is out of service; None for nothing.
        asker: who is asked for sudo's password; None where nobody can be.
        clock: unix seconds.
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
        actor: Actor | None = None,
        policies: Callable[[], Policies] = built_in,
        locks: Locks | None = None,
        custom: Mapping[str, CustomAction] | None = None,
        drains: Drains | None = None,
        asker: Asker | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
        verified: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.fleet = fleet
        self.audit = audit
        self.locks: Locks = PrivateLocks(clock) if locks is None else locks
        self._facts, self._policies, self._drains = facts, policies, drains
        who = Actor(user_label(user)) if actor is None else actor
        self._user = user_label(who.user)
        self._passwords = Passwords(asker)
        self._clock, self._verified = clock, verified
        self._arming = Arming(clock)
        self._voices = Voices()
        self._bench = Bench(
            fleet=lambda: self.fleet,
            facts=facts,
            transport_of=transport_of,
            passwords=self._passwords,
            custom=custom or {},
            user=self._user,
            clock=clock,
            sleep=sleep,
            tell=self._voices.tell,
            evidence_in=audit.path.parent / "evidence",
        )
        self._judge = Judge(lambda: self.fleet, facts, who, policies, self.locks, self.reach, clock)
        self._made = Made(clock)
        self._busy: set[str] = set()

    @property
    def armed_until_unix_s(self) -> float | None:
        """When arming expires; None while read-only."""
        return self._arming.armed_until_unix_s

    def arm(self) -> float:
        """Allow actions for a while; returns when that expires (unix seconds).

        Raises:
            GuardRefused: a policy lets nothing be done, or cannot be read.
        """
        policies = self._policies()
        objection = may_act(policies)
        if objection is not None:
            raise objection.refusal()
        return self._arming.arm(policies.arm_for_s)

    def disarm(self) -> None:
        """Go back to read-only at once, and forget passwords as soon as nothing is running that needs them."""
        self._arming.disarm()
        self._forget()

    @property
    def specs(self) -> tuple[ActionSpec, ...]:
        """Every action that there is here, in menu order, the user's own last."""
        return self._bench.specs

    @property
    def user(self) -> str:
        """Who acts."""
        return self._user

    def said(self, plan_id: str) -> tuple[str, ...]:
        """The last lines that a run has said so far; () where it is not under way."""
        return self._voices.said(plan_id)

    async def plan(self, request: ActionRequest) -> Plan:
        """What would be done. Asks the hosts, changes nothing. Works while read-only.

        Raises:
            GuardRefused: somebody else's drain stands in the way, or there is nothing to undo.
            ActionError: it cannot be planned (no such unit, no controller, host unreachable).
        """
        prepared, setting = await self._bench.prepare(request)
        spec, now = setting.spec, self._clock()
        unarmed = self._arming.objection()
        standing = await self._judge.standing(prepared, spec)
        dark = guard.darkness(sight_of(self.fleet, self._facts, prepared.target), now)
        plan = replace(
            prepared.plan,
            standing=(*(() if unarmed is None else (unarmed.standing(),)), *prepared.plan.standing, *standing),
            warnings=(*((dark,) if dark and not needs_link(prepared, spec) else ()), *prepared.plan.warnings),
        )
        self._made.keep(replace(prepared, plan=plan), setting)
        return plan

    async def prepare(self, request: ActionRequest) -> Prepared:
        """A plan that is not judged and cannot be run: how things stand, asked of the hosts. Raises as `plan`."""
        return (await self._bench.prepare(request))[0]

    async def run(self, plan: Plan, confirmation: str, override: str = "") -> Outcome:
        """Guard again, audit, run, verify, audit. A plan is run at most once.

        Raises:
            GuardRefused: a rule forbids it now.
            NotConfirmed: `confirmation` is not what the plan asks for; the plan can be confirmed again.
            AuditError: the audit cannot be written; nothing was run.
        """
        return await self._run(plan, Consent(typed=confirmation, override=override))

    async def run_as(self, plan: Plan, actor: str) -> Outcome:
        """Run a plan for the program itself, by the user's own allow-list: nothing is typed, no rule is set aside.

        Guarded as anybody's; it does not prolong the arming. The audit's lines carry `actor` beside the user. Raises as
        `run` does.
        """
        return await self._run(plan, Consent(actor=plain(actor, 200), confirmed="allowed by [auto] in rules.toml"))

    async def run_part(
        self, plan: Plan, *, part_of: str, confirmed: str, override: str = "", seen: frozenset[str] | None = None
    ) -> Outcome:
        """Run a plan that was agreed to as a part of something: as `run`, but nothing is typed; see `hand.Hand`.

        Raises:
            GuardRefused: a rule forbids it now.
            AuditError: the audit cannot be written; nothing was run.
        """
        part = Consent(override=override, seen=seen, part_of=plain(part_of, 200), confirmed=plain(confirmed, 200))
        return await self._run(plan, part)

    async def standing_together(self, plans: Sequence[Plan], *, at_once: int = 1) -> tuple[Standing, ...]:
        """What the guard would refuse if all of these were run, at most `at_once` at a time.

        Raises:
            GuardRefused: one of them was made too long ago to be judged.
        """
        made = [(prepared, setting.spec) for prepared, setting in self._made.all_of(plans)]
        return tuple(await self._judge.together(made, at_once))

    async def note(self, event: str, fields: Mapping[str, Json]) -> None:
        """Write a line into the audit.

        Raises:
            AuditError: it cannot be told that the line is on disk.
        """
        await self.audit.write(event, self._clock(), {"user": self._user, **fields})

    async def reach(self, target: HostTarget) -> Reach:
        """The way to a host or controller, connected.

        Raises:
            LinkError: it cannot be made.
        """
        return await self._bench.reach(target)

    async def _run(self, plan: Plan, consent: Consent) -> Outcome:
        try:
            prepared, setting, aside = self._admit(plan, consent)
            self._busy.add(plan.request.host)
            try:
                outcome = await self._hold_and_run(prepared, setting, consent, aside)
            finally:
                self._busy.discard(plan.request.host)
                self._forget()
        except (GuardRefused, NotConfirmed) as refusal:
            self._judge.learn(plan, refusal)
            await note_refusal(self.audit, self._clock(), about(plan, consent, self._user), refusal)
            raise
        if not consent.actor:
            self._arming.prolong(self._policies().arm_for_s)
        if outcome.kind is OutcomeKind.VERIFIED:
            self._verified(plan.request.host)
        return outcome

    def _forget(self) -> None:
        if self._arming.is_off and not self._busy:
            self._passwords.forget()

    def _admit(self, plan: Plan, consent: Consent) -> tuple[Prepared, Setting, tuple[Objection, ...]]:
        """Every rule that needs no answer from a host, in the order in which the user can do something about it."""
        now = self._clock()
        unarmed = self._arming.objection()
        made = self._made.find(plan.plan_id)
        if made is None:
            raise (unarmed or guard.PLAN_UNKNOWN).refusal()
        prepared, setting = made
        objection = (
            unarmed
            or guard.plan_unchanged(prepared.plan, plan)
            or guard.plan_young(prepared.made_unix_s, now)
            or guard.still_there(prepared.target, self.fleet.host(plan.request.host))
            or guard.alone(plan.request.host, self._busy)
        )
        if objection is not None:
            raise objection.refusal()
        aside = consent.settle(plan, self._judge.at_once(prepared, setting.spec))
        consent.check(plan)
        return prepared, setting, aside

    async def _hold_and_run(
        self, prepared: Prepared, setting: Setting, consent: Consent, aside: tuple[Objection, ...]
    ) -> Outcome:
        """Hold the locks, ask for secrets, judge what only others and the scheduler can say, and carry it out."""
        plan, spec, allowed = prepared.plan, setting.spec, list(aside)

        def judge(traffic: Traffic) -> None:
            allowed.extend(consent.settle(plan, self._judge.of_traffic(prepared, spec, traffic)))

        hold = await self.locks.take(self._judge.act_of(prepared, spec), judge)
        self._voices.begin(plan.plan_id)
        try:
            await obtain(prepared, setting.tell)
            consent.settle(plan, self._judge.at_once(prepared, spec))  # typing a password may take minutes
            allowed += consent.settle(plan, await self._judge.of_stakes(prepared, spec, hold.traffic))
            self._made.drop(plan.plan_id)  # from here on it is run once or never
            return await Carrying(
                prepared,
                setting,
                consent,
                self.audit,
                self._drains,
                lambda one: self._judge.check_again(one, spec, self._arming),
                self._user,
                tuple(allowed),
                self._judge.sources,
            ).run()
        finally:
            self._voices.end(plan.plan_id)
            await hold.release()
