"""Physics of the simulated fleet, vectorised over all its GPUs: load, power, temperature, clocks, memory, hosts.

Deterministic: the same layout, incidents and steps give the same numbers. Orders of magnitude are those of an
HGX H100 (700 W boards, 87 °C slowdown) and its dual-socket host; it is a believable picture, not a model of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from leptontui.demo.incidents import Effects, Flags, Floats
from leptontui.demo.layout import CPU_COUNT, GIB, GPU_MEMORY_BYTES, HOST_MEMORY_BYTES, Layout, Role

IDLE_W: Final = 70.0
LIMIT_W: Final = 700.0
SLOWDOWN_C: Final = 87.0
SHUTDOWN_C: Final = 92.0
HYSTERESIS_C: Final = 2.0
_MIB: Final = 1 << 20
CLOCK_MAX_MHZ: Final = 1980.0
CLOCK_IDLE_MHZ: Final = 345.0
CLOCK_MEMORY_MHZ: Final = 2619.0
LAG_S: Final = 25.0
"""Time constant of a GPU under its heat sink."""
STEP_S: Final = 11.0
"""One optimiser step of the training job; its last second is spent waiting for gradients."""
CHECKPOINT_FIRST_S: Final = 130.0
CHECKPOINT_EVERY_S: Final = 300.0
CHECKPOINT_S: Final = 8.0
DAY_S: Final = 1800.0
"""A day of the inference group's users, compressed so that a newcomer sees its slope."""

GPU_IDLE, POWER_CAP, HW_SLOWDOWN, HW_THERMAL, POWER_BRAKE = 0x1, 0x4, 0x8, 0x40, 0x80
"""NVML's nvmlClocksEventReason bits."""

GPU_COLUMNS: Final = (
    "util_pct",
    "memory_util_pct",
    "memory_used_bytes",
    "temp_c",
    "temp_memory_c",
    "power_w",
    "clock_sm_mhz",
    "throttle_reasons",
    "ecc_corrected",
)
HOST_COLUMNS: Final = (
    "cpu_util_pct",
    "cpu_system_pct",
    "cpu_iowait_pct",
    "load1",
    "load5",
    "load15",
    "memory_used_bytes",
    "memory_pressure_pct",
    "scratch_used_bytes",
    "disk_read_bytes",
    "disk_write_bytes",
    "disk_busy_s",
    "net_rx_bytes",
    "net_tx_bytes",
    "fabric_rx_bytes",
    "fabric_tx_bytes",
)


@dataclass(frozen=True, slots=True)
class State:
    """What can be read from H hosts of G GPUs at one moment.

    Attributes:
        t_s: seconds after the start.
        gpus: columns `GPU_COLUMNS`, shape (H, G, len(GPU_COLUMNS)).
        hosts: columns `HOST_COLUMNS`, shape (H, len(HOST_COLUMNS)); byte counters are since the last boot.
        cores_pct: load of each core, shape (H, CPU_COUNT).
        is_present: the GPU answers its driver, shape (H, G).
        is_up: the host runs, shape (H,).
        is_reached: the network carries to it, shape (H,).
        is_idle: nothing uses the GPU though its host is meant for work, shape (H, G).
    """

    t_s: float
    gpus: Floats
    hosts: Floats
    cores_pct: Floats
    is_present: Flags
    is_up: Flags
    is_reached: Flags
    is_idle: Flags


