"""Posts alerts to one Alertmanager's v2 API. Blocks: called in a courier's thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from leptontui.alerts.notify.poster import Poster
from leptontui.alerts.notify.spec import Login, Secret

PATH: Final = "/api/v2/alerts"


class AlertmanagerWay:
    """One Alertmanager.

    Args:
        address: its URL, "http://am.example:9093", with the prefix that it is served under if there is one.
        login: how it is told who we are.
    """

    def __init__(self, address: Secret, login: Login) -> None:
        self._poster = Poster(Secret(address.reveal().rstrip("/") + PATH), login)

    def post(self, alerts: Sequence[Mapping[str, object]]) -> str:
        """Post the alerts; what went wrong, in words, "" if nothing did."""
        return self._poster.post(list(alerts))
