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
from leptontui.sources.phases import Phases
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


@dataclass(frozen=True, slots=True)
class _Watched:
    """A host with the task that watches it."""

    target: HostTarget
    watch: HostWatch
    task: asyncio.Task[None]


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
        self._targets = {target.name: target for target in targets}
        self._interval_s = interval_s
        self._connect = connect
        self._launch = launch
        self._random = random or _chance()
        self._patience = patience or Patience()
        self._clocks = clocks
        self._phases = Phases()
        self._watched: dict[str, _Watched] = {}
        self._changed = asyncio.Event()

    def update(self, targets: Sequence[HostTarget]) -> None:
        """Watch these hosts from now on. To be called on the engine's loop, before `run` or while it runs.

        A host whose target equals the one before keeps its link; another is hung up and dialled anew.
        """
        self._targets = {target.name: target for target in targets}
        self._changed.set()

    async def run(self, sink: Sink) -> None:
        """Watch until cancelled, then close every link and end every probe."""
        ending: dict[str, list[asyncio.Task[None]]] = {}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tick())
                while True:
                    self._changed.clear()
                    self._end(ending)
                    self._begin(sink, tasks, ending)
                    await self._changed.wait()
        finally:
            self._watched = {}

    def redial(self, host: str) -> None:
        """Dial `host` now if it waits to be dialled. To be called on the engine's loop."""
        watched = self._watched.get(host)
        if watched is not None:
            watched.watch.redial()

    def _end(self, ending: dict[str, list[asyncio.Task[None]]]) -> None:
        """End the watch of hosts that are gone, or are to be reached or watched in another way."""
        for name, watched in list(self._watched.items()):
            if self._targets.get(name) != watched.target:
                watched.task.cancel()
                ending.setdefault(name, []).append(watched.task)
                del self._watched[name]
                self._phases.give_back(name)
        for name, before in list(ending.items()):
            ending[name] = [task for task in before if not task.done()]
            if not ending[name]:
                del ending[name]

    def _begin(self, sink: Sink, tasks: asyncio.TaskGroup, ending: dict[str, list[asyncio.Task[None]]]) -> None:
        new = [target for name, target in self._targets.items() if name not in self._watched]
        for target, phase in zip(new, self._phases.take([target.name for target in new]), strict=True):
            watch = self._watch(target, sink, phase)
            task = tasks.create_task(_after(tuple(ending.get(target.name, ())), watch), name=f"watch {target.name}")
            self._watched[target.name] = _Watched(target, watch, task)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._patience.tick_s)
            for watched in list(self._watched.values()):
                watched.watch.look()

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


async def _after(before: Sequence[asyncio.Task[None]], watch: HostWatch) -> None:
    """Watch a host once the watch of it as it was before has hung up: its last word must not come after our first."""
    if before:
        await asyncio.wait(before)
    await watch.run()


def _chance() -> random.Random:
    return random.SystemRandom()
