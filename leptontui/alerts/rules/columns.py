"""Which columns a condition may name, by entity, with their types."""

from __future__ import annotations

import functools
from typing import Final

import polars as pl

from leptontui.model.catalogue import Kind, metrics_of
from leptontui.model.series import Entity

LABEL: Final = "label_"
"""Columns of what the inventory says of a host begin so: `label_rack`, `label_switch`."""

BLIND_COLUMNS: Final = frozenset({"link", "link_cause", "received_unix_s", "age_s"})
"""A rule that reads one of these is meant for hosts that are not live, too."""

_S, _F, _I, _B = pl.String(), pl.Float64(), pl.Int64(), pl.Boolean()
_EVERYWHERE: Final[dict[str, pl.DataType]] = {
    "host": _S,
    "group": _S,
    "link": _S,
    "link_cause": _S,
    "received_unix_s": _F,
    "age_s": _F,
}
_JUDGED: Final[dict[str, pl.DataType]] = {
    "anomaly_score": _F,
    "anomaly": _S,
    "verdict_action": _S,
    "verdict_rank": _I,
    "verdict_words": _S,
    "verdict_source": _S,
    "peer_z_temp": _F,
    "peer_z_clock": _F,
}
"""What is said of a host or GPU by anomaly detection, by its verdict and against its peers."""
_MORE: Final[dict[Entity, dict[str, pl.DataType]]] = {
    Entity.HOST: {
        "severity": _I,
        "health": _S,
        "gpu_count": _I,
        "gpus_expected": _I,
        "gpus_gone": _I,
        "gpus_unknown": _I,
        "node_state": _S,
        "partitions": _S,
        "odd_host": _S,
        "rack": _S,
        "switch": _S,
        "own_verdict_action": _S,
        "own_verdict_words": _S,
        "own_verdict_source": _S,
        **_JUDGED,
    },
    Entity.GPU: {
        "severity": _I,
        "health": _S,
        "state": _S,
        "user": _S,
        "job": _S,
        "process_count": _I,
        "hw_throttled_minutes": _I,
        "sw_thermal_minutes": _I,
        "peer_z_power": _F,
        "peer_z_util": _F,
        "peer_z_memory": _F,
        "peer_z_pcie": _F,
        "peer_count": _I,
        "straggler": _S,
        "outlier": _S,
        **_JUDGED,
    },
    Entity.NIC: {"is_missing": _B},
    Entity.PORT: {"is_missing": _B},
}
GROWING: Final[dict[Entity, tuple[str, ...]]] = {
    Entity.HOST: ("oom_kills",),
    Entity.GPU: ("pcie_replays", "ecc_corrected"),
    Entity.NIC: ("rx_errors", "tx_errors", "carrier_changes"),
    Entity.PORT: ("link_downed", "symbol_errors"),
}
"""Totals and counters whose growth over ten minutes is kept: what `increase` may be asked of."""

COUNTED: Final = frozenset({"hw_throttled_minutes", "sw_thermal_minutes", "gpus_gone", "gpus_unknown"})
"""Told only of those to which it happened: of the others it is 0."""


@functools.cache
def columns_of(entity: Entity) -> dict[str, pl.DataType]:
    """Every column that a condition on this entity may name but the inventory's labels, with its type."""
    named = {item.name if item.kind is not Kind.COUNTER else item.rate_name: item for item in metrics_of(entity)}
    catalogued = {name: _dtype(item.kind, is_integer=item.is_integer) for name, item in named.items()}
    scalar = {name: dtype for name, dtype in catalogued.items() if dtype is not None}
    return {**_EVERYWHERE, **scalar, **_MORE.get(entity, {})}


def dtype_of(entity: Entity, column: str) -> pl.DataType | None:
    """The type of one column; None if there is no such."""
    if column.startswith(LABEL):
        return _S
    return columns_of(entity).get(column)


@functools.cache
def series_of(entity: Entity) -> tuple[str, ...]:
    """The metrics of an entity that are kept as history: what windows and forecasts may be asked of."""
    return tuple(item.name for item in metrics_of(entity) if item.is_series)


@functools.cache
def rates_of(entity: Entity) -> dict[str, str]:
    """Counter → the column of its rate."""
    return {item.name: item.rate_name for item in metrics_of(entity) if item.kind is Kind.COUNTER}


def _dtype(kind: Kind, *, is_integer: bool) -> pl.DataType | None:
    match kind:
        case Kind.TEXT:
            return _S
        case Kind.FLAG:
            return _B
        case Kind.LIST:
            return None
        case Kind.COUNTER:
            return _F
        case _:
            return _I if is_integer else _F
