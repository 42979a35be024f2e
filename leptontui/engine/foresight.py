"""Foresight: decides which series to forecast now, and keeps what was forecast.

First what is on the screen, then the GPUs whose recent past, drawn on as a straight line, would reach a threshold
soon: so that trouble is foreseen also where nobody looks.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import polars as pl

from leptontui.errors import ForecastError
from leptontui.forecast.forecaster import Forecaster
from leptontui.forecast.request import ForecastRequest
from leptontui.health.thresholds import threshold_for
from leptontui.model.catalogue import CHART_STEP_S, FORECAST_STEPS, TREND_STEP_S, metric
from leptontui.model.focus import Focus
from leptontui.model.series import Entity, Forecast, ForecasterState, SeriesKey
from leptontui.store.schema import KEY_OF
from leptontui.store.store import Store

_LOG = logging.getLogger(__name__)

BATCH = 32
"""Series in one batch: at 3 ms each the worker answers in a tenth of a second, and a new focus waits no longer."""
SUSPECTS = 32
"""Series outside the focus that are forecast in each round, those nearest to their threshold first."""
KEEP_S = 60.0
"""A forecast nobody renewed for this long is forgotten: its origin is too far back to be shown."""
_FLEET_METRICS = ("temp_c", "memory_used_bytes")

Bounds = tuple[float | None, float | None, float | None]
"""Lower bound, upper bound, threshold; in the metric's unit."""


class Foresight:
    """Keeps forecasts of what matters fresh.

    Args:
        store: where the series are.
        forecaster: the worker.
        trends: gives the trend columns, for picking suspects.
        clock: unix time.
    """

    def __init__(
        self,
        store: Store,
        forecaster: Forecaster,
        trends: Callable[[float], pl.DataFrame],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._forecaster = forecaster
        self._trends = trends
        self._clock = clock
        self._forecasts: dict[SeriesKey, Forecast] = {}
        self._focus = Focus()
        self._focused = asyncio.Event()

    @property
    def forecasts(self) -> Mapping[SeriesKey, Forecast]:
        """What was forecast so far, immutable."""
        return MappingProxyType(dict(self._forecasts))

    @property
    def focus(self) -> Focus:
        """What is being looked at."""
        return self._focus

    def look_at(self, focus: Focus) -> None:
        """Forecast this first from now on."""
        if focus != self._focus:
            self._focus = focus
            self._focused.set()

    def forget(self, hosts: Collection[str]) -> None:
        """Forget what was forecast of some hosts."""
        self._forecasts = {key: made for key, made in self._forecasts.items() if key.host not in hosts}

    async def run(self) -> None:
        """Forecast in rounds, one per chart step, or as soon as the focus changes; until cancelled."""
        due = 0.0
        while True:
            round_began = self._clock()
            everything = round_began >= due or round_began < due - CHART_STEP_S
            if everything:
                due = round_began + CHART_STEP_S
            self._focused.clear()
            if self._forecaster.status.state is ForecasterState.READY:
                await self._round(everything=everything)
                wait = max(0.1, due - self._clock())
            else:
                due = 0.0
                wait = 0.25
            try:
                async with asyncio.timeout(wait):
                    await self._focused.wait()
            except TimeoutError:
                continue

    async def _round(self, *, everything: bool) -> None:
        for batch in _batches(self._wanted(everything=everything)):
            now = self._clock()
            bounds = self._bounds(batch)
            series = self._store.series(batch, now_unix_s=now)
            requests = [
                ForecastRequest(found, *bounds[key], is_rising_bad=True, steps=FORECAST_STEPS)
                for key, found in series.items()
                if key in bounds
            ]
            try:
                made = await self._forecaster.forecast(requests)
            except ForecastError as error:
                _LOG.warning("no forecasts this round: %s", error)
                return
            self._forecasts.update((forecast.key, forecast) for forecast in made)
            if self._focused.is_set():
                break
        self._forget_old()

    def _wanted(self, *, everything: bool) -> list[SeriesKey]:
        """Series to forecast, most urgent first; without `everything` only those not forecast yet."""
        focus = self._focus
        wanted = [] if focus.chart is None else [focus.chart]
        wanted += sorted(focus.trends - set(wanted))
        if everything:
            return list(dict.fromkeys(wanted + self._suspects()))
        return [key for key in wanted if key not in self._forecasts]

    def _suspects(self) -> list[SeriesKey]:
        latest = self._store.latest(Entity.GPU).filter(pl.col("state") == "present")
        return suspects(latest.join(self._trends(self._clock()), on=["host", "uuid"], how="inner"))

    def _bounds(self, keys: Iterable[SeriesKey]) -> dict[SeriesKey, Bounds]:
        """Physical bounds and threshold of each series, from the catalogue and the entity's latest values."""
        wanted = set(keys)
        found: dict[SeriesKey, Bounds] = {}
        for entity in {key.entity for key in wanted}:
            asked = [key for key in wanted if key.entity is entity]
            rows = self._store.latest(entity).filter(pl.col("host").is_in(list({key.host for key in asked})))
            parts = KEY_OF.get(entity, ())
            by_identity = {
                (row["host"], "/".join(str(row[part]) for part in parts)): row for row in rows.iter_rows(named=True)
            }
            for key in asked:
                row = by_identity.get((key.host, key.instance))
                if row is not None:
                    found[key] = bounds_of(key, row)
        return found

    def _forget_old(self) -> None:
        """Forget what is too old, and what comes from a time that our clock was set back from."""
        now = self._clock()
        self._forecasts = {
            key: made
            for key, made in self._forecasts.items()
            if now - KEEP_S <= made.origin_unix_s <= now + 2 * CHART_STEP_S
        }


def bounds_of(key: SeriesKey, row: Mapping[str, Any]) -> Bounds:
    """Lower bound, upper bound and threshold of one series, given its entity's latest values."""
    described = metric(key.entity, key.metric)
    upper = row.get(described.capacity) if described.capacity else described.upper
    return described.lower, None if upper is None else float(upper), threshold_for(key.metric, row)


def suspects(gpus: pl.DataFrame) -> list[SeriesKey]:
    """Series of GPUs that would reach their threshold within the forecast's horizon if they went on as they did.

    Args:
        gpus: latest GPU values joined with the trend columns.

    Returns:
        At most `SUSPECTS` series, the one that would be there first in front.
    """
    horizon_buckets = FORECAST_STEPS * CHART_STEP_S / TREND_STEP_S
    limits = {
        "temp_c": pl.col("temp_slowdown_c").fill_null(90.0),
        "memory_used_bytes": 0.97 * pl.col("memory_total_bytes"),
    }
    found: list[tuple[float, SeriesKey]] = []
    for name in _FLEET_METRICS:
        past = pl.col(f"trend_{name}").list
        rise = (past.get(-1, null_on_oob=True) - past.get(-6, null_on_oob=True)) / 5.0
        room = limits[name] - pl.col(name).cast(pl.Float64)
        rows = (
            gpus.lazy()
            .with_columns(buckets_left=pl.when((rise > 0) & (room > 0)).then(room / rise))
            .filter(pl.col("buckets_left") <= 2 * horizon_buckets)
            .sort("buckets_left")
            .head(SUSPECTS)
            .select("buckets_left", "host", "uuid")
            .collect()
        )
        found += [(left, SeriesKey(host, Entity.GPU, uuid, name)) for left, host, uuid in rows.iter_rows()]
    return [key for _, key in sorted(found, key=lambda pair: pair[0])[:SUSPECTS]]


def _batches(keys: list[SeriesKey]) -> Iterable[list[SeriesKey]]:
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))
