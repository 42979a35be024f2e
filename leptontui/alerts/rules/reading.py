"""Reads one rule from its table: what is wrong becomes a problem with its line, not an exception."""

from __future__ import annotations

import re
from typing import Final

from leptontui.alerts.rules.condition import Condition, compile_condition, compile_number, parse_sql
from leptontui.alerts.rules.fields import (
    Names,
    read_action,
    read_choice,
    read_condition,
    read_duration,
    read_labels,
    read_runbook,
    read_template,
)
from leptontui.alerts.rules.rule import Crossing, Rule
from leptontui.alerts.rules.samples import contradictions, is_met_by_forecast
from leptontui.alerts.rules.syntax import quoted_name
from leptontui.alerts.rules.tokens import ConditionError
from leptontui.alerts.rules.vocabulary import Catalogued, Foreign
from leptontui.config.reading import Table
from leptontui.model.alert import Level
from leptontui.model.reaction import Reaction
from leptontui.model.series import Entity

KEYS: Final = (
    *("name", "entity", "when", "clear", "clears", "for", "keep_for", "severity", "labels", "summary", "value"),
    *("threshold", "runbook", "action", "reaction", "about", "disabled"),
)
FOREIGN: Final = "series"
"""The entity of rules for recorded series that are none of ours."""
CLEARS: Final = ("itself", "acknowledged")
"""When an alert may end that is over: by itself, or once somebody has acknowledged it (or an action was verified)."""

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def read_rule(table: Table, origin: str, foreign: Foreign | None = None) -> Rule | None:
    """The rule that a table describes; None if anything in it is wrong, which is noted in the table's problems.

    Args:
        table: with all its keys; one that overrides has been merged into what it overrides.
        origin: where it is from; see `Rule.origin`.
        foreign: what rules for recorded series may name; None where there are none.
    """
    before = len(table.problems)
    table.refuse_unknown(KEYS)
    table.flag("disabled")
    entity, names = _read_entity(table, foreign)
    level = read_choice(table, "severity", [level.word for level in Level], is_needed=True)
    reaction = read_choice(table, "reaction", [reaction.value for reaction in Reaction])
    clears = read_choice(table, "clears", CLEARS)
    for_s, keep_for_s = read_duration(table, "for"), read_duration(table, "keep_for")
    action, runbook, about = read_action(table, entity), read_runbook(table), table.text("about") or ""
    if names is None or entity is None:
        return None
    when = read_condition(table, "when", names, compile_condition, is_needed=True)
    clear = read_condition(table, "clear", names, compile_condition)
    value = read_condition(table, "value", names, compile_number)
    threshold = read_condition(table, "threshold", names, compile_number)
    summary = read_template(table, "summary", table.values.get("summary"), names)
    labels = read_labels(table, names)
    if when is None or summary is None or level is None or len(table.problems) > before:
        return None
    rule = Rule(
        name=str(table.values["name"]),
        entity=entity,
        level=Level[level.upper()],
        when=when,
        clear=clear,
        for_s=for_s,
        keep_for_s=keep_for_s,
        summary=summary,
        labels=labels,
        value=value or _first_value(when, names),
        threshold=threshold or _named_threshold(when, names),
        crossing=_crossing(when, threshold),
        horizon_s=_horizon_s(when),
        runbook=runbook,
        action=action,
        reaction=Reaction(reaction or Reaction.SUGGEST),
        is_latched=clears == CLEARS[1],
        about=about,
        origin=origin,
        is_foreign=isinstance(names, Foreign),
    )
    _check_whole(table, rule, names)
    return None if len(table.problems) > before else rule


def _check_whole(table: Table, rule: Rule, names: Names) -> None:
    """What is wrong between keys that are right each for itself."""
    if rule.reaction is not Reaction.SUGGEST and not rule.action:
        table.problem("reaction", f'"{rule.reaction.value}" without an action', 'action = "drain" or the like')
    if rule.reaction is Reaction.AUTO and rule.is_predictive:
        table.problem(
            "reaction", '"auto" on a forecast', '"suggest" or "confirm"', "nothing is done on a forecast alone"
        )
    if rule.is_predictive and rule.crossing is None:
        table.problem("when", "a forecast that is compared with nothing", "forecast(…) >= a number or a column")
    mistakes = contradictions(rule, names)
    for key, words in mistakes:
        table.problem(key, words)
    if rule.reaction is Reaction.AUTO and not mistakes and is_met_by_forecast(rule, names):
        table.problem(
            "reaction",
            '"auto" on what a forecast alone may bring about',
            "severity or verdict_action compared with what is worse than a forecast, or measured values",
        )


def _read_entity(table: Table, foreign: Foreign | None) -> tuple[Entity | None, Names | None]:
    text = read_choice(table, "entity", [*(entity.value for entity in Entity), FOREIGN], is_needed=True)
    if text is None:
        return None, None
    if text == FOREIGN:
        if foreign is None:
            table.problem("entity", f'"{FOREIGN}"', "one of ours", "series are for leptontui alerts replay")
            return None, None
        return Entity.SAMPLE, foreign
    return Entity(text), Catalogued(Entity(text))


def _first_value(when: Condition, names: Names) -> Condition | None:
    """The value that a condition is first of all about: of a forecast the series itself."""
    if when.threshold is not None:
        return _number(when.threshold.metric, names)
    if when.derived:
        return _number(when.derived[0].column, names)
    words = (word for word in _WORD.findall(when.text) if word in when.columns)
    return next((found for word in words if (found := _number(word, names)) is not None), None)


def _named_threshold(when: Condition, names: Names) -> Condition | None:
    """What a forecast is compared with, as a value to be told."""
    if when.threshold is None:
        return None
    return _number(when.threshold.sql.replace('"', ""), names)


def _number(text: str, names: Names) -> Condition | None:
    try:
        return compile_number(text, names)
    except ConditionError:
        return None


def _crossing(when: Condition, threshold: Condition | None) -> Crossing | None:
    found = when.threshold
    if found is None:
        return None
    expr = parse_sql(found.sql) if threshold is None else threshold.expr
    return Crossing(found.metric, expr, found.is_rising, parse_sql(quoted_name(found.metric)))


def _horizon_s(when: Condition) -> float:
    """How far ahead a condition looks: of forecasts the farthest, of `eta` the longest duration it is compared with."""
    if any(item.function == "eta" for item in when.derived):
        return max((number for number in when.numbers), default=0.0)
    return max((item.seconds for item in when.derived if item.function == "forecast"), default=0.0)
