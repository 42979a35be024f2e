"""Latest values: what is newest, what is gone, what is dropped, and who uses which GPU."""

import polars as pl
import pytest

from leptontui.model.catalogue import Kind, metrics_of
from leptontui.model.series import Entity
from leptontui.store.store import Store
from leptontui.wire import Cpu, Event, GpuIdentity, GpuProcess, GpuReading, Memory, Received


def only(frame):
    assert frame.height == 1
    return frame.row(0, named=True)


@pytest.fixture
def store():
    return Store(1.0)


@pytest.mark.parametrize("entity", Entity)
def test_frames_have_the_catalogue_s_columns_before_anything_was_heard(store, entity):
    frame = store.latest(entity)
    assert frame.height == 0
    wanted = {item.name for item in metrics_of(entity) if item.kind is not Kind.COUNTER}
    rates = {item.rate_name for item in metrics_of(entity) if item.kind is Kind.COUNTER}
    also = {
        Entity.HOST: {"gpu_count"},
        Entity.GPU: {"state", "user", "job", "process_count"},
    }.get(entity, set())
    assert {"host", "received_unix_s", "t_unix_s"} | wanted | rates | also == set(frame.columns)


@pytest.mark.parametrize("entity", Entity)
def test_schema_does_not_depend_on_what_was_said(store, fleet, entity):
    before = store.latest(entity).schema
    store.append(
        [fleet.hello(), fleet.gpu_sweep(at=1), fleet.disk_sweep("b", 1), fleet.fs_sweep("c", 1, used={"/": 5})]
    )
    assert store.latest(entity).schema == before


def test_newest_sweep_of_each_host_counts_also_within_a_batch(store, fleet):
    store.append(
        [fleet.cpu_sweep("b", 1, util=1.0), fleet.cpu_sweep("a", 1, util=2.0), fleet.cpu_sweep("b", 2, util=3.0)]
    )
    hosts = store.latest(Entity.HOST)
    assert hosts["host"].to_list() == ["a", "b"]
    assert hosts["cpu_util_pct"].to_list() == [2.0, 3.0]
    assert hosts["received_unix_s"].to_list() == [fleet.t0 + 1, fleet.t0 + 2]


def test_a_host_keeps_its_values_while_others_speak(store, fleet):
    store.append([fleet.cpu_sweep("a", 1, util=2.0), fleet.cpu_sweep("b", 1, util=3.0)])
    store.append([fleet.cpu_sweep("b", 2, util=4.0)])
    assert store.latest(Entity.HOST)["cpu_util_pct"].to_list() == [2.0, 4.0]


def test_hello_gives_identities_before_the_first_sweep(store, fleet):
    store.append([fleet.hello(gpus=("G0", "G1"), kernel="6.8", cpu_count=64, memory_total_bytes=2000)])
    host = only(store.latest(Entity.HOST))
    assert (host["kernel"], host["cpu_count"], host["memory_total_bytes"], host["gpu_count"]) == ("6.8", 64, 2000, 2)
    assert host["received_unix_s"] is None
    assert host["cpu_util_pct"] is None
    gpus = store.latest(Entity.GPU)
    assert gpus["uuid"].to_list() == ["G0", "G1"]
    assert gpus["name"].to_list() == ["H100", "H100"]
    assert gpus["state"].to_list() == ["present", "present"]
    assert gpus["process_count"].to_list() == [None, None]


def test_a_gpu_missing_from_the_newest_sweep_is_gone_without_readings(store, fleet):
    store.append([fleet.hello(gpus=("G0", "G1"))])
    store.append([fleet.gpu_sweep(at=1, util=10.0, uuids=("G0", "G1"))])
    store.append([fleet.gpu_sweep(at=2, util=20.0, uuids=("G1",))])
    gone, present = store.latest(Entity.GPU).rows(named=True)
    assert (gone["state"], gone["util_pct"], gone["index"], gone["name"]) == ("gone", None, 0, "H100")
    assert gone["received_unix_s"] == fleet.t0 + 1
    assert gone["power_limit_w"] is None
    assert (present["state"], present["util_pct"]) == ("present", 20.0)
    assert only(store.latest(Entity.HOST))["gpu_count"] == 1
    store.append([fleet.gpu_sweep(at=3, util=30.0, uuids=("G0", "G1"))])
    assert store.latest(Entity.GPU)["state"].to_list() == ["present", "present"]


def test_a_gpu_of_the_hello_that_never_sweeps_is_gone(store, fleet):
    store.append([fleet.hello(gpus=("G0", "G1")), fleet.gpu_sweep(at=1, uuids=("G0",))])
    gone = store.latest(Entity.GPU).filter(pl.col("state") == "gone")
    assert gone["uuid"].to_list() == ["G1"]
    assert gone["received_unix_s"].to_list() == [None]


