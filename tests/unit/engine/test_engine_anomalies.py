"""Anomalies of a watched fleet: found, grouped, told, forgotten; a job's coming and going is none."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from leptontui.engine import anomaly_series
from leptontui.engine.anomalies import LATE_S, Anomalies
from leptontui.engine.anomaly_groups import TOLD_S
from leptontui.engine.publisher import with_anomalies
from leptontui.model.anomaly import HOSTS_KEPT, MEMBERS_KEPT
from leptontui.model.series import Entity
from leptontui.store.windows import Window

START = 1_700_000_000.0
METRICS = {
    Entity.GPU: ("util_pct", "memory_used_bytes", "temp_c", "power_w", "clock_sm_mhz"),
    Entity.HOST: (
        "cpu_util_pct",
        "load1",
        "memory_used_bytes",
        "disk_read_bytes_per_s",
        "disk_write_bytes_per_s",
        "net_rx_bytes_per_s",
        "net_tx_bytes_per_s",
        "host_power_w",
    ),
}


class FakeStore:
    """Hosts with GPUs whose series are what a test says they are; the store's part that anomalies use."""

    def __init__(self, hosts=4, gpus=4):
        self.hosts = [f"gpu{number:03}" for number in range(hosts)]
        self.gpus = [(host, f"GPU-{host}-{number}") for host in self.hosts for number in range(gpus)]
        self.job = dict.fromkeys(self.hosts, "train")
        self.random = np.random.default_rng(1)
        self.change = lambda entity, metric, at, values: values
        self.said = {}

    def names(self, entity):
        return self.gpus if entity is Entity.GPU else [(host, "") for host in self.hosts]

    def latest(self, entity):
        assert entity is Entity.GPU
        return pl.DataFrame(
            {
                "host": [host for host, _ in self.gpus],
                "uuid": [uuid for _, uuid in self.gpus],
                "job": [self.job[host] or None for host, _ in self.gpus],
                "process_count": [int(bool(self.job[host])) for host, _ in self.gpus],
            }
        )

    def window(self, entity, *, now_unix_s, step_s, buckets):
        names = self.names(entity)
        ends = now_unix_s - step_s * np.arange(buckets)[::-1]
        values = np.stack([[self.values(entity, name, at) for name in METRICS[entity]] for at in ends])
        hosts, instances = (pl.Series([name[part] for name in names], dtype=pl.String) for part in (0, 1))
        return Window(entity, METRICS[entity], hosts, instances, ends, values.astype(np.float32))

    def values(self, entity, metric, at):
        base = {"memory_used_bytes": 4e10, "power_w": 600.0, "clock_sm_mhz": 1900.0}.get(metric, 60.0)
        noise = self.random.standard_normal(len(self.names(entity)))
        return self.change(entity, metric, at - START, base * (1.0 + 0.004 * noise))


def watch(store, steps, *, rate=0.3, anomalies=None, first=0):
    found = anomalies or Anomalies(store, lambda: START, rate_per_day=rate)
    for step in range(first, first + steps):
        for _ in found.steps(START + 10.0 * step + LATE_S):
            pass
    return found


def power_falls(rows, at=1800.0, until=np.inf, entity=Entity.GPU, metrics=("power_w", "clock_sm_mhz")):
    def change(of, metric, passed, values):
        if of is entity and metric in metrics and at <= passed < until:
            values = values.copy()
            values[rows] *= 0.3
        return values

    return change


def test_a_calm_fleet_has_none_and_says_how_much_was_watched():
    found = watch(FakeStore(), 200)
    assert found.told == ()
    assert found.frame().height == 0
    assert found.watch.series == 4 * 4 * 5 + 4 * 8
    assert found.watch.learning == 0
    assert found.watch.alarms == 0


def test_before_there_is_a_past_everything_is_learning():
    found = watch(FakeStore(), 20)
    assert found.watch.learning == found.watch.series == 4 * 4 * 5 + 4 * 8
    assert found.watch.realised_per_day is None


def test_one_gpu_whose_power_and_clock_fall_is_one_anomaly_and_says_so():
    store = FakeStore()
    store.change = power_falls([5])
    found = watch(store, 190)
    (anomaly,) = found.told
    assert anomaly.hosts == ("gpu001",)
    assert anomaly.member_count == 2
    assert {member.key.metric for member in anomaly.members} == {"power_w", "clock_sm_mhz"}
    assert {member.key.instance for member in anomaly.members} == {"GPU-gpu001-1"}
    assert anomaly.since_unix_s == START + 1800.0
    assert anomaly.until_unix_s is None
    assert anomaly.score == max(member.score for member in anomaly.members) >= 0.5
    assert "gpu001" in anomaly.words
    assert "with 1 more series" in anomaly.words
    worst = anomaly.members[0]
    assert worst.lower <= worst.expected <= worst.upper
    assert worst.value < worst.lower


