"""What a notifier is: whom it tells of which alerts, how often, and by which secret address."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from leptontui.alerts.silences import matches
from leptontui.model.alert import Alert, Level, Matcher


class Secret:
    """Text that nothing shows by accident: neither a repr, nor a log, nor a traceback's local variables."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the one place that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __str__(self) -> str:
        return "…"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[type, tuple[str]]:
        raise TypeError("a secret is not written anywhere")


class Way(StrEnum):
    """How a notifier tells."""

    APPRISE = "apprise"
    ALERTMANAGER = "alertmanager"
    PAGERDUTY = "pagerduty"


@dataclass(frozen=True, slots=True)
class Login:
    """How a notifier proves who it is; all empty where nobody asks.

    Attributes:
        user: name for HTTP basic authentication.
        password: its password.
        token: bearer token.
        ca_file: certificates to trust instead of the system's, a path; "" for the system's.
    """

    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    token: Secret = field(default_factory=lambda: Secret(""))
    ca_file: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """Which alerts are told, and when. All times in seconds.

    The defaults of the four times are Alertmanager's own (its configuration reference, "route").

    Attributes:
        levels: alerts of these levels.
        matchers: all must hold of an alert's labels.
        includes_predictive: whether alerts of what will be are told too.
        group_by: labels whose values make one message; () for the groups as they are on screen.
        group_wait_s: how long a new group is waited for to become complete.
        group_interval_s: shortest time between two messages of what changed in one group.
        repeat_interval_s: what nobody has acknowledged is told again so often; 0 for never.
        per_hour: most messages in any hour; what is more comes together in a digest.
        sends_resolved: whether the end is told.
    """

    levels: frozenset[Level] = frozenset({Level.PAGE})
    matchers: tuple[Matcher, ...] = ()
    includes_predictive: bool = True
    group_by: tuple[str, ...] = ()
    group_wait_s: float = 30.0
    group_interval_s: float = 300.0
    repeat_interval_s: float = 4 * 3600.0
    per_hour: int = 30
    sends_resolved: bool = True

    def wants(self, alert: Alert) -> bool:
        """Whether such an alert is told at all; whether somebody looks after it already is not asked."""
        return (
            alert.level in self.levels
            and (self.includes_predictive or not alert.is_predictive)
            and matches(self.matchers, alert.labels)
        )


@dataclass(frozen=True, slots=True)
class NotifierSpec:
    """One address that is told.

    Attributes:
        name: as configured; "name (2)" for the second address of one entry.
        way: how.
        address: URL of apprise, of Alertmanager, or of PagerDuty's events.
        policy: what and when.
        login: for Alertmanager, and PagerDuty's key as the token; apprise's URLs carry their own.
        where: the file and line it comes from, "notify.toml:3".
    """

    name: str
    way: Way
    address: Secret
    policy: Policy = Policy()
    login: Login = field(default_factory=Login)
    where: str = ""
