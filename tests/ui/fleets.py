"""Hand-made fleets for the screens' tests: frames by the catalogue, a source that publishes on demand, a fake port."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from leptontui.errors import LeptonError
from leptontui.model.catalogue import (
    CHART_BUCKETS,
    CHART_STEP_S,
    FORECAST_STEPS,
    TREND_BUCKETS,
    TREND_METRICS,
    Kind,
    metrics_of,
)
from leptontui.model.focus import Focus
from leptontui.model.health import HostEvent, Severity
from leptontui.model.link import Fault, FaultKind, Link, LinkCounts, LinkState
from leptontui.model.series import Entity, Eta, Forecast, ForecasterState, ForecasterStatus, Series, SeriesKey
from leptontui.model.target import Fleet, HostTarget
from leptontui.ports import Trusted
from leptontui.snapshot import FleetSnapshot, Frames

T0 = datetime(2026, 3, 14, 3, 12, 44, tzinfo=UTC).timestamp()
"""The instant at which every hand-made snapshot is taken."""

GIB = 1 << 30
Row = dict[str, Any]

_EXTRA: Mapping[Entity, dict[str, pl.DataType]] = {
    Entity.HOST: {
        "group": pl.String(),
        "link": pl.String(),
        "link_cause": pl.String(),
        "received_unix_s": pl.Float64(),
        "severity": pl.Int8(),
        "health": pl.String(),
        "findings": pl.List(pl.String),
        "gpu_count": pl.UInt32(),
        "node_state": pl.String(),
        "partitions": pl.String(),
        "gpus_expected": pl.UInt32(),
    },
    Entity.GPU: {
        "group": pl.String(),
        "link": pl.String(),
        "received_unix_s": pl.Float64(),
        "severity": pl.Int8(),
        "health": pl.String(),
        "findings": pl.List(pl.String),
        "verdict_rank": pl.Int8(),
        "verdict_words": pl.String(),
        "verdict_source": pl.String(),
        "state": pl.String(),
        "user": pl.String(),
        "job": pl.String(),
        "process_count": pl.UInt32(),
        **{f"trend_{name}": pl.List(pl.Float32()) for name in TREND_METRICS},
    },
}


def schema_of(entity: Entity) -> dict[str, pl.DataType]:
    """Column types of one entity's frame: host, the catalogue's metrics, then the columns named in the snapshot."""
    schema: dict[str, pl.DataType] = {"host": pl.String()}
    for item in metrics_of(entity):
        if item.kind is Kind.TEXT:
            schema[item.name] = pl.String()
        elif item.kind is Kind.FLAG:
            schema[item.name] = pl.Boolean()
        elif item.kind is Kind.LIST:
            schema[item.name] = pl.List(pl.Float32())
        else:
            schema[item.name] = pl.Int64() if item.is_integer else pl.Float64()
        if item.kind is Kind.COUNTER:
            schema[item.rate_name] = pl.Float64()
    return schema | _EXTRA.get(entity, {"received_unix_s": pl.Float64()})


def frame_of(entity: Entity, rows: Iterable[Row]) -> pl.DataFrame:
    """A frame of hand-made rows; what a row does not name is null."""
    schema = schema_of(entity)
    rows = list(rows)
    for row in rows:
        unknown = set(row) - set(schema)
        assert not unknown, f"not a column of {entity}: {unknown}"
    return pl.DataFrame({name: [row.get(name) for row in rows] for name in schema}, schema=schema)


def wave(level: float, swing: float = 0.0, *, phase: float = 0.0, slope: float = 0.0, n: int = TREND_BUCKETS):
    """`n` values that end at `level`, swing around it and rise by `slope` a step."""
    return [level + swing * math.sin(phase + i / 2.3) + slope * (i - n + 1) for i in range(n)]


def host_row(name: str, **over: Any) -> Row:
    """A live, healthy 8-GPU host in group "train", one sweep 0.6 s old."""
    row: Row = {
        "host": name,
        "group": "train",
        "link": "live",
        "link_cause": "",
        "received_unix_s": T0 - 0.6,
        "severity": int(Severity.WELL),
        "health": "",
        "gpu_count": 8,
        "cpu_util_pct": 31.4,
        "cpu_user_pct": 24.0,
        "cpu_system_pct": 6.1,
        "cpu_iowait_pct": 0.4,
        "cpu_steal_pct": 0.0,
        "cores_pct": [20.0 + 7 * (i % 9) for i in range(32)],
        "cpu_count": 224,
        "load1": 61.2,
        "load5": 58.0,
        "load15": 55.1,
        "pressure_cpu_some_pct": 1.2,
        "pressure_memory_some_pct": 0.0,
        "pressure_memory_full_pct": 0.0,
        "pressure_io_some_pct": 0.8,
        "pressure_io_full_pct": 0.3,
        "memory_total_bytes": 2048 * GIB,
        "memory_used_bytes": 611 * GIB,
        "memory_available_bytes": 1437 * GIB,
        "swap_total_bytes": 0,
        "swap_used_bytes": 0,
        "uptime_s": 41 * 86_400.0 + 7_300,
        "boot_id": "5f0f2a6e-8f5f-4a55-8f53-1f4f7c7b9a10",
        "kernel": "6.8.0-57-generic",
        "driver_version": "580.159.03",
        "disk_read_bytes_per_s": 212e6,
        "disk_write_bytes_per_s": 31e6,
        "net_rx_bytes_per_s": 1.9e9,
        "net_tx_bytes_per_s": 2.1e9,
        "probe_cpu_pct": 0.2,
        "probe_rss_bytes": 21 << 20,
        "clock_offset_s": 0.012,
    }
    return row | over


def gpu_uuid(host: str, index: int) -> str:
    """The identity that `gpu_row` gives to a GPU."""
    return f"GPU-{abs(sum(ord(c) * 31**i for i, c in enumerate(host))) % 0xFFFFFFFF:08x}-0000-0000-0000-{index:012x}"


def gpu_row(host: str, index: int, **over: Any) -> Row:
    """A live, healthy, busy H100 of job 8812; small differences between GPUs come from the index."""
    phase = (index * 1.7 + len(host) + sum(map(ord, host))) % 6.28
    util, temp, power = 96.4 + math.sin(phase) * 2.4, 62 + math.sin(phase) * 4, 690 + math.sin(phase) * 12
    used = (74 + index % 3) * GIB
    row: Row = {
        "host": host,
        "uuid": gpu_uuid(host, index),
        "index": index,
        "name": "NVIDIA H100 80GB HBM3",
        "serial": f"16522230{index:05d}",
        "pci_bus_id": f"00000000:{0x1B + index * 8:02X}:00.0",
        "vbios": "96.00.89.00.01",
        "util_pct": util,
        "memory_util_pct": 55.0,
        "memory_used_bytes": used,
        "memory_total_bytes": 80 * GIB,
        "temp_c": temp,
        "temp_memory_c": temp + 12,
        "temp_slowdown_c": 87.0,
        "temp_shutdown_c": 92.0,
        "power_w": power,
        "power_limit_w": 700.0,
        "clock_sm_mhz": 1755.0,
        "clock_sm_max_mhz": 1980.0,
        "clock_mem_mhz": 2619.0,
        "throttle_reasons": 0,
        "pcie_gen": 5,
        "pcie_gen_max": 5,
        "pcie_width": 16,
        "pcie_width_max": 16,
        "pcie_replays": 0,
        "ecc_corrected": 0,
        "ecc_uncorrected": 0,
        "group": "train",
        "link": "live",
        "received_unix_s": T0 - 0.6,
        "severity": int(Severity.WELL),
        "health": "",
        "state": "present",
        "user": "anna",
        "job": "8812",
        "process_count": 1,
        "trend_util_pct": wave(util, 3, phase=phase),
        "trend_memory_used_bytes": wave(used),
        "trend_temp_c": wave(temp, 2, phase=phase),
        "trend_power_w": wave(power, 14, phase=phase),
    }
    return row | over


def forecast_of(
    key: SeriesKey, mean: Callable[[int], float], *, spread: float = 1.0, eta: Eta | None = None
) -> Forecast:
    """A forecast of 90 steps of 10 s from T0 whose bands widen with the root of the step."""
    steps = range(1, FORECAST_STEPS + 1)
    middle = tuple(mean(i) for i in steps)
    edges = {
        name: tuple(m + sign * z * spread * math.sqrt(i) for i, m in zip(steps, middle, strict=True))
        for name, sign, z in (("lo80", -1, 1.28), ("hi80", 1, 1.28), ("lo95", -1, 1.96), ("hi95", 1, 1.96))
    }
    return Forecast(key, T0, CHART_STEP_S, middle, **edges, model="damped ETS", eta=eta)


def gpu_key(host: str, index: int, metric: str) -> SeriesKey:
    """The key of one series of a GPU made by `gpu_row`."""
    return SeriesKey(host, Entity.GPU, gpu_uuid(host, index), metric)


def chart_of(key: SeriesKey, values: Iterable[float | None], *, step_s: float = CHART_STEP_S) -> Series:
    """A chart's history that ends at T0."""
    listed = tuple(values)[-CHART_BUCKETS:]
    times = tuple(T0 - (len(listed) - 1 - i) * step_s for i in range(len(listed)))
    return Series(key, times, listed, step_s)


