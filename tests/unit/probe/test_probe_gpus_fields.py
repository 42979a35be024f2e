"""Every field that the wire has for a GPU is read from the driver, and what the GPU cannot tell is null."""

import pytest

from leptontui.probe.details import PERIOD_S
from leptontui.probe.gpus import Gpus
from leptontui.wire import GpuDetails, GpuIdentity, GpuReading
from tests.nvml.every_field import DETAILS, IDENTITY, READING, keys, read, written

FIRST = "GPU-00000000-0000-0000-0000-000000000000"
OF_AN_INSTANCE = {"parent_uuid", "mig_index", "mig_profile"}


@pytest.fixture
def details(gpus, nvml, sweep):
    """What a GPU with some readings says of its details, at the second time: then all of them have been read."""

    def read_details(**readings):
        gpus.set(count=1, **readings)
        host = Gpus(nvml)
        sweep(host, 100.0)
        sweep(host, 100.0 + PERIOD_S)
        (told,) = sweep.details
        return told

    return read_details


def test_the_tables_are_whole():
    assert set(READING) == set(GpuReading.__struct_fields__) - {"uuid"}
    assert set(DETAILS) == set(GpuDetails.__struct_fields__) - {"uuid"}
    assert set(IDENTITY) == set(GpuIdentity.__struct_fields__) - {"uuid", "index", "vendor"} - OF_AN_INSTANCE


def test_every_reading(gpus, nvml, sweep):
    gpus.set(count=1, **written(READING))
    assert sweep(Gpus(nvml), 100.0) == [{"uuid": FIRST, **read(READING)}]


def test_every_detail(details):
    assert details(**written(DETAILS)) == {"uuid": FIRST, **read(DETAILS)}


def test_details_that_say_yes_or_no_say_the_other_too(details):
    told = details(
        gpu0_remap_pending=0,
        gpu0_remap_failed=1,
        gpu0_ecc_sram_status="1 1 0",
        gpu0_retired_pending=0,
        gpu0_persistence=0,
        gpu0_ecc_mode="0 0",
        gpu0_mig_mode="1 1",
        gpu0_inforom=0,
    )
    said = {field: value for field, value in told.items() if field.startswith("is_")}
    assert said == {
        "is_ecc_sram_over_threshold": False,
        "is_remap_pending": False,
        "is_remap_failed": True,
        "is_retirement_pending": False,
        "is_persistent": False,
        "is_ecc_enabled": False,
        "is_ecc_change_pending": False,
        "is_mig_enabled": True,
        "is_mig_change_pending": False,
        "is_inforom_valid": False,
    }


def test_every_part_of_an_identity(gpus, nvml, sweep):
    gpus.set(count=1, **written(IDENTITY))
    host = Gpus(nvml)
    sweep(host, 100.0)
    assert host.identities == {FIRST: {"index": 0, "uuid": FIRST, "vendor": "nvidia", **read(IDENTITY)}}


def test_what_a_gpu_does_not_tell_is_null_and_not_asked_for_again(gpus, nvml, sweep):
    older = ("gpu0_ecc_sram_uncorrected_aggregate", "gpu0_throttle_policy_thermal")
    silent = dict.fromkeys([*written(READING, DETAILS, IDENTITY), *older], "unsupported")
    gpus.set(count=1, **silent)
    host = Gpus(nvml)
    (reading,) = sweep(host, 100.0)
    assert reading == {"uuid": FIRST, **dict.fromkeys(READING)}
    assert sweep.details == [{"uuid": FIRST}]
    assert host.identities == {FIRST: {"index": 0, "uuid": FIRST, "vendor": "nvidia", **dict.fromkeys(IDENTITY)}}
    sweep(host, 100.0 + PERIOD_S)
    wanted = keys(READING) + keys(DETAILS)
    asked = {key: gpus.asked(key) for key in wanted}
    assert all(asked[key] for key in wanted if not key.startswith(("nvlink_", "nvlinks_", "remap_")))
    for second in range(11, 60):
        sweep(host, 100.0 + second)
    assert {key: gpus.asked(key) for key in wanted} == asked


