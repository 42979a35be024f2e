"""Runs, without a person, the few actions that the user allows: planned, guarded and audited as anybody's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

import msgspec

from leptontui.alerts.reactions import Circumstances, Deed, proposals_of, recent
from leptontui.errors import LeptonError
from leptontui.model.action import ActionRequest, Outcome, Plan
from leptontui.model.alert import Alert
from leptontui.model.reaction import AutoPolicy, Proposal, Reaction
from leptontui.model.text import plain

_LOG = logging.getLogger(__name__)
_WORDS: Final = 300


class AutoDesk(Protocol):
    """The desk for actions, as far as the program acts through it by itself."""

    @property
    def armed_until_unix_s(self) -> float | None:
        """When arming expires; None while read-only."""

    async def plan(self, request: ActionRequest) -> Plan:
        """See `ports.CommandPort.plan`."""

    async def run_as(self, plan: Plan, actor: str) -> Outcome:
        """Run a plan for the program itself; the audit names the actor."""


class Reactor:
    """What alerts ask for, and what of it is run. On the engine's loop.

    Args:
        desk: where actions are planned and run.
        clock: unix time.
        tell: says what was done, in the snapshot's notices.

    Attributes:
        keep: called with what is to be remembered over a restart, before anything is run.
    """

    def __init__(self, desk: AutoDesk, *, clock: Callable[[], float], tell: Callable[[str], None]) -> None:
        self._desk, self._clock, self._tell = desk, clock, tell
        self._deeds: tuple[Deed, ...] = ()
        self._asking: frozenset[str] = frozenset()
        self._running: asyncio.Task[None] | None = None
        self.keep: Callable[[str], None] = lambda _: None

    def restore(self, text: str) -> None:
        """Remember what was run before; nothing if it cannot be read."""
        try:
            found = msgspec.json.decode(text or "[]", type=tuple[Deed, ...])
        except msgspec.DecodeError:
            found = ()
        # What was under way when the program ended has an end that nobody knows; it is not begun again.
        self._deeds = tuple(deed if deed.outcome else replace(deed, outcome="its end is not known") for deed in found)

    def react(
        self, alerts: Sequence[Alert], *, fleet_size: int, is_keeper: bool, policy: AutoPolicy
    ) -> tuple[Proposal, ...]:
        """What these alerts ask for; what may be run by itself is begun."""
        now = self._clock()
        self._deeds = recent(self._deeds, now)
        self._asking = frozenset(alert.id for alert in alerts if alert.is_active and not alert.is_over)
        found = proposals_of(
            alerts,
            Circumstances(
                now,
                fleet_size,
                can_act=True,
                is_armed=self._desk.armed_until_unix_s is not None,
                is_keeper=is_keeper,
                policy=policy,
                deeds=self._deeds,
            ),
        )
        chosen = next((one for one in found if one.reaction is Reaction.AUTO), None)
        if chosen is not None and (self._running is None or self._running.done()):
            self._note(Deed(now, chosen.request.host, chosen.rule, chosen.alert_id))
            self._running = asyncio.create_task(self._carry_out(chosen))
        return found

    async def close(self) -> None:
        """End what is under way; the desk writes its end into the audit."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _carry_out(self, proposal: Proposal) -> None:
        outcome = "it was broken off"
        try:
            outcome = await self._outcome_of(proposal)
        except LeptonError as error:
            outcome = f"not done: {error}"
        except Exception as error:  # noqa: BLE001 — the task's boundary
            _LOG.exception("a reaction to %s failed", proposal.rule)
            outcome = f"not done: {type(error).__name__}"
        finally:
            self._end(proposal, plain(outcome, _WORDS))

    async def _outcome_of(self, proposal: Proposal) -> str:
        plan = await self._desk.plan(proposal.request)
        # A person would read these first.
        minded = [*(f"cannot be run now: {rule.cause}" for rule in plan.standing), *plan.warnings]
        if minded:
            return f"left to a person: {minded[0]}"
        if proposal.alert_id not in self._asking:
            return "not done: while it was planned the alert ended, or somebody took care of it"
        outcome = await self._desk.run_as(plan, f"auto: rule {proposal.rule}")
        return f"{outcome.kind.value}: {outcome.summary}"

    def _end(self, proposal: Proposal, outcome: str) -> None:
        self._note(
            *(
                replace(deed, outcome=outcome) if deed.alert_id == proposal.alert_id and not deed.outcome else deed
                for deed in self._deeds
            ),
            is_all=True,
        )
        request = proposal.request
        what = " ".join(word for word in (request.action, request.unit, request.host) if word)
        self._tell(plain(f"auto: rule {proposal.rule}: {what}: {outcome}", _WORDS))

    def _note(self, *deeds: Deed, is_all: bool = False) -> None:
        self._deeds = deeds if is_all else (*self._deeds, *deeds)
        self.keep(msgspec.json.encode(self._deeds).decode())
