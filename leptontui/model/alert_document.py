"""Alerts as plain dicts, lists, strings, numbers and None, ready for `json.dumps`: one shape for every document."""

from __future__ import annotations

from leptontui.model.alert import Alert, AlertBoard, Matcher, Silence
from leptontui.model.alert_history import Transition


def board_json(board: AlertBoard) -> dict[str, object]:
    """All alerts at one instant; groups worst first, with their members."""
    return {
        "evaluated_unix_s": board.evaluated_unix_s or None,
        "pages": board.pages,
        "tickets": board.tickets,
        "notes": board.notes,
        "predicted": board.predicted,
        "pending": board.pending,
        "acknowledged": board.acknowledged,
        "silenced": board.silenced,
        "inhibited": board.inhibited,
        "groups": [
            {
                "id": group.id,
                "title": group.title,
                "cause": group.cause or None,
                "level": group.level.word,
                "since_unix_s": group.since_unix_s,
                "alerts": [alert_json(alert) for alert in group.alerts],
            }
            for group in board.groups
        ],
        "silences": [silence_json(silence) for silence in board.silences],
        "troubles": list(board.troubles),
    }


def silence_json(silence: Silence) -> dict[str, object]:
    """One silence."""
    return {
        "id": silence.id,
        "matchers": [matcher_text(matcher) for matcher in silence.matchers],
        "from_unix_s": silence.from_unix_s,
        "until_unix_s": silence.until_unix_s,
        "who": silence.who,
        "why": silence.why,
    }


def matcher_text(matcher: Matcher) -> str:
    """A condition as Alertmanager writes it: `host=~"gpu-0.*"`."""
    sign = ("!" if matcher.is_negated else "=") + ("~" if matcher.is_regex else ("=" if matcher.is_negated else ""))
    value = matcher.value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{matcher.label}{sign}"{value}"'


def transition_json(one: Transition) -> dict[str, object]:
    """One step in an alert's life."""
    return {
        "happening": one.happening.value,
        "at_unix_s": one.at_unix_s,
        "who": one.who,
        "why": one.why,
        "alert": alert_json(one.alert),
    }


def alert_json(alert: Alert) -> dict[str, object]:
    """One alert."""
    given, eta = alert.acknowledgement, alert.eta
    return {
        "id": alert.id,
        "rule": alert.rule,
        "level": alert.level.word,
        "is_predictive": alert.is_predictive,
        "entity": alert.subject.entity.value,
        "host": alert.subject.host,
        "instance": alert.subject.instance,
        "labels": dict(alert.labels),
        "summary": alert.summary,
        "state": alert.state.value,
        "since_unix_s": alert.since_unix_s,
        "fired_unix_s": alert.fired_unix_s,
        "resolved_unix_s": alert.resolved_unix_s,
        "seen_unix_s": alert.seen_unix_s,
        "value": alert.value,
        "evidence": list(alert.evidence),
        "runbook": alert.runbook,
        "action": alert.action,
        "acknowledged_by": given.who if given else None,
        "acknowledged_why": given.why if given else None,
        "acknowledged_unix_s": given.at_unix_s if given else None,
        "silenced_by": alert.silenced_by or None,
        "inhibited_by": alert.inhibited_by or None,
        "flaps": alert.flaps,
        "is_flapping": alert.is_flapping,
        "eta_earliest_unix_s": eta.earliest_unix_s if eta else None,
        "eta_expected_unix_s": eta.expected_unix_s if eta else None,
        "eta_latest_unix_s": eta.latest_unix_s if eta else None,
    }
