"""Watches one host over one link: dial, start the probe, take what it says, and again when the link is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from leptontui.errors import LeptonError, LinkError, WireError
from leptontui.model.link import Fault, FaultKind, Link, LinkState
from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.sources.backoff import Backoff, Patience
from leptontui.sources.contract import Sink
from leptontui.sources.ssh_probe_end import fault_of_end
from leptontui.sources.ssh_speech import Speech
from leptontui.transport.contract import Stream, Transport
from leptontui.wire import Received, Sweep

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Clocks:
    """Our two clocks, in seconds; replaced in tests.

    Attributes:
        wall: unix time.
        mono: monotonic time.
    """

    wall: Callable[[], float]
    mono: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Start:
    """What is started on the host.

    Attributes:
        argv: the probe's launcher.
        stdin: makes what is written to it; called anew for each connection.
        interval_s: nominal time between two sweeps.
    """

    argv: tuple[str, ...]
    stdin: Callable[[], bytes]
    interval_s: float


_NEVER: Final = float("-inf")


class HostWatch:
    """Watches one host.

    Args:
        target: the host.
        sink: whom to tell.
        connect: makes a transport to it.
        start: what to run there.
        patience: see `Patience`.
        backoff: how long to wait before dialling again.
        clocks: our clocks.
    """

    def __init__(
        self,
        target: HostTarget,
        sink: Sink,
        *,
        connect: Callable[[HostTarget], Transport],
        start: Start,
        patience: Patience,
        backoff: Backoff,
        clocks: Clocks,
    ) -> None:
        self._target = target
        self._sink = sink
        self._connect = connect
        self._start = start
        self._patience = patience
        self._backoff = backoff
        self._clocks = clocks
        self._wake = asyncio.Event()
        self._link = Link(target.name, LinkState.DIALING, clocks.wall())
        self._sweeps = 0
        self._heard_s: float | None = None
        self._swept_s = _NEVER
        self._live_since_s: float | None = None
        self._has_spoken = False
        self._deadline: asyncio.Timeout | None = None

    def redial(self) -> None:
        """Dial now if waiting to; nothing while connected or dialling."""
        self._wake.set()

    def look(self) -> None:
        """Notice silence: called every tick by the one clock of the whole fleet."""
        if self._heard_s is None:
            return
        now, after = self._clocks.mono(), self._patience.stale_after_s(self._start.interval_s)
        if now - self._swept_s > after and self._link.state is not LinkState.STALE:
            cause = f"connected, but no sweep for {after:g} s"
            self._changed(LinkState.STALE, Fault(FaultKind.TIME_OUT, cause))
        limit = after + self._patience.silence_s if self._has_spoken else self._patience.start_s
        if now - self._heard_s > limit and self._deadline is not None:
            # Running out of time now raises TimeoutError where lines are awaited.
            self._deadline.reschedule(asyncio.get_running_loop().time())
            self._deadline = None

    async def run(self) -> None:
        """Watch until cancelled."""
        self._sink.link_changed(self._link)
        while True:
            self._tell(replace(self._link, dials=self._link.dials + 1, next_dial_unix_s=None))
            fault = await self._watch_once()
            if self._live_since_s is not None:
                if self._clocks.mono() - self._live_since_s >= self._patience.reset_s:
                    self._backoff.reset()
                self._live_since_s = None
            await self._wait(fault)

    async def _wait(self, fault: Fault) -> None:
        is_refusal = fault.kind.is_refusal
        pause_s = self._backoff.refused_s() if is_refusal else self._backoff.pause_s()
        state = LinkState.REFUSED if is_refusal else LinkState.LOST
        if fault.kind is FaultKind.HOST_BUSY and self._link.state is LinkState.DIALING:
            state = LinkState.DIALING  # it is not lost: it waits for its turn
        self._changed(state, fault, next_dial_unix_s=self._clocks.wall() + pause_s)
        self._wake.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._wake.wait()
                self._backoff.reset()

    async def _watch_once(self) -> Fault:
        """Dial and watch until the link ends; returns why."""
        transport = self._connect(self._target)
        speech = Speech(self._start.interval_s)
        try:
            await transport.connect()
            self._note_address(transport)
            stream = await transport.stream(self._start.argv, stdin=self._start.stdin())
            return await self._listen(stream, speech)
        except LinkError as error:
            return error.fault if isinstance(error.fault, Fault) else Fault(FaultKind.LINK_DROPPED, error.cause)
        except LeptonError as error:
            return Fault(FaultKind.CONFIG, plain(error.cause), plain(error.mend))
        except Exception as error:  # noqa: BLE001 — the task's boundary: one host must not end the watch of the others
            _log.exception("watching %s", self._target.name)
            return Fault(FaultKind.LINK_DROPPED, plain(f"unexpected: {type(error).__name__}: {error}"))
        finally:
            self._heard_s, self._deadline = None, None
            self._note_address(transport)
            await transport.close()

    async def _listen(self, stream: Stream, speech: Speech) -> Fault:
        """Take lines until the probe ends or is given up; returns why."""
        self._heard_s = self._swept_s = self._clocks.mono()
        self._has_spoken = False
        fault: Fault | None = None
        try:
            async with asyncio.timeout(None) as self._deadline:
                async for line in stream.lines():
                    self._take(line, speech)
        except TimeoutError:
            silent_s = self._clocks.mono() - (self._heard_s or 0.0)
            fault = Fault(FaultKind.TIME_OUT, f"connected, but the probe was silent for {silent_s:.0f} s")
        except WireError as error:
            fault = Fault(FaultKind.PROTOCOL, plain(error.cause), "log in by hand and look at what the host prints")
        finally:
            self._heard_s, self._deadline = None, None
            completed = await stream.close()
        return fault or fault_of_end(completed, speech.last_noise)

    def _take(self, line: bytes, speech: Speech) -> None:
        wall_s, mono_s = self._clocks.wall(), self._clocks.mono()
        message = speech.hear(line, mono_s)
        if message is None:
            return
        self._heard_s, self._has_spoken = mono_s, True
        self._sink.offer(Received(self._target.name, message, wall_s, mono_s))
        if isinstance(message, Sweep):
            self._sweeps += 1
            if not message.is_history:
                self._swept_s = mono_s
                if self._link.state is not LinkState.LIVE:
                    self._live_since_s = mono_s if self._live_since_s is None else self._live_since_s
                    self._changed(LinkState.LIVE, None)

    def _note_address(self, transport: Transport) -> None:
        if transport.address != self._link.address:
            self._tell(replace(self._link, address=transport.address))

    def _changed(self, state: LinkState, fault: Fault | None, *, next_dial_unix_s: float | None = None) -> None:
        since = self._link.since_unix_s if state is self._link.state else self._clocks.wall()
        self._tell(replace(self._link, state=state, since_unix_s=since, fault=fault, next_dial_unix_s=next_dial_unix_s))

    def _tell(self, link: Link) -> None:
        self._link = replace(link, sweeps=self._sweeps)
        self._sink.link_changed(self._link)
