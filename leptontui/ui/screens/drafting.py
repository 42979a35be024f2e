"""The frame of a dialog before something is run: what would be done is asked for, read, and heard of while it runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import ClassVar, Final, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from leptontui.errors import LeptonError
from leptontui.model.action import says_why
from leptontui.model.text import plain
from leptontui.ports import CommandPort
from leptontui.render.activity_words import took
from leptontui.ui.widgets.draft import Draft
from leptontui.ui.widgets.ending import Ending
from leptontui.ui.widgets.plan_box import PlanBox
from leptontui.ui.widgets.plan_hints import Standpoint, hint, way_out
from leptontui.ui.widgets.plan_inputs import SettledInput, Stage
from leptontui.ui.widgets.plan_rows import ending_rows, running_rows
from leptontui.ui.widgets.plan_sheet import DANGER_ROLES, PlanHead, PlanSheet

_LOG = logging.getLogger(__name__)
SETTLE_S: Final = 0.4
"""Keys that were under way when the plan appeared must not confirm it: nobody has read it in less."""
_LISTEN_S: Final = 0.25
_UNARMED: Final = "read-only"
"""The guard's rule that arming lifts: while read-only the dialog says how to arm instead."""
_BAD: Final = frozenset({"critical", "warning", "unknown"})
R = TypeVar("R")


