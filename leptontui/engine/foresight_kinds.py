"""Which series of the fleet are forecast, how far and how often: near ones in ten-second steps, far ones in minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from leptontui.model.catalogue import CHART_STEP_S, FORECAST_STEPS
from leptontui.model.series import Entity, SeriesKey

NEAR_S: Final = CHART_STEP_S
FAR_S: Final = 60.0
FAR_STEPS: Final = 240
"""Far forecasts reach four hours ahead: a disk that fills up is foreseen in time to do something."""

NEAR_HORIZONS: Final = {"1m": 6, "5m": 30, "15m": 90}
FAR_HORIZONS: Final = {"30m": 30, "1h": 60, "2h": 120, "4h": 240}
ONLY_FAR_HORIZONS: Final = {"1m": 1, "5m": 5, "15m": 15, **FAR_HORIZONS}
"""Steps at which forecasts of the whole fleet are kept, by name."""


@dataclass(frozen=True, slots=True)
class Span:
    """How far and how often something is forecast.

    Attributes:
        step_s: width of a step.
        steps: how many are forecast.
        buckets: of the past, at most; the tier's length at most.
        pace_s: the rest of the fleet is renewed no more often than this.
        risk_pace_s: what may cross its threshold is.
        screen_pace_s: what is on the screen is.
        keeps_s: a forecast nobody renewed for this long says nothing any more.
    """

    step_s: float
    steps: int
    buckets: int
    pace_s: float
    risk_pace_s: float
    screen_pace_s: float
    keeps_s: float


NEAR: Final = Span(NEAR_S, FORECAST_STEPS, 359, 60.0, 30.0, 10.0, 300.0)
FAR: Final = Span(FAR_S, FAR_STEPS, 359, 300.0, 60.0, 60.0, 1800.0)
SPANS: Final = {NEAR_S: NEAR, FAR_S: FAR}


class Kind(NamedTuple):
    """Series of one metric, forecast at one step."""

    entity: Entity
    metric: str
    step_s: float


FLEET: Final = (
    Kind(Entity.GPU, "temp_c", NEAR_S),
    Kind(Entity.GPU, "memory_used_bytes", NEAR_S),
    Kind(Entity.GPU, "util_pct", NEAR_S),
    Kind(Entity.GPU, "power_w", NEAR_S),
    Kind(Entity.HOST, "memory_used_bytes", NEAR_S),
    Kind(Entity.HOST, "cpu_util_pct", NEAR_S),
    Kind(Entity.GPU, "memory_used_bytes", FAR_S),
    Kind(Entity.HOST, "memory_used_bytes", FAR_S),
    Kind(Entity.FILESYSTEM, "used_bytes", FAR_S),
)
"""What is forecast of the whole fleet."""

SLOW: Final = frozenset((kind.entity, kind.metric) for kind in FLEET if kind.step_s == FAR_S)
"""Series that are forecast far ahead: they fill up over hours."""
ONLY_SLOW: Final = SLOW - {(kind.entity, kind.metric) for kind in FLEET if kind.step_s == NEAR_S}
"""Of these nothing is to be seen in a quarter of an hour."""


class Job(NamedTuple):
    """One forecast to make.

    Attributes:
        key: whose.
        step_s: near or far.
        is_heavy: whether costly models may be fitted.
        is_whole: whether all its steps are wanted, not only the horizons that are kept of the fleet.
    """

    key: SeriesKey
    step_s: float
    is_heavy: bool = False
    is_whole: bool = False


def horizons_of(key: SeriesKey, step_s: float) -> dict[str, int]:
    """The steps that are kept of a series' forecast, by name."""
    if step_s == NEAR_S:
        return NEAR_HORIZONS
    return ONLY_FAR_HORIZONS if (key.entity, key.metric) in ONLY_SLOW else FAR_HORIZONS
