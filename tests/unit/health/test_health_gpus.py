"""Each rule about GPUs: it fires, it does not fire, and what it does with nulls."""

import polars as pl
import pytest

from leptontui.health.assess import assess_gpus
from leptontui.health.circumstances import Circumstances, Dropped
from leptontui.health.fusion import COLUMNS
from leptontui.health.heat import heat_of
from leptontui.health.peers import SCHEMA as PEERS
from leptontui.model.health import HostEvent, Severity
from leptontui.model.series import Entity, Eta, SeriesKey

NOW = 1_000_000.0

WELL = {
    "host": "gpu1",
    "uuid": "G0",
    "index": 0,
    "name": "H100",
    "group": "train",
    "link": "live",
    "link_cause": "",
    "received_unix_s": NOW - 1,
    "state": "present",
    "job": "8812",
    "util_pct": 97.0,
    "memory_used_bytes": 79 << 30,
    "memory_total_bytes": 80 << 30,
    "temp_c": 64.0,
    "temp_slowdown_c": 90.0,
    "power_w": 700.0,
    "clock_sm_mhz": 1755.0,
    "throttle_reasons": 0x4,
    "pcie_width": 16,
    "pcie_width_max": 16,
    "ecc_uncorrected": 0,
    "temp_margin_c": 26.0,
    "temp_memory_c": 80.0,
    "temp_memory_max_c": 95.0,
    "power_limit_w": 1000.0,
    "clock_sm_max_mhz": 1980.0,
    "pcie_gen": 5,
    "pcie_gen_max": 5,
    "ecc_sram_corrected": 0,
    "ecc_dram_corrected": 12,
    "is_ecc_sram_over_threshold": False,
    "remapped_correctable": 1,
    "remapped_uncorrectable": 0,
    "is_remap_pending": False,
    "is_remap_failed": False,
    "retired_pages_sbe": 0,
    "retired_pages_dbe": 0,
    "is_retirement_pending": False,
    "nvlinks_inactive": 0,
    "nvlink_crc_errors_per_s": 0.0,
    "fabric_state": "completed",
    "fabric_status": "success",
    "recovery_action": "none",
    "is_ecc_change_pending": False,
    "is_mig_change_pending": False,
    "is_inforom_valid": True,
    "trend_util_pct": [97.0] * 15,
}


def assessed(*changes, events=(), etas=None, **known):
    rows = [{**WELL, **change} for change in changes]
    gpus = pl.DataFrame(rows, infer_schema_length=None)
    frame = assess_gpus(gpus, events, etas or {}, now_unix_s=NOW, known=Circumstances(**known))
    assert frame.schema["severity"] == pl.Int8
    assert frame.schema["health"] == pl.String
    return [(Severity(severity), health) for severity, health in frame.select("severity", "health").rows()]


def xid(code, *, age_s=10.0, host="gpu1", uuid="G0"):
    return HostEvent(host, NOW - age_s, "xid", uuid, code, "NVRM: Xid")


def eta(metric, threshold=87.0, *, expected=660.0, earliest=420.0, latest=1140.0):
    key = SeriesKey("gpu1", Entity.GPU, "G0", metric)
    times = (None if wait is None else NOW + wait for wait in (expected, earliest, latest))
    expected_at, earliest_at, latest_at = times
    assert earliest_at is not None
    return {key: Eta(threshold, expected_at, earliest_at, latest_at)}


