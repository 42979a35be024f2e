"""Pacing: what a host or a bastion takes is learned from its refusals; nothing of it makes a host lost."""

from __future__ import annotations

import asyncio

import asyncssh
import pytest
from conftest import hello, sweep

from leptontui.errors import LinkError
from leptontui.model.link import FaultKind, LinkState
from leptontui.sources.backoff import Patience
from leptontui.sources.ssh_fleet import LaunchPlan, SshFleetSource
from leptontui.transport.dialer import Dialer, Pacing
from leptontui.transport.ssh import SshTransport


class Bouncer:
    """A relay before a server that hangs up on whom it has no room for, before the greeting, as MaxStartups does.

    A connection counts as a login until the server has said more than a login takes.
    """

    def __init__(self, to_port, room):
        self._to_port = to_port
        self._room = room
        self._tasks = set()
        self.inside = self.peak = self.turned_away = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def let_in(self):
        self.inside -= 1

    async def _accept(self, reader, writer):
        if self.inside >= self._room:
            self.turned_away += 1
            writer.close()
            return
        self.inside += 1
        self.peak = max(self.peak, self.inside)
        there = await asyncio.open_connection("127.0.0.1", self._to_port)
        for pair in ((reader, there[1]), (there[0], writer)):
            self._tasks.add(asyncio.ensure_future(self._pass_on(*pair)))

    async def _pass_on(self, reader, writer):
        try:
            while chunk := await reader.read(65536):
                writer.write(chunk)
        except OSError:
            pass
        finally:
            writer.close()


async def test_a_host_with_few_startups_gets_all_links_live_without_one_lost(lab, heard):
    async def speak(process):
        bouncer.let_in()
        process.stdout.write(hello() + sweep())
        await process.stdin.channel.wait_closed()

    host = await lab.start("gpu", speak)
    dialer = Dialer(Pacing(keepalive_interval_s=1.0))
    names = [f"gpu-{n}" for n in range(12)]
    async with Bouncer(host.port, room=3) as bouncer:
        with lab.config.open("a") as file:
            file.write(
                f"Host gpu-*\n  HostName 127.0.0.1\n  Port {bouncer.port}\n  HostKeyAlias gpu\n  User demo\n"
                f"  IdentityFile {lab.identity}\n  UserKnownHostsFile {lab.known_hosts}\n"
            )
        source = SshFleetSource(
            [lab.target(name) for name in names],
            interval_s=60.0,
            connect=lambda target: SshTransport(target, dialer),
            launch=LaunchPlan(("probe",), lambda *, target, interval_s, phase: b"\n"),
            patience=Patience(first_s=0.01, longest_s=0.2, tick_s=0.05),
        )
        task = asyncio.ensure_future(source.run(heard))
        for name in names:
            await heard.link(name, LinkState.LIVE)
        assert bouncer.turned_away > 0
        assert bouncer.peak == 3
        assert not any(link.state in {LinkState.LOST, LinkState.REFUSED} for link in heard.links)
        busy = [link for link in heard.links if link.fault is not None]
        assert {link.fault.kind for link in busy} == {FaultKind.HOST_BUSY}
        assert any(link.next_dial_unix_s is not None for link in busy)
        assert all(link.state is LinkState.DIALING for link in busy)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await dialer.close()


async def test_commands_wait_for_their_turn_where_a_host_runs_few_at_a_time(lab, dialer):
    running = peak = refused = 0
    go_on = asyncio.Event()

    def may_run():
        nonlocal running, peak, refused
        if running >= 2:
            refused += 1
            return False
        running += 1
        peak = max(peak, running)
        return True

    async def slow(process):
        nonlocal running
        await go_on.wait()
        running -= 1
        process.exit(0)

    host = await lab.start("gpu-1", slow)
    host.may_run = may_run
    transport = SshTransport(lab.target("gpu-1"), dialer)
    runs = [asyncio.ensure_future(transport.run(["x"])) for _ in range(6)]
    async with asyncio.timeout(5), host.started:
        await host.started.wait_for(lambda: len(host.commands) == 2)
    with pytest.raises(LinkError) as caught:
        await transport.run(["late"], timeout_s=0.2)
    assert caught.value.fault.kind is FaultKind.HOST_BUSY
    assert "MaxSessions" in caught.value.fault.mend
    go_on.set()
    assert [done.exit_status for done in await asyncio.gather(*runs)] == [0] * 6
    assert (peak, host.dials) == (2, 1)
    assert 1 <= refused <= 6  # who came too soon was refused once and then waited; now and then one more is tried
    await transport.close()


async def test_a_bastion_with_few_channels_gets_another_connection_and_no_more_than_it_needs(lab, dialer):
    bastion = await lab.start("bastion", is_forwarding=True)
    limit_channels(bastion, 4)
    names = [f"gpu-{n}" for n in range(10)]
    for name in names:
        await lab.start(name)
    transports = [SshTransport(lab.target(name, jump="bastion"), dialer) for name in names]
    done = await asyncio.gather(*(transport.run(["echo", "in"]) for transport in transports))
    assert [one.stdout for one in done] == ["in\n"] * 10
    assert bastion.dials == 3
    await asyncio.gather(*(transport.close() for transport in transports))


async def test_a_bastion_that_takes_nothing_at_all_is_busy_not_dialled_for_ever(lab, dialer):
    bastion = await lab.start("bastion", is_forwarding=True)
    limit_channels(bastion, 0)
    await lab.start("gpu-1")
    transport = SshTransport(lab.target("gpu-1", jump="bastion"), dialer)
    with pytest.raises(LinkError) as caught:
        await transport.connect()
    assert caught.value.fault.kind is FaultKind.HOST_BUSY
    assert not caught.value.fault.kind.is_refusal
    assert bastion.dials == 1


def limit_channels(bastion, most):
    """Let a bastion refuse channels beyond `most` per connection, for want of resources."""
    counts = {}

    def count(connection):
        taken = counts.get(connection, 0)
        if taken >= most:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_RESOURCE_SHORTAGE, "too many channels")
        counts[connection] = taken + 1

    bastion.may_forward = count


async def test_dials_are_begun_one_after_the_other(lab):
    begun = []
    names = [f"gpu-{n}" for n in range(8)]
    for name in names:
        await lab.start(name)
    dialer = Dialer(Pacing(dials_per_s=50.0))
    connect = asyncssh.connect
    loop = asyncio.get_running_loop()

    async def noted(**options):
        begun.append(loop.time())
        return await connect(**options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncssh, "connect", noted)
        transports = [SshTransport(lab.target(name), dialer) for name in names]
        await asyncio.gather(*(transport.connect() for transport in transports))
    assert begun[-1] - begun[0] >= 0.99 * 7 / 50.0
    await asyncio.gather(*(transport.close() for transport in transports))
    await dialer.close()
