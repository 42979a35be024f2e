"""Which alerts are only there because their host, or the bastion in front of it, cannot be reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from leptontui.model.alert import Alert, AlertState
from leptontui.model.series import Entity

UNREACHABLE_RULE: Final = "host-unreachable"
TROUBLE: Final = "trouble"
"""Label that says in a word or two what is the matter; see `cause_words.trouble_of`."""
UNREACHABLE: Final = "unreachable"
BASTION: Final = "bastion"
"""Attribute of a host: the hosts it is reached through."""
SEVERAL: Final = ", "
"""Stands between several values of one attribute."""

_NOBODY: Final[Mapping[str, Mapping[str, str]]] = {}


def is_unreachable(alert: Alert) -> bool:
    """Whether an alert says that its host cannot be reached: by its rule's name, or by its label `trouble`."""
    return alert.subject.entity is Entity.HOST and (
        alert.rule == UNREACHABLE_RULE or alert.label(TROUBLE) == UNREACHABLE
    )


def inhibitions(alerts: Iterable[Alert], attributes: Mapping[str, Mapping[str, str]] = _NOBODY) -> dict[str, str]:
    """What hides what: the id of each inhibited alert → the id of the alert that hides it.

    A host that cannot be reached (its alert fires, whether or not somebody has acknowledged or silenced it) hides all
    other alerts on it; a bastion that is watched itself hides that the hosts behind it cannot be reached.

    Args:
        alerts: pending and firing ones.
        attributes: of each host; only its bastions are looked at.
    """
    ordered = sorted(alerts, key=lambda alert: alert.id)
    blind: dict[str, Alert] = {}
    for alert in ordered:
        if is_unreachable(alert) and alert.state is AlertState.FIRING:
            blind.setdefault(alert.subject.host, alert)
    if not blind:
        return {}
    found: dict[str, str] = {}
    for alert in ordered:
        host = alert.subject.host
        if host not in blind:
            continue
        if alert is not blind[host]:
            found[alert.id] = blind[host].id
        elif (bastion := _blind_bastion(host, blind, attributes)) is not None:
            found[alert.id] = bastion.id
    return found


def _blind_bastion(
    host: str, blind: Mapping[str, Alert], attributes: Mapping[str, Mapping[str, str]], depth: int = 0
) -> Alert | None:
    """The alert of the first bastion of `host` that cannot be reached and is not itself behind `host`."""
    if depth > len(blind):
        return None
    for bastion in attributes.get(host, {}).get(BASTION, "").split(SEVERAL):
        if bastion != host and bastion in blind and not _is_behind(bastion, host, attributes):
            return blind[bastion]
    return None


def _is_behind(host: str, bastion: str, attributes: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether `host` is reached through `bastion`, directly or not."""
    seen: set[str] = set()
    waiting = [host]
    while waiting:
        name = waiting.pop()
        for hop in attributes.get(name, {}).get(BASTION, "").split(SEVERAL):
            if hop == bastion:
                return True
            if hop and hop not in seen:
                seen.add(hop)
                waiting.append(hop)
    return False
