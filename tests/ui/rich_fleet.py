"""A fleet with one of everything that can be collected, and one of everything that can go wrong with collecting it."""

from __future__ import annotations

from typing import Any

from fleets import (
    GIB,
    T0,
    Row,
    chart_of,
    forecast_of,
    gpu_key,
    gpu_row,
    gpu_uuid,
    host_row,
    make_link,
    make_snapshot,
    wave,
)

from leptontui.model.health import HostEvent, Severity
from leptontui.model.link import Fault, FaultKind, Link, LinkState, OfferedKey
from leptontui.model.question import Question, QuestionKind
from leptontui.model.target import HostTarget
from leptontui.snapshot import FleetSnapshot

RICH = "gpu-001"
"""The host with one of everything."""
KNOWN_HOSTS = "/home/oncall/.ssh/known_hosts"
DETAILS: Row = {
    "vendor": "nvidia",
    "temp_margin_c": 23.0,
    "temp_memory_max_c": 105.0,
    "energy_j": 8.1e9,
    "pstate": 0,
    "clock_mem_max_mhz": 2619.0,
    "throttle_power_cap_s_pct": 12.5,
    "throttle_power_cap_pct": 12.5,
    "throttle_sw_thermal_pct": 0.0,
    "throttle_hw_thermal_pct": 3.5,
    "throttle_power_brake_pct": 0.0,
    "ecc_sram_corrected": 0,
    "ecc_sram_uncorrected": 0,
    "ecc_dram_corrected": 12,
    "ecc_dram_uncorrected": 1,
    "ecc_sram_uncorrected_aggregate": 0,
    "ecc_dram_uncorrected_aggregate": 3,
    "is_ecc_sram_over_threshold": False,
    "remapped_correctable": 0,
    "remapped_uncorrectable": 1,
    "is_remap_pending": True,
    "is_remap_failed": False,
    "remap_banks_max": 2559,
    "remap_banks_high": 1,
    "remap_banks_partial": 0,
    "remap_banks_low": 0,
    "remap_banks_none": 0,
    "nvlinks_active": 17,
    "nvlinks_inactive": 1,
    "nvlink_crc_errors_per_s": 0.0,
    "nvlink_replay_errors_per_s": 0.4,
    "nvlink_recovery_errors_per_s": 0.0,
    "nvlink_rx_bytes_per_s": 41e9,
    "nvlink_tx_bytes_per_s": 39e9,
    "fabric_state": "completed",
    "fabric_status": "success",
    "recovery_action": "reset",
    "is_persistent": True,
    "is_ecc_enabled": True,
    "is_ecc_change_pending": False,
    "is_mig_enabled": False,
    "is_mig_change_pending": False,
    "is_inforom_valid": True,
}
DETAILS.pop("throttle_power_cap_s_pct")


def offered(name: str, *, file: str = KNOWN_HOSTS) -> OfferedKey:
    """A key that nobody vouched for; its fingerprint comes from the name."""
    mark = f"{sum(map(ord, name)):04d}"
    return OfferedKey(
        name, "ssh-ed25519", f"SHA256:{mark}{'k7Qd9mXw' * 4}{name[-3:]}vA1z", f"ssh-ed25519 AAAA{name}", file
    )


def unknown_key(host: str, key: OfferedKey) -> Link:
    """The link of a host whose key is to be reviewed."""
    fault = Fault(FaultKind.HOST_KEY_UNKNOWN, f"unknown host key {key.fingerprint}", "K reviews it", key)
    return Link(host, LinkState.REFUSED, T0 - 90, fault, T0 + 40, dials=2, address=f"oncall@{host}:22")


def changed_key(host: str) -> Link:
    """The link of a host that shows another key than the known one."""
    cause = "the host key has changed: known is SHA256:old, shown is SHA256:new"
    fault = Fault(FaultKind.HOST_KEY_CHANGED, cause, "ask who runs it, then ssh-keygen -R it")
    return Link(host, LinkState.REFUSED, T0 - 300, fault, T0 + 300, dials=3, address=f"oncall@{host}:22")


