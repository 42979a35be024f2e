"""What happened in ten minutes: growth by our own clock, throttled minutes, flaps, and what was up and is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.model.series import Entity
from leptontui.store.recent import Growth
from leptontui.store.store import Store
from leptontui.wire import GpuDetails, GpuReading, IbPort, Memory, Nic


@pytest.fixture
def store():
    return Store(1.0)


def told(store, entity):
    return store.happened()[entity].rows(named=True)


def replays(fleet, at, count, **fields):
    return fleet.sweep(at=at, gpus=(GpuReading("G0", pcie_replays=count, **fields),))


def test_nothing_happened(store, fleet):
    assert all(frame.height == 0 for frame in store.happened().values())
    store.append([fleet.hello(), replays(fleet, 1, 500)])
    assert all(frame.height == 0 for frame in store.happened().values()), "what grew before we came is not counted"


def test_growth_is_counted_for_ten_minutes(store, fleet):
    store.append([replays(fleet, 0, 500)])
    store.append([replays(fleet, 60, 507), replays(fleet, 61, 510)])
    (gpu,) = told(store, Entity.GPU)
    assert (gpu["host"], gpu["instance"], gpu["pcie_replays_10min"]) == ("a", "G0", 10.0)
    store.append([replays(fleet, 540, 511)])
    assert told(store, Entity.GPU)[0]["pcie_replays_10min"] == 11.0
    store.append([replays(fleet, 720, 511)])
    assert told(store, Entity.GPU)[0]["pcie_replays_10min"] == 1.0
    store.append([replays(fleet, 5000, 511)])
    assert told(store, Entity.GPU) == []


def test_a_counter_that_begins_anew_adds_nothing(store, fleet):
    store.append([fleet.hello(), replays(fleet, 0, 500)])
    store.append([replays(fleet, 1, 3)])
    assert told(store, Entity.GPU) == []
    store.append([replays(fleet, 2, 5)])
    store.append([fleet.hello(at=3, boot_id="next"), replays(fleet, 3, 100)])
    store.append([replays(fleet, 4, None), replays(fleet, 5, 101)])
    assert told(store, Entity.GPU)[0]["pcie_replays_10min"] == 3.0


def test_clocks_that_are_set_make_no_difference(store, fleet):
    store.append([replays(fleet, 0, 500)])
    for number, jump in enumerate([86_400.0, -86_400.0, 0.0], 1):
        sweep = fleet.sweep(
            at=jump, received=number, mono=5000.0 + number, gpus=(GpuReading("G0", pcie_replays=500 + number),)
        )
        store.append([sweep])
    assert told(store, Entity.GPU)[0]["pcie_replays_10min"] == 3.0


def test_minutes_in_which_the_hardware_throttled(store, fleet):
    for minute in range(8):
        for second in range(0, 60, 20):
            reasons = 0x40 if minute < 7 and second == 20 else 0x4
            store.append([replays(fleet, 60 * minute + second, 0, throttle_reasons=reasons)])
    (gpu,) = told(store, Entity.GPU)
    assert (gpu["hw_throttled_minutes"], gpu["sw_thermal_minutes"]) == (7, 0)


def test_throttling_between_two_sweeps_is_seen_by_the_counters(store, fleet):
    for at, seconds in [(0, 5.0), (10, 5.0), (20, 5.01)]:
        details = GpuDetails("G0", throttle_power_brake_s=seconds, throttle_sw_thermal_s=seconds)
        store.append([fleet.gpu_sweep(at=at, gpu_details=(details,))])
        happened = told(store, Entity.GPU)
        assert bool(happened) is (at == 20)
    assert (happened[0]["hw_throttled_minutes"], happened[0]["sw_thermal_minutes"]) == (1, 1)


def ports(fleet, at, **states):
    rows = tuple(IbPort(f"{name}/1", state=state, link_downed=downs) for name, (state, downs) in states.items())
    return fleet.sweep(at=at, ib_ports=rows)


def test_ports_that_were_up_are_missed_and_others_are_not(store, fleet):
    store.append([ports(fleet, 1, a=("active", 0), b=("active", 0), unused=("down", 0))])
    assert told(store, Entity.PORT) == []
    store.append([ports(fleet, 2, a=("down", 1), unused=("down", 0))])
    found = {row["instance"]: (row["is_missing"], row["link_downed_10min"]) for row in told(store, Entity.PORT)}
    assert found == {"a/1": (True, 1.0), "b/1": (True, 0.0)}
    store.append([ports(fleet, 3, a=("active", 1), b=("active", 0))])
    found = {row["instance"]: (row["is_missing"], row["link_downed_10min"]) for row in told(store, Entity.PORT)}
    assert found == {"a/1": (False, 1.0)}


def test_an_interface_that_lost_its_carrier_is_missed_and_one_that_was_taken_away_is_not(store, fleet):
    both = (Nic("eth0", is_up=True, carrier_changes=3), Nic("eth1", is_up=True), Nic("spare", is_up=False))
    store.append([fleet.sweep(at=1, nics=both)])
    store.append([fleet.sweep(at=2, nics=(Nic("eth0", is_up=False, carrier_changes=4), both[2]))])
    (nic,) = told(store, Entity.NIC)
    assert (nic["instance"], nic["is_missing"], nic["carrier_changes_10min"]) == ("eth0", True, 1.0)


def test_oom_kills_are_counted_by_host(store, fleet):
    store.append([fleet.sweep("a", 1, memory=Memory(oom_kills=4)), fleet.sweep("b", 1, memory=Memory(oom_kills=1))])
    store.append([fleet.sweep("a", 2, memory=Memory(oom_kills=4)), fleet.sweep("b", 2, memory=Memory(oom_kills=3))])
    assert told(store, Entity.HOST) == [{"host": "b", "oom_kills_10min": 2.0}]


@given(st.lists(st.one_of(st.none(), st.integers(0, 50)), max_size=30))
def test_growth_is_the_sum_of_all_steps_upwards(values):
    growth, last, expected = Growth(1), None, 0
    for number, value in enumerate(values):
        said = np.array([[np.nan if value is None else value]])
        growth.step(np.zeros(1, np.int32), np.zeros(1, np.int32), said, 100.0 + number)
        if value is not None:
            expected += max(0, value - last) if last is not None else 0
            last = value
    assert growth.total().sum() == expected
