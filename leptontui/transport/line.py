"""One SSH connection to one host, with what was seen while it was made and whom to tell when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

import asyncssh

from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind
from leptontui.transport.asking import Deadline
from leptontui.transport.dialled import Dialled, Stage
from leptontui.transport.faults import fault_of
from leptontui.transport.login import Login
from leptontui.transport.proxy import Proxy
from leptontui.transport.route import Route
from leptontui.transport.seats import Seats

_CLOSE_S: Final = 2.0
"""So long a host is given to acknowledge that we hang up."""


class Line:
    """A connection that stands.

    Args:
        connection: asyncssh's.
        watch: what saw it being made.
        route: how it was dialled.
        lease: the share in a tunnel it goes through, None if it goes directly.

    Attributes:
        connection: asyncssh's.
        seats: how many commands it carries at a time.
    """

    def __init__(
        self, connection: asyncssh.SSHClientConnection, watch: Watch, route: Route, lease: Lease | None
    ) -> None:
        self.connection = connection
        self.seats = Seats()
        self._watch = watch
        self._route = route
        self._lease = lease
        if lease is not None:
            watch.on_lost.append(lease.release)

    @property
    def name(self) -> str:
        """The host's name as `ssh` knows it."""
        return self._route.dialled.name

    @property
    def is_lost(self) -> bool:
        """Whether it has broken or was closed."""
        return self._watch.is_lost

    def on_lost(self, call: Callable[[], None]) -> None:
        """Call back once when it breaks or is closed; at once if it already is."""
        if self._watch.is_lost:
            call()
        else:
            self._watch.on_lost.append(call)

    def fault_error(self, error: BaseException | None) -> LinkError:
        """The link error for an exception that a channel raised; None asks why the connection was lost."""
        cause = self._watch.lost if error is None or self._watch.lost is not None else error
        if self._lease is not None and self._lease.line.is_lost:
            return LinkError(broken_below(self._lease.line, self._route))
        return LinkError(fault_of(cause or asyncssh.ConnectionLost(""), self._dialled()))

    async def close(self) -> None:
        """Hang up; waits shortly for the host to acknowledge, then drops the connection."""
        self.connection.close()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self.connection.wait_closed()
        except TimeoutError:
            self.connection.abort()
        finally:
            if self._lease is not None:
                self._lease.release()

    def _dialled(self) -> Dialled:
        # A channel's refusal is the host's own, not the tunnel's, whose name then stays out of it.
        return self._route.dialled if self.is_lost else replace(self._route.dialled, via="")


class Share(Protocol):
    """The tunnel that a lease is a share in."""

    def opened(self) -> None:
        """One more channel goes through it."""

    def refused(self, error: asyncssh.ChannelOpenError) -> bool:
        """A channel was refused; returns whether that is because too many go through it already."""

    def given_back(self, *, is_open: bool) -> None:
        """A lease ended; `is_open` if a channel went through it."""


class Lease:
    """A share in a tunnel; `release` gives it back, and the last one hangs up.

    It is what asyncssh opens the tunnelled connection through.

    Args:
        line: the tunnel's connection.
        share: the tunnel.

    Attributes:
        is_full: whether the tunnel took no more when this one wanted in.
    """

    def __init__(self, line: Line, share: Share) -> None:
        self.line = line
        self.is_full = False
        self._share: Share | None = share
        self._is_open = False

    async def create_connection(self, factory: Callable[[], Any], host: str, port: int) -> tuple[Any, Any]:
        """Open a channel through the tunnel; called by asyncssh.

        Raises:
            asyncssh.ChannelOpenError: the jump host refused it.
        """
        try:
            opened = await self.line.connection.create_connection(factory, host, port)
        except asyncssh.ChannelOpenError as error:
            self.is_full = self._share is not None and self._share.refused(error)
            raise
        if self._share is not None:
            self._is_open = True
            self._share.opened()
        return opened

    def release(self) -> None:
        """Give it back. A second call does nothing."""
        share, self._share = self._share, None
        if share is not None:
            share.given_back(is_open=self._is_open)