class Physics:
    """The fleet's physical state, advanced step by step.

    Attributes:
        t_s: seconds after the start of the last step; negative while history is made up.
    """

    def __init__(self, layout: Layout, t_s: float = 0.0) -> None:
        self.t_s = t_s
        self._random = np.random.default_rng(layout.seed)
        hosts, gpus = self._shape = (len(layout.hosts), layout.gpus)
        roles = np.array([host.role for host in layout.hosts])
        self._is_infer, self._is_train = roles == Role.INFER, roles == Role.TRAIN
        self._inlet_c = self._random.uniform(25.0, 28.0, (hosts, 1)) + np.linspace(0.0, 2.0, gpus)
        self._resistance_c_per_w = self._random.normal(0.0505, 0.0014, (hosts, gpus)).clip(0.046, 0.055)
        self._clock_spread = self._random.normal(1.0, 0.004, (hosts, gpus))
        self._demand = self._random.uniform(-1.0, 1.0, (hosts, 1))
        self._temp_c = self._inlet_c + np.where(self._is_train, 680.0, 120.0)[:, None] * self._resistance_c_per_w
        self._throttle = np.ones((hosts, gpus))
        self._is_hot = np.zeros((hosts, gpus), dtype=np.bool_)
        self._ecc = np.zeros((hosts, gpus))
        self._loads = np.zeros((3, hosts))
        self._counters = np.zeros((7, hosts))
        self._scratch = self._random.uniform(0.35, 0.55, hosts)

    def step(self, dt_s: float, effects: Effects) -> State:
        """Advance by `dt_s` seconds under `effects` and read everything.

        Args:
            dt_s: above 0; lags are integrated exactly, so 1 s and 10 s give the same course.
            effects: what the incidents do now.
        """
        self.t_s += dt_s
        util = self._utilisation(dt_s) * ~effects.is_idle
        gpus = self._gpus(dt_s, util, effects)
        hosts, cores = self._hosts(dt_s, util, effects)
        return State(
            self.t_s, gpus, hosts, cores, effects.is_present, effects.is_up, effects.is_reached, effects.is_idle
        )

    def forget(self, host: int) -> None:
        """Reset what a reboot resets on the host in row `host`: counters and loads."""
        self._counters[:, host] = 0.0
        self._loads[:, host] = 0.0
        self._ecc[host] = 0.0

    def _is_saving(self) -> bool:
        return (self.t_s - CHECKPOINT_FIRST_S) % CHECKPOINT_EVERY_S < CHECKPOINT_S

    def _noise(self, *shape: int) -> npt.NDArray[np.float64]:
        return self._random.standard_normal(shape)

    def _utilisation(self, dt_s: float) -> Floats:
        hosts, gpus = self._shape
        train = 97.3 + 0.6 * self._noise(hosts, gpus)
        if self._is_saving():
            train -= 62.0
        elif dt_s > 1.0:
            train -= 17.0 / STEP_S
        elif self.t_s % STEP_S < 1.0:
            train -= 17.0
        keep = np.exp(-dt_s / 45.0)
        self._demand = keep * self._demand + np.sqrt(1.0 - keep**2) * self._noise(hosts, 1)
        day = 58.0 + 16.0 * np.sin(2.0 * np.pi * self.t_s / DAY_S)
        infer = day + 9.0 * self._demand + 5.0 * self._noise(hosts, gpus)
        util = self._is_train[:, None] * train + self._is_infer[:, None] * infer
        clipped: Floats = util.clip(0.0, 100.0)
        return clipped

    def _gpus(self, dt_s: float, util: Floats, effects: Effects) -> Floats:
        hosts, gpus = self._shape
        is_busy = util > 1.0
        clock = np.where(is_busy, CLOCK_MAX_MHZ * self._clock_spread - 2.2 * util, CLOCK_IDLE_MHZ)
        ceiling = CLOCK_MAX_MHZ * np.minimum(effects.clock_cap, self._throttle)
        clock = np.minimum(clock, ceiling)
        speed = clock / CLOCK_MAX_MHZ
        wanted_w = IDLE_W + 790.0 * (util / 100.0) * speed**2 + 3.0 * self._noise(hosts, gpus) * is_busy
        power = np.minimum(wanted_w, LIMIT_W)
        target_c = self._inlet_c + power * self._resistance_c_per_w * effects.cooling
        self._temp_c = target_c + (self._temp_c - target_c) * np.exp(-dt_s / LAG_S)
        self._slow_down(dt_s)
        reasons = (
            GPU_IDLE * ~is_busy
            + POWER_CAP * (power >= LIMIT_W)
            + (HW_SLOWDOWN | HW_THERMAL) * self._is_hot
            + (HW_SLOWDOWN | POWER_BRAKE) * ((effects.clock_cap < 1.0) & is_busy)
        )
        self._ecc += self._random.random((hosts, gpus)) < 2e-6 * dt_s * is_busy
        memory = self._gpu_memory(util, effects)
        temp = self._temp_c + 0.25 * self._noise(hosts, gpus)
        columns = (
            util.round(),
            (0.55 * util).round(),
            np.floor(memory / _MIB) * _MIB,
            temp.round(),
            (temp + 7.0 + 0.04 * util).round(),
            power.round(1),
            (clock / 15.0).round() * 15.0,
            reasons,
            self._ecc,
        )
        return np.stack(columns, axis=-1)

    def _slow_down(self, dt_s: float) -> None:
        """Lower the clocks of GPUs above the slowdown temperature, and give them back 2 °C below it."""
        excess = self._temp_c - SLOWDOWN_C
        self._is_hot = (excess > 0.0) | (self._is_hot & (excess > -HYSTERESIS_C))
        change = np.where(self._is_hot, -0.004 * np.maximum(excess, 0.0), 0.01)
        self._throttle = (self._throttle + change * min(dt_s, 2.0)).clip(0.35, 1.0)

    def _gpu_memory(self, util: Floats, effects: Effects) -> Floats:
        hosts, gpus = self._shape
        train = 0.915 + 0.0005 * self._noise(hosts, gpus)
        infer = 0.58 + 0.0012 * util + 0.03 * self._demand + 0.006 * self._noise(hosts, gpus)
        share = self._is_train[:, None] * train + self._is_infer[:, None] * infer
        share += (1.0 - share) * effects.gpu_memory[:, None]
        is_used = (self._is_train | self._is_infer)[:, None] & ~effects.is_idle
        share = np.where(is_used, share, 0.0075)
        memory: Floats = share.clip(0.0, 1.0) * GPU_MEMORY_BYTES
        return memory

    def _hosts(self, dt_s: float, util: Floats, effects: Effects) -> tuple[Floats, Floats]:
        hosts = self._shape[0]
        mean_util = util.mean(axis=1)
        is_saving = self._is_train & self._is_saving()
        cpu = (1.5 + 0.22 * mean_util + 6.0 * is_saving + 0.8 * self._noise(hosts)).clip(0.2, 100.0)
        iowait = 4.0 * is_saving + 0.1
        cores: Floats = (cpu[:, None] * self._random.uniform(0.4, 1.6, (hosts, CPU_COUNT))).clip(0.0, 100.0)
        keep = np.exp(-dt_s / np.array([60.0, 300.0, 900.0]))[:, None]
        runnable = CPU_COUNT * cpu / 100.0
        self._loads = np.where(self._loads > 0.0, keep * self._loads + (1.0 - keep) * runnable, runnable)
        used = 0.02 + 0.28 * self._is_train + 0.18 * self._is_infer + 0.002 * self._noise(hosts)
        used = used.clip(0.005, 1.0)
        used += (1.0 - used) * effects.host_memory
        pressure = (400.0 * (used - 0.93)).clip(0.0, 60.0)
        self._count(dt_s, mean_util, is_saving)
        columns = (
            cpu.round(1),
            (0.25 * cpu).round(1),
            iowait.round(1),
            *self._loads.round(2),
            np.floor(used * HOST_MEMORY_BYTES / _MIB) * _MIB,
            pressure.round(2),
            np.floor(self._scratch * 28_000 * GIB / _MIB) * _MIB,
            *self._counters.round(2),
        )
        return np.stack(columns, axis=-1), cores.round()

    def _count(self, dt_s: float, mean_util: Floats, is_saving: Flags) -> None:
        """Advance the counters of disks and network, in bytes but for the busy seconds of the disk."""
        hosts = self._shape[0]
        jitter = self._random.uniform(0.85, 1.15, (7, hosts))
        write = 4e6 + 6.5e9 * is_saving
        rates = np.stack(
            (
                1e6 + 9e6 * mean_util * self._is_train,
                write,
                0.01 + 0.9 * is_saving,
                2e5 + 1.1e6 * mean_util * self._is_infer,
                3e5 + 2.4e6 * mean_util * self._is_infer,
                3.1e8 * mean_util * self._is_train,
                3.1e8 * mean_util * self._is_train,
            )
        )
        rates[2] = np.minimum(rates[2], 0.98 / 1.15)
        self._counters += rates * jitter * dt_s
        self._counters[[0, 1, 3, 4, 5, 6]] = np.floor(self._counters[[0, 1, 3, 4, 5, 6]])
        self._scratch = (self._scratch + 2e-9 * write * dt_s / 28_000).clip(0.0, 0.9)
