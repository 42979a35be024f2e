"""GPUs: details that are said seldom, MIG instances, drivers that hang, boards that are exchanged."""

import pytest

from leptontui.model.series import Entity
from leptontui.store.store import Store
from leptontui.wire import GpuDetails, GpuIdentity, GpuReading


@pytest.fixture
def store():
    return Store(1.0)


def gpus_of(store, *columns):
    return store.latest(Entity.GPU).select(columns).rows()


def detailed(fleet, at, *details, uuids=("G0",), **fields):
    return fleet.gpu_sweep(at=at, uuids=uuids, gpu_details=details, **fields)


def test_details_are_null_before_they_are_said_and_valid_until_said_again(store, fleet):
    store.append([fleet.hello(), fleet.gpu_sweep(at=1)])
    assert gpus_of(store, "remapped_correctable", "recovery_action") == [(None, None)]
    store.append([detailed(fleet, 2, GpuDetails("G0", remapped_correctable=3, recovery_action="none"))])
    for at in range(3, 12):
        store.append([fleet.gpu_sweep(at=at)])
    assert gpus_of(store, "remapped_correctable", "recovery_action") == [(3, "none")]
    store.append([detailed(fleet, 12, GpuDetails("G0", recovery_action="reset"))])
    assert gpus_of(store, "remapped_correctable", "recovery_action") == [(None, "reset")], "complete in themselves"


def test_counters_of_details_are_rates_from_one_saying_to_the_next(store, fleet):
    first = GpuDetails("G0", nvlink_rx_bytes=1000, throttle_hw_thermal_s=1.0)
    store.append([fleet.hello(), detailed(fleet, 1, first)])
    assert gpus_of(store, "nvlink_rx_bytes_per_s", "throttle_hw_thermal_pct") == [(None, None)]
    store.append([fleet.gpu_sweep(at=at) for at in range(2, 11)])
    store.append([detailed(fleet, 11, GpuDetails("G0", nvlink_rx_bytes=6000, throttle_hw_thermal_s=3.0))])
    assert gpus_of(store, "nvlink_rx_bytes_per_s", "throttle_hw_thermal_pct") == [(500.0, 20.0)]
    store.append([detailed(fleet, 21, GpuDetails("G0", nvlink_rx_bytes=10, throttle_hw_thermal_s=0.0))])
    assert gpus_of(store, "nvlink_rx_bytes_per_s", "throttle_hw_thermal_pct") == [(None, None)], "began anew"


def test_of_a_gpu_that_is_gone_the_last_details_stay_and_its_rates_do_not(store, fleet):
    store.append([fleet.hello(), detailed(fleet, 1, GpuDetails("G0", nvlink_rx_bytes=0, ecc_dram_uncorrected=2))])
    store.append([detailed(fleet, 11, GpuDetails("G0", nvlink_rx_bytes=50, ecc_dram_uncorrected=2))])
    assert gpus_of(store, "nvlink_rx_bytes_per_s") == [(5.0,)]
    store.append([fleet.sweep(at=12)])
    assert gpus_of(store, "state", "nvlink_rx_bytes_per_s", "ecc_dram_uncorrected") == [("gone", None, 2)]


def test_details_of_gpus_that_nobody_knows_are_ignored(store, fleet):
    store.append([fleet.hello(), detailed(fleet, 1, GpuDetails("ghost", remapped_correctable=3))])
    assert gpus_of(store, "uuid", "remapped_correctable") == [("G0", None)]


def test_counters_that_begin_anew_tell_of_a_reset(store, fleet):
    store.append([fleet.hello(), detailed(fleet, 1, GpuDetails("G0", energy_j=5e6))])
    assert store.resets == {}
    store.append([detailed(fleet, 11, GpuDetails("G0", energy_j=6e6))])
    assert store.resets == {}
    store.append([detailed(fleet, 21, GpuDetails("G0", energy_j=100.0))])
    assert store.resets == {("a", "G0"): fleet.t0 + 21}


MIG = (
    GpuIdentity(0, "G0", "H100"),
    GpuIdentity(0, "MIG-b", "H100", parent_uuid="G0", mig_index=1, mig_profile="1g.10gb"),
    GpuIdentity(0, "MIG-a", "H100", parent_uuid="G0", mig_index=0, mig_profile="1g.10gb"),
    GpuIdentity(1, "G1", "H100"),
)


