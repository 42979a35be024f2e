"""The GPUs of the fleet: who they are, when they were last seen, what changes slowly about them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.store.details import Details
from leptontui.store.intake import Heard, identities_of
from leptontui.store.keys import SlotTable
from leptontui.store.newest import Known, gpu_rows
from leptontui.store.oddities import Odd
from leptontui.wire import Hello

Slots = npt.NDArray[np.int32]

_PLACE: Final = "pci_bus_id"


class Gpus:
    """Identity, details and last sight of every GPU, by slot.

    Args:
        table: the slots.
        interval_s: nominal time between two sweeps.
    """

    def __init__(self, table: SlotTable, interval_s: float) -> None:
        self._table = table
        self._details = Details(interval_s)
        self._last_seen = np.zeros(0)
        self._identity = identities_of([], []).drop("host", "uuid").with_columns(pl.lit(None, pl.Int32).alias("slot"))

    @property
    def resets(self) -> dict[int, float]:
        """When a GPU's counters began anew, unix seconds by slot."""
        return self._details.resets

    def learn(self, hellos: Sequence[tuple[int, Hello]], odds: list[Odd]) -> None:
        """Take what hellos tell of GPUs; forget those that were exchanged, and MIG instances that are no more.

        A GPU that a hello does not name any more is gone, which is an alarm; unless another one sits in its place.
        """
        told = identities_of(hellos, odds)
        slots = self._table.slots(told["host"].to_list(), told["uuid"].to_list())
        told = told.hstack([pl.Series("slot", slots, dtype=pl.Int32)]).filter(pl.col("slot") >= 0)
        identity = told.drop("host", "uuid")
        stays = self._identity.filter(~pl.col("slot").is_in(identity["slot"].implode()))
        self._identity = pl.concat([stays, identity.select(stays.columns)])
        newest = dict(hellos)
        for host, hello in newest.items():
            if hello.gpus:
                self._let_go(host, told.filter(pl.col("host") == host))

    def take(self, rows: pl.DataFrame, heard: Sequence[Heard], odds: list[Odd]) -> pl.DataFrame:
        """Take live sweeps' readings (`slot`, `received_unix_s`) and details; see `Details.take`."""
        self._last_seen[rows["slot"].to_numpy()] = rows["received_unix_s"].to_numpy()
        return self._details.take(heard, self._table, odds)

    def rows(
        self, newest: pl.DataFrame, processes: pl.DataFrame, swept: pl.Series, hung: Collection[int]
    ) -> pl.DataFrame:
        """All GPUs ever known; see `newest.gpu_rows`."""
        known = Known(
            self._table.frame(),
            self._identity,
            self._details.rows(len(self._table)),
            self._last_seen[: len(self._table)],
            swept,
            pl.Series(sorted(hung), dtype=pl.Int32),
        )
        return gpu_rows(known, newest, processes)

    def forget(self, slots: Slots) -> None:
        """Forget some slots."""
        self._identity = self._identity.filter(~pl.col("slot").is_in(pl.Series(slots).implode()))
        self._last_seen[slots[slots < len(self._last_seen)]] = np.nan
        self._details.forget(slots)

    def reserve(self) -> None:
        """Make room for the slots that the table has."""
        missing = len(self._table) - len(self._last_seen)
        if missing > 0:
            self._last_seen = np.concatenate([self._last_seen, np.full(missing, np.nan)])

    def _let_go(self, host: int, told: pl.DataFrame) -> None:
        """Free the slots of a host's GPUs that `told`, its newest hello, does not name and that nobody misses."""
        others = set(self._table.of_host(host)) - set(told["slot"].to_list())
        if not others:
            return
        places = told.filter(pl.col("parent_uuid").is_null())[_PLACE].drop_nulls()
        unnamed = self._identity.filter(pl.col("slot").is_in(sorted(others)))
        is_over = pl.col("parent_uuid").is_not_null() | pl.col(_PLACE).is_in(places.implode())
        for slot in unnamed.filter(is_over)["slot"].to_list():
            self._table.free(slot)
