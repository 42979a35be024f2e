"""The alerts as the wallboard shows them: one line per trouble, the worst first, what is looked after last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from leptontui.model.alert import Alert, AlertGroup, AlertState, Level
from leptontui.model.series import Eta
from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot
from leptontui.view.alert_places import Numbers, apart, gpu_names, place_of

WORST = 10


@dataclass(frozen=True, slots=True)
class WallTrouble:
    """One group of alerts. Texts are fit for the screen.

    Attributes:
        level: how urgent.
        is_predictive: it tells of what will be.
        where: host and part, or what its members share.
        text: what.
        since_unix_s: when it began.
        seen_unix_s: when its condition was last seen on fresh values; older than now while its host is blind.
        taken_by: who looks after all of it; "" if nobody does.
        eta: when it will be; None for what is.
    """

    level: Level
    is_predictive: bool
    where: str
    text: str
    since_unix_s: float
    seen_unix_s: float
    taken_by: str = ""
    eta: Eta | None = None


def wall_troubles(snapshot: FleetSnapshot) -> tuple[tuple[WallTrouble, ...], int, frozenset[str]]:
    """The worst groups that fire and are not silenced or explained away; how many there are; hosts they are on."""
    groups = [
        (group, alerts)
        for group in snapshot.alerts.groups
        if group.level > Level.NOTE and (alerts := [alert for alert in group.alerts if _is_told(alert)])
    ]
    # What somebody looks after comes last, whatever it is.
    groups.sort(key=lambda pair: all(alert.acknowledgement is not None for alert in pair[1]))
    numbers = gpu_names(snapshot, (alerts[0] for _, alerts in groups[:WORST]))
    troubles = tuple(_trouble(group, alerts, numbers) for group, alerts in groups[:WORST])
    hosts = frozenset(alert.subject.host for _, alerts in groups for alert in alerts)
    return troubles, len(groups), hosts


def _trouble(group: AlertGroup, alerts: list[Alert], numbers: Numbers) -> WallTrouble:
    where = place_of(alerts[0], numbers) if len(alerts) == 1 else _together(group.cause, alerts)
    text = plain(alerts[0].summary if len(alerts) == 1 else group.title)
    return WallTrouble(
        group.level,
        all(alert.is_predictive for alert in alerts),
        where,
        apart(text, where, plain(alerts[0].subject.host, 60)),
        min(alert.since_unix_s for alert in alerts),
        max(alert.seen_unix_s for alert in alerts),
        ", ".join(dict.fromkeys(_takers(alerts))),
        alerts[0].eta,
    )


def _is_told(alert: Alert) -> bool:
    return alert.state is AlertState.FIRING and not alert.silenced_by and not alert.inhibited_by


def _takers(alerts: list[Alert]) -> Iterator[str]:
    """Who looks after them, if all of them are looked after."""
    if all(alert.acknowledgement is not None for alert in alerts):
        yield from (plain(alert.acknowledgement.who, 24) for alert in alerts if alert.acknowledgement is not None)


def _together(cause: str, alerts: list[Alert]) -> str:
    hosts = {alert.subject.host for alert in alerts}
    return (plain(next(iter(hosts)), 60) or "fleet") if len(hosts) == 1 else plain(cause, 40) or f"{len(hosts)} hosts"
