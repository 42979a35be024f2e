"""Counters as rates: the difference to the previous sweep of the same host, over the time between the two."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.model.catalogue import Metric
from leptontui.model.series import Entity
from leptontui.store.schema import rate_name

Floats = npt.NDArray[np.float64]
Slots = npt.NDArray[np.int32]

MAX_GAP_INTERVALS: Final = 30.0
"""How many intervals a rate of two sweeps may span: over longer it would be a mean of something nobody asked for."""

_MAX_SHARE: Final = 2.0
"""Counters of time overshoot a share of 1 by jitter; more than twice is not believed."""
_DISK_SUMS: Final = {"disk_read_bytes_per_s": "read_bytes_per_s", "disk_write_bytes_per_s": "write_bytes_per_s"}
_NIC_SUMS: Final = {"net_rx_bytes_per_s": "rx_bytes_per_s", "net_tx_bytes_per_s": "tx_bytes_per_s"}
_TIMES: Final = ("t_mono_s", "received_mono_s", "epoch", "turn")


class Rates:
    """Rates of one entity's counters.

    A step is null, never negative, where the sweep before had no such row, the counter went down, the host booted in
    between, its monotonic clock did not go on as ours did, or the gap is too long.

    Args:
        counters: which columns are counters.
        limit_s: longest time between two values that a rate is made of.
        is_every_sweep: every sweep has them: a rate is of two sweeps that follow each other, no others.
    """

    def __init__(self, counters: tuple[Metric, ...], limit_s: float, *, is_every_sweep: bool = True) -> None:
        self._counters = counters
        self._limit_s = limit_s
        self._is_every_sweep = is_every_sweep
        self._last: Floats = np.full((0, len(counters) + len(_TIMES)), np.nan)

    def forget(self, slots: Slots) -> None:
        """Forget some slots: the next step of each is null."""
        self._last[slots[slots < len(self._last)]] = np.nan

    def step(self, rows: pl.DataFrame, *, is_history: bool) -> pl.DataFrame:
        """`rows` with a rate for each counter.

        Args:
            rows: counters with `slot` and `schema.META`, any number of sweeps per host in the order they were made.
            is_history: they are of the past: steps are within `rows` only, and later ones do not follow from them.

        Returns:
            `rows` with a column `schema.rate_name` of 32-bit floats per counter.
        """
        columns = [rows[name].to_numpy() for name in (*(item.name for item in self._counters), *_TIMES)]
        after = np.column_stack(columns).astype(np.float64, copy=False)
        slots = rows["slot"].to_numpy()
        before = self._before(slots, after, is_history=is_history)
        with np.errstate(all="ignore"):
            rates = self._rates(after - before, turn=0 if is_history else 1)
        return rows.hstack(
            [
                pl.Series(rate_name(item), rates[:, number].astype(np.float32), nan_to_null=True)
                for number, item in enumerate(self._counters)
            ]
        )

    def _before(self, slots: Slots, after: Floats, *, is_history: bool) -> Floats:
        """What came before each row: an earlier row of the same slot, or what was last said in an earlier batch."""
        order = np.argsort(slots, kind="stable")
        ordered = slots[order]
        follows = np.zeros(len(slots), dtype=np.bool_)
        follows[1:] = ordered[1:] == ordered[:-1]
        before = np.full_like(after, np.nan)
        before[order[follows]] = after[order[np.flatnonzero(follows) - 1]]
        if not is_history and len(slots):
            missing = int(ordered[-1]) + 1 - len(self._last)
            if missing > 0:
                more = np.full((missing + len(self._last) // 4, after.shape[1]), np.nan)
                self._last = np.concatenate([self._last, more])
            first = order[~follows]
            before[first] = self._last[slots[first]]
            last = np.append(np.flatnonzero(~follows)[1:] - 1, len(slots) - 1)
            self._last[ordered[last]] = after[order[last]]
        return before

    def _rates(self, step: Floats, turn: int) -> Floats:
        """Rates, NaN where there is none, from the differences of counters and times, shape (rows, counters).

        `turn` is the difference of turns that makes one sweep follow another.
        """
        grown, (elapsed, waited, boots, turns) = step[:, : -len(_TIMES)], step[:, -len(_TIMES) :].T
        is_step = (boots == 0) & (elapsed > 0) & (elapsed <= self._limit_s)
        if self._is_every_sweep:
            is_step &= turns == turn
        is_step &= np.abs(elapsed - waited) <= self._limit_s
        rates: Floats = grown / elapsed[:, None]
        is_believed = is_step[:, None] & (grown >= 0) & (rates <= np.finfo(np.float32).max)
        for number, item in enumerate(self._counters):
            if item.is_share:
                is_believed[:, number] &= rates[:, number] <= _MAX_SHARE
                rates[:, number] = 100.0 * np.minimum(rates[:, number], 1.0)
        return np.where(is_believed, rates, np.nan)


def with_host_rates(frames: dict[Entity, pl.DataFrame]) -> pl.DataFrame:
    """The hosts' rows with the sums of their disks' and interfaces' rates, and how far their clocks are off."""
    rows, disks, nics = frames[Entity.HOST], frames[Entity.DISK], frames[Entity.NIC]
    if "lo" in nics["nic"]:
        nics = nics.filter(pl.col("nic") != "lo")
    with np.errstate(over="ignore"):
        offset = (rows["t_unix_s"].to_numpy() - rows["received_unix_s"].to_numpy()).astype(np.float32)
    return rows.hstack(
        [
            *(_sums_by_sweep(disks, column, name, rows.height) for name, column in _DISK_SUMS.items()),
            *(_sums_by_sweep(nics, column, name, rows.height) for name, column in _NIC_SUMS.items()),
            pl.Series("clock_offset_s", np.where(np.isfinite(offset), offset, np.nan), nan_to_null=True),
        ]
    )


def _sums_by_sweep(rows: pl.DataFrame, column: str, name: str, sweeps: int) -> pl.Series:
    """The sum of a rate over each sweep's rows, null where nothing could be measured, shape (sweeps,)."""
    rates, sweep = rows[column].to_numpy(), rows["sweep"].to_numpy()
    is_measured = ~np.isnan(rates)
    total = np.bincount(sweep, weights=np.where(is_measured, rates, 0.0), minlength=sweeps)
    measured = np.bincount(sweep, weights=is_measured, minlength=sweeps)
    return pl.Series(name, np.where(measured > 0, total, np.nan).astype(np.float32), nan_to_null=True)
