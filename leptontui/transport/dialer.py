"""What all links share: the pace of dialling, one tunnel per jump host, and files that are parsed once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind
from leptontui.model.target import HostTarget
from leptontui.transport.line import Lease, Line, connect
from leptontui.transport.route import Atlas, Route
from leptontui.transport.tunnels import Key, Tunnels


@dataclass(frozen=True, slots=True)
class Pacing:
    """How dialling is paced and when a host is given up.

    Attributes:
        handshakes: how many logins may be under way at the same time.
        dials_per_s: how many may be begun in a second.
        connect_timeout_s: time for connecting and logging in, where the SSH configuration sets no ConnectTimeout.
        keepalive_interval_s: silence after which a host is asked for a sign of life.
        keepalive_count: unanswered questions after which it is given up: (count + 1) intervals in all.
        tunnel_memory_s: so long a jump host's failure is remembered for all hosts behind it.
    """

    handshakes: int = 64
    dials_per_s: float = 200.0
    connect_timeout_s: float = 10.0
    keepalive_interval_s: float = 3.0
    keepalive_count: int = 2
    tunnel_memory_s: float = 2.0


class Dialer:
    """Dials hosts. Used on one event loop; `close` it after the links.

    Args:
        pacing: see `Pacing`.
    """

    def __init__(self, pacing: Pacing | None = None) -> None:
        self._pacing = pacing or Pacing()
        self._atlas = Atlas(
            connect_timeout_s=self._pacing.connect_timeout_s,
            keepalive_interval_s=self._pacing.keepalive_interval_s,
            keepalive_count=self._pacing.keepalive_count,
        )
        self._tunnels = Tunnels(
            self._dial_hop,
            memory_s=self._pacing.tunnel_memory_s,
            patience_s=6 * self._pacing.connect_timeout_s,
        )
        self._slots = asyncio.Semaphore(self._pacing.handshakes)
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
        return await self._dial(route, ())

    async def close(self) -> None:
        """Hang up the tunnels and remove temporary files. Nothing can be dialled afterwards."""
        self._is_closed = True
        await self._tunnels.close()
        await asyncio.to_thread(self._atlas.close)

    async def _dial_hop(self, hop: HostTarget, behind: HostTarget, trail: tuple[Key, ...]) -> Line:
        return await self._dial(await asyncio.to_thread(self._atlas.route, hop, behind), trail)

    async def _dial(self, route: Route, trail: tuple[Key, ...]) -> Line:
        if self._is_closed:
            raise LinkError(Fault(FaultKind.LINK_DROPPED, "the program is ending"))
        # The tunnel first: waiting for it must not take up a slot that its own dial needs.
        lease: Lease | None = await self._tunnels.lease(route, trail) if route.jump else None
        try:
            async with self._slot():
                return await connect(route, lease)
        except BaseException:
            if lease is not None:
                lease.release()
            raise

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """Wait for a turn: few at a time, and not all in one instant."""
        async with self._slots:
            now = asyncio.get_running_loop().time()
            start = max(now, self._next_start)
            self._next_start = start + 1.0 / self._pacing.dials_per_s
            if start > now:
                await asyncio.sleep(start - now)
            yield