def test_well():
    assert assessed({}) == [(Severity.WELL, "")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"temp_c": 79.9}, (Severity.WELL, "")),
        ({"temp_c": 83.0}, (Severity.WARNING, "83 °C, slowdown at 90")),
        ({"temp_c": 90.0}, (Severity.CRITICAL, "90 °C, slowdown at 90")),
        ({"temp_c": 88.0, "temp_slowdown_c": 87.0}, (Severity.CRITICAL, "88 °C, slowdown at 87")),
        ({"temp_c": 91.0, "temp_slowdown_c": None}, (Severity.CRITICAL, "91 °C, limit 90")),
        ({"temp_c": 81.0, "temp_slowdown_c": 0.0}, (Severity.WARNING, "81 °C, limit 90")),
        ({"temp_c": 89.0, "temp_slowdown_c": 100.0}, (Severity.WELL, "")),
        ({"throttle_reasons": 0x1}, (Severity.WELL, "")),
        ({"throttle_reasons": 0x48}, (Severity.WARNING, "HW thermal throttle")),
        ({"throttle_reasons": 0x88}, (Severity.WARNING, "HW power brake")),
        ({"throttle_reasons": 0x8}, (Severity.WARNING, "HW slowdown")),
        ({"throttle_reasons": 0x24}, (Severity.WELL, "")),
        ({"ecc_uncorrected": 3}, (Severity.CRITICAL, "3 ECC uncorrected")),
        ({"ecc_uncorrected": None, "ecc_dram_uncorrected": 2}, (Severity.CRITICAL, "2 ECC uncorrected")),
        ({"pcie_width": 8}, (Severity.CRITICAL, "PCIe ×8 of ×16")),
        ({"pcie_gen": 1}, (Severity.CRITICAL, "PCIe generation 1 of 5")),
        ({"pcie_gen": 1, "util_pct": 0.0}, (Severity.WELL, "")),
        ({"pcie_gen": 1, "trend_util_pct": [0.0] * 14 + [97.0]}, (Severity.WELL, "")),
        ({"temp_margin_c": 11.0}, (Severity.WELL, "")),
        ({"temp_margin_c": 10.0}, (Severity.WARNING, "10 °C to slowdown")),
        ({"temp_margin_c": 5.0}, (Severity.CRITICAL, "5 °C to slowdown")),
        ({"temp_margin_c": 0.0}, (Severity.WELL, "")),
        ({"temp_margin_c": -12.0}, (Severity.WELL, "")),
        ({"temp_c": 91.0, "temp_margin_c": 3.0}, (Severity.CRITICAL, "91 °C, slowdown at 90")),
        ({"temp_memory_c": 95.0}, (Severity.WELL, "")),
        ({"temp_memory_c": 96.0}, (Severity.CRITICAL, "memory 96 °C, at most 95")),
        ({"temp_memory_c": 96.0, "temp_memory_max_c": None}, (Severity.WELL, "")),
        ({"clock_sm_mhz": 1100.0, "power_limit_w": 700.0}, (Severity.WARNING, "at the power limit, clock 56 % of max")),
        ({"clock_sm_mhz": 1100.0, "power_w": 400.0, "power_limit_w": 700.0}, (Severity.WELL, "")),
        ({"clock_sm_mhz": 1100.0, "power_limit_w": 700.0, "util_pct": 3.0}, (Severity.WELL, "")),
        ({"is_ecc_sram_over_threshold": True}, (Severity.CRITICAL, "SRAM errors over NVIDIA's threshold: RMA review")),
        ({"ecc_dram_corrected": 20_000_001}, (Severity.CRITICAL, "20000001 DRAM errors corrected")),
        ({"ecc_sram_corrected": 10_001}, (Severity.CRITICAL, "10001 SRAM errors corrected")),
        ({"ecc_sram_corrected": 10_000, "ecc_dram_corrected": 20_000_000}, (Severity.WELL, "")),
        ({"is_remap_pending": True}, (Severity.CRITICAL, "row remap pending: reset the GPU")),
        ({"is_remap_failed": True}, (Severity.CRITICAL, "row remapping failed: replace the GPU")),
        ({"remapped_uncorrectable": 510}, (Severity.WELL, "")),
        ({"remapped_uncorrectable": 511}, (Severity.WARNING, "512 rows remapped")),
        ({"retired_pages_dbe": 15}, (Severity.WELL, "")),
        ({"retired_pages_dbe": 16}, (Severity.WARNING, "16 pages retired for double-bit errors")),
        ({"retired_pages_dbe": 16, "retired_pages_sbe": 47}, (Severity.CRITICAL, "63 pages retired")),
        ({"is_retirement_pending": True}, (Severity.WARNING, "page retirement pending: reset the GPU")),
        ({"nvlinks_inactive": 2}, (Severity.CRITICAL, "2 NVLinks down")),
        ({"nvlink_crc_errors_per_s": 99.0}, (Severity.WELL, "")),
        ({"nvlink_crc_errors_per_s": 150.4}, (Severity.WARNING, "150 NVLink CRC errors/s")),
        ({"fabric_state": "in progress"}, (Severity.CRITICAL, "NVSwitch fabric in progress")),
        ({"fabric_status": "no partition"}, (Severity.CRITICAL, "NVSwitch fabric says no partition")),
        ({"recovery_action": "reset"}, (Severity.CRITICAL, "driver asks to reset the GPU")),
        ({"recovery_action": "reboot"}, (Severity.CRITICAL, "driver asks to reboot the host")),
        ({"recovery_action": "drain and reset"}, (Severity.CRITICAL, "driver asks to drain, then reset the GPU")),
        ({"recovery_action": "drain P2P"}, (Severity.WARNING, "driver asks to drain peer-to-peer traffic")),
        ({"recovery_action": "action 9"}, (Severity.WARNING, "driver asks for action 9")),
        ({"is_inforom_valid": False}, (Severity.CRITICAL, "InfoROM checksum is wrong")),
        ({"is_ecc_change_pending": True}, (Severity.WARNING, "ECC changes at the next reset")),
        ({"is_mig_change_pending": True}, (Severity.WARNING, "MIG changes at the next reset")),
        ({"trend_util_pct": [4.0] * 15, "util_pct": 0.0}, (Severity.WARNING, "idle, holds 79 GiB")),
        ({"trend_util_pct": [4.0] * 14 + [6.0], "util_pct": 0.0}, (Severity.WELL, "")),
        ({"trend_util_pct": [4.0] * 14 + [None], "util_pct": 0.0}, (Severity.WELL, "")),
        ({"trend_util_pct": [4.0] * 15, "util_pct": 0.0, "memory_used_bytes": 1 << 30}, (Severity.WELL, "")),
        ({"state": "unknown"}, (Severity.UNKNOWN, "the GPU driver does not answer")),
        (
            {"state": "unknown", "temp_c": 99.0, "ecc_uncorrected": 1},
            (Severity.UNKNOWN, "the GPU driver does not answer"),
        ),
        ({"pcie_width": 0}, (Severity.WELL, "")),
        ({"state": "gone"}, (Severity.CRITICAL, "gone from the bus")),
        ({"memory_used_bytes": 80 << 30}, (Severity.WELL, "")),
    ],
)
def test_values(change, expected):
    assert assessed(change, {"uuid": "G1"}) == [expected, (Severity.WELL, "")]


