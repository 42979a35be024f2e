"""`leptontui alerts replay`: rules over recorded series, step by step, with forecasts that know the past only."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from leptontui.alerts.judgement import Judgements, judge
from leptontui.alerts.life import step as live_on
from leptontui.alerts.life_state import LifeState
from leptontui.alerts.rules.book import load_rules, names_series
from leptontui.alerts.rules.evaluator import Evaluator
from leptontui.alerts.rules.rule import Rule
from leptontui.alerts.rules.vocabulary import Foreign
from leptontui.config.problem import config_error
from leptontui.config.text import read_text, unreadable
from leptontui.errors import ConfigError
from leptontui.model.alert_history import Happening, Transition
from leptontui.wiring.replay_forecasts import ReplayForecasts
from leptontui.wiring.replay_series import Recorded, Replayed, recorded
from leptontui.wiring.tidy import read_tidy

SCHEMA: Final = 1
_STATE: Final = {
    Happening.PENDING: "pending",
    Happening.FIRED: "firing",
    Happening.RESOLVED: "resolved",
    Happening.LAPSED: "lapsed",
}


@dataclass(slots=True)
class Run:
    """What came of a replay; grows while it runs.

    Attributes:
        transitions: everything that happened to alerts, in order of time.
        judgements: how predictions did.
        troubles: rules that could not be evaluated.
        steps: steps that were evaluated.
        forecasts: forecasts that were made.
        fallbacks: how often no model was used, by reason.
        seconds: time it took.
    """

    transitions: list[Transition] = field(default_factory=list)
    judgements: Judgements = field(default_factory=Judgements)
    troubles: dict[str, None] = field(default_factory=dict)
    steps: int = 0
    forecasts: int = 0
    fallbacks: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def replay(recording: Path, *, rules_file: Path, every: int, as_json: bool) -> int:
    """Run rules over a recording, and print what happened and a summary.

    Args:
        recording: parquet with the columns series, metric, ts, value; or a recording's folder.
        rules_file: the rules; with entity "series" for series that are none of ours, whose metrics are their columns.
        every: what is far from every threshold is forecast at every so many steps only.
        as_json: print one JSON document instead of lines.

    Returns:
        0.

    Raises:
        ConfigError: a file or an option is wrong.
    """
    if not 1 <= every <= 1000:  # noqa: PLR2004 — more is never
        raise ConfigError([f"--every {every}: expected 1 to 1000"])
    try:
        text = read_text(rules_file)
    except (OSError, ValueError) as error:
        raise ConfigError([f"{rules_file}: {unreadable(error, 'a TOML file')}"]) from None
    is_foreign = names_series(text)
    of = recorded(read_tidy(recording), is_foreign=is_foreign)
    foreign = Foreign(of.metrics) if is_foreign else None
    book = load_rules(rules_file, foreign=foreign, is_alone=True)
    if book.problems:
        raise config_error(book.problems)
    rules = [rule for rule in book.rules if rule.is_foreign == is_foreign]
    if not rules:
        raise ConfigError([f"{rules_file}: no rules"], 'write [[rule]] with entity = "series"')
    run = run_replay(of, rules, every, is_foreign=is_foreign)
    if as_json:
        print(json.dumps(document(of, rules, run)))
    else:
        print("\n".join(lines(of, rules, run)))
    return 0


def run_replay(of: Recorded, rules: list[Rule], every: int, *, is_foreign: bool) -> Run:
    """Evaluate the rules at every step of a recording, as live."""
    began = time.perf_counter()
    evaluator = Evaluator(rules)
    policies = {rule.name: rule.policy for rule in rules}
    forecasts = ReplayForecasts(of, rules, every)
    facts = Replayed(of, forecasts.outlooks, is_foreign=is_foreign)
    state, run = LifeState(), Run()
    for step in of.steps().tolist():
        forecasts.advance(step)
        facts.step = step
        evaluation = evaluator.evaluate(facts, [(alert.rule, alert.subject) for alert in state.alerts])
        run.troubles |= dict.fromkeys(evaluation.troubles)
        now = facts.now_unix_s
        state, happened = live_on(state, evaluation, policies, now, longest_step_s=1.5 * of.step_s)
        run.transitions += happened
        run.judgements = judge(run.judgements, evaluation, state.alerts, policies, now)
        run.steps += 1
    run.forecasts, run.fallbacks = forecasts.made, forecasts.fallbacks
    run.seconds = time.perf_counter() - began
    return run


def document(of: Recorded, rules: list[Rule], run: Run) -> dict[str, object]:
    """What came of it, as plain dicts and lists."""
    return {
        "schema": SCHEMA,
        "transitions": [_transition(item) for item in run.transitions],
        "summary": {
            "step_s": of.step_s,
            "steps": run.steps,
            "series": len(of.lines),
            "series_days": round(_days(of), 3),
            "forecasts": run.forecasts,
            "fallbacks": run.fallbacks,
            "seconds": round(run.seconds, 3),
            "troubles": list(run.troubles),
            "rules": {rule.name: _summary(rule, of, run) for rule in rules},
        },
    }


def _transition(item: Transition) -> dict[str, object]:
    alert, eta = item.alert, item.alert.eta
    return {
        "series": alert.subject.instance if not alert.subject.host else _series(item),
        "rule": alert.rule,
        "state": _STATE.get(item.happening, item.happening.value),
        "ts": item.at_unix_s,
        "value": alert.value,
        "severity": alert.level.word,
        "summary": alert.summary,
        "eta": None
        if eta is None
        else {
            "threshold": eta.threshold,
            "expected_ts": eta.expected_unix_s,
            "earliest_ts": eta.earliest_unix_s,
            "latest_ts": eta.latest_unix_s,
        },
        "why": item.why,
    }


def _series(item: Transition) -> str:
    subject = item.alert.subject
    return f"{subject.host}/{subject.entity.value}/{subject.instance}" if subject.instance else subject.host


def _summary(rule: Rule, of: Recorded, run: Run) -> dict[str, object]:
    mine = Counter(item.happening for item in run.transitions if item.alert.rule == rule.name)
    found: dict[str, object] = {
        "pending": mine[Happening.PENDING],
        "fired": mine[Happening.FIRED],
        "resolved": mine[Happening.RESOLVED],
        "lapsed": mine[Happening.LAPSED],
        "fired_per_series_day": round(mine[Happening.FIRED] / max(_days(of, rule), 1e-9), 4),
    }
    record = run.judgements.records.get(rule.name)
    if rule.is_predictive:
        came, failed, missed = (record.came_true, record.did_not, record.missed) if record else (0, 0, 0)
        found |= {
            "came_true": came,
            "did_not": failed,
            "missed": missed,
            "precision": round(came / (came + failed), 4) if came + failed else None,
            "recall": round(came / (came + missed), 4) if came + missed else None,
            "false_alarms_per_series_day": round(failed / max(_days(of, rule), 1e-9), 4),
        }
    return found


def _days(of: Recorded, rule: Rule | None = None) -> float:
    """How long all series were watched together; of a rule those that have the metric it names."""
    named = None if rule is None else rule.columns | {item.metric for item in rule.derived}
    spans = [len(line.values) for line in of.lines if named is None or line.metric in named]
    return sum(spans) * of.step_s / 86400.0


def lines(of: Recorded, rules: list[Rule], run: Run) -> list[str]:
    """What came of it, for people."""
    found = [
        f"{_time(item.at_unix_s)}  {_STATE.get(item.happening, item.happening.value):<8}  {item.alert.rule}  "
        f"{item.alert.summary}"
        for item in run.transitions
    ]
    found += ["", f"{len(of.lines)} series, {_days(of):.1f} series-days, {run.steps} steps of {of.step_s:g} s"]
    if run.forecasts:
        found.append(f"{run.forecasts} forecasts, {1000 * run.seconds / run.forecasts:.1f} ms each, rules included")
    for rule in rules:
        told = _summary(rule, of, run)
        found.append(f"{rule.name}: " + ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items()))
    return [*found, *run.troubles]


def _time(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
