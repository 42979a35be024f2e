"""The engine from a source's message to a published snapshot, and on its own thread."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from leptontui.engine.engine import Engine
from leptontui.engine.thread import EngineThread
from leptontui.engine.threaded_ports import ThreadedCommands
from leptontui.errors import ActionError
from leptontui.model.action import ActionName, ActionRequest, Danger, Outcome, OutcomeKind, Plan
from leptontui.model.focus import Focus
from leptontui.model.health import Severity
from leptontui.model.link import Link, LinkState
from leptontui.model.series import Entity, SeriesKey
from leptontui.model.target import Fleet, HostTarget
from leptontui.snapshot import FleetSnapshot
from leptontui.sources.contract import Sink
from leptontui.wire import Event, GpuIdentity, GpuReading, Hello, Received, Sweep, Unavailable

FLEET = Fleet("test", (HostTarget("a", scheduler="slurm"), HostTarget("silent")))


class ScriptedSource:
    """Says hello, sends sweeps and an event, then waits to be cancelled."""

    def __init__(self, sweeps: int = 3, failure: BaseException | None = None) -> None:
        self.sweeps = sweeps
        self.failure = failure
        self.redialled: list[str] = []
        self.is_closed = False

    async def run(self, sink: Sink) -> None:
        now = time.time()
        gpus = (GpuIdentity(0, "GPU-0", name="H100", memory_total_bytes=80 << 30, temp_slowdown_c=87.0),)
        missing = (Unavailable("ecc", "not supported\x1b[31m"),)
        sink.offer(Received("a", Hello(1, now, "a", gpus=gpus, unavailable=missing), now, time.monotonic()))
        for seq in range(self.sweeps):
            reading = GpuReading("GPU-0", util_pct=50.0 + seq, temp_c=60.0)
            sweep = Sweep(1, seq, now + seq, 1000.0 + seq, gpus=(reading,))
            sink.offer(Received("a", sweep, time.time(), time.monotonic()))
        sink.offer(Received("a", Event(1, now, "xid", "GPU-0", 79, "off the \x1b]0;x\x07bus"), now, time.monotonic()))
        sink.link_changed(Link("a", LinkState.LIVE, now))
        if self.failure:
            raise self.failure
        try:
            await asyncio.Event().wait()
        finally:
            self.is_closed = True

    def redial(self, host: str) -> None:
        self.redialled.append(host)


async def first(engine: Engine, is_so: Callable[[FleetSnapshot], bool]) -> FleetSnapshot:
    found: asyncio.Queue[FleetSnapshot] = asyncio.Queue()
    engine.subscribe(lambda snapshot: found.put_nowait(snapshot) if is_so(snapshot) else None)
    running = asyncio.create_task(engine.run())
    try:
        async with asyncio.timeout(10):
            return await found.get()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_what_a_source_says_is_published() -> None:
    source = ScriptedSource()
    engine = Engine(FLEET, [source], interval_s=1.0)
    engine.look_at(Focus(chart=SeriesKey("a", Entity.GPU, "GPU-0", "temp_c")))
    snapshot = await first(engine, lambda seen: seen.frames.gpus.height == 1 and seen.link_counts.live == 1)
    assert source.is_closed
    gpu = snapshot.frames.gpus.row(0, named=True)
    assert (gpu["host"], gpu["name"], gpu["util_pct"]) == ("a", "H100", 52.0)
    assert gpu["severity"] == Severity.CRITICAL
    assert "79" in gpu["health"]
    assert snapshot.frames.hosts["host"].to_list() == ["a", "silent"]
    assert snapshot.frames.hosts["received_unix_s"].to_list()[1] is None, "never seen is null, not zero"
    assert snapshot.newest_age_s is not None
    assert snapshot.newest_age_s < 5
    assert (engine.age_s_of("a") or 0) < 5
    assert engine.age_s_of("silent") is None


async def test_host_text_is_clean_before_it_is_published() -> None:
    snapshot = await first(Engine(FLEET, [ScriptedSource()], interval_s=1.0), lambda seen: bool(seen.events))
    assert "\x1b" not in snapshot.events[0].text
    assert "\x07" not in snapshot.events[0].text
    assert "\x1b" not in snapshot.unavailable["a"][0]


async def test_events_are_told_by_our_clock_however_wrong_the_hosts_is() -> None:
    hour_behind = time.time() - 3600

    class Behind(ScriptedSource):
        async def run(self, sink: Sink) -> None:
            sink.offer(Received("a", Hello(1, hour_behind, "a"), time.time(), 1.0))
            sink.offer(Received("a", Event(1, hour_behind, "xid", None, 79, ""), time.time(), 1.0))
            await asyncio.Event().wait()

    snapshot = await first(Engine(FLEET, [Behind()], interval_s=1.0), lambda seen: bool(seen.events))
    assert abs(snapshot.events[0].t_unix_s - time.time()) < 60


async def test_a_failing_part_ends_the_engine_and_is_not_swallowed() -> None:
    engine = Engine(FLEET, [ScriptedSource(failure=ZeroDivisionError("boom"))], interval_s=1.0)
    with pytest.raises(ExceptionGroup) as caught:
        await engine.run()
    assert caught.group_contains(ZeroDivisionError)


class Desk:
    """A command port that remembers on which thread it was asked."""

    armed_until_unix_s: float | None = None

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None

    def arm(self) -> float:
        self.armed_until_unix_s = time.time() + 900
        return self.armed_until_unix_s

    def disarm(self) -> None:
        self.armed_until_unix_s = None

    async def plan(self, request: ActionRequest) -> Plan:
        self.thread = threading.current_thread()
        return Plan("p", request, "Drain a", Danger.DESTRUCTIVE, (), "scontrol show node a", confirmation="a")

    async def run(self, plan: Plan, confirmation: str, override: str = "") -> Outcome:
        return Outcome(plan.plan_id, OutcomeKind.VERIFIED, confirmation)


class ScriptedWatch(Engine):
    def __init__(self, source: ScriptedSource) -> None:
        super().__init__(FLEET, [source], interval_s=1.0)
        self.commands = Desk()


async def test_the_engine_runs_on_a_thread_of_its_own() -> None:
    source = ScriptedSource()
    failures: list[str] = []
    seen = threading.Event()
    watch: list[ScriptedWatch] = []

    def build() -> ScriptedWatch:
        watch.append(ScriptedWatch(source))
        return watch[0]

    thread = EngineThread(build, failures.append)
    commands = ThreadedCommands(thread)
    with pytest.raises(ActionError):
        commands.arm()
    thread.subscribe(lambda snapshot: seen.set() if snapshot.frames.gpus.height else None)
    thread.focus(Focus(host="a"))
    thread.start()
    try:
        assert await asyncio.to_thread(seen.wait, 10)
        request = ActionRequest(ActionName.DRAIN, "a", reason="why")
        plan = await commands.plan(request)
        assert plan.request == request
        assert watch[0].commands.thread is not threading.current_thread()
        assert (await commands.run(plan, "a")).summary == "a"
        assert commands.arm() == commands.armed_until_unix_s
        commands.disarm()
        assert commands.armed_until_unix_s is None
        thread.redial("a")
        await commands.plan(request)
        assert source.redialled == ["a"]
    finally:
        await asyncio.to_thread(thread.stop)
    assert source.is_closed
    assert failures == []
    with pytest.raises(ActionError, match="the engine has ended"):
        await commands.plan(request)


class PanicException(BaseException):
    """As polars raises it: not an Exception."""


@pytest.mark.parametrize("failure", [ZeroDivisionError("boom"), PanicException("boom")], ids=["error", "panic"])
async def test_a_failing_engine_is_reported_in_words(failure: BaseException) -> None:
    failed = threading.Event()
    words: list[str] = []

    def report(text: str) -> None:
        words.append(text)
        failed.set()

    thread = EngineThread(lambda: ScriptedWatch(ScriptedSource(failure=failure)), report)
    thread.start()
    assert await asyncio.to_thread(failed.wait, 10)
    await asyncio.to_thread(thread.stop)
    assert words == [f"{type(failure).__name__}: boom"]
