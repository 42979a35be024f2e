"""The headless document, report and exit code."""

import json
from dataclasses import replace

import polars as pl
import pytest

from leptontui.model.catalogue import Kind, metrics_of
from leptontui.model.health import HostEvent
from leptontui.model.link import Fault, FaultKind, Link, LinkCounts, LinkState, OfferedKey
from leptontui.model.series import Entity
from leptontui.model.target import HostTarget
from leptontui.snapshot import FleetSnapshot, Frames
from leptontui.view.document import document_of, exit_code_of, plain_report

NOW = 1_000_000.0
EMPTY = pl.DataFrame(schema={"host": pl.String})

HOST = {
    "host": "gpu1",
    "group": "train",
    "link": "live",
    "link_cause": "",
    "received_unix_s": NOW - 0.64,
    "severity": 0,
    "health": "",
    "cpu_util_pct": 12.3456,
    "cores_pct": [1.0, 2.0],
    "memory_used_bytes": 250,
    "memory_total_bytes": 1000,
    "load1": 1.23456,
    "uptime_s": 86_400.7,
    "boot_id": "b-1",
}
GPU = {
    "host": "gpu1",
    "uuid": "G0",
    "index": 0,
    "name": "H100",
    "util_pct": 97.0499,
    "memory_used_bytes": 70,
    "memory_total_bytes": 80,
    "temp_c": 64.0,
    "power_w": 701.23,
    "severity": 0,
    "health": "",
    "state": "present",
    "trend_temp_c": [60.0, None],
}
LOST = {
    "host": "gpu2",
    "link": "lost",
    "link_cause": "time-out — wait",
    "severity": 1,
    "health": "lost: time-out",
    **{name: None for name in HOST if name not in {"host", "link", "link_cause", "severity", "health"}},
}


def snapshot(hosts=(HOST,), gpus=(GPU,), filesystems=(), links=None, dropped=0):
    host_frame = pl.DataFrame([{**HOST, **host} for host in hosts], infer_schema_length=None)
    links = links or {row["host"]: Link(row["host"], LinkState(row["link"]), NOW) for row in host_frame.to_dicts()}
    return FleetSnapshot(
        fleet="train",
        seq=1,
        t_unix_s=NOW,
        interval_s=1.0,
        links=links,
        link_counts=LinkCounts.of(links.values()),
        dropped_sweeps=dropped,
        newest_age_s=0.64,
        frames=Frames(
            hosts=host_frame,
            gpus=pl.DataFrame([{**GPU, **gpu} for gpu in gpus], infer_schema_length=None) if gpus else EMPTY,
            filesystems=pl.DataFrame(filesystems) if filesystems else EMPTY,
            disks=EMPTY,
            nics=EMPTY,
            processes=EMPTY,
        ),
        unavailable={"gpu1": ("ecc: not supported",)},
    )


def test_document():
    mount = {"host": "gpu1", "mount": "/", "fstype": "ext4", "used_bytes": 5, "total_bytes": 9, "available_bytes": None}
    document = document_of(snapshot(filesystems=[mount], dropped=3))
    assert document["schema"] == "leptontui/1"
    assert document["t_unix_s"] == NOW
    assert document["fleet"] == "train"
    assert document["summary"] == {
        "severity": "well",
        "hosts": {"total": 1, "dialing": 0, "live": 1, "stale": 0, "lost": 0, "refused": 0},
        "gpus": 1,
        "mig_instances": 0,
        "hosts_by_severity": {"well": 1, "unknown": 0, "warning": 0, "predicted": 0, "critical": 0},
        "gpus_by_severity": {"well": 1, "unknown": 0, "warning": 0, "predicted": 0, "critical": 0},
        "dropped_sweeps": 3,
        "newest_age_s": 0.6,
    }
    host = document["hosts"][0]
    assert having(
        host,
        {
            "name": "gpu1",
            "group": "train",
            "link": "live",
            "link_cause": "",
            "age_s": 0.6,
            "severity": "well",
            "health": "",
            "cpu_util_pct": 12.3,
            "cores_pct": [1.0, 2.0],
            "memory_used_bytes": 250,
            "memory_total_bytes": 1000,
            "load1": 1.23,
            "uptime_s": 86_401,
            "boot_id": "b-1",
            "kernel": None,
            "driver_version": None,
            "unavailable": ["ecc: not supported"],
            "events": [],
        },
    )
    assert having(
        host["gpus"][0],
        {
            "index": 0,
            "uuid": "G0",
            "name": "H100",
            "util_pct": 97.0,
            "memory_used_bytes": 70,
            "memory_total_bytes": 80,
            "temp_c": 64.0,
            "power_w": 701.2,
            "clock_sm_mhz": None,
            "throttle_reasons": None,
            "throttled_by": None,
            "ecc_uncorrected": None,
            "user": None,
            "job": None,
            "severity": "well",
            "health": "",
            "state": "present",
            "processes": [],
        },
    )
    told = {"mount": "/", "fstype": "ext4", "used_bytes": 5, "total_bytes": 9, "available_bytes": None}
    assert having(host["filesystems"][0], told)