QUESTION = Question(
    "q1",
    QuestionKind.PASSPHRASE,
    "/home/oncall/.ssh/id_ed25519",
    "Passphrase:",
    hosts=("gpu-012", "gpu-013"),
    waiting=40,
)


def rich_fleet(**over: Any) -> FleetSnapshot:
    """gpu-001 has everything, gpu-002 is divided into instances, gpu-003 has a hung driver and gpu-004 lost a GPU.

    gpu-005 is read by the shell fallback, gpu-006 is lost; gpu-007 to gpu-009 show unknown keys, gpu-010 a changed one.
    """
    names = [f"gpu-{i:03d}" for i in range(1, 11)]
    hosts = [host_row(name, node_state="allocated", partitions="train, all") for name in names]
    gpus = [gpu_row(name, index) for name in names[:6] for index in range(8)]
    by_host = {row["host"]: row for row in hosts}
    at = {(row["host"], row["index"]): row for row in gpus}
    _host_parts(by_host[RICH])
    sick = {"severity": int(Severity.CRITICAL), "health": "row remap pending: reset the GPU +2"}
    words = ("row remap pending: reset the GPU", "1 ECC uncorrected", "HW thermal throttle")
    sick["findings"] = [f"{glyph} {said}" for glyph, said in zip("✖✖▲", words, strict=True)]
    at[RICH, 3] |= DETAILS | sick | {"throttle_reasons": 0x44, "ecc_uncorrected": 1, "ecc_corrected": 12}
    by_host[RICH] |= {"severity": int(Severity.CRITICAL), "health": "GPU 3: row remap pending: reset the GPU +3"}
    by_host[RICH]["findings"] = [
        "✖ GPU 3: row remap pending +2",
        "✖ mlx5_0/1 is down",
        "▲ stalled on I/O 14 % of the time",
    ]
    for index in range(8):
        at["gpu-002", index] |= {"user": "carol", "job": None}
        at["gpu-003", index] |= {"state": "unknown", "severity": int(Severity.CRITICAL), "health": "driver hung"}
    gpus += _instances(at["gpu-002", 0])
    by_host["gpu-003"] |= {"severity": int(Severity.CRITICAL), "health": "driver hung for 40 s"}
    gone = {"util_pct", "temp_c", "power_w", "clock_sm_mhz", "memory_used_bytes", "job", "user"}
    at["gpu-004", 5] |= dict.fromkeys(gone) | {
        "state": "gone",
        "severity": int(Severity.CRITICAL),
        "health": "gone from the bus",
        "trend_util_pct": [97.0] * 9 + [None] * 6,
        "trend_temp_c": wave(66.0)[:9] + [None] * 6,
    }
    by_host["gpu-004"] |= {"severity": int(Severity.CRITICAL), "health": "GPU 5: gone from the bus", "gpus_expected": 8}
    by_host["gpu-005"] |= {"runtime": "sh", "probe_cpu_pct": 1.4, "node_state": "drained*"}
    lost = {"link": "lost", "link_cause": "no route to host — check the network", "received_unix_s": T0 - 400}
    by_host["gpu-006"] |= lost | {"severity": int(Severity.UNKNOWN), "health": "lost: no route to host"}
    for index in range(8):
        at["gpu-006", index] |= {"link": "lost", "received_unix_s": T0 - 400, "severity": int(Severity.UNKNOWN)}
        at["gpu-005", index] |= {"user": "bob", "job": None, "health": ""}
    links = _links(by_host)
    for row in hosts:
        if row["host"] in names[6:]:
            fault = links[row["host"]].fault
            assert fault is not None
            refused = {"link": "refused", "link_cause": f"{fault.cause} — {fault.mend}", "received_unix_s": None}
            kept = {name: row[name] for name in ("host", "group", "node_state", "partitions")}
            row.clear()
            row.update(kept | refused | {"severity": int(Severity.UNKNOWN), "health": f"refused: {fault.cause}"})
    hot = gpu_key(RICH, 3, "temp_c")
    fields: Row = {
        "links": links,
        "charts": {hot: chart_of(hot, [64 + 0.02 * i for i in range(180)])},
        "forecasts": {hot: forecast_of(hot, lambda i: 67.6 + i * 0.02, spread=0.2)},
        "events": _events(),
        "processes": _processes(),
        "questions": (QUESTION,),
        "notices": ("fleet.toml:12 was not taken over: unknown key gpuz, did you mean gpus?",),
        "targets": {name: HostTarget(name, group="train" if name < "gpu-009" else "infer", gpus=8) for name in names},
        "unavailable": {
            RICH: ("kernel log: not permitted for oncall (dmesg_restrict)", "hidepid: processes of others are hidden")
        },
        **_parts(),
    }
    return make_snapshot(hosts, gpus, **(fields | over))


