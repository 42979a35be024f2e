"""A host that says whatever it is told to, beside one that is honest, watched by a real engine through real links."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from leptontui.engine.engine import Engine
from leptontui.model.target import Fleet, HostTarget
from leptontui.snapshot import FleetSnapshot
from leptontui.sources.backoff import Patience
from leptontui.sources.ssh_fleet import LaunchPlan, SshFleetSource
from leptontui.transport.contract import Completed
from leptontui.transport.lines import LineBuffer

FLEET = Fleet("test", (HostTarget("bad"), HostTarget("good")))
PATIENT = Patience(stale_s=10.0, silence_s=60.0, start_s=60.0, tick_s=0.05, first_s=60.0, longest_s=120.0)
"""For hosts that speak, however slow this machine is."""
QUICK = Patience(stale_s=0.3, silence_s=0.3, start_s=0.6, tick_s=0.05, first_s=60.0, longest_s=120.0)

Chunks = AsyncIterator[bytes]


def line(message: dict[str, object]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def hello(**fields: object) -> bytes:
    return line({"kind": "hello", "v": 1, "t_unix_s": 1.76e9, "hostname": "h", "boot_id": "b", **fields})


def sweep(seq: int = 0, **fields: object) -> bytes:
    return line({"kind": "sweep", "v": 1, "seq": seq, "t_unix_s": 1.76e9 + seq, "t_mono_s": 100.0 + seq, **fields})


async def honest() -> Chunks:
    """An ordinary host with one GPU, which sweeps ten times a second."""
    yield hello(gpus=[{"index": 0, "uuid": "G0"}])
    seq = 0
    while True:
        yield sweep(seq, gpus=[{"uuid": "G0", "util_pct": 50.0}])
        await asyncio.sleep(0.1)
        seq += 1


async def saying(*chunks: bytes) -> Chunks:
    """Says this, then nothing more."""
    for chunk in chunks:
        yield chunk
    await asyncio.Event().wait()


async def repeating(first: bytes, chunks: Callable[[int], bytes], pause_s: float = 0.0) -> Chunks:
    """Says `first`, then one chunk after the other without end."""
    yield first
    number = 0
    while True:
        yield chunks(number)
        number += 1
        await asyncio.sleep(pause_s)


class SaidStream:
    """Lines out of chunks, as the SSH transport makes them."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks

    async def lines(self) -> AsyncIterator[bytes]:
        buffer = LineBuffer()
        async for chunk in self._chunks:
            for found in buffer.feed(chunk):
                yield found

    async def close(self) -> Completed:
        return Completed(0, "", "")


class SaidTransport:
    """The way to a host that says what it was given."""

    address = "h:22"

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks

    async def connect(self) -> None:
        """Nothing to dial."""

    async def run(self, argv: Sequence[str], **how: object) -> Completed:
        raise NotImplementedError

    async def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> SaidStream:
        return SaidStream(self._chunks)

    async def close(self) -> None:
        """Nothing to hang up."""


@asynccontextmanager
async def watched(bad: Chunks, patience: Patience = PATIENT) -> AsyncIterator[asyncio.Queue[FleetSnapshot]]:
    """Watch a bad and a good host; gives the queue of the newest few snapshots."""
    source = SshFleetSource(
        FLEET.hosts,
        interval_s=0.1,
        # The good one speaks anew at each dialling: on a busy machine it may be lost for once.
        connect=lambda target: SaidTransport(bad if target.name == "bad" else honest()),
        launch=LaunchPlan(("probe",), lambda **_: b""),
        random=random.Random(0),
        patience=patience,
    )
    engine = Engine(FLEET, [source], interval_s=0.1)
    snapshots: asyncio.Queue[FleetSnapshot] = asyncio.Queue(8)

    def keep(snapshot: FleetSnapshot) -> None:
        if snapshots.full():
            snapshots.get_nowait()
        snapshots.put_nowait(snapshot)

    engine.subscribe(keep)
    running = asyncio.create_task(engine.run())
    try:
        yield snapshots
        assert not running.done(), running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(snapshots: asyncio.Queue[FleetSnapshot], is_so: Callable[[FleetSnapshot], bool]) -> FleetSnapshot:
    """The first snapshot of which something is so."""
    async with asyncio.timeout(30):
        while True:
            snapshot = await snapshots.get()
            if is_so(snapshot):
                return snapshot


def texts_of(values: Iterable[object]) -> list[str]:
    """All texts in nested JSON."""
    found: list[str] = []
    for value in values:
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            found += texts_of([*value.keys(), *value.values()])
        elif isinstance(value, list):
            found += texts_of(value)
    return found
