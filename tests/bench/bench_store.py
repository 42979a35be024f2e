"""Prints what store and health cost at fleet scale: `python tests/bench/bench_store.py [--full] [hosts …]` (100 1000).

`snapshot` is what a published snapshot costs after `latest` and `trends`: health, and the joins. With `--full` every
host has InfiniBand ports, units, a service with samples, and details of its GPUs, too.
"""

from __future__ import annotations

import gc
import random
import statistics
import sys
import time
from pathlib import Path

from leptontui.engine.publisher import Ingredients, Publisher
from leptontui.engine.roster import Roster
from leptontui.health.circumstances import Circumstances
from leptontui.model.catalogue import TREND_METRICS
from leptontui.model.focus import Focus
from leptontui.model.link import Link, LinkState
from leptontui.model.series import Entity, ForecasterStatus, SeriesKey
from leptontui.model.target import Fleet, HostTarget
from leptontui.store.store import Store
from leptontui.wire import (
    Cpu,
    Disk,
    Filesystem,
    GpuDetails,
    GpuIdentity,
    GpuProcess,
    GpuReading,
    Hello,
    IbPort,
    Memory,
    Nic,
    Pressure,
    ProbeCost,
    Received,
    Sample,
    Service,
    Sweep,
    Tasks,
    Unit,
)

T0 = 1_760_000_000.0
GIB = 1 << 30
GPUS = 8
CORES = 64
PARTS = 8 if "--full" in sys.argv else 0


def uuid(host, gpu):
    return f"GPU-{host:08x}-0000-0000-0000-{gpu:012x}"


def hello(host):
    gpus = tuple(
        GpuIdentity(i, uuid(host, i), "NVIDIA H100 80GB HBM3", memory_total_bytes=80 * GIB, power_limit_w=700.0)
        for i in range(GPUS)
    )
    return Hello(1, T0, f"gpu-{host:04d}", boot_id="b", kernel="6.8", cpu_count=CORES, driver_version="580", gpus=gpus)


def sweep(host, tick, *, is_history=False):
    shake = random.random
    t = T0 + tick
    gpus = tuple(
        GpuReading(
            uuid(host, i),
            100 * shake(),
            50 * shake(),
            int(80 * GIB * shake()),
            40 + 40 * shake(),
            20.0,
            60.0,
            700 * shake(),
            700.0,
            0,
            1000 + 900 * shake(),
            2619.0,
            None,
            0,
            5,
            16,
            0,
            0,
            0,
        )
        for i in range(GPUS)
    )
    return Sweep(
        1,
        tick,
        t,
        5000.0 + tick,
        5000.0 + tick,
        is_history=is_history,
        load1=10 * shake(),
        load5=10.0,
        load15=10.0,
        cpu=Cpu(100 * shake(), 50.0, 10.0, 1.0, 0.0, tuple(100 * shake() for _ in range(CORES))),
        memory=Memory(2000 * GIB, 1000 * GIB, int(1000 * GIB * shake()), 0, 0),
        pressure=Pressure(1.0, 0.0, 0.0, 0.0, 0.0),
        tasks=Tasks(900, 3, 0, 0, 1, 4_000_000, 5000, 9_000_000),
        filesystems=tuple(
            Filesystem(f"/mnt/{i}", f"/dev/nvme{i}n1", "xfs", 1000 * GIB, int(900 * GIB * shake()), GIB, 9, 5, False)
            for i in range(5)
        ),
        disks=tuple(
            Disk(f"nvme{i}n1", tick * 1000 + i, tick * 2000, tick * 10, tick * 20, tick * 0.1) for i in range(4)
        ),
        nics=tuple(Nic(f"eth{i}", True, 100_000, tick * 10**6, tick * 10**5, 0, 0, 0, 0) for i in range(3)),
        ib_ports=tuple(
            IbPort(f"mlx5_{i}/1", "active", "linkup", "InfiniBand", 400.0, tick, tick, 0) for i in range(PARTS)
        ),
        units=tuple(Unit(f"unit{i}.service", "active", "running", 100 + i, 0, 9.0) for i in range(PARTS)),
        services=(Service("vllm", True, 200, 0.001),) if PARTS else (),
        samples=tuple(Sample("vllm", f"series_{i}", 9.0 * shake(), "", "gauge") for i in range(2 * PARTS)),
        gpus=gpus,
        gpu_details=details(host, tick) if PARTS and (host + tick) % 10 == 0 else (),
        processes=tuple(
            GpuProcess(uuid(host, i), 1000 + i, f"user{host % 17}", f"python train.py --rank {i}", "4711", None)
            for i in range(GPUS)
        ),
        probe=ProbeCost(0.5, 20 << 20, 0.01),
    )


