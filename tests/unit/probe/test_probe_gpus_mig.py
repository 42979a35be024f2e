"""MIG: every instance is a GPU of its own, with its profile, memory, errors and processes."""

import pytest

from leptontui.probe.gpus import Gpus
from leptontui.probe.mig import LOOK_S, profile_of
from leptontui.probe.readings import SLOW_S

FIRST = "GPU-00000000-0000-0000-0000-000000000000"
INSTANCE_0 = "MIG-00000000-0000-0000-0000-000000000000"
INSTANCE_2 = "MIG-00000000-0000-0000-0002-000000000000"
DIVIDED = {
    "count": 1,
    "gpu0_mig_mode": "1 1",
    "gpu0_mig0": "1g.10gb",
    "gpu0_mig0_memory_total": 111,
    "gpu0_mig0_memory_used": 11,
    "gpu0_mig0_ecc_sram_uncorrected": 3,
    "gpu0_mig0_process": ["71 700"],
    "gpu0_mig2": "3g.40gb",
    "gpu0_mig2_memory_total": 333,
    "gpu0_mig2_memory_used": 33,
    "gpu0_mig2_process": ["72 701", "73"],
}


def test_every_instance_is_a_row_of_its_own(gpus, nvml, sweep):
    gpus.set(**DIVIDED)
    host = Gpus(nvml)
    whole, first, second = sweep(host, 100.0)
    assert whole["uuid"] == FIRST
    assert (whole["temp_c"], whole["util_pct"]) == (64, None)
    assert first == {"uuid": INSTANCE_0, "memory_used_bytes": 11, "ecc_uncorrected": 3, "util_pct": None}
    assert second == {"uuid": INSTANCE_2, "memory_used_bytes": 33, "ecc_uncorrected": 0, "util_pct": None}
    assert host.gaps == {"gpu utilisation": "not told of a GPU divided by MIG"}


def test_instances_say_what_they_are(gpus, nvml, sweep):
    gpus.set(**DIVIDED)
    host = Gpus(nvml)
    sweep(host, 100.0)
    assert list(host.identities) == [FIRST, INSTANCE_0, INSTANCE_2]
    assert host.identities[INSTANCE_2] == {
        "index": 0,
        "uuid": INSTANCE_2,
        "name": "NVIDIA H100 80GB HBM3 MIG 3g.40gb",
        "vendor": "nvidia",
        "pci_bus_id": "00000000:3B:00.0",
        "memory_total_bytes": 333,
        "parent_uuid": FIRST,
        "mig_index": 2,
        "mig_profile": "3g.40gb",
    }
    assert "parent_uuid" not in host.identities[FIRST]


def test_processes_belong_to_their_instance_and_are_told_once(gpus, nvml, sweep):
    gpus.set(**DIVIDED)
    sweep(Gpus(nvml), 100.0)
    assert sweep.uses == [
        {"uuid": INSTANCE_0, "pid": 71, "memory_used_bytes": 700},
        {"uuid": INSTANCE_2, "pid": 72, "memory_used_bytes": 701},
        {"uuid": INSTANCE_2, "pid": 73, "memory_used_bytes": None},
    ]


def test_errors_of_an_instance_are_counted_at_their_cadence(gpus, nvml, sweep):
    gpus.set(**DIVIDED)
    host = Gpus(nvml)
    sweep(host, 100.0)
    gpus.set(**{**DIVIDED, "gpu0_mig0_ecc_sram_uncorrected": 4, "gpu0_mig0_memory_used": 12})
    soon = sweep(host, 101.0)[1]
    assert (soon["ecc_uncorrected"], soon["memory_used_bytes"]) == (3, 12)
    assert sweep(host, 100.0 + SLOW_S)[1]["ecc_uncorrected"] == 4


def test_how_busy_an_instance_is_is_told_by_gpus_with_monitors(gpus, nvml, sweep):
    gpus.set(**DIVIDED, gpu0_gpm=1, gpu0_mig0_util=37.26, gpu0_mig2_util=93)
    host = Gpus(nvml)
    assert [reading["util_pct"] for reading in sweep(host, 100.0)] == [None, None, None]
    # It takes two looks.
    assert [reading["util_pct"] for reading in sweep(host, 101.0)] == [None, None, None]
    assert [reading["util_pct"] for reading in sweep(host, 100.0 + SLOW_S)] == [None, 37.3, 93.0]
    gpus.set(**DIVIDED, gpu0_gpm=1, gpu0_mig0_util=0, gpu0_mig2_util="error 999")
    assert [reading["util_pct"] for reading in sweep(host, 100.0 + 2 * SLOW_S)] == [None, 0.0, None]
    gpus.set(**DIVIDED, gpu0_gpm=1, gpu0_mig0_util=1, gpu0_mig2_util=2)
    assert [reading["util_pct"] for reading in sweep(host, 100.0 + 3 * SLOW_S)][1:] == [1.0, 2.0]


def test_parts_of_one_gpu_instance_do_not_claim_all_of_its_utilisation(gpus, nvml, sweep):
    parts = {"gpu0_mig0_gpu_instance": 9, "gpu0_mig2_gpu_instance": 9}
    gpus.set(**DIVIDED, **parts, gpu0_gpm=1, gpu0_mig0_util=37, gpu0_mig2_util=93)
    host = Gpus(nvml)
    sweep(host, 100.0)
    assert [reading["util_pct"] for reading in sweep(host, 100.0 + SLOW_S)] == [None, None, None]


