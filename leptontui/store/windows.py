"""A stretch of history of all series of one entity at once: what is looked through rather than asked for by name."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from leptontui.model.series import Entity


@dataclass(frozen=True, slots=True)
class Window:
    """Means of the closed buckets of all series of one entity.

    Attributes:
        entity: whose.
        metrics: names, shape (m,).
        hosts: the host of each, shape (n,), String.
        instances: as in `SeriesKey.instance`, shape (n,), String.
        end_unix_s: end of each bucket, oldest first, shape (b,).
        values: NaN where not sampled, shape (b, m, n).
    """

    entity: Entity
    metrics: tuple[str, ...]
    hosts: pl.Series
    instances: pl.Series
    end_unix_s: npt.NDArray[np.float64]
    values: npt.NDArray[np.float32]

    def of(self, metric: str) -> npt.NDArray[np.float32]:
        """Values of one metric, shape (b, n).

        Raises:
            ValueError: the entity has no such series.
        """
        return self.values[:, self.metrics.index(metric), :]


def tidy(windows: list[Window]) -> pl.DataFrame:
    """Windows as one row a value: what was never sampled has none.

    Returns:
        `series` ("host", else "host/entity/instance"), `metric`, `ts` (end of the bucket, unix seconds), `value`,
        `host`, `entity`, `instance`; ordered by time within each entity.
    """
    parts = []
    for window in windows:
        bucket, metric, place = np.nonzero(~np.isnan(window.values))
        hosts, instances = window.hosts.gather(place), window.instances.gather(place)
        names = pl.Series("metric", window.metrics, dtype=pl.String)
        series = (
            hosts
            if window.entity is Entity.HOST
            else pl.select(pl.format(f"{{}}/{window.entity.value}/{{}}", hosts, instances)).to_series()
        )
        parts.append(
            pl.DataFrame(
                {
                    "series": series,
                    "metric": names.gather(metric),
                    "ts": window.end_unix_s[bucket],
                    "value": window.values[bucket, metric, place].astype(np.float64),
                    "host": hosts,
                    "entity": pl.repeat(window.entity.value, len(place), eager=True, dtype=pl.String),
                    "instance": instances,
                },
                schema=SCHEMA,
            )
        )
    return pl.concat(parts) if parts else pl.DataFrame(schema=SCHEMA)


SCHEMA = {
    "series": pl.String(),
    "metric": pl.String(),
    "ts": pl.Float64(),
    "value": pl.Float64(),
    "host": pl.String(),
    "entity": pl.String(),
    "instance": pl.String(),
}
"""Columns of a recording."""
