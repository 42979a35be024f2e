"""The search for anomalies as a part of the engine, on its real store."""

from __future__ import annotations

import asyncio
import time

from leptontui.engine.anomalies import LATE_S, Anomalies
from leptontui.engine.engine import Engine
from leptontui.model.target import Fleet, HostTarget
from leptontui.store.store import Store
from leptontui.wire import GpuIdentity, GpuReading, Hello, Received, Sweep

FLEET = Fleet("test", (HostTarget("a"),))
HELLO = Hello(1, 0.0, "a", gpus=(GpuIdentity(0, "GPU-0", name="H100", memory_total_bytes=80 << 30),))


async def published(anomaly_rate):
    engine = Engine(FLEET, [], interval_s=1.0, anomaly_rate=anomaly_rate)
    found = asyncio.get_running_loop().create_future()
    engine.subscribe(lambda snapshot: found.done() or found.set_result(snapshot))
    running = asyncio.create_task(engine.run())
    try:
        async with asyncio.timeout(60):
            return await found
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_every_snapshot_says_how_the_search_goes_and_has_the_columns():
    snapshot = await published(0.01)
    assert snapshot.anomaly_watch is not None
    assert snapshot.anomaly_watch.rate_per_day == 0.01
    assert snapshot.anomalies == ()
    for rows in (snapshot.frames.gpus, snapshot.frames.hosts):
        assert {"anomaly_score", "anomaly"} <= set(rows.columns)


async def test_without_a_rate_nothing_is_searched():
    assert (await published(None)).anomaly_watch is None


def test_what_hosts_said_is_what_is_judged():
    store, now = Store(5.0), time.time() // 10 * 10
    watch = Anomalies(store, lambda: now, rate_per_day=3.0)
    store.append([Received("a", HELLO, now, 0.0)])
    for step in range(90):
        reading = GpuReading("GPU-0", util_pct=90.0 + step % 3, temp_c=60.0, power_w=100.0 if step >= 85 else 650.0)
        at = now + 10.0 * step
        store.append([Received("a", Sweep(1, step, at + 1, at + 1, gpus=(reading,)), at + 1, at + 1)])
        for _ in watch.steps(at + 10.0 + LATE_S):
            pass
    assert watch.watch.series == 3
    (anomaly,) = watch.told
    assert anomaly.members[0].key.instance == "GPU-0"
    assert anomaly.members[0].key.metric == "power_w"
    assert anomaly.members[0].value == 100.0
    assert "W" in anomaly.words
