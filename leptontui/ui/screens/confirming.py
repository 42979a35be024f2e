"""A dialog that runs what it shows once that is confirmed: a key, a typed name or count; none too early."""

from __future__ import annotations

import logging
from typing import TypeVar

from textual import events
from textual.containers import VerticalScroll
from textual.widgets import Input

from leptontui.errors import LeptonError
from leptontui.model.action import says_why
from leptontui.model.text import plain
from leptontui.ui.screens.drafting import SETTLE_S, DraftScreen
from leptontui.ui.widgets.draft import Draft
from leptontui.ui.widgets.ending import Ending
from leptontui.ui.widgets.plan_inputs import Stage

__all__ = ["SETTLE_S", "ConfirmingScreen"]

_LOG = logging.getLogger(__name__)
R = TypeVar("R")


class ConfirmingScreen(DraftScreen[R]):
    """Carries out what is shown once it is confirmed; see `DraftScreen` for its arguments."""

    # What subclasses say.

    async def carry_out(self, typed: str, override: str) -> Ending | None:
        """Do it, as it was drafted; None closes the dialog.

        Raises:
            LeptonError: it was refused, or it is not known what came of it.
        """
        raise NotImplementedError

    def result(self) -> R | None:
        """What the dialog returns once it has ended."""
        return None

    def undo(self) -> None:
        """Ask for what takes it back."""

    def change(self) -> None:
        """Let them be changed, then plan again."""

    # Confirming.

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the reason plans again, in the override goes on, in the confirmation runs if it is exactly right."""
        event.stop()
        if self._stage is not Stage.SHOWN or not self.is_settled:
            return
        if event.input.id == "plan-reason":
            if self._is_planned:
                self._focus_field()
            else:
                self.reason = event.value
                self.ask()
        elif event.input.id == "plan-override":
            self._focus_field()
            self.draw()
        elif event.value != self._expected:
            self._complain(f"✖ that is not {plain(self._expected)}: nothing was run")
        else:
            self._run_if_allowed(event.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once whether what is typed matches."""
        event.stop()
        self._complain("")

    def on_key(self, event: events.Key) -> None:
        """One key confirms what one key may confirm, arms, plans again, closes what has ended; none of them early."""
        if event.time < self._settled_at and self._stage is not Stage.RUNNING:
            return
        match self._stage, event.key:
            case Stage.ENDED, "enter":
                self.action_leave()
            case Stage.ENDED, "u" if self.undo_words:
                self.undo()
                self.action_leave()
            case Stage.ENDED, "p" if self.can_try:
                self.ask()
            case Stage.SHOWN, "A" if self._armed_for_s is None:
                self._arm()
            case Stage.SHOWN, "p" if self._blocked_by:
                self.ask()
            case Stage.SHOWN, "y" if not self._expected:
                self._run_if_allowed("")
            case Stage.RUNNING, "a":
                self.call_later(self.app.run_action, "app.answer")
            case _:
                return
        event.stop()

    def _arm(self) -> None:
        try:
            self.commands.arm()
        except LeptonError as error:
            self.app.notify(plain(str(error), 300), severity="error", markup=False)
        self.ask()  # the plan said what stands in its way while read-only

    def _run_if_allowed(self, typed: str) -> None:
        if not self._is_planned:
            self._complain("✖ the reason has changed: enter in its field plans again")
        elif self._overridable and not says_why(self._override):
            self._complain(f"✖ say first why {', '.join(self._overridable)} is set aside: nothing was run")
        elif self._armed_for_s is None or self._blocked_by:
            self.draw()
        elif self._draft is not None:
            override = self._override
            self._stage, self._began_unix_s = Stage.RUNNING, self.clock()
            self.set_focus(None)
            self.draw()
            # The app's worker, not the dialog's: it must go on when the dialog is left.
            self.app.run_worker(self._run(self._draft, typed, override), group="actions", exit_on_error=False)

    async def _run(self, draft: Draft, typed: str, override: str) -> None:
        try:
            ending = await self.carry_out(typed, override)
        except LeptonError as error:
            ending = Ending.of_error(error)
        except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
            _LOG.exception("running %s failed", draft.title)
            ending = Ending.of_error(error)
        self.ending = ending
        if self._has_left:
            if ending is not None:
                title, severity = plain(draft.title), ending.severity
                self.app.notify(ending.line, title=title, severity=severity, timeout=60, markup=False)
            return
        self._stage = Stage.ENDED
        if ending is None:
            self.dismiss(self.result())
            return
        self._settled_at = float("inf")
        self.draw()
        self.call_after_refresh(self._settle_soon)

    def action_leave(self) -> None:
        """Leave it alone; what runs goes on, and says so."""
        if self._stage is Stage.ENDED:
            if self.is_settled and self.ending is not None:
                self.dismiss(self.result())
            return
        if self._stage is Stage.RUNNING and self._draft is not None:
            self._has_left = True
            title = plain(self._draft.title)
            self.app.notify(f"{title} goes on in the background; what comes of it will be told here.", markup=False)
        self.dismiss(None)

    def action_change(self) -> None:
        """Let parameters, unit or pace be changed."""
        if self._stage in {Stage.SHOWN, Stage.UNPLANNED} and self.can_change:
            self.change()

    def action_roll(self, rows: int) -> None:
        """Move what is to be read."""
        self.query_one("#plan-scroll", VerticalScroll).scroll_relative(y=rows, animate=False)
