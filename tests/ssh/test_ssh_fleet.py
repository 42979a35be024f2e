"""The fleet source against real servers: states of links, hostile output, retries, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import random

import asyncssh
import pytest
from conftest import hello, sweep

from leptontui.model.link import FaultKind, LinkState
from leptontui.sources.backoff import Patience
from leptontui.sources.ssh_fleet import LaunchPlan, SshFleetSource
from leptontui.transport.ssh import SshTransport
from leptontui.wire import Event, Hello, Sweep, encode

BRIEF = Patience(
    stale_s=0.3, silence_s=0.3, start_s=5.0, tick_s=0.02, first_s=0.01, longest_s=0.05, reset_s=0.5, refused_s=600.0
)


@pytest.fixture
async def watch(lab, dialer, heard):
    """Runs a source over the lab's hosts; cancelled at the end."""
    tasks = []

    def start(*names, patience=BRIEF, interval_s=0.05, **fields):
        source = SshFleetSource(
            [lab.target(name, **fields) for name in names],
            interval_s=interval_s,
            connect=lambda target: SshTransport(target, dialer),
            launch=LaunchPlan(("probe",), lambda *, target, interval_s, phase: f"{interval_s} {phase}\n".encode()),
            random=random.Random(1),
            patience=patience,
        )
        tasks.append(asyncio.ensure_future(source.run(heard)))
        return source

    yield start
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def ended(process):
    await process.stdin.channel.wait_closed()


def says(*lines, then=ended):
    """A probe that says these lines, and then does something else."""

    async def probe(process):
        await process.stdin.readline()
        for line in lines:
            process.stdout.write(line)
        await then(process)

    return probe


async def sweeping(process):
    seq = 1
    while not process.stdin.at_eof():
        seq += 1
        process.stdout.write(sweep(seq))
        await process.stdout.drain()
        await asyncio.sleep(0.02)


async def test_a_host_goes_live_with_its_first_sweep(lab, watch, heard):
    await lab.start("gpu-1", says(hello(), sweep(0, is_history=True), sweep(1), then=sweeping))
    watch("gpu-1")
    link = await heard.link("gpu-1", LinkState.LIVE)
    assert [link.state for link in heard.links[:2]] == [LinkState.DIALING, LinkState.DIALING]
    assert link.fault is None
    assert (link.dials, link.address) == (1, f"demo@127.0.0.1:{lab.hosts['gpu-1'].port}")
    kinds = [type(item.message) for item in heard.received[:3]]
    assert kinds == [Hello, Sweep, Sweep]
    assert heard.received[0].host == "gpu-1"
    await heard.until(lambda: len(heard.received) > 10)
    assert sum(link.state is LinkState.LIVE for link in heard.links) == 1


async def test_history_alone_is_not_live(lab, watch, heard):
    await lab.start("gpu-1", says(hello(), *(sweep(n, is_history=True) for n in range(600))))
    watch("gpu-1")
    await heard.until(lambda: len(heard.received) == 601)
    await heard.link("gpu-1", LinkState.STALE)
    assert not any(link.state is LinkState.LIVE for link in heard.links)


async def test_phases_are_spread_over_the_hosts(lab, watch, heard):
    phases = []

    async def probe(process):
        phases.append((await process.stdin.readline()).decode().split())
        process.stdout.write(hello() + sweep())
        await ended(process)

    names = [f"gpu-{n}" for n in range(4)]
    for name in names:
        await lab.start(name, probe)
    watch(*names)
    for name in names:
        await heard.link(name, LinkState.LIVE)
    assert sorted(phases) == [["0.05", phase] for phase in ("0.0", "0.25", "0.5", "0.75")]


async def test_noise_before_the_greeting_is_skipped(lab, watch, heard):
    noise = (b"Welcome to \x1b[31mgpu-1\x1b[0m\r\n", b"\n", b"{not json\n", b"[1, 2]\n", b"\xff\xfe\n", b"{}\n")
    await lab.start("gpu-1", says(*noise, hello(), sweep()))
    watch("gpu-1")
    await heard.link("gpu-1", LinkState.LIVE)
    assert [type(item.message) for item in heard.received] == [Hello, Sweep]


