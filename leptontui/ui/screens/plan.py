"""The dialog before an action: what would be done, exactly; then the confirmation; then what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from leptontui.errors import LeptonError
from leptontui.model.action import ActionName, ActionRequest, Danger, Outcome, Plan
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.text import plain
from leptontui.ports import CommandPort
from leptontui.ui.widgets.plan_inputs import SettledInput, Stage
from leptontui.ui.widgets.plan_sheet import DANGER_ROLES, Ending, PlanHead, PlanSheet

_LOG = logging.getLogger(__name__)
SETTLE_S = 0.4
"""Keys that were under way when the plan appeared must not confirm it: nobody has read it in less."""


class PlanScreen(ModalScreen[Outcome | None]):
    """Shows the plan for a request, runs it once it is confirmed, and returns the outcome; None if it was not run.

    Args:
        commands: the way to act.
        request: what the user wants.
        clock: unix seconds; what arming is compared with.
        settle_s: keys count only once the plan has been on the screen for so long.
    """

    CSS_PATH = "../styles/plan.tcss"
    BINDINGS = [("escape", "leave", "leave it alone")]  # noqa: RUF012 — Textual reads it from the class

    def __init__(
        self,
        commands: CommandPort,
        request: ActionRequest,
        *,
        clock: Callable[[], float] = time.time,
        settle_s: float = SETTLE_S,
    ) -> None:
        super().__init__()
        self._commands = commands
        self._request = request
        self._clock = clock
        self._settle_s = settle_s
        self._settled_at = float("inf")
        self._stage = Stage.ASKING
        self._plan: Plan | None = None
        self._ending: Ending | None = None
        self._has_left = False
        self._complaint = ""

    def compose(self) -> ComposeResult:
        """Title, reason, plan, confirmation, and what the keys do now."""
        with Vertical(id="plan-box"):
            yield PlanHead()
            with Horizontal(id="plan-reason-row"):
                yield Label("reason", classes="plan-label")
                yield SettledInput(plain(self._request.reason), id="plan-reason", compact=True)
            with VerticalScroll(id="plan-scroll", can_focus=False):
                yield PlanSheet()
            with Horizontal(id="plan-confirm-row"):
                yield Label("", id="plan-question", markup=False)
                yield SettledInput(id="plan-typed", compact=True)
            with Horizontal(id="plan-foot"):
                yield Label("", id="plan-hint", markup=False)
                yield Label("esc: leave it alone", id="plan-way-out", markup=False)

    def on_mount(self) -> None:
        """Ask for the plan at once."""
        self.query_one("#plan-reason-row").display = self._request.action == ActionName.DRAIN
        self._request = (
            replace(self._request, reason=plain(self._request.reason)) if self._request.reason else self._request
        )
        self.set_interval(1.0, self._draw)
        self._ask()

    # Asking.

    def _ask(self) -> None:
        self._stage, self._plan, self._settled_at = Stage.ASKING, None, float("inf")
        self.set_focus(None)
        self._draw()
        self.run_worker(self._fetch(self._request), group="plan", exclusive=True, exit_on_error=False)

    async def _fetch(self, request: ActionRequest) -> None:
        try:
            plan = await self._commands.plan(request)
        except LeptonError as error:
            self._unplanned(f"✖ this cannot be planned: {error.cause}", error.mend)
        except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
            _LOG.exception("planning %s of %s failed", request.action, request.host)
            self._unplanned(f"✖ planning went wrong: {error}", "")
        else:
            self._plan, self._stage = plan, Stage.SHOWN
            self._draw()
            self.call_after_refresh(self._settle_soon)

    def _unplanned(self, words: str, mend: str) -> None:
        self._stage = Stage.UNPLANNED
        self._draw()
        self.query_one(PlanSheet).show_words(f"{words} — {mend}" if mend else words, "critical")

    def _settle_soon(self) -> None:
        """Count from when the plan, or the ending, has been painted."""
        self._settled_at = time.monotonic() + self._settle_s
        for field in self.query(SettledInput):
            field.not_before = self._settled_at
        self.set_timer(self._settle_s, self._settle) if self._settle_s > 0 else self._settle()

    def _settle(self) -> None:
        self._draw()
        self._focus_field()

    @property
    def _is_settled(self) -> bool:
        return time.monotonic() >= self._settled_at

    # Confirming.

    @property
    def _is_armed(self) -> bool:
        until = self._commands.armed_until_unix_s
        return until is not None and until > self._clock()

    @property
    def _expected(self) -> str:
        """What has to be typed; "" where one key is enough."""
        if self._plan is None:
            return ""
        is_destructive = self._plan.danger is Danger.DESTRUCTIVE
        return self._plan.confirmation or (self._plan.request.host if is_destructive else "")

    @property
    def _is_reason_planned(self) -> bool:
        is_drain = self._request.action == ActionName.DRAIN
        return not is_drain or self.query_one("#plan-reason", Input).value == self._request.reason

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the reason plans again; enter in the confirmation runs, if it is exactly right."""
        event.stop()
        if self._stage is not Stage.SHOWN or not self._is_settled:
            return
        if event.input.id == "plan-reason":
            if self._is_reason_planned:
                self._focus_field()
            else:
                self._request = replace(self._request, reason=event.value)
                self._ask()
        elif event.value != self._expected:
            self._complain(f"✖ that is not {plain(self._expected)}: nothing was run")
        else:
            self._run_if_allowed(event.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once whether what is typed matches."""
        event.stop()
        self._complain("")

    def on_key(self, event: events.Key) -> None:
        """`y` confirms what one key may confirm, `A` arms, enter closes what has ended; none of them early."""
        if event.time < self._settled_at:
            return
        if event.key == "enter" and self._stage is Stage.ENDED:
            event.stop()
            self.action_leave()
        elif event.key == "A" and self._stage is Stage.SHOWN and not self._is_armed:
            event.stop()
            self._commands.arm()
            self._ask()  # the plan said what stands in its way while read-only
        elif event.key == "y" and self._stage is Stage.SHOWN and not self._expected:
            event.stop()
            self._run_if_allowed("")

    def _run_if_allowed(self, typed: str) -> None:
        if not self._is_reason_planned:
            self._complain("✖ the reason has changed: enter in its field plans again")
        elif not self._is_armed:
            self._draw()
        elif self._plan is not None:
            self._stage = Stage.RUNNING
            self.set_focus(None)
            self._draw()
            # The app's worker, not the dialog's: it must go on when the dialog is left.
            self.app.run_worker(self._run(self._plan, typed), group="actions", exit_on_error=False)

    async def _run(self, plan: Plan, typed: str) -> None:
        try:
            ending = Ending.of_outcome(await self._commands.run(plan, typed))
        except LeptonError as error:
            ending = Ending.of_error(error)
        except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
            _LOG.exception("running %s failed", plan.title)
            ending = Ending.of_error(error)
        self._ending, self._stage = ending, Stage.ENDED
        if self._has_left:
            title, severity = plain(plan.title), ending.severity
            self.app.notify(ending.line, title=title, severity=severity, timeout=60, markup=False)
            return
        self._settled_at = float("inf")
        self._draw()
        self.call_after_refresh(self._settle_soon)

    def action_leave(self) -> None:
        """Leave it alone; what runs goes on, and says so."""
        if self._stage is Stage.ENDED:
            if self._is_settled and self._ending is not None:
                self.dismiss(self._ending.outcome)
            return
        if self._stage is Stage.RUNNING and self._plan is not None:
            self._has_left = True
            title = plain(self._plan.title)
            self.app.notify(f"{title} goes on in the background; what comes of it will be told here.", markup=False)
        self.dismiss(None)

    # Drawing.

    def _focus_field(self) -> None:
        if self._stage is Stage.SHOWN and self._is_armed and self._expected:
            self.query_one("#plan-typed", Input).focus()

    def _draw(self) -> None:
        plan, sheet = self._plan, self.query_one(PlanSheet)
        spec = SHIPPED.get(self._request.action)
        verb = spec.verb if spec is not None else plain(self._request.action, 60)
        what = f"{verb} {self._request.unit or self._request.host}"
        self.query_one(PlanHead).show(
            plan.title if plan is not None else what, plan.danger if plan is not None else None
        )
        box = self.query_one("#plan-box")
        for danger, role in DANGER_ROLES.items():
            box.set_class(plan is not None and plan.danger is danger, f"-{role}")
        if self._stage is Stage.ASKING:
            sheet.show_words(f"asking {plain(self._request.host)} what would be done …")
        elif self._stage is Stage.SHOWN and plan is not None:
            sheet.show_plan(plan)
        elif self._stage is Stage.ENDED and self._ending is not None:
            sheet.show_ending(self._ending)
        is_open = self._stage is Stage.SHOWN
        is_drain = self._request.action == ActionName.DRAIN
        self.query_one("#plan-reason-row").display = is_drain and self._stage in {Stage.ASKING, Stage.SHOWN}
        self.query_one("#plan-reason", Input).disabled = not (is_open and self._is_settled)
        typed = self.query_one("#plan-typed", Input)
        typed.disabled = not (is_open and self._is_settled and self._is_armed)
        self.query_one("#plan-confirm-row").display = is_open and bool(self._expected) and self._is_armed
        subject = "the host name" if self._expected == self._request.host else f"“{plain(self._expected, 60)}”"
        self.query_one("#plan-question", Label).update(f"Type {subject} to go on:")
        self._draw_hint()

    def _complain(self, words: str) -> None:
        """Say why nothing was run, until something else is typed."""
        self._complaint = words
        self._draw_hint()

    def _draw_hint(self) -> None:
        """What the next key does, in words."""
        way_out = "esc: leave it alone"
        match self._stage:
            case Stage.SHOWN if self._complaint and self._is_armed:
                self._hint(self._complaint, "critical")
            case Stage.SHOWN if not self._is_armed:
                self._hint("read-only: press A to arm", "warning")
            case Stage.SHOWN if not self._is_reason_planned:
                self._hint("the reason has changed: enter plans again", "warning")
            case Stage.SHOWN if not self._expected:
                self._hint("y: do it", "accent")
            case Stage.SHOWN:
                typed = self.query_one("#plan-typed", Input).value
                is_right = typed == self._expected
                words = "enter: do it" if is_right else "does not match yet" if typed else "tab: change the reason"
                if not typed and self._request.action != ActionName.DRAIN:
                    words = ""
                self._hint(words, "critical" if is_right else "dim")
            case Stage.RUNNING:
                self._hint("running …", "accent")
                way_out = "esc: leave it running"
            case Stage.ENDED:
                self._hint("", "dim")
                way_out = "enter: close"
            case _:
                self._hint("", "dim")
        self.query_one("#plan-way-out", Label).update(way_out)

    def _hint(self, words: str, role: str) -> None:
        label = self.query_one("#plan-hint", Label)
        label.update(words)
        label.set_classes(f"-{role}")
