"""The shift's report: what fired, how soon somebody looked after it, what flapped, which rules are noise. Pure."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from leptontui.model.alert import Alert, Level, PredictionRecord
from leptontui.model.alert_history import Happening, Transition


@dataclass(frozen=True, slots=True)
class Shift:
    """What a report is made from.

    Attributes:
        fleet: whose.
        since_unix_s, until_unix_s: the shift.
        transitions: what happened in it, in any order.
        open: what fires at its end.
        predictions: how predictive rules have done so far, by rule.
    """

    fleet: str
    since_unix_s: float
    until_unix_s: float
    transitions: Sequence[Transition]
    open: Sequence[Alert] = ()
    predictions: Sequence[PredictionRecord] = ()


@dataclass(slots=True)
class _Firing:
    """One time that an alert fired."""

    alert: Alert
    fired_unix_s: float | None
    acknowledged_unix_s: float | None = None
    acknowledged_by: str = ""
    ended_unix_s: float | None = None
    is_held_back: bool = False
    flaps_before: int = 0

    @property
    def flaps(self) -> int:
        """How often it came back: it fired soon after it had ended, and what damping hid."""
        return (self.flaps_before > 0) + max(0, self.alert.flaps - self.flaps_before)


@dataclass(frozen=True, slots=True)
class RuleNoise:
    """How one rule did in the shift.

    Attributes:
        rule: its name.
        level: of its alerts.
        fired: how often it fired.
        subjects: for how many different subjects.
        acknowledged: how many of these somebody looked after.
        median_s: median time from firing to the end; None if none ended.
        median_to_acknowledge_s: median time from firing to the acknowledgement; None if none was.
        flaps: how often its alerts came back soon after they had ended, what damping hid included.
        precision: share of a predictive rule's judged predictions that came true, ever; None for others.
    """

    rule: str
    level: Level
    fired: int
    subjects: int
    acknowledged: int
    median_s: float | None
    median_to_acknowledge_s: float | None
    flaps: int
    precision: float | None

    @property
    def acknowledged_share(self) -> float | None:
        """Share of the firings that somebody looked after."""
        return self.acknowledged / self.fired if self.fired else None


@dataclass(frozen=True, slots=True)
class Report:
    """A shift in figures.

    Attributes:
        fleet, since_unix_s, until_unix_s: as in `Shift`.
        fired: how often alerts of each level fired, most urgent first.
        held_back: how many of the firings were silenced, or hidden by another, when the shift ended or before.
        resolved: how many ended.
        acknowledged: how many firings somebody looked after.
        median_to_acknowledge_s, slowest_to_acknowledge_s: over all firings that were; None if none was.
        by_person: acknowledgements by who made them.
        rules: noisiest first.
        open: what still fires, worst first.
        timeline: what happened, oldest first: firings, acknowledgements, ends.
        predictions: how predictive rules have done so far.
    """

    fleet: str
    since_unix_s: float
    until_unix_s: float
    fired: Mapping[Level, int]
    held_back: int
    resolved: int
    acknowledged: int
    median_to_acknowledge_s: float | None
    slowest_to_acknowledge_s: float | None
    by_person: Mapping[str, int] = field(default_factory=dict)
    rules: tuple[RuleNoise, ...] = ()
    open: tuple[Alert, ...] = ()
    timeline: tuple[Transition, ...] = ()
    predictions: tuple[PredictionRecord, ...] = ()


_TIMELINE = frozenset({Happening.FIRED, Happening.ACKNOWLEDGED, Happening.UNACKNOWLEDGED, Happening.RESOLVED})


def make_report(shift: Shift) -> Report:
    """The figures of a shift."""
    told = sorted(shift.transitions, key=lambda one: one.at_unix_s)
    firings = list(_firings(told))
    new = [one for one in firings if one.fired_unix_s is not None]
    waits = [_wait_s(one) for one in new]
    waited = [wait for wait in waits if wait is not None]
    return Report(
        shift.fleet,
        shift.since_unix_s,
        shift.until_unix_s,
        fired={level: sum(one.alert.level is level for one in new) for level in sorted(Level, reverse=True)},
        held_back=sum(one.is_held_back for one in new),
        resolved=sum(one.ended_unix_s is not None for one in firings),
        acknowledged=len(waited),
        median_to_acknowledge_s=statistics.median(waited) if waited else None,
        slowest_to_acknowledge_s=max(waited, default=None),
        by_person=dict(sorted(Counter(one.who for one in told if one.happening is Happening.ACKNOWLEDGED).items())),
        rules=_noise(new, shift.predictions),
        open=tuple(sorted(shift.open, key=lambda alert: (-alert.level, alert.since_unix_s, alert.id))),
        timeline=tuple(one for one in told if one.happening in _TIMELINE),
        predictions=tuple(sorted(shift.predictions, key=lambda record: record.rule)),
    )


def _firings(told: Iterable[Transition]) -> Iterable[_Firing]:
    """Each time an alert fired, in the order in which they began; those from before the shift have no beginning."""
    going_on: dict[str, _Firing] = {}
    for one in told:
        known = one.alert.id
        if one.happening is Happening.FIRED or known not in going_on:
            if one.happening not in _TIMELINE and one.happening not in _HELD_BACK:
                continue
            began = one.at_unix_s if one.happening is Happening.FIRED else None
            earlier = going_on.pop(known, None)
            if earlier is not None:  # it fired again, and its end is not told: it was not watched
                yield earlier
            going_on[known] = _Firing(one.alert, began, flaps_before=one.alert.flaps)
        firing = going_on[known]
        firing.alert = one.alert
        match one.happening:
            case Happening.ACKNOWLEDGED if firing.acknowledged_unix_s is None:
                firing.acknowledged_unix_s, firing.acknowledged_by = one.at_unix_s, one.who
            case Happening.SILENCED | Happening.INHIBITED:
                firing.is_held_back = True
            case Happening.RESOLVED:
                firing.ended_unix_s = one.at_unix_s
                yield going_on.pop(known)
            case _:
                pass
    yield from going_on.values()


_HELD_BACK = frozenset({Happening.SILENCED, Happening.INHIBITED})


def _wait_s(firing: _Firing) -> float | None:
    if firing.fired_unix_s is None or firing.acknowledged_unix_s is None:
        return None
    return max(0.0, firing.acknowledged_unix_s - firing.fired_unix_s)


def _noise(firings: Sequence[_Firing], predictions: Sequence[PredictionRecord]) -> tuple[RuleNoise, ...]:
    precision = {record.rule: record.precision for record in predictions}
    by_rule: defaultdict[str, list[_Firing]] = defaultdict(list)
    for firing in firings:
        by_rule[firing.alert.rule].append(firing)
    found = []
    for rule, its in by_rule.items():
        lasted = [
            one.ended_unix_s - one.fired_unix_s
            for one in its
            if one.ended_unix_s is not None and one.fired_unix_s is not None
        ]
        waits = [wait for one in its if (wait := _wait_s(one)) is not None]
        found.append(
            RuleNoise(
                rule,
                max(one.alert.level for one in its),
                fired=len(its),
                subjects=len({one.alert.id for one in its}),
                acknowledged=len(waits),
                median_s=statistics.median(lasted) if lasted else None,
                median_to_acknowledge_s=statistics.median(waits) if waits else None,
                flaps=sum(one.flaps for one in its),
                precision=precision.get(rule),
            )
        )
    return tuple(sorted(found, key=lambda noise: (-noise.fired, noise.rule)))