def test_a_gpu_no_hello_named_is_shown(store, fleet):
    store.append([fleet.gpu_sweep(at=1, uuids=("G7",))])
    gpu = only(store.latest(Entity.GPU))
    assert (gpu["uuid"], gpu["index"], gpu["state"], gpu["util_pct"]) == ("G7", None, "present", 50.0)


def test_a_reading_s_power_limit_wins_over_the_hello_s(store, fleet):
    named = GpuIdentity(0, "G0", power_limit_w=700.0)
    store.append([fleet.hello(gpus=(named,)), fleet.gpu_sweep(at=1)])
    assert only(store.latest(Entity.GPU))["power_limit_w"] == 700.0
    store.append([fleet.sweep(at=2, gpus=(GpuReading("G0", power_limit_w=500.0),))])
    assert only(store.latest(Entity.GPU))["power_limit_w"] == 500.0


@pytest.mark.parametrize(
    ("entity", "make", "one", "two"),
    [
        (Entity.FILESYSTEM, "fs_sweep", {"used": {"/": 1, "/x": 2}}, {"used": {"/": 3}}),
        (Entity.NIC, "nic_sweep", {"rx": {"eth0": 1, "eth1": 2}}, {"rx": {"eth0": 3}}),
    ],
)
def test_what_the_newest_sweep_no_longer_has_is_dropped(store, fleet, entity, make, one, two):
    store.append([getattr(fleet, make)(at=1, **one), getattr(fleet, make)("b", at=1, **one)])
    store.append([getattr(fleet, make)(at=2, **two)])
    assert store.latest(entity)["host"].to_list() == ["a", "b", "b"]
    store.append([fleet.sweep(at=3)])
    assert store.latest(entity)["host"].to_list() == ["b", "b"]


def test_history_never_touches_the_latest(store, fleet):
    store.append([fleet.hello(gpus=("G0",)), fleet.gpu_sweep(at=0, util=10.0)])
    store.append([fleet.gpu_sweep(at=-5, received=1, util=99.0, uuids=("G0", "G9"), is_history=True)])
    gpu = only(store.latest(Entity.GPU).filter(pl.col("uuid") == "G0"))
    assert (gpu["util_pct"], gpu["received_unix_s"]) == (10.0, fleet.t0)
    fresh = Store(1.0)
    fresh.append([fleet.cpu_sweep(at=-5, received=1, is_history=True)])
    assert only(fresh.latest(Entity.HOST))["received_unix_s"] is None


def test_users_jobs_and_processes_of_a_gpu(store, fleet):
    processes = (
        GpuProcess("G0", 1, "bob", "python", "17"),
        GpuProcess("G0", 2, "alice", "python", "17"),
        GpuProcess("G0", 3, "bob", None, None),
        GpuProcess("G0", 3, "twice", None, None),
    )
    readings = (GpuReading("G0", util_pct=1.0), GpuReading("G1", util_pct=2.0))
    store.append([fleet.sweep(at=1, gpus=readings, processes=processes)])
    used, idle = store.latest(Entity.GPU).rows(named=True)
    assert (used["user"], used["job"], used["process_count"]) == ("alice, bob", "17", 3)
    assert (idle["user"], idle["job"], idle["process_count"]) == (None, None, 0)
    assert store.latest(Entity.PROCESS)["pid"].to_list() == [1, 2, 3]


def test_values_go_where_the_catalogue_says(store, fleet):
    said = fleet.sweep(
        at=1, offset_s=2.5, uptime_s=9.0, load1=1.5, cpu=Cpu(12.5, cores_pct=(1.0, 100.2)), memory=Memory(100, 60, 40)
    )
    store.append([said])
    host = only(store.latest(Entity.HOST))
    assert (host["cpu_util_pct"], host["load1"], host["uptime_s"]) == (12.5, 1.5, 9.0)
    assert (host["memory_total_bytes"], host["memory_used_bytes"], host["memory_available_bytes"]) == (100, 40, 60)
    assert host["cores_pct"] == [1.0, 100.0]
    assert host["clock_offset_s"] == 2.5
    assert host["disk_read_bytes_per_s"] is None


def test_events_and_empty_ticks_change_nothing(store, fleet):
    store.append([fleet.cpu_sweep(at=1)])
    before = store.latest(Entity.HOST)
    store.append([])
    assert store.latest(Entity.HOST) is before
    store.append([Received("a", Event(1, fleet.t0, "xid"), fleet.t0, 1.0)])
    assert store.latest(Entity.HOST).equals(before)


def test_a_published_frame_is_not_changed_by_what_comes_later(store, fleet):
    store.append([fleet.gpu_sweep(at=1, util=1.0)])
    frame = store.latest(Entity.GPU)
    store.append([fleet.gpu_sweep(at=2, util=2.0)])
    assert frame["util_pct"].to_list() == [1.0]
