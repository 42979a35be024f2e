"""Findings about a host's parts, told by host: disks, network, InfiniBand, units, services, and what it says itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from leptontui.health import thresholds as limits
from leptontui.health.circumstances import Circumstances
from leptontui.health.ranking import with_columns_of
from leptontui.health.words import whole
from leptontui.model.health import Severity
from leptontui.model.series import Entity

_S, _F, _B = pl.String(), pl.Float64(), pl.Boolean()
SCHEMAS: Final[dict[Entity, dict[str, pl.DataType]]] = {
    Entity.DISK: {"host": _S, "device": _S, "busy_pct": _F},
    Entity.UNIT: {"host": _S, "unit": _S, "active": _S, "sub": _S},
    Entity.SERVICE: {"host": _S, "service": _S, "is_healthy": _B, "status": pl.Int64(), "why": _S},
}
"""The columns that are looked at, of latest values; any may be missing."""
HAPPENED: Final[dict[Entity, dict[str, pl.DataType]]] = {
    Entity.NIC: {
        "host": _S,
        "instance": _S,
        "rx_errors_10min": _F,
        "tx_errors_10min": _F,
        "carrier_changes_10min": _F,
        "is_missing": _B,
    },
    Entity.PORT: {"host": _S, "instance": _S, "link_downed_10min": _F, "is_missing": _B},
}
"""The columns that are looked at, of what happened in the last ten minutes."""

_SHOWN: Final = 60
_NOTHING: Final = pl.DataFrame(schema={"host": _S, "severity": pl.Int8(), "rank": pl.Int32(), "words": _S})
_WELL: Final = pl.DataFrame(schema={"host": _S, "part_severity": pl.Int8(), "part": _S, "part_more": pl.Int32()})


def part_findings(latest: Mapping[Entity, pl.DataFrame], circumstances: Circumstances) -> pl.DataFrame:
    """One row per host with a finding: host, part_severity, part (words), part_more (how many more).

    Args:
        latest: latest values of disks, units and services; any may be missing.
        circumstances: `happened` of interfaces and ports, and `odd` are looked at.
    """
    found = [
        *(make(_known(latest.get(entity), SCHEMAS[entity])) for entity, make in _OF_LATEST.items()),
        *(make(_known(circumstances.happened.get(entity), HAPPENED[entity])) for entity, make in _OF_HAPPENED.items()),
        _odd(circumstances.odd),
    ]
    every = [frame for frame in found if frame.height]
    if not every:
        return _WELL
    return (
        pl.concat(every)
        .sort("severity", "rank", "words", descending=[True, False, False])
        .group_by("host", maintain_order=True)
        .agg(
            pl.col("severity").first().alias("part_severity"),
            pl.col("words").first().alias("part"),
            (pl.len().cast(pl.Int32) - 1).alias("part_more"),
        )
    )


def _known(frame: pl.DataFrame | None, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame(schema=schema) if frame is None else with_columns_of(frame, schema)


def _told(frame: pl.DataFrame, rank: int, *cases: tuple[Severity, pl.Expr, pl.Expr]) -> pl.DataFrame:
    """Rows of which one of the cases is so, with severity and words of the first such case."""
    if not frame.height:
        return _NOTHING
    found = []
    rest = frame
    for severity, is_so, words in cases:
        held = rest.filter(is_so.fill_null(value=False))
        if held.height:
            rest = rest.filter(~is_so.fill_null(value=False))
            found.append(
                held.rechunk().select(
                    "host",
                    pl.lit(int(severity), pl.Int8).alias("severity"),
                    pl.lit(rank, pl.Int32).alias("rank"),
                    words.alias("words"),
                )
            )
    return pl.concat(found) if found else _NOTHING


def _disks(disks: pl.DataFrame) -> pl.DataFrame:
    """Busy more than 90 % of the time (netdata)."""
    busy = pl.col("busy_pct")
    words = pl.format("{} {} % busy", "device", whole(busy))
    return _told(disks, 5, (Severity.WARNING, busy > limits.DISK_BUSY_PCT, words))


def _nics(nics: pl.DataFrame) -> pl.DataFrame:
    """A carrier that was there and is lost; flaps; errors that rise."""
    flaps = (pl.col("carrier_changes_10min") / 2).ceil()
    errors = pl.sum_horizontal("rx_errors_10min", "tx_errors_10min")
    name = pl.col("instance")
    return _told(
        nics,
        1,
        (Severity.CRITICAL, pl.col("is_missing"), pl.format("{} lost its carrier", name)),
        (Severity.WARNING, pl.col("carrier_changes_10min") > 1, pl.format("{} flapped ×{}", name, whole(flaps))),
        (Severity.WARNING, errors >= limits.NIC_ERRORS_10MIN, pl.format("{} {} errors", name, whole(errors))),
    )


def _ports(ports: pl.DataFrame) -> pl.DataFrame:
    """A port that was active and is not: fewer than expected; flaps (gpud)."""
    flaps = pl.col("link_downed_10min")
    name = pl.col("instance")
    words = pl.format("{} flapped ×{}", name, whole(flaps))
    return _told(
        ports,
        0,
        (Severity.CRITICAL, pl.col("is_missing"), pl.format("{} is down", name)),
        (Severity.CRITICAL, flaps >= limits.FLAPS_CRITICAL, words),
        (Severity.WARNING, flaps >= 1, words),
    )


def _units(units: pl.DataFrame) -> pl.DataFrame:
    """Units that failed, or are being started again and again."""
    name = pl.col("unit").str.strip_suffix(".service")
    active = pl.col("active")
    is_looping = (active == "activating") & (pl.col("sub") == "auto-restart").fill_null(value=False)
    return _told(
        units,
        2,
        (Severity.CRITICAL, active == "failed", pl.format("{} failed", name)),
        (Severity.WARNING, is_looping, pl.format("{} restarts again and again", name)),
        (Severity.WARNING, active == "activating", pl.format("{} is starting", name)),
    )


def _services(services: pl.DataFrame) -> pl.DataFrame:
    """Services whose health endpoint does not answer well, or of which something cannot be read."""
    why = pl.coalesce("why", pl.format("HTTP {}", "status"), pl.lit("no answer")).str.slice(0, _SHOWN)
    return _told(
        services,
        3,
        (Severity.CRITICAL, ~pl.col("is_healthy"), pl.format("{} is unhealthy: {}", "service", why)),
        (Severity.WARNING, pl.col("why").fill_null("") != "", pl.format("{}: {}", "service", why)),
    )


def _odd(odd: Mapping[str, tuple[str, ...]]) -> pl.DataFrame:
    """Hosts that say what cannot be so."""
    rows = [
        (host, int(Severity.WARNING), 9, f"says what cannot be: {words[:_SHOWN]}")
        for host, said in odd.items()
        for words in said
    ]
    return pl.DataFrame(rows, schema=_NOTHING.schema, orient="row")


_OF_LATEST: Final = {Entity.DISK: _disks, Entity.UNIT: _units, Entity.SERVICE: _services}
_OF_HAPPENED: Final = {Entity.NIC: _nics, Entity.PORT: _ports}
