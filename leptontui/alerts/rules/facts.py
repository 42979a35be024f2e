"""What the rules are evaluated on: the fleet's latest values, and what can be derived from its past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import polars as pl

from leptontui.alerts.rules.derived import Derived
from leptontui.alerts.rules.outlook import Outlook
from leptontui.model.series import Entity

Labels = Mapping[str, tuple[tuple[str, str], ...]]
"""What the inventory says of each host, by its name: ("rack", "r1"), …"""


class Facts(Protocol):
    """Everything at one instant; what it returns is never changed, so that it can be read in another thread."""

    @property
    def now_unix_s(self) -> float:
        """The instant."""

    @property
    def labels(self) -> Labels:
        """The inventory's labels."""

    def latest(self, entity: Entity) -> pl.DataFrame | None:
        """Latest values, one row per subject, columns as `snapshot.Frames` has them; None where nothing is known."""

    def derived(self, entity: Entity, asked: Sequence[Derived]) -> pl.DataFrame:
        """Windows and growth.

        Returns:
            `host`, `instance` ("" of hosts, else as in `SeriesKey`) and for each of `asked` a column of floats with
            its name; a row that is missing, or null, is not known.
        """

    def outlook(self, entity: Entity, metric: str) -> Outlook | None:
        """What is foreseen of one metric; None where nothing is."""
