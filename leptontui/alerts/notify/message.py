"""Which message is due: what is new, what goes on and what ended, one group at a time or many in a digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from leptontui.alerts.notify.spec import Policy
from leptontui.alerts.notify.told import Known, Sent, Telling, Trouble
from leptontui.model.alert import Alert, Level


class News(StrEnum):
    """What a message, or a part of one, is for."""

    FIRING = "firing"
    UPDATE = "update"
    REMINDER = "reminder"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Part:
    """What is told of one group.

    Attributes:
        key: the group's, see `Known`.
        news: what for.
        title: one line.
        cause: see `AlertGroup`.
        new: alerts that are told for the first time, worst first.
        still: alerts that were told and go on, worst first.
        ended: alerts that were told and ended, oldest first.
        closed: keys that some of `ended` were first told with, and nothing that still fires.
    """

    key: str
    news: News
    title: str
    cause: str = ""
    new: tuple[Alert, ...] = ()
    still: tuple[Alert, ...] = ()
    ended: tuple[Known, ...] = ()
    closed: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        """The worst of what fires, else of what ended."""
        levels = [alert.level for alert in (*self.new, *self.still)] or [entry.level for entry in self.ended]
        return max(levels, default=Level.NOTE)


@dataclass(frozen=True, slots=True)
class Message:
    """One message: of one group, or a digest of several.

    Attributes:
        parts: at least one, worst first; none only if there is something in `missed`.
        missed: what came and went while nothing could be sent.
        missed_more: how many more did.
        failing_unix_s: since when nothing got through; None if all is well.
        at_unix_s: when it was put together.
    """

    parts: tuple[Part, ...]
    at_unix_s: float
    missed: tuple[Known, ...] = ()
    missed_more: int = 0
    failing_unix_s: float | None = None

    @property
    def is_digest(self) -> bool:
        """Whether it tells of more than one group."""
        return len(self.parts) != 1 or bool(self.missed)


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be told.

    Attributes:
        waiting: groups that have something to tell now.
        message: what to send now; None if nothing may be.
        next_unix_s: when to ask again if nothing changes; None if there is nothing to wait for.
    """

    waiting: int = 0
    message: Message | None = None
    next_unix_s: float | None = None


def due(
    policy: Policy, state: Telling, troubles: Mapping[str, Trouble], now: float, *, is_leaving: bool = False
) -> Due:
    """What is to be told now.

    Args:
        policy: when.
        state: what was told, as `look` left it.
        troubles: the groups, likewise.
        now: unix seconds.
        is_leaving: nothing will be sent later: what waits to become complete is due now.
    """
    known: dict[str, list[Known]] = {}
    for entry in state.known.values():
        known.setdefault(entry.key, []).append(entry)
    parts: list[Part] = []
    later: list[float] = []
    for key, entries in known.items():
        sent = state.sent.get(key)
        if not any(entry.is_waiting or entry.ended_unix_s is not None for entry in entries):
            again = _repeat(policy, sent) if key in troubles else None
            if again is None or again > now:  # as nearly always
                later += [] if again is None else [again]
                continue
        found = _part(entries, troubles.get(key), sent)
        at = _when(policy, entries, found, sent, is_leaving=is_leaving)
        if at is None:
            continue
        if at <= now:
            parts.append(found)
        else:
            later.append(at)
    parts.sort(key=lambda part: (-part.level, _since(part), part.key))
    waiting = len(parts) or bool(state.missed)
    if not waiting:
        return Due(0, None, min(later, default=None))
    allowed = state.allowance.whole(policy.per_hour, now)
    if allowed < 1:
        later.append(state.allowance.next_unix_s(policy.per_hour, now))
        return Due(waiting, None, min(later))
    is_digest = state.failing_unix_s is not None or bool(state.missed) or len(parts) > allowed or is_leaving
    chosen = _closing(parts if is_digest else parts[:1], state)
    message = Message(tuple(chosen), now, state.missed, state.missed_more, state.failing_unix_s)
    return Due(waiting, message, min(later, default=None))