def having(whole, part):
    """Whether `whole` has all of `part`; what differs is shown."""
    assert {name: whole[name] for name in part} == part
    return True


@pytest.mark.parametrize("entity", list(Entity))
def test_every_metric_of_the_catalogue_is_told_and_null_where_it_is_not_known(entity):
    shot = snapshot()
    parts = {name: pl.DataFrame({"host": ["gpu1"], "uuid": ["G0"]}) for name in PARTS.values()}
    host = document_of(replace(shot, frames=replace(shot.frames, **parts)))["hosts"][0]
    gpu = host["gpus"][0]
    told = host if entity is Entity.HOST else gpu if entity is Entity.GPU else None
    told = gpu["processes"][0] if entity is Entity.PROCESS else told or host[PARTS[entity]][0]
    names = {item.rate_name if item.kind is Kind.COUNTER else item.name for item in metrics_of(entity)}
    assert names <= told.keys()
    assert not {name for name in names if told[name] == 0} - {"index"}, "null is never 0"
    unknown = names - {*HOST, *GPU} - {"uuid"}
    assert all(told[name] is None for name in unknown)


PARTS = {
    Entity.FILESYSTEM: "filesystems",
    Entity.DISK: "disks",
    Entity.NIC: "nics",
    Entity.PORT: "ports",
    Entity.UNIT: "units",
    Entity.SERVICE: "services",
    Entity.SAMPLE: "samples",
    Entity.PROCESS: "processes",
}


def test_links_events_and_targets_are_told_in_full():
    key = OfferedKey("gpu1", "ssh-ed25519", "SHA256:abc", "ssh-ed25519 AAAA", "/known_hosts")
    fault = Fault(FaultKind.HOST_KEY_UNKNOWN, "unknown host key", "review it", key)
    link = Link("gpu1", LinkState.REFUSED, NOW - 9, fault, NOW + 5, dials=3, address="a@gpu1:22")
    event = HostEvent("gpu1", NOW - 4, "xid", "G0", 79, "off the bus", is_backlog=True)
    target = HostTarget("gpu1", partitions=("train", "all"), origin="fleet.toml:3")
    shot = replace(snapshot(links={"gpu1": link}), events=(event,), targets={"gpu1": target}, notices=("a notice",))
    document = document_of(shot)
    host = document["hosts"][0]
    assert document["notices"] == ["a notice"]
    assert having(
        host["link_detail"], {"state": "refused", "fault": "host-key-unknown", "dials": 3, "mend": "review it"}
    )
    assert having(host["link_detail"], {"since_unix_s": NOW - 9, "next_dial_unix_s": NOW + 5, "address": "a@gpu1:22"})
    assert host["link_detail"]["offered_key"]["fingerprint"] == "SHA256:abc"
    assert having(host["events"][0], {"name": "xid", "code": 79, "gpu_uuid": "G0", "is_backlog": True})
    assert (host["partitions"], host["origin"]) == (["train", "all"], "fleet.toml:3")


def test_instances_are_no_further_gpus():
    part = {"uuid": "M0", "parent_uuid": "G0", "mig_index": 1, "severity": 2, "health": "busy"}
    shot = snapshot(gpus=[{"parent_uuid": None, "mig_index": None}, part])
    assert having(document_of(shot)["summary"], {"gpus": 1, "mig_instances": 1})
    assert "1 GPU " in plain_report(shot)
    assert "▲ GPU 0.1" in plain_report(shot)


def test_throttle_reasons_are_told_as_words_too():
    gpu = document_of(snapshot(gpus=[{"throttle_reasons": 0x44}]))["hosts"][0]["gpus"][0]
    assert (gpu["throttle_reasons"], gpu["throttled_by"]) == (0x44, ["HW thermal", "power cap"])


def test_verdicts_are_told_with_their_evidence():
    verdict = {
        "verdict_action": "drain-reset",
        "verdict_words": "reset the GPU: row remap pending; nothing runs here",
        "verdict_source": "gpud, DCGM",
        "verdict_evidence": ["row remap pending: reset the GPU (gpud, DCGM)"],
    }
    host = document_of(snapshot(gpus=[verdict]))["hosts"][0]
    assert host["verdict"] is None
    assert host["gpus"][0]["verdict"] == {name.removeprefix("verdict_"): value for name, value in verdict.items()}


