"""The engine's parts: the bounded queue, the roster, and the bounds of what is forecast."""

import asyncio
import random

import pytest

from leptontui.engine.collector import SWEEPS_OF_A_HOST, Collector, _Queue
from leptontui.engine.engine import pause_s
from leptontui.engine.foresight import bounds_of
from leptontui.engine.roster import Roster
from leptontui.model.link import Fault, FaultKind, Link, LinkCounts, LinkState
from leptontui.model.series import Entity, SeriesKey
from leptontui.model.target import Fleet, HostTarget
from leptontui.wire import Event, Received, Sweep


def message(number: int) -> Received:
    return Received("h", Event(v=1, t_unix_s=float(number), name="xid"), float(number), float(number))


def times(batch: list[Received]) -> list[float]:
    return [received.t_unix_s for received in batch]


async def test_a_full_queue_drops_the_oldest_and_counts_it() -> None:
    collector = Collector(capacity=3)
    for number in range(5):
        collector.offer(message(number))
    assert collector.dropped == 2
    assert times(collector.drain()) == [2.0, 3.0, 4.0]
    assert collector.drain() == []


async def test_a_half_full_queue_ends_the_wait_for_the_next_tick() -> None:
    collector = Collector(capacity=4)
    waiting = asyncio.create_task(collector.wait(60))
    await asyncio.sleep(0)
    collector.offer(message(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    collector.offer(message(2))
    async with asyncio.timeout(5):
        await waiting


def from_host(host: str, at: float = 0.0) -> Received:
    return Received(host, Sweep(1, 0, at, at), at, at)


async def test_what_does_not_fit_is_dropped_from_the_loudest_host() -> None:
    collector = Collector(capacity=20)
    for number in range(15):
        collector.offer(from_host("quiet", float(number)))
    for number in range(30):
        collector.offer(from_host("loud", float(number)))
    hosts = [received.host for received in collector.drain()]
    # The quiet one loses only while it is the loudest of the two.
    assert hosts.count("quiet") >= 10
    assert len(hosts) == 20
    assert "loud" in collector.flooding(31.0)
    assert "loud" not in collector.flooding(200.0)


async def test_a_full_queue_of_a_large_fleet_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    length = _Queue.__len__
    monkeypatch.setattr(_Queue, "__len__", lambda queue: looked.append(queue) or length(queue))  # type: ignore[func-returns-value]
    collector = Collector(capacity=1000)
    for number in range(1000):
        collector.offer(from_host(f"h{number}"))
    looked.clear()
    collector.offer(from_host("h7"))
    assert collector.flooding(1.0) == ["h7"], "the loudest"
    assert len(looked) < 10


async def test_the_loudest_loses_however_messages_come_and_go() -> None:
    chance = random.Random(1)
    collector = Collector(capacity=40)
    dropped = 0
    for number in range(5000):
        if chance.random() < 0.01:
            collector.drain()
        host = chance.choice("aaaaabbc")
        before = {name: len(queue) for name, queue in collector._queues.items()}
        before[host] = before.get(host, 0) + 1
        collector.offer(from_host(host, float(number)))
        after = {name: len(queue) for name, queue in collector._queues.items()}
        losers = [name for name in before if after[name] < before[name]]
        assert sum(after.values()) <= 40
        assert len(losers) == (before[host] > SWEEPS_OF_A_HOST or sum(before.values()) > 40)
        if losers and before[host] <= SWEEPS_OF_A_HOST:
            assert before[losers[0]] == max(before.values())
            dropped += 1
    assert dropped > 1000


async def test_one_host_has_so_many_sweeps_in_a_tick_and_is_marked_beyond() -> None:
    collector = Collector(capacity=10_000)
    for number in range(SWEEPS_OF_A_HOST + 5):
        collector.offer(from_host("a", float(number)))
    collector.offer(from_host("b"))
    assert collector.dropped == 5
    assert collector.flooding(40.0) == ["a"]
    assert times([received for received in collector.drain() if received.host == "a"])[0] == 5.0, "the oldest went"


def roster() -> Roster:
    hosts = (
        HostTarget(
            "a", group="train", gpus=8, partitions=("gpu", "debug"), node_state="idle*", labels=(("rack", "r1"),)
        ),
        HostTarget("b", group="infer"),
    )
    return Roster(Fleet("test", hosts), now_unix_s=100.0)


def test_every_host_is_on_the_roster_before_it_ever_spoke() -> None:
    found = roster()
    assert found.counts == LinkCounts(dialing=2)
    assert found.frame.rows() == [
        ("a", "train", "dialing", "", "idle*", "gpu, debug", 8, "r1", None),
        ("b", "infer", "dialing", "", "", "", None, None, None),
    ]


def test_the_roster_gives_cause_and_mend_in_the_fleets_order() -> None:
    found = roster()
    held = found.links
    fault = Fault(FaultKind.TIME_OUT, "no answer in 10 s", "is it on?")
    found.update(Link("b", LinkState.LOST, 101.0, fault=fault))
    found.update(Link("stranger", LinkState.LIVE, 101.0))
    assert held["b"].state is LinkState.DIALING, "what was handed out does not change"
    assert found.frame.row(1) == ("b", "infer", "lost", "no answer in 10 s — is it on?", "", "", None, None, None)
    assert found.counts == LinkCounts(dialing=1, lost=1)
    assert found.link("stranger") is None


def test_a_forecast_is_bounded_by_capacity_or_catalogue() -> None:
    row = {"memory_used_bytes": 1, "memory_total_bytes": 1000, "temp_slowdown_c": 87.0}
    lower, upper, threshold = bounds_of(SeriesKey("h", Entity.GPU, "u", "memory_used_bytes"), row)
    assert (lower, upper) == (0.0, 1000.0)
    assert threshold is not None
    assert 900 < threshold < 1000
    assert bounds_of(SeriesKey("h", Entity.GPU, "u", "util_pct"), row)[:2] == (0.0, 100.0)
    assert bounds_of(SeriesKey("h", Entity.GPU, "u", "temp_c"), row)[2] == 87.0


@pytest.mark.parametrize(
    ("tick_s", "cost_s", "pause"), [(0.25, 0.001, 0.225), (0.25, 0.04, 0.4), (0.5, 0.2, 0.9), (2.0, 0.01, 1.8)]
)
def test_snapshots_take_a_tenth_of_the_time_at_most(tick_s, cost_s, pause):
    assert pause_s(tick_s, cost_s) == pytest.approx(pause)


async def test_much_of_one_host_is_taken_before_its_time():
    collector = Collector(10_000)
    for number in range(SWEEPS_OF_A_HOST // 4):
        collector.offer(from_host("loud", float(number)))
    async with asyncio.timeout(5):
        await collector.wait(60)
    assert len(collector.drain()) == SWEEPS_OF_A_HOST // 4
