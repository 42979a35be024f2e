"""Evaluates all rules on the fleet at one instant: vectorised, one frame per entity, all conditions in one go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import polars as pl

from leptontui.alerts.rules.condition import POLARS_ERRORS
from leptontui.alerts.rules.derived import Derived
from leptontui.alerts.rules.facts import Facts
from leptontui.alerts.rules.findings import findings
from leptontui.alerts.rules.rule import Rule
from leptontui.alerts.rules.table import INSTANCE, LIVE, table_of
from leptontui.model.alert import Subject
from leptontui.model.evaluation import Evaluation, Finding, Standing
from leptontui.model.link import LinkState
from leptontui.model.series import Entity
from leptontui.model.text import plain

MOST_PER_RULE: Final = 500
"""Subjects of one rule that are told; the others are counted."""

Asked = tuple[str, Subject]
_ROW: Final = "__row"
_WHEN, _CLEAR, _CROSSED = "when", "clear", "crossed"


class Evaluator:
    """Evaluates rules. Without state: it may be called in any thread.

    Args:
        rules: checked and compiled ones.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._by_entity: dict[Entity, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            self._by_entity[rule.entity].append(rule)

    @property
    def needs(self) -> frozenset[tuple[Entity, Derived]]:
        """The derived columns that the rules ask for: what is worth forecasting."""
        return frozenset((rule.entity, item) for rule in self.rules for item in rule.derived)

    def evaluate(self, facts: Facts, asked: Collection[Asked] = ()) -> Evaluation:
        """Evaluate every rule. Never raises for what a rule says: one that cannot be evaluated is told in `troubles`.

        Args:
            facts: what is known.
            asked: alerts there are, whose standing is wanted; one whose rule is not known, or in trouble, has none.
        """
        by_rule: dict[str, list[Subject]] = defaultdict(list)
        for name, subject in asked:
            by_rule[name].append(subject)
        of_entity = [
            _Round(facts, entity, rules).evaluated(by_rule) for entity, rules in self._by_entity.items() if rules
        ]
        return Evaluation(
            facts.now_unix_s,
            tuple(item for found in of_entity for item in found.met),
            {key: standing for found in of_entity for key, standing in found.standings.items()},
            tuple(trouble for found in of_entity for trouble in found.troubles),
            {rule: more for found in of_entity for rule, more in found.overflow.items()},
            frozenset(key for found in of_entity for key in found.crossed),
        )


class _Round:
    """One entity's part of an evaluation."""

    def __init__(self, facts: Facts, entity: Entity, rules: Sequence[Rule]) -> None:
        self._facts = facts
        self._entity = entity
        self._rules = rules
        self.met: list[Finding] = []
        self.standings: dict[Asked, Standing] = {}
        self.troubles: list[str] = []
        self.overflow: dict[str, int] = {}
        self.crossed: list[Asked] = []

    def evaluated(self, asked: Mapping[str, Sequence[Subject]]) -> _Round:
        """Itself, with everything found."""
        underivable: dict[str, str] = {}
        rows = table_of(self._facts, self._entity, self._rules, underivable)
        self.troubles += [_trouble(name, why) for name, why in sorted(underivable.items())]
        if rows is None:
            for rule in self._rules:
                self._stand(rule, asked.get(rule.name, ()), {}, None)
            return self
        flags = self._flags(rows, asked)
        places = self._places(rows, asked)
        held = _held(flags)
        for rule in self._rules:
            if rule.name in flags:
                if rule.name in held:
                    self._take(rule, rows, flags[rule.name])
                self._stand(rule, asked.get(rule.name, ()), places, flags[rule.name])
        return self

    def _flags(self, rows: pl.DataFrame, asked: Mapping[str, Sequence[Subject]]) -> dict[str, dict[str, pl.Series]]:
        """By rule when, clear and crossed: (n,) of booleans, null where it is not known.

        What is clear matters only to rules whose alerts are asked about.
        """
        wanted = {rule.name: _wanted(rule, is_asked=rule.name in asked) for rule in self._rules}
        columns = [expr.alias(f"{name} {key}") for name, by_key in wanted.items() for key, expr in by_key.items()]
        try:
            every = rows.select(columns)
        except POLARS_ERRORS:
            return self._flags_one_by_one(rows, wanted)
        return {name: {key: every[f"{name} {key}"] for key in by_key} for name, by_key in wanted.items()}

    def _flags_one_by_one(
        self, rows: pl.DataFrame, wanted: Mapping[str, Mapping[str, pl.Expr]]
    ) -> dict[str, dict[str, pl.Series]]:
        """The same where a rule cannot be evaluated: which one, and the others."""
        found: dict[str, dict[str, pl.Series]] = {}
        for name, by_key in wanted.items():
            try:
                flags = rows.select(expr.alias(key) for key, expr in by_key.items())
            except POLARS_ERRORS as error:
                self.troubles.append(_trouble(f"rule {name}", str(error)))
            else:
                found[name] = {key: flags[key] for key in by_key}
        return found

    def _take(self, rule: Rule, rows: pl.DataFrame, flags: Mapping[str, pl.Series]) -> None:
        held = flags[_WHEN].arg_true()
        if len(held):
            if len(held) > MOST_PER_RULE:
                self.overflow[rule.name] = len(held) - MOST_PER_RULE
            try:
                self.met += findings(rule, rows[held[:MOST_PER_RULE]], self._facts)
            except POLARS_ERRORS as error:
                self.troubles.append(_trouble(f"rule {rule.name}: summary", str(error)))
        if _CROSSED in flags:
            come = rows[flags[_CROSSED].arg_true()].select("host", INSTANCE)
            self.crossed += [(rule.name, Subject(rule.entity, host, instance)) for host, instance in come.iter_rows()]

    def _places(self, rows: pl.DataFrame, asked: Mapping[str, Sequence[Subject]]) -> dict[tuple[str, str], int]:
        """The rows of the subjects that are asked about."""
        subjects = {subject for rule in self._rules for subject in asked.get(rule.name, ())}
        if not subjects:
            return {}
        wanted = pl.DataFrame(
            [(subject.host, subject.instance) for subject in subjects],
            schema={"host": pl.String(), INSTANCE: pl.String()},
            orient="row",
        )
        found = rows.select("host", INSTANCE).with_row_index(_ROW).join(wanted, on=["host", INSTANCE], how="semi")
        return {(host, instance): row for row, host, instance in found.reverse().iter_rows()}

    def _stand(
        self,
        rule: Rule,
        subjects: Sequence[Subject],
        places: Mapping[tuple[str, str], int],
        flags: Mapping[str, pl.Series] | None,
    ) -> None:
        for subject in subjects:
            row = places.get((subject.host, subject.instance))
            if row is None or flags is None:
                self.standings[rule.name, subject] = Standing.GONE if self._is_live(subject.host) else Standing.UNSEEN
            else:
                clear = flags[_CLEAR][row] if _CLEAR in flags else None
                self.standings[rule.name, subject] = standing(
                    when=flags[_WHEN][row], clear=clear, has_clear=_CLEAR in flags
                )

    def _is_live(self, host: str) -> bool:
        """Whether what is not there of a host is gone rather than not seen. A host that is in no fleet is gone."""
        hosts = self._facts.latest(Entity.HOST)
        if hosts is None or "link" not in hosts.columns:
            return self._entity is not Entity.SAMPLE
        links = hosts.filter(pl.col("host") == host)["link"].to_list()
        return not links or links[0] == LinkState.LIVE.value


def standing(*, when: bool | None, clear: bool | None, has_clear: bool) -> Standing:
    """How an alert stands whose subject is there.

    Args:
        when: whether the rule's condition holds; None if it is not known.
        clear: whether it is clear; None if that is not known, or the rule does not say.
        has_clear: whether the rule says when it is clear.
    """
    if when:
        return Standing.MET
    if has_clear:
        if clear:
            return Standing.CLEAR
        return Standing.HELD if when is False and clear is False else Standing.UNSEEN
    return Standing.UNSEEN if when is None else Standing.CLEAR


def _held(flags: Mapping[str, Mapping[str, pl.Series]]) -> set[str]:
    """The rules of which something holds somewhere: of most nothing does."""
    columns = [
        by_key[key].alias(f"{name} {key}")
        for name, by_key in flags.items()
        for key in (_WHEN, _CROSSED)
        if key in by_key
    ]
    if not columns or not len(columns[0]):
        return set()
    row = pl.DataFrame(columns).select(pl.all().any()).row(0, named=True)
    return {name.rsplit(" ", 1)[0] for name, is_so in row.items() if is_so}


def _wanted(rule: Rule, *, is_asked: bool) -> dict[str, pl.Expr]:
    """What is evaluated of a rule; null where the host is not live, unless the rule is about that."""
    found = {_WHEN: rule.when.expr}
    if rule.clear is not None and is_asked:
        found[_CLEAR] = rule.clear.expr
    if rule.crossing is not None:
        found[_CROSSED] = rule.crossing.expr
    if rule.reads_blind:
        return found
    return {key: pl.when(LIVE).then(expr) for key, expr in found.items()}


def _trouble(what: str, why: str) -> str:
    return plain(
        f"{what} cannot be evaluated: {why.strip().splitlines()[0] if why.strip() else 'no reason given'}", 240
    )
