"""What people did to the simulated hosts: processes killed, clocks locked, persistence set, reboots under way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from leptontui.demo.incidents import Effects
from leptontui.demo.layout import Layout, SimulatedHost
from leptontui.demo.physics import CLOCK_MAX_MHZ, GPU_COLUMNS, State

GOES_DOWN_S: Final = 2.0
"""From `reboot` until the host stops answering."""
BOOT_S: Final = 25.0
"""From then until it answers again."""
_CLOCK: Final = GPU_COLUMNS.index("clock_sm_mhz")


class Hands:
    """What was done, by hosts' rows; a boot takes all of it back."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._killed: dict[int, set[int]] = {}
        self._clocks: dict[tuple[int, int], tuple[int, int]] = {}
        self._is_persistent: dict[int, bool] = {}
        self._away: dict[int, float] = {}

    def reboot(self, host: SimulatedHost, t_unix_s: float) -> None:
        """Let a host go down shortly after `t_unix_s` and come back as another boot."""
        self._away.setdefault(host.index, t_unix_s + GOES_DOWN_S)

    def kill(self, host: SimulatedHost, gpu: int) -> None:
        """End what runs on a GPU."""
        self._killed.setdefault(host.index, set()).add(gpu)

    def revive(self, host: SimulatedHost) -> None:
        """Let what was killed on a host run again: its service was started anew."""
        self._killed.pop(host.index, None)

    def lock_clocks(self, host: SimulatedHost, gpu: int, span_mhz: tuple[int, int] | None) -> None:
        """Hold a GPU's clock in a range; None lets it go."""
        if span_mhz is None:
            self._clocks.pop((host.index, gpu), None)
        else:
            self._clocks[host.index, gpu] = span_mhz

    def is_persistent(self, host: SimulatedHost) -> bool:
        """Whether the driver stays loaded while nothing uses it."""
        return self._is_persistent.get(host.index, True)

    def set_persistence(self, host: SimulatedHost, *, is_on: bool) -> None:
        """Set it."""
        self._is_persistent[host.index] = is_on

    def booted(self, host: SimulatedHost) -> None:
        """A host came up: nothing of this is left."""
        for known in (self._killed, self._is_persistent, self._away):
            known.pop(host.index, None)
        for gpu in range(self._layout.gpus):
            self._clocks.pop((host.index, gpu), None)

    def is_due_back(self, host: SimulatedHost, t_unix_s: float) -> bool:
        """Whether a host that went down because of `reboot` is up again."""
        down = self._away.get(host.index)
        return down is not None and t_unix_s >= down + BOOT_S

    def apply(self, effects: Effects, idle: Iterable[SimulatedHost], t_unix_s: float) -> None:
        """Add to what is the case at `t_unix_s`; `idle` are hosts that have no work though they are meant for some."""
        for index, down in self._away.items():
            if down <= t_unix_s < down + BOOT_S:
                effects.is_up[index] = False
        for host in idle:
            effects.is_idle[host.index] = True
        for index, gpus in self._killed.items():
            effects.is_idle[index, sorted(gpus)] = True

    def hold_clocks(self, state: State) -> None:
        """Keep locked clocks in their ranges."""
        for (host, gpu), (low, high) in self._clocks.items():
            clock = state.gpus[host, gpu, _CLOCK]
            state.gpus[host, gpu, _CLOCK] = min(max(clock, low), high, CLOCK_MAX_MHZ)
