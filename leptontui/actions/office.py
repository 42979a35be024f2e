"""The command port as a whole: the desk's single actions, rollouts, runbooks, and what is remembered of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from leptontui.actions.desk import Desk
from leptontui.actions.rollouts import Rollouts
from leptontui.actions.runbooks import Runbooks
from leptontui.actions.setting import Sleep
from leptontui.model.action import ActionRequest, Outcome, Plan
from leptontui.model.action_spec import ActionSpec
from leptontui.model.activity import Activity, Drained, RolloutPlan, RolloutRequest, RunbookEntry, Unfinished, Wish
from leptontui.model.target import Fleet

_LOG = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 60.0
"""So often it is asked how remembered drains stand: a job's end is not known sooner by asking more often."""


class Drains(Protocol):
    """Remembers what this user has out of service."""

    @property
    def drained(self) -> tuple[Drained, ...]:
        """Oldest first, as they were last asked about. Any thread."""

    async def look_again(self) -> None:
        """Ask how each stands; what cannot be asked says so in its place."""


class BrokenOff(Protocol):
    """Knows the actions that were begun and never ended."""

    @property
    def unfinished(self) -> tuple[Unfinished, ...]:
        """Oldest first. Any thread."""

    async def look_again(self) -> None:
        """Ask how each stands, and settle in the audit what can be told."""


class Office:
    """Implements `leptontui.ports.CommandPort` over a desk. Lives on the engine's loop.

    `arm`, `disarm`, `armed_until_unix_s`, `said`, `specs` and `activity` may be called from any thread.

    Args:
        desk: carries out single actions.
        rollouts: one action on many hosts.
        runbooks: actions with checks and waits between them.
        drains: what is remembered of hosts out of service; None for nothing.
        broken_off: what is known of actions that were broken off; None for nothing.
        sleep: waits for seconds.

    Attributes:
        desk: the same.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        rollouts: Rollouts,
        runbooks: Runbooks,
        drains: Drains | None = None,
        broken_off: BrokenOff | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.desk = desk
        self._rollouts, self._runbooks = rollouts, runbooks
        self._drains, self._broken_off, self._sleep = drains, broken_off, sleep
        self._looking = asyncio.Lock()

    @property
    def fleet(self) -> Fleet:
        """The hosts and controllers."""
        return self.desk.fleet

    @fleet.setter
    def fleet(self, fleet: Fleet) -> None:
        self.desk.fleet = fleet

    @property
    def armed_until_unix_s(self) -> float | None:
        """When arming expires; None while read-only."""
        return self.desk.armed_until_unix_s

    def arm(self) -> float:
        """Allow actions for a while; returns when that expires (unix seconds). Raises as `Desk.arm`."""
        return self.desk.arm()

    def disarm(self) -> None:
        """Go back to read-only at once. What is already running is not stopped."""
        self.desk.disarm()

    @property
    def specs(self) -> tuple[ActionSpec, ...]:
        """Every action that there is here, in menu order."""
        return self.desk.specs

    @property
    def activity(self) -> Activity:
        """What is being done at this moment: values that are never changed, only replaced."""
        return Activity(
            rollouts=self._rollouts.shown,
            runbooks=self._runbooks.shown,
            drained=() if self._drains is None else self._drains.drained,
            unfinished=() if self._broken_off is None else self._broken_off.unfinished,
        )

    async def plan(self, request: ActionRequest) -> Plan:
        """See `Desk.plan`."""
        return await self.desk.plan(request)

    async def run(self, plan: Plan, confirmation: str, override: str = "") -> Outcome:
        """See `Desk.run`."""
        return await self.desk.run(plan, confirmation, override)

    def said(self, plan_id: str) -> tuple[str, ...]:
        """The last lines that a run has said so far."""
        return self.desk.said(plan_id)

    async def plan_rollout(self, request: RolloutRequest) -> RolloutPlan:
        """See `Rollouts.plan`."""
        return await self._rollouts.plan(request)

    async def start_rollout(self, plan: RolloutPlan, confirmation: str, override: str = "") -> None:
        """See `Rollouts.start`."""
        await self._rollouts.start(plan, confirmation, override)

    async def steer_rollout(self, rollout_id: str, wish: Wish) -> None:
        """See `Rollouts.steer`."""
        await self._rollouts.steer(rollout_id, wish)

    async def runbooks(self) -> tuple[RunbookEntry, ...]:
        """See `Runbooks.entries`."""
        return await self._runbooks.entries()

    async def start_runbook(self, name: str, host: str, params: Sequence[tuple[str, str]]) -> str:
        """See `Runbooks.start`."""
        return await self._runbooks.start(name, host, params)

    async def plan_step(self, run_id: str) -> Plan | None:
        """See `Runbooks.plan_step`."""
        return await self._runbooks.plan_step(run_id)

    async def run_step(self, run_id: str, plan: Plan | None, confirmation: str, override: str = "") -> None:
        """See `Runbooks.run_step`."""
        await self._runbooks.run_step(run_id, plan, confirmation, override)

    async def steer_runbook(self, run_id: str, wish: Wish) -> None:
        """See `Runbooks.steer`."""
        await self._runbooks.steer(run_id, wish)

    async def look_again(self) -> None:
        """Ask how the remembered drains, broken-off actions, rollouts and runbooks stand now."""
        async with self._looking:  # two at once would both find, and write down, what a session before left behind
            await self._runbooks.look_again()
            await self._rollouts.look_again()
            if self._drains is not None:
                await self._drains.look_again()
            if self._broken_off is not None:
                await self._broken_off.look_again()

    async def tend(self) -> None:
        """Ask at the start, and while anything is remembered now and then, how it stands; until cancelled."""
        while True:
            try:
                await self.look_again()
            except Exception:  # noqa: BLE001 — the task's boundary: the watch does not end over what is only looked at
                _LOG.exception("what is remembered could not be looked at")
            await self._sleep(LOOK_EVERY_S)

    async def close(self) -> None:
        """Break off what is under way; its end is written down."""
        await self._rollouts.close()
        await self._runbooks.close()
