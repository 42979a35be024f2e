"""Three real hosts, watched through the whole path: OpenSSH, probe, NVML, wire, store, snapshot; and acted upon."""

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import polars as pl
import pytest

from leptontui.model.action import ActionName, ActionRequest, OutcomeKind
from leptontui.model.link import LinkState
from leptontui.model.target import Fleet, HostTarget
from leptontui.snapshot import FleetSnapshot
from leptontui.wire import Received, Sweep
from leptontui.wiring.watch import FleetWatch
from tests.lab.conftest import GPUS, UNIT, Lab, LabHost

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab"), pytest.mark.timeout(180)]


class Eyes:
    """Keeps every sweep and the newest snapshot of a running watch."""

    def __init__(self, watch: FleetWatch) -> None:
        self.watch = watch
        self.sweeps: list[tuple[str, Sweep]] = []
        self.snapshot: FleetSnapshot | None = None
        self._changed = asyncio.Event()
        watch.subscribe(self._see)
        offer = watch.engine.offer

        def keep(received: Received) -> None:
            if isinstance(received.message, Sweep):
                self.sweeps.append((received.host, received.message))
            offer(received)

        watch.engine.offer = keep  # type: ignore[method-assign]

    def _see(self, snapshot: FleetSnapshot) -> None:
        self.snapshot = snapshot
        self._changed.set()

    async def until(self, is_so: Callable[[FleetSnapshot], bool], within_s: float) -> FleetSnapshot:
        """Wait for a snapshot of which `is_so` holds."""
        async with asyncio.timeout(within_s):
            while self.snapshot is None or not is_so(self.snapshot):
                self._changed.clear()
                await self._changed.wait()
        return self.snapshot


@asynccontextmanager
async def watching(lab: Lab, *, can_act: bool = False) -> AsyncIterator[Eyes]:
    hosts = tuple(
        HostTarget(host.name, group="lab", ssh_config=str(lab.ssh_config), units=(UNIT,)) for host in lab.hosts
    )
    watch = FleetWatch(Fleet("lab", hosts), interval_s=1.0, can_act=can_act, has_forecasts=False)
    eyes = Eyes(watch)
    running = asyncio.create_task(watch.run())
    try:
        await eyes.until(lambda snapshot: snapshot.link_counts.live == len(hosts), 20)
        yield eyes
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def host_row(snapshot: FleetSnapshot, host: str) -> dict[str, object]:
    return snapshot.frames.hosts.filter(pl.col("host") == host).row(0, named=True)


def probes_left(host: LabHost, within_s: float = 10) -> list[str]:
    """Probes that still run on `host` when the time is up; returns as soon as there is none."""
    deadline = time.monotonic() + within_s
    while (left := host.probes()) and time.monotonic() < deadline:
        time.sleep(0.2)
    return left


async def test_every_sweep_of_every_host_arrives(lab: Lab) -> None:
    async with watching(lab) as eyes:
        began = len(eyes.sweeps)
        await asyncio.sleep(6)
        by_host = {host.name: [sweep for name, sweep in eyes.sweeps[began:] if name == host.name] for host in lab.hosts}
        for name, sweeps in by_host.items():
            assert len(sweeps) >= 5, name
            assert all(after.seq == before.seq + 1 for before, after in itertools.pairwise(sweeps)), name
        snapshot = eyes.snapshot
        assert snapshot is not None
        assert snapshot.dropped_sweeps == 0
        assert snapshot.frames.gpus.height == GPUS * len(lab.hosts)
        assert set(snapshot.frames.gpus["state"]) == {"present"}
        assert snapshot.frames.gpus["temp_c"].null_count() == 0
        for host in lab.hosts:
            row = host_row(snapshot, host.name)
            assert row["boot_id"] == host.ssh("cat /proc/sys/kernel/random/boot_id")
            assert row["memory_total_bytes"] == 1024 * int(host.ssh("awk '/^MemTotal/ {print $2}' /proc/meminfo"))


async def test_a_gpu_that_vanishes_stays_as_a_row(lab: Lab) -> None:
    h1 = lab.hosts[0]
    present: dict[str, object] = {"count": GPUS, **{f"gpu{i}.uuid": f"GPU-h1-{i}" for i in range(GPUS)}}
    async with watching(lab) as eyes:
        try:
            h1.readings({**present, "gpu3.lost": 1})
            gone = (pl.col("host") == "h1") & (pl.col("state") == "gone")
            snapshot = await eyes.until(lambda seen: seen.frames.gpus.filter(gone).height == 1, 20)
            assert snapshot.frames.gpus.filter(gone)["uuid"].to_list() == ["GPU-h1-3"]
        finally:
            h1.readings(present)