@pytest.mark.parametrize("field", [*READING, *DETAILS])
def test_one_that_is_missing_does_not_take_others_with_it(field, details, gpus, nvml, sweep):
    table = READING if field in READING else DETAILS
    key = table[field][0]
    # One call answers for all of a structure; links that nobody counts have no errors.
    together = {other for other, (its, _, _) in table.items() if its == key or group(its) == group(key) != ""}
    readings = {**written(table), f"gpu0_{key}": "unsupported"}
    expected = {other: value for other, value in read(table).items() if other not in together}
    if table is DETAILS:
        told = details(**readings)
    else:
        gpus.set(count=1, **readings)
        (told,) = sweep(Gpus(nvml), 100.0)
    found = {other: value for other, value in told.items() if value is not None and other != "uuid"}
    # What an older call still knows is better than nothing.
    found.pop("ecc_sram_uncorrected_aggregate", None)
    expected.pop("ecc_sram_uncorrected_aggregate", None)
    assert {other: value for other, value in found.items() if other not in together} == expected
    assert field not in found or key == "throttle_sw_thermal"


def group(key):
    for name, its in {
        "remap": ("remap_correctable", "remap_uncorrectable", "remap_pending", "remap_failed"),
        "util": ("util", "memory_util"),
        "links": (
            "nvlinks",
            "nvlinks_down",
            "nvlink_crc",
            "nvlink_replay",
            "nvlink_recovery",
            "nvlink_rx",
            "nvlink_tx",
        ),
    }.items():
        if key in its:
            return name
    return ""


def test_what_this_user_may_not_read_is_said(gpus, nvml, sweep):
    gpus.set(count=1, gpu0_remap_banks="error 4", gpu0_ecc_corrected="error 4")
    host = Gpus(nvml)
    sweep(host, 100.0)
    assert host.gaps == {"row remapping": "not permitted to this user", "ecc": "not permitted to this user"}


def test_no_sensor_is_not_zero_degrees(gpus, nvml, sweep):
    gpus.set(count=1, gpu0_temp_memory=0, gpu0_pstate=32)
    (reading,) = sweep(Gpus(nvml), 100.0)
    assert reading["temp_memory_c"] is None
    assert reading["pstate"] is None


# Older and newer GPUs and drivers


def test_before_ampere_sram_is_the_sum_of_its_uses(details):
    told = details(
        gpu0_ecc_sram_corrected="unsupported",
        gpu0_ecc_sram_uncorrected="unsupported",
        gpu0_ecc_sram_status="unsupported",
        gpu0_ecc_sram_uncorrected_aggregate="unsupported",
        gpu0_ecc_cache0_corrected=1,
        gpu0_ecc_cache3_corrected=20,
        gpu0_ecc_cache1_uncorrected=3,
        gpu0_ecc_cache5_uncorrected_aggregate=400,
        gpu0_ecc_cache6_uncorrected_aggregate=5,
    )
    assert told["ecc_sram_corrected"] == 21
    assert told["ecc_sram_uncorrected"] == 3
    assert told["ecc_sram_uncorrected_aggregate"] == 405
    assert "is_ecc_sram_over_threshold" not in told


def test_without_the_sram_status_its_aggregate_is_still_counted(details):
    told = details(gpu0_ecc_sram_status="unsupported", gpu0_ecc_sram_uncorrected_aggregate=7)
    assert told["ecc_sram_uncorrected_aggregate"] == 7


@pytest.mark.parametrize("version", [1, 2, 3])
def test_the_fabric_is_told_by_every_driver(details, version):
    told = details(gpu0_fabric_version=version, gpu0_fabric="3 999")
    assert (told["fabric_state"], told["fabric_status"]) == ("completed", "Unknown Error")


