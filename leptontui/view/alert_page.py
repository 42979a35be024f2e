"""From a snapshot to all that is known of one alert. Called in a thread: a verdict is looked up in a frame."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.model.alert import Alert, AlertGroup, NotifierStatus, PredictionRecord, Silence
from leptontui.model.series import Entity
from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot
from leptontui.view.alert_places import gpu_names, place_of

_VERDICT = ("verdict_words", "verdict_source", "verdict_evidence")


@dataclass(frozen=True, slots=True)
class VerdictSaid:
    """What is recommended for the thing an alert is about. Texts are fit for the screen.

    Attributes:
        words: what to do and why.
        source: whose rule says so.
        evidence: what it was concluded from.
    """

    words: str
    source: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertSheet:
    """All that is known of one alert.

    Attributes:
        alert: the alert; None if it is neither on the board nor lately resolved.
        group: the trouble it belongs to; None if it has ended.
        where: host and part.
        is_live: something fresh is known of its host.
        record: how its rule's predictions have done; None for rules that do not predict, or before the first.
        silence: what silences it; None if nothing does.
        explained_by: what explains it away, in words; "" if nothing does.
        verdict: what is recommended; None if nothing is.
        notifiers: ways of telling people.
        evaluated_unix_s: when rules were last evaluated.
    """

    alert: Alert | None
    group: AlertGroup | None = None
    where: str = ""
    is_live: bool = False
    record: PredictionRecord | None = None
    silence: Silence | None = None
    explained_by: str = ""
    verdict: VerdictSaid | None = None
    notifiers: tuple[NotifierStatus, ...] = ()
    evaluated_unix_s: float = 0.0


def alert_sheet(snapshot: FleetSnapshot, alert_id: str, known: Alert | None = None) -> AlertSheet:
    """Everything about one alert.

    Args:
        snapshot: where it is looked up.
        alert_id: which.
        known: what was last known of it: shown if it is on the board no more.
    """
    board = snapshot.alerts
    group = next((each for each in board.groups if any(alert.id == alert_id for alert in each.alerts)), None)
    current = (alert for alert in (*(group.alerts if group is not None else ()), *board.resolved))
    alert = next((each for each in current if each.id == alert_id), known)
    if alert is None:
        return AlertSheet(None, notifiers=board.notifiers, evaluated_unix_s=board.evaluated_unix_s)
    cause = next((each for one in board.groups for each in one.alerts if each.id == alert.inhibited_by), None)
    link = snapshot.links.get(alert.subject.host)
    numbers = gpu_names(snapshot, [alert, *([cause] if cause is not None else [])])
    return AlertSheet(
        alert,
        group,
        place_of(alert, numbers),
        is_live=not alert.subject.host or (link is not None and link.state.value == "live"),
        record=next((each for each in board.predictions if each.rule == alert.rule), None),
        silence=next((each for each in board.silences if each.id == alert.silenced_by), None),
        explained_by=f"{place_of(cause, numbers)}: {plain(cause.summary)}" if cause is not None else "",
        verdict=_verdict(snapshot, alert),
        notifiers=board.notifiers,
        evaluated_unix_s=board.evaluated_unix_s,
    )


def _verdict(snapshot: FleetSnapshot, alert: Alert) -> VerdictSaid | None:
    """What health says of the alert's GPU or host."""
    subject = alert.subject
    is_gpu = subject.entity is Entity.GPU and bool(subject.instance)
    frame = snapshot.frames.gpus if is_gpu else snapshot.frames.hosts
    if "verdict_words" not in frame.columns:
        return None
    found = frame.filter(frame["host"] == subject.host)
    if is_gpu:
        found = found.filter(found["uuid"] == subject.instance)
    if not found.height:
        return None
    row = found.select([name for name in _VERDICT if name in found.columns]).row(0, named=True)
    if not row["verdict_words"]:
        return None
    return VerdictSaid(
        plain(row["verdict_words"], 300),
        plain(row.get("verdict_source") or "", 60),
        tuple(plain(line, 300) for line in row.get("verdict_evidence") or ()),
    )
