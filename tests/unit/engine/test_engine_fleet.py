"""A fleet that changes while it is watched: who stays keeps everything, who goes is forgotten."""

import asyncio
import time
from dataclasses import replace
from typing import Self

from leptontui.engine.engine import LARGE_FLEET, Engine, tick_s_of
from leptontui.engine.roster import Roster
from leptontui.model.link import Fault, FaultKind, Link, LinkState, Outage
from leptontui.model.question import Question, QuestionKind
from leptontui.model.target import Fleet, HostTarget
from leptontui.snapshot import FleetSnapshot
from leptontui.wire import Event, GpuIdentity, GpuReading, Hello, Received, Sweep, Unavailable


class Watched:
    """An engine that runs without sources, and what it publishes."""

    def __init__(self, fleet: Fleet) -> None:
        self.engine = Engine(fleet, [], interval_s=1.0)
        self._snapshots: asyncio.Queue[FleetSnapshot] = asyncio.Queue()
        self.engine.subscribe(self._snapshots.put_nowait)

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self.engine.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def next(self) -> FleetSnapshot:
        """A snapshot that was made after this was called."""
        while not self._snapshots.empty():
            self._snapshots.get_nowait()
        async with asyncio.timeout(10):
            await self._snapshots.get()
            return await self._snapshots.get()

    def say(self, host: str, *messages: Hello | Sweep | Event) -> None:
        for message in messages:
            self.engine.offer(Received(host, message, time.time(), time.monotonic()))


def speech(host: str, uuid: str) -> tuple[Hello, Sweep, Event]:
    now = time.time()
    missing = (Unavailable("ecc", "not supported"),)
    return (
        Hello(1, now, host, gpus=(GpuIdentity(0, uuid),), unavailable=missing),
        Sweep(1, 0, now, 100.0, gpus=(GpuReading(uuid, util_pct=5.0),)),
        Event(1, now, "xid", uuid, 79, "NVRM: Xid"),
    )


A, B, C = (HostTarget(name, group="g") for name in "abc")


async def test_who_stays_keeps_everything_and_who_goes_is_forgotten() -> None:
    async with Watched(Fleet("one", (A, B))) as watched:
        for host in ("a", "b"):
            watched.engine.link_changed(Link(host, LinkState.LIVE, 1.0))
            watched.say(host, *speech(host, f"G-{host}"))
        before = await watched.next()
        assert before.frames.gpus["uuid"].to_list() == ["G-a", "G-b"]
        watched.engine.set_fleet(Fleet("two", (C, replace(A, node_state="drained", partitions=("gpu", "big")))))
        after = await watched.next()
        assert after.fleet == "two"
        assert after.frames.hosts["host"].to_list() == ["c", "a"]
        assert after.frames.hosts["node_state"].to_list() == ["", "drained"]
        assert after.frames.hosts["partitions"].to_list() == ["", "gpu, big"]
        assert after.frames.gpus["uuid"].to_list() == ["G-a"]
        assert after.links["a"].state is LinkState.LIVE
        assert after.links["c"].state is LinkState.DIALING
        assert list(after.targets) == ["c", "a"]
        assert {event.host for event in after.events} == {"a"}
        assert set(after.unavailable) == {"a"}
        assert watched.engine.age_s_of("b") is None
        # What is still on its way from a host that was removed is ignored.
        watched.say("b", *speech("b", "G-b"))
        watched.engine.link_changed(Link("b", LinkState.LOST, 2.0))
        later = await watched.next()
        assert later.frames.gpus["uuid"].to_list() == ["G-a"]
        assert set(later.links) == {"a", "c"}


async def test_a_fleet_may_be_empty_at_first() -> None:
    async with Watched(Fleet("none", ())) as watched:
        assert (await watched.next()).frames.hosts.height == 0
        watched.engine.set_fleet(Fleet("some", (A,)))
        watched.engine.link_changed(Link("a", LinkState.LIVE, 1.0))
        watched.say("a", *speech("a", "G"))
        assert (await watched.next()).frames.gpus["state"].to_list() == ["present"]


async def test_notices_and_questions_are_published() -> None:
    async with Watched(Fleet("one", (A,))) as watched:
        question = Question("q", QuestionKind.PASSPHRASE, "~/.ssh/id", "Passphrase?")
        watched.engine.ask_with(lambda: (question,))
        watched.engine.notify("inventory", "not reloaded:\x1b[2J " + "x" * 1000)
        watched.engine.notify("source slurm", "no answer")
        snapshot = await watched.next()
        assert snapshot.questions == (question,)
        assert [len(text) <= 500 and text.isprintable() for text in snapshot.notices] == [True, True]
        watched.engine.notify("inventory", None)
        assert (await watched.next()).notices == ("no answer",)


def test_a_roster_takes_the_new_objects_also_where_they_are_equal() -> None:
    roster = Roster(Fleet("one", (A,)), 1.0)
    roster.update(Link("a", LinkState.LIVE, 5.0))
    assert roster.set_fleet(Fleet("one", (replace(A, node_state="idle"),)), 9.0) == frozenset()
    assert roster.targets["a"].node_state == "idle"
    assert roster.link("a") == Link("a", LinkState.LIVE, 5.0)
    assert roster.set_fleet(Fleet("one", ()), 9.0) == {"a"}


def test_a_host_that_was_lost_for_a_moment_and_is_back_is_remembered() -> None:
    roster = Roster(Fleet("one", (A,)), 1.0)
    fault = Fault(FaultKind.LINK_DROPPED, "the connection was reset")
    roster.update(Link("a", LinkState.LOST, 2.0, fault))
    roster.update(Link("a", LinkState.LIVE, 3.0, sweeps=1))
    assert not roster.outages, "it was not heard before"
    roster.update(Link("a", LinkState.LOST, 50.0, fault, sweeps=40))
    roster.update(Link("a", LinkState.LOST, 50.0, Fault(FaultKind.TIME_OUT, "no answer"), sweeps=40, dials=3))
    assert not roster.outages
    roster.update(Link("a", LinkState.LIVE, 91.0, sweeps=41))
    told = roster.outages
    assert told == {"a": Outage("a", 50.0, 91.0, "the connection was reset")}
    roster.update(Link("a", LinkState.STALE, 95.0, sweeps=41))
    roster.update(Link("a", LinkState.LIVE, 99.0, sweeps=42))
    assert roster.outages is told, "it was slow, not lost"
    roster.set_fleet(Fleet("one", ()), 100.0)
    assert not roster.outages


async def test_what_came_back_is_in_the_snapshot() -> None:
    async with Watched(Fleet("one", (A,))) as watched:
        for state, sweeps in ((LinkState.LIVE, 1), (LinkState.LOST, 1), (LinkState.LIVE, 2)):
            watched.engine.link_changed(Link("a", state, 5.0, sweeps=sweeps))
        assert set((await watched.next()).outages) == {"a"}


def test_a_large_fleet_is_published_half_as_often() -> None:
    assert tick_s_of(LARGE_FLEET) == 0.25
    assert tick_s_of(LARGE_FLEET + 1) == 0.5
