"""Runs scenarios: the rules are evaluated step by step, alerts live as they do live, and what comes out is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leptontui.alerts.care import acknowledge, acknowledgement
from leptontui.alerts.life import step
from leptontui.alerts.life_state import LifeState
from leptontui.alerts.rules.columns import columns_of
from leptontui.alerts.rules.evaluator import Evaluator
from leptontui.alerts.rules.rule import Rule
from leptontui.alerts.rules.scenario import Check, Expected, Scenario
from leptontui.alerts.rules.stage import BEGIN_UNIX_S, Stage
from leptontui.config.problem import did_you_mean
from leptontui.model.alert import Alert, AlertState
from leptontui.model.alert_history import Happening


@dataclass(frozen=True, slots=True)
class Difference:
    """Where what came out is not what was expected.

    Attributes:
        at_s: when.
        missing: expected and not there.
        surplus: there and not expected.
    """

    at_s: float
    missing: tuple[str, ...]
    surplus: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one scenario.

    Attributes:
        scenario: which.
        differences: none if all came as expected.
        troubles: why it could not be run as it is written.
    """

    scenario: Scenario
    differences: tuple[Difference, ...] = ()
    troubles: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether all came as expected."""
        return not self.differences and not self.troubles


def run_scenario(scenario: Scenario, rules: Sequence[Rule]) -> Outcome:
    """Run one scenario.

    Args:
        scenario: what goes in and what is to come out.
        rules: all rules there are; the scenario may choose some of them.
    """
    chosen = [rule for rule in rules if not scenario.rules or rule.name in scenario.rules]
    troubles = _troubles(scenario, chosen, rules)
    if troubles:
        return Outcome(scenario, troubles=troubles)
    evaluator = Evaluator(chosen)
    policies = {rule.name: rule.policy for rule in chosen}
    horizon_s = max((rule.horizon_s for rule in chosen), default=0.0) or 900.0
    state, resolved = LifeState(), dict[str, Alert]()
    differences: list[Difference] = []
    said: dict[str, None] = {}
    waiting = list(scenario.checks)
    number = 0
    while waiting:
        stage = Stage(scenario, number, horizon_s)
        asked = [(alert.rule, alert.subject) for alert in state.alerts]
        evaluation = evaluator.evaluate(stage, asked)
        said |= dict.fromkeys(evaluation.troubles)
        longest = scenario.step_s * 1.5
        state, happened = step(state, evaluation, policies, stage.now_unix_s, longest_step_s=longest)
        for transition in happened:
            if transition.happening is Happening.RESOLVED:
                resolved[transition.alert.id] = transition.alert
        elapsed = stage.now_unix_s - BEGIN_UNIX_S
        if scenario.acknowledged_s is not None and elapsed >= scenario.acknowledged_s:
            seen = acknowledgement("scenario", "", stage.now_unix_s)
            state, _ = acknowledge(state, {alert.id: seen for alert in state.alerts}, stage.now_unix_s)
        number += 1
        while waiting and waiting[0].at_s < elapsed + scenario.step_s:
            found = _compared(waiting.pop(0), state.alerts, tuple(resolved.values()))
            differences += [] if found is None else [found]
    return Outcome(scenario, tuple(differences), tuple(said))


def _troubles(scenario: Scenario, chosen: Sequence[Rule], rules: Sequence[Rule]) -> tuple[str, ...]:
    names = [rule.name for rule in rules]
    unknown = [name for name in scenario.rules if name not in names]
    said = [f'no rule is called "{name}"; {did_you_mean(name, names)}'.removesuffix("; ") for name in unknown]
    derived = {item.column for rule in chosen for item in rule.derived}
    for item in scenario.inputs:
        known = columns_of(item.entity)
        for name in item.values:
            is_known = name in known or name in derived or name.startswith("label_")
            if not is_known and not any(part.metric == name for rule in chosen for part in rule.derived):
                hint = did_you_mean(name, [*known, *derived])
                said.append(f"{item.entity.value} has no column {name}; {hint}".removesuffix("; "))
    return tuple(said)


def _compared(check: Check, alerts: Sequence[Alert], resolved: Sequence[Alert]) -> Difference | None:
    """What is expected and not there, and the other way round; each alert meets one expectation."""
    live = [alert for alert in alerts if alert.state is not AlertState.RESOLVED]
    left = [*live]
    ended = [alert for alert in resolved if alert.id not in {known.id for known in live}]
    missing: list[Expected] = []
    for wanted in check.alerts:
        pool = ended if wanted.state == AlertState.RESOLVED.value else left
        match = next((alert for alert in pool if _meets(alert, wanted)), None)
        if match is None:
            missing.append(wanted)
        else:
            pool.remove(match)
    if not missing and not left:
        return None
    return Difference(
        check.at_s, tuple(_expected_words(item) for item in missing), tuple(_alert_words(alert) for alert in left)
    )


def _meets(alert: Alert, wanted: Expected) -> bool:
    return (
        alert.rule == wanted.rule
        and alert.state.value == wanted.state
        and wanted.host in {"", alert.subject.host}
        and wanted.instance in {"", alert.subject.instance}
        and wanted.summary in {"", alert.summary}
        and all(alert.label(name) == value for name, value in wanted.labels)
    )


def _expected_words(wanted: Expected) -> str:
    where = " ".join(part for part in (wanted.host, wanted.instance) if part)
    labels = "".join(f" {name}={value}" for name, value in wanted.labels)
    words = f"{wanted.rule} {wanted.state}{' ' + where if where else ''}{labels}"
    return f'{words} "{wanted.summary}"' if wanted.summary else words


def _alert_words(alert: Alert) -> str:
    subject = alert.subject
    where = " ".join(part for part in (subject.host, subject.instance) if part)
    return f'{alert.rule} {alert.state.value}{" " + where if where else ""} "{alert.summary}"'
