"""What Alertmanager is to know: the alerts that fire, again and again until they end, and their ends for a while.

Alertmanager forgets what nobody repeats, and takes it for ended: its v2 API, and "Sending alerts" in its documentation.
Grouping, repetition and rates are its own. What it was told stays until it ends, even where somebody acknowledges or
silences it here: to stop repeating it would make Alertmanager tell people that it had ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from leptontui.alerts.notify.defuse import defused, link
from leptontui.alerts.notify.spec import Policy
from leptontui.alerts.notify.wording import detail, expected
from leptontui.model.alert import Alert, AlertGroup, AlertState
from leptontui.model.alert_history import Happening, Transition

REFRESH_S: Final = 60.0
"""What fires is repeated so often; Prometheus' `--rules.alert.resend-delay` has the same default."""
HOLD_S: Final = 300.0
"""What was not repeated for so long has ended: Alertmanager's default `resolve_timeout`. Allows for four losses."""
ENDED_S: Final = 900.0
"""An end is repeated for so long, as Prometheus does (`resolvedRetention`): Alertmanager may be restarting."""
MOST_AT_ONCE: Final = 250
"""Alerts in one request."""
_VALUE: Final = 200
_TEXT: Final = 1000


@dataclass(frozen=True, slots=True)
class Mirrored:
    """One alert as Alertmanager is to see it.

    Attributes:
        id: ours.
        labels: its identity there, as they were when it was first sent: a label that changed would be another alert.
        summary: its newest one.
        starts_unix_s: when it began to fire.
        ended_unix_s: when it ended; None while it fires.
        told_unix_s: when Alertmanager last heard of it; None if never.
        is_news: it has begun or ended since.
    """

    id: str
    labels: Mapping[str, str]
    summary: str
    starts_unix_s: float
    ended_unix_s: float | None = None
    told_unix_s: float | None = None
    is_news: bool = True


@dataclass(frozen=True, slots=True)
class Mirror:
    """Everything one Alertmanager is to know. Immutable; kept over restarts.

    Attributes:
        alerts: by id.
        failing_unix_s: since when nothing gets through; None while well.
        count: requests that it took.
    """

    alerts: Mapping[str, Mirrored] = field(default_factory=dict)
    failing_unix_s: float | None = None
    count: int = 0


class Seen(NamedTuple):
    """An alert that fires, and the group that it is in."""

    alert: Alert
    group: AlertGroup


def reflect(
    policy: Policy,
    mirror: Mirror,
    groups: Iterable[AlertGroup],
    transitions: Iterable[Transition],
    now: float,
) -> tuple[Mirror, dict[str, Seen]]:
    """Step on to another board.

    Args:
        policy: what is wanted; of its times none is used.
        mirror: before.
        groups: the whole board.
        transitions: since the last board; say when alerts ended.
        now: unix seconds.

    Returns:
        The mirror after, and what fires of it, by id.
    """
    endings = {step.alert.id: step.at_unix_s for step in transitions if step.happening is Happening.RESOLVED}
    alerts: dict[str, Mirrored] = {}
    seen: dict[str, Seen] = {}
    firing: set[str] = set()
    for group in groups:
        for alert in group.alerts:
            if alert.state is not AlertState.FIRING:
                continue
            firing.add(alert.id)
            entry = mirror.alerts.get(alert.id)
            if policy.wants(alert) and (entry is not None or alert.is_active):
                alerts[alert.id] = _reflected(entry, alert, now)
                seen[alert.id] = Seen(alert, group)
    for entry in mirror.alerts.values():
        if entry.id in firing or entry.told_unix_s is None:
            continue
        ended = entry.ended_unix_s if entry.ended_unix_s is not None else min(now, endings.get(entry.id, now))
        if now - ended < ENDED_S:
            is_news = entry.is_news or entry.ended_unix_s is None
            alerts[entry.id] = replace(entry, ended_unix_s=ended, is_news=is_news)
    return replace(mirror, alerts=alerts), seen


def to_send(mirror: Mirror, now: float) -> tuple[Mirrored, ...]:
    """What Alertmanager is to hear now, news first, at most `MOST_AT_ONCE`."""
    found = [entry for entry in mirror.alerts.values() if _at(entry, now) <= now]
    found.sort(key=lambda entry: (not entry.is_news, entry.told_unix_s or 0.0, entry.starts_unix_s, entry.id))
    return tuple(found[:MOST_AT_ONCE])


