"""Counters among samples as rates, although a value is said with every sweep and read anew less often."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Slots = npt.NDArray[np.int32]

COUNTER: Final = "counter"
PATIENCE: Final = 2.5
"""Own choice: a counter that has not grown for so many of its usual gaps stands still."""
FIRST_PATIENCE_S: Final = 15.0
"""Own choice: how long one is waited for that has never grown yet: three times the usual five seconds."""
_REPEATS: Final = 16
_VALUE, _AT, _RATE, _GAP, _EPOCH = range(5)


class SampleRates:
    """Rates of sampled counters, from one change of the value to the next.

    Between two readings the same value is said again and again: the rate stays what it was, until the next change is
    overdue. A counter that went down began anew: its rate is null until it grows again.
    """

    def __init__(self) -> None:
        self._last: Floats = np.full((0, 5), np.nan)

    def forget(self, slots: Slots) -> None:
        """Forget some slots."""
        self._last[slots[slots < len(self._last)]] = np.nan

    def step(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`rows` (with `slot`, `kind`, `value` and `schema.META`, in order of time) with each counter's rate as value.

        Where a slot comes more often than `_REPEATS` times, which no real host does, the others are null.
        """
        is_counter = (rows["kind"] == COUNTER).fill_null(value=False).to_numpy()
        if not is_counter.any():
            return rows
        values = rows["value"].to_numpy().astype(np.float64)
        places = np.flatnonzero(is_counter)
        slots = rows["slot"].to_numpy()[places]
        self._reserve(int(slots.max()) + 1)
        said, times, epochs = (rows[name].to_numpy()[places] for name in ("value", "t_mono_s", "epoch"))
        turn = _turns(slots)
        rates = np.full(len(places), np.nan)
        for number in range(min(int(turn.max()) + 1, _REPEATS)):
            now = turn == number
            rates[now] = self._rate(slots[now], said[now].astype(np.float64), times[now], epochs[now])
        values[places] = rates
        return rows.with_columns(pl.Series("value", values.astype(np.float32), nan_to_null=True))

    def _rate(self, slots: Slots, said: Floats, times: Floats, epochs: npt.NDArray[np.int32]) -> Floats:
        """The rates of slots, each of them once."""
        last = self._last[slots]
        with np.errstate(all="ignore"):
            waited = times - last[:, _AT]
            is_new = np.isnan(last[:, _VALUE]) | (said < last[:, _VALUE]) | (epochs != last[:, _EPOCH]) | (waited < 0)
            has_grown = ~is_new & (said > last[:, _VALUE]) & (waited > 0)
            patience = np.where(np.isnan(last[:, _GAP]), FIRST_PATIENCE_S, PATIENCE * last[:, _GAP])
            is_still = ~is_new & ~has_grown & (waited > patience)
            rates = np.where(has_grown, (said - last[:, _VALUE]) / waited, last[:, _RATE])
        rates = np.where(is_new, np.nan, np.where(is_still, 0.0, rates))
        is_said = ~np.isnan(said)
        rates = np.where(is_said, rates, np.nan)
        moved = is_said & (is_new | has_grown)
        last[moved, _VALUE], last[moved, _AT], last[moved, _EPOCH] = said[moved], times[moved], epochs[moved]
        last[:, _GAP] = np.where(is_new, np.nan, np.where(has_grown, waited, last[:, _GAP]))
        last[is_said, _RATE] = rates[is_said]
        self._last[slots] = last
        return rates

    def _reserve(self, slots: int) -> None:
        missing = slots - len(self._last)
        if missing > 0:
            more = np.full((missing + len(self._last) // 4, 5), np.nan)
            self._last = np.concatenate([self._last, more])


def _turns(slots: Slots) -> npt.NDArray[np.intp]:
    """How many rows before each are of the same slot, shape (n,)."""
    order = np.argsort(slots, kind="stable")
    ordered = slots[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))  # noqa: FBT003 — an array's element
    lengths = np.diff(np.append(starts, len(slots)))
    turns = np.empty(len(slots), dtype=np.intp)
    turns[order] = np.arange(len(slots)) - np.repeat(starts, lengths)
    return turns
