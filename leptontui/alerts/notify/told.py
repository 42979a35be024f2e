"""What one notifier knows: which alerts it has told, is about to tell, or saw end; steps on with every board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from leptontui.alerts.notify.allowance import Allowance
from leptontui.alerts.notify.spec import Policy
from leptontui.model.alert import Alert, AlertGroup, AlertState, Level
from leptontui.model.alert_history import Happening, Transition

MOST_MISSED: Final = 50
"""So many alerts that came and went untold are remembered one by one; more are counted."""


@dataclass(frozen=True, slots=True)
class Known:
    """One alert that is wanted: waiting to be told, told, or told and ended.

    Attributes:
        id: the alert's.
        key: of the group it is told with.
        level: its level; once it was told, the one that was told.
        rule, host, summary: what a message about its end says of it.
        seen_unix_s: when it was first seen as one to be told.
        told_unix_s: when it was told; None while it waits.
        ended_unix_s: when it ended; None while it fires.
        is_worse: it was told, and its level has risen since.
        told_with: key of the group it was first told with: a pager's incident is called so; "" while it waits.
    """

    id: str
    key: str
    level: Level
    rule: str
    host: str
    summary: str
    seen_unix_s: float
    told_unix_s: float | None = None
    ended_unix_s: float | None = None
    is_worse: bool = False
    told_with: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether it is still to be told that it fires."""
        return self.told_unix_s is None or self.is_worse


@dataclass(frozen=True, slots=True)
class Sent:
    """The last message about a group.

    Attributes:
        at_unix_s: when it was delivered.
        title: the group's, then.
    """

    at_unix_s: float
    title: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """Everything one notifier remembers. Immutable; kept over restarts.

    Attributes:
        known: alerts by id.
        sent: the last message about each group, by the group's key.
        allowance: how many messages may be sent.
        missed: alerts that came and went while nothing could be sent, oldest first.
        missed_more: how many more of them.
        failing_unix_s: since when nothing gets through; None while well.
        count: messages delivered so far.
    """

    allowance: Allowance
    known: Mapping[str, Known] = field(default_factory=dict)
    sent: Mapping[str, Sent] = field(default_factory=dict)
    missed: tuple[Known, ...] = ()
    missed_more: int = 0
    failing_unix_s: float | None = None
    count: int = 0

    @classmethod
    def fresh(cls, policy: Policy, now: float) -> Telling:
        """Nothing told yet."""
        return cls(Allowance.full(policy.per_hour, now))


@dataclass(frozen=True, slots=True)
class Trouble:
    """One group as a notifier sees it now.

    Attributes:
        key: see `Known`.
        title: one line.
        cause: see `AlertGroup`.
        alerts: those that fire, are wanted, and that nobody looks after.
    """

    key: str
    title: str
    cause: str
    alerts: tuple[Alert, ...]


def look(
    policy: Policy, state: Telling, groups: Iterable[AlertGroup], transitions: Iterable[Transition], now: float
) -> tuple[Telling, dict[str, Trouble]]:
    """Step on to another board.

    Args:
        policy: what is wanted.
        state: before.
        groups: the whole board.
        transitions: since the last board; say when alerts ended.
        now: unix seconds.

    Returns:
        The state after, and the groups that have something to tell of, by key.
    """
    firing = [(group, alert) for group in groups for alert in group.alerts if alert.state is AlertState.FIRING]
    known: dict[str, Known] = {}
    members: dict[str, list[Alert]] = {}
    origin: dict[str, list[AlertGroup]] = {}
    for group, alert in firing:
        if alert.id in known or not policy.wants(alert):
            continue
        key = _key(policy, group, alert)
        entry = _seen(state.known.get(alert.id), key, alert, now)
        if entry is None:
            continue
        known[alert.id] = entry
        if alert.is_active:
            members.setdefault(key, []).append(alert)
            if group not in origin.setdefault(key, []):
                origin[key].append(group)
    state = _with_ended(policy, state, known, {alert.id for _, alert in firing}, transitions, now)
    troubles = {
        key: Trouble(key, _title(origin[key], alerts), _cause(origin[key]), tuple(alerts))
        for key, alerts in members.items()
    }
    return replace(state, sent=_sent(state, now)), troubles


