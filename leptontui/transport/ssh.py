"""The way to one host over SSH."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Sequence

from leptontui.model.target import HostTarget
from leptontui.transport.contract import OUTPUT_LIMIT, Completed, Heard, Stream
from leptontui.transport.dialer import Dialer
from leptontui.transport.line import Line
from leptontui.transport.session import open_stream, run_command


class SshTransport:
    """One host over SSH; see `contract.Transport`. Dials anew when the link was lost.

    Args:
        target: the host.
        dialer: what is shared with the other links.
    """

    def __init__(self, target: HostTarget, dialer: Dialer) -> None:
        self._target = target
        self._dialer = dialer
        self._line: Line | None = None
        self._dialing = asyncio.Lock()
        self._address = _asked_address(target)

    @property
    def address(self) -> str:
        """What is dialled, for people, e.g. "oncall@10.0.0.7:22 via bastion1"; as asked before the first dial."""
        return self._address

    async def connect(self) -> None:
        """Dial. A no-op when connected.

        Raises:
            LinkError: with the plain-language fault.
        """
        await self._connected()

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 30.0,
        stdin: bytes = b"",
        output_limit: int = OUTPUT_LIMIT,
        heard: Heard | None = None,
    ) -> Completed:
        """Run one command to its end; output beyond `output_limit` bytes is discarded, but for `heard`.

        Raises:
            LinkError: the link broke.
            CommandTimeout: it ran past `timeout_s`.
        """
        line = await self._connected()
        return await run_command(line, shlex.join(argv), stdin, timeout_s, output_limit, heard)

    async def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> Stream:
        """Start a command, send `stdin` and leave its stdin open.

        Raises:
            LinkError: the link broke or the host refused the channel.
        """
        return await open_stream(await self._connected(), shlex.join(argv), stdin)

    async def close(self) -> None:
        """Hang up."""
        line, self._line = self._line, None
        if line is not None:
            await line.close()

    async def _connected(self) -> Line:
        async with self._dialing:
            if self._line is not None and not self._line.is_lost:
                return self._line
            await self.close()
            route = await self._dialer.route(self._target)
            self._address = route.dialled.address
            self._line = await self._dialer.dial(route)
            return self._line


def _asked_address(target: HostTarget) -> str:
    user = f"{target.user}@" if target.user is not None else ""
    port = f":{target.port}" if target.port is not None else ""
    via = f" via {target.jump}" if target.jump is not None else ""
    return f"{user}{target.name}{port}{via}"
