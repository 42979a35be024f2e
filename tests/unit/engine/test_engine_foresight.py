"""Foresight: what is in focus is forecast, and a clock that is set leaves no forecast from another time."""

import asyncio
from collections.abc import Sequence

import pytest

from leptontui.engine.foresight import Foresight
from leptontui.forecast.request import ForecastRequest
from leptontui.model.focus import Focus
from leptontui.model.series import Entity, Forecast, ForecasterState, ForecasterStatus, SeriesKey
from leptontui.store.store import Store
from leptontui.wire import GpuReading, Received, Sample, Sweep

T0 = 1_760_000_000.0
TEMP = SeriesKey("a", Entity.GPU, "G0", "temp_c")
SAMPLE = SeriesKey("a", Entity.SAMPLE, "vllm/waiting", "value")


class Worker:
    """Forecasts that everything stays as it is, from when the last value was."""

    status = ForecasterStatus(ForecasterState.READY)

    def __init__(self) -> None:
        self.asked: asyncio.Queue[list[SeriesKey]] = asyncio.Queue()

    async def forecast(self, requests: Sequence[ForecastRequest]) -> list[Forecast]:
        self.asked.put_nowait([request.series.key for request in requests])
        return [
            Forecast(request.series.key, request.series.t_unix_s[-1], 10.0, *((1.0,),) * 5, model="constant")
            for request in requests
        ]


class Clock:
    now = T0

    def __call__(self) -> float:
        return self.now


def said(store: Store, at: float) -> None:
    samples = (Sample("vllm", "waiting", 3.0),)
    sweep = Sweep(1, 0, at, at - T0 + 9e6, gpus=(GpuReading("G0", temp_c=60.0),), samples=samples)
    store.append([Received("a", sweep, at, at - T0 + 9e6)])


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0])
async def test_a_clock_that_is_set_leaves_no_forecast_from_another_time(jump_s: float) -> None:
    store, worker, clock = Store(1.0), Worker(), Clock()
    foresight = Foresight(store, worker, store.trends, clock)
    running = asyncio.create_task(foresight.run())
    try:
        async with asyncio.timeout(20):
            said(store, clock.now)
            foresight.look_at(Focus(chart=TEMP, trends=frozenset({SAMPLE})))
            while set(foresight.forecasts) != {TEMP, SAMPLE}:
                await worker.asked.get()
                await asyncio.sleep(0)
            clock.now += jump_s
            said(store, clock.now)
            foresight.look_at(Focus(chart=TEMP))
            while set(foresight.forecasts) != {TEMP}:
                await worker.asked.get()
                await asyncio.sleep(0)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert abs(foresight.forecasts[TEMP].origin_unix_s - clock.now) <= 10.0
    foresight.forget({"a"})
    assert not foresight.forecasts
