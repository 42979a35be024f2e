"""What watching a fleet costs: `python tests/bench/bench_fleet.py [--hosts 100,1000] [--gpus 8] [--seconds 30]`.

The hosts are simulated by another process that speaks real SSH on loopback. Forecasts, anomalies and alerts are watched
for, as on screen. Printed for each size: CPU share and
memory of the client, sweeps received against sent, time until every host is live, longest pause of the loop. At the
end `bench_table.py` prints what one refresh of the table over 8,000 GPUs takes.
"""

import argparse
import asyncio
import resource
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import uvloop

from leptontui.config.choose import choose_fleet
from leptontui.demo.spawn import spawn_demo
from leptontui.snapshot import FleetSnapshot
from leptontui.wire import Received, Sweep
from leptontui.wiring.options import AlertUse
from leptontui.wiring.watch import FleetWatch


class Counts:
    """Counts sweeps as they come out of the links, and the gaps in their sequence."""

    def __init__(self, watch: FleetWatch) -> None:
        self.received: Counter[str] = Counter()
        self.first: dict[str, int] = {}
        self.last: dict[str, int] = {}
        self.snapshots = 0
        self.newest: FleetSnapshot | None = None
        offer = watch.engine.offer

        def count(received: Received) -> None:
            message = received.message
            if isinstance(message, Sweep) and not message.is_history:
                self.received[received.host] += 1
                self.first.setdefault(received.host, message.seq)
                self.last[received.host] = message.seq
            offer(received)

        watch.engine.offer = count  # type: ignore[method-assign]
        watch.subscribe(self._see)

    def _see(self, snapshot: FleetSnapshot) -> None:
        self.snapshots += 1
        self.newest = snapshot

    @property
    def sent(self) -> int:
        return sum(self.last[host] - self.first[host] + 1 for host in self.last)


async def lag(worst: list[float]) -> None:
    """Keep the longest pause of the loop."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.005)
        worst[0] = max(worst[0], time.perf_counter() - began - 0.005)


async def watch_for(inventory: Path, seconds: float) -> None:
    fleet = choose_fleet(hosts=None, inventory=inventory)
    watch = FleetWatch(fleet, interval_s=1.0, can_act=False, has_forecasts=True, alert_use=AlertUse.LOOK)
    counts = Counts(watch)
    process = psutil.Process()
    began = time.perf_counter()
    running = asyncio.create_task(watch.run())
    while counts.newest is None or counts.newest.link_counts.live < len(fleet.hosts):
        await asyncio.sleep(0.02)
        if running.done():
            running.result()
        if time.perf_counter() - began > 120:
            print("  not all live within 120 s:", counts.newest and counts.newest.link_counts)
            break
    all_live_s = time.perf_counter() - began
    worst = [0.0]
    lagging = asyncio.create_task(lag(worst))
    cpu_began, wall_began, snapshots_began = process.cpu_times(), time.perf_counter(), counts.snapshots
    await asyncio.sleep(seconds)
    cpu, wall = process.cpu_times(), time.perf_counter() - wall_began
    used = cpu.user + cpu.system - cpu_began.user - cpu_began.system
    lagging.cancel()
    rss = process.memory_info().rss / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert counts.newest is not None
    print(f"  all {len(fleet.hosts)} hosts live after {all_live_s:.1f} s")
    print(
        f"  client CPU {100 * used / wall:.1f} % of one core over {wall:.0f} s; RSS {rss:.0f} MiB, peak {peak:.0f} MiB"
    )
    print(f"  sweeps received {counts.received.total()} of {counts.sent} sent; dropped {counts.newest.dropped_sweeps}")
    per_s = (counts.snapshots - snapshots_began) / wall
    print(f"  snapshots {per_s:.1f}/s; longest pause of the loop {1000 * worst[0]:.0f} ms")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", default="100,1000")
    parser.add_argument("--gpus", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    for hosts in map(int, arguments.hosts.split(",")):
        print(f"{hosts} hosts × {arguments.gpus} GPUs at 1 Hz")
        with (
            spawn_demo(hosts=hosts, gpus=arguments.gpus, history_s=0, is_calm=True) as demo,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            runner.run(watch_for(demo.inventory, arguments.seconds))
    subprocess.run([sys.executable, Path(__file__).with_name("bench_table.py")], check=True)


if __name__ == "__main__":
    main()
