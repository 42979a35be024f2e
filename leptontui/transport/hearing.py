"""Takes what a command on a host says: its beginning, or line by line as it comes, memory bounded."""

from __future__ import annotations

import asyncio
import signal
from collections import deque
from collections.abc import Callable
from typing import Final

import asyncssh

from leptontui.errors import WireError
from leptontui.transport.contract import OUTPUT_LIMIT, Heard
from leptontui.transport.lines import Clipped, LineBuffer, Tail

STDERR_TAIL: Final = 16 * 1024
"""Bytes kept of what a streaming command writes to stderr: its last words."""
_DISCARD_LIMIT: Final = 1024 * 1024
_QUEUE_HIGH: Final = 256 * 1024
_QUEUE_LOW: Final = 64 * 1024


class Hearing(asyncssh.SSHClientSession[bytes]):
    """What the two kinds of sessions share: how they ended."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.error: Exception | None = None
        self.ended = asyncio.Event()
        self.on_end: Callable[[], None] | None = None

    def exit_status_received(self, status: int) -> None:
        """Note the exit status."""
        self.status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:  # noqa: FBT001 — asyncssh calls it so
        """Note the signal as a negative status."""
        del core_dumped, msg, lang
        self.status = _signal_status(signal)

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed."""
        self.error = exc
        self.ended.set()
        call, self.on_end = self.on_end, None
        if call is not None:
            call()


class Collecting(Hearing):
    """Keeps the beginning of what a command prints."""

    def __init__(self, output_limit: int, heard: Heard | None = None) -> None:
        super().__init__()
        self._heard = heard
        self.stdout = Clipped(output_limit)
        self.stderr = Clipped(OUTPUT_LIMIT)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Take output."""
        (self.stdout if datatype is None else self.stderr).feed(data)
        if self._heard is not None:
            self._heard(data)


class Lining(Hearing):
    """Queues lines; stops the host when too many wait."""

    def __init__(self) -> None:
        super().__init__()
        self.stderr = Tail(STDERR_TAIL)
        self.broken: WireError | None = None
        self.more = asyncio.Event()
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self._buffer = LineBuffer()
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._is_paused = False
        self._is_deaf = False
        self._discarded = 0

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Note the channel, for flow control."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Take output."""
        if datatype is not None:
            self.stderr.feed(data)
            return
        if self._is_deaf or self.broken is not None:
            self._discarded += len(data)
            if self._discarded > _DISCARD_LIMIT:
                self._pause()
            return
        try:
            lines = self._buffer.feed(data)
        except WireError as error:
            self.broken = error
            self.more.set()
            self._pause()
            return
        if lines:
            self._queue.extend(lines)
            self._queued += sum(map(len, lines)) + len(lines)
            self.more.set()
            if self._queued > _QUEUE_HIGH:
                self._pause()

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed."""
        super().connection_lost(exc)
        self.more.set()

    def pop(self) -> bytes | None:
        """The next line, None if none waits."""
        if not self._queue:
            return None
        line = self._queue.popleft()
        self._queued -= len(line) + 1
        if self._is_paused and self._queued < _QUEUE_LOW and self.broken is None:
            self._resume()
        return line

    def rest(self) -> bytes:
        """What came after the last newline."""
        return self._buffer.rest()

    def stop_listening(self) -> None:
        """Discard output from here on, so that nothing holds up the end; but not a flood."""
        self._is_deaf = True
        self._queue.clear()
        self._queued = 0
        self._resume()

    def _pause(self) -> None:
        if self._channel is not None and not self._is_paused and not self.ended.is_set():
            self._is_paused = True
            self._channel.pause_reading()

    def _resume(self) -> None:
        if self._channel is not None and self._is_paused and not self.ended.is_set():
            self._is_paused = False
            self._channel.resume_reading()


def _signal_status(name: str) -> int | None:
    try:
        return -signal.Signals[f"SIG{name}"].value
    except KeyError:
        return None
