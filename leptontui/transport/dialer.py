"""What all links share: the pace of dialling, one tunnel per jump host, secrets, and files that are parsed once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind, OfferedKey
from leptontui.model.target import HostTarget
from leptontui.transport.acceptance import Accepted, accept
from leptontui.transport.asking import Asker
from leptontui.transport.entrance import Entrance
from leptontui.transport.keys import KeyRing
from leptontui.transport.line import Lease, Line, connect
from leptontui.transport.login import Login
from leptontui.transport.pace import Gates
from leptontui.transport.route import Atlas, Route
from leptontui.transport.tunnels import MOST_CONNECTIONS, Hop, Key, Tunnels, Waiting
from leptontui.transport.vault import Vault


@dataclass(frozen=True, slots=True)
class Pacing:
    """How dialling is paced and when a host is given up.

    Attributes:
        handshakes: how many logins may be under way at the same time.
        logins_per_address: how many of them at one address; less where it takes less. Below ten, from where on sshd
            drops some with its own default, MaxStartups 10:30:100.
        dials_per_s: how many may be begun in a second.
        connect_timeout_s: time for connecting and logging in, where the SSH configuration sets no ConnectTimeout.
        keepalive_interval_s: silence after which a host is asked for a sign of life.
        keepalive_count: unanswered questions after which it is given up: (count + 1) intervals in all.
        tunnel_memory_s: so long a jump host's failure is remembered for all hosts behind it.
    """

    handshakes: int = 64
    logins_per_address: int = 8
    dials_per_s: float = 200.0
    connect_timeout_s: float = 10.0
    keepalive_interval_s: float = 3.0
    keepalive_count: int = 2
    tunnel_memory_s: float = 2.0


class Dialer:
    """Dials hosts. Used on one event loop; `close` it after the links.

    Args:
        pacing: see `Pacing`.
        asker: who asks the user for passphrases, passwords and codes; None where nobody can be asked.
        opened: called when a key was unlocked, or a password turned out to be right.
    """

    def __init__(
        self,
        pacing: Pacing | None = None,
        asker: Asker | None = None,
        opened: Callable[[], None] = lambda: None,
    ) -> None:
        self._pacing = pacing or Pacing()
        keys = KeyRing()
        self._atlas = Atlas(
            connect_timeout_s=self._pacing.connect_timeout_s,
            keepalive_interval_s=self._pacing.keepalive_interval_s,
            keepalive_count=self._pacing.keepalive_count,
            keys=keys,
        )
        self._vault = Vault(asker, keys, opened)
        self._entrance = Entrance(self._vault)
        self._tunnels = Tunnels(
            self._dial_hop,
            memory_s=self._pacing.tunnel_memory_s,
            patience_s=6 * self._pacing.connect_timeout_s,
            is_asking=lambda: self._vault.is_asking,
        )
        self._gates = Gates(self._pacing.logins_per_address)
        self._slots = asyncio.Semaphore(self._pacing.handshakes)
        self._asking_slots = asyncio.Semaphore(self._pacing.handshakes)
        self._accepting = asyncio.Lock()
        self._next_start = 0.0
        self._is_closed = False

    async def route(self, target: HostTarget) -> Route:
        """Where `target` is and how to log in there.

        Raises:
            LinkError: its SSH configuration cannot be used.
        """
        return await asyncio.to_thread(self._atlas.route, target)

    async def dial(self, route: Route) -> Line:
        """Connect and log in, through the shared tunnel where there is a jump host.

        Raises:
            LinkError: with the plain-language fault.
        """
        name = route.target.name
        return await self._dial(route, (), lambda: (name,))

    async def accept(self, keys: Sequence[OfferedKey]) -> Accepted:
        """Write host keys that the user vouches for into the user's own known_hosts.

        Raises:
            LeptonError: a file cannot be written.
        """
        async with self._accepting:  # one after the other, so that no key is written twice
            try:
                return await asyncio.to_thread(accept, keys)
            finally:
                self._tunnels.forget_failures()

    def reconsider(self) -> None:
        """Ask again what was declined, and dial again what has just failed: the user wants another try."""
        self._vault.reconsider()
        self._tunnels.forget_failures()

    async def close(self) -> None:
        """Hang up the tunnels and remove temporary files. Nothing can be dialled afterwards."""
        self._is_closed = True
        await self._tunnels.close()
        await asyncio.to_thread(self._atlas.close)

    async def _dial_hop(self, hop: Hop) -> Line:
        route = await asyncio.to_thread(self._atlas.route, hop.target, hop.behind)
        return await self._dial(route, hop.trail, hop.waiting)

    async def _dial(self, route: Route, trail: tuple[Key, ...], waiting: Waiting) -> Line:
        """Dial until the host lets us in, or there is nothing more to be asked of the user."""
        attempt = 1
        while True:
            if await self._entrance.prepare(route, waiting):
                route = await asyncio.to_thread(self._atlas.again, route)
            login = self._entrance.login(route, waiting, is_hop=bool(trail), attempt=attempt)
            try:
                return await self._through(route, trail, login)
            except LinkError as error:
                await self._entrance.after(error, route, login)
            route = await asyncio.to_thread(self._atlas.again, route)
            attempt += 1

    async def _through(self, route: Route, trail: tuple[Key, ...], login: Login) -> Line:
        """Connect through a tunnel where there is one; through another one if the first takes no more."""
        if not route.jump:
            return await self._paced(route, None, login)
        for _ in range(MOST_CONNECTIONS):
            lease = await self._tunnels.lease(route, trail, lambda: tuple(login.waiting()))
            try:
                return await self._paced(route, lease, login)
            except BaseException as error:
                lease.release()
                if not (isinstance(error, LinkError) and lease.is_full):
                    raise
        cause = f"jump host {route.dialled.via} takes no more connections through it"
        raise LinkError(Fault(FaultKind.HOST_BUSY, cause, "dialled again more slowly"))

    async def _paced(self, route: Route, lease: Lease | None, login: Login) -> Line:
        # The tunnel comes first: waiting for it must not take up a turn that its own dial needs.
        async with self._gates.turn(route.gate), self._slot(login):
            if self._is_closed:
                raise LinkError(Fault(FaultKind.LINK_DROPPED, "the program is ending"))
            return await connect(route, lease, login)

    @asynccontextmanager
    async def _slot(self, login: Login) -> AsyncIterator[None]:
        """Wait for a turn: few at a time, and not all in one instant.

        Logins that may have to wait for the user have slots of their own, so that they hold up nobody else.
        """
        async with self._slots if login.account is None else self._asking_slots:
            now = asyncio.get_running_loop().time()
            start = max(now, self._next_start)
            self._next_start = start + 1.0 / self._pacing.dials_per_s
            if start > now:
                await asyncio.sleep(start - now)
            yield