@pytest.mark.parametrize("name", sorted(set(WELL) - {"host", "uuid", "link"}))
def test_a_null_is_no_finding(name):
    assert assessed({name: None}) == [(Severity.WELL, "")]


def test_missing_columns_are_no_finding():
    frame = pl.DataFrame({"host": ["a", "b"], "uuid": ["G0", "G1"], "link": ["live", None]})
    found = assess_gpus(frame, [], {}, now_unix_s=NOW)
    assert found["severity"].to_list() == [Severity.WELL, Severity.UNKNOWN]
    assert set(found.columns) == {*frame.columns, "severity", "health", "findings", *COLUMNS, *PEERS}
    assert found["verdict_action"].to_list() == ["none", None]


def test_no_gpu_at_all():
    frame = pl.DataFrame(schema={"host": pl.String, "uuid": pl.String})
    assert assess_gpus(frame, [xid(79)], eta("temp_c"), now_unix_s=NOW).height == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"link": "stale", "received_unix_s": NOW - 12}, "stale 12 s"),
        ({"link": "stale", "received_unix_s": NOW - 300}, "stale 5 min"),
        ({"link": "stale", "received_unix_s": NOW - 3 * 3600}, "stale 3 h"),
        ({"link": "lost", "link_cause": "time-out — wait"}, "lost: time-out"),
        ({"link": "lost"}, "lost"),
        ({"link": "lost", "link_cause": None}, "lost"),
        ({"link": "refused", "link_cause": "unknown host key"}, "refused: unknown host key"),
        ({"link": "dialing", "received_unix_s": None}, "never seen"),
        ({"link": "dialing"}, "last seen 1 s ago"),
        ({"link": None, "received_unix_s": None}, "never seen"),
    ],
)
def test_nothing_fresh_is_said_of_a_host_that_is_not_live(change, words):
    sick = {"temp_c": 99.0, "ecc_uncorrected": 5, "state": "gone"}
    found = assessed({**sick, **change}, events=[xid(79)], etas=eta("temp_c"))
    assert found == [(Severity.UNKNOWN, words)]


