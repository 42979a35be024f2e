"""The simulated hosts' SSH servers: one listener per host on loopback, all on one event loop."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Final

import asyncssh

from leptontui import wire
from leptontui.demo.credentials import Keys
from leptontui.demo.feed import Feed
from leptontui.demo.layout import CONTROLLER, SimulatedHost
from leptontui.demo.session import HostSession
from leptontui.demo.world import World

LOOPBACK: Final = "127.0.0.1"
_BACKLOG: Final = 128
_RETRY_S: Final = 0.5
_KEX: Final = ["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256"]
"""Cheap ones only: a thousand hosts shake hands with one core."""
_log = logging.getLogger(__name__)


def common_options(keys: Keys) -> asyncssh.SSHServerConnectionOptions:
    """What all simulated hosts have in common."""
    authorized = asyncssh.import_authorized_keys(keys.client.export_public_key().decode())
    return asyncssh.SSHServerConnectionOptions(
        authorized_client_keys=authorized,
        password_auth=False,
        kbdint_auth=False,
        host_based_auth=False,
        encoding=None,
        kex_algs=_KEX,
        compression_algs=["none"],
        agent_forwarding=False,
        x11_forwarding=False,
        line_editor=False,
        server_version="OpenSSH_9.6p1-simulated",
    )


class _Connection(asyncssh.SSHServer):
    """One connection to a simulated host."""

    def __init__(self, server: HostServer) -> None:
        self._server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn
        self._server.connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 — any end is the end
        self._server.connections.discard(self._conn)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 — nobody gets in without a key
        return True

    def session_requested(self) -> HostSession:
        user = str(self._conn.get_extra_info("username"))
        return HostSession(self._server.world, self._server.host, user, self._server.feeds)


class HostServer:
    """The SSH server of one simulated host.

    Attributes:
        world: the simulated fleet.
        host: the host; None for the controller.
        port: where it listens; kept while the host is away.
        connections: who is connected.
        feeds: the probes that run.
    """

    def __init__(
        self, world: World, host: SimulatedHost | None, keys: Keys, options: asyncssh.SSHServerConnectionOptions
    ) -> None:
        self.world = world
        self.host = host
        self.port = 0
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.feeds: set[Feed] = set()
        self._key = keys.hosts[host.name if host else CONTROLLER]
        self._options = options
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._placeholder: socket.socket | None = None

    async def open(self) -> None:
        """Listen, on the same port as before if there was one.

        Raises:
            OSError: the port cannot be had.
        """
        self._release()
        listener = _bound_socket(self.port)
        self.port = listener.getsockname()[1]
        self._acceptor = await asyncssh.listen(
            sock=listener,
            backlog=_BACKLOG,
            options=self._options,
            server_factory=lambda: _Connection(self),
            server_host_keys=[self._key],
        )

    async def reopen(self) -> None:
        """Listen again after `vanish`, trying until the port can be had."""
        while True:
            try:
                await self.open()
            except OSError as error:
                _log.warning("port %d is not free yet: %s", self.port, error)
                await asyncio.sleep(_RETRY_S)
            else:
                return

    def vanish(self) -> None:
        """Drop every connection and refuse new ones; the port is held by a socket that does not listen."""
        self.close()
        try:
            self._placeholder = _bound_socket(self.port)
        except OSError as error:
            _log.warning("port %d cannot be held: %s", self.port, error)

    def close(self) -> None:
        """Stop listening and drop every connection."""
        self._release()
        if self._acceptor is not None:
            self._acceptor.close()
            self._acceptor = None
        for connection in list(self.connections):
            connection.abort()

    def _release(self) -> None:
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None

    def push(self, event: wire.Event) -> None:
        """Let every probe on this host push `event`."""
        for feed in list(self.feeds):
            feed.push(event)


def _bound_socket(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOOPBACK, port))
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)  # noqa: FBT003 — the standard library's signature
    return bound
