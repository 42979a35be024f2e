"""One connection per jump host, shared by all hosts behind it, dialled once however many ask at the same instant.

A second connection to the same jump host is made only after it has refused a channel through the first because too many
go through it already; sshd itself has no such limit (MaxSessions counts commands, not what is forwarded), others do.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Final

import asyncssh

from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind
from leptontui.model.target import HostTarget
from leptontui.transport.hops import parse_hop
from leptontui.transport.line import Lease, Line
from leptontui.transport.route import Route

Waiting = Callable[[], tuple[str, ...]]
"""Tells the names of the hosts of the fleet that wait for something."""

MOST_CONNECTIONS: Final = 8
"""Connections to one jump host, however few channels it takes on each."""

Key = tuple[HostTarget, str | None, str | None]
"""The jump host with the identity and known_hosts lent to it: what makes two tunnels the same."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A jump host to be dialled.

    Attributes:
        target: the jump host.
        behind: the host behind it that asked first: lends its identity and known_hosts.
        trail: jump hosts already on the way.
        waiting: names of the hosts that wait for it now.
    """

    target: HostTarget
    behind: HostTarget
    trail: tuple[Key, ...]
    waiting: Waiting


@dataclass(slots=True, eq=False)
class _Tunnel:
    """A shared connection; see `line.Share`.

    Attributes:
        users: those who hold or await a lease.
        open: channels through it.
        most: how many it takes, None until it has refused one.
    """

    key: Key
    hop: HostTarget
    dialing: asyncio.Task[Line]
    abandoned: Callable[[_Tunnel], None]
    waiters: list[Waiting] = field(default_factory=list)
    users: int = 0
    open: int = 0
    most: int | None = None

    def waiting(self) -> tuple[str, ...]:
        """Names of the hosts that wait for it now."""
        return tuple(name for waiter in self.waiters for name in waiter())

    @property
    def is_full(self) -> bool:
        """Whether it takes no more."""
        return self.most is not None and self.users >= self.most

    def opened(self) -> None:
        """One more channel goes through it."""
        self.open += 1

    def refused(self, error: asyncssh.ChannelOpenError) -> bool:
        """A channel was refused; returns whether that is because too many go through it already."""
        if error.code != asyncssh.OPEN_RESOURCE_SHORTAGE or self.open == 0:
            return False
        self.most = self.open
        return True

    def given_back(self, *, is_open: bool) -> None:
        """A lease ended; the last one hangs up."""
        self.open -= is_open
        self.users -= 1
        if self.users == 0:
            self.abandoned(self)


class Tunnels:
    """Keeps the shared connections.

    Args:
        dial: connects to a jump host.
        memory_s: so long a failure is reported to whoever asks, without dialling again.
        patience_s: so long a shared dial is waited for, all its hops included, unless the user is asked meanwhile.
        is_asking: whether the user is being asked something.
    """

    def __init__(
        self,
        dial: Callable[[Hop], Coroutine[Any, Any, Line]],
        *,
        memory_s: float,
        patience_s: float,
        is_asking: Callable[[], bool] = lambda: False,
    ) -> None:
        self._dial = dial
        self._memory_s = memory_s
        self._patience_s = patience_s
        self._is_asking = is_asking
        self._tunnels: dict[Key, list[_Tunnel]] = {}
        self._failed: dict[tuple[Key, bool], tuple[float, LinkError]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def forget_failures(self) -> None:
        """Dial again what has just failed: something was mended."""
        self._failed.clear()

    async def lease(self, route: Route, trail: tuple[Key, ...], waiting: Waiting) -> Lease:
        """A share in the tunnel that `route` goes through.

        Args:
            route: of the host behind the tunnel; its `jump` is not empty.
            trail: tunnels being dialled on the way here, to notice a circle.
            waiting: the hosts of the fleet that wait for it.

        Raises:
            LinkError: the jump host cannot be reached; the fault names it.
        """
        hop, key = _hop_of(route)
        if key in trail:
            raise LinkError(
                Fault(FaultKind.CONFIG, f"jump host {hop.name} leads back to itself", "correct ProxyJump or `jump`")
            )
        at, error = self._failed.get((key, hop.asks_password), (0.0, None))
        if error is not None and time.monotonic() - at < self._memory_s:
            raise LinkError(error.fault)
        tunnel = self._free(key) or self._begin(hop, key, route, trail)
        try:
            return await self._share(tunnel, waiting)
        except LinkError:
            if tunnel.hop.asks_password or not hop.asks_password:
                raise
        # It was dialled for a host that may not ask for passwords; this one may.
        return await self._share(self._free(key) or self._begin(hop, key, route, trail), waiting)

    async def _share(self, tunnel: _Tunnel, waiting: Waiting) -> Lease:
        tunnel.waiters.append(waiting)
        tunnel.users += 1
        try:
            return Lease(await self._awaited(tunnel), tunnel)
        except BaseException:
            tunnel.given_back(is_open=False)
            raise
        finally:
            tunnel.waiters.remove(waiting)

    async def close(self) -> None:
        """Hang up all tunnels."""
        for tunnel in [tunnel for several in self._tunnels.values() for tunnel in several]:
            self._hang_up(tunnel)
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _free(self, key: Key) -> _Tunnel | None:
        """A tunnel that takes one more, None if there is none.

        Raises:
            LinkError: there are as many as there may be.
        """
        several = self._tunnels.get(key, ())
        free = next((tunnel for tunnel in several if not tunnel.is_full), None)
        if free is None and len(several) >= MOST_CONNECTIONS:
            cause = f"jump host {key[0].name} takes no more, over {MOST_CONNECTIONS} connections"
            raise LinkError(Fault(FaultKind.HOST_BUSY, cause, "dialled again more slowly"))
        return free

    def _begin(self, hop: HostTarget, key: Key, route: Route, trail: tuple[Key, ...]) -> _Tunnel:
        wanted = Hop(hop, route.target, (*trail, key), lambda: tunnel.waiting())  # noqa: PLW0108 — there is no tunnel yet
        dialing = asyncio.ensure_future(self._dial(wanted))
        tunnel = _Tunnel(key, hop, dialing, self._hang_up)
        self._tunnels.setdefault(key, []).append(tunnel)
        dialing.add_done_callback(lambda _: self._dialled(tunnel))
        return tunnel

    async def _awaited(self, tunnel: _Tunnel) -> Line:
        """The tunnel's connection, once it stands."""
        name = tunnel.hop.name
        try:
            while True:
                done, _ = await asyncio.wait([tunnel.dialing], timeout=self._patience_s)
                if done:
                    return tunnel.dialing.result()
                if not self._is_asking():
                    break
        except LinkError as failure:
            raise LinkError(_named(failure, tunnel.hop)) from failure
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if tunnel.dialing.cancelled() and task is not None and not task.cancelling():
                raise LinkError(Fault(FaultKind.LINK_DROPPED, "the program is ending")) from None
            raise
        raise LinkError(Fault(FaultKind.TIME_OUT, f"jump host {name}: no tunnel in time"))

    def _dialled(self, tunnel: _Tunnel) -> None:
        task = tunnel.dialing
        if task.cancelled():
            self._forget(tunnel)
            return
        error = task.exception()
        if error is None:
            task.result().on_lost(lambda: self._forget(tunnel))
            return
        self._forget(tunnel)
        if isinstance(error, LinkError):
            failure = time.monotonic(), LinkError(_named(error, tunnel.hop))
            self._failed[tunnel.key, tunnel.hop.asks_password] = failure

    def _hang_up(self, tunnel: _Tunnel) -> None:
        self._forget(tunnel)
        closing = asyncio.ensure_future(_closed(tunnel.dialing))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _forget(self, tunnel: _Tunnel) -> None:
        several = self._tunnels.get(tunnel.key, [])
        if tunnel in several:
            several.remove(tunnel)
            if not several:
                del self._tunnels[tunnel.key]


def _hop_of(route: Route) -> tuple[HostTarget, Key]:
    """The last jump host before the route's host, to be reached through those before it."""
    *before, last = route.jump
    user, host, port = parse_hop(last)
    target = route.target
    bare = HostTarget(host, "", user, port, jump=",".join(before) or None, ssh_config=target.ssh_config)
    hop = replace(bare, group=target.group, asks_password=target.asks_password)
    return hop, (bare, target.identity, target.known_hosts)


def _named(error: LinkError, hop: HostTarget) -> Fault:
    fault = error.fault
    kind = fault.kind if isinstance(fault, Fault) else FaultKind.LINK_DROPPED
    offered = fault.offered if isinstance(fault, Fault) else None
    said = fault.cause
    cause = said if said.startswith("jump host") else f"jump host {hop.name}: {said}"
    return Fault(kind, cause, fault.mend, offered)


async def _closed(dialing: asyncio.Task[Line]) -> None:
    if not dialing.done():
        dialing.cancel()
    await asyncio.wait([dialing])
    if not dialing.cancelled() and dialing.exception() is None:
        await dialing.result().close()
