"""Each rule about hosts: it fires, it does not fire, and what it does with nulls."""

import polars as pl
import pytest

from leptontui.health.assess import OWN, assess_gpus, assess_hosts
from leptontui.health.circumstances import Circumstances, Dropped
from leptontui.health.fusion import COLUMNS
from leptontui.model.health import HostEvent, Severity
from leptontui.model.series import Entity, Eta, SeriesKey

NOW = 1_000_000.0

WELL = {
    "host": "gpu1",
    "group": "train",
    "link": "live",
    "link_cause": "",
    "received_unix_s": NOW - 1,
    "memory_total_bytes": 1000,
    "memory_used_bytes": 300,
    "memory_available_bytes": 700,
    "pressure_cpu_some_pct": 1.0,
    "pressure_memory_some_pct": 0.0,
    "pressure_memory_full_pct": 0.0,
    "pressure_io_some_pct": 0.0,
    "pressure_io_full_pct": 0.0,
    "clock_offset_s": 0.01,
    "probe_cpu_pct": 0.5,
}
FILESYSTEM = {
    "host": "gpu1",
    "mount": "/",
    "fstype": "ext4",
    "total_bytes": 1000,
    "used_bytes": 500,
    "available_bytes": 500,
    "inodes_total": 100,
    "inodes_used": 10,
    "is_readonly": False,
}
NO_GPUS = pl.DataFrame(
    schema={"host": pl.String, "uuid": pl.String, "index": pl.Int64, "severity": pl.Int8, "health": pl.String}
)
NO_FILESYSTEMS = pl.DataFrame(schema={"host": pl.String, "mount": pl.String})


def assessed(*changes, gpus=NO_GPUS, filesystems=(), events=(), etas=None, parts=None, **known):
    hosts = pl.DataFrame([{**WELL, **change} for change in changes], infer_schema_length=None)
    rows = [{**FILESYSTEM, **change} for change in filesystems]
    mounts = pl.DataFrame(rows, infer_schema_length=None) if rows else NO_FILESYSTEMS
    latest = {Entity.FILESYSTEM: mounts, **(parts or {})}
    frame = assess_hosts(hosts, gpus, latest, events, etas or {}, now_unix_s=NOW, known=Circumstances(**known))
    assert frame.schema["severity"] == pl.Int8
    return [(Severity(severity), health) for severity, health in frame.select("severity", "health").rows()]


