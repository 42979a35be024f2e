"""What a step of the search for anomalies costs: 8,000 GPUs with five metrics each and their 1,000 hosts.

    python tests/bench/bench_anomaly.py [GPUS] [STEPS]

A step is due every ten seconds. Between two metrics the engine does other things, so that what matters to others is
the longest of its parts.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[2]))

from leptontui.engine.anomalies import LATE_S, Anomalies
from leptontui.engine.anomaly_series import LEAST
from leptontui.model.series import Entity
from leptontui.store.windows import Window

START = 1_700_000_000.0


class SteadyStore:
    """The store's part that is asked; its values are noise."""

    def __init__(self, gpus: int) -> None:
        self.gpus = [(f"gpu{number // 8:05}", f"GPU-{number:08}") for number in range(gpus)]
        self.hosts = [(f"gpu{number:05}", "") for number in range(gpus // 8)]
        self.random = np.random.default_rng(0)
        self.level = {
            entity: self.random.uniform(20, 80, len(self.names(entity))) for entity in (Entity.GPU, Entity.HOST)
        }
        self.rows = pl.DataFrame(
            {"host": [host for host, _ in self.gpus], "uuid": [uuid for _, uuid in self.gpus]}
        ).with_columns(job=pl.lit("train"), process_count=1)

    def names(self, entity: Entity) -> list[tuple[str, str]]:
        return self.gpus if entity is Entity.GPU else self.hosts

    def latest(self, _: Entity) -> pl.DataFrame:
        return self.rows

    def window(self, entity: Entity, *, now_unix_s: float, step_s: float, buckets: int) -> Window:
        names, metrics = self.names(entity), tuple(name for of, name in LEAST if of is entity)
        noise = self.random.standard_normal((buckets, len(metrics), len(names)))
        hosts, instances = (pl.Series([name[part] for name in names], dtype=pl.String) for part in (0, 1))
        ends = now_unix_s - step_s * np.arange(buckets)[::-1]
        return Window(entity, metrics, hosts, instances, ends, (self.level[entity] + noise).astype(np.float32))


def main() -> None:
    gpus = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    steps = int(sys.argv[2]) if len(sys.argv) > 2 else 120
    store = SteadyStore(gpus)
    watch = Anomalies(store, lambda: START, rate_per_day=0.01)  # type: ignore[arg-type]
    costs, parts = [], []
    for step in range(steps):
        parts.clear() if step < steps // 2 else None
        before = time.process_time()
        for _ in watch.steps(START + 10.0 * step + LATE_S):
            now = time.process_time()
            parts.append(1000.0 * (now - before))
            before = time.process_time()
        costs.append(watch.watch.step_ms or 0.0)
    own = sorted(costs[steps // 2 :])
    print(f"{watch.watch.series} series of {gpus} GPUs and their hosts, {watch.nbytes() / 1e6:.0f} MB")
    print(f"a step: median {own[len(own) // 2]:.1f} ms, worst {own[-1]:.1f} ms; every 10 s")
    print(
        f"longest part: median {np.median(parts):.1f} ms, worst {max(parts):.1f} ms of CPU, reading the store included"
    )


if __name__ == "__main__":
    main()
