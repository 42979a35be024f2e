"""One simulated probe: its launch, its grid of sweeps, and what it does for a slow reader."""

import asyncio
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui import wire
from leptontui.demo.feed import MAX_HEADER_BYTES, Feed, next_due_s
from leptontui.demo.layout import make_layout
from leptontui.demo.world import World

LAYOUT = make_layout(1, 2)


class Wall:
    """An outlet that keeps what it is given, and can be slow."""

    def __init__(self):
        self.messages = []
        self.ended = None
        self.grew = asyncio.Event()
        self.on_write = lambda: None

    def write(self, data):
        self.messages.append(wire.decode(data[:-1]))
        self.grew.set()
        self.on_write()

    def end(self, exit_status, message=""):
        self.ended = (exit_status, message)

    async def reach(self, count):
        while len(self.messages) < count:
            self.grew.clear()
            await self.grew.wait()


def make(history_s=0.0):
    wall = Wall()
    world = World(LAYOUT, start_unix_s=time.time(), incidents=(), history_s=history_s)
    return Feed(world, LAYOUT.hosts[0], wall), wall


def launch(size=3, interval_s=0.05, phase=0.0):
    return json.dumps({"size": size, "interval_s": interval_s, "phase": phase}).encode() + b"\n"


@given(st.floats(1e9, 2e9), st.sampled_from([0.1, 1.0, 5.0, 60.0]), st.floats(0.0, 0.99))
def test_the_next_sweep_is_on_the_grid_and_within_one_interval(now_s, interval_s, phase):
    due_s = next_due_s(now_s, interval_s, phase)
    assert now_s - 1e-5 <= due_s <= now_s + interval_s + 1e-5
    assert due_s / interval_s - phase == pytest.approx(round(due_s / interval_s - phase), abs=1e-5)


async def test_hello_then_history_then_live_sweeps_in_one_count():
    feed, wall = make(history_s=100.0)
    feed.take(launch() + b"abc")
    await wall.reach(14)
    feed.close()
    assert isinstance(wall.messages[0], wire.Hello)
    sweeps = wall.messages[1:]
    assert [sweep.is_history for sweep in sweeps[:10]] == [True] * 10
    assert not any(sweep.is_history for sweep in sweeps[10:])
    assert [sweep.seq for sweep in sweeps] == list(range(len(sweeps)))


async def test_the_bundle_may_come_in_pieces_and_nothing_is_said_before_its_end():
    feed, wall = make()
    for piece in (launch(size=5)[:10], launch(size=5)[10:] + b"ab", b"cd"):
        feed.take(piece)
        assert wall.messages == []
    feed.take(b"e")
    await wall.reach(2)
    feed.close()


async def test_a_closed_feed_says_nothing_more():
    feed, wall = make()
    feed.take(launch(size=0))
    await wall.reach(2)
    feed.close()
    feed.resume()
    feed.push(wire.Event(wire.VERSION, 0.0, "xid"))
    count = len(wall.messages)
    await asyncio.sleep(0.12)
    assert len(wall.messages) == count


async def test_a_slow_reader_misses_sweeps_and_finds_a_gap():
    feed, wall = make()
    feed.take(launch(size=0))
    await wall.reach(2)
    feed.pause()
    count = len(wall.messages)
    await asyncio.sleep(0.12)
    assert len(wall.messages) == count
    feed.resume()
    await wall.reach(count + 1)
    feed.close()
    assert wall.messages[count].seq > wall.messages[count - 1].seq + 1


async def test_a_pause_amid_the_history_only_delays_it():
    feed, wall = make(history_s=300.0)

    def stall():
        if len(wall.messages) == 8:
            feed.pause()
            asyncio.get_running_loop().call_soon(feed.resume)

    wall.on_write = stall
    feed.take(launch(size=0))
    await wall.reach(36)
    feed.close()
    assert [sweep.seq for sweep in wall.messages[1:]] == list(range(len(wall.messages) - 1))


async def test_events_are_pushed_once_the_probe_runs():
    feed, wall = make()
    feed.push(wire.Event(wire.VERSION, 0.0, "xid"))
    assert wall.messages == []
    feed.take(launch(size=0, interval_s=60.0))
    feed.push(wire.Event(wire.VERSION, 1.0, "xid", None, 79))
    feed.close()
    assert [type(message) for message in wall.messages] == [wire.Hello, wire.Event]


@pytest.mark.parametrize(
    "header",
    [
        b"{not json}\n",
        b"{[]\n",
        b'{"interval_s": 1}\n',
        b'{"size": -1}\n',
        b'{"size": 99999999999}\n',
        b'{"size": 0, "interval_s": 0}\n',
        b'{"size": 0, "phase": 1.5}\n',
        b"x" * (MAX_HEADER_BYTES + 1),
        b"{\xff\xfe\n",
        b'{"size": 1, "skip": -1}\n',
    ],
)
def test_a_bad_launch_ends_the_probe(header):
    feed, wall = make()
    feed.take(header)
    assert wall.ended[0] == 2
    assert "header" in wall.ended[1]
    assert wall.messages == []


async def test_what_comes_before_and_after_the_header_is_passed_over():
    feed, wall = make()
    feed.take(b"exit 76\nexit 76\n" + json.dumps({"size": 5, "skip": 4, "interval_s": 60.0}).encode() + b"\nfall")
    assert wall.messages == []
    feed.take(b"bundl")
    feed.close()
    assert [type(message) for message in wall.messages] == [wire.Hello]
