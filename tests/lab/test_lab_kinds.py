"""Hosts of every kind at once in one fleet: all live, each saying what it cannot tell, and nothing left behind."""

import asyncio
import itertools
from pathlib import Path

import polars as pl
import pytest

from leptontui.model.link import LinkState
from leptontui.model.target import Fleet, HostTarget
from leptontui.snapshot import FleetSnapshot
from leptontui.wiring.watch import FleetWatch
from tests.lab.conftest import HOME, Lab, LabHost, lab_sh
from tests.lab.kinds import KINDS, Kind, KindHost
from tests.lab.test_lab_fleet import Eyes, host_row

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab"), pytest.mark.timeout(300)]
FIRST = 4
"""The lab's first three hosts stay as they are."""


@pytest.fixture(scope="module")
def kinds(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All kinds of hosts, up; returns the client's configuration that knows them by name."""
    directory = tmp_path_factory.mktemp("kinds")
    lab_sh("up", str(FIRST - 1 + len(KINDS)))
    hosts = [LabHost(f"h{n}", f"10.77.0.{10 + n}", HOME / f"h{n}/root") for n in range(FIRST, FIRST + len(KINDS))]
    lines = [lab.ssh_config.read_text()]
    for kind, host in zip(KINDS, hosts, strict=True):
        host.readings({"count": kind.gpus, **{f"gpu{i}.uuid": f"GPU-{kind.name}-{i}" for i in range(kind.gpus)}})
        library = lab.hosts[0].root / "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1"
        (host.root / "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1").write_bytes(library.read_bytes())
        host.ssh("ldconfig")
        kind.make(KindHost(host.name, host.address, host.root, host.ssh, directory))
        lines.append(entry_of(kind, host, directory))
    config = directory / "ssh_config"
    config.write_text("\n".join(lines))
    return config


def entry_of(kind: Kind, host: LabHost, keys: Path) -> str:
    """The host's lines in the client's configuration; the first value of each keyword wins."""
    own = [option.format(keys=keys) for option in kind.options]
    given = {option.split()[0] for option in own}
    rest = {
        "HostName": host.address,
        "HostKeyAlias": host.address,
        "User": "root",
        "IdentityFile": str(HOME / "key"),
        "UserKnownHostsFile": str(HOME / "known_hosts"),
        "IdentitiesOnly": "yes",
    }
    own += [f"{key} {value}" for key, value in rest.items() if key not in given]
    return "\n  ".join([f"Host {kind.name}", *own]) + "\n"


def faults(eyes: Eyes) -> str:
    """Which links are not live, and why."""
    links = eyes.snapshot.links.items() if eyes.snapshot is not None else ()
    return "\n".join(f"{name} {link.state}: {link.fault}" for name, link in links if link.state is not LinkState.LIVE)


def lacks(snapshot: FleetSnapshot, host: str) -> str:
    """What cannot be read of a host, and why."""
    return "; ".join(snapshot.unavailable.get(host, ()))


async def test_every_kind_of_host_is_live_at_once(kinds: Path) -> None:
    targets = tuple(HostTarget(kind.name, group="kinds", ssh_config=str(kinds)) for kind in KINDS)
    watch = FleetWatch(Fleet("kinds", targets), interval_s=1.0, can_act=False, has_forecasts=False)
    eyes = Eyes(watch)
    running = asyncio.create_task(watch.run())
    try:
        try:
            live = await eyes.until(lambda seen: seen.link_counts.live == len(KINDS), 60)
        except TimeoutError:
            pytest.fail(f"not live: {faults(eyes)}")
        began = len(eyes.sweeps)
        await asyncio.sleep(6)
        snapshot = eyes.snapshot
        assert snapshot is not None
        assert snapshot.link_counts.live == len(KINDS), faults(eyes)
        for kind in KINDS:
            row = host_row(snapshot, kind.name)
            assert row["runtime"] == kind.runtime, kind.name
            assert row["cpu_util_pct"] is not None, kind.name
            assert row["memory_total_bytes"] == host_row(live, kind.name)["memory_total_bytes"]
            gpus = snapshot.frames.gpus.filter(pl.col("host") == kind.name)
            assert gpus.height == kind.gpus, kind.name
            assert gpus["temp_c"].null_count() == 0, kind.name
            seqs = [sweep.seq for name, sweep in eyes.sweeps[began:] if name == kind.name]
            assert len(seqs) >= 2, kind.name
            assert all(after == before + 1 for before, after in itertools.pairwise(seqs)), kind.name
        # The journal is given a while to show a line before it is called unreadable.
        snapshot = await eyes.until(lambda seen: "kernel log" in lacks(seen, "plain-user"), 30)
        said = {kind.name: lacks(snapshot, kind.name) for kind in KINDS}
        assert "python" in said["no-python"].lower()
        assert "python" in said["busybox"].lower()
        assert "hidepid" in said["plain-user"]
        print(*(f"{name}: {words}" for name, words in said.items()), sep="\n")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