def delivered(policy: Policy, state: Telling, message: Message, now: float) -> Telling:
    """The state after `message` has arrived. What the board has become meanwhile is kept."""
    known = dict(state.known)
    sent = dict(state.sent)
    for part in message.parts:
        sent[part.key] = Sent(now, part.title)
        for alert in part.new:
            entry = known.get(alert.id)
            if entry is not None:
                known[alert.id] = replace(
                    entry,
                    told_unix_s=now,
                    level=alert.level,
                    is_worse=False,
                    told_with=entry.told_with or part.key,
                )
            else:  # ended, or was hushed, while the message was on its way: its end is still to be told
                known[alert.id] = _told(alert, part, now)
        for gone in part.ended:
            entry = known.get(gone.id)
            if entry is None:
                continue
            if entry.ended_unix_s is None:  # it fires again: people were told that it had ended
                known[gone.id] = replace(entry, told_unix_s=None, seen_unix_s=now, told_with="")
            else:
                del known[gone.id]
    told = {alert.id for part in message.parts for alert in part.new}
    return replace(
        state,
        known=known,
        sent=sent,
        allowance=state.allowance.spent(policy.per_hour, now),
        missed=tuple(entry for entry in state.missed if entry not in message.missed and entry.id not in told),
        missed_more=max(0, state.missed_more - message.missed_more),
        failing_unix_s=None,
        count=state.count + 1,
    )


def _told(alert: Alert, part: Part, now: float) -> Known:
    host = alert.subject.host
    return Known(alert.id, part.key, alert.level, alert.rule, host, alert.summary, now, now, told_with=part.key)


def failed(state: Telling, now: float) -> Telling:
    """The state after a message did not get through."""
    return state if state.failing_unix_s is not None else replace(state, failing_unix_s=now)


def _part(entries: Sequence[Known], trouble: Trouble | None, sent: Sent | None) -> Part:
    waiting = {entry.id for entry in entries if entry.is_waiting}
    ended = sorted((e for e in entries if e.ended_unix_s is not None), key=lambda e: (e.ended_unix_s or 0.0, e.id))
    key = entries[0].key
    if trouble is None:
        title = ended[0].summary if len(ended) == 1 else sent.title if sent is not None else ""
        is_over = len(ended) == len(entries)
        return Part(key, News.RESOLVED if is_over else News.UPDATE, title, ended=tuple(ended))
    new = _worst_first(alert for alert in trouble.alerts if alert.id in waiting)
    still = _worst_first(alert for alert in trouble.alerts if alert.id not in waiting)
    news = News.FIRING if not still and not ended else News.UPDATE if new or ended else News.REMINDER
    return Part(key, news, trouble.title, trouble.cause, new, still, tuple(ended))


def _when(policy: Policy, entries: list[Known], part: Part, sent: Sent | None, *, is_leaving: bool) -> float | None:
    """When the part is to be told; None if not at all."""
    if part.new:
        first = min(entry.seen_unix_s for entry in entries if entry.is_waiting)
        told = [entry.level for entry in entries if entry.told_unix_s is not None]
        is_worse = part.level > max(told, default=Level.NOTE)
        if is_leaving:
            return first
        if sent is None or is_worse:
            return first + policy.group_wait_s
        return max(first + policy.group_wait_s, sent.at_unix_s + policy.group_interval_s)
    if part.ended:
        at = max(entry.ended_unix_s or 0.0 for entry in part.ended)
        return at if sent is None else max(at, sent.at_unix_s + policy.group_interval_s)
    return _repeat(policy, sent) if part.still else None


def _closing(parts: list[Part], state: Telling) -> list[Part]:
    if not any(part.ended for part in parts):
        return parts
    # What ended and is not told so here may yet begin again.
    over = {entry.id for part in parts for entry in part.ended}
    held = {entry.told_with for entry in state.known.values() if entry.id not in over}
    held |= {part.key for part in parts if part.new}  # what begins in this very message
    return [
        replace(part, closed=tuple(sorted({entry.told_with for entry in part.ended} - held - {""}))) for part in parts
    ]


def _repeat(policy: Policy, sent: Sent | None) -> float | None:
    return sent.at_unix_s + policy.repeat_interval_s if sent is not None and policy.repeat_interval_s > 0 else None


def _worst_first(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    return tuple(sorted(alerts, key=lambda alert: (-alert.level, alert.since_unix_s, alert.id)))


def _since(part: Part) -> float:
    times = [alert.since_unix_s for alert in (*part.new, *part.still)]
    return min(times or [entry.seen_unix_s for entry in part.ended], default=0.0)
