"""The metric catalogue: every value the program knows, its unit, meaning, bounds and kind.

Frames' schemas, table columns, help, charts and health all read it from here.
"""

from __future__ import annotations

from leptontui.model.gpu_metrics import GPU_METRICS
from leptontui.model.host_metrics import HOST_METRICS
from leptontui.model.metric import Kind, Metric
from leptontui.model.part_metrics import PART_METRICS
from leptontui.model.series import Entity

__all__ = ["Kind", "Metric"]

METRICS: tuple[Metric, ...] = (*HOST_METRICS, *GPU_METRICS, *PART_METRICS)

TREND_METRICS: tuple[str, ...] = ("util_pct", "memory_used_bytes", "temp_c", "power_w")
"""GPU series whose recent past is a column of every row."""

TREND_BUCKETS = 15
TREND_STEP_S = 60.0
"""A trend column is 15 one-minute means: the last quarter of an hour."""

CHART_STEP_S = 10.0
CHART_BUCKETS = 180
"""A chart's history is up to 180 ten-second means: half an hour."""

LONG_CHART_BUCKETS = 360
"""A long chart's history is up to 360 one-minute means: six hours."""

FORECAST_STEPS = 90
"""A forecast reaches 90 steps of ten seconds: 15 minutes ahead."""


def metrics_of(entity: Entity) -> tuple[Metric, ...]:
    """The catalogue's metrics of one entity, in the catalogue's order."""
    return tuple(metric for metric in METRICS if metric.entity is entity)


def metric(entity: Entity, name: str) -> Metric:
    """The metric called `name`.

    Raises:
        KeyError: the catalogue has none of that name for the entity.
    """
    return _BY_NAME[entity, name]


_BY_NAME = {(item.entity, item.name): item for item in METRICS}
