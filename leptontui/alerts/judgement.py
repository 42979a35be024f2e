"""How predictive alerts have done: each prediction is judged once by whether what it said came in its time. Pure.

A prediction stands from when its alert fires for a quarter longer than its rule looks ahead; that the alert ends before
does not unsay it. An alert that still fires then was wrong once and says it again: that is the next prediction. What
comes while an alert fires was never missed; what had come already when it fired was no prediction and is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from leptontui.alerts.identity import alert_id
from leptontui.model.alert import Alert, AlertState, PredictionRecord
from leptontui.model.alert_policy import RulePolicy
from leptontui.model.evaluation import Evaluation

LENIENCE: Final = 1.25
"""A prediction has this many times its rule's horizon to come true."""

SAME_CROSSING_S: Final = 600.0
"""What was over, or not seen, for less than this and is so again is the same crossing."""


@dataclass(frozen=True, slots=True)
class Open:
    """A prediction, or a crossing, that is remembered for a while.

    Attributes:
        rule: whose.
        until_unix_s: until when.
        is_judged: it has come true, and is kept so that the same crossing is not counted as missed.
    """

    rule: str
    until_unix_s: float
    is_judged: bool = False


@dataclass(frozen=True, slots=True)
class Judgements:
    """What is remembered for judging.

    Attributes:
        records: what came of predictions so far, by rule.
        open: predictions whose time has not passed, by alert id.
        crossed: when what is predicted was last seen to be so, by alert id; None before the first evaluation.
    """

    records: Mapping[str, PredictionRecord] = field(default_factory=dict)
    open: Mapping[str, Open] = field(default_factory=dict)
    crossed: Mapping[str, float] | None = None


def judge(
    before: Judgements,
    evaluation: Evaluation,
    alerts: tuple[Alert, ...],
    policies: Mapping[str, RulePolicy],
    now: float,
) -> Judgements:
    """Judge what can be judged by now.

    Args:
        before: what was remembered.
        evaluation: what the rules found; `crossed` says what is so now.
        alerts: pending and firing ones after the evaluation's step.
        policies: of every rule that is loaded, by name.
        now: unix seconds.
    """
    predictive = {rule: policy for rule, policy in policies.items() if policy.is_predictive}
    crossed = {alert_id(rule, subject): rule for rule, subject in evaluation.crossed if rule in predictive}
    was_crossed = dict.fromkeys(crossed, now) if before.crossed is None else before.crossed
    records = dict(before.records)
    firing = {alert.id for alert in alerts if alert.state is AlertState.FIRING}
    going_on = {known: one for known, one in before.open.items() if one.rule in predictive}
    for known, one in list(going_on.items()):
        if known in crossed and not one.is_judged:
            _count(records, one.rule, came_true=1)
            going_on[known] = replace(one, is_judged=True)
        elif now >= one.until_unix_s and known not in crossed:
            if not one.is_judged:
                _count(records, one.rule, did_not=1)
                going_on[known] = replace(one, until_unix_s=now + LENIENCE * predictive[one.rule].horizon_s)
            if known not in firing:
                del going_on[known]
    for known, rule in crossed.items():
        if known not in was_crossed and known not in before.open:
            _count(records, rule, missed=1)
    for alert in alerts:
        policy = predictive.get(alert.rule)
        is_new = alert.state is AlertState.FIRING and alert.fired_unix_s == now
        if policy is not None and is_new and alert.id not in crossed and alert.id not in going_on:
            going_on[alert.id] = Open(alert.rule, now + LENIENCE * policy.horizon_s)
    recent = {known: seen for known, seen in was_crossed.items() if abs(now - seen) < SAME_CROSSING_S}
    return Judgements(records, going_on, {**recent, **dict.fromkeys(crossed, now)})


def _count(
    records: dict[str, PredictionRecord], rule: str, *, came_true: int = 0, did_not: int = 0, missed: int = 0
) -> None:
    record = records.get(rule, PredictionRecord(rule))
    records[rule] = replace(
        record,
        came_true=record.came_true + came_true,
        did_not=record.did_not + did_not,
        missed=record.missed + missed,
    )
