"""One connection per jump host, shared by all hosts behind it, dialled once however many ask at the same instant."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind
from leptontui.model.target import HostTarget
from leptontui.transport.line import Lease, Line
from leptontui.transport.route import Route, parse_hop

Key = tuple[HostTarget, str | None, str | None]
"""The jump host with the identity and known_hosts lent to it: what makes two tunnels the same."""


@dataclass(slots=True, eq=False)
class _Tunnel:
    """A shared connection. `users` counts those who hold or await it."""

    key: Key
    dialing: asyncio.Task[Line]
    users: int = 0


class Tunnels:
    """Keeps the shared connections.

    Args:
        dial: connects to a jump host, given the host behind it and the jump hosts already on the way.
        memory_s: so long a failure is reported to whoever asks, without dialling again.
        patience_s: so long a shared dial is waited for, all its hops included.
    """

    def __init__(
        self,
        dial: Callable[[HostTarget, HostTarget, tuple[Key, ...]], Awaitable[Line]],
        *,
        memory_s: float,
        patience_s: float,
    ) -> None:
        self._dial = dial
        self._memory_s = memory_s
        self._patience_s = patience_s
        self._tunnels: dict[Key, _Tunnel] = {}
        self._failed: dict[Key, tuple[float, LinkError]] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def lease(self, route: Route, trail: tuple[Key, ...]) -> Lease:
        """A share in the tunnel that `route` goes through.

        Args:
            route: of the host behind the tunnel; its `jump` is not empty.
            trail: tunnels being dialled on the way here, to notice a circle.

        Raises:
            LinkError: the jump host cannot be reached; the fault names it.
        """
        hop, key = _hop_of(route)
        if key in trail:
            raise LinkError(
                Fault(FaultKind.CONFIG, f"jump host {hop.name} leads back to itself", "correct ProxyJump or `jump`")
            )
        at, error = self._failed.get(key, (0.0, None))
        if error is not None and time.monotonic() - at < self._memory_s:
            raise LinkError(error.fault)
        tunnel = self._tunnels.get(key)
        if tunnel is None:
            dialing = asyncio.ensure_future(self._dial(hop, route.target, (*trail, key)))
            tunnel = self._tunnels[key] = _Tunnel(key, dialing)
            dialing.add_done_callback(lambda _: self._dialled(tunnel, hop))
        tunnel.users += 1
        try:
            async with asyncio.timeout(self._patience_s):
                line = await asyncio.shield(tunnel.dialing)
        except LinkError as failure:
            self._release(tunnel)
            raise LinkError(_named(failure, hop)) from failure
        except TimeoutError:
            self._release(tunnel)
            raise LinkError(Fault(FaultKind.TIME_OUT, f"jump host {hop.name}: no tunnel in time")) from None
        except asyncio.CancelledError:
            self._release(tunnel)
            task = asyncio.current_task()
            if tunnel.dialing.cancelled() and task is not None and not task.cancelling():
                raise LinkError(Fault(FaultKind.LINK_DROPPED, "the program is ending")) from None
            raise
        return Lease(line, lambda: self._release(tunnel))

    async def close(self) -> None:
        """Hang up all tunnels."""
        for tunnel in list(self._tunnels.values()):
            self._hang_up(tunnel)
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _dialled(self, tunnel: _Tunnel, hop: HostTarget) -> None:
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
            self._failed[tunnel.key] = time.monotonic(), LinkError(_named(error, hop))

    def _release(self, tunnel: _Tunnel) -> None:
        tunnel.users -= 1
        if tunnel.users == 0:
            self._hang_up(tunnel)

    def _hang_up(self, tunnel: _Tunnel) -> None:
        self._forget(tunnel)
        closing = asyncio.ensure_future(_closed(tunnel.dialing))
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)

    def _forget(self, tunnel: _Tunnel) -> None:
        if self._tunnels.get(tunnel.key) is tunnel:
            del self._tunnels[tunnel.key]


def _hop_of(route: Route) -> tuple[HostTarget, Key]:
    """The last jump host before the route's host, to be reached through those before it."""
    *before, last = route.jump
    user, host, port = parse_hop(last)
    target = route.target
    hop = HostTarget(
        name=host,
        group=target.group,
        user=user,
        port=port,
        jump=",".join(before) or None,
        ssh_config=target.ssh_config,
    )
    return hop, (
        HostTarget(host, "", user, port, jump=hop.jump, ssh_config=hop.ssh_config),
        target.identity,
        target.known_hosts,
    )


def _named(error: LinkError, hop: HostTarget) -> Fault:
    fault = error.fault
    kind = fault.kind if isinstance(fault, Fault) else FaultKind.LINK_DROPPED
    return Fault(kind, f"jump host {hop.name}: {fault.cause}", fault.mend)


async def _closed(dialing: asyncio.Task[Line]) -> None:
    if not dialing.done():
        dialing.cancel()
    await asyncio.wait([dialing])
    if not dialing.cancelled() and dialing.exception() is None:
        await dialing.result().close()