_FAULTS = {
    LinkState.STALE: Fault(FaultKind.TIME_OUT, "no sweep for three intervals", ""),
    LinkState.LOST: Fault(FaultKind.LINK_DROPPED, "bastion2 unreachable", "redialled by itself"),
    LinkState.REFUSED: Fault(
        FaultKind.HOST_KEY_UNKNOWN, "unknown host key SHA256:4tGk…", "ssh-keyscan it, check, add it to known_hosts"
    ),
}


def make_link(row: Row, **over: Any) -> Link:
    """The link that fits a host row."""
    state = LinkState(row["link"])
    since = row["received_unix_s"] or T0 - 120
    fields: Row = {
        "since_unix_s": since,
        "fault": _FAULTS.get(state),
        "dials": 1,
        "address": f"oncall@{row['host']}:22",
    }
    return Link(row["host"], state, **(fields | over))


def make_snapshot(hosts: list[Row], gpus: list[Row], **over: Any) -> FleetSnapshot:
    """A snapshot of hand-made rows. `over` replaces any of its fields; `filesystems=` etc. are rows of those frames."""
    parts = {
        name: frame_of(entity, over.pop(name, ()))
        for name, entity in (
            ("filesystems", Entity.FILESYSTEM),
            ("disks", Entity.DISK),
            ("nics", Entity.NIC),
            ("processes", Entity.PROCESS),
            ("ports", Entity.PORT),
            ("units", Entity.UNIT),
            ("services", Entity.SERVICE),
            ("samples", Entity.SAMPLE),
        )
    }
    links = {row["host"]: make_link(row) for row in hosts} | over.pop("links", {})
    received = [row["received_unix_s"] for row in hosts if row["received_unix_s"] is not None]
    fields: Row = {
        "fleet": "train",
        "seq": 1,
        "t_unix_s": T0,
        "interval_s": 1.0,
        "links": links,
        "link_counts": LinkCounts.of(links.values()),
        "dropped_sweeps": 0,
        "newest_age_s": T0 - max(received) if received else None,
        "frames": Frames(frame_of(Entity.HOST, hosts), frame_of(Entity.GPU, gpus), **parts),
        "forecaster": ForecasterStatus(ForecasterState.READY, made=100, ms_per_series=1.9),
    }
    return FleetSnapshot(**(fields | over))


