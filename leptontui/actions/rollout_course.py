"""One rollout under way: whose turn it is, what came of each, and when it goes no further."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from leptontui.actions.audit import Json
from leptontui.actions.hand import Hand
from leptontui.actions.rollout_plan import essence, seen_rules, size_of
from leptontui.errors import ActionError, AuditError, GuardRefused, LeptonError
from leptontui.model.action import Outcome, Plan
from leptontui.model.activity import Rollout, RolloutPlan, RolloutState, TargetRun, TargetState, Wish
from leptontui.model.text import plain

_LOG = logging.getLogger(__name__)

FRESH_PLAN_S: Final = 60.0
"""A plan older than this is made again right before its host's turn: jobs start and units fail meanwhile."""

_SHOWN_LINES: Final = 20
_WORDS: Final = 300
_STALE_RULES: Final = frozenset({"plan-unknown", "plan-too-old"})
"""Refusals that only mean that the plan has to be made again."""


@dataclass(frozen=True, slots=True)
class Consent:
    """How a rollout was confirmed.

    Attributes:
        confirmed: in words, for the audit, e.g. "12 typed".
        override: why the rules that may be overridden are set aside; "" sets none aside.
        made_unix_s: when its plans were made.
    """

    confirmed: str
    override: str
    made_unix_s: float


