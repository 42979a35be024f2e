"""Kernel files that are read again and again: opened once, read with pread."""

import os

LIMIT_BYTES = 1 << 20
_CHUNK = 1 << 16


class Kept:
    """One file kept open between reads.

    Args:
        path: of a file in /proc or /sys.
        limit_bytes: what lies beyond is not read.
    """

    def __init__(self, path, limit_bytes=LIMIT_BYTES):
        self._path = path
        self._limit = limit_bytes
        self._fd = None

    def read(self):
        """All of it, as bytes.

        Raises:
            OSError: it is not there or may not be read; the next call opens it anew.
        """
        if self._fd is None:
            self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            content = os.pread(self._fd, _CHUNK, 0)
            chunk = content
            while chunk and len(content) < self._limit:
                chunk = os.pread(self._fd, _CHUNK, len(content))
                content += chunk
        except OSError:
            self.close()
            raise
        return content

    def close(self):
        """Close it; the next read opens it anew."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)


def read_once(path, limit_bytes=4096):
    """The first `limit_bytes` of a file.

    Raises:
        OSError: it is not there or may not be read.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, limit_bytes)
    finally:
        os.close(fd)


def read_or_none(path, limit_bytes=4096):
    """As `read_once`, but None where it cannot be read."""
    try:
        return read_once(path, limit_bytes)
    except OSError:
        return None
