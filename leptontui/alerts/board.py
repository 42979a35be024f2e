"""The board: everything about alerts at one instant, as the screen, the wall and the documents show it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from leptontui.model.alert import Alert, AlertBoard, AlertGroup, AlertState, Level
from leptontui.model.alert_history import Happening, Transition

MOST_RESOLVED: Final = 100
"""What ended lately is shown up to so many, and for so long."""
RESOLVED_FOR_S: Final = 3600.0


def counted(board: AlertBoard, groups: tuple[AlertGroup, ...]) -> AlertBoard:
    """The board with these groups, and its counts made from them. What is counted once is not counted again."""
    alerts = [alert for group in groups for alert in group.alerts]
    firing = [alert for alert in alerts if alert.state is AlertState.FIRING]
    active = [alert for alert in firing if alert.is_active]
    now = [alert for alert in active if not alert.is_predictive]
    return replace(
        board,
        groups=groups,
        pages=_of(now, Level.PAGE),
        tickets=_of(now, Level.TICKET),
        notes=_of(now, Level.NOTE),
        predicted=len(active) - len(now),
        pending=len(alerts) - len(firing),
        inhibited=sum(bool(alert.inhibited_by) for alert in firing),
        acknowledged=sum(alert.acknowledgement is not None and not alert.inhibited_by for alert in firing),
        silenced=sum(
            bool(alert.silenced_by) and alert.acknowledgement is None and not alert.inhibited_by for alert in firing
        ),
    )


def _of(alerts: Iterable[Alert], level: Level) -> int:
    return sum(alert.level is level for alert in alerts)


def resolved_lately(
    before: tuple[Alert, ...], transitions: Iterable[Transition], now_unix_s: float
) -> tuple[Alert, ...]:
    """What ended lately, newest first, each trouble once, with what has ended since."""
    ended = [one.alert for one in transitions if one.happening is Happening.RESOLVED]
    found: dict[str, Alert] = {}
    for alert in (*reversed(ended), *before):
        age_s = now_unix_s - (alert.resolved_unix_s or 0.0)
        if abs(age_s) < RESOLVED_FOR_S:  # abs: the clock may have been set back
            found.setdefault(alert.id, alert)
    if not ended and len(found) == len(before):
        return before
    return tuple(found.values())[:MOST_RESOLVED]
