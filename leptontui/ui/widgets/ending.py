"""How a run ended, in words: an outcome, or the error that came instead."""

from __future__ import annotations

from dataclasses import dataclass

from textual.notifications import SeverityLevel

from leptontui.errors import ActionError, AuditError, CommandTimeout, GuardRefused, LeptonError, LinkError, NotConfirmed
from leptontui.model.action import Outcome, OutcomeKind
from leptontui.model.activity import RunbookStep, TargetState
from leptontui.model.text import plain

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
    def of_step(cls, step: RunbookStep) -> Ending:
        """The words for a runbook's step that has ended, or goes on without us."""
        kinds = {kind.value: words for kind, words in _KINDS.items()}
        if step.state is TargetState.RUNNING:
            return cls("▸", "accent", "goes on", step.said)
        return cls(*kinds.get(step.state.value, _KINDS[OutcomeKind.UNKNOWN]), step.said)

    @classmethod
    def of_error(cls, error: Exception) -> Ending:
        """The words for an error that `run` raised."""
        cause, mend = (error.cause, error.mend) if isinstance(error, LeptonError) else (str(error) or repr(error), "")
        match error:
            case GuardRefused():
                place = f", set in {error.set_in}" if error.set_in else ""
                return cls("⊘", "warning", "refused, nothing was run", f"{cause} (rule: {error.rule}{place})", mend)
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
    def is_verified(self) -> bool:
        """Whether it was asked again, and is so."""
        return self.outcome is not None and self.outcome.kind is OutcomeKind.VERIFIED

    @property
    def severity(self) -> SeverityLevel:
        """How loudly it is told when the dialog has been left."""
        return "information" if self.role == "well" else "warning" if self.role == "warning" else "error"

    @property
    def line(self) -> str:
        """Everything but the output in one line, fit for the screen."""
        return plain(f"{self.glyph} {self.words}: {self.summary}" + (f" — {self.mend}" if self.mend else ""), 400)
