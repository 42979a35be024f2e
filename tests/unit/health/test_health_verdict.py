"""Verdicts: every rule that fuses what is seen into one action, with evidence and source; and the user's overrides."""

import csv
from importlib import resources

import polars as pl
import pytest

from leptontui.health.assess import assess_gpus, assess_hosts
from leptontui.health.circumstances import Circumstances
from leptontui.health.fusion import COLUMNS, verdict_of
from leptontui.health.xid import APPLICATION_FAULT, NEVER_LESS_THAN_CRITICAL, judged, xid_verdict
from leptontui.model.health import HostEvent, Severity
from leptontui.model.signals import SIGNALS
from leptontui.model.verdict import Override, Overrides, Remedy, severity_of
from tests.unit.health.test_health_gpus import NOW, WELL

IDLE = {**WELL, "job": None, "user": None, "process_count": 0, "util_pct": 0.0, "trend_util_pct": [97.0] * 15}
BUSY = {**WELL, "user": "alice", "process_count": 1}
CODES = [
    int(row["code"])
    for row in csv.DictReader(resources.files("leptontui.health").joinpath("xid.csv").read_text("utf-8").splitlines())
]


def xid(code, *, age_s=10.0, text="NVRM: Xid", uuid="G0", backlog=False):
    return HostEvent("gpu1", NOW - age_s, "xid", uuid, code, text, is_backlog=backlog)


def assessed(*changes, events=(), base=IDLE, **known):
    rows = pl.DataFrame([{**base, **change} for change in changes], infer_schema_length=None)
    return assess_gpus(rows, list(events), {}, now_unix_s=NOW, known=Circumstances(**known))


def verdict(change=None, *, events=(), base=IDLE, **known):
    return verdict_of(assessed(change or {}, events=events, base=base, **known), "gpu1", "G0")


def test_a_well_gpu():
    found = verdict()
    assert found is not None
    assert (found.action, found.words, found.source, found.evidence) == (Remedy.NONE, "", "", ())


@pytest.mark.parametrize("change", [{"link": "lost"}, {"link": None}, {"state": "unknown"}])
def test_nothing_is_said_of_what_is_not_known(change):
    assert verdict(change, events=[xid(79)]) is None
    assert verdict_of(assessed({}), "gpu1", "another") is None


@pytest.mark.parametrize(
    ("code", "action", "source"),
    [
        (79, Remedy.REBOOT, "NVIDIA"),
        (119, Remedy.RESET, "NVIDIA"),
        (95, Remedy.RESET, "NVIDIA"),
        (48, Remedy.RESET, "NVIDIA"),
        (74, Remedy.RESET, "NVIDIA"),
        (140, Remedy.RESET, "NVIDIA"),
        (54, Remedy.INSPECT, "NVIDIA"),
        (94, Remedy.RESTART_APPLICATION, "NVIDIA"),
        (13, Remedy.RESTART_APPLICATION, "NVIDIA"),
        (109, Remedy.RESTART_APPLICATION, "k8s-device-plugin"),
        (45, Remedy.RESTART_APPLICATION, "NVIDIA"),
        (63, Remedy.NONE, ""),
        (92, Remedy.WATCH, "NVIDIA"),
        (64, Remedy.RESET, "NVIDIA"),
        (154, Remedy.WATCH, "NVIDIA"),
        (9999, Remedy.WATCH, "not catalogued"),
    ],
)
def test_rule_1_the_catalogue_is_the_default(code, action, source):
    found = verdict(events=[xid(code)])
    assert found is not None
    assert (found.action, found.source) == (action, source)


@pytest.mark.parametrize(
    ("code", "asked", "action", "source"),
    [
        (119, "reboot", Remedy.REBOOT, "driver"),
        (79, "reset", Remedy.REBOOT, "NVIDIA"),  # NVSentinel#1494
        (154, "reset", Remedy.RESET, "driver"),
        (31, "drain and reset", Remedy.RESET, "driver"),
        (31, "none", Remedy.RESTART_APPLICATION, "NVIDIA"),
        (119, None, Remedy.RESET, "NVIDIA"),
        (31, "drain P2P", Remedy.RESTART_APPLICATION, "driver"),
    ],
)
def test_rule_2_the_more_severe_of_catalogue_and_driver(code, asked, action, source):
    found = verdict({"recovery_action": asked}, events=[xid(code)])
    assert found is not None
    assert (found.action, found.source) == (action, source)


@pytest.mark.parametrize("asked", ["reset", "reboot", "drain and reset", "drain P2P", "dance"])
def test_the_driver_alone(asked):
    found = verdict({"recovery_action": asked})
    assert found is not None
    expected = {"reset": Remedy.RESET, "reboot": Remedy.REBOOT, "drain and reset": Remedy.RESET}
    expected["drain P2P"] = Remedy.RESTART_APPLICATION
    assert (found.action, found.source) == (expected.get(asked, Remedy.WATCH), "driver")


