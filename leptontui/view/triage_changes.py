"""What changed lately: alerts that fired, were taken on or ended, hosts that booted or came back, what hosts told."""

from __future__ import annotations

import fnmatch
import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from leptontui.model.alert import Alert, AlertGroup, Level
from leptontui.model.health import Severity
from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot
from leptontui.view.alert_filter import AlertTerm, fits
from leptontui.view.alert_places import Numbers, apart, place_of
from leptontui.view.event_rows import EventRow, event_rows
from leptontui.view.recoveries import recoveries
from leptontui.view.triage_rows import ChangeRow

LATELY_S: Final = 3600.0
"""What is older than this is found in the history."""
TOGETHER_S: Final = 60.0
"""Own choice: what ends within a minute of the one before ended together."""
_MOST: Final = 100
_OF: Final = {Level.PAGE: Severity.CRITICAL, Level.TICKET: Severity.WARNING, Level.NOTE: Severity.UNKNOWN}


def severity_of_level(level: Level) -> Severity:
    """The severity whose sign and colour an alert of that level has."""
    return _OF[level]


def changes(snapshot: FleetSnapshot, terms: Sequence[AlertTerm], numbers: Numbers) -> tuple[ChangeRow, ...]:
    """What changed in the last hour, newest first, bounded."""
    since = snapshot.t_unix_s - LATELY_S
    board = snapshot.alerts
    found: list[Found] = [
        *(one for group in board.groups for one in _of_group(group, since, terms)),
        *_ended((alert for alert in board.resolved if fits(alert, terms)), since),
    ]
    # Of thousands only the newest are put in words.
    newest = heapq.nlargest(_MOST, found, key=_time)
    rows = [_row(one, numbers) for one in newest]
    told = (*_events(snapshot, since), *_boots(snapshot), *recoveries(snapshot.outages.values(), board.resolved, since))
    rows += [row for row in told if _speaks(row, terms)]
    rows.sort(key=lambda row: -row.t_unix_s)
    return tuple(rows[:_MOST])


class Found(NamedTuple):
    """Something that happened to alerts of one group, not yet in words.

    Attributes:
        t_unix_s: when.
        what: in a word.
        alerts: to which, at least one.
        group: theirs; None for one that has ended.
        who: who did it; "" for the program.
        why: what they wrote.
    """

    t_unix_s: float
    what: str
    alerts: Sequence[Alert]
    group: AlertGroup | None = None
    who: str = ""
    why: str = ""


def _urgency(alert: Alert) -> tuple[Level, bool]:
    return alert.level, not alert.is_predictive


def _time(found: Found) -> float:
    return found.t_unix_s


def _of_group(group: AlertGroup, since: float, terms: Sequence[AlertTerm]) -> Iterator[Found]:
    """When a trouble fired, and who took it on: one line each, however many alerts it has."""
    alerts = [alert for alert in group.alerts if not alert.inhibited_by and fits(alert, terms)]
    fired = [alert for alert in alerts if alert.fired_unix_s is not None and alert.fired_unix_s >= since]
    if fired:
        yield Found(min(alert.fired_unix_s or 0.0 for alert in fired), "fired", fired, group)
    taken: dict[tuple[str, str], list[Alert]] = {}
    for alert in alerts:
        if (by := alert.acknowledgement) is not None and by.at_unix_s >= since:
            taken.setdefault((by.who, by.why), []).append(alert)
    for (who, why), mine in taken.items():
        at = max(alert.acknowledgement.at_unix_s for alert in mine if alert.acknowledgement is not None)
        yield Found(at, "acknowledged", mine, group, who, why)


def _together(group: AlertGroup, alerts: Sequence[Alert]) -> str:
    """Where several alerts of a group are, in a word; "" for what is on one host."""
    hosts = {alert.subject.host for alert in alerts}
    return (plain(group.cause, 60) or f"{len(hosts)} hosts") if len(hosts) > 1 else ""


