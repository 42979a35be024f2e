"""What happened in the last ten minutes, as frames for health: throttling, growing errors, flaps, what is down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.model.series import Entity
from leptontui.store.keys import SlotTable
from leptontui.store.recent import Growth, OnceUp

Slots = npt.NDArray[np.int32]

_HW_BITS: Final = 0x8 | 0x40 | 0x80
_SW_THERMAL_BIT: Final = 0x20
"""nvml.h, nvmlClocksEventReason*: hardware slowdown, thermal slowdown, power brake; the driver's thermal slowdown."""

_COUNTERS: Final[dict[Entity, tuple[str, ...]]] = {
    Entity.HOST: ("oom_kills",),
    Entity.GPU: ("pcie_replays", "ecc_corrected"),
    Entity.NIC: ("rx_errors", "tx_errors", "carrier_changes"),
    Entity.PORT: ("link_downed", "symbol_errors"),
}
"""What is watched for growth: a column `<name>_10min` says how much it grew."""
_UP: Final = {Entity.NIC: pl.col("is_up"), Entity.PORT: pl.col("state") == "active"}
_THROTTLED: Final = ("hw_throttled_minutes", "sw_thermal_minutes")

SCHEMAS: Final[dict[Entity, dict[str, pl.DataType]]] = {
    entity: {
        **({} if entity is Entity.HOST else {"instance": pl.String()}),
        **{f"{name}_10min": pl.Float32() for name in names},
        **({name: pl.Int64() for name in _THROTTLED} if entity is Entity.GPU else {}),
        **({"is_missing": pl.Boolean()} if entity in _UP else {}),
    }
    for entity, names in _COUNTERS.items()
}
"""Columns of each entity's frame, besides `host`."""


class Happened:
    """Takes live rows, answers with those entities to which something happened."""

    def __init__(self) -> None:
        self._growth = {entity: Growth(len(names)) for entity, names in _COUNTERS.items()}
        self._throttled = Growth(len(_THROTTLED))
        self._once_up = {entity: OnceUp() for entity in _UP}
        self._mono_s = 0.0

    def take(self, frames: Mapping[Entity, pl.DataFrame]) -> None:
        """Take the rows of live sweeps, in order of time."""
        hosts = frames[Entity.HOST]
        if not hosts.height:
            return
        newest = hosts["received_mono_s"].max()
        self._mono_s = max(self._mono_s, newest if isinstance(newest, float) else 0.0)
        for entity, names in _COUNTERS.items():
            rows = frames[entity]
            slots = rows["host" if entity is Entity.HOST else "slot"].to_numpy()
            values = np.column_stack([rows[name].to_numpy().astype(np.float64, copy=False) for name in names])
            self._growth[entity].step(slots, rows["epoch"].to_numpy(), values, self._mono_s)
        for entity, is_up in _UP.items():
            rows = frames[entity]
            up = rows.select(is_up.fill_null(value=False).alias("up"))["up"]
            self._once_up[entity].take(rows["slot"].to_numpy(), up.to_numpy())
        gpus = frames[Entity.GPU]
        reasons = gpus["throttle_reasons"].fill_null(0).to_numpy()
        self._throttle(gpus["slot"].to_numpy(), reasons & _HW_BITS != 0, reasons & _SW_THERMAL_BIT != 0)

    def take_details(self, rows: pl.DataFrame) -> None:
        """Take GPUs' details with `slot` and throttling as shares of time: short spells fall between two readings."""
        if not rows.height:
            return
        is_hw = (pl.col("throttle_hw_thermal_pct").fill_null(0) > 0) | (
            pl.col("throttle_power_brake_pct").fill_null(0) > 0
        )
        found = rows.select("slot", is_hw.alias("hw"), (pl.col("throttle_sw_thermal_pct").fill_null(0) > 0).alias("sw"))
        self._throttle(*(found[name].to_numpy() for name in found.columns))

    def forget(self, entity: Entity, slots: Slots) -> None:
        """Forget some slots; of hosts, some codes."""
        if entity in self._growth:
            self._growth[entity].forget(slots)
        if entity in self._once_up:
            self._once_up[entity].forget(slots)
        if entity is Entity.GPU:
            self._throttled.forget(slots)

    def frame(
        self, entity: Entity, names: pl.Series, table: SlotTable | None = None, newest: pl.DataFrame | None = None
    ) -> pl.DataFrame:
        """Those of one entity to which something happened: `host` and `SCHEMAS[entity]`.

        Args:
            entity: host, gpu, nic or port.
            names: names of the hosts' codes.
            table: its slots; None for hosts.
            newest: the rows of the newest sweeps, where being up matters.
        """
        growth = self._growth[entity].total()
        columns: dict[str, npt.NDArray[np.generic]] = {
            f"{name}_10min": growth[number] for number, name in enumerate(_COUNTERS[entity])
        }
        if entity is Entity.GPU:
            minutes = self._throttled.minutes()
            size = max(growth.shape[1], minutes.shape[1])
            columns.update(zip(_THROTTLED, minutes, strict=True))
            columns = {name: np.pad(values, (0, size - len(values))) for name, values in columns.items()}
        is_missing = self._missing(entity, growth.shape[1], newest)
        if is_missing is not None:
            columns["is_missing"] = is_missing
        happened = np.flatnonzero(np.any([values != 0 for values in columns.values()], axis=0))
        if table is None:
            hosts, instances = happened, {}
        else:
            happened = happened[happened < len(table)]
            hosts = np.array([table.hosts[slot] for slot in happened], dtype=np.int64)
            is_taken = hosts >= 0
            happened, hosts = happened[is_taken], hosts[is_taken]
            instances = {"instance": [table.instances[slot] for slot in happened]}
        told = {name: values[happened] for name, values in columns.items()}
        schema = {"host": pl.String(), **SCHEMAS[entity]}
        return pl.DataFrame({"host": names.gather(hosts), **instances, **told}, schema=schema, strict=False)

    def _missing(self, entity: Entity, size: int, newest: pl.DataFrame | None) -> npt.NDArray[np.bool_] | None:
        """Which slots were up once and are not; an interface that is not there any more is nobody's loss."""
        if entity not in _UP or newest is None:
            return None
        is_missing = np.zeros(size, dtype=np.bool_)
        is_missing[self._once_up[entity].slots()] = True
        is_up = newest.select(pl.col("slot"), _UP[entity].fill_null(value=False).alias("up"))
        if entity is Entity.NIC:
            is_there = np.zeros(size, dtype=np.bool_)
            is_there[is_up["slot"].to_numpy()] = True
            is_missing &= is_there
        is_missing[is_up.filter("up")["slot"].to_numpy()] = False
        return is_missing

    def _throttle(self, slots: Slots, is_hw: npt.NDArray[np.bool_], is_sw: npt.NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(is_hw | is_sw)
        found, where = np.unique(slots[rows], return_inverse=True)
        seen = [np.bincount(where, weights=flags[rows], minlength=len(found)) for flags in (is_hw, is_sw)]
        self._throttled.add(found, np.column_stack(seen) if len(found) else np.zeros((0, 2)), self._mono_s)
