"""Judges what one connection's probe says: noise before it, lines that are no messages, and floods."""

from __future__ import annotations

from collections import deque
from typing import Final

from leptontui.errors import LinkError, WireError
from leptontui.model.link import Fault, FaultKind
from leptontui.model.text import plain
from leptontui.wire import Hello, Message, Sweep, decode

NOISE_LINES: Final = 200
NOISE_BYTES: Final = 64 * 1024
"""Banners, /etc/motd and what .bashrc prints come before the first message; more than this is something else."""
BAD_LINES: Final = 20
BAD_WINDOW_S: Final = 60.0
HISTORY_SWEEPS: Final = 2000
"""So many recorded sweeps of a connection are not counted as a flood."""
MESSAGES_PER_S: Final = 50.0
MESSAGES_BURST: Final = 500.0
"""What may have piled up on the way while this machine slept: SSH's window and the pipes hold a few hundred sweeps."""
BYTES_PER_S: Final = 4.0 * 1024 * 1024
BYTES_BURST: Final = 32.0 * 1024 * 1024
_GREETING: Final = b'{"kind":"hello",'
_OURS: Final = (_GREETING, b'{"kind":"sweep",', b'{"kind":"event",')
"""How a probe's lines begin; other JSON, a start-up file's for one, has blanks there or other kinds."""


class Speech:
    """What the probe of one connection has said so far.

    Args:
        interval_s: nominal time between two sweeps; a faster one is allowed more messages.
    """

    def __init__(self, interval_s: float) -> None:
        self.has_begun = False
        self.last_noise = ""
        self._noise_lines = 0
        self._noise_bytes = 0
        self._bad: deque[float] = deque()
        self._history = 0
        self._messages = _Bucket(max(MESSAGES_PER_S, 5.0 / interval_s), MESSAGES_BURST)
        self._bytes = _Bucket(BYTES_PER_S, BYTES_BURST)

    def hear(self, line: bytes, now_s: float) -> Message | None:
        """The message in `line`; None if it is noise, or one of the few bad lines that are overlooked.

        Args:
            line: without the newline.
            now_s: monotonic clock.

        Raises:
            LinkError: it speaks another protocol version, says too much that is no message, or floods.
        """
        if not self._bytes.take(len(line), now_s):
            raise _refusal(f"the probe floods: more than {BYTES_PER_S / 2**20:g} MiB/s")
        if not self.has_begun:
            line = _without_prompt(line)
        try:
            message = decode(line)
        except WireError as error:
            self._overlook(line, error, now_s)
            return None
        if not self.has_begun and not isinstance(message, Hello):
            # Our probe greets first; a host that does not is something else that happens to print JSON.
            self._overlook(line, WireError("a message before the greeting"), now_s)
            return None
        self.has_begun = True
        self._count(message, now_s)
        return message

    def _count(self, message: Message, now_s: float) -> None:
        if isinstance(message, Sweep) and message.is_history and self._history < HISTORY_SWEEPS:
            self._history += 1
            return
        if not self._messages.take(1.0, now_s):
            raise _refusal(f"the probe floods: more than {self._messages.rate:g} messages a second")

    def _overlook(self, line: bytes, error: WireError, now_s: float) -> None:
        if self.has_begun:
            self._bad.append(now_s)
            while self._bad[0] < now_s - BAD_WINDOW_S:
                self._bad.popleft()
            if len(self._bad) > BAD_LINES:
                raise _refusal(f"more than {BAD_LINES} bad lines in a minute, the last: {error.cause}")
            return
        if line.startswith(_OURS):
            # It is a probe, but not one that we understand: waiting for better does not help.
            raise _refusal(error.cause)
        self._noise_lines += 1
        self._noise_bytes += len(line) + 1
        self.last_noise = plain(line[:1024].decode("utf-8", "replace"), 120) or self.last_noise
        if self._noise_lines > NOISE_LINES or self._noise_bytes > NOISE_BYTES:
            raise _refusal(f"the host prints much before the probe speaks, the last line: {self.last_noise}")


def _without_prompt(line: bytes) -> bytes:
    """The greeting in `line`, where something was printed before it without a newline; else the line."""
    start = line.find(_GREETING)
    return line[start:] if start > 0 else line


class _Bucket:
    """A token bucket: `rate` a second on the long run, `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self._burst = burst
        self._level = burst
        self._at_s: float | None = None

    def take(self, amount: float, now_s: float) -> bool:
        """Whether there is as much; takes it."""
        if self._at_s is not None:
            self._level = min(self._burst, self._level + (now_s - self._at_s) * self.rate)
        self._at_s = now_s
        if self._level < amount:
            return False
        self._level -= amount
        return True


def _refusal(cause: str) -> LinkError:
    return LinkError(
        Fault(
            FaultKind.PROTOCOL,
            plain(cause, 200),
            "log in by hand and look at what the host prints; both sides need the same version",
        )
    )
