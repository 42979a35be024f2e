"""Commands over an SSH connection: one run to its end, or one kept open and read line by line, memory bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final, TypeVar

import asyncssh

from leptontui.errors import CommandTimeout, LinkError
from leptontui.transport.contract import OUTPUT_LIMIT, Completed, Heard
from leptontui.transport.faults import of_crowd
from leptontui.transport.hearing import Collecting, Hearing, Lining
from leptontui.transport.line import Line

CLOSE_S: Final = 2.0
"""So long a streaming command may take to end after its stdin was closed."""
_TERMINATE_S: Final = 0.5
SEAT_S: Final = 2.0
"""So long a streaming command waits for another one to end where the host runs no more at a time."""
_WINDOW: Final = 256 * 1024
"""Flow control: a host that floods is stopped by SSH itself once so many bytes wait to be read."""


_S = TypeVar("_S", bound=Hearing)


class SshStream:
    """A command that keeps running on a host; see `contract.Stream`."""

    def __init__(self, line: Line, channel: asyncssh.SSHClientChannel[bytes], session: Lining) -> None:
        self._line = line
        self._channel = channel
        self._session = session

    def lines(self) -> AsyncIterator[bytes]:
        """Its output, line by line.

        Raises:
            LinkError: the link broke.
            WireError: a line is longer than `wire.MAX_LINE_BYTES`.
        """
        return self

    def __aiter__(self) -> SshStream:
        return self

    async def __anext__(self) -> bytes:
        session = self._session
        while (line := session.pop()) is None:
            if session.broken is not None:
                raise session.broken
            if session.ended.is_set():
                return self._last_line()
            session.more.clear()
            await session.more.wait()
        return line

    def _last_line(self) -> bytes:
        session = self._session
        if rest := session.rest():
            return rest
        if session.error is not None or (session.status is None and self._line.is_lost):
            raise self._line.fault_error(session.error) from session.error
        raise StopAsyncIteration

    async def close(self) -> Completed:
        """Close its stdin, wait up to two seconds, then end it; returns its exit status and last words on stderr."""
        session, channel = self._session, self._channel
        if not session.ended.is_set():
            session.stop_listening()
            with suppress(BrokenPipeError):
                channel.write_eof()
            if not await _ends_within(session, CLOSE_S):
                try:
                    channel.terminate()
                except OSError:
                    channel.abort()
                channel.close()
                if not await _ends_within(session, _TERMINATE_S):
                    channel.abort()
        return Completed(session.status, "", session.stderr.text())


async def run_command(
    line: Line,
    command: str,
    stdin: bytes,
    timeout_s: float,
    output_limit: int = OUTPUT_LIMIT,
    heard: Heard | None = None,
) -> Completed:
    """Run one command to its end; of its output at most `output_limit` bytes are kept, all of it is told to `heard`.

    Raises:
        LinkError: the link broke or the host refused the channel.
        CommandTimeout: it ran past `timeout_s`; it may still be running there.
    """
    channel: asyncssh.SSHClientChannel[bytes] | None = None
    try:
        async with asyncio.timeout(timeout_s):
            channel, session = await _opened(line, Collecting(output_limit, heard), command)
            with suppress(BrokenPipeError):  # it may have ended without reading anything
                channel.write(stdin)
                channel.write_eof()
            await session.ended.wait()
    except TimeoutError:
        if channel is None and line.seats.limit is not None:
            raise LinkError(of_crowd(line.name, line.seats.limit)) from None
        raise CommandTimeout(f"no answer within {timeout_s:g} s; whether it took effect is not known") from None
    finally:
        if channel is not None:
            channel.abort()
    if session.error is not None or (session.status is None and line.is_lost):
        raise line.fault_error(session.error) from session.error
    return Completed(session.status, session.stdout.text(), session.stderr.text())


async def open_stream(line: Line, command: str, stdin: bytes) -> SshStream:
    """Start a command and leave its stdin open.

    Raises:
        LinkError: the link broke or the host refused the channel.
    """
    try:
        async with asyncio.timeout(None) as patience:
            channel, session = await _opened(line, Lining(), command, patience)
    except TimeoutError:
        raise LinkError(of_crowd(line.name, line.seats.limit or 0)) from None
    with suppress(BrokenPipeError):  # it may have ended already; its lines and status tell
        channel.write(stdin)
    return SshStream(line, channel, session)


async def _opened(
    line: Line, session: _S, command: str, patience: asyncio.Timeout | None = None
) -> tuple[asyncssh.SSHClientChannel[bytes], _S]:
    """Open a channel; where the host refuses it because of others, wait until one of them has ended.

    Args:
        line: the connection.
        session: what takes its output.
        command: what to run.
        patience: told how long to wait for others, once a seat is not to be had at once.
    """
    while True:
        if patience is not None and patience.when() is None and line.seats.is_full:
            patience.reschedule(asyncio.get_running_loop().time() + SEAT_S)
        await line.seats.take()
        try:
            channel, _ = await line.connection.create_session(
                lambda: session, command, encoding=None, window=_WINDOW, request_pty=False
            )
        except BaseException as error:
            line.seats.leave()
            if isinstance(error, asyncssh.ChannelOpenError) and error.code in _CROWDED and line.seats.learn():
                continue
            if isinstance(error, OSError | asyncssh.Error):
                raise line.fault_error(error) from error
            raise
        line.seats.settle()
        if session.ended.is_set():
            line.seats.end()
        else:
            session.on_end = line.seats.end
        return channel, session


_CROWDED: Final = frozenset({asyncssh.OPEN_CONNECT_FAILED, asyncssh.OPEN_RESOURCE_SHORTAGE})
"""How a host refuses a command beyond MaxSessions: OpenSSH with the first, for want of a better."""


async def _ends_within(session: Hearing, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await session.ended.wait()
    except TimeoutError:
        return False
    return True
