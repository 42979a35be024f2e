"""The simulated fleet as a whole: time, physics, incidents, boots, units and Slurm, without any network."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from leptontui import wire
from leptontui.demo import readings
from leptontui.demo.containers import ContainerTable
from leptontui.demo.hands import Hands
from leptontui.demo.incidents import SCRIPT, Incident, IncidentKind, effects_at
from leptontui.demo.layout import CONTROLLER, Layout, Role, SimulatedHost, bus_number, identity
from leptontui.demo.physics import Physics, State
from leptontui.demo.slurm import Slurm
from leptontui.demo.units import VLLM, UnitState, UnitTable

HISTORY_STEP_S: Final = 10.0
SETTLE_S: Final = 60.0
"""The physics runs this long before the first sample of the history, so that it starts settled."""
KERNEL_S: Final = 12.0
"""A host answers so long after its kernel has started."""
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that changed on a host while time advanced.

    Attributes:
        host: where.
        event: what its probe pushes, None if nothing.
        is_up: whether the host answers from now on; None if that did not change.
    """

    host: SimulatedHost
    event: wire.Event | None = None
    is_up: bool | None = None


@dataclass(frozen=True, slots=True)
class _Boot:
    number: int
    t_unix_s: float


class World:
    """The simulated fleet. Not thread-safe: one event loop owns it.

    Attributes:
        layout: its hosts.
        units: their systemd units.
        slurm: their Slurm.
        containers: their containers.
        hands: what people did to them.
    """

    def __init__(
        self,
        layout: Layout,
        *,
        start_unix_s: float,
        incidents: tuple[Incident, ...] = SCRIPT,
        history_s: float = 600.0,
    ) -> None:
        self.layout = layout
        self.units = UnitTable(layout)
        self.containers = ContainerTable(layout)
        self.hands = Hands(layout)
        self.slurm = Slurm(layout, start_unix_s, has_foreign_drain=bool(incidents))
        self._incidents = incidents
        self._start_unix_s = float(math.floor(start_unix_s))
        self._healed: dict[tuple[int, int], float] = {}
        self._boots = [_Boot(0, self._start_unix_s - _DAY_S * (41 - index % 17)) for index in range(len(layout.hosts))]
        self._controller_boot_unix_s = self._start_unix_s - 90 * _DAY_S
        self.units.boot(CONTROLLER, None, self._controller_boot_unix_s)
        for host, boot in zip(layout.hosts, self._boots, strict=True):
            self.units.boot(host.name, host, boot.t_unix_s)
            self.containers.boot(host, boot.t_unix_s)
        self._past: deque[State] = deque(maxlen=max(1, round(history_s / HISTORY_STEP_S)))
        self._keeps_past = history_s >= HISTORY_STEP_S
        self._state = self._settle(history_s)
        self._going_on = self._occurring(self._state.t_s)
        self._kernel_lines: dict[int, list[tuple[float, str]]] = {}

    def _settle(self, history_s: float) -> State:
        steps = math.ceil((history_s + SETTLE_S) / HISTORY_STEP_S)
        self._physics = Physics(self.layout, -steps * HISTORY_STEP_S)
        for _ in range(steps):
            state = self._step(HISTORY_STEP_S)
            if self._keeps_past:
                self._past.append(state)
        return state

    def _step(self, dt_s: float) -> State:
        t_s = self._physics.t_s + dt_s
        effects = effects_at(self._incidents, self.layout, t_s, self._healed)
        self.hands.apply(effects, self._without_work(self._start_unix_s + t_s), self._start_unix_s + t_s)
        state = self._physics.step(dt_s, effects)
        self.hands.hold_clocks(state)
        return state

    def _without_work(self, t_unix_s: float) -> Iterator[SimulatedHost]:
        """Hosts that have nothing to do: given up by the training job, or their inference server was stopped."""
        yield from self.slurm.given_up(t_unix_s)
        for host in self.layout.with_role(Role.INFER):
            server = self.units.find(host.name, VLLM)
            if server is not None and server.stopped_unix_s is not None:
                yield host

    def advance(self, t_unix_s: float) -> list[Happening]:
        """Let time pass up to the last whole second before `t_unix_s`; returns what happened, in order.

        After a long sleep the missed time is crossed in longer steps. A clock set back changes nothing.
        """
        happened: list[Happening] = []
        behind_s = math.floor(t_unix_s - self._start_unix_s) - self._state.t_s
        while behind_s >= 1.0:
            dt_s = 1.0 if behind_s < 3.0 * HISTORY_STEP_S else HISTORY_STEP_S
            behind_s -= dt_s
            before = self._state
            self._state = self._step(dt_s)
            if self._keeps_past and self._state.t_s - self._past[-1].t_s >= HISTORY_STEP_S:
                self._past.append(self._state)
            happened += self._changes(before)
        return happened

    def _occurring(self, t_s: float) -> dict[int, int]:
        found = ((index, incident.occurrence(t_s)) for index, incident in enumerate(self._incidents))
        return {index: going_on[0] for index, going_on in found if going_on is not None}

    def _changes(self, before: State) -> Iterator[Happening]:
        t_unix_s = self._start_unix_s + self._state.t_s
        for host in self.slurm.due_reboots(t_unix_s):
            self.reboot(host, t_unix_s)
        for host in self.layout.hosts:
            if self._state.is_up[host.index]:
                self.slurm.register(host, self._boots[host.index].t_unix_s, t_unix_s)
            if self._state.is_up[host.index] and not before.is_up[host.index]:
                self._booted(host, t_unix_s)
            if (answers := _answers(self._state, host)) != _answers(before, host):
                yield Happening(host, is_up=answers)
        now = self._occurring(self._state.t_s)
        for index, cycle in now.items():
            incident = self._incidents[index]
            if self._going_on.get(index) != cycle and incident.kind is IncidentKind.OFF_THE_BUS:
                host = incident.host(self.layout, cycle)
                yield self._logged(host, _off_the_bus(host, incident.gpu % self.layout.gpus, t_unix_s))
        for index, cycle in self._going_on.items():
            incident = self._incidents[index]
            was_filling = incident.kind is IncidentKind.HOST_MEMORY and (index, cycle) not in self._healed
            if now.get(index) != cycle and was_filling:
                yield self._logged(incident.host(self.layout, cycle), _killed(t_unix_s))
        self._going_on = now

    def _logged(self, host: SimulatedHost, event: wire.Event) -> Happening:
        self._kernel_lines.setdefault(host.index, []).append((event.t_unix_s, event.text or ""))
        return Happening(host, event)

    def kernel_lines(self, host: SimulatedHost | None) -> tuple[tuple[float, str], ...]:
        """What the kernel of `host` said of its trouble since the boot, oldest first: (unix seconds, text)."""
        return () if host is None else tuple(self._kernel_lines.get(host.index, ()))

    def reboot(self, host: SimulatedHost, t_unix_s: float) -> None:
        """Let `host` go down and come back as another boot; a GPU that fell off its bus is back then."""
        self.hands.reboot(host, t_unix_s)

    def _booted(self, host: SimulatedHost, t_unix_s: float) -> None:
        if self.hands.is_due_back(host, t_unix_s):
            self._heal(host, {IncidentKind.OFF_THE_BUS}, t_unix_s)
        self.hands.booted(host)
        self._kernel_lines.pop(host.index, None)
        boot_s = t_unix_s - KERNEL_S
        self._boots[host.index] = _Boot(self._boots[host.index].number + 1, boot_s)
        self.units.boot(host.name, host, boot_s)
        self.containers.boot(host, boot_s)
        self._physics.forget(host.index)

    def _heal(self, host: SimulatedHost, kinds: Collection[IncidentKind], t_unix_s: float) -> None:
        for index, cycle in self._going_on.items():
            incident = self._incidents[index]
            if incident.kind in kinds and incident.host(self.layout, cycle) == host:
                self._healed[index, cycle] = t_unix_s - self._start_unix_s

    def is_up(self, host: SimulatedHost) -> bool:
        """Whether `host` answers now."""
        return _answers(self._state, host)

    def boot_unix_s(self, host: SimulatedHost | None) -> float:
        """When `host` was last booted; None means the controller."""
        return self._controller_boot_unix_s if host is None else self._boots[host.index].t_unix_s

    def hello(self, host: SimulatedHost, *, t_unix_s: float, interval_s: float) -> wire.Hello:
        """What `host` says when its probe starts."""
        return readings.hello(host, t_unix_s=t_unix_s, boot_id=self.boot_id(host), interval_s=interval_s)

    def history(self, host: SimulatedHost) -> Iterator[wire.Sweep]:
        """What was recorded on `host` since its boot and before now, oldest first, numbered from 0."""
        boot_s = self._boots[host.index].t_unix_s - self._start_unix_s
        states = [state for state in self._past if state.t_s > boot_s and state.is_up[host.index]]
        for seq, state in enumerate(states):
            yield self._sweep(host, state, seq, self._start_unix_s + state.t_s, is_history=True)

    def sweep(self, host: SimulatedHost, *, seq: int, t_unix_s: float) -> wire.Sweep:
        """What `host` says now."""
        return self._sweep(host, self._state, seq, t_unix_s, is_history=False)

    def _sweep(self, host: SimulatedHost, state: State, seq: int, t_unix_s: float, *, is_history: bool) -> wire.Sweep:
        return readings.sweep(
            host,
            state,
            seq=seq,
            t_unix_s=t_unix_s,
            boot_unix_s=self._boots[host.index].t_unix_s,
            units=self.units.of(host.name),
            is_history=is_history,
        )

    def gpus_in_use(self, host: SimulatedHost) -> tuple[int, ...]:
        """The GPUs of `host` that a process computes on, unless it is idle as a whole."""
        is_used = self._state.is_present[host.index] & ~self._state.is_idle[host.index]
        return tuple(int(gpu) for gpu in is_used.nonzero()[0])

    def values(self, host: SimulatedHost) -> list[float]:
        """What can be read from `host` now, by `physics.HOST_COLUMNS`."""
        values: list[float] = self._state.hosts[host.index].tolist()
        return values

    def boot_id(self, host: SimulatedHost | None) -> str:
        """The kernel's random id of its boot; None means the controller."""
        name, number = (host.name, self._boots[host.index].number) if host else (CONTROLLER, 0)
        return identity(self.layout.seed, "boot", name, number)

    def restart_unit(
        self, host: SimulatedHost | None, unit: str, t_unix_s: float, *, is_own: bool = False
    ) -> UnitState:
        """Restart `unit` on `host` (None: the controller); restarting the inference server stops its leaks.

        Raises:
            KeyError: it is not installed there.
        """
        state = self.units.restart(host.name if host else CONTROLLER, unit, t_unix_s, is_own=is_own)
        if host is not None and unit == VLLM:
            self.hands.revive(host)
            self._heal(host, {IncidentKind.HOST_MEMORY, IncidentKind.GPU_MEMORY}, t_unix_s)
        return state


def _answers(state: State, host: SimulatedHost) -> bool:
    return bool(state.is_up[host.index] and state.is_reached[host.index])


def _off_the_bus(host: SimulatedHost, gpu: int, t_unix_s: float) -> wire.Event:
    bus = f"0000:{bus_number(gpu):02x}:00"
    text = f"NVRM: Xid (PCI:{bus}): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."
    return wire.Event(wire.VERSION, t_unix_s, "xid", host.gpu_uuids[gpu], 79, text)


def _killed(t_unix_s: float) -> wire.Event:
    text = "Out of memory: Killed process 40213 (vllm) total-vm:2204510432kB, anon-rss:2118123520kB"
    return wire.Event(wire.VERSION, t_unix_s, "oom-kill", None, None, text)
