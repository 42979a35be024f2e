"""A fleet that changes while it is watched: who stays the same keeps the link."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest
from conftest import hello, sweep

from leptontui.model.link import LinkState
from leptontui.sources.ssh_fleet import LaunchPlan, SshFleetSource
from leptontui.transport.ssh import SshTransport


@pytest.fixture
async def fleet(lab, dialer, heard):
    """Makes a source of hosts that note in `phases` how they were started; runs it, ends it."""
    tasks, phases = [], {}

    def make(*targets):
        def stdin(*, target, interval_s, phase):
            phases[target.name] = phase
            return f"{target.units}\n".encode()

        source = SshFleetSource(
            targets,
            interval_s=5.0,
            connect=lambda target: SshTransport(target, dialer),
            launch=LaunchPlan(("probe",), stdin),
        )
        source.phases_seen = phases
        tasks.append(asyncio.ensure_future(source.run(heard)))
        return source

    yield make
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Probes:
    """Counts the probes that run."""

    def __init__(self):
        self.told = {}
        self.running = 0
        self.changed = asyncio.Condition()

    def on(self, name):
        async def probe(process):
            self.told.setdefault(name, []).append((await process.stdin.readline()).decode().strip())
            process.stdout.write(hello() + sweep())
            await self._add(1)
            await process.stdin.read()
            await self._add(-1)
            process.exit(0)

        return probe

    async def until(self, count):
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: self.running == count)

    async def _add(self, number):
        async with self.changed:
            self.running += number
            self.changed.notify_all()


@pytest.fixture
async def probes(lab):
    probes = Probes()
    for name in ("a", "b", "c"):
        await lab.start(name, probes.on(name))
    return probes


async def test_unchanged_hosts_keep_their_link_changed_ones_are_dialled_anew(lab, heard, fleet, probes):
    a, b, c = (lab.target(name) for name in "abc")
    source = fleet(a, b)
    await probes.until(2)
    await heard.link("b", LinkState.LIVE)
    # `origin` and what a scheduler says do not count; units are watched by the probe, so they do.
    source.update([replace(a, origin="elsewhere", node_state="idle"), replace(b, units=("nvidia",)), c])
    await heard.until(lambda: heard.last("b").dials == 1 and len(probes.told.get("b", ())) == 2)
    await probes.until(3)
    await heard.link("c", LinkState.LIVE)
    assert probes.told["b"] == ["()", "('nvidia',)"]
    assert {name: host.dials for name, host in lab.hosts.items()} == {"a": 1, "b": 2, "c": 1}
    states = [link.state for link in heard.links if link.host == "b"]
    # Hung up in good order: never shown as lost.
    assert LinkState.LOST not in states
    assert states[-1] is LinkState.LIVE


async def test_removed_hosts_are_hung_up_and_their_probes_end(lab, heard, fleet, probes):
    targets = [lab.target(name) for name in "abc"]
    source = fleet(*targets)
    await probes.until(3)
    source.update(targets[:1])
    await probes.until(1)
    for name in "bc":
        for connection in lab.hosts[name].connections:
            await asyncio.wait_for(connection.wait_closed(), 5)
    source.redial("b")
    source.update(targets)
    await probes.until(3)
    assert lab.hosts["a"].dials == 1


async def test_a_fleet_may_be_empty_at_first_and_in_the_end(lab, heard, fleet, probes):
    source = fleet()
    source.update([])
    await asyncio.sleep(0)
    source.update([lab.target("a")])
    await heard.link("a", LinkState.LIVE)
    source.update([])
    await probes.until(0)


async def test_many_changes_at_once_end_in_the_last(lab, heard, fleet, probes):
    a = lab.target("a")
    source = fleet(a)
    await probes.until(1)
    for number in range(5):
        source.update([replace(a, units=(str(number),))])
        await asyncio.sleep(0)
    await heard.until(lambda: probes.told["a"][-1] == "('4',)")
    await probes.until(1)


async def test_hosts_that_are_added_sweep_between_the_others(lab, heard, fleet, probes):
    a, b, c = (lab.target(name) for name in "abc")
    source = fleet(a, b)
    await probes.until(2)
    source.update([a, b, c])
    await probes.until(3)
    assert sorted(source.phases_seen.values()) == [0.0, 0.25, 0.5]
