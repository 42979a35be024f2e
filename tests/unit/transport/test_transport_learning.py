"""Limits that are learned from refusals: logins of an address, commands of a connection; and when each host sweeps."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind
from leptontui.sources.phases import Phases
from leptontui.transport.pace import Gate, Gates
from leptontui.transport.seats import Seats

BUSY = LinkError(Fault(FaultKind.HOST_BUSY, "too many"))
GONE = LinkError(Fault(FaultKind.TIME_OUT, "gone"))


async def attempt(gate, error=None, until=None):
    async with gate.turn():
        if until is not None:
            await until.wait()
        if error is not None:
            raise error


async def test_a_refusal_halves_and_successes_let_it_grow_again():
    gate = Gate(8)
    with pytest.raises(LinkError):
        await attempt(gate, BUSY)
    assert gate.limit == 1.0  # one was inside, and that was too many
    for _ in range(3):
        await attempt(gate)
    assert 2.0 <= gate.limit < 4.0
    for _ in range(200):
        await attempt(gate)
    assert gate.limit == 8.0
    assert gate.is_idle


async def test_other_failures_teach_nothing():
    gate = Gate(8)
    with pytest.raises(LinkError):
        await attempt(gate, GONE)
    assert gate.limit == 8.0


async def test_refusals_of_one_round_count_once():
    gate, go_on = Gate(8), asyncio.Event()
    tasks = [asyncio.ensure_future(attempt(gate, BUSY, go_on)) for _ in range(8)]
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert gate.limit == 4.0


async def test_never_more_inside_than_the_limit_and_nobody_is_forgotten():
    gate = Gate(3)
    inside = peak = done = 0

    async def one(number):
        nonlocal inside, peak, done
        try:
            async with gate.turn():
                inside += 1
                peak = max(peak, inside)
                await asyncio.sleep(0)
                inside -= 1
                if number % 5 == 0:
                    raise BUSY
        except LinkError:
            pass
        done += 1

    tasks = [asyncio.ensure_future(one(number)) for number in range(100)]
    await asyncio.sleep(0)
    for task in tasks[40:60]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (peak, inside) == (3, 0)
    assert done >= 80
    async with asyncio.timeout(5):
        await attempt(gate)


async def test_gates_are_forgotten_when_there_is_nothing_to_remember():
    gates = Gates(4)
    async with gates.turn("a"):
        assert len(gates._gates) == 1
    assert gates._gates == {}
    with pytest.raises(LinkError):
        async with gates.turn("a"):
            raise BUSY
    assert (gates.limit("a"), gates.limit("b")) == (1, 4)


async def test_seats_learn_from_a_refusal_and_try_one_more_after_a_round():
    seats = Seats()
    for _ in range(2):
        await seats.take()
        seats.settle()
    await seats.take()
    seats.leave()
    assert seats.learn()
    assert (seats.limit, seats.is_full) == (2, True)
    waiting = asyncio.ensure_future(seats.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    seats.end()
    await waiting
    seats.settle()
    seats.end()
    assert seats.limit == 3


async def test_a_refusal_of_the_only_command_is_not_for_want_of_seats():
    seats = Seats()
    await seats.take()
    seats.leave()
    assert not seats.learn()
    assert seats.limit is None


async def test_giving_up_the_wait_for_a_seat_leaves_no_gap():
    seats = Seats()
    await seats.take()
    seats.settle()
    await seats.take()
    seats.leave()
    assert seats.learn()
    first, second = (asyncio.ensure_future(seats.take()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    seats.end()
    await asyncio.gather(first, return_exceptions=True)
    await asyncio.wait_for(second, 5)


@given(st.lists(st.integers(0, 30), max_size=60))
def test_phases_differ_and_lie_in_the_interval(numbers):
    phases, here = Phases(), set()
    for number in numbers:
        name = str(number)
        if name in here:
            phases.give_back(name)
            here.remove(name)
        else:
            phases.take([name])
            here.add(name)
    taken = list(phases._taken.values())
    assert phases._taken.keys() == here
    assert len(set(taken)) == len(taken)
    assert all(0.0 <= phase < 1.0 for phase in taken)
