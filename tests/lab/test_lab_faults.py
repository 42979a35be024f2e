"""Faults on a real host: each is noticed in time, shown in words, and gone again once it is mended.

With LEPTON_FAULT_TABLE=FILE the measured table is written there, as Markdown.
"""

import asyncio
import contextlib
import dataclasses
import os
import subprocess
import textwrap
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import polars as pl
import pytest
import pytest_asyncio

from leptontui.model.health import Severity
from leptontui.model.link import LinkState
from leptontui.model.target import Fleet, HostTarget, ServiceSpec
from leptontui.snapshot import FleetSnapshot
from leptontui.wiring.watch import FleetWatch
from tests.lab.conftest import GPUS, UNIT, Lab, LabHost
from tests.lab.faults import FAULTS, HOST, SERVICE, SERVICE_TEXT, SERVICE_UNIT, Fault
from tests.lab.test_lab_fleet import Eyes

pytestmark = [pytest.mark.lab, pytest.mark.xdist_group("lab"), pytest.mark.timeout(240)]
MOST_WORDS = 90
GOES_ON_S = 10.0
"""How soon another sweep of the host beside is seen."""
HEADER = "| fault | noticed after | shown as | well again after |\n| --- | --- | --- | --- |\n"


@pytest.fixture(scope="module")
def table() -> Iterator[list[str]]:
    """The rows measured so far; printed and, where asked for, written at the end."""
    rows: list[str] = []
    yield rows
    text = HEADER + "".join(rows)
    print(text)
    if path := os.environ.get("LEPTON_FAULT_TABLE"):
        Path(path).write_text(text)


@pytest_asyncio.fixture
async def eyes(lab: Lab) -> AsyncIterator[Eyes]:
    """A watch of the host that suffers, and of one that does not."""
    suffering = next(host for host in lab.hosts if host.name == HOST)
    (suffering.root / "etc/systemd/system" / SERVICE_UNIT).write_text(SERVICE_TEXT)
    await asyncio.to_thread(suffering.ssh, f"systemctl daemon-reload && systemctl start {SERVICE_UNIT}")
    well = HostTarget("h1", group="lab", ssh_config=str(lab.ssh_config), units=(UNIT,), gpus=GPUS)
    service = ServiceSpec(SERVICE, health="http://127.0.0.1:8000/", interval_s=2.0)
    hosts = (well, dataclasses.replace(well, name=HOST, services=(service,)))
    watch = FleetWatch(Fleet("lab", hosts), interval_s=1.0, can_act=False, has_forecasts=False)
    seeing = Eyes(watch)
    running = asyncio.create_task(watch.run())
    try:
        await seeing.until(lambda seen: is_well(seen) and seen.links["h1"].state is LinkState.LIVE, 60)
        yield seeing
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def is_well(seen: FleetSnapshot) -> bool:
    """Whether the host is live and all its GPUs are there."""
    gpus = seen.frames.gpus.filter((pl.col("host") == HOST) & (pl.col("state") == "present"))
    return seen.links[HOST].state is LinkState.LIVE and gpus.height == GPUS


def wait_for(host: LabHost) -> None:
    """Wait until the host lets OpenSSH's own client in."""
    for _ in range(100):
        with contextlib.suppress(subprocess.CalledProcessError):
            host.ssh("true")
            return
        time.sleep(0.2)


def state_of(eyes: Eyes) -> str:
    """What is shown of the host that suffers."""
    assert eyes.snapshot is not None
    frames = eyes.snapshot.frames
    host = frames.hosts.filter(pl.col("host") == HOST).select("link", "health").rows()
    gpus = frames.gpus.filter(pl.col("host") == HOST).select("index", "state", "health").rows()
    return f"{eyes.snapshot.links[HOST]} {host} {gpus} {eyes.snapshot.events}"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
async def test_a_fault_is_noticed_shown_and_forgotten(fault: Fault, lab: Lab, eyes: Eyes, table: list[str]) -> None:
    host = next(host for host in lab.hosts if host.name == HOST)
    other_seq = seqs(eyes, "h1")
    await asyncio.to_thread(fault.break_it, host, lab)
    began = time.monotonic()
    try:
        try:
            seen = await eyes.until(lambda seen: fault.shown(seen) is not None, fault.within_s)
        except TimeoutError:
            pytest.fail(f"not noticed: {state_of(eyes)}")
        noticed_s = time.monotonic() - began
        words = fault.shown(seen)
    finally:
        if fault.mend is not None:
            await asyncio.to_thread(fault.mend, host, lab)
    if fault.is_redialled:
        await asyncio.to_thread(wait_for, host)
        eyes.watch.redial(HOST)
    mended = time.monotonic()
    try:
        await eyes.until(lambda seen: is_well(seen) and (fault.stays or fault.shown(seen) is None), fault.back_within_s)
    except TimeoutError:
        pytest.fail(f"not well again: {state_of(eyes)}")
    again = "stays until acted upon" if fault.stays else f"{time.monotonic() - mended:.1f} s"
    again += " after a redial by hand" if fault.is_redialled else ""
    try:
        await eyes.until(lambda _: seqs(eyes, "h1") > other_seq, GOES_ON_S)
    except TimeoutError:
        pytest.fail(f"the other host does not go on: {state_of(eyes)}")
    row = eyes.snapshot.frames.hosts.filter(pl.col("host") == "h1")  # type: ignore[union-attr]
    assert row["severity"].item() != Severity.UNKNOWN
    table.append(f"| {fault.name} | {noticed_s:.1f} s | {textwrap.shorten(words or '', MOST_WORDS)} | {again} |\n")


def seqs(eyes: Eyes, name: str) -> int:
    """How many sweeps of a host have arrived."""
    return sum(host == name for host, _ in eyes.sweeps)
