"""The two kinds of duty: messages, through apprise or to PagerDuty, and Alertmanager kept up to date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from leptontui.alerts.notify.alertmanager_way import AlertmanagerWay
from leptontui.alerts.notify.apprise_way import AppriseWay
from leptontui.alerts.notify.message import Due, Message, News, delivered, due, failed
from leptontui.alerts.notify.mirror import Mirror, Mirrored, Seen, next_unix_s, payload, reflect, taken, to_send
from leptontui.alerts.notify.pagerduty_way import PagerDutyWay
from leptontui.alerts.notify.spec import NotifierSpec, Way
from leptontui.alerts.notify.told import Telling, Trouble, look
from leptontui.alerts.notify.wording import words
from leptontui.model.alert import AlertGroup, Level
from leptontui.model.alert_history import Transition

Tell = Callable[[Message], str]


class Messages:
    """Messages.

    Args:
        spec: to whom and what.
        state: what is remembered.
        tell: sends one and says what went wrong; blocks.
    """

    def __init__(self, spec: NotifierSpec, state: Telling, tell: Tell) -> None:
        self.state = state
        self._policy = spec.policy
        self._tell = tell
        self._troubles: dict[str, Trouble] = {}
        self._due = Due()
        self._leaving: Message | None = None

    def look(self, groups: Sequence[AlertGroup], transitions: Sequence[Transition], now: float) -> None:
        """Step on to another board."""
        self.state, self._troubles = look(self._policy, self.state, groups, transitions, now)
        self._due = due(self._policy, self.state, self._troubles, now)

    def next_unix_s(self, now: float) -> float | None:
        """When there is something to send."""
        if self._due.message is None and (self._due.next_unix_s is None or now < self._due.next_unix_s):
            return self._due.next_unix_s
        self._due = due(self._policy, self.state, self._troubles, now)
        return now if self._due.message is not None else self._due.next_unix_s

    def take(self, now: float, *, is_leaving: bool) -> Callable[[], str] | None:
        """The message that is due."""
        found = due(self._policy, self.state, self._troubles, now, is_leaving=is_leaving)
        self._leaving = found.message
        if found.message is None:
            return None
        return partial(self._tell, found.message)

    def settle(self, trouble: str, now: float) -> bool:
        """Note whether the message arrived."""
        before = self.state
        message, self._leaving = self._leaving, None
        if trouble or message is None:
            self.state = failed(self.state, now)
        else:
            self.state = delivered(self._policy, self.state, message, now)
        self._due = due(self._policy, self.state, self._troubles, now)
        return self.state is not before

    @property
    def waiting(self) -> int:
        """Groups with something to tell."""
        return self._due.waiting

    @property
    def sent(self) -> int:
        """Messages delivered."""
        return self.state.count

    @property
    def failing_unix_s(self) -> float | None:
        """Since when nothing gets through."""
        return self.state.failing_unix_s


class Mirroring:
    """One Alertmanager kept up to date.

    Args:
        spec: where and what.
        state: what is remembered.
        origin: this machine's name.
        way: how; None for HTTP.
    """

    def __init__(self, spec: NotifierSpec, state: Mirror, origin: str, way: AlertmanagerWay | None = None) -> None:
        self.state = state
        self._policy = spec.policy
        self._origin = origin
        self._way = way or AlertmanagerWay(spec.address, spec.login)
        self._seen: dict[str, Seen] = {}
        self._leaving: tuple[Mirrored, ...] = ()

    def look(self, groups: Sequence[AlertGroup], transitions: Sequence[Transition], now: float) -> None:
        """Step on to another board."""
        self.state, self._seen = reflect(self._policy, self.state, groups, transitions, now)

    def next_unix_s(self, now: float) -> float | None:
        """When Alertmanager is to hear something."""
        return next_unix_s(self.state, now)

    def take(self, now: float, *, is_leaving: bool) -> Callable[[], str] | None:
        """What Alertmanager is to hear now; of what is only repeated, nothing when leaving."""
        found = to_send(self.state, now)
        self._leaving = tuple(entry for entry in found if entry.is_news) if is_leaving else found
        if not self._leaving:
            return None
        way, origin, seen = self._way, self._origin, self._seen
        entries = self._leaving
        # Put into words in the thread: that takes as long as sending them.
        return lambda: way.post([payload(entry, seen.get(entry.id), now, origin) for entry in entries])

    def settle(self, trouble: str, now: float) -> bool:
        """Note whether Alertmanager took it; that it heard again of what it knew is not worth writing down."""
        sent, self._leaving = self._leaving, ()
        was_failing = self.state.failing_unix_s is not None
        if not trouble:
            self.state = taken(self.state, sent, now)
            return was_failing or any(entry.is_news for entry in sent)
        self.state = self.state if was_failing else replace(self.state, failing_unix_s=now)
        return not was_failing

    @property
    def waiting(self) -> int:
        """Alerts that have begun or ended, and that it does not know of."""
        return sum(entry.is_news for entry in self.state.alerts.values())

    @property
    def sent(self) -> int:
        """Requests that it took."""
        return self.state.count

    @property
    def failing_unix_s(self) -> float | None:
        """Since when nothing gets through."""
        return self.state.failing_unix_s


def tell_by(spec: NotifierSpec, origin: str) -> Tell:
    """How messages are sent to an address that is not Alertmanager's; nothing is loaded before the first."""
    if spec.way is Way.PAGERDUTY:
        return PagerDutyWay(spec.address, spec.login.token, origin).tell
    way = AppriseWay(spec.address)
    return lambda message: way.send(*words(message), kind_of(message))


def kind_of(message: Message) -> str:
    """How services are to show a message: apprise's "failure", "warning", "info" and "success"."""
    firing = [part.level for part in message.parts if part.news is not News.RESOLVED]
    if not firing:
        return "success" if message.parts else "warning"
    return {Level.PAGE: "failure", Level.TICKET: "warning", Level.NOTE: "info"}[max(firing)]