def _key(policy: Policy, group: AlertGroup, alert: Alert) -> str:
    if not policy.group_by:
        return group.id
    return ", ".join(f"{name}={alert.label(name)}" for name in policy.group_by)


def _seen(entry: Known | None, key: str, alert: Alert, now: float) -> Known | None:
    """What is known of an alert that fires; None if it waits no longer because somebody looks after it."""
    is_told = entry is not None and entry.told_unix_s is not None
    if not is_told and not alert.is_active:
        return None
    if entry is None:
        return Known(alert.id, key, alert.level, alert.rule, alert.subject.host, alert.summary, now)
    is_worse = is_told and alert.level > entry.level and alert.is_active
    level = entry.level if is_told else alert.level
    now_known = (entry.key, entry.level, entry.summary, entry.ended_unix_s, entry.is_worse)
    if now_known == (key, level, alert.summary, None, is_worse) and entry.seen_unix_s <= now:
        return entry  # as nearly always
    return replace(
        entry,
        key=key,
        level=level,
        summary=alert.summary,
        seen_unix_s=now if is_worse and not entry.is_worse else min(entry.seen_unix_s, now),
        ended_unix_s=None,
        is_worse=is_worse,
    )


def _with_ended(
    policy: Policy,
    state: Telling,
    known: dict[str, Known],
    firing: set[str],
    transitions: Iterable[Transition],
    now: float,
) -> Telling:
    """Add to `known` what was told and ended; note what came and went untold."""
    endings = {step.alert.id: step.at_unix_s for step in transitions if step.happening is Happening.RESOLVED}
    # What is not sent because it may not be, rather than because it was not yet time.
    is_held = state.failing_unix_s is not None or state.allowance.whole(policy.per_hour, now) < 1
    missed = list(state.missed)
    for entry in state.known.values():
        if entry.id in firing:
            continue  # in `known` already, or not wanted any more
        if entry.told_unix_s is None:
            if is_held and now - entry.seen_unix_s >= policy.group_wait_s:
                missed.append(replace(entry, ended_unix_s=min(now, endings.get(entry.id, now))))
        elif policy.sends_resolved:
            # Silenced or not: who was told of it is told that it is over.
            ended = entry.ended_unix_s if entry.ended_unix_s is not None else endings.get(entry.id, now)
            known[entry.id] = replace(entry, ended_unix_s=min(now, ended))
    more = state.missed_more + max(0, len(missed) - MOST_MISSED)
    return replace(state, known=known, missed=tuple(missed[:MOST_MISSED]), missed_more=more)


def _sent(state: Telling, now: float) -> dict[str, Sent]:
    """The last message about each group; for one that took over told alerts of others, theirs."""
    told: dict[str, float] = {}
    waiting: set[str] = set()
    for entry in state.known.values():
        if entry.told_unix_s is not None:
            told[entry.key] = max(told.get(entry.key, 0.0), entry.told_unix_s)
        if entry.is_waiting:
            waiting.add(entry.key)
    kept = {key: sent for key, sent in state.sent.items() if key in told}
    # A new group with something new is told as one, after `group_wait`, even where some of it was told before.
    inherited = {key: Sent(at) for key, at in told.items() if key not in kept and key not in waiting}
    return {key: replace(sent, at_unix_s=min(now, sent.at_unix_s)) for key, sent in (kept | inherited).items()}


def _title(groups: list[AlertGroup], alerts: list[Alert]) -> str:
    if len(alerts) == 1:
        return alerts[0].summary
    return groups[0].title if len(groups) == 1 else f"{len(alerts)} alerts: {groups[0].title} and others"


def _cause(groups: list[AlertGroup]) -> str:
    return groups[0].cause if len(groups) == 1 else ""
