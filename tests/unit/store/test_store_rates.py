"""Counters as rates: over the host's own clock, and null rather than wrong."""

import pytest

from leptontui.model.series import Entity
from leptontui.store.store import Store


def rate_of(store, column="read_bytes_per_s", entity=Entity.DISK):
    return store.latest(entity)[column].to_list()


@pytest.fixture
def store(fleet):
    made = Store(1.0)
    made.append([fleet.hello(), fleet.disk_sweep(at=1, read=1000, busy_s=1.0)])
    return made


def test_the_first_sweep_has_no_rate(store):
    assert rate_of(store) == [None]
    assert rate_of(store, "disk_read_bytes_per_s", Entity.HOST) == [None]


def test_a_rate_is_over_the_host_s_monotonic_clock(store, fleet):
    store.append([fleet.disk_sweep(at=3.0, received=9.0, read=3000, busy_s=2.0)])
    assert rate_of(store) == [1000.0]
    assert rate_of(store, "busy_pct") == [50.0]
    assert rate_of(store, "disk_read_bytes_per_s", Entity.HOST) == [1000.0]
    assert "read_bytes" not in store.latest(Entity.DISK).columns


def test_consecutive_sweeps_of_one_batch_are_steps(store, fleet):
    store.append([fleet.disk_sweep(at=2, read=5000), fleet.disk_sweep(at=3, read=5500)])
    assert rate_of(store) == [500.0]


def test_a_counter_that_went_down_gives_null_once(store, fleet):
    store.append([fleet.disk_sweep(at=2, read=10)])
    assert rate_of(store) == [None]
    store.append([fleet.disk_sweep(at=3, read=30)])
    assert rate_of(store) == [20.0]


def test_another_boot_gives_null_once(store, fleet):
    store.append([fleet.hello(at=2, boot_id="other"), fleet.disk_sweep(at=2, read=9000)])
    assert rate_of(store) == [None]
    store.append([fleet.hello(at=3, boot_id="other"), fleet.disk_sweep(at=3, read=9100)])
    assert rate_of(store) == [100.0]


@pytest.mark.parametrize("mono", [100.0, 5001.0, 9000.0], ids=["went back", "stood still", "jumped"])
def test_a_monotonic_clock_that_did_not_go_on_gives_null(store, fleet, mono):
    store.append([fleet.disk_sweep(at=2, read=9000, mono=mono)])
    assert rate_of(store) == [None]


def test_a_monotonic_clock_with_another_origin_gives_null(store, fleet):
    store.append([fleet.disk_sweep(at=100.0, read=9000, mono=5006.0)])
    assert rate_of(store) == [None]


@pytest.mark.parametrize(("gap", "rate"), [(30.0, 100.0), (31.0, None)])
def test_a_gap_of_more_than_thirty_intervals_gives_null(store, fleet, gap, rate):
    store.append([fleet.disk_sweep(at=1 + gap, read=1000 + int(100 * gap))])
    assert rate_of(store) == [rate]


def test_a_missing_counter_has_no_rate(store, fleet):
    store.append([fleet.disk_sweep(at=2, read=None)])
    assert rate_of(store) == [None]
    assert rate_of(store, "disk_read_bytes_per_s", Entity.HOST) == [None]


def test_a_disk_that_comes_and_goes(store, fleet):
    store.append([fleet.sweep(at=2)])
    assert rate_of(store) == []
    store.append([fleet.disk_sweep(at=3, read=2000)])
    assert rate_of(store) == [None]


def test_busy_beyond_reason_is_null(store, fleet):
    store.append([fleet.disk_sweep(at=2, read=1000, busy_s=2.1)])
    assert rate_of(store, "busy_pct") == [100.0]
    store.append([fleet.disk_sweep(at=3, read=1000, busy_s=9.0)])
    assert rate_of(store, "busy_pct") == [None]


def test_a_host_s_traffic_leaves_out_loopback(store, fleet):
    store.append([fleet.nic_sweep(at=2, rx={"eth0": 0, "eth1": 0, "lo": 0})])
    store.append([fleet.nic_sweep(at=3, rx={"eth0": 10, "eth1": 5, "lo": 999})])
    assert rate_of(store, "net_rx_bytes_per_s", Entity.HOST) == [15.0]
    assert rate_of(store, "rx_bytes_per_s", Entity.NIC) == [10.0, 5.0, 999.0]


def test_hosts_do_not_mix(store, fleet):
    store.append([fleet.disk_sweep("b", at=1, read=50_000), fleet.disk_sweep("a", at=2, read=1500)])
    store.append([fleet.disk_sweep("b", at=2, read=50_007), fleet.disk_sweep("a", at=3, read=1600)])
    assert rate_of(store) == [100.0, 7.0]