def test_of_a_gpu_that_is_gone_old_values_are_not_told():
    assert assessed({"state": "gone", "temp_c": 99.0, "ecc_uncorrected": 5, "throttle_reasons": 0x40}) == [
        (Severity.CRITICAL, "gone from the bus")
    ]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([xid(79)], (Severity.CRITICAL, "Xid 79 off the bus: reboot the host (NVIDIA)")),
        ([xid(79), xid(79)], (Severity.CRITICAL, "Xid 79 off the bus ×2: reboot the host (NVIDIA)")),
        ([xid(31)], (Severity.WARNING, "Xid 31 page fault: restart the application (NVIDIA)")),
        ([xid(31), xid(79)], (Severity.CRITICAL, "Xid 79 off the bus: reboot the host (NVIDIA) +1")),
        ([xid(63)], (Severity.WELL, "")),
        ([xid(63), xid(31)], (Severity.WARNING, "Xid 31 page fault: restart the application (NVIDIA)")),
        ([xid(79, age_s=3599)], (Severity.CRITICAL, "Xid 79 off the bus: reboot the host (NVIDIA)")),
        ([xid(79, age_s=99_999)], (Severity.CRITICAL, "Xid 79 off the bus: reboot the host (NVIDIA)")),
        ([xid(31, age_s=3599)], (Severity.WARNING, "Xid 31 page fault: restart the application (NVIDIA)")),
        ([xid(31, age_s=3601)], (Severity.WELL, "")),
        ([xid(79, age_s=-500)], (Severity.CRITICAL, "Xid 79 off the bus: reboot the host (NVIDIA)")),
        ([xid(79, uuid="other")], (Severity.WELL, "")),
        ([xid(79, host="gpu2")], (Severity.WELL, "")),
        ([xid(79, uuid=None)], (Severity.WELL, "")),
        ([HostEvent("gpu1", NOW, "xid", "G0", None, "")], (Severity.WELL, "")),
        ([HostEvent("gpu1", NOW, "gpu-lost", "G0", None, "")], (Severity.WARNING, "was gone from the bus")),
    ],
)
def test_events(events, expected):
    assert assessed({}, events=events) == [expected]


def test_an_xid_is_told_before_that_the_gpu_is_gone():
    lost = HostEvent("gpu1", NOW, "gpu-lost", "G0", None, "")
    assert assessed({"state": "gone"}, events=[xid(79), lost]) == [
        (Severity.CRITICAL, "Xid 79 off the bus: reboot the host (NVIDIA) +1")
    ]


@pytest.mark.parametrize(
    ("change", "etas", "expected"),
    [
        ({}, eta("temp_c"), (Severity.PREDICTED, "87 °C in 11 min (7–19)")),
        ({}, eta("temp_c", latest=None), (Severity.PREDICTED, "87 °C in 11 min (7+)")),
        ({}, eta("temp_c", expected=None), (Severity.WELL, "")),
        ({}, eta("temp_c", expected=-5.0, earliest=-60.0), (Severity.PREDICTED, "87 °C in <1 min (0–19)")),
        (
            {},
            eta("temp_c", expected=3 * 3600.0, earliest=7200.0, latest=18000.0),
            (Severity.PREDICTED, "87 °C in 3 h (2–5)"),
        ),
        ({"temp_c": 88.0}, eta("temp_c"), (Severity.WARNING, "88 °C, slowdown at 90")),
        ({"temp_c": 84.0}, eta("temp_c"), (Severity.PREDICTED, "87 °C in 11 min (7–19) +1")),
        ({"temp_c": None}, eta("temp_c"), (Severity.PREDICTED, "87 °C in 11 min (7–19)")),
        ({"uuid": "other"}, eta("temp_c"), (Severity.WELL, "")),
        ({}, eta("memory_used_bytes", 81 << 30), (Severity.PREDICTED, "memory full in 11 min (7–19)")),
        ({}, eta("memory_used_bytes", 78 << 30), (Severity.WELL, "")),
        ({}, eta("util_pct"), (Severity.WELL, "")),
        ({}, eta("temp_c", expected=float("nan")), (Severity.WELL, "")),
    ],
)
def test_predictions(change, etas, expected):
    assert assessed(change, etas=etas) == [expected]


def peers(count, **slow):
    rows = [{"uuid": f"G{n}", "clock_sm_mhz": 1750.0 + n} for n in range(count)]
    return [{**rows[0], **slow}, *rows[1:]]


STRAGGLES = (Severity.WARNING, "straggler −16.2σ clock")


def test_a_straggler_in_a_job():
    found = assessed(*peers(8, clock_sm_mhz=1185.0))
    assert found == [STRAGGLES] + [(Severity.WELL, "")] * 7


