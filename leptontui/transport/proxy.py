"""ProxyCommand: a program on this machine whose standard input and output are the way to the host.

asyncssh runs such a command without a shell, leaves its stderr on our screen, and forgets how it ended. OpenSSH gives
it to the user's shell, where `exec`, `2>/dev/null` and pipes work; so does this.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Protocol, cast

from leptontui.model.link import Fault, FaultKind
from leptontui.model.text import plain
from leptontui.transport.dialled import Dialled, Stage
from leptontui.transport.faults import kind_of_refusal
from leptontui.transport.lines import Tail

_STDIN: Final = 0
_STDOUT: Final = 1
_LAST_WORDS_S: Final = 1.0
"""So long a command whose output has ended may take to exit and say why."""
_BUSY_WORDS: Final = ("kex_exchange_identification", "Connection reset by peer", "banner exchange")
"""How `ssh -W` tells that the jump host hung up before its greeting, as sshd does beyond MaxStartups."""


class Proxy:
    """Runs the command; asyncssh opens its connection through it.

    Args:
        command: what ProxyCommand says, its percent tokens expanded.
    """

    def __init__(self, command: str) -> None:
        self._command = command
        self._process: _Process | None = None

    async def create_connection(self, factory: Callable[[], Any], host: str, port: int) -> tuple[Any, Any]:
        """Start the command; called by asyncssh.

        Raises:
            OSError: there is no shell to run it.
        """
        del host, port  # they stand in the command
        loop = asyncio.get_running_loop()
        pipe = asyncio.subprocess.PIPE
        shell = os.environ.get("SHELL") or "/bin/sh"
        _, process = await loop.subprocess_exec(
            lambda: _Process(factory()),
            shell,
            "-c",
            f"exec {self._command}",
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            # Without a terminal of its own it cannot ask for a password in the middle of our screen.
            start_new_session=True,
            env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"},
        )
        self._process = process
        process.connection.set_tunnel(process)
        return process, process.connection

    async def fault(self, dialled: Dialled) -> Fault | None:
        """Why the command ended before the host had greeted; None where that is not what happened."""
        process = self._process
        if process is None or dialled.stage not in {Stage.APART, Stage.CONNECTED}:
            return None
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await process.ended.wait()
        if process.is_closed_by_us and process.status is None:
            return None
        said = process.last_words()
        cause = f"the ProxyCommand of {dialled.name} ended with status {process.status}" + (f": {said}" if said else "")
        if any(word in said for word in _BUSY_WORDS):
            return Fault(FaultKind.HOST_BUSY, cause, "dialled again more slowly; see MaxStartups where it leads")
        return Fault(kind_of_refusal(said), cause, f"try `{dialled.command}`")


class _Connection(Protocol):
    """What asyncssh's connection has to be told."""

    def connection_made(self, transport: object) -> None: ...

    def data_received(self, data: bytes) -> None: ...

    def connection_lost(self, exc: Exception | None) -> None: ...

    def set_tunnel(self, tunnel: object) -> None: ...


class _Process(asyncio.SubprocessProtocol):
    """The running command: to asyncssh both the transport and the tunnel that it closes in the end."""

    def __init__(self, connection: _Connection) -> None:
        self.connection = connection
        self.ended = asyncio.Event()
        self.status: int | None = None
        self.is_closed_by_us = False
        self._transport: asyncio.SubprocessTransport | None = None
        self._stdin: asyncio.WriteTransport | None = None
        self._stderr = Tail(4096)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It has started."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self._stdin = cast("asyncio.WriteTransport", self._transport.get_pipe_transport(_STDIN))
        self.connection.connection_made(self)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Pass on what the host says; keep what the command itself says."""
        if fd == _STDOUT:
            self.connection.data_received(data)
        else:
            self._stderr.feed(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """The way to the host has ended when its output has."""
        if fd == _STDOUT:
            self.connection.connection_lost(exc)

    def process_exited(self) -> None:
        """Note how it ended."""
        if self._transport is not None:
            self.status = self._transport.get_returncode()
        self.ended.set()

    def last_words(self) -> str:
        """The last two lines it wrote to stderr, fit for the screen: `ssh -W` tells the reason before the result."""
        lines = [text for line in self._stderr.text().splitlines() if (text := plain(line, 120))]
        return "; ".join(lines[-2:])

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Nothing is known of where it leads."""
        del name
        return default

    def write(self, data: bytes) -> None:
        """Send to the host."""
        if self._stdin is not None:
            self._stdin.write(data)

    def close(self) -> None:
        """End the command, with what it has started."""
        transport = self._transport
        if transport is None or self.is_closed_by_us:
            return
        self.is_closed_by_us = True
        pid = transport.get_pid()
        if transport.get_returncode() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGTERM)
        self.status = transport.get_returncode()
        transport.close()

    def abort(self) -> None:
        """End it at once."""
        self.close()

    async def wait_closed(self) -> None:
        """Wait for its end."""
        await self.ended.wait()
