"""Everything about one alert as lines: what, since when, evidence, verdict, what can be done, labels, who was told."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Iterator, Sequence
from typing import Final

from leptontui.model.alert import Alert, AlertGroup, AlertState
from leptontui.model.alert_history import Transition
from leptontui.model.text import plain
from leptontui.render.alert_words import (
    clock,
    eta_clock,
    eta_text,
    lasted,
    marks,
    notifier_pieces,
    precision_text,
    sign_of,
)
from leptontui.render.cells import Piece, fit
from leptontui.render.numbers import age, three
from leptontui.view.alert_page import AlertSheet

_LEFT: Final = 13
_OLD_S: Final = 30.0
_DAY_S: Final = 86_400.0
_LONGEST: Final = 400
_WHOLE: Final = 1e9
"""Counts and codes up to here are told as they are."""
_STATES: Final = {AlertState.PENDING: "pending", AlertState.FIRING: "firing", AlertState.RESOLVED: "resolved"}
Lines = Iterator[Sequence[Piece]]


def sheet_lines(sheet: AlertSheet, width: int, now_unix_s: float, *, action_words: str) -> list[Sequence[Piece]]:
    """The sheet without its history.

    Args:
        sheet: what is known.
        width: cells to fill.
        now_unix_s: against which ages are told.
        action_words: what the key for the plan would do; "" if nothing can be done from here.
    """
    alert = sheet.alert
    if alert is None:
        return [(Piece(" ◌ this alert is on the board no more; the history knows it", "unknown"),)]
    return [
        *_head(sheet, alert, width, now_unix_s),
        (),
        *_when(sheet, alert, width, now_unix_s),
        *_why(sheet, alert, width),
        *_do(alert, width, action_words),
        *_care(sheet, alert, width, now_unix_s),
        *_labels(alert, width),
        *_told(sheet, now_unix_s),
    ]


def _head(sheet: AlertSheet, alert: Alert, width: int, now_unix_s: float) -> Lines:
    glyph, role = sign_of(alert.level, is_predictive=alert.is_predictive)
    is_over = alert.state is AlertState.RESOLVED
    word = f"predicted, {alert.level.word}" if alert.is_predictive else alert.level.word
    found = marks(alert, now_unix_s, [sheet.silence] if sheet.silence is not None else (), has_state=False)
    yield (
        Piece(f" {'●' if is_over else glyph} {word}", "well" if is_over else role, is_bold=True),
        Piece(f"   {sheet.where}", is_bold=True),
        Piece(f"   {_STATES[alert.state]} {lasted(alert, now_unix_s)}", "dim"),
        Piece("   " if found else ""),
        *found,
    )
    for part in textwrap.wrap(plain(alert.summary, _LONGEST), max(20, width - 2)):
        yield (Piece(f" {part}", "text" if is_over else role, is_bold=not is_over),)


def _when(sheet: AlertSheet, alert: Alert, width: int, now_unix_s: float) -> Lines:
    begun = f"since {clock(alert.since_unix_s, now_unix_s)}"
    fired = f", fired at {clock(alert.fired_unix_s, now_unix_s)}" if alert.fired_unix_s is not None else ""
    ended = f", ended at {clock(alert.resolved_unix_s, now_unix_s)}" if alert.resolved_unix_s is not None else ""
    yield from _entry("when", f"{begun}{fired}{ended}", width)
    if alert.eta is not None:
        words = f"{eta_text(alert.eta, now_unix_s)}, at {eta_clock(alert.eta, now_unix_s)}; threshold"
        yield from _entry("expected", f"{words} {three(alert.eta.threshold)}", width, "predicted")
        yield from _entry("trust", precision_text(sheet.record), width)
    old = now_unix_s - alert.seen_unix_s
    if alert.state is not AlertState.RESOLVED and alert.seen_unix_s and (old >= _OLD_S or not sheet.is_live):
        words = f"its condition was last seen {age(old)} ago: nothing fresh is known of its host"
        yield from _entry("seen", words if not sheet.is_live else words.partition(":")[0], width, "warning")


def _why(sheet: AlertSheet, alert: Alert, width: int) -> Lines:
    if alert.value is not None:
        limit = f", threshold {three(alert.eta.threshold)}" if alert.eta is not None else ""
        yield from _entry("value", f"{_number(alert.value)}{limit}", width)
    for number, line in enumerate(line for line in alert.evidence if line):
        yield from _entry("evidence" if not number else "", plain(line, _LONGEST), width)
    yield from _entry("rule", plain(alert.rule, 80), width, "dim")
    if sheet.verdict is not None:
        source = f" — says {sheet.verdict.source}" if sheet.verdict.source else ""
        yield from _entry("verdict", f"{sheet.verdict.words}{source}", width)
        for line in sheet.verdict.evidence:
            if line not in alert.evidence:
                yield from _entry("", line, width, "dim")
    if sheet.explained_by:
        yield from _entry("explained by", sheet.explained_by, width, "dim")
    if sheet.group is not None and len(sheet.group.alerts) > 1:
        yield from _entry("part of", _part_of(sheet.group), width)


def _part_of(group: AlertGroup) -> str:
    """Of several on one host the title is the worst one's summary: mostly what stands above already."""
    hosts = {member.subject.host for member in group.alerts}
    if len(hosts) == 1 and group.cause.startswith("host: "):
        return f"one of {len(group.alerts)} alerts on {plain(hosts.pop(), 60)}"
    words = f"one of {len(group.alerts)}: {plain(group.title)}"
    return f"{words} ({plain(group.cause, 80)})" if group.cause else words


