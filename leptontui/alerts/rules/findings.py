"""Makes findings of the rows for which a rule's condition holds: labels, summary, value, evidence, when it will be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import polars as pl

from leptontui.alerts.rules.facts import Facts
from leptontui.alerts.rules.outlook import Outlook
from leptontui.alerts.rules.rule import Rule
from leptontui.alerts.rules.table import INSTANCE
from leptontui.model.alert import Subject
from leptontui.model.eta_words import wait_words
from leptontui.model.evaluation import Finding
from leptontui.model.series import KEY_OF, Entity, Eta
from leptontui.model.text import plain

Foreseen = tuple[Outlook, dict[tuple[str, str], int]]

MAX_EVIDENCE: Final = 8
_LONGEST_LABEL: Final = 120
_LABEL_COLUMNS: Final = {
    "group": "group",
    "index": "gpu",
    "name": "model",
    "job": "job",
    "user": "user",
    "uuid": "uuid",
    "driver_version": "driver",
    "rack": "rack",
    "switch": "switch",
    "mig_profile": "mig",
    "mount": "mount",
    "device": "device",
    "nic": "nic",
    "port": "port",
    "unit": "unit",
    "service": "service",
    "source": "source",
    "series": "series",
}
"""Columns that become labels, and what they are called there."""
_NOW: Final = "__now"
_EVIDENCE: Final = "__evidence"
_KEPT: Final = frozenset({"rule", "level"})
"""Labels that nobody else may give."""


def findings(rule: Rule, rows: pl.DataFrame, facts: Facts) -> list[Finding]:
    """One finding for each row.

    Args:
        rule: whose condition holds for them.
        rows: a few rows, as `table_of` makes them.
        facts: what they are from.

    Raises:
        PolarsError: a value in a text cannot be evaluated.
    """
    conditions = {condition.text: condition for condition in rule.conditions}
    texts = list(conditions)
    columns = [conditions[text].expr.alias(f"__{n}") for n, text in enumerate(texts)]
    given = [name for name in _LABEL_COLUMNS if name in rows.columns]
    evidence = [pl.col(name).alias(_EVIDENCE) for name in rows.columns if name == _evidence_column(rule)]
    now = [] if rule.crossing is None else [rule.crossing.value.cast(pl.Float64).alias(_NOW)]
    shown = rows.select("host", INSTANCE, *given, *evidence, *columns, *now)
    foreseen = _foreseen(rule, facts)
    return [_finding(rule, dict(row), texts, facts, foreseen) for row in shown.iter_rows(named=True)]


def _foreseen(rule: Rule, facts: Facts) -> Foreseen | None:
    """What is foreseen of the metric a rule predicts, and where in it each subject is."""
    outlook = None if rule.crossing is None else facts.outlook(rule.entity, rule.crossing.metric)
    if outlook is None:
        return None
    return outlook, {key: row for row, key in enumerate(zip(outlook.hosts, outlook.instances, strict=True))}


def _evidence_column(rule: Rule) -> str:
    """Where the evidence for a verdict that a rule tells is; "" of a rule that tells none."""
    whose = (name for name in rule.columns if name.startswith(("verdict_", "own_verdict_")))
    return next((f"{name.split('verdict_')[0]}verdict_evidence" for name in sorted(whose)), "")


def _finding(
    rule: Rule, row: dict[str, object], texts: Iterable[str], facts: Facts, foreseen: Foreseen | None
) -> Finding:
    values: dict[str, object] = {text: row[f"__{n}"] for n, text in enumerate(texts)}
    subject = Subject(rule.entity, str(row["host"] or ""), str(row[INSTANCE] or ""))
    value = _number(values.get(rule.value.text)) if rule.value else None
    threshold = _number(values.get(rule.threshold.text)) if rule.threshold else None
    eta = _eta(rule, subject, threshold, foreseen, _number(row.get(_NOW)))
    values |= {"rule": rule.name, "instance": subject.instance, "value": value, "threshold": threshold}
    values["eta"] = None if eta is None else wait_words(eta, facts.now_unix_s)
    told = row.get(_EVIDENCE)
    evidence = tuple(plain(str(line)) for line in told[:MAX_EVIDENCE]) if isinstance(told, list) else ()
    return Finding(
        rule.name,
        subject,
        _labels(rule, subject, row, values, facts),
        rule.summary.fill(values),
        value,
        evidence,
        eta,
    )


def _labels(
    rule: Rule, subject: Subject, row: Mapping[str, object], values: Mapping[str, object], facts: Facts
) -> tuple[tuple[str, str], ...]:
    labels = {name: plain(text, _LONGEST_LABEL) for name, text in facts.labels.get(subject.host, ())}
    for column, label in _LABEL_COLUMNS.items():
        text = row.get(column)
        if text is not None and text != "" and _means(subject.entity, column):
            labels[label] = plain(str(text), _LONGEST_LABEL)
    labels |= {"entity": subject.entity.value}
    if subject.host:
        labels["host"] = subject.host
    labels |= {name: plain(template.fill(values), _LONGEST_LABEL) for name, template in rule.labels}
    return tuple(sorted((name, text) for name, text in labels.items() if text and name not in _KEPT))


def _means(entity: Entity, column: str) -> bool:
    """Whether a column is what its label says: `device` of a filesystem changes, `unit` of a sample is of measure."""
    if column in {"device", "unit", "service", "source", "series"}:
        return column in KEY_OF.get(entity, ())
    return not (column in {"index", "name"} and entity is not Entity.GPU)


def _eta(
    rule: Rule, subject: Subject, threshold: float | None, foreseen: Foreseen | None, now: float | None
) -> Eta | None:
    if rule.crossing is None or threshold is None or foreseen is None:
        return None
    outlook, places = foreseen
    row = places.get((subject.host, subject.instance))
    if row is None:
        return None
    one = outlook.chosen(row).moved(np.array([math.nan if now is None else now]))
    return one.eta(0, threshold, is_rising=rule.crossing.is_rising)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
