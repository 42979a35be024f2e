"""The course of a fleet's alerts: life, causes, judgements and the board, one evaluation after the other. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from leptontui.alerts import care
from leptontui.alerts.board import counted, resolved_lately
from leptontui.alerts.causes import CauseMemory, collapse
from leptontui.alerts.judgement import Judgements, judge
from leptontui.alerts.life import step
from leptontui.alerts.life_state import LifeState, Track
from leptontui.alerts.shelf import Shared
from leptontui.model.alert import Alert, AlertBoard, AlertState
from leptontui.model.alert_history import Happening, Transition
from leptontui.model.alert_policy import RulePolicy
from leptontui.model.evaluation import Evaluation

Attributes = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Course:
    """Where a fleet's alerts are. Immutable.

    Attributes:
        state: what pends and fires.
        judged: how predictions have done.
        memory: what the search for common causes remembers.
        board: what is shown.
        attributes: what hosts have in common, as at the last evaluation.
        since_unix_s: when watching began; None before the first evaluation.
    """

    state: LifeState = field(default_factory=LifeState)
    judged: Judgements = field(default_factory=Judgements)
    memory: CauseMemory = field(default_factory=CauseMemory)
    board: AlertBoard = field(default_factory=AlertBoard)
    attributes: Attributes = field(default_factory=dict)
    since_unix_s: float | None = None


Moved = tuple[Course, tuple[Transition, ...]]


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the fleet.

    Attributes:
        now_unix_s: when.
        evaluation: what the rules found.
        policies: of every rule that is loaded, by name.
        attributes: of every host of the fleet: what it may have in common with others.
        shared: acknowledgements and silences of all instances.
        longest_step_s: see `life.step`.
    """

    now_unix_s: float
    evaluation: Evaluation
    policies: Mapping[str, RulePolicy]
    attributes: Attributes
    shared: Shared
    longest_step_s: float


def advance(course: Course, look: Look, is_of_fleet: Callable[[str], bool]) -> Moved:
    """Take one look.

    Args:
        course: before it.
        look: what was seen.
        is_of_fleet: whether a host is in the fleet.
    """
    now = look.now_unix_s
    state, transitions = step(
        course.state,
        look.evaluation,
        look.policies,
        now,
        is_of_fleet=is_of_fleet,
        longest_step_s=look.longest_step_s,
    )
    since = now if course.since_unix_s is None else min(course.since_unix_s, now)
    judged = judge(course.judged, look.evaluation, state.alerts, look.policies, now)
    course = replace(course, state=state, judged=judged, attributes=look.attributes, since_unix_s=since)
    course, more = with_shared(course, look.shared, now)
    board = replace(
        course.board,
        evaluated_unix_s=now,
        predictions=tuple(sorted(judged.records.values(), key=lambda record: record.rule)),
    )
    course, told = grouped(replace(course, board=board), now)
    all_told = (*transitions, *more, *told)
    resolved = resolved_lately(course.board.resolved, all_told, now)
    return replace(course, board=replace(course.board, resolved=resolved)), all_told


def with_shared(course: Course, shared: Shared, now: float) -> Moved:
    """Take what people said, here or in another instance. The board is not made anew: see `grouped`."""
    given = {
        known: by
        for known, by in shared.acknowledged.items()
        # One from before it fired is of an earlier time that it did; its alert has ended without our seeing it.
        if (alert := course.state.firing(known)) is not None and by.at_unix_s >= (alert.fired_unix_s or 0.0) - 1.0
    }
    withdrawn = [
        alert.id
        for alert in course.state.alerts
        if alert.acknowledgement is not None and alert.id not in shared.acknowledged
    ]
    state, one = care.acknowledge(course.state, given, now)
    state, two = care.unacknowledge(state, withdrawn, "", now)
    state, three = care.with_silences(state, shared.silences, now)
    return replace(course, state=state), (*one, *two, *three)


def grouped(course: Course, now: float) -> Moved:
    """Look for common causes again, and make the board from what there is."""
    found = collapse(
        course.state.alerts,
        course.attributes,
        now,
        memory=course.memory,
        watching_since_unix_s=course.since_unix_s or 0.0,
    )
    state, transitions = care.with_inhibitions(course.state, found.inhibited_by, now)
    board = counted(replace(course.board, silences=state.silences), found.groups)
    return replace(course, state=state, memory=found.memory, board=board), transitions


def restored(alerts: Sequence[Alert], shared: Shared, history: Iterable[Transition], now: float) -> Course:
    """The course as it was when it was last written down.

    Args:
        alerts: what fired then.
        shared: acknowledgements and silences of all instances.
        history: what happened in the last hour, newest first.
        now: unix seconds.
    """
    tracks = {
        alert.id: Track(alert, is_restored=True)
        for alert in sorted(alerts, key=lambda alert: (alert.fired_unix_s or 0.0, alert.id))
        if alert.state is AlertState.FIRING
    }
    ends: dict[str, tuple[float, ...]] = {}
    ended = [one for one in history if one.happening is Happening.RESOLVED]
    for one in reversed(ended):
        ends[one.alert.id] = (*ends.get(one.alert.id, ()), one.at_unix_s)
    board = AlertBoard(resolved=resolved_lately((), tuple(reversed(ended)), now))
    return Course(LifeState(tracks=tracks, ends=ends, silences=shared.silences), board=board)


def takeover(state: LifeState, written: Sequence[Alert], now: float) -> tuple[Transition, ...]:
    """What happened that nobody wrote down, for an instance that begins to write.

    What fires here and was not written down has fired; what was written down and does not fire here has ended.
    """
    known = {alert.id for alert in written}
    firing = [alert for alert in state.alerts if alert.state is AlertState.FIRING]
    fired = tuple(Transition(Happening.FIRED, now, alert) for alert in firing if alert.id not in known)
    alive = {alert.id for alert in firing}
    ended = tuple(
        Transition(
            Happening.RESOLVED,
            now,
            replace(alert, state=AlertState.RESOLVED, resolved_unix_s=now),
            why="it cleared while nobody wrote it down",
        )
        for alert in written
        if alert.id not in alive
    )
    return (*fired, *ended)
