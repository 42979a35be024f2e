"""The way back: lines to stdout, never interleaved, and the end of everything when stdin closes or stdout breaks."""

import json
import math
import os
import select
import threading

VERSION = 1
"""The protocol's version."""
_PIECE = 4096
"""A pipe that polls writable takes this much without blocking (PIPE_BUF)."""


class Closed(Exception):
    """Nobody listens any more."""


def line_of(message):
    """`message` as one line of strict JSON.

    Raises:
        ValueError: it has a number that JSON does not know.
    """
    return json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


class Channel:
    """Waits for what may happen, and says what there is to say. For one thread only.

    Args:
        stdin, stdout: file descriptors.
    """

    def __init__(self, stdin=0, stdout=1):
        self._stdin = stdin
        self._stdout = stdout
        self._woken, self._bell = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._bell, False)
        self._ringing = threading.Lock()
        self._callbacks = {}
        self._idle = select.poll()
        self._idle.register(stdin, select.POLLIN)
        self._idle.register(self._woken, select.POLLIN)
        # Without an event asked for, poll still tells when the other end of stdout closes.
        self._idle.register(stdout, 0)
        self._writing = select.poll()
        self._writing.register(stdin, select.POLLIN)
        self._writing.register(stdout, select.POLLOUT)

    def close(self):
        """Close what was opened here: the ends of the wake-up pipe."""
        with self._ringing:
            bell, self._bell = self._bell, None
        os.close(self._woken)
        os.close(bell)

    def wake(self):
        """End a wait, or the next one. For other threads; nothing once the channel is closed."""
        with self._ringing:
            if self._bell is None:
                return
            try:
                os.write(self._bell, b".")
            except BlockingIOError:
                # The pipe is full of unread bytes: the wait ends anyway.
                pass

    def watch(self, fd, callback):
        """Call `callback` in `wait` whenever `fd` can be read."""
        self._callbacks[fd] = callback
        self._idle.register(fd, select.POLLIN)

    def unwatch(self, fd):
        """Stop that."""
        if self._callbacks.pop(fd, None) is not None:
            self._idle.unregister(fd)

    def wait(self, timeout_s):
        """Wait until something happens, at most so long.

        Raises:
            Closed: nobody listens any more.
        """
        for fd, event in self._idle.poll(int(math.ceil(max(0.0, timeout_s) * 1000.0))):
            if fd == self._woken:
                os.read(fd, 4096)
            elif fd in self._callbacks:
                self._callbacks[fd]()
            else:
                self._listen(fd, event)

    def _listen(self, fd, event):
        if fd == self._stdin:
            if event & select.POLLNVAL or not os.read(fd, 65536):
                raise Closed
        elif event & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
            raise Closed

    def say(self, message):
        """Write one message as a line.

        Raises:
            Closed: nobody listens any more.
        """
        rest = memoryview(line_of(message))
        while rest:
            for fd, event in self._writing.poll():
                self._listen(fd, event)
                if fd == self._stdout:
                    try:
                        rest = rest[os.write(fd, rest[:_PIECE]) :]
                    except OSError as error:
                        raise Closed from error