def next_unix_s(mirror: Mirror, now: float) -> float | None:
    """When there is something to send if nothing changes; None if there never is."""
    return min((_at(entry, now) for entry in mirror.alerts.values()), default=None)


def taken(mirror: Mirror, sent: Iterable[Mirrored], now: float) -> Mirror:
    """The mirror after Alertmanager took `sent`. What the board has become meanwhile is kept."""
    alerts = dict(mirror.alerts)
    for entry in sent:
        current = alerts.get(entry.id)
        if current is None:  # ended before it was known that it had arrived: its end is still to be told
            alerts[entry.id] = replace(entry, told_unix_s=now, is_news=False)
        else:
            is_same = current.ended_unix_s == entry.ended_unix_s and current.starts_unix_s == entry.starts_unix_s
            alerts[entry.id] = replace(current, told_unix_s=now, is_news=current.is_news and not is_same)
    return replace(mirror, alerts=alerts, failing_unix_s=None, count=mirror.count + 1)


def payload(entry: Mirrored, seen: Seen | None, now: float, origin: str) -> dict[str, object]:
    """The alert as Alertmanager's `POST /api/v2/alerts` takes it (its OpenAPI: `postableAlert`).

    Args:
        entry: the alert.
        seen: all that is known of it; None if it ended.
        now: unix seconds.
        origin: this machine's name, for `generatorURL`.
    """
    return {
        "labels": dict(entry.labels),
        "annotations": {"summary": defused(entry.summary, _TEXT)} if seen is None else _annotations(seen, now),
        "startsAt": _rfc3339(entry.starts_unix_s),
        "endsAt": _rfc3339(now + HOLD_S if entry.ended_unix_s is None else entry.ended_unix_s),
        "generatorURL": f"leptontui://{origin}/alert/{entry.id}",
    }


def _at(entry: Mirrored, now: float) -> float:
    if entry.is_news or entry.told_unix_s is None:
        return now
    return min(now, entry.told_unix_s) + REFRESH_S


def _reflected(entry: Mirrored | None, alert: Alert, now: float) -> Mirrored:
    if entry is not None and entry.ended_unix_s is None:
        return entry if entry.summary == alert.summary else replace(entry, summary=alert.summary)
    starts = min(now, alert.fired_unix_s if alert.fired_unix_s is not None else alert.since_unix_s)
    if entry is None:
        return Mirrored(alert.id, _labels(alert), alert.summary, starts)
    # It has begun again.
    return replace(entry, summary=alert.summary, starts_unix_s=starts, ended_unix_s=None, is_news=True)


def _labels(alert: Alert) -> dict[str, str]:
    labels = {_label_name(name): defused(value, _VALUE) for name, value in alert.labels}
    labels.setdefault("severity", alert.level.word)
    labels["alertname"] = defused(alert.rule, _VALUE)
    labels["level"] = alert.level.word
    labels["entity"] = alert.subject.entity.value
    labels["host"] = defused(alert.subject.host, _VALUE)
    labels["instance"] = defused(alert.subject.instance or alert.subject.host, _VALUE)
    if alert.is_predictive:
        labels["predictive"] = "true"
    return {name: value for name, value in labels.items() if value}


def _label_name(name: str) -> str:
    """Prometheus' data model: `[a-zA-Z_][a-zA-Z0-9_]*`."""
    name = re.sub(r"[^a-zA-Z0-9_]", "_", name)
    return name if name[:1].isalpha() or name.startswith("_") else f"_{name}"


def _annotations(seen: Seen, now: float) -> dict[str, str]:
    alert, group = seen
    acknowledged = alert.acknowledgement
    found = {
        "summary": defused(alert.summary, _TEXT),
        "description": "\n".join(detail(alert, now)),
        "runbook_url": link(alert.runbook),
        "suggested_action": defused(alert.action, _VALUE),
        "expected": "" if alert.eta is None else expected(alert.eta),
        "trouble": defused(group.title, _TEXT) if len(group.alerts) > 1 else "",
        "cause": defused(group.cause, _TEXT),
        "acknowledged": "" if acknowledged is None else defused(f"{acknowledged.who}: {acknowledged.why}", _TEXT),
    }
    return {name: text for name, text in found.items() if text}


def _rfc3339(t_unix_s: float) -> str:
    try:
        return datetime.fromtimestamp(t_unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
