"""The parts of a dialog before something is run, from top to bottom, and how they share the rows."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Label

from leptontui.ui.widgets.plan_inputs import SettledInput
from leptontui.ui.widgets.plan_sheet import PlanHead, PlanSheet

_PADDING: Final = 2
_LEAST: Final = 3
"""Rows of what is to be read that are left on the smallest screen."""


class PlanBox(Vertical):
    """Title, reason, plan, override, confirmation, and what the keys do now.

    Args:
        reason: why, at first.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(id="plan-box")
        self._reason = reason

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield PlanHead()
        with Horizontal(id="plan-reason-row"):
            yield Label("reason", classes="plan-label")
            yield SettledInput(self._reason, id="plan-reason", compact=True)
        with VerticalScroll(id="plan-scroll", can_focus=False):
            yield PlanSheet()
        with Horizontal(id="plan-override-row"):
            yield Label("set aside because", classes="plan-label")
            yield SettledInput(id="plan-override", compact=True, max_length=300)
        with Horizontal(id="plan-confirm-row"):
            yield Label("", id="plan-question", markup=False)
            yield SettledInput(id="plan-typed", compact=True)
        with Horizontal(id="plan-foot"):
            yield Label("", id="plan-hint", markup=False)
            yield Label("esc: leave it alone", id="plan-way-out", markup=False)

    def fit(self, *, shows_end: bool = False) -> None:
        """What is to be read takes the rows that the rest leaves, and no more than it needs.

        Args:
            shows_end: whether its last rows are to be in sight, rather than where it was left.
        """
        if not self.is_attached or not self.query(PlanSheet):
            return  # the dialog was left before it was painted
        sheet, scroll = self.query_one(PlanSheet), self.query_one("#plan-scroll", VerticalScroll)
        rest = sum(
            child.outer_size.height + child.styles.margin.height
            for child in self.children
            if child.display and child is not scroll
        )
        size = self.screen.size
        needed = sheet.get_content_height(size, size, sheet.size.width)
        height = max(_LEAST, min(needed, size.height - rest - _PADDING))
        if scroll.styles.height is None or scroll.styles.height.cells != height:
            scroll.styles.height = height
        if shows_end:
            scroll.scroll_end(animate=False)