async def test_a_unit_is_really_restarted(lab: Lab) -> None:
    h2 = lab.hosts[1]
    before = h2.ssh(f"systemctl show -p MainPID --value {UNIT}")
    async with watching(lab, can_act=True) as eyes:
        desk = eyes.watch.commands
        assert desk is not None
        desk.arm()
        plan = await desk.plan(ActionRequest(ActionName.RESTART_UNIT, "h2", unit=UNIT))
        assert plan.steps[-1].argv[-1] == UNIT
        outcome = await desk.run(plan, plan.confirmation)
    assert outcome.kind is OutcomeKind.VERIFIED, outcome
    after = h2.ssh(f"systemctl show -p MainPID --value {UNIT}")
    assert int(after) > 0
    assert after != before


async def test_a_cut_cable_is_lost_and_then_live_again_by_itself(lab: Lab) -> None:
    h3 = lab.hosts[2]
    async with watching(lab) as eyes:
        h3.cut()
        cut_at = time.monotonic()
        try:
            lost = await eyes.until(lambda seen: seen.links["h3"].state is LinkState.LOST, 30)
            noticed_s = time.monotonic() - cut_at
            assert lost.links["h3"].fault is not None
            assert lost.link_counts.live == len(lab.hosts) - 1
            assert host_row(lost, "h3")["memory_total_bytes"] is not None, "the last values stay, with their age"
        finally:
            h3.mend()
        await eyes.until(lambda seen: seen.links["h3"].state is LinkState.LIVE, 60)
        print(f"cut cable noticed after {noticed_s:.1f} s")


async def test_a_reboot_gives_a_new_boot_id_and_no_negative_rate(lab: Lab) -> None:
    h1 = lab.hosts[0]
    rates = ("net_rx_bytes_per_s", "net_tx_bytes_per_s", "disk_read_bytes_per_s", "disk_write_bytes_per_s")
    async with watching(lab) as eyes:
        before = host_row(eyes.snapshot, "h1")["boot_id"]  # type: ignore[arg-type]
        lowest: list[float] = []

        def look(seen: FleetSnapshot) -> bool:
            row = host_row(seen, "h1")
            lowest.extend(value for name in rates if isinstance(value := row[name], float))
            return row["boot_id"] != before and seen.links["h1"].state is LinkState.LIVE

        h1.ssh("systemd-run --timer-property=AccuracySec=10ms --on-active=0.2 systemctl reboot")
        await eyes.until(look, 90)
        began = len(eyes.sweeps)
        await eyes.until(lambda seen: look(seen) and len(eyes.sweeps) > began + 9, 20)
        assert lowest
        assert min(lowest) >= 0


async def test_no_probe_is_left_on_any_host(lab: Lab) -> None:
    async with watching(lab):
        for host in lab.hosts:
            assert host.probes(), "while it is watched a probe runs"
    assert [left for host in lab.hosts for left in probes_left(host)] == []


async def test_no_probe_is_left_after_a_dropped_link(lab: Lab) -> None:
    h3 = lab.hosts[2]
    async with watching(lab) as eyes:
        (probe,) = h3.probes()
        h3.ssh("systemd-run --timer-property=AccuracySec=10ms --on-active=0.2 pkill -KILL -f sshd:.root@notty")
        await eyes.until(lambda seen: seen.links["h3"].dials == 2 and seen.links["h3"].state is LinkState.LIVE, 20)
        (redialled,) = h3.probes()
        assert redialled.split()[0] != probe.split()[0]
    assert probes_left(h3) == []


def test_check_from_the_command_line(lab: Lab, tmp_path: Path) -> None:
    inventory = tmp_path / "lab.toml"
    inventory.write_text(f'ssh_config = "{lab.ssh_config}"\n[[group]]\nname = "lab"\nhosts = ["h[1-3]"]\n')
    command = [sys.executable, "-m", "leptontui", "check", "--json", "--inventory", str(inventory)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    document = json.loads(finished.stdout)
    assert [host["name"] for host in document["hosts"]] == ["h1", "h2", "h3"]
    assert all(host["link"] == "live" and len(host["gpus"]) == GPUS for host in document["hosts"])
    assert finished.returncode in {0, 1, 2}, finished.stderr


def test_check_of_a_host_that_is_not_there_is_unknown(lab: Lab, tmp_path: Path) -> None:
    inventory = tmp_path / "lab.toml"
    inventory.write_text(f'ssh_config = "{lab.ssh_config}"\n[[group]]\nname = "lab"\nhosts = ["10.77.0.99"]\n')
    command = [sys.executable, "-m", "leptontui", "check", "--json", "--timeout", "5", "-i", str(inventory)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    (host,) = json.loads(finished.stdout)["hosts"]
    assert host["link"] in {"lost", "dialing", "refused"}
    assert host["age_s"] is None
    assert finished.returncode == 3, finished.stderr