def test_a_host_without_gpus_is_well():
    assert assessed({}) == [(Severity.WELL, "")]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"memory_available_bytes": 210}, (Severity.WELL, "")),
        ({"memory_available_bytes": 160}, (Severity.WARNING, "memory 84 % used")),
        ({"memory_available_bytes": 30}, (Severity.CRITICAL, "memory 3 % free")),
        ({"memory_available_bytes": None, "memory_used_bytes": 970}, (Severity.CRITICAL, "memory 3 % free")),
        ({"memory_total_bytes": 0, "memory_available_bytes": 0}, (Severity.WELL, "")),
        ({"pressure_memory_full_pct": 11.0}, (Severity.CRITICAL, "stalled on memory 11 % of the time")),
        (
            {"pressure_memory_full_pct": 11.0, "pressure_memory_some_pct": 30.0},
            (Severity.CRITICAL, "stalled on memory 11 % of the time"),
        ),
        ({"pressure_memory_some_pct": 21.0}, (Severity.WARNING, "waits for memory 21 % of the time")),
        ({"pressure_io_full_pct": 11.0}, (Severity.WARNING, "stalled on I/O 11 % of the time")),
        ({"pressure_io_some_pct": 21.0}, (Severity.WARNING, "waits for I/O 21 % of the time")),
        ({"pressure_cpu_some_pct": 21.0}, (Severity.WARNING, "waits for CPU 21 % of the time")),
        ({"pressure_cpu_some_pct": 20.0, "pressure_io_full_pct": 10.0}, (Severity.WELL, "")),
        (
            {"pressure_memory_full60_pct": 11.0, "pressure_memory_full_pct": 99.0},
            (Severity.CRITICAL, "stalled on memory 11 % of the time"),
        ),
        ({"pressure_memory_full60_pct": 9.0, "pressure_memory_full_pct": 99.0}, (Severity.WELL, "")),
        ({"pressure_io_full60_pct": 11.0}, (Severity.CRITICAL, "stalled on I/O 11 % of the time")),
        ({"pressure_io_full60_pct": 9.0, "pressure_io_full_pct": 99.0}, (Severity.WELL, "")),
        ({"pressure_io_some60_pct": 21.0}, (Severity.WARNING, "waits for I/O 21 % of the time")),
        ({"cpu_util_pct": 74.0}, (Severity.WELL, "")),
        ({"cpu_util_pct": 80.0}, (Severity.WARNING, "CPU 80 % busy")),
        ({"cpu_util_pct": 86.0}, (Severity.CRITICAL, "CPU 86 % busy")),
        ({"cpu_util_pct": 99.0, "load1": 8.0, "cpu_count": 64}, (Severity.WELL, "")),
        ({"cpu_util_pct": 99.0, "load1": 60.0, "cpu_count": 64}, (Severity.CRITICAL, "CPU 99 % busy")),
        ({"fds_used": 79, "fds_max": 100}, (Severity.WELL, "")),
        ({"fds_used": 81, "fds_max": 100}, (Severity.WARNING, "81 % of file handles used")),
        ({"fds_used": 96, "fds_max": 100}, (Severity.CRITICAL, "96 % of file handles used")),
        ({"fds_used": 96, "fds_max": 0}, (Severity.WELL, "")),
        ({"tasks_total": 81, "pids_max": 100}, (Severity.WARNING, "81 % of PIDs used")),
        ({"tasks_zombies": 1000}, (Severity.WARNING, "1000 zombies")),
        ({"tasks_zombies": 2000}, (Severity.CRITICAL, "2000 zombies")),
        ({"tasks_driver_blocked": 2}, (Severity.WARNING, "2 driver processes in state D")),
        ({"node_state": "down*"}, (Severity.WARNING, "scheduler says down*")),
        ({"node_state": "idle*"}, (Severity.WARNING, "scheduler says idle*")),
        ({"node_state": "drained"}, (Severity.WELL, "")),
        ({"gpu_count": 8, "gpus_expected": 8, "gpus_on_bus": 8}, (Severity.WELL, "")),
        ({"gpu_count": 7, "gpus_expected": 8, "gpus_on_bus": 8}, (Severity.CRITICAL, "7 GPUs, 8 expected")),
        ({"gpu_count": 7, "gpus_on_bus": 8}, (Severity.CRITICAL, "7 GPUs, 8 on the bus")),
        ({"gpu_count": 8, "gpus_expected": 4}, (Severity.CRITICAL, "8 GPUs, 4 expected")),
        ({"gpu_count": 0, "gpus_expected": 8}, (Severity.CRITICAL, "0 GPUs, 8 expected")),
        ({"gpu_count": None, "gpus_expected": 8}, (Severity.WELL, "")),
        ({"clock_offset_s": 0.9}, (Severity.WELL, "")),
        ({"clock_offset_s": 1.5}, (Severity.WARNING, "clock 1.5 s ahead")),
        ({"clock_offset_s": -7.24}, (Severity.CRITICAL, "clock 7.2 s behind")),
        ({"probe_cpu_pct": 34.0}, (Severity.WARNING, "probe takes 34 % of a core")),
        ({"probe_cpu_pct": 20.0}, (Severity.WELL, "")),
    ],
)
def test_values(change, expected):
    assert assessed(change, {"host": "gpu2"}) == [expected, (Severity.WELL, "")]


@pytest.mark.parametrize("name", sorted(set(WELL) - {"host", "link"}))
def test_a_null_is_no_finding(name):
    assert assessed({name: None}) == [(Severity.WELL, "")]


