"""What rules are evaluated on, live: windows and growth of the store, forecasts of foresight, joined to the frames."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from leptontui.alerts.rules.derived import Derived
from leptontui.engine.rule_facts import RuleFacts, outlook_of, with_gpu_counts
from leptontui.engine.rule_windows import reduced
from leptontui.model.series import Entity
from leptontui.model.target import HostTarget
from leptontui.snapshot import Frames
from leptontui.store.store import Store
from leptontui.wire import GpuIdentity, GpuReading, Hello, Received, Sweep

T0 = 1_760_000_000.0
MEAN = Derived("mean", "temp_c", 300.0)
GREATEST = Derived("max", "util_pct", 900.0)
GROWN = Derived("increase", "ecc_corrected", 600.0)


def sweep(tick: int, temp: float, corrected: int = 0) -> Sweep:
    gpu = GpuReading("GPU-1", util_pct=3.0, temp_c=temp, ecc_corrected=corrected)
    return Sweep(1, tick, T0 + tick, 100.0 + tick, 100.0 + tick, gpus=(gpu,))


def store_of(seconds: int) -> Store:
    store = Store(1.0)
    hello = Hello(1, T0, "a", boot_id="b", gpus=(GpuIdentity(0, "GPU-1", "H100"),))
    store.append([Received("a", hello, T0, 100.0)])
    for tick in range(1, seconds, 5):
        store.append([Received("a", sweep(tick, 60.0 + tick / 20.0, tick), T0 + tick, 100.0 + tick)])
    return store


def frames_of(store: Store) -> Frames:
    return Frames(
        hosts=store.latest(Entity.HOST),
        gpus=store.latest(Entity.GPU),
        filesystems=store.latest(Entity.FILESYSTEM),
        disks=store.latest(Entity.DISK),
        nics=store.latest(Entity.NIC),
        processes=store.latest(Entity.PROCESS),
    )


class Foreseen:
    def frame(self) -> pl.DataFrame:
        names = [f"{edge}_{name}" for edge in ("mean", "lo80", "hi80", "lo95", "hi95") for name in HORIZONS]
        return pl.DataFrame(
            {
                "entity": ["gpu", "host"],
                "host": ["a", "a"],
                "instance": ["GPU-1", ""],
                "metric": ["temp_c", "memory_used_bytes"],
                "value": [70.0, 1.0],
                "origin_unix_s": [T0, None],
                "far_origin_unix_s": [T0, T0 - 60.0],
                **{name: [80.0, None] for name in names},
            }
        )


HORIZONS = ("1m", "5m", "15m", "30m", "1h", "2h", "4h")


def test_windows_and_growth_come_from_the_store() -> None:
    store = store_of(901)
    facts = RuleFacts(store, None).at(
        frames_of(store), T0 + 900, {(Entity.GPU, item) for item in (MEAN, GREATEST, GROWN)}
    )
    row = facts.derived(Entity.GPU, [MEAN, GREATEST, GROWN]).row(0, named=True)
    assert (row["host"], row["instance"]) == ("a", "GPU-1")
    assert row[MEAN.column] == pytest.approx(60.0 + 37.5, abs=1.0)
    assert row[GREATEST.column] == pytest.approx(3.0)
    assert row[GROWN.column] == pytest.approx(600.0, abs=70.0)


def test_a_window_that_is_not_sampled_yet_is_not_known() -> None:
    store = store_of(120)
    facts = RuleFacts(store, None).at(frames_of(store), T0 + 120, {(Entity.GPU, MEAN)})
    assert facts.derived(Entity.GPU, [MEAN])[MEAN.column].to_list() == [None]


def test_a_window_is_kept_until_a_bucket_has_closed() -> None:
    store = store_of(601)
    maker = RuleFacts(store, None)
    needs = {(Entity.GPU, MEAN)}
    first, second, third = (maker.at(frames_of(store), T0 + 600 + more, needs) for more in (0.0, 4.0, 11.0))
    assert first.windows[Entity.GPU] is second.windows[Entity.GPU]
    assert first.windows[Entity.GPU] is not third.windows[Entity.GPU]


def test_what_is_not_asked_for_is_not_made() -> None:
    store = store_of(30)
    facts = RuleFacts(store, Foreseen()).at(frames_of(store), T0 + 30, set())
    assert not facts.windows
    assert not facts.outlooks


def test_forecasts_come_from_foresight() -> None:
    store = store_of(30)
    ahead = Derived("forecast", "temp_c", 600.0, 0.5)
    facts = RuleFacts(store, Foreseen()).at(frames_of(store), T0 + 30, {(Entity.GPU, ahead)})
    outlook = facts.outlook(Entity.GPU, "temp_c")
    assert outlook is not None
    assert outlook.at(600.0, 0.5).tolist() == [80.0]
    assert facts.outlook(Entity.HOST, "temp_c") is None


def test_a_far_forecast_says_nothing_of_what_it_does_not_know() -> None:
    outlook = outlook_of(Foreseen().frame())
    assert np.isnan(outlook.at(900.0, 0.9)).tolist() == [False, True]
    assert outlook.origin_unix_s.tolist() == [T0, T0 - 60.0]


def test_the_inventorys_labels_are_told() -> None:
    store = store_of(30)
    targets = {"a": HostTarget("a", labels=(("rack", "r1"),))}
    facts = RuleFacts(store, None, lambda: targets).at(frames_of(store), T0 + 30, set())
    assert facts.labels == {"a": (("rack", "r1"),)}


def test_hosts_count_their_gpus_that_are_gone() -> None:
    hosts = pl.DataFrame({"host": ["a", "b"]})
    gpus = pl.DataFrame(
        {
            "host": ["a", "a", "a", "b"],
            "state": ["gone", "gone", "unknown", "present"],
            "parent_uuid": [None, "x", None, None],
        }
    )
    found = with_gpu_counts(hosts, gpus)
    assert found["gpus_gone"].to_list() == [1, 0]
    assert found["gpus_unknown"].to_list() == [1, 0]


@pytest.mark.parametrize(("function", "expected"), [("mean", 2.0), ("max", 3.0), ("min", 1.0)])
def test_too_little_of_a_window_is_nothing(function: str, expected: float) -> None:
    values = np.array([[1.0, np.nan], [2.0, np.nan], [3.0, 5.0], [np.nan, np.nan]], dtype=np.float32)
    found = reduced(function, values, 4)
    assert found[0] == expected
    assert np.isnan(found[1])
