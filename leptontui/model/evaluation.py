"""What evaluating the rules finds: new findings, and how known alerts stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from leptontui.model.alert import Subject
from leptontui.model.series import Eta


@dataclass(frozen=True, slots=True)
class Finding:
    """One subject for which a rule's condition holds, as an evaluation finds it.

    Attributes:
        rule: the rule's name.
        subject: what it is about.
        labels: sorted (name, value) pairs.
        summary: the rule's template, filled in; safe to show.
        value: the value that the rule names.
        evidence: further lines.
        eta: when, for a predictive rule.
    """

    rule: str
    subject: Subject
    labels: tuple[tuple[str, str], ...]
    summary: str
    value: float | None = None
    evidence: tuple[str, ...] = ()
    eta: Eta | None = None


class Standing(StrEnum):
    """How an alert that is there already stands in an evaluation."""

    MET = "met"
    """The rule's `when` holds."""
    HELD = "held"
    """`when` does not hold any more, but neither does `clear`: hysteresis."""
    CLEAR = "clear"
    UNSEEN = "unseen"
    """Nothing fresh is known of the subject (host blind): neither fire nor clear."""
    GONE = "gone"
    """The subject is gone from a host that is live (a process ended, a unit was removed)."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation of all rules found.

    Attributes:
        at_unix_s: when.
        met: every subject for which a rule's `when` holds, bounded per rule.
        standings: of the alerts that were asked about, by (rule, subject).
        troubles: rules that could not be evaluated, in words.
        overflow: per rule, how many more subjects met than are in `met`.
        crossed: per predictive rule, the subjects for which has come what it predicts: what its predictions are judged
            by. A subject of which nothing fresh is known is not in it.
    """

    at_unix_s: float
    met: tuple[Finding, ...]
    standings: dict[tuple[str, Subject], Standing] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()
    overflow: dict[str, int] = field(default_factory=dict)
    crossed: frozenset[tuple[str, Subject]] = frozenset()