def test_missing_columns_are_no_finding():
    frame = pl.DataFrame({"host": ["a", "b"], "link": ["live", None]})
    found = assess_hosts(frame, NO_GPUS, {}, [], {}, now_unix_s=NOW)
    assert set(found.columns) == {*frame.columns, "severity", "health", "findings", *COLUMNS, *OWN}
    assert found["verdict_action"].to_list() == ["none", None]
    assert found["health"].to_list() == ["", "never seen"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"link": "stale", "received_unix_s": NOW - 12}, "stale 12 s"),
        ({"link": "lost", "link_cause": "no route to host"}, "lost: no route to host"),
        ({"link": "refused", "link_cause": "permission denied — add a key"}, "refused: permission denied"),
        ({"link": "lost", "link_cause": "x" * 80}, "lost: " + "x" * 80),
        ({"link": "lost", "link_cause": "x" * 81}, "lost: " + "x" * 79 + "…"),
        ({"link": "dialing", "received_unix_s": None}, "never seen"),
    ],
)
def test_nothing_fresh_is_said_of_a_host_that_is_not_live(change, words):
    found = assessed(
        {"memory_available_bytes": 1, "clock_offset_s": 9.0, **change},
        filesystems=[{"available_bytes": 0}],
        events=[HostEvent("gpu1", NOW, "oom-kill", None, None, "")],
        etas={SeriesKey("gpu1", Entity.HOST, "", "memory_used_bytes"): Eta(2000, NOW + 60, NOW + 30, None)},
    )
    assert found == [(Severity.UNKNOWN, words)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"available_bytes": 101}, (Severity.WELL, "")),
        ({"available_bytes": 80}, (Severity.WARNING, "/ 8 % free")),
        ({"available_bytes": 30}, (Severity.CRITICAL, "/ 3 % free")),
        ({"available_bytes": None, "used_bytes": 970}, (Severity.CRITICAL, "/ 3 % free")),
        ({"available_bytes": None, "used_bytes": None}, (Severity.WELL, "")),
        ({"total_bytes": 0, "used_bytes": 0, "available_bytes": 0}, (Severity.WELL, "")),
        ({"total_bytes": None}, (Severity.WELL, "")),
        ({"inodes_used": 97}, (Severity.CRITICAL, "/ 3 % inodes free")),
        ({"inodes_used": 92}, (Severity.WARNING, "/ 8 % inodes free")),
        ({"inodes_total": 0, "inodes_used": 0}, (Severity.WELL, "")),
        ({"inodes_total": None}, (Severity.WELL, "")),
        ({"is_readonly": True}, (Severity.CRITICAL, "/ is read-only")),
        ({"is_readonly": True, "mount": "/var/lib"}, (Severity.CRITICAL, "/var/lib is read-only")),
        ({"is_readonly": True, "mount": "/variety"}, (Severity.WARNING, "/variety is read-only")),
        ({"is_readonly": True, "mount": "/scratch", "available_bytes": 0}, (Severity.WARNING, "/scratch is read-only")),
        ({"is_readonly": True, "mount": "/boot/efi"}, (Severity.WELL, "")),
        ({"is_readonly": True, "mount": "/software", "fstype": "nfs4", "available_bytes": 0}, (Severity.WELL, "")),
        ({"is_readonly": True, "mount": "/snap/core", "fstype": "squashfs", "available_bytes": 0}, (Severity.WELL, "")),
        ({"mount": "/media/cd", "fstype": "iso9660", "available_bytes": 0}, (Severity.WELL, "")),
        ({"is_readonly": None}, (Severity.WELL, "")),
        ({"fstype": None, "available_bytes": 30}, (Severity.CRITICAL, "/ 3 % free")),
        ({"available_bytes": 30, "mount": "/" + "x" * 40}, (Severity.CRITICAL, "…" + "x" * 23 + " 3 % free")),
        ({"host": "other", "available_bytes": 0}, (Severity.WELL, "")),
    ],
)
def test_filesystems(change, expected):
    assert assessed({}, filesystems=[change]) == [expected]


def test_the_fullest_filesystem_is_told_and_the_others_counted():
    found = assessed(
        {},
        filesystems=[
            {"mount": "/", "available_bytes": 80},
            {"mount": "/data", "available_bytes": 40},
            {"mount": "/scratch", "available_bytes": 10},
            {"mount": "/home"},
        ],
    )
    assert found == [(Severity.CRITICAL, "/scratch 1 % free +2")]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["oom-kill"], (Severity.CRITICAL, "OOM kill")),
        (["oom-kill", "oom-kill"], (Severity.CRITICAL, "OOM kill ×2")),
        (["oom-kill", "driver-hung"], (Severity.CRITICAL, "OOM kill +1")),
        (["driver-hung"], (Severity.CRITICAL, "GPU driver hung")),
        (["driver-hung", "driver-answers"], (Severity.WARNING, "GPU driver had hung")),
        (["driver-hung", "driver-answers", "driver-hung"], (Severity.CRITICAL, "GPU driver hung ×2")),
        (["driver-answers"], (Severity.WELL, "")),
        (["something-new"], (Severity.WELL, "")),
        (["readonly-remount"], (Severity.CRITICAL, "filesystem went read-only")),
        (["soft-lockup"], (Severity.CRITICAL, "a CPU was stuck")),
        (["disk-error"], (Severity.CRITICAL, "disk error")),
        (["hung-task"], (Severity.WARNING, "a process hangs in the kernel")),
        (["nccl-segfault"], (Severity.WARNING, "crash inside NCCL")),
        (["pcie-power"], (Severity.WARNING, "a GPU gets too little slot power")),
        (["nfs-silent"], (Severity.WARNING, "NFS server does not answer")),
        (["nfs-silent", "nfs-answers"], (Severity.WELL, "")),
        (["clock-jump", "probe-restarted"], (Severity.WELL, "")),
    ],
)
def test_events(names, expected):
    events = [HostEvent("gpu1", NOW - 5, name, None, None, "") for name in names]
    assert assessed({}, {"host": "gpu2"}, events=events) == [expected, (Severity.WELL, "")]
    assert assessed({}, events=[HostEvent("gpu1", NOW - 3601, name, None, None, "") for name in names])[0][1] == ""


