"""The dialog before an action on one host: what would be done, exactly; the confirmation; what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from leptontui.errors import ActionError
from leptontui.model.action import ActionRequest, Danger, Outcome, Plan
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.action_spec import ActionSpec
from leptontui.model.text import plain
from leptontui.ports import CommandPort
from leptontui.ui.messages import OrderPlaced
from leptontui.ui.screens.confirming import SETTLE_S, ConfirmingScreen
from leptontui.ui.widgets.draft import Draft
from leptontui.ui.widgets.ending import Ending
from leptontui.ui.widgets.plan_rows import command_rows, plan_rows
from leptontui.view.orders import Order, undo_of

__all__ = ["SETTLE_S", "PlanScreen", "StepScreen", "spec_of"]


def spec_of(commands: CommandPort, action: str) -> ActionSpec | None:
    """An action as data: as the port has it, or as the program ships it while the port has none yet."""
    return next((spec for spec in commands.specs if spec.name == action), None) or SHIPPED.get(action)


class PlanScreen(ConfirmingScreen[Outcome]):
    """Shows the plan for a request, runs it once it is confirmed, and returns the outcome; None if it was not run.

    Args:
        commands: the way to act.
        request: what the user wants.
        clock: unix seconds; what arming is compared with.
        settle_s: keys count only once the plan has been on the screen for so long.
    """

    def __init__(
        self,
        commands: CommandPort,
        request: ActionRequest,
        *,
        clock: Callable[[], float] = time.time,
        settle_s: float = SETTLE_S,
    ) -> None:
        spec = spec_of(commands, request.action)
        verb = spec.verb if spec is not None else plain(request.action, 60)
        what = f"{verb} {plain(request.unit, 80)} on" if request.unit else verb
        has_reason = spec is not None and spec.takes_reason
        super().__init__(
            commands,
            f"{what} {plain(request.host, 60)}",
            request.host,
            reason=request.reason if has_reason else None,
            clock=clock,
            settle_s=settle_s,
        )
        self.spec = spec
        self._request = request
        self._plan: Plan | None = None

    async def fetch(self) -> Draft:
        """Ask for the plan."""
        if self.reason is not None:
            self._request = replace(self._request, reason=self.reason)
        plan = await self.commands.plan(self._request)
        self._plan = plan
        return draft_of(plan, self.spec)

    async def carry_out(self, typed: str, override: str) -> Ending | None:
        """Run exactly what was shown."""
        assert self._plan is not None  # noqa: S101 — it was shown
        return Ending.of_outcome(await self.commands.run(self._plan, typed, override))

    def result(self) -> Outcome | None:
        """What came of it."""
        return self.ending.outcome if self.ending is not None else None

    @property
    def undo_words(self) -> str:
        """What would take it back."""
        back = self._back()
        spec = spec_of(self.commands, back.action) if back is not None else None
        if back is None or spec is None:
            return ""
        return f"{spec.verb.lower()} {plain(back.hosts[0], 60)}"

    def undo(self) -> None:
        """Ask for the plan of what takes it back."""
        if (back := self._back()) is not None:
            self.app.post_message(OrderPlaced(back))

    def _back(self) -> Order | None:
        """What takes it back: as the plan says, which knows how it was before; else what can be said without asking."""
        spec, plan, ending = self.spec, self._plan, self.ending
        if spec is None or plan is None or ending is None or not ending.is_verified:
            return None
        if plan.undo is not None:
            return Order.of_request(plan.undo)
        undo = spec_of(self.commands, spec.undo) if spec.undo else None
        return undo_of(spec, undo, Order.of_request(plan.request))

    @property
    def can_change(self) -> bool:
        """Whether the action has parameters."""
        return self.spec is not None and bool(self.spec.parameters)

    def change(self) -> None:
        """Ask for other parameters, then for another plan."""
        self.app.post_message(OrderPlaced(Order.of_request(self._request), wants_form=True))
        self.dismiss(None)


class StepScreen(PlanScreen):
    """Shows the plan of a runbook's next step and runs it.

    Args:
        commands: the way to act.
        run_id: of the runbook under way.
        plan: of its next step, as it was first asked for.
        clock, settle_s: as for `PlanScreen`.
    """

    def __init__(
        self,
        commands: CommandPort,
        run_id: str,
        plan: Plan,
        *,
        clock: Callable[[], float] = time.time,
        settle_s: float = SETTLE_S,
    ) -> None:
        super().__init__(commands, plan.request, clock=clock, settle_s=settle_s)
        self.reason = None  # it is the runbook's
        self._run_id = run_id
        self._first: Plan | None = plan

    async def fetch(self) -> Draft:
        """Show the plan that was asked for; ask anew the second time."""
        plan, self._first = self._first, None
        plan = plan or await self.commands.plan_step(self._run_id)
        if plan is None or plan.request.action != self._request.action:
            raise ActionError("another step is the next one now", "leave this and look at the runbook again")
        self._plan = plan
        return draft_of(plan, self.spec)

    async def carry_out(self, typed: str, override: str) -> Ending | None:
        """Run the step; how it stands afterwards is in the runbook."""
        at = self._at()
        await self.commands.run_step(self._run_id, self._plan, typed, override)
        run = next((run for run in self.commands.activity.runbooks if run.run_id == self._run_id), None)
        return Ending.of_step(run.steps[at]) if run is not None and at < len(run.steps) else None

    @property
    def can_change(self) -> bool:
        """What a step does is said by its runbook."""
        return False

    def _at(self) -> int:
        found = (run.at for run in self.commands.activity.runbooks if run.run_id == self._run_id)
        return next(found, 0)


def draft_of(plan: Plan, spec: ActionSpec | None) -> Draft:
    """A plan as the dialog shows it. What is destructive wants the host's name even where the plan forgot to say so."""
    host = plan.request.host
    expected = plan.confirmation or (host if plan.danger is Danger.DESTRUCTIVE else "")
    return Draft(
        plan.title,
        plan.danger,
        plan_rows(plan, spec),
        expected=expected,
        subject="the host name" if expected == host else f"“{plain(expected, 60)}”",
        standing=plan.standing,
        plan_id=plan.plan_id,
        running=command_rows(plan),
    )
