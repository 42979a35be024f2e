"""Faults on a real host: each is noticed in time, shown in words, and gone again once it is mended.

With LEPTON_FAULT_TABLE=FILE the measured table is written there, as Markdown.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import polars as pl
import pytest
import pytest_asyncio

from leptontui.model.health import Severity
from leptontui.model.link import LinkState
from leptontui.model.target import Fleet, HostTarget
from leptontui.snapshot import FleetSnapshot
from leptontui.wiring.watch import FleetWatch
from tests.lab.conftest import GPUS, UNIT, Lab
from tests.lab.faults import FAULTS, HOST, Fault
from tests.lab.test_lab_fleet import Eyes

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]
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
    hosts = tuple(
        HostTarget(name, group="lab", ssh_config=str(lab.ssh_config), units=(UNIT,), gpus=GPUS) for name in ("h1", HOST)
    )
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


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
async def test_a_fault_is_noticed_shown_and_forgotten(fault: Fault, lab: Lab, eyes: Eyes, table: list[str]) -> None:
    host = next(host for host in lab.hosts if host.name == HOST)
    other_seq = seqs(eyes, "h1")
    await asyncio.to_thread(fault.break_it, host, lab)
    began = time.monotonic()
    try:
        seen = await eyes.until(lambda seen: fault.shown(seen) is not None, fault.within_s)
        noticed_s = time.monotonic() - began
        words = fault.shown(seen)
    finally:
        if fault.mend is not None:
            await asyncio.to_thread(fault.mend, host, lab)
    mended = time.monotonic()
    await eyes.until(lambda seen: is_well(seen) and fault.shown(seen) is None, fault.back_within_s)
    again_s = time.monotonic() - mended
    assert seqs(eyes, "h1") > other_seq, "the other host goes on"
    row = eyes.snapshot.frames.hosts.filter(pl.col("host") == "h1")  # type: ignore[union-attr]
    assert row["severity"].item() != Severity.UNKNOWN
    table.append(f"| {fault.name} | {noticed_s:.1f} s | {words} | {again_s:.1f} s |\n")


def seqs(eyes: Eyes, name: str) -> int:
    """How many sweeps of a host have arrived."""
    return sum(host == name for host, _ in eyes.sweeps)