def train_fleet(n_hosts: int = 12, gpus_per_host: int = 8, **over: Any) -> FleetSnapshot:
    """The fleet with one of everything.

    gpu-001 GPU 3 has an Xid 79; gpu-002 GPU 6 is predicted to reach 87 °C; gpu-003 GPU 0 is a straggler; gpu-004 is
    stale, gpu-005 lost, gpu-006 refused and never seen, the others are well.
    """
    names = [f"gpu-{i:03d}" for i in range(1, n_hosts + 1)]
    links: dict[str, Row] = {
        "gpu-004": {"link": "stale", "received_unix_s": T0 - 42},
        "gpu-005": {"link": "lost", "received_unix_s": T0 - 130, "link_cause": "bastion2 unreachable"},
    }
    hosts = [host_row(name, gpu_count=gpus_per_host) for name in names]
    gpus = [gpu_row(name, index) for name in names for index in range(gpus_per_host) if name != "gpu-006"]
    unknown = int(Severity.UNKNOWN)
    for row in hosts:
        if (link := links.get(row["host"])) is not None:
            row.update(link | {"severity": unknown, "health": f"{link['link']}: nothing fresh is known"})
    for row in gpus:
        if (link := links.get(row["host"])) is not None:
            row.update({name: value for name, value in link.items() if name != "link_cause"})
            row.update({"severity": unknown, "health": link["link"]})
    _refuse(hosts)
    _afflict(hosts, gpus)
    hot = gpu_key("gpu-002", 6, "temp_c")
    forecasts = {
        gpu_key(row["host"], row["index"], metric): forecast_of(
            gpu_key(row["host"], row["index"], metric), lambda _i, level=row[metric]: level, spread=0.1
        )
        for row in gpus
        if row["link"] == "live" and row["severity"] != Severity.CRITICAL
        for metric in ("util_pct", "temp_c")
    }
    eta = Eta(87.0, T0 + 660, T0 + 420, T0 + 1140)
    forecasts[hot] = forecast_of(hot, lambda i: min(83.7 + i * 0.05, 88.4), spread=0.25, eta=eta)
    event = HostEvent("gpu-001", T0 - 95, "xid", gpu_uuid("gpu-001", 3), 79, "NVRM: Xid 79, GPU has fallen off the bus")
    return make_snapshot(hosts, gpus, **({"forecasts": forecasts, "events": (event,)} | over))


