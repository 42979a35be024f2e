"""The filter of alerts: `xid host:gpu-0* rack:r3 level:page !job:8812`; words, and labels by name."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from leptontui.model.alert import Alert

_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class AlertTerm:
    """One condition on an alert.

    Attributes:
        label: whose value is compared; "" for a word that may occur anywhere.
        words: texts of which one must fit, lower case; with `*` and `?` the whole value must.
        is_negated: must not hold.
    """

    label: str
    words: tuple[str, ...]
    is_negated: bool = False


def terms_of(text: str) -> tuple[AlertTerm, ...]:
    """A filter's conditions, all of which must hold. Never raises: everything can be understood as a word."""
    return tuple(term for token in text[:_LONGEST].lower().split() if (term := _term(token)) is not None)


def fits(alert: Alert, terms: Sequence[AlertTerm]) -> bool:
    """Whether all conditions hold for an alert."""
    if not terms:
        return True
    text = haystack(alert)
    return all(_holds(term, alert, text) is not term.is_negated for term in terms)


def haystack(alert: Alert) -> str:
    """All that a word may occur in, lower case."""
    acknowledged = alert.acknowledgement
    who = f"{acknowledged.who} {acknowledged.why}" if acknowledged is not None else ""
    labels = " ".join(value for _, value in alert.labels)
    return f"{alert.summary} {alert.rule} {alert.subject.host} {alert.subject.instance} {labels} {who}".lower()


def _term(token: str) -> AlertTerm | None:
    is_negated = token.startswith("!")
    body = token.removeprefix("!")
    name, _, value = body.replace("=", ":", 1).partition(":")
    if value and name.replace("_", "").isalnum():
        return AlertTerm(name, tuple(word for word in value.split(",") if word), is_negated=is_negated)
    return AlertTerm("", (body,), is_negated=is_negated) if body else None


def _holds(term: AlertTerm, alert: Alert, text: str) -> bool:
    if not term.label:
        return any(_has(text, word) for word in term.words)
    value = _value(alert, term.label)
    return any(fnmatch.fnmatchcase(value, word.replace("[", "[[]")) for word in term.words)


def _value(alert: Alert, label: str) -> str:
    own = {"level": alert.level.word, "rule": alert.rule, "host": alert.subject.host, "state": alert.state.value}
    return (own.get(label) or alert.label(label)).lower()


def _has(text: str, word: str) -> bool:
    if "*" in word or "?" in word:
        return fnmatch.fnmatchcase(text, f"*{word.replace('[', '[[]')}*")
    return word in text