def _do(alert: Alert, width: int, action_words: str) -> Lines:
    if action_words:
        yield (*_label("to do"), Piece("p", "accent", is_bold=True), Piece(f"  {action_words}"))
    elif alert.action:
        yield from _entry("to do", f"{plain(alert.action, 60)} (not from here)", width, "dim")
    if alert.runbook:
        yield from _entry("runbook", plain(alert.runbook, _LONGEST), width, "accent")


def _care(sheet: AlertSheet, alert: Alert, width: int, now_unix_s: float) -> Lines:
    if (taken := alert.acknowledgement) is not None:
        why = f": {plain(taken.why, _LONGEST)}" if taken.why else ""
        words = f"by {plain(taken.who, 60)} at {clock(taken.at_unix_s, now_unix_s)}{why}"
        yield from _entry("acknowledged", words, width, "well")
    if (silence := sheet.silence) is not None:
        words = f"until {clock(silence.until_unix_s, now_unix_s)} by {plain(silence.who, 60)}"
        yield from _entry("silenced", f"{words}: {plain(silence.why, _LONGEST)}", width)
    if alert.flaps:
        damped = ", and is damped: it stays until it has been calm" if alert.is_flapping else ""
        yield from _entry("flaps", f"ended and began again {alert.flaps} times lately{damped}", width, "warning")


def _labels(alert: Alert, width: int) -> Lines:
    words = "  ".join(f"{plain(name, 40)}={plain(value, 80)}" for name, value in alert.labels)
    if words:
        yield from _entry("labels", words, width, "dim")


def _told(sheet: AlertSheet, now_unix_s: float) -> Lines:
    if not sheet.notifiers:
        yield (*_label("told"), Piece("nobody: no notifier is configured", "dim"))
    for number, status in enumerate(sheet.notifiers):
        yield (*_label("told by" if not number else ""), *notifier_pieces(status, now_unix_s))


def history_lines(
    history: Sequence[Transition] | None, trouble: str, width: int, now_unix_s: float
) -> list[Sequence[Piece]]:
    """What happened to it, newest first; None while it is being read."""
    if trouble:
        return list(_entry("history", f"✖ {trouble}", width, "critical"))
    if history is None:
        return list(_entry("history", "reading …", width, "dim"))
    if not history:
        return list(_entry("history", "nothing is written of it yet", width, "dim"))
    lines: list[Sequence[Piece]] = []
    for number, step in enumerate(history):
        at = time.strftime("%H:%M:%S", time.localtime(step.at_unix_s))
        is_today = abs(now_unix_s - step.at_unix_s) < _DAY_S
        day = "" if is_today else time.strftime("%d %b ", time.localtime(step.at_unix_s))
        who = f" by {plain(step.who, 60)}" if step.who else ""
        why = f": {plain(step.why, 200)}" if step.why else ""
        lines.append(
            (
                *_label("history" if not number else ""),
                Piece(f"{day}{at}  ", "dim"),
                Piece(step.happening.value),
                Piece(f"{who}{why}", "dim"),
            )
        )
    return lines


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else three(value)


def _label(text: str) -> tuple[Piece, ...]:
    return (Piece(f" {fit(text, _LEFT)} ", "dim"),)


def _entry(label: str, text: str, width: int, role: str = "text") -> Lines:
    """A label and its text, wrapped beside it."""
    for number, part in enumerate(textwrap.wrap(text, max(20, width - _LEFT - 3)) or [""]):
        yield (*_label(label if not number else ""), Piece(part, role))
