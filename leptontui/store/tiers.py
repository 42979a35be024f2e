"""History in rings of bucket means, bounded by construction: 5 bytes for each bucket of each series.

Dense arrays rather than frames: a series is a column of an array, so that adding a tick and reading a window touch
only the buckets meant, and memory does not depend on how much was said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Slots = npt.NDArray[np.int32]

RAW_S: Final = 300.0
"""How far the finest tier reaches back."""
TIERS: Final[tuple[tuple[float, float], ...]] = ((10.0, 3600.0), (60.0, 6 * 3600.0))
"""Width of a bucket and how far back it reaches, for every coarser tier."""

_SPARE_SLOTS: Final = 256
_FULL: Final = 255
_NEVER: Final = np.iinfo(np.int64).min


class Ring:
    """Means of one entity's series in buckets of one width; the newest bucket is open.

    A bucket is numbered by its start divided by the step. Samples come in any order, as old as the ring is long.

    Attributes:
        step_s: width of a bucket.
        buckets: how many are kept.
    """

    def __init__(self, step_s: float, buckets: int, metrics: int) -> None:
        self.step_s = step_s
        self.buckets = buckets
        self._numbers = np.full(buckets, _NEVER, dtype=np.int64)
        self._means: Floats = np.zeros((buckets, metrics, 0), dtype=np.float32)
        self._counts = np.zeros((buckets, metrics, 0), dtype=np.uint8)

    def nbytes(self) -> int:
        """Bytes reserved."""
        return self._means.nbytes + self._counts.nbytes

    def add(self, slots: Slots, at_unix_s: npt.NDArray[np.float64], values: Floats, now_unix_s: float) -> None:
        """Add samples, one per row: `slots` (n,), times (n,), `values` (n, metrics) with NaN for missing.

        Samples from the future and older than the ring is long are left out.
        """
        newest = int(now_unix_s // self.step_s)
        oldest = newest - self.buckets + 1
        is_kept = (at_unix_s >= oldest * self.step_s) & (at_unix_s < (newest + 1) * self.step_s)
        if not is_kept.all():
            slots, at_unix_s, values = slots[is_kept], at_unix_s[is_kept], values[is_kept]
        if not len(slots):
            return
        self._reserve(int(slots.max()) + 1)
        numbers = (at_unix_s // self.step_s).astype(np.int64)
        rows = numbers % self.buckets
        self._open(np.unique(numbers), oldest, newest)
        capacity = self._means.shape[2]
        places, group = np.unique(rows * capacity + slots, return_inverse=True)
        row, slot = np.divmod(places, capacity)
        for metric in range(values.shape[1]):
            self._mix(row, metric, slot, values[:, metric], group)

    def window(self, slots: Slots | slice, first: int, last: int, metrics: Sequence[int] | None = None) -> Floats:
        """Means of the buckets numbered `first`…`last`, NaN where not sampled.

        Args:
            slots: which slots; a slice where it is all of them, which is cheaper.
            first: number of the oldest bucket.
            last: number of the newest bucket.
            metrics: which, by number; None for every one.

        Returns:
            shape (last - first + 1, metrics, slots).
        """
        self._reserve(int(slots.stop if isinstance(slots, slice) else slots.max(initial=-1) + 1))
        wanted = np.arange(first, last + 1, dtype=np.int64)
        rows = wanted % self.buckets
        is_held = (self._numbers[rows] == wanted)[:, None, None]
        which = np.arange(self._means.shape[1]) if metrics is None else np.array(metrics, dtype=np.intp)
        if isinstance(slots, slice):
            means, counts = self._means[rows[:, None], which, slots], self._counts[rows[:, None], which, slots]
        else:
            places = np.ix_(rows, which, slots)
            means, counts = self._means[places], self._counts[places]
        return np.where(is_held & (counts > 0), means, np.float32(np.nan))

    def forget(self, slots: Slots) -> None:
        """Forget everything about some slots."""
        self._counts[:, :, slots[slots < self._counts.shape[2]]] = 0

    def _mix(
        self,
        row: npt.NDArray[np.int64],
        metric: int,
        slot: npt.NDArray[np.int64],
        values: Floats,
        group: npt.NDArray[np.intp],
    ) -> None:
        """Mix values into running means. Differences to the mean are what is added, so that a constant stays exact."""
        is_said = ~np.isnan(values)
        said = np.bincount(group, weights=is_said, minlength=len(row))
        total = np.bincount(group, weights=np.where(is_said, values, 0.0), minlength=len(row))
        held = self._counts[row, metric, slot].astype(np.float64)
        mean = np.where(held > 0, self._means[row, metric, slot], 0.0).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            mixed = mean + (total - said * mean) / np.maximum(held + said, 1.0)
            self._means[row, metric, slot] = mixed
        self._counts[row, metric, slot] = np.minimum(held + said, _FULL)

    def _open(self, numbers: npt.NDArray[np.int64], oldest: int, newest: int) -> None:
        """Empty the rows of buckets to come: they hold older ones, or ones of a future our clock went back from."""
        rows = numbers % self.buckets
        held = self._numbers[rows]
        is_stale = (held < oldest) | (held > newest)
        self._counts[rows[is_stale]] = 0
        self._numbers[rows[is_stale]] = numbers[is_stale]

    def _reserve(self, slots: int) -> None:
        buckets, metrics, capacity = self._means.shape
        if slots <= capacity:
            return
        grown = max(slots + _SPARE_SLOTS, capacity + capacity // 4)
        means = np.zeros((buckets, metrics, grown), dtype=np.float32)
        counts = np.zeros((buckets, metrics, grown), dtype=np.uint8)
        held = self._numbers != _NEVER
        means[held, :, :capacity] = self._means[held]
        counts[held, :, :capacity] = self._counts[held]
        self._means, self._counts = means, counts


class History:
    """The tiers of one entity: every sweep for five minutes, then 10-second and 60-second means.

    Args:
        metrics: whose series.
        interval_s: nominal time between two sweeps.
        is_short: only the 10-second means, an hour of them: for what there may be hundreds of on one host.
    """

    def __init__(self, metrics: tuple[str, ...], interval_s: float, *, is_short: bool = False) -> None:
        self.metrics = metrics
        fine = max(interval_s, RAW_S / 1200)
        steps = ((fine, RAW_S), *TIERS) if fine < TIERS[0][0] else TIERS
        steps = TIERS[:1] if is_short else steps
        self._rings = {step: Ring(step, int(reach // step), len(metrics)) for step, reach in steps}

    def add(self, slots: Slots, at_unix_s: npt.NDArray[np.float64], values: Floats, now_unix_s: float) -> None:
        """Add samples to every tier; see `Ring.add`."""
        for ring in self._rings.values():
            ring.add(slots, at_unix_s, values, now_unix_s)

    def ring(self, step_s: float) -> Ring | None:
        """The tier with buckets of that width, None if there is none."""
        return self._rings.get(step_s)

    def forget(self, slots: Slots) -> None:
        """Forget everything about some slots."""
        for ring in self._rings.values():
            ring.forget(slots)

    def nbytes(self) -> int:
        """Bytes reserved."""
        return sum(ring.nbytes() for ring in self._rings.values())
