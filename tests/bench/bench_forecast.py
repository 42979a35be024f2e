"""Prints what forecasts cost: `python tests/bench/bench_forecast.py [series per batch]` (default 300)."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from pathlib import Path

from leptontui.forecast.forecaster import Forecaster
from leptontui.forecast.request import ForecastRequest
from leptontui.model.series import Entity, ForecasterState, Series, SeriesKey

KINDS = {
    "ramp": lambda n: [40 + 0.1 * i + random.gauss(0, 0.5) for i in range(n)],
    "walk": lambda n: walk(n),  # noqa: PLW0108 — defined below
    "bursts": lambda n: [random.choice((0.0, 95.0)) + random.random() for _ in range(n)],
    "constant": lambda n: [50.0] * n,
}


def walk(n):
    values = [50.0]
    while len(values) < n:
        values.append(min(100.0, max(0.0, values[-1] + random.gauss(0, 2))))
    return values


def rss_mib(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20


def request(kind, n, number):
    key = SeriesKey(f"gpu-{number:04d}", Entity.GPU, kind, "util_pct")
    times = tuple(10.0 * (i + 1) for i in range(n))
    return ForecastRequest(Series(key, times, tuple(KINDS[kind](n)), 10.0), 0.0, 100.0, 90.0)


async def bench(count):
    forecaster = Forecaster(time_limit_s=300.0)
    started = time.perf_counter()
    forecaster.start()
    while forecaster.status.state is not ForecasterState.READY:  # noqa: ASYNC110 — it is a state, not an event
        await asyncio.sleep(0.05)
    print(f"worker ready after {time.perf_counter() - started:.1f} s, RSS {rss_mib(forecaster.pid):.0f} MiB")
    for n in (60, 120, 180):
        for kind in KINDS:
            started = time.perf_counter()
            made = await forecaster.forecast([request(kind, n, number) for number in range(count)])
            wall = 1000 * (time.perf_counter() - started)
            status = forecaster.status
            print(
                f"  n={n:3} {kind:8} {status.ms_per_series:5.2f} ms per series in the worker; "
                f"batch of {count}: {wall:6.0f} ms, {len(made)} made, {status.failed} failed so far"
            )
    await forecaster.close()


if __name__ == "__main__":
    random.seed(1)
    asyncio.run(bench(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
