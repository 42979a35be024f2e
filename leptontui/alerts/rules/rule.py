"""A rule: which condition of which entity is to be told, how urgently, in which words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

from leptontui.alerts.rules.columns import BLIND_COLUMNS
from leptontui.alerts.rules.condition import Condition
from leptontui.alerts.rules.derived import Derived
from leptontui.alerts.rules.template import Template
from leptontui.model.alert import Level
from leptontui.model.alert_policy import RulePolicy
from leptontui.model.reaction import Reaction
from leptontui.model.series import Entity

SHIPPED: Final = "shipped"


@dataclass(frozen=True, slots=True)
class Crossing:
    """What a predictive rule foresees.

    Attributes:
        metric: of which series.
        threshold: the value at which it is so; over the columns.
        is_rising: whether it is so at and above it; else at and below.
        value: the series' latest value.
    """

    metric: str
    threshold: pl.Expr
    is_rising: bool
    value: pl.Expr

    @property
    def expr(self) -> pl.Expr:
        """Whether it has come."""
        return self.value >= self.threshold if self.is_rising else self.value <= self.threshold


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, checked and compiled.

    Attributes:
        name: unique.
        entity: what its alerts are about.
        level: how urgent they are.
        when: holds for a subject that is to be told of.
        clear: holds when it is well again; None: when `when` does not hold.
        for_s: how long `when` has to hold.
        keep_for_s: how long an alert goes on after it is clear.
        summary: one line.
        labels: further labels.
        value: the value that is told; None for none.
        threshold: the value at which it is so; None where that is no single one.
        crossing: of a predictive rule what it foresees, None where that cannot be told from it.
        horizon_s: of a predictive rule how far ahead it looks; else 0.
        runbook: where to read on; "".
        action: suggested action, by its name; "".
        reaction: what is done about it.
        is_latched: an alert that is over stays until it is acknowledged or an action was verified.
        about: what it is for, one line.
        origin: "shipped", "overridden" or the file with the line.
        is_foreign: it is for recorded series that are none of ours.
    """

    name: str
    entity: Entity
    level: Level
    when: Condition
    summary: Template
    clear: Condition | None = None
    for_s: float = 0.0
    keep_for_s: float = 0.0
    labels: tuple[tuple[str, Template], ...] = ()
    value: Condition | None = None
    threshold: Condition | None = None
    crossing: Crossing | None = None
    horizon_s: float = 0.0
    runbook: str = ""
    action: str = ""
    reaction: Reaction = Reaction.SUGGEST
    is_latched: bool = False
    about: str = ""
    origin: str = SHIPPED
    is_foreign: bool = False

    @property
    def is_predictive(self) -> bool:
        """Whether it tells of what will be: its condition asks for a forecast."""
        return any(item.is_predicting for item in self.when.derived)

    @property
    def policy(self) -> RulePolicy:
        """How its alerts live."""
        return RulePolicy(
            self.name,
            self.level,
            is_predictive=self.is_predictive,
            for_s=self.for_s,
            keep_for_s=self.keep_for_s,
            is_latched=self.is_latched,
            runbook=self.runbook,
            action=self.action,
            reaction=self.reaction,
            horizon_s=self.horizon_s,
        )

    @property
    def reads_blind(self) -> bool:
        """Whether it is evaluated for hosts that are not live, too: it asks for the link or the age of values."""
        return bool(self.when.columns & BLIND_COLUMNS)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Everything in it that is evaluated."""
        found = [self.when, self.clear, self.value, self.threshold]
        templates = [self.summary, *(template for _, template in self.labels)]
        return (
            *(item for item in found if item is not None),
            *(item for template in templates for item in template.conditions),
        )

    @property
    def derived(self) -> frozenset[Derived]:
        """The derived columns it needs."""
        return frozenset(item for condition in self.conditions for item in condition.derived)

    @property
    def columns(self) -> frozenset[str]:
        """The columns it names."""
        return frozenset(column for condition in self.conditions for column in condition.columns)
