"""Scripted incidents as data: what goes wrong in the simulated fleet, where, when, and how badly."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from leptontui.demo.layout import RACK_HOSTS, Layout, Role, SimulatedHost

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class IncidentKind(StrEnum):
    """What goes wrong."""

    OVERHEATING = "overheating"
    """Airflow over one GPU fails: its thermal resistance grows to `strength` times the normal."""
    HOST_MEMORY = "host-memory"
    """A leak fills the share `strength` of the host's free memory."""
    GPU_MEMORY = "gpu-memory"
    """A leak fills the share `strength` of the free memory of every GPU of the host."""
    STRAGGLER = "straggler"
    """Power brake: one GPU's clock is capped to the share `strength` of its maximum."""
    OFF_THE_BUS = "off-the-bus"
    """Xid 79: one GPU is gone from the driver."""
    HOST_AWAY = "host-away"
    """The host reboots: connections drop, new ones are refused, the boot id changes."""
    RACK_CUT = "rack-cut"
    """The switch on top of the host's rack fails: none of the rack's hosts is reached; they run on."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One scripted incident, which happens again and again.

    Attributes:
        kind: see `IncidentKind`.
        starts_s: when it first begins, in seconds after the start; negative: under way at the start.
        lasts_s: how long it goes on.
        every_s: from one beginning to the next; longer than `lasts_s`.
        role: on hosts of which role.
        place: where among those hosts the first time, from 0 (the first) to 1 (the last).
        stride: by how many hosts it moves on each time.
        gpu: which GPU, counted modulo the host's GPUs.
        strength: how badly; see `IncidentKind`.
    """

    kind: IncidentKind
    starts_s: float
    lasts_s: float
    every_s: float
    role: Role
    place: float
    stride: int = 1
    gpu: int = 0
    strength: float = 1.0

    def occurrence(self, t_s: float) -> tuple[int, float] | None:
        """Which time it is going on at `t_s`, from 0, and for how many seconds; None if it is not."""
        if t_s < self.starts_s:
            return None
        cycle, elapsed_s = divmod(t_s - self.starts_s, self.every_s)
        return (int(cycle), elapsed_s) if elapsed_s < self.lasts_s else None

    def host(self, layout: Layout, cycle: int) -> SimulatedHost:
        """Where it happens the `cycle`-th time; on any host if the fleet has none of its role."""
        hosts = layout.with_role(self.role) or layout.hosts
        return hosts[(round(self.place * (len(hosts) - 1)) + cycle * self.stride) % len(hosts)]


SCRIPT: Final[tuple[Incident, ...]] = (
    # 4 of the 12 minutes of the ramp lie in the history: at the start about 72 °C and rising, 87 °C about five
    # minutes later, so a forecast has something to foresee.
    Incident(IncidentKind.OVERHEATING, -240, 900, 1200, Role.TRAIN, 0.25, stride=3, gpu=6, strength=2.0),
    Incident(IncidentKind.HOST_MEMORY, -360, 960, 1500, Role.INFER, 0.35, stride=1, strength=0.995),
    Incident(IncidentKind.GPU_MEMORY, -360, 1080, 1500, Role.INFER, 0.8, stride=2, strength=0.998),
    Incident(IncidentKind.STRAGGLER, 15, 420, 600, Role.TRAIN, 0.5, stride=5, gpu=0, strength=0.6),
    Incident(IncidentKind.OFF_THE_BUS, 45, 360, 600, Role.TRAIN, 0.75, stride=4, gpu=3),
    # Somebody reboots that host: a GPU off the bus comes back in no other way.
    Incident(IncidentKind.HOST_AWAY, 400, 40, 600, Role.TRAIN, 0.75, stride=4),
    Incident(IncidentKind.HOST_AWAY, 75, 40, 480, Role.TRAIN, 0.92, stride=7),
    # Long enough to be told: a host is given three minutes to come back.
    Incident(IncidentKind.RACK_CUT, 30, 240, 900, Role.IDLE, 0.0, stride=0),
)
"""Within two minutes of the start every kind has been seen, and later there is always something going on."""

RAMP_S: Final = 720.0
"""An airflow failure takes twelve minutes from the first dust to the worst."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What the incidents do to the fleet at one moment, for H hosts of G GPUs.

    Attributes:
        cooling: factor on each GPU's thermal resistance, shape (H, G), 1 where nothing is wrong.
        clock_cap: highest share of the maximum clock, shape (H, G), 1 where nothing is wrong.
        gpu_memory: share of otherwise free GPU memory that has leaked, shape (H,); 0 where there is no leak.
        host_memory: likewise of the host's memory, shape (H,).
        is_present: the GPU answers its driver, shape (H, G).
        is_up: the host runs, shape (H,).
        is_reached: the network carries to the host, shape (H,).
        is_idle: nothing uses the GPU, shape (H, G).
    """

    cooling: Floats
    clock_cap: Floats
    gpu_memory: Floats
    host_memory: Floats
    is_present: Flags
    is_up: Flags
    is_reached: Flags
    is_idle: Flags


def effects_at(
    incidents: tuple[Incident, ...], layout: Layout, t_s: float, healed: dict[tuple[int, int], float]
) -> Effects:
    """What `incidents` do at `t_s`.

    Args:
        incidents: the script.
        layout: the fleet.
        t_s: seconds after the start.
        healed: when a leak was last stopped by a restart, or a GPU was brought back by a reboot, by (index in
            `incidents`, cycle).
    """
    shape = (len(layout.hosts), layout.gpus)
    effects = Effects(
        np.ones(shape),
        np.ones(shape),
        np.zeros(shape[0]),
        np.zeros(shape[0]),
        np.ones(shape, dtype=np.bool_),
        np.ones(shape[0], dtype=np.bool_),
        np.ones(shape[0], dtype=np.bool_),
        np.zeros(shape, dtype=np.bool_),
    )
    for index, incident in enumerate(incidents):
        going_on = incident.occurrence(t_s)
        if going_on is None:
            continue
        cycle, elapsed_s = going_on
        healed_s = healed.get((index, cycle))
        since_s = elapsed_s if healed_s is None else max(0.0, t_s - healed_s)
        if healed_s is not None and incident.kind is IncidentKind.OFF_THE_BUS:
            continue
        host = incident.host(layout, cycle).index
        _apply(effects, incident, host, incident.gpu % layout.gpus, since_s)
    return effects


def _apply(effects: Effects, incident: Incident, host: int, gpu: int, elapsed_s: float) -> None:
    match incident.kind:
        case IncidentKind.OVERHEATING:
            share = min(1.0, elapsed_s / RAMP_S)
            effects.cooling[host, gpu] = 1.0 + (incident.strength - 1.0) * share
        case IncidentKind.HOST_MEMORY:
            effects.host_memory[host] = incident.strength * min(1.0, elapsed_s / incident.lasts_s)
        case IncidentKind.GPU_MEMORY:
            effects.gpu_memory[host] = incident.strength * min(1.0, elapsed_s / incident.lasts_s)
        case IncidentKind.STRAGGLER:
            effects.clock_cap[host, gpu] = incident.strength
        case IncidentKind.OFF_THE_BUS:
            effects.is_present[host, gpu] = False
        case IncidentKind.HOST_AWAY:
            effects.is_up[host] = False
        case IncidentKind.RACK_CUT:
            first = host - host % RACK_HOSTS
            effects.is_reached[first : first + RACK_HOSTS] = False
