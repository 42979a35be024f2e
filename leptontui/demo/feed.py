"""One probe of the simulated fleet: takes the launch on stdin, then says hello, history and a sweep per interval."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from typing import Final, Protocol

import msgspec

from leptontui import wire
from leptontui.demo.layout import SimulatedHost
from leptontui.demo.world import World

MAX_HEADER_BYTES: Final = 1 << 16
MAX_BUNDLE_BYTES: Final = 16 << 20
_HISTORY_BATCH: Final = 5
"""Sweeps of history sent before others get their turn."""


class LaunchHeader(msgspec.Struct, frozen=True):
    """The first line of the probe's stdin that begins with a brace; what comes before is meant for shells.

    Attributes:
        size: bytes of the bundle that follows; it is read and thrown away.
        skip: bytes of the fallback before the bundle, thrown away as well.
        interval_s: from one sweep to the next.
        phase: where in the interval, from 0 up to but not including 1.
    """

    size: int
    skip: int = 0
    interval_s: float = 1.0
    phase: float = 0.0

    def fault(self) -> str:
        """What is wrong with it, "" if nothing is."""
        if min(self.size, self.skip) < 0 or self.size + self.skip > MAX_BUNDLE_BYTES:
            return f"a bundle of {self.size} bytes after {self.skip}"
        if not 0.05 <= self.interval_s <= 3600.0:  # noqa: PLR2004 — from twenty a second to one an hour
            return f"an interval of {self.interval_s} s"
        return "" if 0.0 <= self.phase < 1.0 else f"a phase of {self.phase}"


class Outlet(Protocol):
    """Where a feed's bytes go."""

    def write(self, data: bytes) -> None:
        """Send `data`."""

    def end(self, exit_status: int, message: str = "") -> None:
        """End the channel."""


def next_due_s(t_unix_s: float, interval_s: float, phase: float) -> float:
    """The first (k + phase)·interval after `t_unix_s`, k whole: on a grid, so that nothing drifts."""
    return (math.floor(t_unix_s / interval_s - phase) + 1 + phase) * interval_s


class Feed:
    """One running probe. Sweeps that would wait in a full buffer are skipped, so a slow reader costs nothing."""

    def __init__(self, world: World, host: SimulatedHost, outlet: Outlet) -> None:
        self.host = host
        self._world = world
        self._outlet = outlet
        self._header_bytes = bytearray()
        self._header: LaunchHeader | None = None
        self._left_of_bundle = 0
        self._is_live = False
        self._is_paused = False
        self._is_closed = False
        self._history: Iterator[wire.Sweep] = iter(())
        self._seq = 0
        self._due_s = 0.0
        self._timer: asyncio.Handle | None = None

    def take(self, data: bytes) -> None:
        """Take bytes of the probe's stdin."""
        if self._is_closed:
            return
        if self._header is None:
            self._header_bytes += data
            before, brace, after = bytes(self._header_bytes).partition(b"{")
            line, newline, rest = after.partition(b"\n")
            if len(before) + len(line) > MAX_HEADER_BYTES:
                self._outlet.end(2, "the launch header is too long")
            elif newline:
                self._read_header(brace + line, rest)
        elif not self._is_live:
            self._left_of_bundle -= len(data)
            self._launch()

    def _read_header(self, line: bytes, rest: bytes) -> None:
        try:
            header = msgspec.json.decode(line, type=LaunchHeader)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._outlet.end(2, f"the launch header cannot be read: {error}")
            return
        if fault := header.fault():
            self._outlet.end(2, f"the launch header asks for {fault}")
            return
        self._header = header
        self._left_of_bundle = header.size + header.skip - len(rest)
        self._launch()

    def _launch(self) -> None:
        if self._header is None or self._left_of_bundle > 0:
            return
        self._is_live = True
        hello = self._world.hello(self.host, t_unix_s=time.time(), interval_s=self._header.interval_s)
        self._outlet.write(wire.encode(hello))
        self._history = self._world.history(self.host)
        self._send_history()

    def _send_history(self) -> None:
        if self._is_paused:
            return
        for _ in range(_HISTORY_BATCH):
            sweep = next(self._history, None)
            if sweep is None:
                self._plan(time.time())
                return
            self._outlet.write(wire.encode(sweep))
            self._seq = sweep.seq + 1
        self._timer = asyncio.get_running_loop().call_soon(self._send_history)

    def _plan(self, t_unix_s: float) -> None:
        if self._header is None:
            return
        self._due_s = next_due_s(t_unix_s, self._header.interval_s, self._header.phase)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(loop.time() + self._due_s - time.time(), self._sweep)

    def _sweep(self) -> None:
        now_s = time.time()
        if not self._is_paused:
            sweep = self._world.sweep(self.host, seq=self._seq, t_unix_s=now_s)
            self._outlet.write(wire.encode(sweep))
        self._seq += 1
        self._plan(max(now_s, self._due_s))

    def push(self, event: wire.Event) -> None:
        """Send an event at once, if the probe has said hello."""
        if self._is_live and not self._is_closed:
            self._outlet.write(wire.encode(event))

    def pause(self) -> None:
        """The reader is slow: send nothing until `resume`."""
        self._is_paused = True

    def resume(self) -> None:
        """The reader has caught up."""
        self._is_paused = self._is_closed
        is_amid_history = self._is_live and self._due_s == 0.0
        if is_amid_history and not self._is_closed:
            self._cancel()
            self._send_history()

    def close(self) -> None:
        """Stop for good."""
        self._is_paused = self._is_closed = True
        self._cancel()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