@pytest.mark.parametrize(
    "rows",
    [
        peers(8, clock_sm_mhz=1620.0),  # less than 8 % below
        peers(8, clock_sm_mhz=2500.0),  # faster
        peers(3, clock_sm_mhz=1185.0),  # too few
        [{**row, "job": ""} for row in peers(8, clock_sm_mhz=1185.0, util_pct=10.0)],  # not busy, and no job to be so
        peers(8, clock_sm_mhz=1185.0, util_pct=None),
        peers(8, clock_sm_mhz=1185.0, job="1"),  # alone in its job
        peers(8, clock_sm_mhz=1185.0, name="A100"),  # another model
        peers(8, clock_sm_mhz=None),
        peers(8, clock_sm_mhz=0.0),
        [{**row, "job": None, "group": "a" if n else "b"} for n, row in enumerate(peers(8, clock_sm_mhz=1185.0))],
        [{**row, "util_pct": 10.0} for row in peers(8, clock_sm_mhz=1185.0)],
        # A group that is spread anyway has no stragglers.
        [{"uuid": f"G{n}", "clock_sm_mhz": 1000.0 + 100 * n} for n in range(8)],
    ],
)
def test_no_straggler(rows):
    assert {severity for severity, _ in assessed(*rows)} == {Severity.WELL}


def test_peers_of_a_host_that_is_not_live_do_not_count():
    rows = peers(8, clock_sm_mhz=1185.0)
    found = assessed(*rows[:3], *({**row, "link": "lost"} for row in rows[3:]))
    assert found[0] == (Severity.WELL, "")


def test_without_a_job_peers_are_group_and_model():
    rows = [{**row, "job": None if n % 2 else ""} for n, row in enumerate(peers(8, clock_sm_mhz=1185.0))]
    assert assessed(*rows)[0] == STRAGGLES


@pytest.mark.parametrize(
    ("slow", "words"),
    [
        ({"power_w": 300.0}, "straggler −11.4σ power"),
        ({"power_w": None, "util_pct": 60.0, "trend_util_pct": [60.0] * 15}, "util 60 % where its 7 peers have 97 %"),
    ],
)
def test_power_and_utilisation_where_the_clock_is_not_told(slow, words):
    rows = [{"uuid": f"G{n}", "clock_sm_mhz": None, "power_w": slow.get("power_w") and 700.0} for n in range(8)]
    found = assessed({**rows[0], **slow}, *rows[1:])
    assert found[0][0] is Severity.WARNING
    assert found[0][1] == words
    assert {severity for severity, _ in found[1:]} == {Severity.WELL}


def test_findings_are_ranked_and_counted():
    change = {"temp_c": 95.0, "ecc_uncorrected": 1, "is_mig_change_pending": True, "throttle_reasons": 0x40}
    assert assessed(change, events=[xid(79)]) == [
        (Severity.CRITICAL, "Xid 79 off the bus: reboot the host (NVIDIA) +4")
    ]


def test_order_and_other_columns_stay():
    rows = [{**WELL, "uuid": f"G{n}", "temp_c": 95.0 if n % 3 == 0 else 60.0, "trend": [1.0, None]} for n in range(30)]
    frame = pl.DataFrame(rows)
    found = assess_gpus(frame, [], {}, now_unix_s=NOW)
    assert found.select(frame.columns).equals(frame)
    assert found["severity"].to_list() == [4 if n % 3 == 0 else 0 for n in range(30)]
    again = assess_gpus(found, [], {}, now_unix_s=NOW)
    assert again.equals(found)


def test_an_xid_counts_until_what_it_asks_for_was_done():
    asks_for_reset, asks_for_reboot = xid(64, age_s=9999), xid(79, age_s=9999)
    reset_since = {("gpu1", "G0"): NOW - 500}
    reset_before = {("gpu1", "G0"): NOW - 20_000}
    assert assessed({}, events=[asks_for_reset])[0][0] is Severity.CRITICAL
    assert assessed({}, events=[asks_for_reset], resets=reset_before)[0][0] is Severity.CRITICAL
    assert assessed({}, events=[asks_for_reset], resets=reset_since) == [(Severity.WELL, "")]
    assert assessed({}, events=[asks_for_reboot], resets=reset_since)[0][0] is Severity.CRITICAL


def test_of_a_reset_asked_for_long_before_we_came_it_is_not_known_whether_it_was_done():
    old = HostEvent("gpu1", NOW - 9999, "xid", "G0", 64, "", is_backlog=True)
    ((severity, words),) = assessed({}, events=[old])
    assert severity is Severity.WARNING
    assert words.endswith("before we connected")
    assert assessed({}, events=[old, xid(64)])[0][0] is Severity.CRITICAL


