"""What changes slowly about a GPU: kept from the sweep that said it until it is said again, counters as rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.model.catalogue import Kind, metric, metrics_of
from leptontui.model.gpu_metrics import DETAILS_S
from leptontui.model.series import Entity
from leptontui.store.intake import Heard, Reader, listed, meta_of
from leptontui.store.keys import SlotTable
from leptontui.store.oddities import Odd, by_sweep
from leptontui.store.rates import Rates
from leptontui.store.schema import dtype_of

Slots = npt.NDArray[np.int32]

MAX_GAP_S: Final = 12 * DETAILS_S
"""A rate over a longer gap would be a mean of something nobody asked for; it is null."""

_METRICS: Final = tuple(item for item in metrics_of(Entity.GPU) if item.is_detail)
_COUNTERS: Final = tuple(item for item in _METRICS if item.kind is Kind.COUNTER)
_RATES: Final = {item.rate_name: pl.Float32() for item in _COUNTERS}
SCHEMA: Final = {
    **{item.name: dtype_of(item) for item in _METRICS if item.kind is not Kind.COUNTER},
    **_RATES,
}
"""The columns of the details of a GPU, counters as rates."""
RATES: Final = tuple(_RATES)
"""Those of them that are rates: they say nothing of a GPU that is not read any more."""

_NOTHING: Final = pl.DataFrame(schema={"slot": pl.Int32(), **_RATES})
_READER: Final = Reader((metric(Entity.GPU, "uuid"), *_METRICS))


class Details:
    """The newest details of every GPU, in the order of the GPUs' slots.

    Args:
        interval_s: nominal time between two sweeps.
    """

    def __init__(self, interval_s: float) -> None:
        self._rates = Rates(_COUNTERS, max(MAX_GAP_S, 30 * interval_s), is_every_sweep=False)
        self._rows = pl.DataFrame(schema=SCHEMA)
        self._energy = np.zeros(0)
        self.resets: dict[int, float] = {}
        """When a GPU's energy counter began anew, unix seconds by slot: its driver was loaded, or it was reset."""

    @property
    def is_empty(self) -> bool:
        """Whether nobody has said any."""
        return not self._rows.height

    def rows(self, slots: int) -> pl.DataFrame:
        """Columns of `SCHEMA` of the first `slots` slots, null where nothing was said."""
        self._reserve(slots)
        return self._rows[:slots]

    def take(self, heard: Sequence[Heard], table: SlotTable, odds: list[Odd]) -> pl.DataFrame:
        """Take what live sweeps say of GPUs that are known; the rest is ignored.

        Args:
            heard: the sweeps.
            table: slots of the GPUs.
            odds: what was not believed is added to this, by number of the sweep.

        Returns:
            what was taken: `slot`, counters and their rates.
        """
        saying = [(number, item) for number, item in enumerate(heard) if item.sweep.gpu_details]
        if not saying:
            return _NOTHING
        numbers = np.array([number for number, _ in saying])
        found: list[Odd] = []
        odd_lists: list[Odd] = []
        flat, of_sweep = listed([item.sweep for _, item in saying], Entity.GPU, odd_lists, "gpu_details")
        rows = meta_of([item for _, item in saying])[of_sweep].hstack(_READER.read(flat, found))
        odds += by_sweep(odd_lists, numbers)
        odds += by_sweep(found, numbers[of_sweep])
        hosts = rows["host"].to_list()
        slots = [table.find(host, uuid) for host, uuid in zip(hosts, rows["uuid"].to_list(), strict=True)]
        rows = rows.hstack([pl.Series("slot", [-1 if slot is None else slot for slot in slots], dtype=pl.Int32)])
        rows = rows.filter(pl.col("slot") >= 0).unique(["slot", "sweep"], keep="first", maintain_order=True)
        if not rows.height:
            return _NOTHING
        rows = self._rates.step(rows, is_history=False)
        newest = rows.unique("slot", keep="last", maintain_order=True)
        taken = newest["slot"].to_numpy()
        self._reserve(int(taken.max()) + 1)
        self._note_resets(taken, newest)
        self._put(taken, newest.select(*SCHEMA))
        return rows

    def forget(self, slots: Slots) -> None:
        """Forget what was said of some slots."""
        self._rates.forget(slots)
        known = slots[slots < self._rows.height]
        for slot in known.tolist():
            self.resets.pop(slot, None)
        if len(known):
            self._energy[known] = np.nan
            self._put(known, pl.DataFrame(schema=SCHEMA).clear(len(known)))

    def _put(self, slots: Slots, rows: pl.DataFrame) -> None:
        places = np.arange(self._rows.height, dtype=np.int64)
        places[slots] = self._rows.height + np.arange(len(slots))
        self._rows = pl.concat([self._rows, rows], rechunk=True)[places]

    def _note_resets(self, slots: Slots, rows: pl.DataFrame) -> None:
        energy = rows["energy_j"].cast(pl.Float64).to_numpy()
        with np.errstate(invalid="ignore"):
            began = np.flatnonzero(energy < self._energy[slots])
        if len(began):
            received = rows["received_unix_s"].to_numpy()
            self.resets.update({int(slots[row]): float(received[row]) for row in began})
        is_said = ~np.isnan(energy)
        self._energy[slots[is_said]] = energy[is_said]

    def _reserve(self, slots: int) -> None:
        missing = slots - self._rows.height
        if missing > 0:
            self._rows = pl.concat([self._rows, self._rows.clear(missing)], rechunk=True)
            self._energy = np.concatenate([self._energy, np.full(missing, np.nan)])