def test_monitors_give_their_memory_back(gpus, nvml, sweep):
    held = gpus.samples()
    gpus.set(**DIVIDED, gpu0_gpm=1)
    host = Gpus(nvml)
    sweep(host, 100.0)
    assert gpus.samples() == held + 4
    gpus.set(count=1)
    sweep(host, 100.0 + LOOK_S)
    assert gpus.samples() == held


def test_what_an_instance_does_not_tell_is_null(gpus, nvml, sweep):
    silent = {"gpu0_mig0_memory_used": "error 3", "gpu0_mig0_ecc_sram_uncorrected": "error 3"}
    gpus.set(**{**DIVIDED, **silent})
    host = Gpus(nvml)
    reading = sweep(host, 100.0)[1]
    assert (reading["memory_used_bytes"], reading["ecc_uncorrected"]) == (None, None)
    before = gpus.asked("ecc_sram_uncorrected")
    sweep(host, 100.0 + 2 * SLOW_S - 0.5)
    # Only instance 2 is asked again.
    assert gpus.asked("ecc_sram_uncorrected") == before + 1


def test_a_profile_that_the_name_does_not_tell_is_made_of_the_attributes(gpus, nvml, sweep):
    older = {"gpu0_mig0_name": "NVIDIA A100-SXM4-80GB", "gpu0_mig0_attributes": "1 1 9728"}
    gpus.set(**{**DIVIDED, **older})
    host = Gpus(nvml)
    sweep(host, 100.0)
    assert host.identities[INSTANCE_0]["mig_profile"] == "1g.10gb"


class Attributes:
    def __init__(self, slices, computing, mebibytes):
        self.gpuInstanceSliceCount = slices
        self.computeInstanceSliceCount = computing
        self.memorySizeMB = mebibytes


@pytest.mark.parametrize(
    ("attributes", "whole_bytes", "profile"),
    [
        # As nvidia-smi lists them on an A100 of 40 GB and an H100 of 80 GB.
        (Attributes(1, 1, 4864), 42505273344, "1g.5gb"),
        (Attributes(3, 3, 19968), 42505273344, "3g.20gb"),
        (Attributes(1, 1, 9856), 85520809984, "1g.10gb"),
        (Attributes(3, 1, 40448), 85520809984, "1c.3g.40gb"),
        (Attributes(7, 7, 80896), 85520809984, "7g.80gb"),
        (Attributes(1, 1, 9728), None, "1g.10gb"),
    ],
)
def test_profiles(attributes, whole_bytes, profile):
    assert profile_of(attributes, whole_bytes) == profile


def test_instances_that_are_made_and_taken_apart_come_and_go(gpus, nvml, sweep):
    gpus.set(count=1)
    host = Gpus(nvml)
    assert len(sweep(host, 100.0)) == 1
    version = host.version
    gpus.set(**DIVIDED)
    assert len(sweep(host, 100.0 + LOOK_S)) == 3
    assert host.version > version
    version = host.version
    fewer = {key: value for key, value in DIVIDED.items() if not key.startswith("gpu0_mig2")}
    gpus.set(**fewer)
    readings = sweep(host, 100.0 + 2 * LOOK_S)
    assert [reading["uuid"] for reading in readings] == [FIRST, INSTANCE_0]
    assert list(host.identities) == [FIRST, INSTANCE_0]
    assert host.version > version
    assert host.losses == []


def test_utilisation_is_told_again_when_mig_is_off(gpus, nvml, sweep):
    gpus.set(count=1, gpu0_mig_mode="1 1", gpu0_process=["9 9"])
    host = Gpus(nvml)
    (reading,) = sweep(host, 100.0)
    assert reading["util_pct"] is None
    assert sweep.uses == [{"uuid": FIRST, "pid": 9, "memory_used_bytes": 9}]
    gpus.set(count=1, gpu0_mig_mode="0 0")
    (reading,) = sweep(host, 100.0 + LOOK_S)
    assert reading["util_pct"] == 98


def test_a_gpu_that_cannot_be_divided_is_asked_once(gpus, nvml, sweep):
    gpus.set(count=1, gpu0_mig_mode="unsupported")
    host = Gpus(nvml)
    sweep(host, 100.0)
    before = gpus.asked("mig0")
    mode = gpus.asked("mig_mode")
    for second in range(1, 20):
        # Utilisation looks at the mode, too, inside the driver.
        sweep(host, 100.0 + second)
    assert gpus.asked("mig0") == before
    assert gpus.asked("mig_mode") == mode + 19


def test_a_lost_gpu_takes_its_instances_with_it_and_is_one_loss(gpus, nvml, sweep):
    gpus.set(**DIVIDED)
    host = Gpus(nvml)
    sweep(host, 100.0)
    gpus.set(**DIVIDED, gpu0_lost=1)
    assert sweep(host, 101.0) == []
    assert host.losses == [(FIRST, "GPU 0: GPU is lost")]
    assert INSTANCE_0 in host.identities
