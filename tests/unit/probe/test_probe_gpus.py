"""GPUs through NVML: what they say, what they do not support, a GPU that is lost and a driver that goes and comes."""

import pytest

from leptontui.probe.gpus import RENEW_S, RETRY_S, Gpus
from leptontui.probe.nvml import NoLibrary

FIRST = "GPU-00000000-0000-0000-0000-000000000000"
SECOND = "GPU-00000000-0000-0000-0000-000000000001"


def test_identity_and_readings(gpus, nvml, sweep):
    gpus.set(
        count=2,
        driver="570.1",
        gpu0_temp=81,
        gpu0_power=300.25,
        gpu0_throttle="0x48",
        gpu0_pcie_width=8,
        gpu0_ecc_uncorrected=2,
        gpu0_process=["1234 1073741824", "99 5"],
        gpu1_util=0,
    )
    host = Gpus(nvml)
    first, second = sweep(host, 100.0)
    assert first["uuid"] == FIRST
    assert first["temp_c"] == 81
    assert first["temp_memory_c"] == 71
    assert first["power_w"] == 300.25
    assert first["power_limit_w"] == 700.0
    assert first["throttle_reasons"] == 0x48
    assert first["pcie_width"] == 8
    assert first["ecc_uncorrected"] == 2
    assert first["memory_used_bytes"] == 68719476736
    assert second["util_pct"] == 0
    assert host.driver_version == "570.1"
    assert host.identities[FIRST]["pci_bus_id"] == "00000000:3B:00.0"
    assert host.identities[FIRST]["temp_slowdown_c"] == 87
    assert host.identities[FIRST]["memory_total_bytes"] == 85520809984
    assert sweep.uses == [
        {"uuid": FIRST, "pid": 99, "memory_used_bytes": 5},
        {"uuid": FIRST, "pid": 1234, "memory_used_bytes": 1073741824},
    ]


def test_what_a_gpu_does_not_support_is_null_said_once_and_not_asked_again(gpus, nvml, sweep, monkeypatch):
    gpus.set(count=1, gpu0_name="NVIDIA GeForce RTX 3090", gpu0_ecc_corrected="unsupported", gpu0_util="unsupported")
    host = Gpus(nvml)
    (reading,) = sweep(host, 100.0)
    assert reading["ecc_corrected"] is None
    assert reading["util_pct"] is None
    assert reading["ecc_uncorrected"] == 0
    assert host.gaps["ecc"] == "not supported by NVIDIA GeForce RTX 3090"
    monkeypatch.setattr("pynvml.nvmlDeviceGetUtilizationRates", lambda _: pytest.fail("asked again"))
    assert sweep(host, 200.0)[0]["util_pct"] is None


def test_slow_readings_are_repeated_between_their_turns(gpus, nvml, sweep):
    gpus.set(count=1)
    host = Gpus(nvml)
    sweep(host, 100.0)
    gpus.set(count=1, gpu0_temp=90, gpu0_ecc_uncorrected=1)
    (soon,) = sweep(host, 101.0)
    assert (soon["temp_c"], soon["ecc_uncorrected"]) == (90, 0)
    (later,) = sweep(host, 106.0)
    assert later["ecc_uncorrected"] == 1


def test_a_passing_error_is_null_for_once(gpus, nvml, sweep):
    host = Gpus(nvml)
    sweep(host, 100.0)
    gpus.set(count=2, gpu0_error=999)
    assert sweep(host, 101.0)[0]["temp_c"] is None
    gpus.set(count=2)
    assert sweep(host, 102.0)[0]["temp_c"] == 64


def test_a_lost_gpu_is_absent_said_once_and_comes_back(gpus, nvml, sweep):
    host = Gpus(nvml)
    sweep(host, 100.0)
    version = host.version
    gpus.set(count=2, gpu1_lost=1)
    assert [reading["uuid"] for reading in sweep(host, 101.0)] == [FIRST]
    assert [uuid for uuid, _ in host.losses] == [SECOND]
    host.losses = []
    sweep(host, 101.0 + RETRY_S)
    assert host.losses == []
    assert SECOND in host.identities
    gpus.set(count=2)
    assert len(sweep(host, 101.0 + 1.5 * RETRY_S)) == 1
    assert len(sweep(host, 101.0 + 2.5 * RETRY_S)) == 2
    assert host.version > version


def test_a_gpu_that_has_to_be_reset_does_not_answer_either(gpus, nvml, sweep):
    host = Gpus(nvml)
    sweep(host, 100.0)
    gpus.set(count=2, gpu1_error=16)
    assert [reading["uuid"] for reading in sweep(host, 101.0)] == [FIRST]
    assert host.losses == [(SECOND, "GPU 1: GPU requires restart")]


def test_a_gpu_that_was_lost_before_we_came_is_told_and_found_later(gpus, nvml, sweep):
    gpus.set(count=2, gpu1_lost=1)
    host = Gpus(nvml)
    assert len(sweep(host, 100.0)) == 1
    assert host.losses == [(None, "GPU 1: GPU is lost")]
    assert host.gaps["gpu 1"] == "GPU is lost"
    version = host.version
    gpus.set(count=2)
    assert len(sweep(host, 100.0 + RETRY_S)) == 2
    assert "gpu 1" not in host.gaps
    assert host.version > version


def test_all_gpus_lost_is_a_new_session_every_ten_seconds_and_one_loss_each(gpus, nvml, sweep):
    host = Gpus(nvml)
    sweep(host, 100.0)
    gpus.set(count=2, **{"gpu*_lost": 1})
    for second in range(101, 140):
        assert sweep(host, float(second)) == []
    assert sorted(uuid for uuid, _ in host.losses) == [FIRST, SECOND]
    gpus.set(count=2)
    assert len(sweep(host, 150.0)) == 2


