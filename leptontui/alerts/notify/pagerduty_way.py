"""Opens and resolves incidents of PagerDuty, by its Events API v2. Blocks: called in a courier's thread.

apprise opens a new incident with every message and can end none. Here the messages about one group are one incident:
what it is called is `dedup_key`, made of the group's key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from leptontui.alerts.notify.message import Message, Part
from leptontui.alerts.notify.poster import Poster
from leptontui.alerts.notify.spec import Login, Secret
from leptontui.alerts.notify.wording import words
from leptontui.model.alert import Level

REGIONS: Final = {"us": "https://events.pagerduty.com/v2/enqueue", "eu": "https://events.eu.pagerduty.com/v2/enqueue"}
"""PagerDuty's service regions."""
_SEVERITIES: Final = {Level.PAGE: "critical", Level.TICKET: "warning", Level.NOTE: "info"}
MOST_INCIDENTS: Final = 10
"""One message opens so many incidents at most: a pager that rings more often is switched off."""
_SUMMARY: Final = 1024
"""Events API v2: longest `payload.summary`."""


class PagerDutyWay:
    """One service's integration.

    Args:
        url: where events are sent, one of `REGIONS`.
        key: the integration key.
        origin: this machine's name.
    """

    def __init__(self, url: Secret, key: Secret, origin: str) -> None:
        self._poster = Poster(url, Login())
        self._key = key
        self._origin = origin

    def tell(self, message: Message) -> str:
        """Send a message's events; what went wrong, in words, "" if nothing did. Sending them again does no harm."""
        for event in events(message, self._origin):
            if trouble := self._poster.post({"routing_key": self._key.reveal(), **event}):
                return trouble
        return ""


def events(message: Message, origin: str) -> Iterator[dict[str, object]]:
    """The events of a message, without the key.

    What is new opens an incident for its group, or joins the open one. Of very many at once the last ones share an
    incident that somebody has to resolve by hand: it must not end with one of them. An incident is called as the group
    it was opened for, and resolved when everything ended that was first told with that group, wherever it is now.
    """
    new = [part for part in message.parts if part.new]
    alone = new if len(new) <= MOST_INCIDENTS else new[: MOST_INCIDENTS - 1]
    for part in alone:
        yield _trigger(part, Message((part,), message.at_unix_s), part.key, origin)
    if rest := tuple(new[len(alone) :]):
        together = Message(rest, message.at_unix_s, failing_unix_s=message.failing_unix_s)
        yield _trigger(rest[0], together, f"digest {message.at_unix_s} {rest[0].key}", origin)
    closed = {name for part in message.parts for name in part.closed}
    for name in sorted(closed - {part.key for part in new}):
        yield {"event_action": "resolve", "dedup_key": dedup_key(name)}


def _trigger(part: Part, message: Message, name: str, origin: str) -> dict[str, object]:
    title, body = words(message)
    worst = part.new[0]
    first = min(alert.since_unix_s for alert in part.new)
    payload: dict[str, object] = {
        "summary": title[:_SUMMARY],
        "source": worst.subject.host or origin,
        "severity": _SEVERITIES[part.level],
        "timestamp": datetime.fromtimestamp(max(0.0, min(first, message.at_unix_s)), UTC).isoformat(),
        "component": worst.subject.instance or worst.subject.entity.value,
        "class": worst.rule,
        "custom_details": {"message": body},
    }
    return {
        "event_action": "trigger",
        "dedup_key": dedup_key(name),
        "client": "leptontui",
        "payload": payload,
    }


def dedup_key(key: str) -> str:
    """What PagerDuty knows a group's incident by: at most 255 characters, whatever labels a key is made of."""
    return "leptontui-" + hashlib.sha256(key.encode("utf-8", "backslashreplace")).hexdigest()[:32]
