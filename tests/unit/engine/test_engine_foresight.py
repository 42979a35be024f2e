"""Foresight: what is forecast, what is told of it, and a clock that is set leaves no forecast from another time."""

import asyncio

import polars as pl
import pytest
from foreseeing import DISK, GIB, MEMORY, SAMPLE, T0, TEMP, Clock, Worker, greet, say

from leptontui.engine.foresight import AGREEING, Foresight
from leptontui.engine.foresight_kinds import FAR_S, NEAR_S
from leptontui.model.focus import Focus
from leptontui.model.series import Entity, Eta, SeriesKey
from leptontui.store.store import Store


def watched(cost_s: float = 0.0, share: float = 0.1):
    """A foresight over an empty store, with its worker and clock (which is the budget's, too)."""
    store, worker, clock = Store(1.0), Worker(cost_s), Clock()
    foresight = Foresight(store, worker, clock, share=share, steady=clock)
    return foresight, store, worker, clock


async def advance(foresight: Foresight) -> None:
    """Everything that is due now."""
    while await foresight.advance():
        pass


@pytest.mark.parametrize("jump_s", [-3600.0, 3600.0])
async def test_a_clock_that_is_set_leaves_no_forecast_from_another_time(jump_s):
    foresight, store, _worker, clock = watched()
    steady = Clock()
    foresight._steady = steady
    for ago in (30.0, 20.0, 10.0):
        say(store, clock.now - ago, sample=3.0)
    foresight.look_at(Focus(chart=TEMP, trends=frozenset({SAMPLE})))
    await advance(foresight)
    assert {TEMP, SAMPLE} <= set(foresight.forecasts)
    clock.now += jump_s
    steady.now += 20.0
    for ago in (30.0, 20.0, 10.0):
        say(store, clock.now - ago)
    foresight.look_at(Focus(chart=TEMP))
    await advance(foresight)
    assert set(foresight.forecasts) == {TEMP}
    assert abs(foresight.forecasts[TEMP].origin_unix_s - clock.now) <= 10.0
    foresight.forget({"a"})
    assert not foresight.forecasts
    assert not len(foresight.frame())


async def test_it_runs_until_cancelled_and_a_new_focus_does_not_wait():
    foresight, store, worker, clock = watched()
    say(store, clock.now - 10.0, sample=3.0)
    running = asyncio.create_task(foresight.run())
    try:
        async with asyncio.timeout(20):
            await worker.asked.get()
            foresight.look_at(Focus(chart=SAMPLE))
            while SAMPLE not in [asked.key for asked in await worker.asked.get()]:
                pass
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_slow_series_are_forecast_hours_ahead():
    foresight, store, _worker, clock = watched()
    for minute in range(30, 0, -1):
        say(store, clock.now - 60.0 * minute, disk=500 * GIB)
    foresight.look_at(Focus(chart=DISK))
    await advance(foresight)
    outlook = foresight.outlooks[DISK]
    assert (outlook.step_s, len(outlook.mean)) == (60.0, 240)
    assert DISK not in foresight.forecasts, "nothing of a disk is to be seen in a quarter of an hour"
    foresight.look_at(Focus(chart=MEMORY))
    await advance(foresight)
    assert MEMORY in foresight.forecasts
    assert MEMORY in foresight.outlooks


async def test_what_is_asked_carries_bounds_threshold_and_closed_buckets_only():
    foresight, store, worker, clock = watched()
    greet(store, "a")
    for at in range(60):
        say(store, clock.now - 60 + at, temps=(60.0 + (30.0 if at > 50 else 0.0),))
    clock.now = T0 + 5.0  # the bucket that holds now is open
    say(store, clock.now, temps=(99.0,))
    foresight.look_at(Focus(chart=TEMP))
    await foresight.advance()
    (asked,) = [asked for asked in worker.all_asked() if asked.key == TEMP and not asked.told]
    assert (asked.lower, asked.upper, asked.threshold, asked.step_s) == (0.0, 130.0, 87.0, NEAR_S)
    assert asked.end_unix_s == T0
    assert len(asked.values) == 6 * 4
    assert asked.is_heavy


