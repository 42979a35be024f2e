"""Sweeps of a whole fleet over SSH: one task per host, one clock for all."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from leptontui.model.target import HostTarget
from leptontui.sources.backoff import Backoff, Patience
from leptontui.sources.contract import Sink
from leptontui.sources.ssh_host import Clocks, HostWatch, Start
from leptontui.transport.contract import Transport


class LaunchStdin(Protocol):
    """Makes what is written to the probe's stdin."""

    def __call__(self, *, target: HostTarget, interval_s: float, phase: float) -> bytes:
        """For `target`'s probe, which sweeps every `interval_s` seconds, `phase` (0 to 1) of an interval late."""


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """How a probe is started.

    Attributes:
        argv: the command on the host.
        stdin: makes what is written to it.
    """

    argv: tuple[str, ...]
    stdin: LaunchStdin


OUR_CLOCKS = Clocks(time.time, time.monotonic)


class SshFleetSource:
    """Watches hosts over SSH; see `contract.Source`.

    Args:
        targets: the hosts.
        interval_s: nominal time between two sweeps of a host; the hosts' sweeps are spread evenly over it.
        connect: makes a transport to a host, not yet connected.
        launch: how the probe is started.
        random: where the backoff's chance comes from.
        patience: when a link is stale, given up and dialled again.
        clocks: our clocks.
    """

    def __init__(
        self,
        targets: Sequence[HostTarget],
        *,
        interval_s: float,
        connect: Callable[[HostTarget], Transport],
        launch: LaunchPlan,
        random: random.Random | None = None,
        patience: Patience | None = None,
        clocks: Clocks = OUR_CLOCKS,
    ) -> None:
        self._targets = tuple(targets)
        self._interval_s = interval_s
        self._connect = connect
        self._launch = launch
        self._random = random or _chance()
        self._patience = patience or Patience()
        self._clocks = clocks
        self._watches: dict[str, HostWatch] = {}

    async def run(self, sink: Sink) -> None:
        """Watch until cancelled, then close every link and end every probe."""
        count = len(self._targets)
        self._watches = {target.name: self._watch(target, sink, n / count) for n, target in enumerate(self._targets)}
        try:
            async with asyncio.TaskGroup() as tasks:
                for name, watch in self._watches.items():
                    tasks.create_task(watch.run(), name=f"watch {name}")
                await self._tick()
        finally:
            self._watches = {}

    def redial(self, host: str) -> None:
        """Dial `host` now if it waits to be dialled. To be called on the engine's loop."""
        watch = self._watches.get(host)
        if watch is not None:
            watch.redial()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._patience.tick_s)
            for watch in self._watches.values():
                watch.look()

    def _watch(self, target: HostTarget, sink: Sink, phase: float) -> HostWatch:
        stdin = partial(self._launch.stdin, target=target, interval_s=self._interval_s, phase=phase)
        return HostWatch(
            target,
            sink,
            connect=self._connect,
            start=Start(self._launch.argv, stdin, self._interval_s),
            patience=self._patience,
            backoff=Backoff(self._patience, self._random),
            clocks=self._clocks,
        )


def _chance() -> random.Random:
    return random.SystemRandom()
