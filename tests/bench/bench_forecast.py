"""Prints what forecasts cost: `python tests/bench/bench_forecast.py [hosts [seconds]]` (default 1000 hosts of 8 GPUs).

First ms per series through the worker's pipes, as series go on; then a whole fleet: what share of it the budget
reaches in a minute, and what that costs on the engine's loop.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from array import array
from pathlib import Path

from leptontui.engine.foresight import Foresight
from leptontui.forecast.forecaster import Forecaster
from leptontui.forecast.request import ForecastRequest
from leptontui.model.series import Entity, ForecasterState, SeriesKey
from leptontui.store.store import Store
from leptontui.wire import Filesystem, GpuIdentity, GpuReading, Hello, Memory, Received, Sweep

GIB = 2**30
GPUS = 8
STEP_S = 10.0
T0 = 1_760_000_000.0


def ramp(n):
    return [40 + 0.05 * i + random.gauss(0, 0.5) for i in range(n)]


def walk(n):
    values = [50.0]
    while len(values) < n:
        values.append(min(100.0, max(0.0, values[-1] + random.gauss(0, 2))))
    return values


def bursts(n):
    return [random.choice((0.0, 95.0)) + random.random() for _ in range(n)]


def constant(n):
    return [50.0] * n


def rss_mib(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20


async def started():
    forecaster = Forecaster(time_limit_s=300.0)
    began = time.perf_counter()
    forecaster.start()
    while forecaster.status.state is not ForecasterState.READY:  # noqa: ASYNC110 — it is a state, not an event
        await asyncio.sleep(0.05)
    print(f"worker ready after {time.perf_counter() - began:.1f} s, RSS {rss_mib(forecaster.pid):.0f} MiB")
    return forecaster


async def each_kind(forecaster, count=20, turns=12):
    """Series that are forecast once a minute: the first time, and amortised over the rest."""
    for is_heavy in (False, True):
        for kind in (ramp, walk, bursts, constant):
            pasts = [array("f", kind(360 + 6 * turns)) for _ in range(count)]
            ms = []
            for turn in range(turns):
                end = 360 + 6 * turn
                asked = [
                    ForecastRequest(
                        SeriesKey(f"{kind.__name__}-{is_heavy}-{n}", Entity.GPU, "G", "util_pct"),
                        past[end - 360 : end].tobytes(),
                        T0 + end * STEP_S,
                        STEP_S,
                        0.0,
                        100.0,
                        90.0,
                        is_heavy=is_heavy,
                    )
                    for n, past in enumerate(pasts)
                ]
                await forecaster.forecast(asked)
                ms.append(forecaster.status.ms_per_series)
            name = "heavy" if is_heavy else "cheap"
            print(
                f"  {name} {kind.__name__:9} first {ms[0]:7.2f} ms, then {sum(ms[1:]) / len(ms[1:]):6.2f} ms per series"
            )


def fleet(hosts, minutes=60):
    """A store that has watched a busy fleet for an hour, up to now."""
    store, now = Store(1.0), time.time()
    for host in range(hosts):
        gpus = tuple(
            GpuIdentity(n, f"G{host}-{n}", memory_total_bytes=80 * GIB, temp_slowdown_c=87.0) for n in range(GPUS)
        )
        store.append([Received(f"gpu-{host:04d}", Hello(1, now, f"gpu-{host:04d}", gpus=gpus), now, 9e6)])
    ticks = int(6 * minutes)
    for tick in range(ticks):
        at = now - STEP_S * (ticks - tick)
        store.append(
            [Received(f"gpu-{host:04d}", sweep(host, at, at - now + 9e6), at, at - now + 9e6) for host in range(hosts)]
        )
    return store, now


def sweep(host, at, mono_s):
    gauss = random.gauss
    gpus = tuple(
        GpuReading(
            f"G{host}-{n}",
            util_pct=min(100.0, max(0.0, gauss(90, 8))),
            memory_used_bytes=int(60 * GIB),
            temp_c=round(gauss(65 + host % 9, 1)),
            power_w=gauss(600, 30),
        )
        for n in range(GPUS)
    )
    disks = (Filesystem("/", total_bytes=1000 * GIB, used_bytes=int((500 + host % 400) * GIB + mono_s * 1e5)),)
    memory = Memory(total_bytes=2048 * GIB, used_bytes=int(gauss(600, 2) * GIB))
    return Sweep(1, 0, at, mono_s, gpus=gpus, filesystems=disks, memory=memory)


async def whole(forecaster, hosts, seconds):
    began = time.perf_counter()
    store, now = fleet(hosts)
    print(
        f"a fleet of {hosts} × {GPUS} GPUs that was watched for an hour ({time.perf_counter() - began:.0f} s to make)"
    )
    foresight = Foresight(store, forecaster, lambda: now)  # nothing is said after that
    foresight._order.budget.spend(foresight._order.budget.left_s(time.monotonic()), time.monotonic())  # nothing saved
    longest = looked = 0.0
    began, spent, made = time.monotonic(), forecaster.seconds, forecaster.status.made
    while time.monotonic() - began < seconds:
        before = foresight.loop_s
        if not await foresight.advance():
            await asyncio.sleep(0.1)
        took = foresight.loop_s - before
        longest, looked = max(longest, took), looked + took
    took = time.monotonic() - began
    made, spent, reach = forecaster.status.made - made, forecaster.seconds - spent, foresight.reach
    print(
        f"  {made} forecasts in {took:.0f} s ({1000 * spent / max(made, 1):.2f} ms each; {100 * spent / took:.1f} % "
        f"of a core of {100 * reach.budget_share:.0f} % that are allowed)"
    )
    print(
        f"  {60 * made / took:.0f} of {reach.series} series a minute: {6000 * made / took / reach.series:.1f} %; "
        f"a lap takes {reach.series * took / max(made, 1) / 60:.1f} min"
    )
    print(f"  on the engine's loop {100 * looked / took:.2f} % of the time, at most {1000 * longest:.1f} ms at once")
    began = time.perf_counter()
    frame = foresight.frame()
    print(f"  the frame for rules: {len(frame)} rows in {1000 * (time.perf_counter() - began):.1f} ms")
    print(f"  fallbacks: {dict(forecaster.status.fallbacks)}")


async def bench(hosts, seconds):
    forecaster = await started()
    await each_kind(forecaster)
    await whole(forecaster, hosts, seconds)
    print(f"worker RSS {rss_mib(forecaster.pid):.0f} MiB, {len(forecaster._learned)} bytes learned")
    await forecaster.close()


if __name__ == "__main__":
    random.seed(1)
    arguments = [int(word) for word in sys.argv[1:]]
    asyncio.run(bench(*arguments, *(1000, 90)[len(arguments) :]))
