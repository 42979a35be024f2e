"""A desk as rollouts and runbooks use it, as long as the desk does not do all of it itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from leptontui.actions.audit import Audit, Json
from leptontui.actions.desk import Desk
from leptontui.actions.registry import PREPARE
from leptontui.model.action import ActionRequest, Outcome, Plan, Standing
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.action_spec import ActionSpec


class DeskHand:
    """Implements `hand.Hand` over a desk.

    Args:
        desk: plans and runs.
        audit: the desk's.
        clock: unix seconds.
    """

    def __init__(self, desk: Desk, audit: Audit, clock: Callable[[], float]) -> None:
        self._desk, self._audit, self._clock = desk, audit, clock

    @property
    def armed_until_unix_s(self) -> float | None:
        """See `Desk.armed_until_unix_s`."""
        return self._desk.armed_until_unix_s

    @property
    def specs(self) -> tuple[ActionSpec, ...]:
        """Every action that there is here, in menu order."""
        return tuple(spec for name, spec in SHIPPED.items() if name in PREPARE)

    async def plan(self, request: ActionRequest) -> Plan:
        """See `Desk.plan`."""
        return await self._desk.plan(request)

    async def run_part(
        self,
        plan: Plan,
        *,
        part_of: str,  # noqa: ARG002 — not told yet
        confirmed: str,  # noqa: ARG002
        override: str = "",  # noqa: ARG002
        seen: frozenset[str] | None = None,  # noqa: ARG002
    ) -> Outcome:
        """Run a part as if its host's name had been typed."""
        return await self._desk.run(plan, plan.confirmation)

    def said(self, plan_id: str) -> tuple[str, ...]:  # noqa: ARG002
        """Nothing is heard before the end."""
        return ()

    async def standing_together(self, plans: Sequence[Plan], *, at_once: int = 1) -> tuple[Standing, ...]:  # noqa: ARG002
        """Nothing stands in the way of the whole."""
        return ()

    async def note(self, event: str, fields: Mapping[str, Json]) -> None:
        """Write a line into the audit."""
        await self._audit.write(event, self._clock(), fields)