@pytest.mark.parametrize(
    ("code", "action", "words"),
    [
        (154, "reboot", "reboot the host (driver)"),
        (79, "reset", "reboot the host (NVIDIA)"),
        (31, "reset", "reset the GPU (driver)"),
        (31, "none", "restart the application (NVIDIA)"),
        (64, "drain and reset", "drain, then reset the GPU (driver)"),
    ],
)
def test_the_more_severe_of_catalogue_and_driver_decides(code, action, words):
    ((_, said),) = assessed({"recovery_action": action}, events=[xid(code)])
    assert said.removesuffix(" +1").endswith(words)


def test_a_reboot_that_does_not_help_is_for_inspection():
    found = assessed({}, events=[xid(79)], inspect=frozenset({("gpu1", 79)}))
    assert found == [(Severity.CRITICAL, "Xid 79 off the bus: hardware inspection (gpud: reboots did not help)")]


def test_repeats_that_are_not_kept_are_counted():
    dropped = {("gpu1", "xid", 79, "G0"): Dropped(40, NOW - 50)}
    assert assessed({}, events=[xid(79)] * 2, dropped=dropped)[0][1].startswith("Xid 79 off the bus ×42:")


def happened(**values):
    frame = pl.DataFrame({"host": ["gpu1"], "instance": ["G0"], **{name: [value] for name, value in values.items()}})
    return {"happened": {Entity.GPU: frame}}


@pytest.mark.parametrize(
    ("change", "known", "expected"),
    [
        ({}, {"hw_throttled_minutes": 1}, (Severity.WARNING, "HW throttle in the last 10 min")),
        ({"throttle_reasons": 0x40}, {"hw_throttled_minutes": 5}, (Severity.WARNING, "HW thermal throttle")),
        ({"throttle_reasons": 0x40}, {"hw_throttled_minutes": 6}, (Severity.CRITICAL, "HW throttle in 6 of 10 min")),
        ({}, {"sw_thermal_minutes": 2}, (Severity.WELL, "")),
        ({}, {"sw_thermal_minutes": 3}, (Severity.WARNING, "SW thermal throttle in 3 of 10 min")),
        ({}, {"ecc_corrected_10min": 99.0}, (Severity.WELL, "")),
        ({}, {"ecc_corrected_10min": 100.0}, (Severity.WARNING, "100 ECC corrected in 10 min")),
        # 1.92 per lane and minute at generation 5: 307.2 in ten minutes at 16 lanes.
        ({}, {"pcie_replays_10min": 307.0}, (Severity.WELL, "")),
        ({}, {"pcie_replays_10min": 309.0}, (Severity.WARNING, "1.9 PCIe replays per lane and min")),
        (
            {"pcie_gen": 3, "pcie_gen_max": 3},
            {"pcie_replays_10min": 78.0},
            (Severity.WARNING, "0.5 PCIe replays per lane and min"),
        ),
        ({"pcie_gen": 3, "pcie_gen_max": 3}, {"pcie_replays_10min": 76.0}, (Severity.WELL, "")),
        ({"pcie_gen": 99, "pcie_gen_max": 99}, {"pcie_replays_10min": 1e6}, (Severity.WELL, "")),
    ],
)
def test_what_happened_in_ten_minutes(change, known, expected):
    assert assessed(change, {"uuid": "G1"}, **happened(**known)) == [expected, (Severity.WELL, "")]


def test_a_gpu_that_was_hot_is_so_until_it_is_two_degrees_cooler():
    heat, seen = None, []
    for temp in (89.0, 90.0, 89.0, 88.1, 87.9, 80.0, 79.0, 78.1, 77.9, 79.0):
        frame = pl.DataFrame([{**WELL, "temp_c": temp}])
        found = assess_gpus(frame, [], {}, now_unix_s=NOW, known=Circumstances(heat=heat))
        heat = heat_of(frame, heat)
        seen.append(Severity(found["severity"][0]))
    warning, critical, well = Severity.WARNING, Severity.CRITICAL, Severity.WELL
    assert seen == [warning, critical, critical, critical, warning, warning, warning, warning, well, well]


def test_a_mig_instance_is_no_straggler():
    rows = [{**row, "parent_uuid": "GPU-0"} for row in peers(8, clock_sm_mhz=1185.0)]
    assert {severity for severity, _ in assessed(*rows)} == {Severity.WELL}
