"""Cost of one refresh of the fleet table at 8,000 GPUs: in the arranging thread, and on the screen's. Run by hand.

python tests/bench/bench_table.py [HOSTS]
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1] / "ui"))

from fleets import FakeSource, fleet_of, train_fleet

from leptontui.ui.app import LeptonApp
from leptontui.ui.widgets.fleet_table import FleetTable
from leptontui.view.arrange import arrange
from leptontui.view.columns import place
from leptontui.view.state import Rows, ViewState

ROUNDS = 30


def moved(snapshot, seq):
    """The same fleet with every GPU's values a little different."""
    gpus = snapshot.frames.gpus.with_columns(
        util_pct=(pl.col("util_pct") + seq * 1.7) % 100, temp_c=pl.col("temp_c") + seq % 3
    )
    return replace(snapshot, seq=seq, frames=replace(snapshot.frames, gpus=gpus))


def told(name, times):
    ms = sorted(1000 * one for one in times)
    print(f"{name:52} median {statistics.median(ms):7.2f} ms   p95 {ms[int(len(ms) * 0.95)]:7.2f} ms")


def arranging(snapshots):
    for name, state in (
        ("GPU rows, by health", ViewState()),
        ("GPU rows, by utilisation", ViewState(sort="util")),
        ("GPU rows, filter job:8812 util>50", ViewState(filter="job:8812 util>50")),
        ("GPU rows, filter word", ViewState(filter="gpu-01")),
        ("host rows, by health", ViewState(Rows.HOST)),
    ):
        times = []
        for snapshot in snapshots:
            start = time.perf_counter()
            arrange(snapshot, state)
            times.append(time.perf_counter() - start)
        told(f"thread: arrange, {name}", times)


async def drawing(snapshots, width, height):
    app = LeptonApp(FakeSource(snapshots[0]), None, fleet=fleet_of(snapshots[0]))
    async with app.run_test(size=(width, height)) as pilot:
        await pilot.pause()
        await app.screen.settle()
        table = app.screen.query_one(FleetTable)
        fresh, same, positions = [], [], []
        state = ViewState(sort="util")
        for snapshot in snapshots:
            arrangement = arrange(snapshot, state)
            arrangement.rows(*table.in_view)  # made in the thread
            placed = place(Rows.GPU, width - 1, arrangement.longest)
            for times in (fresh, same):
                start = time.perf_counter()
                table.show(arrangement, placed)
                for y in range(table.size.height):
                    table.render_line(y)
                times.append(time.perf_counter() - start)
            start = time.perf_counter()
            arrangement.position(arrangement.id_at(arrangement.shown // 2))
            positions.append(time.perf_counter() - start)
            await pilot.pause()
        told(f"screen: show + every line, {width}x{height}, all changed", fresh)
        told(f"screen: show + every line, {width}x{height}, none changed", same)
        told("screen: find a row by identity (part of show)", positions)


def main() -> None:
    hosts = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    base = train_fleet(hosts)
    snapshots = [moved(base, seq) for seq in range(ROUNDS)]
    print(f"{hosts} hosts, {base.frames.gpus.height} GPUs, {len(base.forecasts)} forecasts, {ROUNDS} rounds")
    arranging(snapshots)
    for width, height in ((80, 24), (120, 40), (200, 60)):
        asyncio.run(drawing(snapshots, width, height))


if __name__ == "__main__":
    main()
