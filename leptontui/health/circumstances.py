"""What health has to know besides latest values, events and forecasts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from leptontui.model.series import Entity
from leptontui.model.verdict import Overrides


@dataclass(frozen=True, slots=True)
class Dropped:
    """Events of one kind that were counted and are not kept.

    Attributes:
        count: how many.
        newest_unix_s: when the newest of them was.
    """

    count: int
    newest_unix_s: float


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known besides.

    Attributes:
        dropped: by host, event's name, code and GPU's uuid.
        inspect: (host, Xid) where an Xid asks for a reboot that did not help before.
        resets: (host, GPU's uuid) → when its counters began anew: what an Xid asked for before that was done.
        hung: hosts whose GPU driver hangs now.
        silent: hosts whose GPU driver did not answer when it was asked last: it may only be slow, or just starting.
        odd: what hosts said that cannot be so, in words, by host.
        happened: by entity those to which something happened in the last ten minutes, as `store.happened` says.
        heat: `host`, `uuid`, `heat` of the GPUs that were warm or hot before; see `heat.heat_of`.
        overrides: what the user says of Xids and signals instead.
    """

    dropped: Mapping[tuple[str, str, int | None, str | None], Dropped] = field(default_factory=dict)
    inspect: frozenset[tuple[str, int]] = frozenset()
    resets: Mapping[tuple[str, str], float] = field(default_factory=dict)
    hung: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    odd: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    happened: Mapping[Entity, pl.DataFrame] = field(default_factory=dict)
    heat: pl.DataFrame | None = None
    overrides: Overrides = field(default_factory=Overrides)