@pytest.mark.parametrize("noise", [b"spam\n" * 300, b"x" * 70_000 + b"\n"], ids=["lines", "bytes"])
async def test_too_much_noise_is_refused(lab, watch, heard, noise):
    await lab.start("gpu-1", says(noise))
    watch("gpu-1")
    link = await heard.link("gpu-1", LinkState.REFUSED)
    assert link.fault.kind is FaultKind.PROTOCOL


async def test_another_protocol_version_is_refused(lab, watch, heard):
    await lab.start("gpu-1", says(hello(version=2)))
    watch("gpu-1")
    link = await heard.link("gpu-1", LinkState.REFUSED)
    assert link.fault.kind is FaultKind.PROTOCOL
    assert "version 2" in link.fault.cause


async def test_a_few_bad_lines_are_overlooked_and_many_are_refused(lab, watch, heard):
    await lab.start("few", says(hello(), *[b"garbage\n"] * 20, sweep()))
    await lab.start("many", says(hello(), *[b"garb\x1b[0mage\n"] * 21, sweep()))
    watch("few", "many")
    await heard.link("few", LinkState.LIVE)
    link = await heard.link("many", LinkState.REFUSED)
    assert link.fault.kind is FaultKind.PROTOCOL
    assert "bad lines" in link.fault.cause


async def test_a_flood_is_refused(lab, watch, heard):
    event = encode(Event(v=1, t_unix_s=1.0, name="xid"))

    async def flood(process):
        with contextlib.suppress(asyncssh.Error, OSError):
            while True:
                process.stdout.write(event * 100)
                await process.stdout.drain()

    await lab.start("gpu-1", says(hello(), then=flood))
    watch("gpu-1")
    link = await heard.link("gpu-1", LinkState.REFUSED)
    assert link.fault.kind is FaultKind.PROTOCOL
    assert "floods" in link.fault.cause
    assert len(heard.received) < 2000


async def test_an_endless_line_is_refused(lab, watch, heard):
    async def endless(process):
        with contextlib.suppress(asyncssh.Error, OSError):
            while True:
                process.stdout.write(b"x" * 65536)
                await process.stdout.drain()

    await lab.start("gpu-1", says(hello(), then=endless))
    watch("gpu-1")
    link = await heard.link("gpu-1", LinkState.REFUSED)
    assert link.fault.kind is FaultKind.PROTOCOL
    assert "line of more than" in link.fault.cause


def exits(status, stderr=b"", stdout=b""):
    async def probe(process):
        process.stdout.write(stdout)
        process.stderr.write(stderr)
        process.exit(status)

    return probe


@pytest.mark.parametrize(("status", "mend"), [(78, "install python3"), (127, "/bin on its PATH")])
async def test_no_python_is_refused_with_the_mend(lab, watch, heard, status, mend):
    await lab.start("gpu-1", exits(status, b"sh: 1: \x1b[1mpython3: not found\n\n"))
    watch("gpu-1")
    link = await heard.link("gpu-1", LinkState.REFUSED)
    assert link.fault.kind is FaultKind.NO_PYTHON
    assert "python3: not found" in link.fault.cause
    assert "\x1b" not in link.fault.cause
    assert mend in link.fault.mend


async def test_a_probe_that_fails_is_tried_again_with_its_last_words_shown(lab, watch, heard):
    host = await lab.start("gpu-1", exits(1, b"Traceback\nKeyError: 'x'\n"))
    watch("gpu-1")
    link = await heard.link("gpu-1", LinkState.LOST)
    assert link.fault.kind is FaultKind.PROBE_FAILED
    assert "KeyError: 'x'" in link.fault.cause
    assert link.next_dial_unix_s is not None
    await heard.until(lambda: heard.last("gpu-1").dials >= 3)
    assert host.dials >= 2


async def test_what_a_restricted_shell_prints_is_shown(lab, watch, heard):
    await lab.start("gpu-1", exits(1, stdout=b"This account is currently not available.\n"))
    watch("gpu-1")
    link = await heard.link("gpu-1", LinkState.REFUSED)
    assert "This account is currently not available." in link.fault.cause


