"""Alerts in words and signs: how urgent, when it will be, how good such predictions were, who looks after it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from leptontui.model.alert import Alert, AlertState, Level, NotifierStatus, PredictionRecord, Silence
from leptontui.model.eta_words import wait_words
from leptontui.model.health import Severity
from leptontui.model.series import Eta
from leptontui.model.text import plain
from leptontui.render.cells import Piece
from leptontui.render.numbers import age
from leptontui.render.quantity import duration_text

NOTE_GLYPH: Final = "·"
_GLYPHS: Final = {Level.PAGE: Severity.CRITICAL.glyph, Level.TICKET: Severity.WARNING.glyph, Level.NOTE: NOTE_GLYPH}
_ROLES: Final = {Level.PAGE: "critical", Level.TICKET: "warning", Level.NOTE: "dim"}
_DAY_S: Final = 86_400.0
_NAME: Final = 24


def sign_of(level: Level, *, is_predictive: bool) -> tuple[str, str]:
    """Glyph and role of an alert: ✖ page, ▲ ticket, · note, ◆ predicted."""
    if is_predictive:
        return Severity.PREDICTED.glyph, "predicted"
    return _GLYPHS[level], _ROLES[level]


def eta_text(eta: Eta, now_unix_s: float) -> str:
    """When it is expected, as an interval: "in 11 min (7–19)", "in 3 h (2–5)"; "was expected by 03:11" after that."""
    if eta.latest_unix_s is not None and eta.latest_unix_s <= now_unix_s:
        return f"was expected by {clock(eta.latest_unix_s, now_unix_s)}"
    return f"in {wait_words(eta, now_unix_s)}"


def eta_clock(eta: Eta, now_unix_s: float) -> str:
    """The same as times of day: "03:23 (03:19–03:31)"."""
    near = clock(eta.earliest_unix_s, now_unix_s)
    far = "later" if eta.latest_unix_s is None else clock(eta.latest_unix_s, now_unix_s)
    interval = f"({near}–{far})" if eta.latest_unix_s is not None else f"({near} or later)"
    return interval if eta.expected_unix_s is None else f"{clock(eta.expected_unix_s, now_unix_s)} {interval}"


def precision_text(record: PredictionRecord | None) -> str:
    """How good a rule's predictions were: "… were right 9 of 11 times, 2 came without warning"."""
    if record is None or record.precision is None:
        return "none of this rule's predictions has been judged yet"
    judged = record.came_true + record.did_not
    missed = f", {record.missed} came without warning" if record.missed else ""
    return f"this rule's predictions were right {record.came_true} of {judged} time{'' if judged == 1 else 's'}{missed}"


def precision_short(record: PredictionRecord | None) -> str:
    """The same for a column: "right 9 of 11", "not judged yet"."""
    if record is None or record.precision is None:
        return "not judged yet"
    return f"right {record.came_true} of {record.came_true + record.did_not}"


def record_of(records: Iterable[PredictionRecord], rule: str) -> PredictionRecord | None:
    """How the predictions of one rule have done; None if nothing is known."""
    return next((record for record in records if record.rule == rule), None)


def marks(
    alert: Alert, now_unix_s: float, silences: Iterable[Silence] = (), *, has_state: bool = True
) -> tuple[Piece, ...]:
    """Who or what looks after an alert, and how it behaves: "✓ anna", "silenced until 08:00", "flapping ×4"."""
    pieces: list[Piece] = []
    if has_state and alert.state is AlertState.PENDING:
        pieces.append(Piece(f"pending {age(now_unix_s - alert.since_unix_s)}", "dim"))
    if alert.is_over:
        pieces.append(Piece("over for now", "accent") if alert.acknowledgement is None else Piece("over", "dim"))
    if alert.inhibited_by:
        pieces.append(Piece("explained by the above", "dim"))
    if (taken := alert.acknowledgement) is not None:
        pieces.append(Piece(f"✓ {plain(taken.who, _NAME)}", "well"))
    if alert.silenced_by:
        silence = next((each for each in silences if each.id == alert.silenced_by), None)
        until = f" until {clock(silence.until_unix_s, now_unix_s)}" if silence is not None else ""
        pieces.append(Piece(f"silenced{until}", "dim"))
    if alert.is_flapping:
        pieces.append(Piece(f"flapping ×{alert.flaps}", "warning"))
    elif alert.flaps:
        pieces.append(Piece(f"back ×{alert.flaps}", "dim"))
    return _spaced(pieces)


def notifier_pieces(status: NotifierStatus, now_unix_s: float) -> tuple[Piece, ...]:
    """How telling people through one way goes."""
    name = plain(status.name, 40)
    waiting = f", {status.waiting} waiting" if status.waiting else ""
    if status.failing_since_unix_s is None:
        return (Piece(name), Piece(f" {status.sent} sent{waiting}", "dim"))
    since = clock(status.failing_since_unix_s, now_unix_s)
    return (Piece(f"✖ {name} fails since {since}{waiting}: {plain(status.trouble, 160)}", "critical"),)


def clock(t_unix_s: float, now_unix_s: float) -> str:
    """The time of day; with the day before or after it where it is not within a day."""
    local = time.localtime(t_unix_s)
    return time.strftime("%H:%M" if abs(t_unix_s - now_unix_s) < _DAY_S else "%a %d %b %H:%M", local)


def lasted(alert: Alert, now_unix_s: float) -> str:
    """How long an alert has held, or did."""
    end = alert.resolved_unix_s if alert.resolved_unix_s is not None else now_unix_s
    return duration_text(end - alert.since_unix_s)


def _spaced(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    found: list[Piece] = []
    for piece in pieces:
        found += [Piece("  "), piece] if found else [piece]
    return tuple(found)