@pytest.mark.parametrize("uuid", [None, "not-in-the-table"])
def test_an_xid_that_belongs_to_no_known_gpu_is_the_hosts(uuid):
    found = assessed({}, events=[HostEvent("gpu1", NOW, "xid", uuid, 79, "")])
    assert found == [(Severity.CRITICAL, "Xid 79 off the bus: reboot the host (NVIDIA)")]


def gpus(*findings, host="gpu1"):
    rows = [(host, f"G{n}", n, int(severity), health) for n, (severity, health) in enumerate(findings)]
    return pl.DataFrame(rows, schema=NO_GPUS.schema, orient="row")


CRITICAL, PREDICTED, WARNING, UNKNOWN = Severity.CRITICAL, Severity.PREDICTED, Severity.WARNING, Severity.UNKNOWN
XID79 = (CRITICAL, "Xid 79 off the bus: reboot the host (NVIDIA)")


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (gpus((Severity.WELL, "")), (Severity.WELL, "")),
        (gpus((UNKNOWN, "stale 5 s")), (Severity.WELL, "")),
        (gpus((Severity.WELL, ""), XID79), (CRITICAL, "GPU 1: Xid 79 off the bus")),
        (gpus(XID79, XID79), (CRITICAL, "2 GPUs: Xid 79 off the bus")),
        (
            gpus(XID79, (CRITICAL, "Xid 79 off the bus ×3: reboot the host (NVIDIA) +2")),
            (CRITICAL, "2 GPUs: Xid 79 off the bus"),
        ),
        (gpus((WARNING, "PCIe ×8 of ×16"), XID79), (CRITICAL, "GPU 1: Xid 79 off the bus +1")),
        (
            gpus((CRITICAL, "92 °C, slowdown at 90"), (CRITICAL, "93 °C, slowdown at 90"), XID79),
            (CRITICAL, "2 GPUs: 92 °C, slowdown at 90 +1"),
        ),
        (gpus((PREDICTED, "87 °C in 11 min (7–19) +1")), (PREDICTED, "GPU 0: 87 °C in 11 min (7–19)")),
        (gpus((WARNING, "straggler −4.2σ clock")), (WARNING, "GPU 0: straggler −4.2σ clock")),
        (gpus(XID79, host="other"), (Severity.WELL, "")),
    ],
)
def test_gpus(frame, expected):
    assert assessed({}, gpus=frame) == [expected]


def test_a_gpu_without_an_index():
    frame = gpus(XID79).with_columns(pl.lit(None, pl.Int64).alias("index"))
    assert assessed({}, gpus=frame) == [(CRITICAL, "GPU ?: Xid 79 off the bus")]


def test_an_xid_of_a_known_gpu_is_told_once():
    known = pl.DataFrame({"host": ["gpu1"], "uuid": ["G0"], "index": [3], "link": ["live"]})
    events = [HostEvent("gpu1", NOW, "xid", "G0", 79, "")]
    found = assess_gpus(known, events, {}, now_unix_s=NOW)
    assert assessed({}, gpus=found, events=events) == [(CRITICAL, "GPU 3: Xid 79 off the bus")]


MEMORY = SeriesKey("gpu1", Entity.HOST, "", "memory_used_bytes")
DATA = SeriesKey("gpu1", Entity.FILESYSTEM, "/data", "used_bytes")
SOON = Eta(950, NOW + 720, NOW + 480, NOW + 1200)


def test_memory_is_predicted_to_be_full():
    assert assessed({}, etas={MEMORY: SOON}) == [(PREDICTED, "memory full in 12 min (8–20)")]
    already = {"memory_used_bytes": 960, "memory_available_bytes": 160}
    assert assessed(already, etas={MEMORY: SOON}) == [(WARNING, "memory 84 % used")]


