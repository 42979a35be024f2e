"""What a plan would do, and later what came of it, as labelled paragraphs; nothing in it is markup."""

from __future__ import annotations

import shlex
import textwrap
from dataclasses import dataclass

from textual.notifications import SeverityLevel

from leptontui.errors import ActionError, AuditError, CommandTimeout, GuardRefused, LeptonError, LinkError, NotConfirmed
from leptontui.model.action import Danger, Outcome, OutcomeKind, Plan
from leptontui.model.text import plain
from leptontui.render.canvas import Line
from leptontui.render.ink import Ink
from leptontui.render.palette import Palette
from leptontui.ui.widgets.painted import Painted

_COMMAND_LIMIT = 2000
_LABELS = 22
DANGER_ROLES = {Danger.HARMLESS: "ok", Danger.DISRUPTIVE: "warning", Danger.DESTRUCTIVE: "critical"}

_KINDS = {
    OutcomeKind.VERIFIED: ("●", "well", "done and verified"),
    OutcomeKind.NOT_VERIFIED: ("▲", "warning", "ran, but could not be verified"),
    OutcomeKind.FAILED: ("✖", "critical", "failed"),
    OutcomeKind.REFUSED: ("⊘", "warning", "refused, nothing was run"),
    OutcomeKind.UNKNOWN: ("◌", "unknown", "not known whether it took effect"),
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How it ended, in words.

    Attributes:
        glyph: the sign for it.
        role: its colour in the palette.
        words: what happened, in a few words.
        summary: one line more.
        mend: what the user can do; "" if nothing.
        output: what the commands printed.
        outcome: what the command port returned; None if it raised instead.
    """

    glyph: str
    role: str
    words: str
    summary: str
    mend: str = ""
    output: str = ""
    outcome: Outcome | None = None

    @classmethod
    def of_outcome(cls, outcome: Outcome) -> Ending:
        """The words for an outcome."""
        glyph, role, words = _KINDS[outcome.kind]
        return cls(glyph, role, words, outcome.summary, output=outcome.output, outcome=outcome)

    @classmethod
    def of_error(cls, error: Exception) -> Ending:
        """The words for an error that `run` raised."""
        cause, mend = (error.cause, error.mend) if isinstance(error, LeptonError) else (str(error) or repr(error), "")
        match error:
            case GuardRefused():
                return cls("⊘", "warning", "refused, nothing was run", f"{cause} (rule: {error.rule})", mend)
            case NotConfirmed():
                return cls("⊘", "warning", "not confirmed, nothing was run", cause, mend)
            case AuditError():
                return cls("✖", "critical", "the audit cannot be written, nothing was run", cause, mend)
            case CommandTimeout() | LinkError():
                return cls("◌", "unknown", "not known whether it took effect", cause, mend)
            case ActionError():
                return cls("✖", "critical", "not carried out", cause, mend)
        return cls("◌", "unknown", "went wrong, not known whether it took effect", cause, mend)

    @property
    def severity(self) -> SeverityLevel:
        """How loudly it is told when the dialog has been left."""
        return "information" if self.role == "well" else "warning" if self.role == "warning" else "error"

    @property
    def line(self) -> str:
        """Everything but the output in one line, fit for the screen."""
        return plain(f"{self.glyph} {self.words}: {self.summary}" + (f" — {self.mend}" if self.mend else ""), 400)


class PlanSheet(Painted):
    """The plan, or the ending, or a word of patience."""

    def __init__(self) -> None:
        super().__init__(id="plan-sheet")
        self._rows: list[tuple[str, str, str]] = []

    def show_words(self, text: str, role: str = "dim") -> None:
        """Show one paragraph."""
        self._rows = [("", plain(text, 400), role)]
        self.repaint()

    def show_plan(self, plan: Plan) -> None:
        """Show the exact commands and what is known of their effect."""
        rows: list[tuple[str, str, str]] = []
        for number, step in enumerate(plan.steps):
            user = plain(step.login, 60).partition("@")[0]
            label = f"on {plain(step.host, 40)}" + (f" as {user}" if user else "")
            same = number > 0 and (plan.steps[number - 1].host, plan.steps[number - 1].login) == (step.host, step.login)
            rows.append(("" if same else label, plain(shlex.join(step.argv), _COMMAND_LIMIT), "accent"))
        rows += _paragraphs("running there", plan.running_there, "nothing is known to run there", "text")
        rows += _paragraphs("after this", plan.after_this, "", "text")
        rows += _paragraphs("then verified by", (plan.verification,), "", "text")
        rows += _paragraphs("▲ mind", plan.warnings, "", "warning")
        self._rows = rows
        self.repaint()

    def show_ending(self, ending: Ending) -> None:
        """Show what came of it, with what the commands printed."""
        rows = [("", f"{ending.glyph} {ending.words}", ending.role), ("", plain(ending.summary, 400), "text")]
        if ending.mend:
            rows.append(("", plain(ending.mend, 400), "text"))
        if ending.output:
            rows.append(("", "", "text"))
            rows += [("", plain(line, 400), "dim") for line in ending.output.splitlines()]
        self._rows = rows
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
                label_role = role if role == "warning" else "dim"
                pen = ink.line().add(f" {head:<{column}}", label_role)
                lines.append(pen.add(piece, role, is_bold=role in {"critical", "well"}).fit(width))
        return lines


def _paragraphs(label: str, texts: tuple[str, ...], absent: str, role: str) -> list[tuple[str, str, str]]:
    if not texts:
        return [(label, absent, "dim")] if absent else []
    return [(label if number == 0 else "", plain(text, 400), role) for number, text in enumerate(texts)]


class PlanHead(Painted):
    """The dialog's title and how much is at stake."""

    def __init__(self) -> None:
        super().__init__(id="plan-head")
        self._title = ""
        self._danger: Danger | None = None

    def show(self, title: str, danger: Danger | None) -> None:
        """Show a title; `danger` is None while it is not known."""
        self._title, self._danger = plain(title, 120), danger
        self.repaint()

    def paint(self, width: int, palette: Palette) -> list[Line]:
        """One line."""
        ink = Ink(palette, on="surface")
        right = ink.line()
        if self._danger is not None:
            right.add("danger: ", "dim").add(f"{self._danger.value} ", DANGER_ROLES[self._danger], is_bold=True)
        left = ink.line().add(f" {self._title}", "text", is_bold=True)
        return [left.fit(max(0, width - right.width)) + right.segments]
