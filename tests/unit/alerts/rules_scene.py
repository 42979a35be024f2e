"""Rules and facts for the tests of rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from leptontui.alerts.rules.book import RuleBook, read_rules
from leptontui.alerts.rules.derived import Derived
from leptontui.alerts.rules.outlook import Outlook
from leptontui.alerts.rules.rule import Rule
from leptontui.model.series import Entity

NOW = 1_700_000_000.0


@dataclass
class Known:
    """Facts made by hand."""

    frames: Mapping[Entity, pl.DataFrame]
    windows: Mapping[Entity, pl.DataFrame] = field(default_factory=dict)
    outlooks: Mapping[tuple[Entity, str], Outlook] = field(default_factory=dict)
    labels: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    now_unix_s: float = NOW
    asked: list[Derived] = field(default_factory=list)

    def latest(self, entity: Entity) -> pl.DataFrame | None:
        return self.frames.get(entity)

    def derived(self, entity: Entity, asked: Sequence[Derived]) -> pl.DataFrame:
        self.asked += asked
        nothing = pl.DataFrame(schema={"host": pl.String(), "instance": pl.String()})
        known = self.windows.get(entity, nothing)
        columns = [item.column for item in asked]
        missing = [pl.lit(None, dtype=pl.Float64).alias(name) for name in columns if name not in known.columns]
        return known.with_columns(missing).select("host", "instance", *columns)

    def outlook(self, entity: Entity, metric: str) -> Outlook | None:
        return self.outlooks.get((entity, metric))


def gpus(**columns: Sequence[object]) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    usual = {
        "host": [f"h{n}" for n in range(count)],
        "uuid": [f"GPU-{n}" for n in range(count)],
        "index": list(range(count)),
        "link": ["live"] * count,
        "group": ["train"] * count,
    }
    return pl.DataFrame({**usual, **columns}, strict=False)


def hosts(*names: str, **columns: Sequence[object]) -> pl.DataFrame:
    return pl.DataFrame({"host": list(names), "link": ["live"] * len(names), **columns}, strict=False)


def book_of(*rules: str, more: str = "") -> RuleBook:
    return read_rules("\n".join(["", *rules, more]), "rules.toml", is_alone=True)


def rule_text(**keys: object) -> str:
    usual = {"name": "it", "entity": "gpu", "severity": "note", "summary": "{host}", "when": "temp_c > 85"}
    lines = ["[[rule]]"]
    for key, value in {**usual, **keys}.items():
        if value is not None:
            quoted = "'''" + value + "'''" if isinstance(value, str) else str(value).lower()
            lines.append(f"{'for' if key == 'for_' else key} = {quoted}")
    return "\n".join(lines)


def rule(**keys: object) -> Rule:
    book = book_of(rule_text(**keys))
    assert not book.problems, [str(problem) for problem in book.problems]
    return book.rules[0]


def outlook(
    host: str, instance: str, value: float, end: float, *, band: float = 0.0, seconds: float = 900.0
) -> Outlook:
    """A straight line from a value to another, with a band that opens to so much at its end."""
    lines = np.array([[[end - 1.5 * band, end - band, end, end + band, end + 1.5 * band]]])
    return Outlook([host], [instance], np.array([NOW]), np.array([value]), np.array([seconds]), lines)