def test_a_filesystem_is_predicted_to_be_full():
    etas = {DATA: SOON, SeriesKey("gpu1", Entity.FILESYSTEM, "/", "used_bytes"): Eta(950, NOW + 60, NOW, None)}
    full = {"mount": "/", "used_bytes": 960, "available_bytes": 200}
    assert assessed({}, filesystems=[{"mount": "/data"}, {}], etas=etas) == [(PREDICTED, "/ full in 1 min (0+)")]
    assert assessed({}, filesystems=[{"mount": "/data"}, full], etas=etas) == [
        (PREDICTED, "/data full in 12 min (8–20)")
    ]
    assert assessed({}, etas={DATA: Eta(950, None, NOW + 1, None)}) == [(Severity.WELL, "")]


def test_findings_are_ranked_and_counted():
    found = assessed(
        {"memory_available_bytes": 160, "clock_offset_s": 2.0},
        gpus=gpus((WARNING, "PCIe ×8 of ×16")),
        filesystems=[{"available_bytes": 10}],
        etas={MEMORY: SOON},
    )
    assert found == [(CRITICAL, "/ 1 % free +4")]


def test_order_and_other_columns_stay():
    rows = [{**WELL, "host": f"h{n}", "clock_offset_s": 9.0 if n % 3 else 0.0, "cores_pct": [1.0]} for n in range(30)]
    frame = pl.DataFrame(rows)
    found = assess_hosts(frame, NO_GPUS, {}, [], {}, now_unix_s=NOW)
    assert found.select(frame.columns).equals(frame)
    assert found["severity"].to_list() == [4 if n % 3 else 0 for n in range(30)]


def test_a_driver_that_hangs_does_so_however_long_ago_it_began():
    long_ago = HostEvent("gpu1", NOW - 9999, "driver-hung", None, None, "")
    assert assessed({}, events=[long_ago], hung=frozenset({"gpu1"})) == [(CRITICAL, "GPU driver hung")]
    # Of its GPUs nothing is known, so that their number is no finding.
    missing = {"gpu_count": 0, "gpus_expected": 8}
    assert assessed(missing, hung=frozenset({"gpu1"})) == [(CRITICAL, "GPU driver hung")]


def test_gpus_that_are_told_to_be_gone_are_not_counted_again():
    frame = gpus((CRITICAL, "gone from the bus")).with_columns(pl.lit("gone").alias("state"))
    count = {"gpu_count": 7, "gpus_expected": 8, "gpus_on_bus": 8}
    assert assessed(count, gpus=frame) == [(CRITICAL, "GPU 0: gone from the bus")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SXid (PCI:0000:c1:00.0): 12028, Non-fatal, Link 30 egress", (WARNING, "NVSwitch SXid 12028")),
        ("SXid (PCI:0000:c1:00.0): 12028, Fatal, Link 30 egress", (CRITICAL, "NVSwitch SXid 12028")),
    ],
)
def test_a_fatal_sxid_is_critical(text, expected):
    assert assessed({}, events=[HostEvent("gpu1", NOW, "sxid", None, 12028, text)]) == [expected]


def test_events_that_are_not_kept_are_counted():
    event = HostEvent("gpu1", NOW - 5, "oom-kill", None, None, "")
    dropped = {("gpu1", "oom-kill", None, None): Dropped(7, NOW - 9)}
    assert assessed({}, events=[event], dropped=dropped) == [(CRITICAL, "OOM kill ×8")]


