"""Hostile hosts, one by one: each is marked with a reason, none harms another, and nothing of it is shown raw."""

import asyncio
import gc
import json
import random
import time
import tracemalloc
from collections.abc import Callable

import msgspec
import polars as pl
import pytest
from hostile_host import QUICK, Chunks, hello, line, repeating, saying, sweep, texts_of, until, watched
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from leptontui.model.health import Severity
from leptontui.model.link import FaultKind, LinkState
from leptontui.snapshot import FleetSnapshot
from leptontui.sources.backoff import Patience
from leptontui.view.document import document_of, exit_code_of, plain_report
from leptontui.wire import MAX_LINE_BYTES, Event, Hello, Sweep

EVIL = "\x1b]0;owned\x07\x1b[2J[bold red]{}\u202e\x00$(reboot)\r\n"
GPU = [{"uuid": "G0", "util_pct": 1.0}]


def assert_fit_to_show(snapshot: FleetSnapshot) -> None:
    document = document_of(snapshot)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert all(text.isprintable() for text in texts_of([document]))
    assert all(said.isprintable() for said in plain_report(snapshot).split("\n"))
    for event in snapshot.events:
        assert all(text.isprintable() and len(text) <= 300 for text in (event.name, event.text, event.gpu_uuid or ""))
    assert all(text.isprintable() for said in snapshot.unavailable.values() for text in said)
    for frame in (getattr(snapshot.frames, name) for name in snapshot.frames.__slots__):
        for column in frame.select(pl.col(pl.String)):
            assert all(text.isprintable() for text in column.drop_nulls())
    assert exit_code_of(snapshot) in {0, 1, 2, 3}


def assert_good_is_well(snapshot: FleetSnapshot) -> None:
    """The other host is live, fresh and well."""
    good = snapshot.frames.hosts.filter(pl.col("host") == "good").row(0, named=True)
    assert snapshot.links["good"].state is LinkState.LIVE
    assert snapshot.t_unix_s - good["received_unix_s"] < 5
    assert "says what cannot be" not in good["health"]
    assert not any("not believed" in text for text in snapshot.unavailable.get("good", ()))


def is_good_live(snapshot: FleetSnapshot) -> bool:
    hosts = snapshot.frames.hosts.filter(pl.col("host") == "good")
    return snapshot.links["good"].state is LinkState.LIVE and hosts["received_unix_s"].null_count() == 0


def binary(number: int) -> bytes:
    return random.Random(number).randbytes(5000)


def thousands(number: int) -> bytes:
    return sweep(number, gpus=[{"uuid": f"G{index}"} for index in range(10_000)])


