"""The fleet in a few numbers, for the header."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from leptontui.model.health import Severity
from leptontui.snapshot import FleetSnapshot


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """What the header says.

    Attributes:
        gpus: GPUs known, live or not; a GPU's MIG instances are not counted besides it.
        gpus_live: those of which fresh values are known.
        util_pct: mean utilisation of the live ones; None if there is none.
        power_w: summed power of the live ones; None if there is none.
        critical, predicted, warnings: GPUs of that severity, and hosts that are worse than all of their GPUs.
    """

    gpus: int = 0
    gpus_live: int = 0
    util_pct: float | None = None
    power_w: float | None = None
    critical: int = 0
    predicted: int = 0
    warnings: int = 0


def summarise(snapshot: FleetSnapshot) -> FleetSummary:
    """Count and sum. Polars work over the fleet: not for the screen's thread."""
    import polars as pl  # noqa: PLC0415 — the dataclass above is needed before polars is loaded

    from leptontui.view.work import whole  # noqa: PLC0415 — likewise

    gpus, hosts = snapshot.frames.gpus, snapshot.frames.hosts
    is_whole = whole(gpus)
    is_live = (pl.col("link") == "live") & (pl.col("state") == "present")
    numbers: dict[str, Any] = gpus.select(
        gpus=is_whole.sum(),
        gpus_live=(is_live & is_whole).sum(),
        util_pct=pl.col("util_pct").filter(is_live).mean(),
        power_w=pl.when((is_live & is_whole & pl.col("power_w").is_not_null()).any()).then(
            pl.col("power_w").filter(is_live & is_whole).sum()
        ),
    ).row(0, named=True)
    worst = gpus.group_by("host").agg(worst=pl.col("severity").max())
    of_hosts = hosts.join(worst, on="host", how="left").filter(pl.col("severity") > pl.col("worst").fill_null(-1))
    counts = pl.concat([gpus["severity"], of_hosts["severity"]])
    return FleetSummary(
        **numbers,
        critical=int((counts == Severity.CRITICAL).sum()),
        predicted=int((counts == Severity.PREDICTED).sum()),
        warnings=int((counts == Severity.WARNING).sum()),
    )
