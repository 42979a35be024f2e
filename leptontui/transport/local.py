"""The way to this machine itself: subprocesses, without a shell."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeVar

from leptontui.errors import CommandTimeout, LinkError
from leptontui.model.link import Fault, FaultKind
from leptontui.transport.contract import OUTPUT_LIMIT, Completed, Heard, Stream
from leptontui.transport.hearing import STDERR_TAIL
from leptontui.transport.lines import Clipped, LineBuffer, Tail
from leptontui.transport.session import CLOSE_S

_T = TypeVar("_T")
_CHUNK: Final = 65536
_NOT_FOUND: Final = 127
"""What a shell exits with where there is no such command; so does a host over SSH."""


class LocalStream:
    """A command that keeps running on this machine; see `contract.Stream`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._stderr = Tail(STDERR_TAIL)
        self._listening = asyncio.ensure_future(_drain(process.stderr, self._stderr))

    async def lines(self) -> AsyncIterator[bytes]:
        """Its output, line by line.

        Raises:
            WireError: a line is longer than `wire.MAX_LINE_BYTES`.
        """
        buffer = LineBuffer()
        stdout = _present(self._process.stdout)
        while chunk := await stdout.read(_CHUNK):
            for line in buffer.feed(chunk):
                yield line
        if rest := buffer.rest():
            yield rest

    async def close(self) -> Completed:
        """Close its stdin, wait up to two seconds, then end it; returns its exit status and last words on stderr."""
        _present(self._process.stdin).close()
        discarding = asyncio.ensure_future(_drain(self._process.stdout, Tail(1)))
        try:
            await _ended(self._process)
        finally:
            discarding.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._listening
            self._listening.cancel()
            await asyncio.gather(discarding, self._listening, return_exceptions=True)
        return Completed(self._process.returncode, "", self._stderr.text())


class LocalTransport:
    """This machine; see `contract.Transport`."""

    @property
    def address(self) -> str:
        """For people."""
        return "this machine"

    async def connect(self) -> None:
        """Nothing to dial."""

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
            CommandTimeout: it ran past `timeout_s`; it and its children are killed.
        """
        stdout, stderr = Clipped(output_limit), Clipped(OUTPUT_LIMIT)
        try:
            process = await _started(argv)
        except OSError as error:
            return Completed(_NOT_FOUND, "", f"{argv[0]}: {error.strerror}")
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(
                    _sent(process, stdin),
                    _drain(process.stdout, stdout, heard),
                    _drain(process.stderr, stderr, heard),
                )
                await process.wait()
        except TimeoutError:
            raise CommandTimeout(f"no answer within {timeout_s:g} s; it was killed") from None
        finally:
            await _killed(process)
        return Completed(process.returncode, stdout.text(), stderr.text())

    async def stream(self, argv: Sequence[str], *, stdin: bytes = b"") -> Stream:
        """Start a command, send `stdin` and leave its stdin open.

        Raises:
            LinkError: there is no such command.
        """
        try:
            process = await _started(argv)
        except OSError as error:
            raise LinkError(Fault(FaultKind.PROBE_FAILED, f"{argv[0]}: {error.strerror}")) from error
        _present(process.stdin).write(stdin)
        return LocalStream(process)

    async def close(self) -> None:
        """Nothing to hang up."""


async def _started(argv: Sequence[str]) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True, limit=_CHUNK
    )


async def _sent(process: asyncio.subprocess.Process, stdin: bytes) -> None:
    pipe = _present(process.stdin)
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        pipe.write(stdin)
        await pipe.drain()
    pipe.close()


async def _drain(reader: asyncio.StreamReader | None, into: Clipped | Tail, heard: Heard | None = None) -> None:
    while chunk := await _present(reader).read(_CHUNK):
        into.feed(chunk)
        if heard is not None:
            heard(chunk)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Wait for the end, then ask for it, then force it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await process.wait()
                return
        _signal(process, number)
    await process.wait()


async def _killed(process: asyncio.subprocess.Process) -> None:
    """End it, if it has not ended, and let go of its pipes.

    What is left in them is read away meanwhile: asyncio tells of a process' end only after that of its pipes. A program
    that it started in a session of its own may hold them for ever: that is not waited for.
    """
    if process.returncode is None:
        _signal(process, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await asyncio.gather(process.wait(), _drain(process.stdout, Tail(1)), _drain(process.stderr, Tail(1)))
    process._transport.close()  # type: ignore[attr-defined]  # there is no other way to let go of a held pipe


def _signal(process: asyncio.subprocess.Process, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _present(pipe: _T | None) -> _T:
    assert pipe is not None  # noqa: S101 — all three pipes are asked for in `_started`
    return pipe
