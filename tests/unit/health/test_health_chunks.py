"""However polars has cut the frames into chunks, empty ones among them, the verdicts are the same."""

import random
from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from leptontui.health import filesystems, gpu_findings, host_findings, parts
from leptontui.health.assess import assess_gpus, assess_hosts
from leptontui.health.circumstances import Circumstances
from leptontui.model.health import HostEvent
from leptontui.model.series import Entity, Eta, SeriesKey

NOW = 1e9
CHOICES: dict[str, list[Any]] = {
    "link": ["live", "live", "live", "stale", "lost", "refused", "dialing", None],
    "state": ["present", "present", "gone", None],
    "received_unix_s": [None, NOW - 1e5, NOW - 5],
    "mount": ["/", "/data", "/x" * 30],
    "fstype": ["ext4", "xfs", None, "squashfs"],
    "util_pct": [99.0, 100.0, None],
    "clock_sm_mhz": [1900.0, 1900.0, 1900.0, 500.0, None],
    "trend_util_pct": [[0.0] * 15, [0.0, None], [], None],
    "recovery_action": ["none", "reset", "reboot", "drain P2P", "something new", None],
    "active": ["active", "failed", "activating", None],
}
OF_TYPE: dict[pl.DataType, list[Any]] = {
    pl.String(): ["a", "", "b", None],
    pl.Boolean(): [True, False, None],
    pl.Int64(): [0, 1, 8, 64, 128, 16, None],
    pl.Float64(): [0.0, 1.0, 50.0, 90.0, 95.0, 100.0, 1000.0, None],
}


def frame_of(schema: dict[str, pl.DataType], chance: random.Random) -> pl.DataFrame:
    rows = range(chance.randint(0, 14))
    columns = {
        "host": [f"h{chance.randint(0, 4)}" for _ in rows],
        "uuid": [f"G{row}" for row in rows],
    }
    return pl.DataFrame(
        [
            pl.Series(name, columns.get(name) or chance.choices(CHOICES.get(name) or OF_TYPE[of], k=len(rows)), of)
            for name, of in schema.items()
        ]
    )


def cut(frame: pl.DataFrame, chance: random.Random) -> pl.DataFrame:
    parts, start = [frame[:0]], 0
    while start < frame.height:
        size = chance.choice([0, 1, 1, 2, 5])
        parts.append(frame[start : start + size])
        start += size
    return pl.concat(parts, rechunk=False)


@pytest.mark.parametrize("seed", range(25))
def test_chunks_make_no_difference_to_a_verdict(seed: int) -> None:
    chance = random.Random(seed)
    gpus = frame_of({**gpu_findings.SCHEMA, "index": pl.Int64()}, chance)
    mounts = frame_of(filesystems.SCHEMA, chance)
    hosts = frame_of(host_findings.SCHEMA, chance).unique("host", maintain_order=True)
    events = [
        HostEvent(f"h{n}", NOW - 60, name, uuid, 79, "")
        for n, (name, uuid) in enumerate([("xid", "G1"), ("gpu-lost", "G2"), ("driver-hung", None), ("oom-kill", None)])
    ]
    eta = Eta(90.0, NOW + 60, NOW + 120, NOW + 200)
    etas = {
        SeriesKey(host, entity, instance, metric): eta
        for host in ("h0", "h1", "h2")
        for entity, instance, metric in (
            (Entity.GPU, "G3", "temp_c"),
            (Entity.GPU, "G4", "memory_used_bytes"),
            (Entity.HOST, "", "memory_used_bytes"),
            (Entity.FILESYSTEM, "/data", "used_bytes"),
        )
    }
    whole = assess_gpus(gpus, events, etas, now_unix_s=NOW)
    cut_up = assess_gpus(cut(gpus, chance), events, etas, now_unix_s=NOW)
    assert cut_up.equals(whole)
    latest = {Entity.FILESYSTEM: mounts} | {of: frame_of(schema, chance) for of, schema in parts.SCHEMAS.items()}
    happened = {of: frame_of(schema, chance) for of, schema in parts.HAPPENED.items()}
    pieces = {of: cut(frame, chance) for of, frame in latest.items()}
    known = Circumstances(happened=happened, odd={"h1": ("gpus: odd",)}, hung=frozenset({"h2"}))
    of_hosts = assess_hosts(hosts, whole, latest, events, etas, now_unix_s=NOW, known=known)
    known = replace(known, happened={of: cut(frame, chance) for of, frame in happened.items()})
    again = assess_hosts(cut(hosts, chance), cut(whole, chance), pieces, events, etas, now_unix_s=NOW, known=known)
    assert again.equals(of_hosts)
