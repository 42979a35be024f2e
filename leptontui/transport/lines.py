"""Splits what arrives in pieces into lines, with a limit on the length of a line."""

from __future__ import annotations

from leptontui.errors import WireError
from leptontui.wire import MAX_LINE_BYTES


class LineBuffer:
    r"""Lines out of a byte stream: `\n` ends a line, a `\r` before it is dropped.

    Never holds more than `limit` bytes.

    Args:
        limit: longest line in bytes.
    """

    def __init__(self, limit: int = MAX_LINE_BYTES) -> None:
        self._limit = limit
        self._partial = bytearray()

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take a piece; returns the lines it completes.

        Raises:
            WireError: a line is longer than the limit. What came before it in `chunk` is lost with it.
        """
        head, newline, rest = chunk.partition(b"\n")
        if len(self._partial) + len(head) > self._limit:
            self._partial.clear()
            raise WireError(f"a line of more than {self._limit} bytes")
        if not newline:
            self._partial += head
            return []
        self._partial += head
        lines = [_stripped(bytes(self._partial))]
        self._partial.clear()
        *whole, last = rest.split(b"\n")
        if len(last) > self._limit or any(len(line) > self._limit for line in whole):
            raise WireError(f"a line of more than {self._limit} bytes")
        self._partial += last
        lines.extend(map(_stripped, whole))
        return lines

    def rest(self) -> bytes:
        """The last line, if the stream ended without a newline; empty if it did not. Clears it."""
        rest = _stripped(bytes(self._partial))
        self._partial.clear()
        return rest


class Clipped:
    """Keeps the first bytes of a stream and discards the others, so that a flood costs no memory.

    Args:
        limit: bytes kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take a piece."""
        room = self._limit - len(self._kept)
        if room > 0:
            self._kept += chunk[:room]

    def text(self) -> str:
        """What was kept, invalid UTF-8 replaced."""
        return self._kept.decode("utf-8", "replace")


class Tail:
    """Keeps the last bytes of a stream: where a program says why it died.

    Args:
        limit: bytes kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Take a piece."""
        self._kept += chunk[-self._limit :]
        if len(self._kept) > self._limit:
            del self._kept[: -self._limit]

    def text(self) -> str:
        """What was kept, invalid UTF-8 replaced."""
        return self._kept.decode("utf-8", "replace")


def _stripped(line: bytes) -> bytes:
    return line.removesuffix(b"\r")
