"""All that speaks against a plan at one moment: the link, the policies, blast radius, jobs, and what others do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from leptontui.actions import guard
from leptontui.actions.actor import Actor
from leptontui.actions.acts import Act
from leptontui.actions.arming import Arming
from leptontui.actions.blast import (
    Stakes,
    Traffic,
    blast_objections,
    broken_off_objections,
    job_objections,
    traffic_objections,
)
from leptontui.actions.consent import NO_EVIDENCE
from leptontui.actions.facts import FleetFacts, sight_of
from leptontui.actions.guard import Objection
from leptontui.actions.locks import Locks, lock_name
from leptontui.actions.policy import Case, may_act, objections
from leptontui.actions.reach import Prepared
from leptontui.actions.stakes import ReachOf, Surroundings, ask_room, ask_stakes, jobs_ended
from leptontui.errors import ActionError, CommandTimeout, GuardRefused, LinkError
from leptontui.model.action import Danger, Plan, Standing
from leptontui.model.action_spec import ActionSpec
from leptontui.model.policy import Policies
from leptontui.model.target import Fleet, HostTarget

WORKLOADS: Final = ("kube:", "helm:")
"""Units that are no part of one host: whoever acts on them by way of whichever host means the same."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Says what speaks against plans. Nothing of it changes anything.

    Attributes:
        fleet: all hosts, now.
        facts: links and ages as the engine sees them.
        actor: who acts.
        policies: what holds now; read anew at each call.
        locks: what others do.
        reach_of: the way to a controller, connected.
        clock: unix seconds.
        blind: hosts of which no evidence could be had when it was tried last.
    """

    fleet: Callable[[], Fleet]
    facts: FleetFacts
    actor: Actor
    policies: Callable[[], Policies]
    locks: Locks
    reach_of: ReachOf
    clock: Callable[[], float]
    blind: set[str] = field(default_factory=set)

    def learn(self, plan: Plan, refusal: ActionError) -> None:
        """What refused a plan, where it could not be foreseen: the next plan says it, so that a reason can be given."""
        if isinstance(refusal, GuardRefused) and refusal.rule == NO_EVIDENCE:
            self.blind.add(plan.request.host)

    def at_once(self, prepared: Prepared, spec: ActionSpec) -> tuple[Objection, ...]:
        """What needs no answer from anywhere: the way to the host, and who may do what, where and when."""
        sight = self.of_sight(prepared, spec)
        return (*(() if sight is None else (sight,)), *objections(self.policies(), self._case(prepared, spec)))

    @property
    def sources(self) -> tuple[str, ...]:
        """The files that the policies are from."""
        return tuple(policy.source for policy in self.policies().each if policy.source)

    def of_sight(self, prepared: Prepared, spec: ActionSpec) -> Objection | None:
        """What the way to the host says."""
        sight = sight_of(self.fleet(), self.facts, prepared.target)
        if needs_link(prepared, spec):
            return guard.live_and_fresh(sight)
        return guard.no_common_cause(sight) if spec.removes_capacity else None

    def of_traffic(self, prepared: Prepared, spec: ActionSpec, traffic: Traffic) -> tuple[Objection, ...]:
        """What is said of all that goes on on this machine; harmless actions are not held to it."""
        hosts = [prepared.target.name, *prepared.others]
        there = frozenset(lock_name(host) for host in hosts)
        broken = tuple((lock_name(host), words) for host, words in traffic.broken_off)
        if not is_counted(spec):
            return ()
        return (
            *broken_off_objections(Traffic(broken_off=broken), there),
            *traffic_objections(self.policies(), traffic),
        )

    async def of_stakes(self, prepared: Prepared, spec: ActionSpec, traffic: Traffic) -> tuple[Objection, ...]:
        """What the scheduler says: how much is out of service, and whether a protected job would be ended."""
        stakes = await self._stakes(prepared, spec, traffic)
        policies = self.policies()
        return (
            *blast_objections(policies, stakes),
            *job_objections(policies, stakes, jobs_ended(prepared, spec)),
        )

    async def standing(self, prepared: Prepared, spec: ActionSpec) -> tuple[Standing, ...]:
        """All of it, for a plan that is shown: what it would be refused for if it were run now."""
        found = [*self.at_once(prepared, spec)]
        if prepared.plan.evidence and prepared.target.name in self.blind:
            cause = f"no evidence of {prepared.target.name} could be had when it was tried last"
            found.append(Objection(NO_EVIDENCE, cause, "give a reason to go on without", may_be_overridden=True))
        act = self.act_of(prepared, spec)
        holder = await self.locks.holder(act.names)
        if holder is not None:
            found.append(holder)
        try:
            traffic = await self.locks.look()
        except ActionError as error:
            traffic = Traffic()
            found.append(Objection("locks", error.cause, error.mend))
        found += self.of_traffic(prepared, spec, traffic)
        found += await self.of_stakes(prepared, spec, traffic)
        return tuple(dict.fromkeys(objection.standing() for objection in found))

    async def check_again(self, prepared: Prepared, spec: ActionSpec, arming: Arming) -> None:
        """The state at the moment of execution; whoever does not answer now is not acted through.

        Raises:
            GuardRefused: it is not what was shown, or something else stands against it by now.
        """
        try:
            objection = await prepared.deed.check_again()
        except (LinkError, CommandTimeout, ActionError) as error:
            raise GuardRefused("no-answer", f"the state could not be asked for again: {error.cause}") from error
        objection = objection or arming.objection() or self.of_sight(prepared, spec) or may_act(self.policies())
        if objection is not None:
            raise objection.refusal()

    async def together(self, prepared: Sequence[tuple[Prepared, ActionSpec]], at_once: int) -> Iterator[Standing]:
        """What speaks against doing all of these, at most `at_once` at a time."""
        counted = sum(is_counted(spec) for _, spec in prepared)
        policies = self.policies()
        try:
            traffic = await self.locks.look()
        except ActionError as error:
            return iter((Objection("locks", error.cause, error.mend).standing(),))
        found: list[Objection] = []
        if counted:
            found += traffic_objections(policies, traffic, more=counted, at_once=min(at_once, counted))
        leaving = [one.target for one, spec in prepared if spec.removes_capacity]
        if leaving:
            around = Surroundings(self.fleet(), self.facts, self.reach_of, traffic)
            found += blast_objections(policies, await ask_room(leaving, around))
        return iter(dict.fromkeys(objection.standing() for objection in found))

    def act_of(self, prepared: Prepared, spec: ActionSpec) -> Act:
        """A plan as it stands in the list of what goes on."""
        plan = prepared.plan
        unit = plan.request.unit if plan.request.unit.startswith(WORKLOADS) else ""
        return Act(
            plan.plan_id,
            self.actor.user,
            spec.name,
            prepared.target.name,
            (prepared.target.name, *prepared.others, *((unit,) if unit else ())),
            self.clock(),
            is_counted=is_counted(spec),
            takes_out=spec.removes_capacity,
        )

    async def _stakes(self, prepared: Prepared, spec: ActionSpec, traffic: Traffic) -> Stakes:
        around = Surroundings(self.fleet(), self.facts, self.reach_of, traffic)
        shields = any(policy.shields for policy in self.policies().each)
        stakes = await ask_stakes(prepared, spec, around, wants_jobs=shields)
        # A standby that is put to work before the host is taken out is none of those that are missing then.
        back = frozenset(name for host in prepared.deed.gives_back() for name in (host, lock_name(host)))
        return replace(stakes, parts=tuple(replace(part, out=part.out - back) for part in stakes.parts))

    def _case(self, prepared: Prepared, spec: ActionSpec) -> Case:
        request = prepared.plan.request
        fleet = self.fleet()
        others = (fleet.host(name) or HostTarget(name) for name in prepared.others)
        return Case(
            request.action,
            request.unit,
            (prepared.target, *others),
            self.actor.user,
            self.actor.unix_groups,
            self.clock(),
            spec.amounts_to,
        )


def is_counted(spec: ActionSpec) -> bool:
    """Whether an action counts for what goes on."""
    return spec.danger is not Danger.HARMLESS


def needs_link(prepared: Prepared, spec: ActionSpec) -> bool:
    """Whether the host itself must answer; a workload is acted on through its controller, however the host is."""
    return spec.needs_live_link and not prepared.plan.request.unit.startswith(WORKLOADS)