def _refuse(hosts: list[Row]) -> None:
    """Make gpu-006, if it is there, a host that never let us in: only its name, group and link are known."""
    for i, row in enumerate(hosts):
        if row["host"] == "gpu-006":
            fault = _FAULTS[LinkState.REFUSED]
            hosts[i] = {
                "host": "gpu-006",
                "group": "train",
                "link": "refused",
                "link_cause": f"{fault.cause} — {fault.mend}",
                "received_unix_s": None,
                "severity": int(Severity.UNKNOWN),
                "health": f"refused: {fault.cause}",
            }


def _afflict(hosts: list[Row], gpus: list[Row]) -> None:
    """Give the fleet its three sick GPUs; their hosts are as bad as their worst GPU."""
    ills: dict[tuple[str, int], Row] = {
        ("gpu-001", 3): {
            "severity": int(Severity.CRITICAL),
            "health": "Xid 79 GPU 3 off the bus",
            "util_pct": 0.0,
            "temp_c": 41.0,
            "power_w": 88.2,
            "clock_sm_mhz": 345.0,
            "trend_util_pct": [97.0] * 7 + [40.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            "trend_temp_c": [66.0, 66, 65, 66, 66, 66, 65, 60, 54, 50, 47, 45, 43, 42, 41],
        },
        ("gpu-002", 6): {
            "severity": int(Severity.PREDICTED),
            "health": "87 °C in 11 min (7–19)",
            "temp_c": 83.6,
            "power_w": 698.0,
            "clock_sm_mhz": 1410.0,
            "trend_temp_c": wave(83.6, 0.8, slope=1.1),
        },
        ("gpu-003", 0): {
            "severity": int(Severity.WARNING),
            "health": "straggler −3.9σ clock",
            "clock_sm_mhz": 1185.0,
            "trend_util_pct": [
                97.0,
                96.0,
                None,
                None,
                97.0,
                98.0,
                96.0,
                97.0,
                97.0,
                96.0,
                97.0,
                98.0,
                97.0,
                96.0,
                97.4,
            ],
        },
    }
    by_host = {row["host"]: row for row in hosts}
    for row in gpus:
        if (ill := ills.get((row["host"], row["index"]))) is not None:
            row.update(ill)
            by_host[row["host"]].update({"severity": ill["severity"], "health": f"GPU {row['index']}: {ill['health']}"})


def fleet_of(
    snapshot: FleetSnapshot, *, units: tuple[str, ...] = ("slurmd.service",), scheduler: str | None = "slurm"
) -> Fleet:
    """The inventory that fits a snapshot: every host may have `units` restarted and is drained through login1."""
    names = list(snapshot.links)
    hosts = tuple(
        HostTarget(name, group="train", scheduler=scheduler, controller="login1", units=units) for name in names
    )
    return Fleet(snapshot.fleet, hosts, {"login1": HostTarget("login1")})


class FakeSource:
    """A source that delivers what a test gives it.

    Attributes:
        focused: what it was told is in focus, in order.
        redialled: the hosts it was asked to redial, in order.
    """

    def __init__(self, snapshot: FleetSnapshot | None = None) -> None:
        self.snapshot = snapshot
        self.focused: list[Focus] = []
        self.redialled: list[str] = []
        self._deliver: list[Callable[[FleetSnapshot], None]] = []

    def subscribe(self, deliver: Callable[[FleetSnapshot], None]) -> None:
        self._deliver.append(deliver)
        if self.snapshot is not None:
            deliver(self.snapshot)

    def focus(self, focus: Focus) -> None:
        self.focused.append(focus)

    def redial(self, host: str) -> None:
        self.redialled.append(host)

    def publish(self, snapshot: FleetSnapshot) -> None:
        """Deliver a snapshot to every subscriber."""
        self.snapshot = snapshot
        for deliver in self._deliver:
            deliver(snapshot)


class FakeAccess:
    """An access port that remembers what it was told.

    Attributes:
        answers: ids of questions with their answers, in order.
        trusted: the hosts of each call to `trust`, in order.
        failure: raised by `trust` if there is one.
    """

    def __init__(self, failure: LeptonError | None = None) -> None:
        self.answers: list[tuple[str, str | None]] = []
        self.trusted: list[tuple[str, ...]] = []
        self.failure = failure

    def answer(self, question_id: str, text: str | None) -> None:
        self.answers.append((question_id, text))

    async def trust(self, hosts: Sequence[str]) -> Trusted:
        if self.failure is not None:
            raise self.failure
        self.trusted.append(tuple(hosts))
        return Trusted(len(hosts), ("/home/oncall/.ssh/known_hosts",))