async def test_a_lost_link_comes_back_by_itself(lab, watch, heard):
    host = await lab.start("gpu-1", says(hello(), sweep(), then=sweeping))
    watch("gpu-1")
    await heard.link("gpu-1", LinkState.LIVE)
    host.cut()
    lost = await heard.link("gpu-1", LinkState.LOST)
    assert lost.fault.kind is FaultKind.LINK_DROPPED
    await heard.until(lambda: heard.last("gpu-1").state is LinkState.LIVE)
    assert heard.last("gpu-1").dials >= 2
    assert heard.last("gpu-1").sweeps > lost.sweeps


async def test_silence_is_stale_then_lost_and_dialled_again(lab, watch, heard):
    host = await lab.start("gpu-1", says(hello(), sweep()))
    watch("gpu-1")
    await heard.link("gpu-1", LinkState.LIVE)
    stale = await heard.link("gpu-1", LinkState.STALE)
    assert "no sweep" in stale.fault.cause
    lost = await heard.link("gpu-1", LinkState.LOST)
    assert lost.fault.kind is FaultKind.TIME_OUT
    assert "silent" in lost.fault.cause
    await heard.until(lambda: host.dials >= 2)


async def test_a_stale_host_that_sweeps_again_is_live_again_without_a_new_dial(lab, watch, heard):
    go_on = asyncio.Event()

    async def pause(process):
        await go_on.wait()
        await sweeping(process)

    host = await lab.start("gpu-1", says(hello(), sweep(), then=pause))
    watch("gpu-1", patience=Patience(stale_s=0.1, silence_s=60.0, tick_s=0.02))
    await heard.link("gpu-1", LinkState.STALE)
    go_on.set()
    await heard.until(lambda: heard.last("gpu-1").state is LinkState.LIVE)
    assert host.dials == 1


async def test_a_refusal_is_not_hammered_but_can_be_retried_at_once(lab, watch, heard):
    host = await lab.start("gpu-1", says(hello(), sweep(), then=sweeping))
    trusted = lab.known_hosts.read_text()
    lab.known_hosts.write_text("")
    source = watch("gpu-1")
    link = await heard.link("gpu-1", LinkState.REFUSED)
    assert link.fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert link.next_dial_unix_s > link.since_unix_s + 500
    await asyncio.sleep(0.3)
    assert host.dials == 1
    lab.known_hosts.write_text(trusted)
    source.redial("no-such-host")
    source.redial("gpu-1")
    await heard.link("gpu-1", LinkState.LIVE)
    assert host.dials == 2


async def test_the_end_closes_stdin_of_every_probe(lab, dialer, heard):
    at_end = []

    async def probe(process):
        process.stdout.write(hello() + sweep())
        await process.stdin.read()
        at_end.append(process.command)
        process.exit(0)

    names = [f"gpu-{n}" for n in range(5)]
    for name in names:
        await lab.start(name, probe)
    source = SshFleetSource(
        [lab.target(name) for name in names],
        interval_s=1.0,
        connect=lambda target: SshTransport(target, dialer),
        launch=LaunchPlan(("probe",), lambda **_: b""),
    )
    task = asyncio.ensure_future(source.run(heard))
    for name in names:
        await heard.link(name, LinkState.LIVE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert at_end == ["probe"] * 5
    for host in lab.hosts.values():
        for connection in host.connections:
            await asyncio.wait_for(connection.wait_closed(), 5)


async def test_a_bug_in_one_host_does_not_end_the_others(lab, dialer, heard):
    await lab.start("gpu-1", says(hello(), sweep(), then=sweeping))

    class Broken:
        address = "broken"

        async def connect(self):
            raise RuntimeError("a bug")

        async def close(self):
            pass

    source = SshFleetSource(
        [lab.target("broken"), lab.target("gpu-1")],
        interval_s=0.05,
        connect=lambda target: Broken() if target.name == "broken" else SshTransport(target, dialer),
        launch=LaunchPlan(("probe",), lambda **_: b"\n"),
        patience=BRIEF,
    )
    task = asyncio.ensure_future(source.run(heard))
    link = await heard.link("broken", LinkState.LOST)
    assert "RuntimeError: a bug" in link.fault.cause
    await heard.link("gpu-1", LinkState.LIVE)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