def test_mig_instances_are_rows_after_their_gpu(store, fleet):
    uuids = ("G0", "MIG-b", "MIG-a", "G1")
    store.append([fleet.hello(gpus=MIG), fleet.gpu_sweep(at=1, uuids=uuids)])
    assert gpus_of(store, "uuid", "mig_index") == [("G0", None), ("MIG-a", 0), ("MIG-b", 1), ("G1", None)]
    assert store.latest(Entity.HOST)["gpu_count"].to_list() == [2]


def test_instances_that_were_taken_apart_are_no_loss(store, fleet):
    store.append([fleet.hello(gpus=MIG), fleet.gpu_sweep(at=1, uuids=("G0", "MIG-a", "MIG-b", "G1"))])
    store.append([fleet.hello(at=2, gpus=(MIG[0], MIG[3])), fleet.gpu_sweep(at=2, uuids=("G0", "G1"))])
    assert gpus_of(store, "uuid", "state") == [("G0", "present"), ("G1", "present")]
    store.append([fleet.hello(at=3, gpus=MIG), fleet.gpu_sweep(at=3, uuids=("G0", "MIG-a", "MIG-b", "G1"))])
    assert len(gpus_of(store, "uuid")) == 4


def test_a_gpu_that_the_next_hello_does_not_name_is_gone_unless_another_sits_in_its_place(store, fleet):
    old = tuple(GpuIdentity(n, f"G{n}", pci_bus_id=f"0000:{n}1:00.0") for n in range(2))
    store.append([fleet.hello(gpus=old), fleet.gpu_sweep(at=1, uuids=("G0", "G1"))])
    store.append([fleet.hello(at=2, gpus=old[:1], boot_id="next"), fleet.gpu_sweep(at=2, uuids=("G0",))])
    assert gpus_of(store, "uuid", "state") == [("G0", "present"), ("G1", "gone")]
    new = GpuIdentity(1, "G9", pci_bus_id="0000:11:00.0")
    store.append([fleet.hello(at=3, gpus=(old[0], new), boot_id="third"), fleet.gpu_sweep(at=3, uuids=("G0", "G9"))])
    assert gpus_of(store, "uuid", "state") == [("G0", "present"), ("G9", "present")]


def test_while_the_driver_hangs_nothing_is_known_of_gpus_that_are_not_listed(store, fleet):
    store.append([fleet.hello(gpus=("G0", "G1")), fleet.gpu_sweep(at=1, uuids=("G0", "G1"))])
    store.append([fleet.gpu_sweep(at=2, uuids=("G0",), is_driver_hung=True)])
    assert gpus_of(store, "uuid", "state", "util_pct") == [("G0", "present", 50.0), ("G1", "unknown", None)]
    assert store.latest(Entity.HOST)["gpu_count"].to_list() == [2]
    store.append([fleet.gpu_sweep(at=3, uuids=("G0",))])
    assert gpus_of(store, "state") == [("present",), ("gone",)]


def test_a_host_that_is_forgotten_leaves_nothing_to_the_one_that_gets_its_place(store, fleet):
    hello = fleet.hello(gpus=("G0", "G1"))
    store.append([hello, detailed(fleet, 1, GpuDetails("G0", energy_j=9.0, remapped_correctable=1))])
    store.append([fleet.disk_sweep("b", 1, read=5)])
    store.forget({"a", "never heard of"})
    assert gpus_of(store, "uuid") == []
    assert store.latest(Entity.HOST)["host"].to_list() == ["b"]
    assert store.trends(fleet.t0 + 1).height == 0
    assert store.resets == {}
    reading = GpuReading("G0", util_pct=7.0)
    store.append([fleet.sweep("c", 2, gpus=(reading,)), fleet.disk_sweep("b", 2, read=10)])
    assert gpus_of(store, "host", "uuid", "util_pct", "index", "remapped_correctable") == [("c", "G0", 7.0, None, None)]
    assert store.latest(Entity.DISK)["read_bytes_per_s"].to_list() == [5.0]
    assert store.trends(fleet.t0 + 2)["host"].to_list() == ["c"]
    assert store.latest(Entity.HOST)["host"].to_list() == ["b", "c"]


def test_forgetting_and_meeting_hosts_again_does_not_grow(store, fleet):
    def visit(number):
        name = f"h{number}"
        store.append([fleet.hello(name, gpus=("G0",)), fleet.gpu_sweep(name, at=number)])
        store.forget({name})

    visit(0)
    before = store.nbytes()
    for number in range(1, 50):
        visit(number)
    assert store.nbytes() == before
