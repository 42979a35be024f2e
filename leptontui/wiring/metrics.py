"""`leptontui metrics`: the catalogue of everything that is measured."""

from __future__ import annotations

import json
import os
import sys
from typing import Final

from leptontui.model.catalogue import METRICS
from leptontui.model.metric import Metric

SCHEMA: Final = 1


def print_metrics(*, as_json: bool) -> int:
    """Print it.

    Args:
        as_json: print one JSON document instead of a table.

    Returns:
        0.
    """
    try:
        print(json.dumps(metrics_document()) if as_json else metrics_text(), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def metrics_document() -> dict[str, object]:
    """The catalogue as plain dicts and lists. `cadence_s` null means in every sweep."""
    return {"schema": SCHEMA, "metrics": [_document(metric) for metric in METRICS]}


def metrics_text() -> str:
    """The catalogue as a table: a heading for each entity, then name, unit, kind, source, cadence and meaning."""
    names = max(len(metric.name) for metric in METRICS)
    units = max(len(metric.unit) for metric in METRICS)
    sources = max(len(metric.source) for metric in METRICS)
    lines: list[str] = []
    entity = None
    for metric in METRICS:
        if metric.entity is not entity:
            entity = metric.entity
            lines += ["", entity.value.upper()] if lines else [entity.value.upper()]
        lines.append(
            f"  {metric.name:<{names}}  {metric.unit:<{units}}  {metric.kind.value:<7}  {metric.source:<{sources}}  "
            f"{_cadence(metric):>6}  {metric.meaning}".rstrip()
        )
    return "\n".join(lines)


def _cadence(metric: Metric) -> str:
    return f"{metric.cadence_s:g} s" if metric.cadence_s else "sweep"


def _document(metric: Metric) -> dict[str, object]:
    return {
        "entity": metric.entity.value,
        "name": metric.name,
        "unit": metric.unit or None,
        "kind": metric.kind.value,
        "title": metric.title,
        "meaning": metric.meaning,
        "source": metric.source or None,
        "cadence_s": metric.cadence_s or None,
        "lower": metric.lower,
        "upper": metric.upper,
        "capacity": metric.capacity or None,
        "rate": metric.rate_name if metric.kind.value == "counter" else None,
        "is_series": metric.is_series,
    }
