"""This machine as a source of sweeps."""

import asyncio
import contextlib
import threading

import pytest

from leptontui.model.link import FaultKind, LinkState
from leptontui.model.target import HostTarget
from leptontui.probe.accelerators import Accelerators
from leptontui.probe.amd import AmdGpus
from leptontui.probe.driver import LIMIT_S, Driver
from leptontui.probe.gpus import Gpus
from leptontui.sources.local import LocalSource
from leptontui.sources.machine import Machine
from leptontui.wire import Event, Hello, Sweep


class Listening:
    """A sink that keeps what it is told and lets a test wait for it."""

    def __init__(self):
        self.received = []
        self.links = []
        self._changed = asyncio.Event()

    def offer(self, received):
        self.received.append(received)
        self._changed.set()

    def link_changed(self, link):
        self.links.append(link)
        self._changed.set()

    @property
    def messages(self):
        return [received.message for received in self.received]

    async def until(self, wanted):
        async with asyncio.timeout(30):
            while not wanted(self):
                self._changed.clear()
                await self._changed.wait()


@contextlib.asynccontextmanager
async def watching(source):
    sink = Listening()
    task = asyncio.create_task(source.run(sink))
    try:
        yield sink
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def made_of(nvidia, limit_s=LIMIT_S):
    """What a `Machine` makes its GPUs with."""
    return lambda wake, _listens: Accelerators(Driver(wake, nvidia, limit_s), AmdGpus("/nowhere", "/nowhere", wake))


def sweeps(sink):
    return [message for message in sink.messages if isinstance(message, Sweep)]


async def test_it_says_hello_and_sweeps(gpus, nvml):
    gpus.set(count=2, gpu1_temp=77)
    source = LocalSource(HostTarget("me"), interval_s=0.05, machine=Machine(gpus=made_of(Gpus(nvml))))
    async with watching(source) as sink:
        await sink.until(lambda sink: len(sweeps(sink)) >= 6)
    assert [link.state for link in sink.links] == [LinkState.DIALING, LinkState.LIVE]
    assert {received.host for received in sink.received} == {"me"}
    hello = sink.messages[0]
    assert isinstance(hello, Hello)
    assert hello.interval_s == 0.05
    assert [gpu.index for gpu in hello.gpus] == [0, 1]
    assert [sweep.seq for sweep in sweeps(sink)] == list(range(len(sweeps(sink))))
    last = sweeps(sink)[-1]
    assert last.gpus[1].temp_c == 77
    assert last.cpu.util_pct is not None
    assert 0 < last.memory.used_bytes < last.memory.total_bytes
    assert any(row.mount == "/" and row.total_bytes for row in last.filesystems)
    assert last.probe.rss_bytes > 0


async def test_a_lost_gpu_is_an_event(gpus, nvml):
    source = LocalSource(HostTarget("me"), interval_s=0.02, machine=Machine(gpus=made_of(Gpus(nvml))))
    async with watching(source) as sink:
        await sink.until(sweeps)
        gpus.set(count=2, gpu0_lost=1)
        await sink.until(lambda sink: any(len(sweep.gpus) == 1 for sweep in sweeps(sink)))
        await sink.until(lambda sink: any(isinstance(message, Event) for message in sink.messages))
    events = [message for message in sink.messages if isinstance(message, Event)]
    assert [event.name for event in events] == ["gpu-lost"]


class Slow(Gpus):
    """GPUs whose driver hangs until it is let go."""

    def __init__(self):
        super().__init__()
        self.let_go = threading.Event()

    def prepare(self, now):
        self.let_go.wait(20)
        return []


async def test_a_driver_that_hangs_does_not_hang_the_source():
    slow = Slow()
    machine = Machine(gpus=made_of(slow, limit_s=0.05))
    async with watching(LocalSource(HostTarget("me"), interval_s=0.02, machine=machine)) as sink:
        await sink.until(lambda sink: len(sweeps(sink)) >= 3)
        slow.let_go.set()
        await sink.until(lambda sink: sum(isinstance(message, Event) for message in sink.messages) == 2)
    events = [message for message in sink.messages if isinstance(message, Event)]
    assert [event.name for event in events] == ["driver-hung", "driver-answers"]


class Broken(Machine):
    """A machine that cannot be read."""

    def sweep(self):
        raise OSError("no /proc here\x1b]0;owned\x07")


async def test_a_machine_that_cannot_be_read_is_lost_with_its_reason(caplog):
    source = LocalSource(HostTarget("me"), interval_s=0.02, machine=Broken())
    async with watching(source) as sink:
        await sink.until(lambda sink: sink.links[-1:] and sink.links[-1].state is LinkState.LOST)
    fault = sink.links[-1].fault
    assert fault.kind is FaultKind.PROBE_FAILED
    assert fault.cause == "OSError: no /proc here"
    assert sink.links[-1].next_dial_unix_s is not None
    source.redial("me")
