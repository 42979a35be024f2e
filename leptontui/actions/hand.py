"""What rollouts and runbooks need of the desk: plans, runs that were confirmed as a whole, and a place in the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from leptontui.actions.audit import Json
from leptontui.errors import GuardRefused
from leptontui.model.action import ActionRequest, Outcome, Plan, Standing
from leptontui.model.action_spec import ActionSpec


class Hand(Protocol):
    """Plans and runs single actions. On the engine's loop, but for `said` and `specs`."""

    @property
    def armed_until_unix_s(self) -> float | None:
        """When arming expires; None while read-only."""

    @property
    def specs(self) -> tuple[ActionSpec, ...]:
        """Every action that there is here."""

    async def plan(self, request: ActionRequest) -> Plan:
        """See `ports.CommandPort.plan`."""

    async def run_part(
        self, plan: Plan, *, part_of: str, confirmed: str, override: str = "", seen: frozenset[str] | None = None
    ) -> Outcome:
        """Run a plan that is part of something which was confirmed as a whole: guarded and audited as any.

        Args:
            plan: as it was made.
            part_of: of what, for the audit, e.g. "rollout 1f2e3d4c".
            confirmed: how that was confirmed, for the audit, e.g. "12 typed".
            override: why the rules that may be overridden are set aside; "" sets none aside.
            seen: names of the rules that the user saw before giving that reason; None for the plan's own.

        Raises:
            GuardRefused: a rule forbids it now.
            AuditError: the audit cannot be written; nothing was run.
        """

    def said(self, plan_id: str) -> tuple[str, ...]:
        """The last lines that a run has said so far."""

    async def standing_together(self, plans: Sequence[Plan], *, at_once: int = 1) -> tuple[Standing, ...]:
        """What the guard would refuse if all of these were run now, beyond what each of them says itself.

        Args:
            plans: all of them.
            at_once: how many are under way at a time.
        """

    async def note(self, event: str, fields: Mapping[str, Json]) -> None:
        """Write a line into the audit.

        Raises:
            AuditError: it cannot be told that the line is on disk.
        """


def spec_of(hand: Hand, action: str) -> ActionSpec | None:
    """What `action` is; None if there is none of that name here."""
    return next((spec for spec in hand.specs if spec.name == action), None)


def refuse_standing(standing: Sequence[Standing], override: str, seen: frozenset[str]) -> None:
    """Refuse what the guard would not let pass.

    Args:
        standing: the rules that stand in the way.
        override: why those that may be overridden are set aside; "" sets none aside.
        seen: names of the rules that the user saw before giving that reason.

    Raises:
        GuardRefused: one of them stands in the way, and is not set aside.
    """
    for found in standing:
        if not (found.may_be_overridden and override and found.rule in seen):
            where = f" [{found.set_in}]" if found.set_in else ""
            raise GuardRefused(found.rule, f"{found.cause}{where}", found.mend)