REFUSED: dict[str, tuple[Callable[[], Chunks], str]] = {
    "an endless line": (lambda: repeating(hello(), lambda _: b"x" * 65536), "line of more than"),
    "a long line": (lambda: saying(hello(), b"[" * (MAX_LINE_BYTES + 9) + b"\n"), "line of more than"),
    "binary": (lambda: repeating(b"", binary), "before the probe speaks"),
    "binary after the hello": (lambda: repeating(hello(), binary), "bad lines"),
    "invalid UTF-8": (lambda: repeating(hello(), lambda _: b'{"kind":"event","v":1,"name":"\xff\xfe"}\n'), "bad lines"),
    "not a number": (lambda: repeating(hello(), lambda n: sweep(n, load1=float("nan"))), "bad lines"),
    "infinity": (lambda: repeating(hello(), lambda n: sweep(n, load1=float("inf"))), "bad lines"),
    "beyond a double": (
        lambda: repeating(hello(), lambda n: sweep(n).replace(b'"seq"', b'"load1": 1e999, "seq"')),
        "bad lines",
    ),
    "numbers as strings": (lambda: repeating(hello(), lambda n: sweep(n, load1="1.5")), "bad lines"),
    "10,000 GPUs": (lambda: repeating(hello(), thousands), "bad lines"),
    "deeply nested": (lambda: repeating(hello(), lambda _: b"[" * 100_000 + b"\n"), "bad lines"),
    "another version": (lambda: saying(line({"kind": "hello", "v": 99, "t_unix_s": 1, "hostname": "h"})), "version 99"),
    "a version that is none": (lambda: saying(line({"kind": "hello", "v": "1\x1b[2J", "t_unix_s": 1})), "message"),
    "a flood of sweeps": (lambda: repeating(hello(), sweep), "floods"),
    "a flood of events": (
        lambda: repeating(hello(), lambda n: line({"kind": "event", "v": 1, "t_unix_s": n, "name": "xid", "code": 79})),
        "floods",
    ),
    "a flood of hellos": (lambda: repeating(hello(), lambda n: hello(boot_id=str(n))), "floods"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_not_the_protocol_is_refused_with_a_reason(name: str) -> None:
    speech, cause = REFUSED[name]
    async with watched(speech()) as snapshots:
        snapshot = await until(snapshots, lambda seen: has_ended(seen) and is_good_live(seen))
        fault = snapshot.links["bad"].fault
        assert fault is not None
        assert fault.kind is FaultKind.PROTOCOL
        assert cause in fault.cause
        assert fault.cause.isprintable()
        bad = snapshot.frames.hosts.filter(pl.col("host") == "bad").row(0, named=True)
        assert bad["severity"] == Severity.UNKNOWN
        assert cause in bad["link_cause"]
        assert_good_is_well(snapshot)
        assert_fit_to_show(snapshot)


def backwards(number: int) -> bytes:
    return line({"kind": "sweep", "v": 1, "seq": number, "t_unix_s": 1e9 - number, "t_mono_s": 1e6 - 60.0 * number})


ODD: dict[str, tuple[Callable[[int], bytes], str]] = {
    "negative memory": (lambda n: sweep(n, memory={"used_bytes": -4096}), "memory_used_bytes: -4096 is not believable"),
    "absurd numbers": (lambda n: sweep(n, load1=1e300), "load1: 1e+300 is not believable"),
    "huge integers": (lambda n: sweep(n, memory={"used_bytes": 10**4000}), "memory_used_bytes: a huge number"),
    "2,000 GPUs": (
        lambda n: sweep(n, gpus=[{"uuid": f"G{index}"} for index in range(2000)]),
        "gpus: 2000 were said, 256 are taken",
    ),
    "the same GPU twice": (lambda n: sweep(n, gpus=GPU * 2), "gpus: one is named twice"),
    "time running backwards": (backwards, "clock: its monotonic clock went backwards"),
    "escapes in names": (
        lambda n: sweep(n, gpus=GPU, processes=[{"uuid": "G0", "pid": 1, "command": EVIL, "user": EVIL}]),
        "command: control characters",
    ),
}


@pytest.mark.parametrize("name", ODD)
async def test_what_cannot_be_so_is_not_believed_and_the_host_is_marked(name: str) -> None:
    make, words = ODD[name]
    async with watched(repeating(hello(), make, 0.1)) as snapshots:
        snapshot = await until(
            snapshots,
            lambda seen: is_good_live(seen) and any(words in text for text in seen.unavailable.get("bad", ())),
        )
        bad = snapshot.frames.hosts.filter(pl.col("host") == "bad").row(0, named=True)
        assert snapshot.links["bad"].state is LinkState.LIVE
        assert bad["severity"] >= Severity.WARNING
        assert_good_is_well(snapshot)
        assert_fit_to_show(snapshot)


async def test_duplicate_keys_in_an_object_are_taken_as_one() -> None:
    twice = sweep(1).replace(b'"seq"', b'"load1": 1.0, "load1": 2.0, "seq"')
    async with watched(saying(hello(), twice)) as snapshots:
        seen = await until(snapshots, lambda seen: seen.frames.hosts["load1"].null_count() < 2)
        assert seen.frames.hosts.filter(pl.col("host") == "bad")["load1"].to_list() == [2.0]


def evil_of(kind: type[msgspec.Struct]) -> dict[str, object]:
    """A message with escapes and markup in every text, one item in every list, and plain numbers."""
    return {field.encode_name: _evil(field.type) for field in msgspec.inspect.type_info(kind).fields}


def _evil(of: object) -> object:
    match of:
        case msgspec.inspect.StructType():
            return {field.encode_name: _evil(field.type) for field in of.fields}
        case msgspec.inspect.UnionType():
            return _evil(of.types[0])
        case msgspec.inspect.VarTupleType():
            return [_evil(of.item_type)]
        case msgspec.inspect.StrType():
            return EVIL
        case msgspec.inspect.BoolType():
            return False
        case _:
            return 1


async def test_escapes_and_markup_in_every_text_of_every_message_are_shown_as_text() -> None:
    kinds = {"hello": Hello, "sweep": Sweep, "event": Event}
    said = [line({**evil_of(kind), "kind": tag, "v": 1}) for tag, kind in kinds.items()]
    named = line({"kind": "event", "v": 1, "t_unix_s": 1.0, "name": "xid", "gpu_uuid": EVIL, "code": 31, "text": EVIL})
    async with watched(repeating(said[0], lambda n: (said[1], said[2], named)[n % 3], 0.05)) as snapshots:
        seen = await until(snapshots, lambda seen: len(seen.events) > 1 and is_good_live(seen))
        gpu = seen.frames.gpus.filter(pl.col("host") == "bad").row(0, named=True)
        # Markup is text, and it is the screen that takes it for nothing else.
        assert "[bold red]" in gpu["name"]
        assert_fit_to_show(seen)
        assert_good_is_well(seen)


@pytest.mark.parametrize(
    ("speech", "states"),
    [
        (lambda: saying(hello()), {LinkState.STALE, LinkState.LOST}),
        (lambda: repeating(b"", lambda _: b"{", 0.02), {LinkState.STALE, LinkState.LOST}),
        (lambda: repeating(hello() + sweep(), lambda _: b" ", 0.02), {LinkState.STALE, LinkState.LOST}),
    ],
    ids=["silence after the hello", "a byte at a time", "a byte at a time after a sweep"],
)
async def test_silence_is_noticed_and_told(speech: Callable[[], Chunks], states: set[LinkState]) -> None:
    async with watched(speech(), QUICK) as snapshots:
        seen = await until(snapshots, lambda seen: seen.links["bad"].state in states and is_good_live(seen))
        assert seen.links["bad"].fault is not None
        seen = await until(snapshots, lambda seen: seen.links["bad"].state is LinkState.LOST and is_good_live(seen))
        assert "silent" in seen.frames.hosts.filter(pl.col("host") == "bad")["link_cause"][0]
        assert_good_is_well(seen)


def changing(number: int) -> bytes:
    """Everything new each time, as much as fits a line: GPUs, mounts, series, processes, services."""
    new = f"{number:06}-" + "x" * 60
    many = range(400)
    return sweep(
        number,
        gpus=[{"uuid": f"{new}{index}"} for index in many],
        filesystems=[{"mount": f"/{new}{index}"} for index in many],
        samples=[{"source": "s", "series": f"{new}{index}", "value": 1.0} for index in many],
        services=[{"service": f"{new}{index}"} for index in many],
        processes=[{"uuid": new, "pid": index, "command": new} for index in many],
    )


async def test_a_host_that_changes_everything_all_the_time_takes_bounded_memory() -> None:
    async def spoken(count: int) -> None:
        nonlocal said
        said = asyncio.Event()
        target[0] = progress[0] + count
        await asyncio.wait_for(said.wait(), 60)

    progress, target, said = [0], [0], asyncio.Event()

    def speak(number: int) -> bytes:
        progress[0] = number
        if number >= target[0]:
            said.set()
        return changing(number)

    async with watched(repeating(hello(), speak, 0.04), Patience()) as snapshots:
        await spoken(10)
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        await spoken(25)
        seen = await until(snapshots, is_good_live)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    bad = {name: getattr(seen.frames, name).filter(pl.col("host") == "bad").height for name in seen.frames.__slots__}
    assert bad["gpus"] <= 256
    assert bad["processes"] <= 512
    assert max(bad.values()) <= 512
    # A tick's worth of messages may be on its way; what the bad host said meanwhile is more.
    assert grown < 8 << 20
    assert_good_is_well(seen)


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


async def _snapshot_of(lines: list[bytes]) -> FleetSnapshot:
    spoken = asyncio.Event()

    async def speech() -> Chunks:
        for said in lines:
            yield said
        spoken.set()
        await asyncio.Event().wait()

    async with watched(speech()) as snapshots:
        await until(snapshots, lambda seen: spoken.is_set() or has_ended(seen))
        await snapshots.get()
        return await snapshots.get()


def has_ended(snapshot: FleetSnapshot) -> bool:
    return snapshot.links["bad"].state in {LinkState.REFUSED, LinkState.LOST}


@settings(
    max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.explicit, Phase.generate)
)
@given(HELLOS, st.lists(st.one_of(HELLOS, SWEEPS, SWEEPS, EVENTS), max_size=6))
def test_an_absurd_host_is_reported_like_any_other(first: object, messages: list[object]) -> None:
    lines = [json.dumps(message).encode() + b"\n" for message in (first, *messages)]
    snapshot = asyncio.run(_snapshot_of(lines))
    assert_fit_to_show(snapshot)