class RolloutCourse:
    """A rollout from its start to its end. On the engine's loop; `shown` may be read from any thread.

    Args:
        plan: as it was confirmed.
        consent: how it was confirmed.
        hand: plans and runs its parts.
        clock: unix seconds.
    """

    def __init__(self, plan: RolloutPlan, consent: Consent, *, hand: Hand, clock: Callable[[], float]) -> None:
        self._plan, self._consent, self._hand, self._clock = plan, consent, hand, clock
        self._plans = {part.request.host: part for part in plan.plans}
        self._size, self._seen = size_of(plan.request), seen_rules(plan)
        self._may_go = asyncio.Event()
        self._may_go.set()
        # Both are only replaced whole, never changed: they are read from other threads.
        self._rollout = Rollout(
            plan.rollout_id, plan.title, RolloutState.RUNNING, tuple(TargetRun(host) for host in self._plans)
        )
        self._heard: Mapping[str, str] = {}

    @property
    def shown(self) -> Rollout:
        """How it stands, with the last lines of those that run."""
        rollout, heard = self._rollout, self._heard
        if not heard:
            return rollout
        targets = (
            replace(target, lines=self._hand.said(heard[target.host])[-_SHOWN_LINES:])
            if target.host in heard and target.state is TargetState.RUNNING
            else target
            for target in rollout.targets
        )
        return replace(rollout, targets=tuple(targets))

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is done any more, nor will be."""
        is_busy = any(target.state is TargetState.RUNNING for target in self._rollout.targets)
        return self._rollout.state in {RolloutState.ENDED, RolloutState.ABANDONED} and not is_busy

    async def run(self) -> None:
        """Work on the targets, batch by batch, until none waits."""
        try:
            while True:
                await self._may_go.wait()
                batch = self._in(TargetState.WAITING)[: self._size]
                if not batch:
                    break
                self._mark(*batch, state=TargetState.RUNNING, begun_unix_s=self._clock())
                async with asyncio.TaskGroup() as tasks:
                    for host in batch:
                        tasks.create_task(self._work_on(host))
                await self._judge(batch)
        finally:  # also when cancelled: then some may wait still
            left = self._in(TargetState.WAITING)
            self._mark(*left, state=TargetState.SKIPPED, said="the program ended before its turn")
            is_whole = not left and self._rollout.state is not RolloutState.ABANDONED
            end = RolloutState.ENDED if is_whole else RolloutState.ABANDONED
            final = replace(self._rollout, state=end, said=plain(self._sum(), _WORDS))
            try:
                await self._note("rollout-ended", final)
            finally:
                self._rollout = final

    async def steer(self, wish: Wish) -> None:
        """Pause, resume or abandon it; what was begun is always brought to its end.

        Raises:
            ActionError: that cannot be done as it stands.
        """
        state = self._rollout.state
        match wish:
            case Wish.PAUSE if state is RolloutState.RUNNING:
                self._may_go.clear()
                self._set(RolloutState.PAUSED, "paused: what was begun is brought to its end")
            case Wish.RESUME if state in {RolloutState.PAUSED, RolloutState.STOPPED}:
                self._set(RolloutState.RUNNING, "")
                self._may_go.set()
            case Wish.ABANDON if state not in {RolloutState.ENDED, RolloutState.ABANDONED}:
                skipped = self._in(TargetState.WAITING)
                self._mark(*skipped, state=TargetState.SKIPPED, said="abandoned before its turn")
                self._set(RolloutState.ABANDONED, f"abandoned: {len(skipped)} not touched")
                self._may_go.set()
            case _:
                raise ActionError(f"a rollout that is {state.value} cannot be asked to {wish.value}")
        await self._note(f"rollout-{wish.value}", self._rollout)

    async def _note(self, event: str, rollout: Rollout) -> None:
        """Write down how it stands; a rollout is not held up by what is only told of it."""
        fields: dict[str, Json] = {
            "rollout_id": rollout.rollout_id,
            "title": rollout.title,
            "state": rollout.state.value,
            "said": rollout.said,
            "targets": {target.host: target.state.value for target in rollout.targets},
        }
        try:
            await self._hand.note(event, fields)
        except AuditError:  # every action of it has lines of its own, without which it is not run
            _LOG.exception("%s of rollout %s is not in the audit", event, rollout.rollout_id)

    async def _work_on(self, host: str) -> None:
        state, said, lines = TargetState.UNKNOWN, "it was broken off before its end was known", tuple[str, ...]()
        try:
            outcome = await self._outcome_of(host)
            state, said = TargetState(outcome.kind.value), outcome.summary
            lines = tuple(outcome.output.split("\n")) if outcome.output else ()
        except (GuardRefused, AuditError) as refusal:
            state, said = TargetState.REFUSED, str(refusal)
        except LeptonError as error:
            state, said = TargetState.REFUSED, f"it could not be planned again: {error}"
        except Exception as error:  # noqa: BLE001 — the task's boundary
            _LOG.exception("%s failed on %s", self._plan.title, host)
            said = f"{type(error).__name__}: {error}"
        finally:
            heard = self._hand.said(self._heard[host]) if host in self._heard else ()
            self._heard = {other: plan_id for other, plan_id in self._heard.items() if other != host}
            self._mark(
                host,
                state=state,
                said=plain(said, _WORDS),
                lines=(heard or lines)[-_SHOWN_LINES:],
                ended_unix_s=self._clock(),
            )

    async def _outcome_of(self, host: str) -> Outcome:
        plan, made_unix_s = self._plans[host], self._consent.made_unix_s
        if not 0.0 <= self._clock() - made_unix_s <= FRESH_PLAN_S:
            plan = await self._planned_again(plan)
        try:
            return await self._run(plan)
        except GuardRefused as refusal:
            if refusal.rule not in _STALE_RULES:
                raise
        return await self._run(await self._planned_again(plan))

    async def _run(self, plan: Plan) -> Outcome:
        self._heard = {**self._heard, plan.request.host: plan.plan_id}
        return await self._hand.run_part(
            plan,
            part_of=f"rollout {self._rollout.rollout_id}",
            confirmed=self._consent.confirmed,
            override=self._consent.override,
            seen=self._seen,
        )

    async def _planned_again(self, plan: Plan) -> Plan:
        """A plan of now that does just what was confirmed.

        Raises:
            GuardRefused: it would do something else.
            ActionError: it cannot be planned any more.
        """
        again = await self._hand.plan(plan.request)
        if essence(again) != essence(plan) or not set(again.ends) <= set(plan.ends):
            raise GuardRefused(
                "plan-changed", "what would be run there is not what was confirmed any more", "plan it anew by itself"
            )
        return again

    async def _judge(self, batch: Sequence[str]) -> None:
        """Go no further after a target that was not verified."""
        bad = [one for one in self._rollout.targets if one.host in batch and one.state is not TargetState.VERIFIED]
        waiting = len(self._in(TargetState.WAITING))
        if bad and waiting:
            self._may_go.clear()
            words = f"stopped: {bad[0].host} is {bad[0].state.value}: {bad[0].said}; {waiting} not touched yet"
            self._set(RolloutState.STOPPED, words)
            await self._note("rollout-stopped", self._rollout)

    def _sum(self) -> str:
        counts: dict[TargetState, int] = {}
        for target in self._rollout.targets:
            counts[target.state] = counts.get(target.state, 0) + 1
        return ", ".join(f"{count} {state.value}" for state, count in counts.items())

    def _in(self, state: TargetState) -> list[str]:
        return [target.host for target in self._rollout.targets if target.state is state]

    def _set(self, state: RolloutState, said: str) -> None:
        self._rollout = replace(self._rollout, state=state, said=plain(said, _WORDS))

    def _mark(
        self,
        *hosts: str,
        state: TargetState,
        said: str = "",
        lines: tuple[str, ...] = (),
        begun_unix_s: float | None = None,
        ended_unix_s: float | None = None,
    ) -> None:
        def marked(target: TargetRun) -> TargetRun:
            begun = target.begun_unix_s if begun_unix_s is None else begun_unix_s
            return TargetRun(target.host, state, said, lines, begun, ended_unix_s)

        targets = tuple(marked(target) if target.host in hosts else target for target in self._rollout.targets)
        self._rollout = replace(self._rollout, targets=targets)
