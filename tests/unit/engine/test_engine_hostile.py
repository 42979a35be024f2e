"""Whatever a host says, from its line to the report of `check`: nothing is raised, nothing unprintable shown."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Sequence

import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from leptontui.engine.engine import Engine
from leptontui.model.target import Fleet, HostTarget
from leptontui.snapshot import FleetSnapshot
from leptontui.sources.ssh_fleet import LaunchPlan, SshFleetSource
from leptontui.transport.contract import Completed
from leptontui.view.document import document_of, exit_code_of, plain_report
from leptontui.wire import Event, Hello, Sweep

FLEET = Fleet("test", (HostTarget("a"),))


class SaidStream:
    """Says what it was given, then is silent."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = lines
        self.said = asyncio.Event()

    async def lines(self) -> AsyncIterator[bytes]:
        for line in self._lines:
            yield line
        self.said.set()
        await asyncio.Event().wait()

    async def close(self) -> Completed:
        self.said.set()
        return Completed(0, "", "")


class SaidTransport:
    """The way to a host that says what it was given."""

    address = "a:22"

    def __init__(self, stream: SaidStream) -> None:
        self._stream = stream

    async def connect(self) -> None:
        """Nothing to dial."""

    async def run(self, argv: Sequence[str], *, timeout_s: float = 30.0, stdin: bytes = b"") -> Completed:
        raise NotImplementedError

    async def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> SaidStream:
        return self._stream

    async def close(self) -> None:
        """Nothing to hang up."""


async def _snapshot_of(lines: Sequence[bytes]) -> FleetSnapshot:
    stream = SaidStream(lines)
    source = SshFleetSource(
        FLEET.hosts,
        interval_s=1.0,
        connect=lambda _: SaidTransport(stream),
        launch=LaunchPlan(("probe",), lambda **_: b""),
        random=random.Random(0),
    )
    engine = Engine(FLEET, [source], interval_s=1.0)
    snapshots: asyncio.Queue[FleetSnapshot] = asyncio.Queue()
    engine.subscribe(snapshots.put_nowait)
    running = asyncio.ensure_future(engine.run())
    said = asyncio.ensure_future(stream.said.wait())
    try:
        await asyncio.wait({running, said}, return_when=asyncio.FIRST_COMPLETED)
        for _ in range(snapshots.qsize() + 1):
            newest = asyncio.ensure_future(snapshots.get())
            await asyncio.wait({running, newest}, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                running.result()
        return newest.result()
    finally:
        running.cancel()
        said.cancel()
        await asyncio.gather(running, said, return_exceptions=True)


def texts_in(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in texts_in(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts_in(item)]
    return []


TEXTS = st.text(max_size=20) | st.sampled_from(
    ["", "\x1b]0;x\x07", "\x00", "\u202e", "[red]", "/", "{}", "GPU-0", "GPU-1", "xid", "gpu-lost", "driver-hung", "lo"]
)
WHOLE = st.integers() | st.sampled_from([0, -1, 2**31, 2**63, -(2**63), 2**64, 10**400])
REAL = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, -1.0, 1e308, -1e308, 5e-324, time.time()]
)


def _like(of: object) -> st.SearchStrategy[object]:
    """JSON that msgspec takes for the type `of`, as absurd as possible."""
    match of:
        case msgspec.inspect.StructType():
            required = {field.encode_name: _like(field.type) for field in of.fields if field.required}
            optional = {field.encode_name: _like(field.type) for field in of.fields if not field.required}
            tag = {"kind": st.just(of.tag)} if of.tag_field else {}
            found = st.fixed_dictionaries({**tag, **required, "v": st.just(1)}, optional=optional)
        case msgspec.inspect.UnionType():
            found = st.one_of(*map(_like, of.types))
        case msgspec.inspect.VarTupleType():
            found = st.lists(_like(of.item_type), max_size=3)
        case _:
            found = _PLAIN.get(type(of), st.none())
    return found


_PLAIN = {
    msgspec.inspect.StrType: TEXTS,
    msgspec.inspect.IntType: WHOLE,
    msgspec.inspect.FloatType: REAL,
    msgspec.inspect.BoolType: st.booleans(),
}
HELLOS, SWEEPS, EVENTS = (_like(msgspec.inspect.type_info(kind)) for kind in (Hello, Sweep, Event))


@settings(
    max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
@given(HELLOS, st.lists(st.one_of(HELLOS, SWEEPS, SWEEPS, EVENTS), max_size=6))
def test_an_absurd_host_is_reported_like_any_other(hello: object, messages: list[object]) -> None:
    lines = [json.dumps(message).encode() for message in (hello, *messages)]
    snapshot = asyncio.run(_snapshot_of(lines))
    document = document_of(snapshot)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert all(text.isprintable() for text in texts_in(document))
    assert all(line.isprintable() for line in plain_report(snapshot).split("\n"))
    for event in snapshot.events:
        assert all(text.isprintable() and len(text) <= 300 for text in (event.name, event.text, event.gpu_uuid or ""))
    assert exit_code_of(snapshot) in {0, 1, 2, 3}
