"""Foresight: keeps forecasts of the fleet fresh within a budget of CPU time, and tells what is foreseen.

What is on the screen comes first, then what is near a threshold or rising, then the rest of the fleet in turn.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Protocol

import polars as pl

from leptontui.engine.foresight_budget import DEFAULT_SHARE, Budget
from leptontui.engine.foresight_kinds import FAR_S, FLEET, NEAR_S, SPANS, Job, Kind, horizons_of
from leptontui.engine.foresight_order import LONGEST_WAIT_S, Order
from leptontui.engine.foresight_risk import by_turns, risks_of
from leptontui.engine.foresight_table import ForesightTable
from leptontui.errors import ForecastError
from leptontui.forecast.request import ForecastRequest, Foreseen
from leptontui.health.thresholds import threshold_for
from leptontui.model.catalogue import metric
from leptontui.model.focus import Focus
from leptontui.model.series import KEY_OF, Eta, Forecast, ForecasterState, ForecasterStatus, ForecastReach, SeriesKey
from leptontui.store.store import Store

_LOG = logging.getLogger(__name__)

LOOK_AROUND_S: Final = 10.0
"""How often the fleet is looked through for what is near a threshold or rising, and for what there is."""
AGREEING: Final = 3
"""So many far forecasts in a row expect a crossing before it is told as a finding: hours ahead one alone is noise."""
_SHOWN_S: Final = {NEAR_S: 180.0, FAR_S: 900.0}
"""A forecast whose origin is further back is not shown any more."""
_NEEDED: Final = ("temp_slowdown_c", "memory_total_bytes", "memory_available_bytes", "total_bytes")
"""Columns that thresholds are made of."""

Bounds = tuple[float | None, float | None, float | None]
"""Lower bound, upper bound, threshold; in the metric's unit."""
Made = tuple[SeriesKey, float]
"""A series and the step its forecast is made of."""


class Forecasting(Protocol):
    """What forecasts: `leptontui.forecast.forecaster.Forecaster`."""

    @property
    def status(self) -> ForecasterStatus:
        """What it is doing."""

    @property
    def seconds(self) -> float:
        """CPU seconds that forecasts took so far."""

    async def forecast(self, requests: Sequence[ForecastRequest]) -> list[Foreseen]:
        """Forecast some series.

        Raises:
            ForecastError: it cannot now.
        """


