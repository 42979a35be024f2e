"""The dialog before an action on many hosts: every host with its exact commands; the typed count; then it begins."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from leptontui.errors import ActionError
from leptontui.model.action import Danger
from leptontui.model.activity import RolloutPlan
from leptontui.model.text import plain
from leptontui.ports import CommandPort
from leptontui.ui.messages import OrderPlaced
from leptontui.ui.screens.confirming import SETTLE_S, ConfirmingScreen
from leptontui.ui.screens.plan import spec_of
from leptontui.ui.widgets.draft import Draft
from leptontui.ui.widgets.ending import Ending
from leptontui.ui.widgets.plan_rows import all_standing, rollout_rows
from leptontui.view.orders import Order


class RolloutPlanScreen(ConfirmingScreen[str]):
    """Shows what would be done on each of many hosts and begins it; returns the rollout's id, None if it did not begin.

    Args:
        commands: the way to act.
        order: what is wanted, with its hosts: these and no others, whatever is marked afterwards.
        clock: unix seconds; what arming is compared with.
        settle_s: keys count only once the plan has been on the screen for so long.
    """

    def __init__(
        self,
        commands: CommandPort,
        order: Order,
        *,
        clock: Callable[[], float] = time.time,
        settle_s: float = SETTLE_S,
    ) -> None:
        spec = spec_of(commands, order.action)
        verb = spec.verb if spec is not None else plain(order.action, 60)
        what = f"{verb} {plain(order.unit, 80)} on" if order.unit else verb
        has_reason = spec is not None and spec.takes_reason
        super().__init__(
            commands,
            f"{what} {order.where}",
            order.where,
            reason=order.reason if has_reason else None,
            clock=clock,
            settle_s=settle_s,
        )
        self.spec = spec
        self._order = order
        self._plan: RolloutPlan | None = None

    async def fetch(self) -> Draft:
        """Ask for all the plans."""
        if self.reason is not None:
            self._order = replace(self._order, reason=self.reason)
        plan = await self.commands.plan_rollout(self._order.rollout())
        if not plan.plans:
            causes = "; ".join(dict.fromkeys(plain(cause, 120) for _, cause in plan.unplanned))
            raise ActionError(f"none of the {len(plan.unplanned)} hosts can be planned: {causes}")
        self._plan = plan
        expected = expected_of(plan)
        return Draft(
            plan.title,
            plan.danger,
            rollout_rows(plan, self.spec),
            expected=expected,
            subject=f"the count, {expected}," if expected.isdecimal() else "the host name",
            standing=all_standing(plan),
            running=(("", "it begins …", "dim"),),
        )

    async def carry_out(self, typed: str, override: str) -> Ending | None:
        """Begin exactly what was shown; how it goes is told on its own screen."""
        assert self._plan is not None  # noqa: S101 — it was shown
        await self.commands.start_rollout(self._plan, typed, override)
        return None

    def result(self) -> str | None:
        """Which rollout has begun."""
        has_begun = self._plan is not None and self.ending is None
        return self._plan.rollout_id if has_begun and self._plan is not None else None

    @property
    def can_change(self) -> bool:
        """How many at a time, and the parameters."""
        return True

    def change(self) -> None:
        """Ask for another pace or other parameters, then for another plan."""
        self.app.post_message(OrderPlaced(self._order, wants_form=True))
        self.dismiss(None)


def expected_of(plan: RolloutPlan) -> str:
    """What has to be typed. What is destructive, or disrupts many, wants the count even where the plan forgot it."""
    if plan.confirmation:
        return plan.confirmation
    if len(plan.plans) == 1:
        return plan.plans[0].request.host if plan.danger is Danger.DESTRUCTIVE else ""
    return "" if plan.danger is Danger.HARMLESS else str(len(plan.plans))