class DraftScreen(ModalScreen[R | None]):
    """Shows what would be done. What it is about never changes while it is open.

    Args:
        commands: the way to act.
        title: what is wanted, in words, before the plan is there.
        asked: who is asked what would be done.
        reason: why, where a reason belongs to it and can be changed; None where none does.
        clock: unix seconds; what arming is compared with.
        settle_s: keys count only once the plan has been on the screen for so long.
    """

    CSS_PATH = "../styles/plan.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave it alone"),
        Binding("up", "roll(-1)", "up", show=False),
        Binding("down", "roll(1)", "down", show=False),
        Binding("pageup", "roll(-10)", "page up", show=False),
        Binding("pagedown", "roll(10)", "page down", show=False),
        Binding("ctrl+o", "change", "change it", show=False),
    ]

    def __init__(
        self,
        commands: CommandPort,
        title: str,
        asked: str,
        *,
        reason: str | None,
        clock: Callable[[], float],
        settle_s: float,
    ) -> None:
        super().__init__()
        self.commands = commands
        self.clock = clock
        self.reason = plain(reason) if reason is not None else None
        self.settle_s = settle_s
        self.ending: Ending | None = None
        self._wanted = plain(title, 120)
        self._asked = plain(asked, 60)
        self._settled_at = float("inf")
        self._stage = Stage.ASKING
        self._draft: Draft | None = None
        self._has_left = False
        self._complaint = ""
        self._began_unix_s = 0.0

    # What subclasses say.

    async def fetch(self) -> Draft:
        """Ask what would be done. Changes nothing.

        Raises:
            LeptonError: it cannot be planned.
        """
        raise NotImplementedError

    @property
    def undo_words(self) -> str:
        """What would take it back, for a key; "" where nothing does, or nothing was done."""
        return ""

    @property
    def can_try(self) -> bool:
        """Whether it ended without having been verified: then one may ask again what would be done."""
        return self._stage is Stage.ENDED and self.ending is not None and self.ending.role in _BAD

    @property
    def can_change(self) -> bool:
        """Whether parameters, unit or pace can be changed from here."""
        return False

    # The frame.

    def compose(self) -> ComposeResult:
        """Title, reason, plan, confirmation, and what the keys do now."""
        yield PlanBox(self.reason or "")

    def on_mount(self) -> None:
        """Ask for the plan at once."""
        self.query_one("#plan-reason-row").display = self.reason is not None
        self.set_interval(1.0, self.draw)
        self.set_interval(_LISTEN_S, self._listen)
        self.ask()

    # Asking.

    def ask(self) -> None:
        """Ask for the plan, again if there is one: it has to be read anew."""
        self._stage, self._draft, self._settled_at = Stage.ASKING, None, float("inf")
        self.ending = None
        self.set_focus(None)
        for name in ("#plan-typed", "#plan-override"):
            self.query_one(name, Input).value = ""
        self.draw()
        self.run_worker(self._fetch(), group="plan", exclusive=True, exit_on_error=False)

    async def _fetch(self) -> None:
        try:
            draft = await self.fetch()
        except LeptonError as error:
            self._unplanned(f"✖ this cannot be planned: {error.cause}", error.mend)
        except Exception as error:  # noqa: BLE001 — the boundary of a task: logged and shown
            _LOG.exception("planning %s failed", self._wanted)
            self._unplanned(f"✖ planning went wrong: {error}", "")
        else:
            self._draft, self._stage = draft, Stage.SHOWN
            self.draw()
            self.query_one("#plan-scroll", VerticalScroll).scroll_home(animate=False)
            self.call_after_refresh(self._settle_soon)

    def _unplanned(self, words: str, mend: str) -> None:
        self._stage = Stage.UNPLANNED
        self.draw()
        self.query_one(PlanSheet).show_words(f"{words} — {mend}" if mend else words, "critical")

    def _settle_soon(self) -> None:
        """Count from when the plan, or the ending, has been painted."""
        self._settled_at = time.monotonic() + self.settle_s
        for field in self.query(SettledInput):
            field.not_before = self._settled_at
        self.set_timer(self.settle_s, self._settle) if self.settle_s > 0 else self._settle()

    def _settle(self) -> None:
        self.draw()
        self._focus_field()

    @property
    def is_settled(self) -> bool:
        """Whether what is shown has been on the screen for long enough to be read."""
        return time.monotonic() >= self._settled_at

    # Where it stands.

    @property
    def lets_answer(self) -> bool:
        """Whether a question, such as sudo's for a password, may be answered over this dialog."""
        return self._stage is Stage.RUNNING

    @property
    def _armed_for_s(self) -> float | None:
        until = self.commands.armed_until_unix_s
        left = None if until is None else until - self.clock()
        return left if left is not None and left > 0 else None

    @property
    def _expected(self) -> str:
        return self._draft.expected if self._draft is not None else ""

    @property
    def _overridable(self) -> tuple[str, ...]:
        standing = self._draft.standing if self._draft is not None else ()
        return tuple(dict.fromkeys(rule.rule for rule in standing if rule.may_be_overridden))

    @property
    def _blocked_by(self) -> str:
        standing = self._draft.standing if self._draft is not None else ()
        return next((rule.rule for rule in standing if not rule.may_be_overridden and rule.rule != _UNARMED), "")

    @property
    def _override(self) -> str:
        return plain(self.query_one("#plan-override", Input).value).strip() if self._overridable else ""

    @property
    def _is_planned(self) -> bool:
        return self.reason is None or self.query_one("#plan-reason", Input).value == self.reason

    # Drawing.

    def _focus_field(self) -> None:
        """Go to what has to be filled in next."""
        if self._stage is not Stage.SHOWN or self._armed_for_s is None or self._blocked_by:
            return
        if self._overridable and not says_why(self._override):
            self.query_one("#plan-override", Input).focus()
        elif self._expected:
            self.query_one("#plan-typed", Input).focus()
        else:
            self.set_focus(None)

    def draw(self) -> None:
        """All of it."""
        draft, sheet, stage = self._draft, self.query_one(PlanSheet), self._stage
        danger = draft.danger if draft is not None else None
        self.query_one(PlanHead).show(draft.title if draft is not None else self._wanted, danger, self._armed_for_s)
        box = self.query_one(PlanBox)
        for each, role in DANGER_ROLES.items():
            box.set_class(danger is each, f"-{role}")
        if stage is Stage.ASKING:
            sheet.show_words(f"asking {self._asked} what would be done …")
        elif stage is Stage.SHOWN and draft is not None:
            sheet.show(draft.rows)
        elif stage is Stage.ENDED and self.ending is not None:
            sheet.show(ending_rows(self.ending))
        self._draw_fields()
        self._draw_hint()
        self._listen()
        self.call_after_refresh(self.query_one(PlanBox).fit)

    def on_resize(self) -> None:
        """The rows are shared anew."""
        self.call_after_refresh(self.query_one(PlanBox).fit)

    def _draw_fields(self) -> None:
        is_open = self._stage is Stage.SHOWN
        may_type = is_open and self.is_settled and self._armed_for_s is not None and not self._blocked_by
        self.query_one("#plan-reason-row").display = self.reason is not None and self._stage in {
            Stage.ASKING,
            Stage.SHOWN,
        }
        self.query_one("#plan-reason", Input).disabled = not (is_open and self.is_settled)
        self.query_one("#plan-override", Input).disabled = not may_type
        self.query_one("#plan-typed", Input).disabled = not may_type
        can_confirm = is_open and self._armed_for_s is not None and not self._blocked_by
        self.query_one("#plan-override-row").display = can_confirm and bool(self._overridable)
        self.query_one("#plan-confirm-row").display = can_confirm and bool(self._expected)
        subject = self._draft.subject if self._draft is not None else ""
        self.query_one("#plan-question", Label).update(f"Type {subject} to go on:")

    def _listen(self) -> None:
        """While it runs, what it has said so far."""
        draft = self._draft
        if self._stage is Stage.RUNNING and draft is not None:
            said = self.commands.said(draft.plan_id) if draft.plan_id else ()
            since = took(self._began_unix_s, None, self.clock())
            self.query_one(PlanSheet).show(running_rows(draft.running, said, since))
            self.call_after_refresh(self.query_one(PlanBox).fit, shows_end=True)

    def _complain(self, words: str) -> None:
        """Say why nothing was run, until something else is typed."""
        self._complaint = words
        self._draw_hint()

    def _draw_hint(self) -> None:
        at = Standpoint(
            self._stage,
            is_armed=self._armed_for_s is not None,
            complaint=plain(self._complaint, 200),
            blocked_by=self._blocked_by,
            has_reason=self.reason is not None,
            is_planned=self._is_planned,
            overridable=self._overridable,
            override=self._override,
            expected=self._expected,
            typed=self.query_one("#plan-typed", Input).value,
            can_change=self.can_change,
            can_try=self.can_try,
            undo=self.undo_words,
        )
        words, role = hint(at)
        label = self.query_one("#plan-hint", Label)
        label.update(words)
        label.set_classes(f"-{role}")
        self.query_one("#plan-way-out", Label).update(way_out(at))