class Foresight:
    """Keeps forecasts of what matters fresh.

    Args:
        store: where the series are.
        forecaster: the worker.
        clock: unix time.
        share: of one core that forecasts may take.
        steady: a clock that does not go back, in seconds.

    Attributes:
        loop_s: seconds that choosing, asking and keeping took on the engine's loop so far.
    """

    def __init__(
        self,
        store: Store,
        forecaster: Forecasting,
        clock: Callable[[], float] = time.time,
        *,
        share: float = DEFAULT_SHARE,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._forecaster = forecaster
        self._clock = clock
        self._steady = steady
        self._order = Order(Budget(share, steady()))
        self._table = ForesightTable()
        self._whole: dict[Made, Forecast] = {}
        self._etas: dict[Made, tuple[Eta, float]] = {}
        self._focused = asyncio.Event()
        self._looked_at = -LOOK_AROUND_S
        self._to_look_at: list[Kind] = []
        self._risks: dict[Kind, list[Made]] = {}
        self._reach = (0.0, ForecastReach())
        self.loop_s = 0.0

    @property
    def forecasts(self) -> Mapping[SeriesKey, Forecast]:
        """Near forecasts of what is on the screen or at risk, immutable."""
        return self._of_step(NEAR_S)

    @property
    def outlooks(self) -> Mapping[SeriesKey, Forecast]:
        """Far forecasts of what is on the screen or at risk, immutable."""
        return self._of_step(FAR_S)

    @property
    def etas(self) -> Mapping[SeriesKey, Eta]:
        """Crossings that are foreseen: near ones at once, far ones once `AGREEING` forecasts in a row expect them."""
        found: dict[SeriesKey, Eta] = {}
        for (key, step_s), (eta, _) in self._etas.items():
            if step_s == NEAR_S or (key not in found and self._table.crossings(key, step_s) >= AGREEING):
                found[key] = eta
        return MappingProxyType(found)

    @property
    def reach(self) -> ForecastReach:
        """How much of the fleet is forecast; counted anew every second."""
        now_s = self._steady()
        if now_s - self._reach[0] >= 1.0 or not self._reach[1].budget_share:
            fresh, oldest_s = self._table.fresh(self._clock())
            budget, series = self._order.budget, self._order.turn.series
            reach = ForecastReach(series, min(fresh, series), oldest_s, budget.share, budget.spent_share(now_s))
            self._reach = (now_s, reach)
        return self._reach[1]

    @property
    def focus(self) -> Focus:
        """What is being looked at."""
        return self._order.focus

    def frame(self) -> pl.DataFrame:
        """What is foreseen of the whole fleet, for rules; see `ForesightTable.frame`."""
        return self._table.frame(self._clock())

    def look_at(self, focus: Focus) -> None:
        """Forecast this first from now on."""
        if focus != self._order.focus:
            self._order.focus = focus
            self._focused.set()

    def forget(self, hosts: Collection[str]) -> None:
        """Forget what was forecast of some hosts."""
        self._whole = {made: forecast for made, forecast in self._whole.items() if made[0].host not in hosts}
        self._etas = {made: eta for made, eta in self._etas.items() if made[0].host not in hosts}
        self._order.forget(hosts)
        self._table.forget(hosts)
        self._risks = {
            kind: [made for made in found if made[0].host not in hosts] for kind, found in self._risks.items()
        }
        self._looked_at = self._steady() - LOOK_AROUND_S

    async def run(self) -> None:
        """Forecast what is due whenever something may be spent, or as soon as the focus changes; until cancelled."""
        while True:
            self._focused.clear()
            is_ready = self._forecaster.status.state is ForecasterState.READY
            if is_ready and await self.advance():
                await asyncio.sleep(0)  # a batch of which nothing is known is answered without waiting
                continue
            try:
                async with asyncio.timeout(LONGEST_WAIT_S / 4):
                    await self._focused.wait()
            except TimeoutError:
                continue

    async def advance(self) -> bool:
        """Forecast one batch; returns whether there was anything to do."""
        began, used = time.perf_counter(), time.thread_time()
        now, now_s = self._clock(), self._steady()
        has_looked = self._look_around(now, now_s)
        batch = self._order.next_batch(now, now_s)
        requests = self._requests(batch, now)
        self.loop_s += time.perf_counter() - began
        if not batch:
            return has_looked
        used = time.thread_time() - used  # where hardly anything is known of the fleet, asking is what costs
        before = self._forecaster.seconds
        try:
            foreseen = await self._forecaster.forecast(requests)
        except ForecastError as error:
            _LOG.warning("no forecasts this time: %s", error)
            return False
        began = time.perf_counter()
        self._order.made(batch, self._forecaster.seconds - before + used, now, self._steady())
        for found in foreseen:
            self._keep(found)
        self._forget_old()
        self.loop_s += time.perf_counter() - began
        return True

    def _look_around(self, now_unix_s: float, now_s: float) -> bool:
        """See what there is and what of it may cross its threshold: one kind at a time, but for the first look.

        Returns:
            whether there was anything to look at.
        """
        if now_s - self._looked_at >= LOOK_AROUND_S:
            self._looked_at = now_s
            self._to_look_at = list(FLEET)
            self._order.forget_before(now_unix_s - 2 * SPANS[FAR_S].keeps_s)
        if not self._to_look_at:
            return False
        is_first = not self._order.turn.series
        for kind in self._to_look_at if is_first else self._to_look_at[:1]:
            rows = self._store.latest(kind.entity).filter(pl.col(kind.metric).is_not_null())
            parts = KEY_OF.get(kind.entity, ())
            instances = rows[parts[0]].to_list() if parts else [""] * len(rows)
            self._order.turn.set(kind, list(zip(rows["host"].to_list(), instances, strict=True)))
            self._risks[kind] = risks_of(self._store, kind, now_unix_s)
        self._to_look_at = [] if is_first else self._to_look_at[1:]
        foreseen = [made for made in self._etas if made[0] not in self._order.focus.trends]
        self._order.risks = list(dict.fromkeys([*foreseen, *by_turns(list(self._risks.values()))]))
        return True

    def _requests(self, batch: Sequence[Job], now_unix_s: float) -> list[ForecastRequest]:
        """What to ask; series of which nothing was sampled are left out."""
        bounds = self._bounds([job.key for job in batch])
        requests = []
        for step_s, span in SPANS.items():
            jobs = {job.key: job for job in batch if job.step_s == step_s and job.key in bounds}
            if not jobs:
                continue
            end, pasts = self._store.closed(jobs, now_unix_s=now_unix_s, step_s=step_s, buckets=span.buckets)
            for key, values in pasts.items():
                told = () if jobs[key].is_whole else tuple(horizons_of(key, step_s).values())
                lower, upper, threshold = bounds[key]
                requests.append(
                    ForecastRequest(
                        key,
                        values.tobytes(),
                        end,
                        step_s,
                        lower,
                        upper,
                        threshold,
                        steps=span.steps,
                        told=told,
                        is_heavy=jobs[key].is_heavy,
                    )
                )
        return requests

    def _bounds(self, keys: Iterable[SeriesKey]) -> dict[SeriesKey, Bounds]:
        """Physical bounds and threshold of each series, from the catalogue and the entity's latest values."""
        wanted = set(keys)
        found: dict[SeriesKey, Bounds] = {}
        for entity in {key.entity for key in wanted}:
            asked = [key for key in wanted if key.entity is entity]
            latest, parts = self._store.latest(entity), KEY_OF.get(entity, ())
            capacities = {metric(entity, key.metric).capacity for key in asked}
            columns = {"host", *parts, *capacities, *_NEEDED} & set(latest.columns)
            rows = latest.select(sorted(columns)).filter(pl.col("host").is_in(list({key.host for key in asked})))
            by_identity = {
                (row["host"], "/".join(str(row[part]) for part in parts)): row for row in rows.iter_rows(named=True)
            }
            for key in asked:
                row = by_identity.get((key.host, key.instance))
                if row is not None:
                    found[key] = bounds_of(key, row)
        return found

    def _keep(self, found: Foreseen) -> None:
        made = (found.key, found.asked.step_s)
        self._table.take(found)
        if not found.asked.told:
            self._whole[made] = found.forecast()
        self._etas.pop(made, None)
        if found.eta is not None:
            self._etas[made] = (found.eta, found.asked.end_unix_s)

    def _of_step(self, step_s: float) -> Mapping[SeriesKey, Forecast]:
        return MappingProxyType({key: made for (key, step), made in self._whole.items() if step == step_s})

    def _forget_old(self) -> None:
        """Forget what is too old, and what comes from a time that our clock was set back from."""
        now = self._clock()

        def is_shown(made: Made, origin_unix_s: float) -> bool:
            return now - _SHOWN_S[made[1]] <= origin_unix_s <= now + 2 * made[1]

        self._whole = {made: kept for made, kept in self._whole.items() if is_shown(made, kept.origin_unix_s)}
        self._etas = {made: kept for made, kept in self._etas.items() if is_shown(made, kept[1])}


def bounds_of(key: SeriesKey, row: Mapping[str, Any]) -> Bounds:
    """Lower bound, upper bound and threshold of one series, given its entity's latest values."""
    described = metric(key.entity, key.metric)
    upper = row.get(described.capacity) if described.capacity else described.upper
    return described.lower, None if upper is None else float(upper), threshold_for(key.metric, row, key.entity)