def test_a_driver_that_is_unloaded_comes_back_by_itself(gpus, nvml, sweep):
    host = Gpus(nvml)
    sweep(host, 100.0)
    gpus.remove()
    assert sweep(host, 101.0) == []
    assert host.gaps == {"gpu": "the NVIDIA driver does not answer NVML: Driver Not Loaded"}
    assert host.losses == []
    gpus.set(count=3, driver="581.0")
    assert sweep(host, 102.0) == []
    version = host.version
    assert len(sweep(host, 101.0 + RETRY_S)) == 3
    assert "gpu" not in host.gaps
    assert host.driver_version == "581.0"
    assert host.version > version


def test_after_a_reload_the_old_handles_are_not_used(gpus, nvml, sweep):
    host = Gpus(nvml)
    sweep(host, 100.0)
    version = host.version
    gpus.set(count=2, session=2, driver="590.1", gpu0_temp=50)
    assert sweep(host, 101.0) == []
    assert host.losses == []
    readings = sweep(host, 101.0 + RETRY_S)
    assert [reading["temp_c"] for reading in readings] == [50, 64]
    assert host.driver_version == "590.1"
    assert host.version > version


def test_a_mended_gpu_that_the_session_still_calls_lost_is_found_by_a_new_one(gpus, nvml, sweep):
    host = Gpus(nvml)
    sweep(host, 100.0)
    gpus.set(count=2, gpu1_lost=2)
    sweep(host, 101.0)
    gpus.set(count=2)
    for second in range(102, 100 + int(RENEW_S)):
        assert len(sweep(host, float(second))) == 1
    assert len(sweep(host, 100.0 + RENEW_S)) == 2
    assert [uuid for uuid, _ in host.losses] == [SECOND]


def test_looking_for_a_gpu_that_stays_lost_becomes_rare(gpus, nvml, sweep):
    gpus.set(count=2, gpu1_lost=1)
    host = Gpus(nvml)
    before = gpus.asked("vbios")
    for second in range(600):
        assert len(sweep(host, 100.0 + second)) == 1
    # A session at 0, 60, 180 and 420 seconds.
    assert gpus.asked("vbios") == before + 4
    assert host.losses == [(None, "GPU 1: GPU is lost")]


def test_no_new_session_where_the_others_would_forget_their_counters(gpus, nvml, sweep):
    gpus.set(count=2, gpu0_persistence=0)
    host = Gpus(nvml)
    sweep(host, 100.0)
    gpus.set(count=2, gpu0_persistence=0, gpu1_lost=2)
    sweep(host, 101.0)
    gpus.set(count=2, gpu0_persistence=0)
    for second in range(102, 102 + 3 * int(RENEW_S)):
        assert len(sweep(host, float(second))) == 1


def test_a_gpu_that_a_new_driver_does_not_list_is_lost(gpus, nvml, sweep):
    host = Gpus(nvml)
    sweep(host, 100.0)
    gpus.set(count=2, error=9)
    sweep(host, 101.0)
    gpus.set(count=1)
    assert len(sweep(host, 120.0)) == 1
    assert [uuid for uuid, _ in host.losses] == [SECOND]


def test_a_host_without_a_driver_has_no_gpus(sweep):
    def load():
        raise NoLibrary("no NVIDIA driver (libnvidia-ml.so.1 not found)")

    host = Gpus(load)
    assert sweep(host, 0.0) == []
    assert host.gaps == {"gpu": "no NVIDIA driver (libnvidia-ml.so.1 not found)"}


def test_an_upgraded_driver_is_said_in_words(gpus, nvml, sweep):
    gpus.set(count=1, error=18)
    host = Gpus(nvml)
    assert sweep(host, 0.0) == []
    assert "mismatch" in host.gaps["gpu"]
    gpus.set(count=1)
    assert len(sweep(host, RETRY_S)) == 1


def test_xids_are_told_by_the_driver_each_once(gpus, nvml, sweep):
    gpus.set(count=2, gpu0_xid=31)
    host = Gpus(nvml, listens=True)
    sweep(host, 100.0)
    sweep(host, 101.0)
    assert sweep.xids == []
    gpus.set(count=2, gpu0_xid=31, gpu1_xid=79)
    sweep(host, 102.0)
    assert sweep.xids == [(SECOND, 79)]
    sweep(host, 103.0)
    assert sweep.xids == []
    gpus.set(count=2, gpu0_xid="43 later", gpu1_xid="79 again")
    sweep(host, 104.0)
    assert sweep.xids == [(FIRST, 43), (SECOND, 79)]


def test_a_gpu_that_came_back_is_heard_of_like_the_others(gpus, nvml, sweep):
    gpus.set(count=2, gpu1_lost=1)
    host = Gpus(nvml, listens=True)
    sweep(host, 100.0)
    gpus.set(count=2)
    sweep(host, 100.0 + RETRY_S)
    sweep(host, 101.0 + RETRY_S)
    gpus.set(count=2, gpu1_xid=63)
    sweep(host, 102.0 + RETRY_S)
    assert sweep.xids == [(SECOND, 63)]


def test_a_driver_that_tells_of_no_xid_says_so(gpus, nvml, sweep):
    gpus.set(count=1, gpu0_xid="unsupported")
    host = Gpus(nvml, listens=True)
    sweep(host, 100.0)
    assert len(sweep(host, 101.0)) == 1
    assert host.gaps["xid"] == "the driver does not tell: Not Supported"