def _host_parts(row: Row) -> None:
    row |= {
        "host_power_w": 6140.0,
        "host_power_source": "ipmi",
        "runtime": "python",
        "scheduler": "slurm",
        "gpus_on_bus": 8,
        "gpus_expected": 8,
        "tasks_total": 2411,
        "tasks_running": 12,
        "tasks_blocked": 12,
        "tasks_driver_blocked": 0,
        "tasks_zombies": 2,
        "pids_max": 4_194_304,
        "fds_used": 21_000,
        "fds_max": 9_223_372,
        "oom_kills": 1,
        "slab_bytes": 9 * GIB,
        "hugepages_total_bytes": 64 * GIB,
        "hugepages_free_bytes": 12 * GIB,
        "pressure_io_full_pct": 14.2,
        "pressure_cpu_some60_pct": 1.1,
        "pressure_memory_some60_pct": 0.0,
        "pressure_memory_full60_pct": 0.0,
        "pressure_io_some60_pct": 21.0,
        "pressure_io_full60_pct": 12.0,
        "clock_offset_s": -2.4,
        "probe_sweep_s": 0.011,
    }


def _instances(parent: Row) -> list[Row]:
    parent |= {"is_mig_enabled": True, "util_pct": None, "job": None, "user": None}
    instances: list[Row] = []
    for number, profile in enumerate(("3g.40gb", "3g.40gb")):
        row = gpu_row("gpu-002", 0)
        row |= {
            "uuid": f"MIG-{number}-{parent['uuid']}",
            "parent_uuid": parent["uuid"],
            "mig_index": number,
            "mig_profile": profile,
            "memory_total_bytes": 40 * GIB,
            "memory_used_bytes": (8 + 20 * number) * GIB,
            "temp_c": None,
            "power_w": None,
            "clock_sm_mhz": None,
            "job": None,
            "user": "eve",
        }
        instances.append(row)
    return instances


def _links(hosts: dict[str, Row]) -> dict[str, Link]:
    bastion = offered("bastion2")
    lost = Fault(FaultKind.NO_ROUTE, "no route to host", "check the network")
    links = {name: make_link(row) for name, row in hosts.items()}
    return links | {
        "gpu-006": make_link(hosts["gpu-006"], fault=lost, next_dial_unix_s=T0 + 14, since_unix_s=T0 - 380, dials=9),
        "gpu-007": unknown_key("gpu-007", offered("gpu-007")),
        "gpu-008": unknown_key("gpu-008", bastion),
        "gpu-009": unknown_key("gpu-009", bastion),
        "gpu-010": changed_key("gpu-010"),
    }


def _events() -> tuple[HostEvent, ...]:
    third = gpu_uuid(RICH, 3)
    xid = "NVRM: Xid (PCI:0000:33:00): 63, pid='<unknown>', Row Remapper: New row marked for remapping, reset gpu"
    return (
        HostEvent(RICH, T0 - 90_000, "nfs-silent", None, None, "nfs: server nas1 not responding", is_backlog=True),
        HostEvent(RICH, T0 - 5400, "oom-kill", None, None, "Killed process 9911 (dataloader) total-vm:91 GB"),
        *(HostEvent(RICH, T0 - 700 + 100 * i, "xid", third, 63, xid) for i in range(7)),
        HostEvent("gpu-003", T0 - 40, "driver-hung", None, None, "NVML has not answered for 10 s"),
        HostEvent("gpu-004", T0 - 30, "gpu-lost", gpu_uuid("gpu-004", 5), None, "GPU 5 is not listed any more"),
        HostEvent("gpu-004", T0 - 31, "xid", gpu_uuid("gpu-004", 5), 79, "NVRM: Xid 79, GPU has fallen off the bus"),
        HostEvent("gpu-002", T0 - 20, "clock-jump", None, None, "the clock was set by -3.2 s"),
    )