async def test_a_rising_series_nobody_looks_at_is_forecast_before_the_fleet_and_more_thoroughly():
    foresight, store, worker, clock = watched(cost_s=0.002)
    for host in "abcdefgh":
        greet(store, host, gpus=4)
    for ago in range(60, 0, -1):
        for host in "abcdefgh":
            temps = [50.0] * 4
            temps[2] += (60 - ago) / 2 if host == "e" else 0.0
            say(store, clock.now - 10 * ago, host, temps=temps)
    await foresight.advance()
    first = worker.all_asked()
    assert [(asked.key, asked.told, asked.is_heavy) for asked in first] == [
        (SeriesKey("e", Entity.GPU, "G2", "temp_c"), (), True)
    ]
    await foresight.advance()
    assert all(asked.told for asked in worker.all_asked())


async def test_the_whole_fleet_is_told_as_a_frame_at_the_horizons_that_are_kept():
    foresight, store, _worker, clock = watched(share=1.0)
    for ago in range(30, 0, -1):
        say(store, clock.now - 60 * ago, disk=500 * GIB)
    await advance(foresight)
    frame = foresight.frame()
    rows = {(row["entity"], row["instance"], row["metric"]): row for row in frame.iter_rows(named=True)}
    assert ("gpu", "G0", "temp_c") in rows
    memory = rows["gpu", "G0", "memory_used_bytes"]
    assert (memory["mean_15m"], memory["lo80_15m"], memory["hi95_4h"]) == (1.0, 0.0, 3.0)
    assert memory["far_origin_unix_s"] == pytest.approx(clock.now, abs=60.0)
    disk = rows["filesystem", "/", "used_bytes"]
    assert (disk["mean_5m"], disk["mean_1h"], disk["origin_unix_s"]) == (1.0, 1.0, None)
    assert disk["threshold"] == pytest.approx(950 * GIB)
    assert rows["gpu", "G0", "temp_c"]["mean_1h"] is None
    assert disk["eta_expected_unix_s"] is None
    assert disk["crossings"] == 0
    assert frame.schema["crossings"] == pl.UInt32
    clock.now += 400.0
    late = {(row["entity"], row["metric"]): row for row in foresight.frame().iter_rows(named=True)}
    assert ("gpu", "temp_c") not in late, "what a near forecast said six minutes ago is over"
    assert late["gpu", "memory_used_bytes"]["mean_15m"] is None
    assert late["gpu", "memory_used_bytes"]["mean_1h"] == 1.0


async def test_a_far_crossing_is_told_once_several_forecasts_in_a_row_expect_it():
    foresight, store, worker, clock = watched(share=1.0)
    worker.etas[DISK] = lambda origin: Eta(950.0 * GIB, origin + 7200.0, origin + 3600.0, None)
    worker.etas[TEMP] = lambda origin: Eta(87.0, origin + 600.0, origin + 300.0, None)
    for ago in range(30, 0, -1):
        say(store, clock.now - 60 * ago, disk=500 * GIB)
    foresight.look_at(Focus(chart=DISK))
    for turn in range(1, AGREEING + 1):
        await advance(foresight)
        assert (DISK in foresight.etas) == (turn == AGREEING)
        assert TEMP in foresight.etas, "a near one is told at once"
        row = foresight.frame().filter(metric="used_bytes").row(0, named=True)
        assert row["crossings"] == turn
        assert row["eta_earliest_unix_s"] < row["eta_expected_unix_s"]
        clock.now += FAR_S
        say(store, clock.now - 5, disk=500 * GIB)
    del worker.etas[DISK]
    await advance(foresight)
    assert DISK not in foresight.etas
    row = foresight.frame().filter(metric="used_bytes").row(0, named=True)
    assert (row["crossings"], row["crossing_since_unix_s"]) == (0, None)


async def test_the_budget_is_kept_and_told():
    foresight, store, worker, clock = watched(cost_s=0.1, share=0.1)
    for host in range(40):
        for ago in (30.0, 20.0, 10.0):
            say(store, clock.now - ago, f"h{host:02}")
    for _ in range(1200):
        await advance(foresight)
        clock.now += 0.5
    spent = worker.seconds / 600.0
    assert 0.08 < spent <= 0.115
    reach = foresight.reach
    assert (reach.series, reach.budget_share) == (40 * 3, 0.1)
    assert reach.spent_share == pytest.approx(0.1, abs=0.03)
    assert 0 < reach.fresh <= reach.series
    assert reach.oldest_s is not None


async def test_while_the_worker_is_down_nothing_is_counted_as_done():
    foresight, store, worker, clock = watched()
    say(store, clock.now - 10.0)
    worker.is_broken = True
    foresight.look_at(Focus(chart=TEMP))
    assert not await foresight.advance()
    assert not foresight.forecasts
    worker.is_broken = False
    assert await foresight.advance()
    assert TEMP in foresight.forecasts
