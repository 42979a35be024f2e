"""This machine itself, without SSH: read by what the probe reads other hosts with, in this process."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import time
from typing import Any

import msgspec

from leptontui import __version__
from leptontui.model.link import Fault, FaultKind, Link, LinkState
from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.sources.contract import Sink
from leptontui.sources.machine import Machine, looked_after
from leptontui.wire import VERSION, Event, Hello, Message, Received, Sweep

_log = logging.getLogger(__name__)

_PAUSE_S = 5.0
"""How long it is left alone after it could not be read."""


class LocalSource:
    """Watches this machine. Whatever may block is done in a thread.

    Args:
        target: what to call it, and what is to be looked after on it.
        interval_s: time between two sweeps.
        machine: what is read; made here but in tests.
    """

    def __init__(self, target: HostTarget, *, interval_s: float, machine: Machine | None = None) -> None:
        self._host = target.name
        self._target = target
        self._interval_s = interval_s
        self._machine = machine
        self._link = Link(self._host, LinkState.DIALING, time.time(), address="this machine")

    async def run(self, sink: Sink) -> None:
        """Watch until cancelled."""
        sink.link_changed(self._link)
        try:
            while True:
                try:
                    await self._watch(sink)
                except Exception as error:  # noqa: BLE001 — the task's boundary: shown as the link's fault, tried again
                    _log.exception("this machine cannot be read")
                    fault = Fault(FaultKind.PROBE_FAILED, plain(f"{type(error).__name__}: {error}"))
                    self._change(sink, LinkState.LOST, fault, time.time() + _PAUSE_S)
                    await asyncio.sleep(_PAUSE_S)
        finally:
            machine, self._machine = self._machine, None
            if machine is not None:
                await asyncio.to_thread(machine.close)

    def redial(self, host: str) -> None:
        """Nothing: there is no link to dial."""

    async def _watch(self, sink: Sink) -> None:
        self._link = dataclasses.replace(self._link, dials=self._link.dials + 1)
        if self._machine is None:
            self._machine = await asyncio.to_thread(Machine, looked_after(self._target))
        machine = self._machine
        told: object = None
        seq = 0
        due = time.monotonic()
        while True:
            values = await asyncio.to_thread(machine.sweep)
            sweep = msgspec.convert({"v": VERSION, "seq": seq, "kind": "sweep", **values}, Sweep)
            if told is None or told != machine.version:
                told = machine.version
                self._offer(sink, self._hello(machine))
            for event in await asyncio.to_thread(machine.events):
                self._offer(sink, msgspec.convert({"v": VERSION, "kind": "event", **event}, Event))
            self._link = dataclasses.replace(self._link, sweeps=self._link.sweeps + 1)
            if self._link.state is not LinkState.LIVE:
                self._change(sink, LinkState.LIVE)
            self._offer(sink, sweep)
            seq += 1
            due = max(due + self._interval_s, time.monotonic())
            await asyncio.sleep(due - time.monotonic())

    def _hello(self, machine: Machine) -> Hello:
        values: dict[str, Any] = {"kind": "hello", "v": VERSION, "t_unix_s": time.time(), **machine.identity()}
        return msgspec.convert({**values, "interval_s": self._interval_s, "probe": f"leptontui {__version__}"}, Hello)

    def _offer(self, sink: Sink, message: Message) -> None:
        sink.offer(Received(self._host, message, time.time(), time.monotonic()))

    def _change(self, sink: Sink, state: LinkState, fault: Fault | None = None, next_dial: float | None = None) -> None:
        self._link = dataclasses.replace(
            self._link, state=state, since_unix_s=time.time(), fault=fault, next_dial_unix_s=next_dial
        )
        sink.link_changed(self._link)
