"""Rollouts: one action on many hosts, planned as a whole, confirmed once, and worked off in the background."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from leptontui.actions import guard
from leptontui.actions.audit import Json
from leptontui.actions.hand import Hand, refuse_standing, spec_of
from leptontui.actions.process_mark import is_gone, own_mark
from leptontui.actions.rollout_course import Consent, RolloutCourse
from leptontui.actions.rollout_plan import NotPlanned, assemble, check_request, seen_rules, size_of
from leptontui.actions.rollouts_left import Entry, left_behind
from leptontui.errors import ActionError, AuditError, GuardRefused, LeptonError, NotConfirmed
from leptontui.model.action import ActionRequest, Plan
from leptontui.model.activity import Rollout, RolloutPlan, RolloutRequest, Wish
from leptontui.model.text import plain

_LOG = logging.getLogger(__name__)

_PLANNED_AT_ONCE: Final = 8
"""Hosts asked at a time while planning: many ask the same controller, and OpenSSH takes ten sessions over a link."""

_KEPT: Final = 10
"""Rollouts that are shown after their end, and plans of rollouts that can still be begun."""


@dataclass(frozen=True, slots=True)
class _Made:
    plan: RolloutPlan
    made_unix_s: float


class Rollouts:
    """Plans, begins and steers rollouts. On the engine's loop; `shown` may be read from any thread.

    Args:
        hand: plans and runs their parts.
        clock: unix seconds.
        read: the audit's lines; called in a thread, it may raise `OSError`.
    """

    def __init__(
        self, hand: Hand, *, clock: Callable[[], float], read: Callable[[], Sequence[Entry]] = lambda: ()
    ) -> None:
        self._hand, self._clock, self._read = hand, clock, read
        self._left: tuple[Rollout, ...] = ()
        self._made: dict[str, _Made] = {}
        self._courses: tuple[RolloutCourse, ...] = ()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def shown(self) -> tuple[Rollout, ...]:
        """Those under way and the last that ended, newest first; then those that a session before broke off."""
        return (*(course.shown for course in self._courses), *self._left)

    async def plan(self, request: RolloutRequest) -> RolloutPlan:
        """What would be done on each host.

        Raises:
            ActionError: no host of it can be planned, or the request makes no sense.
        """
        spec = check_request(request, spec_of(self._hand, request.action))
        made_unix_s = self._clock()
        turn = asyncio.Semaphore(_PLANNED_AT_ONCE)

        async def planned(host: str) -> Plan | NotPlanned:
            one = ActionRequest(request.action, host, request.unit, request.reason, request.params)
            async with turn:
                try:
                    return await self._hand.plan(one)
                except LeptonError as error:
                    return NotPlanned(host, plain(str(error), 300))
                except Exception as error:  # noqa: BLE001 — one host must not keep the others from being planned
                    _LOG.exception("%s on %s cannot be planned", request.action, host)
                    return NotPlanned(host, plain(f"{type(error).__name__}: {error}", 300))

        found = await asyncio.gather(*(planned(host) for host in request.hosts))
        whole = [one for one in found if isinstance(one, Plan)]
        standing = await self._hand.standing_together(whole, at_once=size_of(request))
        plan = assemble(secrets.token_hex(8), request, spec, found, standing)
        self._made[plan.rollout_id] = _Made(plan, made_unix_s)
        while len(self._made) > _KEPT:
            del self._made[next(iter(self._made))]
        return plan

    async def start(self, plan: RolloutPlan, confirmation: str, override: str = "") -> None:
        """Begin it; it goes on by itself.

        Raises:
            GuardRefused: a rule forbids it now.
            NotConfirmed: `confirmation` is not what the plan asks for; it can be confirmed again.
            AuditError: the audit cannot be written; nothing was run.
        """
        try:
            made = self._admit(plan, confirmation)
            standing = await self._hand.standing_together(plan.plans, at_once=size_of(plan.request))
            refuse_standing(standing, override, seen_rules(plan))
            self._admit(plan, confirmation)  # somebody may have begun it meanwhile
        except (GuardRefused, NotConfirmed) as refusal:
            await self._note_refusal(plan, refusal)
            raise
        del self._made[plan.rollout_id]
        confirmed = f"{confirmation} typed for {len(plan.plans)}" if plan.confirmation else "one key"
        try:
            await self._hand.note(
                "rollout-begun",
                {**_about(plan), "confirmation": confirmed, "override": override, "process": own_mark()},
            )
        except AuditError:
            self._made[plan.rollout_id] = made
            raise
        course = RolloutCourse(plan, Consent(confirmed, override, made.made_unix_s), hand=self._hand, clock=self._clock)
        over = [one for one in self._courses if one.is_over][: _KEPT - 1]
        self._courses = (course, *(one for one in self._courses if not one.is_over or one in over))
        task = asyncio.create_task(course.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def steer(self, rollout_id: str, wish: Wish) -> None:
        """Pause, resume or abandon one.

        Raises:
            ActionError: there is none under way with this id, or that cannot be done as it stands.
        """
        course = next((one for one in self._courses if one.shown.rollout_id == rollout_id and not one.is_over), None)
        if course is None:
            raise ActionError(f"no rollout {plain(rollout_id, 40)} is under way")
        await course.steer(wish)

    async def look_again(self) -> None:
        """Find the rollouts that the end of a session before broke off, and write their end into the audit.

        Nothing of them is gone on with: what was not touched may be chosen anew.
        """
        try:
            entries = await asyncio.to_thread(self._read)
        except OSError:  # whoever looks for broken-off actions says it
            _LOG.exception("rollouts that were broken off are not known")
            return
        for rollout in left_behind(entries, is_gone):
            fields: dict[str, Json] = {
                "rollout_id": rollout.rollout_id,
                "title": rollout.title,
                "state": rollout.state.value,
                "said": rollout.said,
                "targets": {target.host: target.state.value for target in rollout.targets},
            }
            try:
                await self._hand.note("rollout-ended", fields)
            except AuditError:
                _LOG.exception("the end of rollout %s is not in the audit", rollout.rollout_id)
                return
            self._left = (rollout, *self._left)[:_KEPT]

    async def close(self) -> None:
        """Break off what is under way; the desk writes its ends into the audit."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _admit(self, plan: RolloutPlan, confirmation: str) -> _Made:
        """Every rule for the whole; each part is guarded again at its turn."""
        made = self._made.get(plan.rollout_id)
        if made is None or made.plan != plan:
            raise GuardRefused("plan-unknown", "this rollout was not planned here, or was begun already", "plan it")
        old = guard.plan_young(made.made_unix_s, self._clock())
        if old is not None:
            raise old.refusal()
        if self._hand.armed_until_unix_s is None:
            raise GuardRefused("read-only", "this session is read-only", "arm it first")
        if plan.confirmation and confirmation != plan.confirmation:
            what = "host's name" if len(plan.plans) == 1 else "number of hosts"
            raise NotConfirmed(f"what was typed is not the {what}", f"type {plan.confirmation}, or leave it")
        return made

    async def _note_refusal(self, plan: RolloutPlan, refusal: GuardRefused | NotConfirmed) -> None:
        rule = refusal.rule if isinstance(refusal, GuardRefused) else "not-confirmed"
        noted: dict[str, Json] = {**_about(plan), "outcome": "refused", "rule": rule, "summary": refusal.cause}
        try:
            await self._hand.note("rollout-refused", noted)
        except AuditError:  # nothing was run: the refusal is what the user has to hear
            _LOG.exception("a refusal of rollout %s is not in the audit", plan.rollout_id)


def _about(plan: RolloutPlan) -> dict[str, Json]:
    request = plan.request
    return {
        "rollout_id": plan.rollout_id,
        "title": plan.title,
        "action": str(request.action),
        "hosts": [part.request.host for part in plan.plans],
        "plans": [part.plan_id for part in plan.plans],
        "unplanned": [host for host, _ in plan.unplanned],
        "unit": request.unit,
        "reason": request.reason,
        "params": dict(request.params),
        "pace": request.pace.value,
        "batch": request.batch,
    }