def _ended(alerts: Iterable[Alert], since: float) -> Iterator[Found]:
    """What ended: one line for all that one rule told of one host and that ended together."""
    runs: dict[tuple[str, str], list[list[Alert]]] = {}
    times = [(alert.resolved_unix_s, alert) for alert in alerts if alert.resolved_unix_s is not None]
    for at, alert in sorted(times, key=lambda one: one[0]):
        if at < since:
            continue
        mine = runs.setdefault((alert.rule, alert.subject.host), [])
        if mine and at - (mine[-1][-1].resolved_unix_s or 0.0) <= TOGETHER_S:
            mine[-1].append(alert)
        else:
            mine.append([alert])
    for run in (run for mine in runs.values() for run in mine):
        yield Found(run[-1].resolved_unix_s or 0.0, "resolved", run)


def _of_alert(alert: Alert) -> Severity:
    return Severity.PREDICTED if alert.is_predictive else severity_of_level(alert.level)


def _row(found: Found, numbers: Numbers) -> ChangeRow:
    first, group = max(found.alerts, key=_urgency), found.group
    is_one = group is None or len(found.alerts) == 1
    where = (_together(group, found.alerts) if group is not None else "") or place_of(first, numbers)
    if group is None and len({alert.subject for alert in found.alerts}) > 1:
        where = plain(first.subject.host, 60) or "fleet"
    text = apart(plain(first.summary if is_one or group is None else group.title), where, plain(first.subject.host, 60))
    if found.who:
        text = f"{found.who}{f': {found.why}' if found.why else ''} — {text}"
    return ChangeRow(
        (found.what, f"{first.id}@{found.t_unix_s:.0f}"),
        found.t_unix_s,
        found.what,
        _of_alert(first) if found.what == "fired" else Severity.WELL,
        where,
        plain(text),
        host=first.subject.host,
        gpu_uuid=gpu_of(first),
        alert_id=first.id,
        count=len(found.alerts),
    )


def gpu_of(alert: Alert) -> str | None:
    """The GPU an alert is about, None if it is about something else."""
    return alert.subject.instance or None if alert.subject.entity.value == "gpu" else None


def _events(snapshot: FleetSnapshot, since: float) -> Iterator[ChangeRow]:
    """What hosts reported, repeated ones counted; what was before we connected is no change."""
    recent = [event for event in snapshot.events if event.t_unix_s >= since and not event.is_backlog]
    for row in event_rows(recent, {}):
        yield ChangeRow(
            ("event", "\n".join(str(part) for part in row.key)),
            row.t_unix_s,
            row.what,
            row.severity,
            _where(row, snapshot),
            row.text or row.meaning,
            host=row.host,
            gpu_uuid=row.gpu_uuid,
            count=row.count,
        )


def _where(row: EventRow, snapshot: FleetSnapshot) -> str:
    host = plain(row.host, 60)
    if row.gpu_uuid is None:
        return f"{host} {row.where}" if row.where else host
    gpus = snapshot.frames.gpus
    if {"uuid", "index"} <= set(gpus.columns):
        found = gpus.filter((gpus["uuid"] == row.gpu_uuid) & (gpus["host"] == row.host))
        if found.height and found["index"][0] is not None:
            return f"{host} GPU {found['index'][0]}"
    return host


def _boots(snapshot: FleetSnapshot) -> Iterator[ChangeRow]:
    """Hosts that are up for less than an hour, as they say themselves."""
    hosts = snapshot.frames.hosts
    if not {"uptime_s", "received_unix_s"} <= set(hosts.columns):
        return
    young = hosts.filter(hosts["uptime_s"] < LATELY_S).select("host", "uptime_s", "received_unix_s")
    for name, uptime_s, received in young.head(_MOST).iter_rows():
        if received is not None:
            yield ChangeRow(
                ("booted", f"{name}@{round((received - uptime_s) / 60)}"),
                received - uptime_s,
                "booted",
                Severity.UNKNOWN,
                plain(name, 60),
                "its kernel started",
                host=name,
            )


def _speaks(row: ChangeRow, terms: Sequence[AlertTerm]) -> bool:
    """Whether a filter of alerts leaves what is none: words anywhere, and the host by name."""
    text = f"{row.where} {row.what} {row.text}".lower()
    for term in terms:
        if term.label not in {"", "host"}:
            return False
        value = text if not term.label else row.host.lower()
        found = any(fnmatch.fnmatchcase(value, word if term.label else f"*{word}*") for word in term.words)
        if found is term.is_negated:
            return False
    return True
