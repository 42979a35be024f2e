"""One SSH channel of a simulated host: a probe, or one command of the little shell."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any, Final

import asyncssh

from leptontui.demo import shell
from leptontui.demo.answer import Login
from leptontui.demo.feed import Feed
from leptontui.demo.layout import SimulatedHost
from leptontui.demo.systemctl import Machine
from leptontui.demo.world import World

PROBE_MARK: Final = "LEPTON_PROBE=1"
"""A command that contains it starts the probe."""
_NO_SHELL: Final = "This simulated host has no interactive shell: give a command, e.g. systemctl status ssh\r\n"
_log = logging.getLogger(__name__)


class HostSession(asyncssh.SSHServerSession[bytes]):
    """One channel.

    Attributes:
        feed: the probe running in it, None if it is a command.
    """

    def __init__(self, world: World, host: SimulatedHost | None, user: str, feeds: set[Feed]) -> None:
        self.feed: Feed | None = None
        self._world = world
        self._host = host
        self._login = Login(user)
        self._feeds = feeds
        self._command: str | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """Keep the channel."""
        self._channel = chan

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 — any end is the end
        """Stop whatever runs in it."""
        self._stop()
        if self._task is not None:
            self._task.cancel()

    def shell_requested(self) -> bool:
        """Accept, to say that there is no shell."""
        return True

    def pty_requested(self, term_type: str, term_size: Any, term_modes: Any) -> bool:  # noqa: ANN401, ARG002 — asyncssh's
        """Accept: `ssh -t HOST COMMAND` is an ordinary thing to type."""
        return True

    def exec_requested(self, command: str) -> bool:
        """Accept any command."""
        self._command = command
        return True

    def session_started(self) -> None:
        """Start the probe or the command."""
        if self._command is None:
            self._finish(1, b"", _NO_SHELL.encode())
        elif PROBE_MARK in self._command:
            if self._host is None:
                self._finish(1, b"", b"the simulated controller serves no probe\n")
                return
            self.feed = Feed(self._world, self._host, self)
            self._feeds.add(self.feed)
        else:
            self._task = asyncio.get_running_loop().create_task(self._run(self._command))

    async def _run(self, command: str) -> None:
        try:
            answer = shell.answer(command, Machine(self._world, self._host, self._login, time.time()))
            await asyncio.sleep(answer.takes_s)
            self._finish(answer.exit_status, answer.stdout.encode(), answer.stderr.encode())
        except Exception:  # noqa: BLE001 — a task's boundary: logged, and the client is told
            _log.exception("the simulated command %r failed", command)
            self._finish(70, b"", b"the simulated command failed; see the demo's log\n")

    def data_received(self, data: bytes, datatype: int | None) -> None:  # noqa: ARG002 — clients send stdin only
        """Feed the probe's stdin; a command reads none."""
        if self.feed is not None:
            self.feed.take(data)

    def eof_received(self) -> bool:
        """Stdin was closed: the probe exits, a command goes on."""
        if self.feed is not None:
            self.end(0)
        return True

    def pause_writing(self) -> None:
        """Let the probe skip sweeps."""
        if self.feed is not None:
            self.feed.pause()

    def resume_writing(self) -> None:
        """Let the probe go on."""
        if self.feed is not None:
            self.feed.resume()

    def write(self, data: bytes) -> None:
        """Send a probe's bytes."""
        self._channel.write(data)

    def end(self, exit_status: int, message: str = "") -> None:
        """End the probe."""
        self._stop()
        self._finish(exit_status, b"", f"{message}\n".encode() if message else b"")

    def _stop(self) -> None:
        if self.feed is not None:
            self.feed.close()
            self._feeds.discard(self.feed)

    def _finish(self, exit_status: int, stdout: bytes, stderr: bytes) -> None:
        if self._channel.is_closing():
            return
        self._channel.write(stdout)
        self._channel.write_stderr(stderr)
        self._channel.exit(exit_status)
