"""What happened to each entity in the last ten minutes: how much its counters grew, and what was up and is not.

Counted by our monotonic clock in buckets of a minute, so that no clock that is set makes a difference; a counter that
begins anew adds nothing. It tells what the newest value alone cannot: a flap, a rising error count, throttling that
comes and goes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Slots = npt.NDArray[np.int32]

MINUTES: Final = 10
"""gpud judges throttling and flapping by the last ten minutes."""
_MINUTE_S: Final = 60.0
_SPARE: Final = 256


class Growth:
    """How much some counters of each slot grew in each of the last ten minutes.

    Args:
        counters: how many.
    """

    def __init__(self, counters: int) -> None:
        self._last: Floats = np.full((0, counters + 1), np.nan)
        self._grown = np.zeros((MINUTES, counters, 0), dtype=np.float32)
        self._minute = 0

    def step(self, slots: Slots, epochs: npt.NDArray[np.int32], values: Floats, mono_s: float) -> None:
        """Take the counters of slots, in order of time: the last of each slot counts.

        Args:
            slots: shape (n,).
            epochs: the host's boot, shape (n,): counters of another boot began anew.
            values: NaN for what was not said, shape (n, counters).
            mono_s: our monotonic clock.
        """
        if not len(slots):
            return
        slots, rows = _last_of(slots)
        self._turn_to(int(slots[-1]) + 1, mono_s)
        said = np.column_stack([values[rows], epochs[rows]])
        before = self._last[slots]
        grown = said[:, :-1] - before[:, :-1]
        is_step = (said[:, -1] == before[:, -1])[:, None] & (grown > 0)
        if is_step.any():
            self.add(slots, np.where(is_step, grown, 0.0), mono_s)
        self._last[slots] = np.where(np.isnan(said), before, said)

    def add(self, slots: Slots, grown: Floats, mono_s: float) -> None:
        """Add growth, shape (n, counters), to slots, each of them once."""
        if len(slots):
            self._turn_to(int(slots.max()) + 1, mono_s)
            self._grown[self._minute % MINUTES][:, slots] += grown.T.astype(np.float32)

    def total(self) -> npt.NDArray[np.float32]:
        """Growth of each slot in the last ten minutes, shape (counters, slots)."""
        found: npt.NDArray[np.float32] = self._grown.sum(axis=0)
        return found

    def minutes(self) -> npt.NDArray[np.int64]:
        """In how many of the last ten minutes each counter grew, shape (counters, slots)."""
        found: npt.NDArray[np.int64] = (self._grown > 0).sum(axis=0)
        return found

    def forget(self, slots: Slots) -> None:
        """Forget some slots."""
        known = slots[slots < len(self._last)]
        self._last[known] = np.nan
        self._grown[:, :, known] = 0.0

    def _turn_to(self, slots: int, mono_s: float) -> None:
        minute = int(mono_s // _MINUTE_S)
        if minute != self._minute:
            for passed in range(max(self._minute + 1, minute - MINUTES + 1), minute + 1):
                self._grown[passed % MINUTES] = 0.0
            self._minute = max(minute, self._minute)
        missing = slots - len(self._last)
        if missing > 0:
            counters = self._grown.shape[1]
            self._last = np.concatenate([self._last, np.full((missing + _SPARE, counters + 1), np.nan)])
            more = np.zeros((MINUTES, counters, missing + _SPARE), dtype=np.float32)
            self._grown = np.concatenate([self._grown, more], axis=2)


class OnceUp:
    """Which slots were up once: what was never up is not missed."""

    def __init__(self) -> None:
        self._was_up = np.zeros(0, dtype=np.bool_)

    def take(self, slots: Slots, is_up: npt.NDArray[np.bool_]) -> None:
        """Take who is up now."""
        if len(slots):
            missing = int(slots.max()) + 1 - len(self._was_up)
            if missing > 0:
                self._was_up = np.concatenate([self._was_up, np.zeros(missing + _SPARE, dtype=np.bool_)])
            self._was_up[slots[is_up]] = True

    def slots(self) -> Slots:
        """The slots that were."""
        return np.flatnonzero(self._was_up).astype(np.int32)

    def forget(self, slots: Slots) -> None:
        """Forget some slots."""
        self._was_up[slots[slots < len(self._was_up)]] = False


def _last_of(slots: Slots) -> tuple[Slots, npt.NDArray[np.intp]]:
    """The slots, each once and in order, and the last row of each."""
    found, first = np.unique(slots[::-1], return_index=True)
    return found, len(slots) - 1 - first