def test_the_frame_and_the_columns_tell_the_same():
    store = FakeStore()
    store.change = power_falls([5])
    found = watch(store, 190)
    frame = found.frame()
    assert set(frame["metric"]) == {"power_w", "clock_sm_mhz"}
    assert frame["anomaly_id"].unique().to_list() == [found.told[0].id]
    rows = store.latest(Entity.GPU).select("host", "uuid")
    told = with_anomalies(rows, Entity.GPU, frame)
    assert told["uuid"].to_list() == rows["uuid"].to_list()
    assert told.filter(pl.col("anomaly_score").is_not_null())["uuid"].to_list() == ["GPU-gpu001-1"]
    assert told["anomaly"].to_list().count("") == len(rows) - 1
    hosts = with_anomalies(pl.DataFrame({"host": store.hosts}), Entity.HOST, frame)
    assert hosts["anomaly_score"].null_count() == 4
    assert hosts.schema["anomaly_score"] == told.schema["anomaly_score"] == pl.Float32


def test_a_whole_fleet_that_moves_together_is_one_anomaly_with_bounded_names():
    store = FakeStore(hosts=80, gpus=4)
    store.change = power_falls(slice(None))
    found = watch(store, 190)
    (anomaly,) = found.told
    assert anomaly.member_count == 2 * 320
    assert len(anomaly.members) == MEMBERS_KEPT
    assert anomaly.host_count == 80
    assert len(anomaly.hosts) == HOSTS_KEPT
    assert "on 80 hosts" in anomaly.words


def test_an_anomaly_ends_when_its_series_are_well_and_is_told_a_while_longer():
    store = FakeStore()
    store.change = power_falls([0], until=1830.0)
    found = watch(store, 240)
    (anomaly,) = found.told
    assert anomaly.until_unix_s is not None
    assert anomaly.member_count == 2
    assert found.frame().height == 0
    watch(store, int(TOLD_S / 10) + 10, anomalies=found, first=240)
    assert found.told == ()


def test_what_stays_becomes_usual(monkeypatch):
    monkeypatch.setattr(anomaly_series, "USUAL_S", 300.0)
    store = FakeStore(hosts=1, gpus=2)
    store.change = power_falls([0])
    found = watch(store, 190 + 50)
    assert all(anomaly.until_unix_s is not None for anomaly in found.told)
    assert found.frame().height == 0


def test_a_job_that_ends_on_all_its_gpus_is_no_anomaly():
    store = FakeStore()
    store.change = power_falls(slice(0, 8), metrics=METRICS[Entity.GPU])
    found = watch(store, 180)
    store.job["gpu000"] = store.job["gpu001"] = ""
    watch(store, 120, anomalies=found, first=180)
    assert found.told == ()
    assert found.watch.alarms == 0


def test_a_host_that_leaves_takes_its_anomaly_with_it_and_its_slot_begins_anew():
    store = FakeStore()
    store.change = power_falls([0])
    found = watch(store, 185)
    assert len(found.told) == 1
    store.gpus[0] = ("gpu000", "GPU-new")
    watch(store, 1, anomalies=found, first=185)
    assert found.frame().height == 0
    assert found.watch.learning == 5


def test_missing_values_and_a_clock_set_back_break_nothing():
    store = FakeStore()
    store.change = lambda entity, metric, at, values: np.where(np.arange(len(values)) % 2, np.nan, values)
    found = watch(store, 80)
    watch(store, 20, anomalies=found, first=0)
    watch(store, 20, anomalies=found, first=5000)
    assert found.told == ()


def test_memory_is_bounded_by_the_series():
    store = FakeStore()
    found = watch(store, 60)
    before = found.nbytes()
    watch(store, 60, anomalies=found, first=60)
    assert found.nbytes() == before
    assert before / found.watch.series < 2000


@pytest.mark.parametrize("rows", [0, 1])
def test_columns_are_there_whether_anything_is_odd_or_not(rows):
    frame = pl.DataFrame({"host": ["a"] * rows, "uuid": ["u"] * rows})
    told = with_anomalies(frame, Entity.GPU, None)
    assert told.columns == ["host", "uuid", "anomaly_score", "anomaly"]
    assert told["anomaly"].to_list() == [""] * rows