class Watch(asyncssh.SSHClient):
    """Sees what a fault's text needs while a connection is made. Trusts no key that known_hosts does not hold.

    Args:
        login: answers what the host asks.
    """

    def __init__(self, login: Login) -> None:
        self._login = login
        self._connection: asyncssh.SSHClientConnection | None = None
        self.offered: tuple[str, str] | None = None
        self.offered_key = ""
        self.is_key_asked = False
        self.is_lost = False
        self.lost: Exception | None = None
        self.on_lost: list[Callable[[], None]] = []

    @property
    def stage(self) -> Stage:
        """How far it got."""
        connection = self._connection
        if connection is None:
            return Stage.APART
        if connection.get_extra_info("server_version") is None:
            return Stage.CONNECTED
        return Stage.GREETED if connection.get_server_host_key() is None else Stage.AGREED

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """Note the connection."""
        self._connection = conn

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Note the key that known_hosts does not hold, and refuse it."""
        del host, addr, port
        self.offered = key.get_algorithm(), key.get_fingerprint()
        self.offered_key = " ".join(key.export_public_key("openssh").decode("ascii").split()[:2])
        return False

    def validate_host_ca_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Note the certificate authority that known_hosts does not hold, and refuse it."""
        del host, addr, port
        self.offered = f"certificate by {key.get_algorithm()}", key.get_fingerprint()
        return False

    def public_key_auth_requested(self) -> None:
        """Asked for one more key after the last: note that the host let keys be tried."""
        self.is_key_asked = True

    async def password_auth_requested(self) -> str | None:
        """The password to send, if passwords are asked for and one is kept."""
        return await self._login.password()

    def kbdint_auth_requested(self) -> str | None:
        """Begin a keyboard-interactive login, without a wish for a submethod."""
        return "" if self._login.starts_challenge() else None

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> list[str] | None:
        """Answer what the host asks."""
        del name, lang
        return await self._login.answers(instructions, prompts)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note why, and tell whoever wants to know."""
        self.is_lost = True
        self.lost = exc
        calls, self.on_lost = self.on_lost, []
        for call in calls:
            call()


async def connect(route: Route, lease: Lease | None, login: Login) -> Line:
    """Connect and log in.

    Raises:
        LinkError: with the plain-language fault.
    """
    watch = Watch(login)
    is_in = is_denied = False
    proxy = Proxy(route.proxy) if route.proxy else None
    try:
        async with Deadline(route.dialled.timeout_s) as login.deadline:
            connection = await asyncssh.connect(**route.options, tunnel=lease or proxy, client_factory=lambda: watch)
        is_in = True
    except (OSError, ValueError, asyncssh.Error) as error:
        is_denied = isinstance(error, asyncssh.PermissionDenied)
        if lease is not None and lease.line.is_lost:
            raise LinkError(broken_below(lease.line, route)) from error
        raise LinkError(await _fault(error, route, watch, proxy)) from error
    finally:
        login.end(is_in=is_in, is_denied=is_denied)
    return Line(connection, watch, route, lease)


def broken_below(below: Line, route: Route) -> Fault:
    """The fault of a link whose jump host was lost: the jump host's own, by its name."""
    error = below.fault_error(None)
    said = error.fault.cause
    kind = error.fault.kind if isinstance(error.fault, Fault) else FaultKind.LINK_DROPPED
    via = route.dialled.via
    return Fault(kind, said if said.startswith("jump host") else f"jump host {via.rpartition(',')[2]}: {said}")


async def _fault(error: Exception, route: Route, watch: Watch, proxy: Proxy | None) -> Fault:
    dialled = replace(
        route.dialled,
        offered=watch.offered,
        offered_key=watch.offered_key,
        is_key_asked=watch.is_key_asked,
        stage=watch.stage,
    )
    if isinstance(error, asyncssh.HostKeyNotVerifiable | asyncssh.KeyExchangeFailed):
        stored = await asyncio.to_thread(route.known.stored_for, route.key_name, route.key_port)
        dialled = replace(dialled, stored=stored)
    ended = await proxy.fault(dialled) if proxy is not None else None
    return ended or fault_of(error, dialled)