@pytest.mark.parametrize(
    ("asked", "override", "words"),
    [
        ("reset", None, "reset the GPU: the driver asks for it; nothing runs here"),
        ("drain and reset", None, "reset the GPU: the driver asks for it; nothing runs here"),
        ("reboot", None, "reboot the host: the driver asks for it; nothing runs here"),
        ("drain P2P", None, "restart the application: driver asks to drain peer-to-peer traffic; nothing runs here"),
        ("reset", Remedy.INSPECT, "inspect the hardware: driver asks to reset the GPU; nothing runs here"),
    ],
)
def test_what_the_driver_asks_for_is_said_once(asked, override, words):
    said = {} if override is None else {"recovery-action": Override(override, Severity.CRITICAL, "verdicts.toml:3")}
    found = verdict({"recovery_action": asked}, overrides=Overrides(signals=said))
    assert found is not None
    assert found.words == words


@pytest.mark.parametrize("code", sorted(NEVER_LESS_THAN_CRITICAL))
def test_rule_3_never_less_than_critical(code):
    frame = assessed({}, events=[xid(code)])
    assert frame["severity"][0] == Severity.CRITICAL
    assert frame["verdict_rank"][0] >= Remedy.SUPPORT


@pytest.mark.parametrize("code", sorted(APPLICATION_FAULT))
def test_rule_3_the_applications_fault_names_the_process_and_drains_nothing(code):
    text = f"NVRM: Xid (PCI:0000:3b:00): {code}, pid=4711, name=python3, Ch 00000010"
    found = verdict(events=[xid(code, text=text)], base=BUSY)
    assert found is not None
    assert found.action is Remedy.RESTART_APPLICATION
    assert found.words.startswith("restart the application: Xid ")
    assert found.words.endswith(", python3 (pid 4711); job 8812 of alice runs here")
    assert "drain" not in found.words


def test_rule_3_is_for_the_code_alone():
    found = verdict({"ecc_uncorrected": 2}, events=[xid(31), xid(48)])
    assert found is not None
    assert found.action is Remedy.RESET
    assert any(line.startswith("Xid 31 ") for line in found.evidence)


@pytest.mark.parametrize(
    "text", ["pid='<unknown>', name=<unknown>", "pid=99999999999999999", "pid=", "name=x", "pid=1, name=\x1b[31m"]
)
def test_a_process_that_is_not_named(text):
    found = verdict(events=[xid(31, text=text)])
    assert found is not None
    assert found.words.isprintable()


def test_rule_4_reboots_that_did_not_help():
    found = verdict(events=[xid(79)], inspect=frozenset({("gpu1", 79)}), base=BUSY)
    assert found is not None
    assert (found.action, found.source) == (Remedy.INSPECT, "gpud: reboots did not help")
    assert found.words == "drain, then inspect the hardware: Xid 79 off the bus; job 8812 of alice runs here"


def override(remedy, why="", severity=None):
    return Override(remedy, severity or severity_of(remedy), "verdicts.toml:3", why)


@pytest.mark.parametrize(
    ("code", "remedy", "asked", "action", "source"),
    [
        (79, Remedy.WATCH, "none", Remedy.WATCH, "verdicts.toml:3"),
        (79, Remedy.NONE, "none", Remedy.NONE, ""),
        (31, Remedy.RESET, "none", Remedy.RESET, "verdicts.toml:3"),
        (9999, Remedy.REPLACE, "none", Remedy.REPLACE, "verdicts.toml:3"),
        (79, Remedy.WATCH, "reset", Remedy.RESET, "driver"),  # the driver is another voice
    ],
)
def test_rule_5_the_user_overrides_a_code(code, remedy, asked, action, source):
    overrides = Overrides(xids={code: override(remedy)})
    found = verdict({"recovery_action": asked}, events=[xid(code)], overrides=overrides)
    assert found is not None
    assert (found.action, found.source) == (action, source)


def test_rule_5_wins_over_rule_4_and_says_why():
    overrides = Overrides(xids={79: override(Remedy.REBOOT, "their firmware")})
    found = verdict(events=[xid(79)], inspect=frozenset({("gpu1", 79)}), overrides=overrides)
    assert found is not None
    assert (found.action, found.source) == (Remedy.REBOOT, "verdicts.toml:3: their firmware")
    assert found.evidence == ("Xid 79 off the bus: reboot the host (verdicts.toml:3: their firmware)",)


def test_a_code_that_the_user_takes_for_critical_counts_until_the_reset():
    overrides = Overrides(xids={31: override(Remedy.RESET)})
    assert verdict(events=[xid(31, age_s=7200)]).action is Remedy.NONE
    assert verdict(events=[xid(31, age_s=7200)], overrides=overrides).action is Remedy.RESET
    assert (
        verdict(events=[xid(31, age_s=7200)], overrides=overrides, resets={("gpu1", "G0"): NOW}).action is Remedy.NONE
    )


