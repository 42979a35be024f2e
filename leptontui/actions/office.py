"""The command port as a whole: the desk's single actions, rollouts, runbooks, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from leptontui.actions.desk import Desk
from leptontui.actions.registry import PREPARE
from leptontui.errors import ActionError
from leptontui.model.action import ActionRequest, Outcome, Plan
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.action_spec import ActionSpec
from leptontui.model.activity import (
    Activity,
    Drained,
    RolloutPlan,
    RolloutRequest,
    RunbookEntry,
    Unfinished,
    Wish,
)
from leptontui.model.target import Fleet


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
        drains: what is remembered of hosts out of service; None for nothing.
        broken_off: what is known of actions that were broken off; None for nothing.

    Attributes:
        desk: the same.
    """

    def __init__(self, desk: Desk, *, drains: Drains | None = None, broken_off: BrokenOff | None = None) -> None:
        self.desk = desk
        self._drains, self._broken_off = drains, broken_off

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
        """Allow actions for a while; returns when that expires (unix seconds)."""
        return self.desk.arm()

    def disarm(self) -> None:
        """Go back to read-only at once. What is already running is not stopped."""
        self.desk.disarm()

    @property
    def specs(self) -> tuple[ActionSpec, ...]:
        """Every action that there is here, in menu order."""
        return tuple(spec for name, spec in SHIPPED.items() if name in PREPARE)

    @property
    def activity(self) -> Activity:
        """What is being done at this moment: values that are never changed, only replaced."""
        return Activity(
            drained=() if self._drains is None else self._drains.drained,
            unfinished=() if self._broken_off is None else self._broken_off.unfinished,
        )

    async def plan(self, request: ActionRequest) -> Plan:
        """See `Desk.plan`."""
        return await self.desk.plan(request)

    async def run(self, plan: Plan, confirmation: str, override: str = "") -> Outcome:
        """See `Desk.run`."""
        if override:
            raise ActionError("no rule can be set aside here")
        return await self.desk.run(plan, confirmation)

    def said(self, plan_id: str) -> tuple[str, ...]:  # noqa: ARG002 — nothing is heard of a run before its end
        """The last lines that a run has said so far."""
        return ()

    async def plan_rollout(self, request: RolloutRequest) -> RolloutPlan:
        """See `ports.CommandPort.plan_rollout`."""
        raise ActionError(f"{request.action} cannot be done on many hosts yet", "do it host by host")

    async def start_rollout(self, plan: RolloutPlan, confirmation: str, override: str = "") -> None:  # noqa: ARG002
        """See `ports.CommandPort.start_rollout`."""
        raise ActionError(f"there is no rollout {plan.rollout_id}")

    async def steer_rollout(self, rollout_id: str, wish: Wish) -> None:  # noqa: ARG002
        """See `ports.CommandPort.steer_rollout`."""
        raise ActionError(f"there is no rollout {rollout_id} under way")

    async def runbooks(self) -> tuple[RunbookEntry, ...]:
        """What runbooks there are."""
        return ()

    async def start_runbook(self, name: str, host: str, params: Sequence[tuple[str, str]]) -> str:  # noqa: ARG002
        """See `ports.CommandPort.start_runbook`."""
        raise ActionError(f"there is no runbook {name}")

    async def plan_step(self, run_id: str) -> Plan | None:
        """See `ports.CommandPort.plan_step`."""
        raise ActionError(f"there is no runbook {run_id} under way")

    async def run_step(self, run_id: str, plan: Plan | None, confirmation: str, override: str = "") -> None:  # noqa: ARG002
        """See `ports.CommandPort.run_step`."""
        raise ActionError(f"there is no runbook {run_id} under way")

    async def steer_runbook(self, run_id: str, wish: Wish) -> None:  # noqa: ARG002
        """See `ports.CommandPort.steer_runbook`."""
        raise ActionError(f"there is no runbook {run_id} under way")

    async def look_again(self) -> None:
        """Ask how the remembered drains and the actions that were broken off stand now."""
        if self._drains is not None:
            await self._drains.look_again()
        if self._broken_off is not None:
            await self._broken_off.look_again()
