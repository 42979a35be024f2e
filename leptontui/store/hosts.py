"""What is known of hosts besides their values: their codes, last hellos, boots, and how far their clocks are off."""

from __future__ import annotations

from typing import Final

from leptontui.store.intake import Heard
from leptontui.store.keys import HostTable
from leptontui.wire import Hello, Received, Sweep

BACKWARDS: Final = "its monotonic clock went backwards"
_JITTER_S: Final = 1.0


class HostBook:
    """The hosts by code.

    Attributes:
        table: codes of names.
        hung: codes of hosts whose newest sweep says that the GPU driver hangs.
        backwards: codes of hosts whose monotonic clock went backwards, since this was last emptied.
    """

    def __init__(self) -> None:
        self.table = HostTable()
        self.hung: set[int] = set()
        self.backwards: list[int] = []
        self._boots: dict[int, str | None] = {}
        self._offsets_s: dict[int, float] = {}
        self._epochs: dict[int, int] = {}
        self._turns: dict[int, int] = {}
        self._mono_s: dict[int, tuple[int, float]] = {}

    def greet(self, host: int, hello: Hello, received_unix_s: float) -> None:
        """Take a hello; another boot id is another epoch."""
        if host in self._boots and self._boots[host] != hello.boot_id:
            self._epochs[host] += 1
        self._epochs.setdefault(host, 0)
        self._boots[host] = hello.boot_id
        self._offsets_s[host] = hello.t_unix_s - received_unix_s

    def heard(self, host: int, sweep: Sweep, received: Received) -> Heard:
        """A sweep with whose it is and when it was made, by our clock."""
        at, turn, epoch = received.t_unix_s, 0, self._epochs.setdefault(host, 0)
        if sweep.is_history:
            at = sweep.t_unix_s - self._offsets_s.get(host, 0.0)
        else:
            if host not in self._boots:
                self._offsets_s[host] = sweep.t_unix_s - at
            turn = self._turns[host] = self._turns.get(host, 0) + 1
            (self.hung.add if sweep.is_driver_hung else self.hung.discard)(host)
            before = self._mono_s.get(host)
            if before is not None and before[0] == epoch and sweep.t_mono_s < before[1] - _JITTER_S:
                self.backwards.append(host)
            self._mono_s[host] = (epoch, sweep.t_mono_s)
        return Heard(sweep, host, epoch, turn, received.t_unix_s, received.t_mono_s, at)

    def forget(self, name: str) -> int | None:
        """Forget a host; returns the code it had, None if it was never heard."""
        host = self.table.release(name)
        if host is not None:
            for kept in (self._boots, self._offsets_s, self._epochs, self._turns, self._mono_s):
                kept.pop(host, None)
            self.hung.discard(host)
        return host