@pytest.mark.parametrize(
    ("change", "signal", "action"),
    [
        ({"is_remap_failed": True}, "remap-failed", Remedy.REPLACE),
        ({"is_ecc_sram_over_threshold": True}, "sram-threshold", Remedy.REPLACE),
        ({"ecc_uncorrected": 3}, "ecc-uncorrected", Remedy.RESET),
        ({"is_remap_pending": True}, "remap-pending", Remedy.RESET),
        ({"retired_pages_sbe": 40, "retired_pages_dbe": 23}, "retired-pages", Remedy.REPLACE),
        ({"is_retirement_pending": True}, "retirement-pending", Remedy.RESET),
        ({"nvlinks_inactive": 2}, "nvlink-down", Remedy.RESET),
        ({"fabric_state": "in progress"}, "fabric", Remedy.RESET),
        ({"is_inforom_valid": False}, "inforom", Remedy.SUPPORT),
        ({"ecc_sram_corrected": 20_000}, "ecc-corrected", Remedy.INSPECT),
        ({"remapped_correctable": 600}, "rows-remapped", Remedy.WATCH),
        ({"nvlink_crc_errors_per_s": 200.0}, "nvlink-crc", Remedy.WATCH),
        ({"temp_c": 91.0}, "hot", Remedy.WATCH),
        ({"temp_c": 85.0}, "warm", Remedy.WATCH),
        ({"throttle_reasons": 0x48}, "hw-throttle", Remedy.WATCH),
        ({"pcie_width": 8}, "pcie-link", Remedy.INSPECT),
        ({"state": "gone"}, "gone-from-bus", Remedy.REBOOT),
        ({"is_mig_change_pending": True}, "mode-pending", Remedy.WATCH),
    ],
)
def test_what_other_signals_ask_for(change, signal, action):
    found = verdict(change)
    assert found is not None
    assert (found.action, found.source) == (action, SIGNALS[signal].source)
    assert found.evidence[0].endswith(f": {action.words} ({found.source})")
    for_all = Overrides(signals={signal: override(Remedy.SUPPORT)})
    assert verdict(change, overrides=for_all).source == "verdicts.toml:3"
    ignored = assessed(change, overrides=Overrides(signals={signal: override(Remedy.NONE)}))
    assert ignored["severity"][0] == Severity.WELL, "what the user wants none of is no finding either"


def test_the_greatest_remedy_wins_and_every_voice_is_evidence():
    change = {"is_remap_failed": True, "nvlinks_inactive": 1, "temp_c": 84.0}
    found = verdict(change, events=[xid(119), xid(31)], base=BUSY)
    assert found is not None
    assert found.words == "drain, then replace the GPU: row remapping failed; job 8812 of alice runs here"
    assert found.evidence == (
        "row remapping failed: replace the GPU (gpud, DCGM)",
        "Xid 119 GSP timeout: reset the GPU (NVIDIA)",
        "1 NVLinks down: reset the GPU (DCGM)",
        "84 °C, slowdown at 90: watch it (gpud, all-smi)",
        "Xid 31 page fault: restart the application (NVIDIA)",
    )


@pytest.mark.parametrize(
    ("use", "words"),
    [
        ({"job": "8812", "user": "alice"}, "drain, then reset the GPU: 3 ECC uncorrected; job 8812 of alice runs here"),
        ({"job": "7, 8", "user": None}, "drain, then reset the GPU: 3 ECC uncorrected; jobs 7, 8 run here"),
        (
            {"process_count": 2, "user": "bob"},
            "drain, then reset the GPU: 3 ECC uncorrected; 2 processes of bob run here",
        ),
        ({"process_count": 0}, "reset the GPU: 3 ECC uncorrected; nothing runs here"),
        ({"process_count": None}, "drain, then reset the GPU: 3 ECC uncorrected"),
    ],
)
def test_what_runs_there_changes_the_advice(use, words):
    found = verdict({"ecc_uncorrected": 3, **use})
    assert found is not None
    assert found.words == words


def test_an_old_xid_of_the_backlog_may_have_been_mended():
    found = verdict(events=[xid(119, age_s=7200, backlog=True)])
    assert found is not None
    assert (found.action, found.source) == (Remedy.WATCH, "NVIDIA")


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_catalogue_has_a_verdict(code):
    base = xid_verdict(code)
    assert base.remedy in Remedy
    assert (base.severity is Severity.WELL) == (base.remedy is Remedy.NONE)
    found = verdict(events=[xid(code)], base=BUSY)
    assert found is not None
    assert found.action is base.remedy
    assert found.words.isprintable()
    assert bool(found.evidence) == (base.remedy is not Remedy.NONE)
    driver = judged(code, recovery_action="reboot")
    assert driver.remedy >= base.remedy or base.severity is Severity.CRITICAL