def details(host, tick):
    return tuple(
        GpuDetails(
            uuid(host, i),
            energy_j=tick * 500.0,
            throttle_power_cap_s=tick * 0.1,
            throttle_hw_thermal_s=0.0,
            ecc_sram_corrected=0,
            ecc_dram_uncorrected=0,
            remapped_correctable=0,
            is_remap_pending=False,
            nvlinks_active=18,
            nvlinks_inactive=0,
            nvlink_rx_bytes=tick << 30,
            nvlink_tx_bytes=tick << 30,
            fabric_state="completed",
            fabric_status="success",
            recovery_action="none",
            is_persistent=True,
            is_inforom_valid=True,
        )
        for i in range(GPUS)
    )


def publisher_of(store, hosts):
    targets = tuple(HostTarget(f"gpu-{host:04d}", gpus=GPUS) for host in range(hosts))
    fleet = Fleet("bench", targets)
    roster = Roster(fleet, T0)
    for target in targets:
        roster.update(Link(target.name, LinkState.LIVE, T0))
    return Publisher(fleet, store, roster, 1.0)


def rss_mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def timed(times, function, *args, **kwargs):
    start = time.perf_counter()
    result = function(*args, **kwargs)
    times.append(1000 * (time.perf_counter() - start))
    return result


def shown(times):
    times = sorted(times)
    return f"median {statistics.median(times):6.1f} ms, worst {times[-1]:6.1f} ms"


def bench(hosts):
    gc.collect()
    before = rss_mib()
    store = Store(1.0)
    publisher = publisher_of(store, hosts)
    times = {name: [] for name in ("append", "latest", "happened", "trends", "snapshot", "series")}
    store.append([Received(f"gpu-{h:04d}", hello(h), T0, 0.0) for h in range(hosts)])
    pool = [[sweep(h, tick) for h in range(hosts)] for tick in range(1, 9)]
    keys = [SeriesKey(f"gpu-{h:04d}", Entity.GPU, uuid(h, 0), m) for h in range(15) for m in TREND_METRICS]
    ticks = 60
    for tick in range(1, ticks + 1):
        batch = [Received(f"gpu-{h:04d}", found, T0 + tick, float(tick)) for h, found in enumerate(pool[tick % 8])]
        timed(times["append"], store.append, batch)
        timed(times["latest"], lambda: [store.latest(entity) for entity in Entity])
        timed(times["happened"], store.happened)
        timed(times["trends"], store.trends, T0 + tick)
        known = Circumstances(happened=store.happened())
        made_of = Ingredients(0, (), {}, ForecasterStatus(), Focus(), {}, known)
        timed(times["snapshot"], publisher.snapshot, T0 + tick, made_of)
        timed(times["series"], store.series, keys, now_unix_s=T0 + tick)
    print(f"{hosts} hosts × {GPUS} GPUs, {ticks} ticks")
    for name, found in times.items():
        print(f"  {name:8} {shown(found)}")
    past = [Received("gpu-0000", sweep(0, tick, is_history=True), T0 + ticks, float(ticks)) for tick in range(-600, 0)]
    found = []
    timed(found, store.append, past)
    print(f"  600 history sweeps of one host: {found[0]:.1f} ms")
    for tick in range(ticks, 6 * 3600, 10):  # touches every bucket of every tier
        store.append([Received("gpu-0000", pool[0][0], T0 + tick, float(tick))])
    gc.collect()
    print(f"  store {store.nbytes() / 2**20:.0f} MiB by its own count, RSS {rss_mib():.0f} MiB, {before:.0f} before it")


if __name__ == "__main__":
    for count in [int(argument) for argument in sys.argv[1:] if argument.isdigit()] or [100, 1000]:
        bench(count)
