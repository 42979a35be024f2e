"""Real SSH servers on loopback, scripted per test, and everything a client needs to trust and enter them."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import asyncssh
import pytest

from leptontui.model.link import Link, LinkState
from leptontui.model.target import HostTarget
from leptontui.transport.dialer import Dialer, Pacing
from leptontui.wire import Hello, Received, Sweep, encode

Handler = Callable[[asyncssh.SSHServerProcess], Awaitable[None]]

QUICK = Pacing(connect_timeout_s=5.0, keepalive_interval_s=0.1, keepalive_count=1, tunnel_memory_s=0.2)


async def answer(process: asyncssh.SSHServerProcess) -> None:
    """A few commands, by their first word."""
    word, *words = shlex.split(process.command or "")
    match word:
        case "echo":
            process.stdout.write(" ".join(words).encode() + b"\n")
            process.exit(0)
        case "args":
            process.stdout.write(repr(words).encode())
            process.exit(0)
        case "cat":
            process.stdout.write(await process.stdin.read())
            process.exit(0)
        case "fail":
            process.stderr.write(b"it failed\n")
            process.exit(3)
        case "kill":
            process.exit_with_signal("KILL")
        case "big":
            process.stdout.write(b"x" * 1_000_000)
            process.stderr.write(b"y" * 1_000_000)
            process.exit(0)
        case "hang":
            await process.stdin.channel.wait_closed()
        case _:
            process.exit(127)


def hello(version: int = 1) -> bytes:
    return encode(Hello(v=version, t_unix_s=1.0, hostname="gpu"))


def sweep(seq: int = 1, *, is_history: bool = False) -> bytes:
    return encode(Sweep(v=1, seq=seq, t_unix_s=1.0, t_mono_s=1.0, is_history=is_history))


@dataclass
class Host:
    """A running server."""

    name: str
    port: int
    key: asyncssh.SSHKey
    acceptor: asyncssh.SSHAcceptor
    logins: list[str] = field(default_factory=list)
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    started: asyncio.Condition = field(default_factory=asyncio.Condition)
    dials: int = 0
    may_run: Callable[[], bool] = lambda: True
    may_forward: Callable[[asyncssh.SSHServerConnection], None] = lambda connection: None

    def cut(self) -> None:
        """Drop all connections without a word."""
        for connection in self.connections:
            connection.abort()
        self.connections.clear()

    async def stop(self) -> None:
        self.cut()
        self.acceptor.close()
        await self.acceptor.wait_closed()


class _Server(asyncssh.SSHServer):
    def __init__(self, host: Callable[[], Host], is_forwarding: bool, handle: Handler | None) -> None:
        self._host = host
        self._is_forwarding = is_forwarding
        self._handle = handle

    def session_requested(self):
        if self._handle is None:
            return False
        if not self._host().may_run():
            # Word for word what sshd answers beyond MaxSessions.
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "open failed")
        return asyncssh.SSHServerProcess(self._handle, None, 3, False)

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._host().dials += 1
        self._host().connections.append(conn)
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        self._host().logins.append(username)
        return True

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        if not self._is_forwarding:
            # Word for word what sshd answers with AllowTcpForwarding no.
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "open failed")
        self._host().may_forward(self._connection)
        return True


class Lab:
    """Starts servers, and writes the client's files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.client_key = asyncssh.generate_private_key("ssh-ed25519")
        self.identity = directory / "id"
        self.identity.write_bytes(self.client_key.export_private_key())
        self.identity.chmod(0o600)
        self.known_hosts = directory / "known_hosts"
        self.config = directory / "config"
        self.hosts: dict[str, Host] = {}
        self.extra: dict[str, str] = {}

    async def start(
        self, name: str, handler: Handler | None = answer, *, is_forwarding: bool = False, port: int = 0, **options
    ):
        """Start a host that lets our key in."""
        key = options.pop("key", None) or asyncssh.generate_private_key("ssh-ed25519")
        public = options.pop("public", key)
        if "authorized_client_keys" not in options:
            options["authorized_client_keys"] = asyncssh.import_authorized_keys(
                self.client_key.export_public_key().decode()
            )

        async def handle(process: asyncssh.SSHServerProcess) -> None:
            host = self.hosts[name]
            async with host.started:
                host.commands.append(process.command)
                host.started.notify_all()
            with contextlib.suppress(asyncssh.Error, OSError):
                await handler(process)

        acceptor = await asyncssh.listen(
            "127.0.0.1",
            port,
            server_factory=lambda: _Server(
                lambda: self.hosts[name], is_forwarding, handle if handler is not None else None
            ),
            server_host_keys=key if isinstance(key, list) else [key],
            encoding=None,
            **options,
        )
        host = Host(name, acceptor.get_port(), public, acceptor)
        self.hosts[name] = host
        self.write()
        return host

    def write(self) -> None:
        """Write ssh_config and known_hosts for the hosts started so far."""
        blocks, keys = [], []
        for host in self.hosts.values():
            blocks.append(
                f"Host {host.name}\n  HostName 127.0.0.1\n  Port {host.port}\n  User demo\n"
                f"  HostKeyAlias {host.name}\n"
                f"  IdentityFile {self.identity}\n  UserKnownHostsFile {self.known_hosts}\n"
                + self.extra.get(host.name, "")
            )
            keys.append(f"{host.name} {host.key.export_public_key().decode().strip()}\n")
        self.config.write_text("\n".join(blocks))
        self.known_hosts.write_text("".join(keys))

    def target(self, name: str, **fields) -> HostTarget:
        return HostTarget(name, ssh_config=str(self.config), **fields)


@pytest.fixture
async def lab(tmp_path, monkeypatch) -> AsyncIterator[Lab]:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    lab = Lab(tmp_path)
    yield lab
    for host in lab.hosts.values():
        await host.stop()


@pytest.fixture
async def dialer() -> AsyncIterator[Dialer]:
    dialer = Dialer(QUICK)
    yield dialer
    await dialer.close()


@pytest.fixture(autouse=True)
async def no_task_is_left_behind():
    before = asyncio.all_tasks()
    yield
    for _ in range(200):
        left = [task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()]
        if not left:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"tasks left behind: {left}")


class Relay:
    """A TCP relay that can stop passing bytes on while both sides stay connected: a half-open link."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._passing = asyncio.Event()
        self._passing.set()
        self._tasks: set[asyncio.Task] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stall(self) -> None:
        self._passing.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._to_port)
        for pair in ((reader, there_writer), (there_reader, writer)):
            task = asyncio.ensure_future(self._pass_on(*pair))
            self._tasks.add(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(65536):
                await self._passing.wait()
                writer.write(chunk)
        except OSError:
            pass
        finally:
            writer.close()


@pytest.fixture
def relay() -> type[Relay]:
    return Relay


class Heard:
    """A sink that can be waited for."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.links: list[Link] = []
        self._pulse = asyncio.Event()

    def offer(self, received: Received) -> None:
        self.received.append(received)
        self._pulse.set()

    def link_changed(self, link: Link) -> None:
        self.links.append(link)
        self._pulse.set()

    def last(self, host: str) -> Link:
        return next(link for link in reversed(self.links) if link.host == host)

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not is_so():
                self._pulse.clear()
                await self._pulse.wait()

    async def link(self, host: str, state: LinkState) -> Link:
        """Wait until the host's link is in that state; returns the link as it was then."""
        await self.until(lambda: any(link.host == host and link.state is state for link in self.links))
        return next(link for link in reversed(self.links) if link.host == host and link.state is state)


@pytest.fixture
def heard() -> Heard:
    return Heard()