def hosts_of(gpus, events=(), **known):
    hosts = pl.DataFrame({"host": ["gpu1", "gpu2", "gpu3"], "link": ["live", "live", "lost"], "gpu_count": [8, 8, 8]})
    return assess_hosts(hosts, gpus, {}, list(events), {}, now_unix_s=NOW, known=Circumstances(**known))


def test_a_host_has_the_verdict_of_its_worst_gpu_and_names_all_jobs():
    gpus = assessed(
        {"uuid": "G0", "index": 0, "ecc_uncorrected": 1, "job": "7"},
        {"uuid": "G1", "index": 1, "job": "8", "user": "bob"},
        {"uuid": "G2", "index": 2, "nvlinks_inactive": 3},
        events=[xid(79, uuid="G1")],
    )
    frame = hosts_of(gpus, [xid(79, uuid="G1")])
    found = verdict_of(frame, "gpu1")
    assert found is not None
    assert (found.action, found.source) == (Remedy.REBOOT, "NVIDIA")
    assert found.words == "drain, then reboot the host: GPU 1: Xid 79 off the bus; jobs 7, 8 of bob run here"
    assert found.evidence == (
        "GPU 1: Xid 79 off the bus: reboot the host (NVIDIA)",
        "GPU 0: 1 ECC uncorrected: reset the GPU (gcm)",
        "GPU 2: 3 NVLinks down: reset the GPU (DCGM)",
    )
    well = verdict_of(frame, "gpu2")
    assert well is not None
    assert well.action is Remedy.NONE
    assert verdict_of(frame, "gpu3") is None


def test_a_hosts_own_verdict_is_told_apart_from_its_gpus():
    gpus = assessed({"uuid": "G0", "index": 0}, events=[xid(79)])
    frame = hosts_of(gpus, [xid(79), event("readonly-remount", "EXT4-fs (sda1): Remounting filesystem read-only")])
    both = frame.row(0, named=True)
    assert [line.split(":")[0] for line in both["verdict_evidence"]] == ["filesystem went read-only", "GPU 0"]
    assert both["own_verdict_action"] == "inspect"
    assert both["own_verdict_evidence"] == both["verdict_evidence"][:1]
    only_gpu = hosts_of(gpus, [xid(79)]).row(0, named=True)
    assert (only_gpu["verdict_action"], only_gpu["own_verdict_action"]) == ("reboot", "none")
    assert hosts_of(gpus).row(2, named=True)["own_verdict_action"] is None


def event(name, text="", host="gpu1"):
    return HostEvent(host, NOW - 5, name, None, None, text)


@pytest.mark.parametrize(
    ("events", "action", "source"),
    [
        ([event("driver-hung")], Remedy.REBOOT, "gpud"),
        ([event("driver-hung"), event("driver-answers")], Remedy.WATCH, "gpud"),
        ([event("oom-kill")], Remedy.RESTART_APPLICATION, "kernel log"),
        ([event("disk-error")], Remedy.INSPECT, "kernel log"),
        ([event("nfs-silent"), event("nfs-answers")], Remedy.NONE, ""),
        ([event("sxid", "fatal, link 3")], Remedy.RESET, "NVIDIA"),
        ([event("sxid", "non-fatal, link 3")], Remedy.WATCH, "NVIDIA"),
    ],
)
def test_verdicts_of_what_hosts_push(events, action, source):
    found = verdict_of(hosts_of(assessed({}), events), "gpu1")
    assert found is not None
    assert (found.action, found.source) == (action, source)


def test_the_user_overrides_a_hosts_signal():
    overrides = Overrides(signals={"oom-kill": override(Remedy.NONE), "gpu-count": override(Remedy.WATCH)})
    frame = hosts_of(assessed({}), [event("oom-kill")], overrides=overrides)
    assert frame["severity"][0] == Severity.WELL
    nfs = Overrides(signals={"nfs-silent": override(Remedy.REBOOT)})
    over = hosts_of(assessed({}), [event("nfs-silent"), event("nfs-answers")], overrides=nfs)
    assert over["severity"][0] == Severity.WELL, "what is over stays over"


def test_a_hung_driver_without_an_event():
    found = verdict_of(hosts_of(assessed({}), hung=frozenset({"gpu1"})), "gpu1")
    assert found is not None
    assert found.action is Remedy.REBOOT


def test_columns_have_their_types_whatever_is_found():
    for frame in (assessed({}), assessed({"temp_c": 95.0}), assessed({"link": "lost"}), hosts_of(assessed({}))):
        assert {name: frame.schema[name] for name in COLUMNS} == COLUMNS
