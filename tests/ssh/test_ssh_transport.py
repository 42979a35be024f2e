"""The transport against real servers: trust, login, commands, streams, and every way a link can fail."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import replace

import asyncssh
import pytest

from leptontui.errors import CommandTimeout, LinkError, WireError
from leptontui.model.link import FaultKind
from leptontui.transport.dialer import Dialer, Pacing
from leptontui.transport.ssh import SshTransport
from leptontui.wire import MAX_LINE_BYTES


@pytest.fixture
async def open_transport(dialer):
    """Makes transports that are closed at the end."""
    made = []

    def make(target, through=None):
        made.append(SshTransport(target, through or dialer))
        return made[-1]

    yield make
    for transport in made:
        await transport.close()


async def fault_of_dial(transport):
    with pytest.raises(LinkError) as caught:
        await transport.connect()
    return caught.value.fault


async def test_runs_a_command_with_its_arguments_quoted_once(lab, open_transport):
    await lab.start("gpu-1")
    transport = open_transport(lab.target("gpu-1"))
    words = ["a b", "$HOME", "it's", '"', ";", "*", ""]
    done = await transport.run(["args", *words])
    assert (done.exit_status, done.stdout) == (0, repr(words))
    assert transport.address == f"demo@127.0.0.1:{lab.hosts['gpu-1'].port}"


async def test_exit_status_stderr_stdin_and_signals_come_back(lab, open_transport):
    await lab.start("gpu-1")
    transport = open_transport(lab.target("gpu-1"))
    failed = await transport.run(["fail"])
    assert (failed.exit_status, failed.stderr) == (3, "it failed\n")
    assert (await transport.run(["cat"], stdin=b"in\xff")).stdout == "in\ufffd"
    assert (await transport.run(["kill"])).exit_status == -9
    assert lab.hosts["gpu-1"].dials == 1


async def test_output_is_limited_and_the_rest_discarded(lab, open_transport):
    await lab.start("gpu-1")
    done = await open_transport(lab.target("gpu-1")).run(["big"])
    assert done.exit_status == 0
    assert len(done.stdout) == len(done.stderr) == 256 * 1024


async def test_a_hung_command_times_out_and_its_channel_is_closed(lab, open_transport):
    ended = asyncio.Event()

    async def hang(process):
        if process.command == "hang":
            try:
                await process.stdin.read()
                await process.stdin.channel.wait_closed()
            finally:
                ended.set()
        else:
            process.exit(0)

    await lab.start("gpu-1", hang)
    transport = open_transport(lab.target("gpu-1"))
    with pytest.raises(CommandTimeout):
        await transport.run(["hang"], timeout_s=0.2)
    await asyncio.wait_for(ended.wait(), 5)
    assert (await transport.run(["true"])).exit_status == 0
    assert lab.hosts["gpu-1"].dials == 1


async def test_an_unknown_host_key_is_refused_with_its_fingerprint(lab, open_transport):
    host = await lab.start("gpu-1")
    lab.known_hosts.write_text("")
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert host.key.get_fingerprint() in fault.cause
    assert "ssh-ed25519" in fault.cause
    assert f"ssh -F {lab.config} gpu-1" in fault.mend
    assert f"ssh-keyscan -p {host.port} 127.0.0.1` to {lab.known_hosts} under the name gpu-1" in fault.mend
    assert host.logins == []


async def test_a_missing_known_hosts_file_trusts_nobody(lab, open_transport):
    host = await lab.start("gpu-1")
    lab.known_hosts.unlink()
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.HOST_KEY_UNKNOWN
    fault = await fault_of_dial(open_transport(lab.target("gpu-1", known_hosts="/nonexistent/known_hosts")))
    assert fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert host.logins == []


@pytest.mark.parametrize("line", ["  StrictHostKeyChecking no", "  StrictHostKeyChecking off\n  CheckHostIP no"])
async def test_configuration_cannot_turn_verification_off(lab, open_transport, line):
    lab.extra["gpu-1"] = line
    host = await lab.start("gpu-1")
    lab.known_hosts.write_text("")
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert host.logins == []


async def test_user_known_hosts_file_none_trusts_nobody(lab, open_transport):
    host = await lab.start("gpu-1")
    lab.config.write_text(lab.config.read_text().replace(str(lab.known_hosts), "none"))
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert host.logins == []


async def test_a_changed_host_key_is_loud_and_says_where_the_old_one_stands(lab, open_transport):
    host = await lab.start("gpu-1")
    old = asyncssh.generate_private_key("ssh-ed25519")
    lab.known_hosts.write_text(f"# comment\ngpu-1 {old.export_public_key().decode()}")
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.HOST_KEY_CHANGED
    assert "HAS CHANGED" in fault.cause
    assert host.key.get_fingerprint() in fault.cause
    assert old.get_fingerprint() in fault.cause
    assert f"{lab.known_hosts}:2" in fault.cause
    assert host.logins == []


async def test_a_changed_key_of_another_type_is_a_changed_key_too(lab, open_transport):
    await lab.start("gpu-1")
    old = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    lab.known_hosts.write_text(f"gpu-1 {old.export_public_key().decode()}")
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.HOST_KEY_CHANGED
    assert old.get_fingerprint() in fault.cause


async def test_a_key_stored_for_the_address_alone_does_not_vouch_for_the_name(lab, open_transport):
    host = await lab.start("gpu-1")
    lab.known_hosts.write_text(f"127.0.0.1,[127.0.0.1]:{host.port} {host.key.export_public_key().decode()}")
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.HOST_KEY_UNKNOWN


async def test_without_an_alias_the_host_name_and_port_are_looked_up(lab, open_transport):
    host = await lab.start("gpu-1")
    lab.config.write_text(lab.config.read_text().replace("HostKeyAlias", "#"))
    lab.known_hosts.write_text(f"[127.0.0.1]:{host.port} {host.key.export_public_key().decode()}")
    await open_transport(lab.target("gpu-1")).connect()
    assert host.logins == ["demo"]


async def test_a_revoked_key_is_refused(lab, open_transport):
    host = await lab.start("gpu-1")
    public = host.key.export_public_key().decode().strip()
    lab.known_hosts.write_text(f"gpu-1 {public}\n@revoked gpu-1 {public}\n")
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.HOST_KEY_CHANGED
    assert "REVOKED" in fault.cause


async def test_permission_denied_names_user_and_methods(lab, open_transport):
    other = asyncssh.generate_private_key("ssh-ed25519")
    keys = asyncssh.import_authorized_keys(other.export_public_key().decode())
    await lab.start("gpu-1", authorized_client_keys=keys)
    fault = await fault_of_dial(open_transport(lab.target("gpu-1", user="alice")))
    assert fault.kind is FaultKind.PERMISSION_DENIED
    assert "alice" in fault.cause
    assert "publickey tried (1 from files" in fault.cause
    assert "gpu-1" in fault.mend


async def test_a_host_that_takes_only_passwords_is_said_to(lab, open_transport):
    await lab.start("gpu-1", public_key_auth=False, password_auth=True)
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.PERMISSION_DENIED
    assert "no login by key" in fault.cause


async def test_values_of_the_inventory_override_the_configuration(lab, open_transport):
    host = await lab.start("gpu-1")
    lab.config.write_text(
        lab.config.read_text().replace(f"Port {host.port}", "Port 1").replace(str(lab.identity), "/no")
    )
    target = lab.target("gpu-1", user="root", port=host.port, identity=str(lab.identity))
    await open_transport(target).connect()
    assert host.logins == ["root"]


async def test_an_identity_that_is_missing_or_locked_is_said_before_dialling(lab, open_transport):
    host = await lab.start("gpu-1")
    missing = await fault_of_dial(open_transport(lab.target("gpu-1", identity="/nonexistent/key")))
    assert missing.kind is FaultKind.KEY_UNUSABLE
    assert "/nonexistent/key" in missing.cause
    locked = lab.directory / "locked"
    locked.write_bytes(lab.client_key.export_private_key("pkcs8-pem", passphrase="secret"))
    fault = await fault_of_dial(open_transport(lab.target("gpu-1", identity=str(locked))))
    assert fault.kind is FaultKind.KEY_UNUSABLE
    assert "passphrase" in fault.cause
    assert "ssh-add" in fault.mend
    assert host.dials == 0


async def test_a_locked_default_key_is_named_when_nothing_else_fits(lab, open_transport):
    await lab.start("gpu-1")
    lab.identity.write_bytes(lab.client_key.export_private_key("pkcs8-pem", passphrase="secret"))
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.KEY_UNUSABLE
    assert str(lab.identity) in fault.cause


async def test_keys_of_the_agent_are_used(lab, open_transport, monkeypatch, tmp_path):
    host = await lab.start("gpu-1")
    lab.config.write_text(lab.config.read_text().replace(f"IdentityFile {lab.identity}", ""))
    with socket.socket(socket.AF_UNIX) as nobody:
        nobody.bind(str(tmp_path / "agent"))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.PERMISSION_DENIED
    assert "the agent's included" in fault.cause
    assert host.logins == ["demo"]


async def test_a_name_that_does_not_exist(lab, open_transport):
    lab.config.write_text("Host gpu-1\n  HostName no-such-host.invalid\n  User demo\n")
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.NAME_UNKNOWN
    assert "no-such-host.invalid" in fault.cause


async def test_a_closed_port(lab, open_transport, unused_tcp_port):
    lab.config.write_text(f"Host gpu-1\n  HostName 127.0.0.1\n  Port {unused_tcp_port}\n  User demo\n")
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.CONNECTION_REFUSED
    assert str(unused_tcp_port) in fault.cause


@pytest.fixture
def unused_tcp_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def test_a_port_that_accepts_and_says_nothing_times_out(lab, open_transport):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        lab.config.write_text(f"Host gpu-1\n  HostName 127.0.0.1\n  Port {silent.getsockname()[1]}\n  User demo\n")
        hasty = Dialer(Pacing(connect_timeout_s=0.2))
        fault = await fault_of_dial(open_transport(lab.target("gpu-1"), hasty))
        await hasty.close()
    assert fault.kind is FaultKind.TIME_OUT


async def test_a_port_that_does_not_speak_ssh(lab, open_transport):
    async def talk(reader, writer):
        writer.write(b"\x1b[31mHTTP/1.1 400 Bad Request\r\n" * 2000)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    lab.config.write_text(f"Host gpu-1\n  HostName 127.0.0.1\n  Port {port}\n  User demo\n")
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    server.close()
    assert fault.kind in {FaultKind.PROTOCOL, FaultKind.LINK_DROPPED}
    assert fault.cause.isprintable()


async def test_a_broken_configuration_names_file_and_line(lab, open_transport):
    lab.config.write_text("Host other\n  Port 1\n\nHost gpu-1\n  Port many\n")
    fault = await fault_of_dial(open_transport(lab.target("gpu-1")))
    assert fault.kind is FaultKind.CONFIG
    assert f"{lab.config} line 5" in fault.cause
    fault = await fault_of_dial(open_transport(replace(lab.target("gpu-1"), ssh_config="/nonexistent/config")))
    assert fault.kind is FaultKind.CONFIG
    assert "/nonexistent/config" in fault.cause


async def test_a_dropped_link_is_a_fault_for_what_runs_and_the_next_command_dials_anew(lab, open_transport):
    host = await lab.start("gpu-1")
    transport = open_transport(lab.target("gpu-1"))
    stream = await transport.stream(["hang"])
    running = asyncio.ensure_future(transport.run(["hang"]))
    async with asyncio.timeout(5), host.started:
        await host.started.wait_for(lambda: len(host.commands) == 2)
    host.cut()
    with pytest.raises(LinkError) as caught:
        await running
    assert caught.value.fault.kind is FaultKind.LINK_DROPPED
    with pytest.raises(LinkError):
        [line async for line in stream.lines()]
    assert (await stream.close()).exit_status is None
    assert (await transport.run(["echo", "back"])).stdout == "back\n"
    assert host.dials == 2


async def test_a_half_open_link_is_noticed_by_keepalives(lab, open_transport, relay):
    host = await lab.start("gpu-1")
    async with relay(host.port) as between:
        transport = open_transport(lab.target("gpu-1", port=between.port))
        stream = await transport.stream(["hang"])
        between.stall()
        with pytest.raises(LinkError) as caught:
            [line async for line in stream.lines()]
        assert caught.value.fault.kind is FaultKind.TIME_OUT
        assert "keepalive" in caught.value.fault.cause


async def test_a_stream_gives_lines_and_closes_with_its_last_words(lab, open_transport):
    async def probe(process):
        process.stdout.write(await process.stdin.readline())
        process.stdout.write(b"two\r\nthr")
        process.stdout.write(b"ee\n")
        process.stderr.write(b"last words")
        await process.stdin.read()
        process.exit(5)

    await lab.start("gpu-1", probe)
    stream = await open_transport(lab.target("gpu-1")).stream(["probe"], stdin=b"one\n")
    lines = stream.lines()
    assert [await anext(lines) for _ in range(3)] == [b"one", b"two", b"three"]
    done = await stream.close()
    assert (done.exit_status, done.stderr) == (5, "last words")


async def test_a_stream_that_does_not_end_by_itself_is_terminated(lab, open_transport):
    signalled = asyncio.Event()

    async def stubborn(process):
        process.stdout.write(b"x\n")
        try:
            await asyncio.Event().wait()
        finally:
            signalled.set()

    async def deaf(process):
        task = asyncio.ensure_future(stubborn(process))
        await process.stdin.channel.wait_closed()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    await lab.start("gpu-1", deaf)
    stream = await open_transport(lab.target("gpu-1")).stream(["probe"])
    assert await anext(stream.lines()) == b"x"
    await stream.close()
    await asyncio.wait_for(signalled.wait(), 5)


async def test_an_endless_line_is_refused_and_stopped(lab, open_transport):
    sent = 0

    async def endless(process):
        nonlocal sent
        while True:
            process.stdout.write(b"x" * 65536)
            sent += 65536
            await process.stdout.drain()

    await lab.start("gpu-1", endless)
    stream = await open_transport(lab.target("gpu-1")).stream(["probe"])
    with pytest.raises(WireError):
        [line async for line in stream.lines()]
    await stream.close()
    assert sent < 8 * MAX_LINE_BYTES


async def test_a_flood_that_nobody_reads_is_held_back(lab, open_transport):
    sent, is_blocked = 0, asyncio.Event()

    async def flood(process):
        nonlocal sent
        while True:
            process.stdout.write(b"line\n" * 10_000)
            sent += 50_000
            try:
                async with asyncio.timeout(0.5):
                    await process.stdout.drain()
            except TimeoutError:
                is_blocked.set()
                await process.stdout.drain()

    await lab.start("gpu-1", flood)
    stream = await open_transport(lab.target("gpu-1")).stream(["probe"])
    await asyncio.wait_for(is_blocked.wait(), 20)
    assert sent < 4 * 1024 * 1024
    count = 0
    async for line in stream.lines():
        assert line == b"line"
        count += 1
        if count > 200_000:
            break
    await stream.close()


async def test_a_host_that_refuses_the_command(lab, open_transport):
    await lab.start("gpu-1", None)
    transport = open_transport(lab.target("gpu-1"))
    with pytest.raises(LinkError) as caught:
        await transport.stream(["probe"])
    assert caught.value.fault.kind is FaultKind.PERMISSION_DENIED
    assert "refused to run a command" in caught.value.fault.cause


async def test_too_many_open_files_says_so(lab, open_transport, monkeypatch):
    await lab.start("gpu-1")
    transport = open_transport(lab.target("gpu-1"))

    async def no_more(*_, **__):
        raise OSError(24, os.strerror(24))

    monkeypatch.setattr(asyncssh, "connect", no_more)
    fault = await fault_of_dial(transport)
    assert "too many open files" in fault.cause
    assert "ulimit" in fault.mend


async def test_temporary_files_are_removed(lab):
    await lab.start("gpu-1")
    dialer = Dialer()
    route = await dialer.route(lab.target("gpu-1"))
    reduced = route.options["config"][0]
    assert os.path.exists(reduced)  # noqa: PTH110, ASYNC240
    await dialer.close()
    assert not os.path.exists(reduced)  # noqa: PTH110, ASYNC240