def _processes() -> list[Row]:
    rows: list[Row] = [
        {
            "host": name,
            "uuid": gpu_uuid(name, index),
            "pid": 41_230 + index,
            "user": "anna",
            "job": "8812",
            "step": "0",
            "memory_used_bytes": 74 * GIB,
            "command": f"python -m train --config llama-70b.yaml --rank {index}",
        }
        for name in ("gpu-001", "gpu-003", "gpu-004")
        for index in range(8)
        if (name, index) != ("gpu-004", 5)
    ]
    rows += [
        {
            "host": "gpu-002",
            "uuid": gpu_uuid("gpu-002", index),
            "pid": 900 + index,
            "user": "carol",
            "pod": "serving/vllm-7c9d-x2",
            "container": "vllm",
            "memory_used_bytes": 60 * GIB,
            "command": "vllm serve [bold]llama[/bold]",
        }
        for index in range(1, 8)
    ]
    return rows


def _parts() -> Row:
    mount = {"host": RICH, "fstype": "ext4", "inodes_total": 1_000_000, "inodes_used": 210_000, "is_readonly": False}
    return {
        "filesystems": [
            mount | {"mount": "/", "device": "/dev/nvme0n1p2", "total_bytes": 1760 * GIB, "used_bytes": 700 * GIB},
            mount
            | {"mount": "/scratch", "total_bytes": 28_000 * GIB, "used_bytes": 26_100 * GIB, "inodes_used": 970_000},
            mount | {"mount": "/data", "total_bytes": 7000 * GIB, "used_bytes": 100 * GIB, "is_readonly": True},
            {"host": RICH, "mount": "/nfs/home", "device": "nas1:/home", "fstype": "nfs4", "is_silent": True},
        ],
        "disks": [
            {
                "host": RICH,
                "device": f"nvme{i}n1",
                "read_bytes_per_s": 210e6 * i,
                "write_bytes_per_s": 31e6,
                "busy_pct": 47.0 * i,
            }
            for i in range(3)
        ],
        "nics": [
            {
                "host": RICH,
                "nic": "eno1",
                "is_up": True,
                "rx_bytes_per_s": 1.2e6,
                "tx_bytes_per_s": 0.4e6,
                "speed_mbit": 25_000,
            },
            {"host": RICH, "nic": "eno2", "is_up": False, "carrier_changes": 8},
        ],
        "ports": [
            {
                "host": RICH,
                "port": f"mlx5_{i}/1",
                "state": "active" if i else "down",
                "phys_state": "linkup" if i else "polling",
                "layer": "InfiniBand",
                "rate_gbit": 400.0,
                "rx_bytes_per_s": 21e9,
                "tx_bytes_per_s": 20e9,
                "link_downed": 0 if i else 3,
                "symbol_errors": 0,
            }
            for i in range(3)
        ],
        "units": [
            {
                "host": RICH,
                "unit": "slurmd.service",
                "active": "active",
                "sub": "running",
                "main_pid": 1200,
                "since_s": 3.5e6,
            },
            {"host": RICH, "unit": "nvidia-persistenced.service", "active": "failed", "sub": "failed", "restarts": 5},
        ],
        "services": [
            {"host": RICH, "service": "vllm", "is_healthy": True, "status": 200, "latency_s": 0.0042},
            {
                "host": RICH,
                "service": "triton",
                "is_healthy": False,
                "status": 503,
                "latency_s": 1.2,
                "why": "status 503",
            },
        ],
        "samples": [
            {"host": RICH, "source": "vllm", "series": "vllm:num_requests_waiting", "value": 12.0, "kind": "gauge"},
            {
                "host": RICH,
                "source": "vllm",
                "series": 'e2e_latency_seconds{quantile="0.99"}',
                "value": 4.31,
                "unit": "s",
            },
            {"host": RICH, "source": "raid", "series": "rebuild", "value": 71.5, "unit": "%"},
        ],
    }
