"""What evaluating all shipped rules costs: `python tests/bench/bench_rules.py [--full] [hosts …]` (1000, 8 GPUs each).

`facts` is what the engine's loop spends on taking windows, growth and forecasts; `evaluate` is what may be done in
another thread, with 200 alerts asked about; `storm` the same where every GPU is too hot.
"""

from __future__ import annotations

import statistics
import sys
import time
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parent))

import bench_store as fleet

from leptontui.alerts.rules.book import load_rules
from leptontui.alerts.rules.evaluator import Evaluator
from leptontui.engine.publisher import Ingredients
from leptontui.engine.rule_facts import RuleFacts
from leptontui.health.circumstances import Circumstances
from leptontui.model.alert import Subject
from leptontui.model.focus import Focus
from leptontui.model.series import Entity, ForecasterStatus
from leptontui.store.store import Store
from leptontui.wire import Received

EDGES, NAMES = ("mean", "lo80", "hi80", "lo95", "hi95"), ("1m", "5m", "15m", "30m", "1h", "2h", "4h")


class Foreseen:
    """Forecasts of temperature and memory of every GPU."""

    def __init__(self, hosts: int, now: float) -> None:
        keys = [(f"gpu-{h:04d}", fleet.uuid(h, g)) for h in range(hosts) for g in range(fleet.GPUS)]
        count = 2 * len(keys)
        self._frame = pl.DataFrame(
            {
                "entity": ["gpu"] * count,
                "host": [host for host, _ in keys] * 2,
                "instance": [uuid for _, uuid in keys] * 2,
                "metric": ["temp_c"] * len(keys) + ["memory_used_bytes"] * len(keys),
                "value": [60.0] * count,
                "origin_unix_s": [now - 20.0] * count,
                "far_origin_unix_s": [now - 60.0] * count,
                **{f"{edge}_{name}": np.full(count, 61.0) for edge in EDGES for name in NAMES},
            }
        )

    def frame(self) -> pl.DataFrame:
        return self._frame


def shown(what: str, times: list[tuple[float, float]]) -> str:
    wall, cpu = ([pair[n] for pair in times] for n in (0, 1))
    return (
        f"{what:>10}  median {statistics.median(wall):6.1f} ms, worst {max(wall):6.1f} ms; "
        f"median CPU time {statistics.median(cpu):6.1f} ms"
    )


def timed(times: list[tuple[float, float]], function, *args):
    start, spent = time.perf_counter(), time.process_time()
    found = function(*args)
    times.append((1000 * (time.perf_counter() - start), 1000 * (time.process_time() - spent)))
    return found


def bench(hosts: int) -> None:
    store = Store(1.0)
    publisher = fleet.publisher_of(store, hosts)
    store.append([Received(f"gpu-{h:04d}", fleet.hello(h), fleet.T0, 0.0) for h in range(hosts)])
    now = fleet.T0
    for tick in range(30, 1000, 30):
        now = fleet.T0 + tick
        store.append([Received(f"gpu-{h:04d}", fleet.sweep(h, tick), now, float(tick)) for h in range(hosts)])
    made_of = Ingredients(0, (), {}, ForecasterStatus(), Focus(), {}, Circumstances(happened=store.happened()))
    frames = publisher.snapshot(now, made_of).frames
    # Most of the simulated filesystems are full by chance.
    frames = replace(frames, filesystems=frames.filesystems.with_columns(available_bytes=pl.lit(None, dtype=pl.Int64)))
    evaluator = Evaluator(load_rules(None).rules)
    maker = RuleFacts(store, Foreseen(hosts, now))
    asked = [("gpu-too-hot", Subject(Entity.GPU, f"gpu-{h:04d}", fleet.uuid(h, 0))) for h in range(min(200, hosts))]
    facts_ms: list[tuple[float, float]] = []
    kept_ms: list[tuple[float, float]] = []
    evaluate_ms: list[tuple[float, float]] = []
    for turn in range(20):
        facts = timed(facts_ms, maker.at, frames, now + 10.0 * turn, evaluator.needs)
        timed(kept_ms, maker.at, frames, now + 10.0 * turn + 2.0, evaluator.needs)
        found = timed(evaluate_ms, evaluator.evaluate, facts, asked)
    hot = {**facts.frames, Entity.GPU: facts.frames[Entity.GPU].with_columns(temp_c=pl.lit(99.0, dtype=pl.Float32))}
    storm = copy(facts)
    storm.frames = hot
    storm_ms: list[tuple[float, float]] = []
    for _ in range(10):
        met = timed(storm_ms, evaluator.evaluate, storm, asked)
    print(f"{hosts} hosts, {hosts * fleet.GPUS} GPUs, {len(evaluator.rules)} rules, {len(evaluator.needs)} derived")
    print(shown("facts", facts_ms), "(windows anew)")
    print(shown("facts", kept_ms), "(windows kept)")
    print(shown("evaluate", evaluate_ms), f"({len(found.met)} met, {len(found.troubles)} in trouble)")
    print(shown("storm", storm_ms), f"({len(met.met)} met, {sum(met.overflow.values())} more)")


if __name__ == "__main__":
    for size in [int(argument) for argument in sys.argv[1:] if argument.isdigit()] or [1000]:
        bench(size)
