"""What a plan would do, and later what came of it, as labelled paragraphs; nothing in it is markup."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from leptontui.model.action import Danger
from leptontui.model.text import plain
from leptontui.render.canvas import Line
from leptontui.render.cells import fit
from leptontui.render.ink import Ink
from leptontui.render.numbers import countdown
from leptontui.render.palette import Palette
from leptontui.ui.widgets.painted import Painted
from leptontui.ui.widgets.plan_rows import SheetRow

_LABELS: Final = 22
DANGER_ROLES: Final = {Danger.HARMLESS: "ok", Danger.DISRUPTIVE: "warning", Danger.DESTRUCTIVE: "critical"}
"""The dialog's class by what is at stake."""
_DANGER_INK: Final = {Danger.HARMLESS: "well", Danger.DISRUPTIVE: "warning", Danger.DESTRUCTIVE: "critical"}


class PlanSheet(Painted):
    """The plan, or the ending, or a word of patience."""

    def __init__(self) -> None:
        super().__init__(id="plan-sheet")
        self._rows: tuple[SheetRow, ...] = ()

    def show_words(self, text: str, role: str = "dim") -> None:
        """Show one paragraph."""
        self.show([("", plain(text, 400), role)])

    def show(self, rows: Sequence[SheetRow]) -> None:
        """Show labelled paragraphs."""
        if tuple(rows) != self._rows:
            self._rows = tuple(rows)
            self.repaint()

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """Labels on the left, what they mean wrapped beside them."""
        ink = Ink(palette, on="surface")
        has_labels = any(label for label, _, _ in self._rows)
        column = _LABELS if has_labels else 0
        lines: list[Line] = []
        for label, text, role in self._rows:
            wrapped = textwrap.wrap(text, max(10, width - column - 2), break_on_hyphens=False) or [""]
            for number, piece in enumerate(wrapped):
                head = plain(label, column - 2) if label and number == 0 else ""
                label_role = role if role in {"warning", "critical"} else "dim"
                pen = ink.line().add(f" {head:<{column}}", label_role)
                lines.append(pen.add(piece, role, is_bold=role in {"critical", "well"}).fit(width))
        return lines


class PlanHead(Painted):
    """The dialog's title and how much is at stake."""

    def __init__(self) -> None:
        super().__init__(id="plan-head")
        self._title = ""
        self._danger: Danger | None = None
        self._armed_for_s: float | None = None

    def show(self, title: str, danger: Danger | None, armed_for_s: float | None = None) -> None:
        """Show a title.

        Args:
            title: what would be done.
            danger: what is at stake; None while that is not known.
            armed_for_s: seconds until arming expires; None while read-only.
        """
        self._title, self._danger, self._armed_for_s = plain(title, 120), danger, armed_for_s
        self.repaint()

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """One line."""
        ink = Ink(palette, on="surface")
        right = ink.line()
        if self._danger is not None:
            right.add(" danger: ", "dim").add(f"{self._danger.value} ", _DANGER_INK[self._danger], is_bold=True)
        armed = self._armed_for_s
        if armed is None:
            right.add("  READ-ONLY ", "dim")
        else:
            right.add(f"  ARMED {countdown(armed)} ", "critical", is_bold=True)
        left = ink.line().add(fit(f" {self._title}", max(0, width - right.width - 1)), "text", is_bold=True)
        return [left.fit(max(0, width - right.width)) + right.segments]