def test_what_is_not_known_is_null():
    host = document_of(snapshot(hosts=[LOST], gpus=[]))["hosts"][0]
    assert (host["name"], host["link"], host["severity"]) == ("gpu2", "lost", "unknown")
    assert host["link_cause"] == "time-out — wait"
    assert all(host[name] is None for name in ("age_s", "cpu_util_pct", "memory_used_bytes", "load1", "uptime_s"))
    assert host["gpus"] == []


def test_it_is_strict_json_with_whole_bytes_and_no_nan():
    bad = {"util_pct": float("nan"), "power_w": float("inf")}
    text = json.dumps(document_of(snapshot(gpus=[bad])), allow_nan=False)
    gpu = json.loads(text)["hosts"][0]["gpus"][0]
    assert gpu["util_pct"] is None
    assert gpu["power_w"] is None
    assert isinstance(gpu["memory_used_bytes"], int)


def test_32_bit_floats_are_rounded():
    shot = snapshot()
    frames = replace(shot.frames, gpus=shot.frames.gpus.with_columns(pl.lit(64.3, pl.Float32).alias("temp_c")))
    gpu = document_of(replace(shot, frames=frames))["hosts"][0]["gpus"][0]
    assert json.dumps(gpu["temp_c"]) == "64.3"


def test_hosts_keep_their_order_and_one_known_only_by_its_link_is_told():
    links = {
        "b": Link("b", LinkState.LIVE, NOW),
        "a": Link("a", LinkState.LIVE, NOW),
        "c": Link("c", LinkState.REFUSED, NOW, Fault(FaultKind.PERMISSION_DENIED, "permission denied")),
    }
    shot = snapshot(hosts=[{"host": "b"}, {"host": "a"}], gpus=[], links=links)
    hosts = document_of(shot)["hosts"]
    assert [host["name"] for host in hosts] == ["b", "a", "c"]
    assert (hosts[2]["severity"], hosts[2]["link_cause"]) == ("unknown", "permission denied")
    assert exit_code_of(shot) == 3


@pytest.mark.parametrize(
    ("hosts", "gpus", "code", "word"),
    [
        ([{}], [], 0, "well"),
        ([{"severity": 2}], [], 1, "warning"),
        ([{"severity": 3}], [], 1, "predicted"),
        ([{"severity": 2}, {"host": "b", "severity": 3}], [], 1, "predicted"),
        ([{"severity": 4}], [], 2, "critical"),
        ([{}], [{"severity": 4}], 2, "critical"),
        ([{}], [{"severity": 3}], 1, "predicted"),
        ([LOST], [], 3, "unknown"),
        ([{"severity": 2}, LOST], [], 3, "unknown"),
        ([{"severity": 4}, LOST], [], 2, "critical"),
        ([{"link": "stale", "severity": 4}], [], 3, "unknown"),
        ([LOST], [{"host": "gpu2", "severity": 4}], 3, "unknown"),
        ([{"severity": None}], [], 3, "unknown"),
        ([{}], [{"severity": None}], 3, "unknown"),
    ],
)
def test_exit_code(hosts, gpus, code, word):
    shot = snapshot(hosts=hosts, gpus=gpus)
    assert exit_code_of(shot) == code
    assert document_of(shot)["summary"]["severity"] == word


def test_report():
    shot = snapshot(
        hosts=[{"severity": 4, "health": "GPU 3: Xid 79 off the bus"}, {"host": "gpu-long-name"}, LOST],
        gpus=[{}, {"index": 3, "severity": 4, "health": "Xid 79 off the bus: reboot the host (NVIDIA)"}],
    )
    assert plain_report(shot).splitlines() == [
        "✖  gpu1           live  2 GPUs  cpu 12 %  mem 25 %  0.6 s ago  GPU 3: Xid 79 off the bus",
        "    ✖ GPU 3  H100  Xid 79 off the bus: reboot the host (NVIDIA)",
        "●  gpu-long-name  live  0 GPUs  cpu 12 %  mem 25 %  0.6 s ago  well",
        "◌  gpu2           lost  0 GPUs   cpu – %   mem – %          –  lost: time-out — wait",
        "train: 3 hosts (1 critical, 1 unknown, 1 well), 2 GPUs, blind on 1 host",
    ]


def test_report_shows_nothing_that_a_terminal_obeys():
    evil = "\x1b]0;owned\x07\x1b[31m\nsecond line"
    shot = snapshot(
        hosts=[{"severity": 4, "health": evil}, {**LOST, "link_cause": evil}],
        gpus=[{"severity": 4, "health": evil, "name": evil}],
    )
    lines = plain_report(shot).splitlines()
    assert len(lines) == 4
    assert all(line.isprintable() for line in lines)


def test_report_lists_no_gpu_of_a_host_that_is_not_live():
    shot = snapshot(hosts=[LOST], gpus=[{"host": "gpu2", "severity": 1, "health": "lost: time-out"}])
    assert len(plain_report(shot).splitlines()) == 2