@pytest.mark.parametrize(
    ("fabric", "state"), [("0 0", None), ("1 0", "not started"), ("2 0", "in progress"), ("9 0", None)]
)
def test_a_fabric_that_is_not_joined_has_no_status(details, fabric, state):
    told = details(gpu0_fabric=fabric)
    assert told.get("fabric_state") == state
    assert "fabric_status" not in told


def test_counters_of_throttling_before_they_were_renumbered(details):
    told = details(driver="575.57.08", gpu0_throttle_policy_thermal=6.5)
    assert told["throttle_power_cap_s"] == 12.5
    assert told["throttle_sw_thermal_s"] == 6.5
    assert "throttle_hw_thermal_s" not in told
    assert "throttle_power_brake_s" not in told


@pytest.mark.parametrize(
    ("flags", "action"),
    [
        ({"gpu0_reset_status": 0, "gpu0_drain_status": 0}, "none"),
        ({"gpu0_reset_status": 1, "gpu0_drain_status": 0}, "reset"),
        ({"gpu0_reset_status": 0, "gpu0_drain_status": 1}, "drain and reset"),
        ({}, None),
    ],
)
def test_the_recovery_action_of_older_drivers(details, flags, action):
    assert details(gpu0_recovery_action="unsupported", **flags).get("recovery_action") == action


@pytest.mark.parametrize(
    ("number", "action"),
    [(0, "none"), (1, "reset"), (2, "reboot"), (3, "drain P2P"), (6, "reset"), (7, "reboot"), (9, "action 9")],
)
def test_the_recovery_action(details, number, action):
    assert details(gpu0_recovery_action=number)["recovery_action"] == action


def test_a_link_with_errors_of_its_own_and_one_that_fell_silent(gpus, nvml, sweep):
    gpus.set(count=1, gpu0_nvlinks=4, gpu0_nvlink_crc=1, gpu0_nvlink2_crc=100)
    host = Gpus(nvml)
    sweep(host, 100.0)
    assert sweep.details[0]["nvlink_crc_errors"] == 103
    gpus.set(count=1, gpu0_nvlinks=4, gpu0_nvlink_crc=2, gpu0_nvlink2_crc="error 999")
    sweep(host, 100.0 + PERIOD_S)
    assert sweep.details[0]["nvlink_crc_errors"] == 106


NO_HOPPER = {f"gpu0_nvlink_{what}": "unsupported" for what in ("crc", "replay", "recovery")}


def test_errors_of_nvlinks_before_hopper(details):
    told = details(
        **NO_HOPPER,
        gpu0_nvlink_crc_flit_total=1,
        gpu0_nvlink_crc_data_total=20,
        gpu0_nvlink_replay_total=3,
        gpu0_nvlink_recovery_total=4,
    )
    assert [told[f"nvlink_{what}_errors"] for what in ("crc", "replay", "recovery")] == [21, 3, 4]


def test_errors_of_the_oldest_nvlinks(details):
    told = details(
        **NO_HOPPER,
        gpu0_nvlinks=2,
        gpu0_nvlink_old0=1,
        gpu0_nvlink_old1=20,
        gpu0_nvlink_old2=300,
        gpu0_nvlink_old3=4000,
    )
    assert [told[f"nvlink_{what}_errors"] for what in ("crc", "replay", "recovery")] == [8600, 2, 40]


def test_errors_of_the_newest_nvlinks(details):
    told = details(**NO_HOPPER, gpu0_nvlinks=18, gpu0_nvlink_recovery_events=2)
    assert told["nvlink_recovery_errors"] == 36
    assert "nvlink_crc_errors" not in told


def test_a_gpu_without_nvlinks_has_none_rather_than_0(details):
    told = details(gpu0_nvlinks="unsupported")
    assert not [field for field in told if field.startswith("nvlink")]
