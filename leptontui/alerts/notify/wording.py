"""What a message says: a title and a body in plain text, complete enough to decide whether to get up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from leptontui.alerts.notify.defuse import defused, link
from leptontui.alerts.notify.message import Message, News, Part
from leptontui.alerts.notify.told import Known
from leptontui.model.alert import Alert
from leptontui.model.series import Eta

TITLE_CHARS: Final = 150
"""Titles become subjects and push messages, which show about so many."""
BODY_CHARS: Final = 3500
"""Telegram takes 4,096 characters, Slack 3,000 to 40,000 by field; longer texts are cut or split on their way."""
_LINE: Final = 300
_FULL: Final = 3
"""Alerts of a part that are told in full; of more there is one line each."""
_LISTED: Final = 12
_DIGESTED: Final = 15
_EVIDENCE: Final = 6
_LABELS: Final = 400
_MINUTE_S: Final = 60
_HOUR_MIN: Final = 60
_DAY_H: Final = 24
_IN_DAYS_H: Final = 48
_HIDDEN_LABELS: Final = frozenset({"rule", "host"})


def words(message: Message) -> tuple[str, str]:
    """Title and body of a message."""
    if message.is_digest:
        return _digest(message)
    part = message.parts[0]
    body = _about(part, message.at_unix_s)
    return _headline(part), _joined([*_gap(message), *body])


def clock(t_unix_s: float) -> str:
    """A time as messages write it: readers may be anywhere, so always UTC."""
    try:
        return datetime.fromtimestamp(t_unix_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, ValueError, OSError):
        return "an unknown time"


def lasting(seconds: float) -> str:
    """A duration in the largest two units that matter: "40 s", "12 min", "3 h 5 min", "2 d 4 h"."""
    whole = max(0, round(seconds))
    if whole < _MINUTE_S:
        return f"{whole} s"
    minutes = whole // _MINUTE_S
    if minutes < _HOUR_MIN:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, _HOUR_MIN)
    if hours < _IN_DAYS_H:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, _DAY_H)
    return f"{days} d {hours} h" if hours else f"{days} d"


def expected(eta: Eta) -> str:
    """When a threshold will be crossed: always an interval."""
    early = clock(eta.earliest_unix_s)
    if eta.latest_unix_s is None:
        return f"from {early} on"
    return f"between {early} and {clock(eta.latest_unix_s)}"


def detail(alert: Alert, now: float) -> list[str]:
    """Everything about one alert but its summary, a line each."""
    started = alert.fired_unix_s if alert.fired_unix_s is not None else alert.since_unix_s
    lines = [f"since {clock(alert.since_unix_s)}"]
    if now - started >= _MINUTE_S:
        lines[0] += f" ({lasting(now - alert.since_unix_s)})"
    if alert.eta is not None:
        lines.append(f"expected {expected(alert.eta)}")
    if alert.is_over:
        lines.append("its condition is over for now")
    if alert.is_flapping or alert.flaps:
        lines.append(f"came and went {alert.flaps} times lately")
    lines += [defused(line, _LINE) for line in alert.evidence[:_EVIDENCE]]
    if len(alert.evidence) > _EVIDENCE:
        lines.append(f"and {len(alert.evidence) - _EVIDENCE} more lines of evidence")
    if alert.action:
        lines.append(f"suggested: {defused(alert.action, _LINE)}")
    if runbook := link(alert.runbook):
        lines.append(f"runbook: {runbook}")
    if labels := shown_labels(alert):
        lines.append(labels)
    return lines


def shown_labels(alert: Alert) -> str:
    """Its labels on one line: "rule: disk-full, group=train, rack=r1"."""
    pairs = [f"{name}={value}" for name, value in alert.labels if name not in _HIDDEN_LABELS and value]
    return defused(", ".join([f"rule: {alert.rule}", *pairs]), _LABELS)


def _digest(message: Message) -> tuple[str, str]:
    new = sum(len(part.new) for part in message.parts)
    ended = sum(len(part.ended) for part in message.parts)
    still = sum(len(part.still) for part in message.parts)
    counts = [f"{new} new"] * bool(new) + [f"{still} going on"] * bool(still) + [f"{ended} resolved"] * bool(ended)
    missed = len(message.missed) + message.missed_more
    counts += [f"{missed} came and went"] * bool(missed)
    firing = [part.level for part in message.parts if part.news is not News.RESOLVED]
    badge = f"[{max(firing).word.upper()}] " if firing else ""
    title = f"{badge}{len(message.parts) or missed} troubles at once: {', '.join(counts)}"
    lines = _gap(message)
    lines += [f"• {_headline(part)}{_more(part)}" for part in message.parts[:_DIGESTED]]
    if len(message.parts) > _DIGESTED:
        lines.append(f"and {len(message.parts) - _DIGESTED} more; leptontui shows them all")
    if missed:
        lines.append("Came and went while nothing could be sent:")
        lines += _listed([_ended(entry) for entry in message.missed], missed)
    return defused(title, TITLE_CHARS), _joined(lines)


def _gap(message: Message) -> list[str]:
    if message.failing_unix_s is None:
        return []
    return [f"Nothing could be sent from {clock(message.failing_unix_s)} to {clock(message.at_unix_s)}."]


def _more(part: Part) -> str:
    count = len(part.new) + len(part.still) + len(part.ended)
    return f" ({count} alerts)" if count > 1 else ""


def _headline(part: Part) -> str:
    count = len(part.ended)
    title = part.title or (f"{count} alerts" if count > 1 else "an alert")
    match part.news:
        case News.RESOLVED:
            text = f"Resolved: {title}"
        case News.REMINDER:
            text = f"[{part.level.word.upper()}] Still: {title}"
        case News.UPDATE if not part.new and not part.still:
            text = f"Partly resolved: {title}"
        case News.UPDATE:
            text = f"[{part.level.word.upper()}] Changed: {title}"
        case News.FIRING:
            is_future = all(alert.is_predictive for alert in part.new)
            text = f"[{part.level.word.upper()}{', predicted' if is_future else ''}] {title}"
    return defused(text, TITLE_CHARS)


def _about(part: Part, now: float) -> list[str]:
    lines: list[str] = []
    if part.cause:
        lines.append(f"Common cause: {defused(part.cause, _LINE)}")
    if part.new:
        if part.still or part.ended:
            lines.append(f"New ({len(part.new)}):")
        lines += _alerts(part.new, now)
    if part.ended:
        if part.news is not News.RESOLVED:
            lines.append(f"Resolved ({len(part.ended)}):")
        lines += _listed([_ended(entry) for entry in part.ended], len(part.ended))
    if part.still:
        lines.append(f"Still firing ({len(part.still)}):")
        lines += _alerts(part.still, now) if part.news is News.REMINDER else _listed(map(_one_line, part.still))
    return lines


def _alerts(alerts: tuple[Alert, ...], now: float) -> list[str]:
    if len(alerts) > _FULL:
        first = [f"  {line}" for line in detail(alerts[0], now)]
        rest = _listed([_one_line(alert) for alert in alerts[1:]])
        return [_one_line(alerts[0]), *first, *rest]
    lines: list[str] = []
    for alert in alerts:
        lines += [_one_line(alert), *(f"  {line}" for line in detail(alert, now))]
    return lines


def _one_line(alert: Alert) -> str:
    host = alert.subject.host
    is_named = not host or host in alert.summary
    return defused(alert.summary if is_named else f"{host}: {alert.summary}", _LINE)


def _ended(entry: Known) -> str:
    is_named = not entry.host or entry.host in entry.summary
    text = defused(entry.summary if is_named else f"{entry.host}: {entry.summary}", _LINE)
    return text if entry.ended_unix_s is None else f"{text} (ended {clock(entry.ended_unix_s)})"


def _listed(lines: Iterable[str], count: int | None = None) -> list[str]:
    lines = list(lines)
    count = len(lines) if count is None else count
    shown = [f"• {line}" for line in lines[:_LISTED]]
    return shown + ([f"• and {count - len(shown)} more"] if count > len(shown) else [])


def _joined(lines: Iterable[str]) -> str:
    """The lines, as many as fit; what does not is counted."""
    kept: list[str] = []
    left = BODY_CHARS
    lines = list(lines)
    for n, line in enumerate(lines):
        left -= len(line) + 1
        if left < 0:
            kept.append(f"… {len(lines) - n} more lines; leptontui shows them all")
            break
        kept.append(line)
    return "\n".join(kept)