def happened(entity, **values):
    return {"happened": {entity: pl.DataFrame({"host": ["gpu1"], **{name: [value] for name, value in values.items()}})}}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (happened(Entity.HOST, oom_kills_10min=2.0), (CRITICAL, "2 OOM kills in 10 min")),
        (happened(Entity.HOST, oom_kills_10min=0.0), (Severity.WELL, "")),
        (happened(Entity.NIC, instance="eth0", is_missing=True), (CRITICAL, "eth0 lost its carrier")),
        (happened(Entity.NIC, instance="eth0", carrier_changes_10min=4.0), (WARNING, "eth0 flapped ×2")),
        (happened(Entity.NIC, instance="eth0", carrier_changes_10min=1.0), (Severity.WELL, "")),
        (happened(Entity.NIC, instance="eth0", rx_errors_10min=8.0, tx_errors_10min=4.0), (WARNING, "eth0 12 errors")),
        (happened(Entity.NIC, instance="eth0", rx_errors_10min=9.0), (Severity.WELL, "")),
        (happened(Entity.PORT, instance="mlx5_0/1", is_missing=True), (CRITICAL, "mlx5_0/1 is down")),
        (happened(Entity.PORT, instance="mlx5_0/1", link_downed_10min=1.0), (WARNING, "mlx5_0/1 flapped ×1")),
        (happened(Entity.PORT, instance="mlx5_0/1", link_downed_10min=3.0), (CRITICAL, "mlx5_0/1 flapped ×3")),
        (
            {"odd": {"gpu1": ("gpus: 2000 were said, 256 are taken", "temp_c: 1e9 is not believable")}},
            (WARNING, "says what cannot be: gpus: 2000 were said, 256 are taken +1"),
        ),
    ],
)
def test_what_happened(known, expected):
    assert assessed({}, {"host": "gpu2"}, **known) == [expected, (Severity.WELL, "")]
    assert assessed({"link": "lost"}, **known)[0][0] is UNKNOWN


def test_an_oom_kill_that_the_kernels_log_told_is_not_told_twice():
    event = HostEvent("gpu1", NOW - 5, "oom-kill", None, None, "")
    assert assessed({}, events=[event], **happened(Entity.HOST, oom_kills_10min=1.0)) == [(CRITICAL, "OOM kill")]


@pytest.mark.parametrize(
    ("entity", "row", "expected"),
    [
        (Entity.DISK, {"device": "sda", "busy_pct": 90.0}, (Severity.WELL, "")),
        (Entity.DISK, {"device": "sda", "busy_pct": 99.0}, (WARNING, "sda 99 % busy")),
        (Entity.DISK, {"device": "sda", "busy_pct": None}, (Severity.WELL, "")),
        (Entity.UNIT, {"unit": "slurmd.service", "active": "failed"}, (CRITICAL, "slurmd failed")),
        (
            Entity.UNIT,
            {"unit": "slurmd.service", "active": "activating", "sub": "start"},
            (WARNING, "slurmd is starting"),
        ),
        (
            Entity.UNIT,
            {"unit": "vllm.service", "active": "activating", "sub": "auto-restart"},
            (WARNING, "vllm restarts again and again"),
        ),
        (Entity.UNIT, {"unit": "a.service", "active": "active"}, (Severity.WELL, "")),
        (Entity.UNIT, {"unit": "a.service", "active": "inactive"}, (Severity.WELL, "")),
        (Entity.UNIT, {"unit": "a.service", "active": None}, (Severity.WELL, "")),
        (Entity.SERVICE, {"service": "vllm", "is_healthy": True}, (Severity.WELL, "")),
        (
            Entity.SERVICE,
            {"service": "vllm", "is_healthy": False, "status": 503},
            (CRITICAL, "vllm is unhealthy: HTTP 503"),
        ),
        (
            Entity.SERVICE,
            {"service": "vllm", "is_healthy": False, "why": "refused"},
            (CRITICAL, "vllm is unhealthy: refused"),
        ),
        (Entity.SERVICE, {"service": "vllm", "is_healthy": None, "why": "no metrics"}, (WARNING, "vllm: no metrics")),
    ],
)
def test_parts(entity, row, expected):
    parts = {entity: pl.DataFrame([{"host": "gpu1", **row}])}
    assert assessed({}, {"host": "gpu2"}, parts=parts) == [expected, (Severity.WELL, "")]


def test_the_worst_part_is_told_and_the_others_counted():
    units = pl.DataFrame({"host": ["gpu1"] * 3, "unit": ["a", "b", "c"], "active": ["activating", "failed", "failed"]})
    disks = pl.DataFrame({"host": ["gpu1"], "device": ["sda"], "busy_pct": [95.0]})
    assert assessed({}, parts={Entity.UNIT: units, Entity.DISK: disks}) == [(CRITICAL, "b failed +3")]


def test_a_driver_that_is_slow_is_a_warning_and_its_gpus_are_not_missed():
    silent = frozenset({"gpu1"})
    assert assessed({"gpu_count": 8}, silent=silent) == [(WARNING, "GPU driver is slow to answer")]
    assert assessed({"gpu_count": 0, "gpus_expected": 8}, silent=silent) == [(Severity.WELL, "")], "it is just starting"
    assert assessed({"gpu_count": 8}, silent=silent, hung=silent) == [(CRITICAL, "GPU driver hung")]
