"""Series, forecasts and the time at which a threshold will be crossed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Entity(StrEnum):
    """What a row of a frame, or a series, is about."""

    HOST = "host"
    GPU = "gpu"
    FILESYSTEM = "filesystem"
    DISK = "disk"
    NIC = "nic"
    PROCESS = "process"
    PORT = "port"
    """An InfiniBand or RoCE port."""
    UNIT = "unit"
    """A systemd unit."""
    SERVICE = "service"
    """What the inventory names as a service, by its health endpoint."""
    SAMPLE = "sample"
    """One value of a metrics page or of a script."""


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """Identity of one time series.

    Attributes:
        host: the host's name in the fleet.
        entity: what the series is about.
        instance: GPU uuid, mount point, device, service, "source/series"; "" for the host itself.
        metric: the metric's name in the catalogue.
    """

    host: str
    entity: Entity
    instance: str
    metric: str


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one series on a regular grid, oldest first.

    Attributes:
        key: whose values.
        t_unix_s: time of each bucket's end, shape (n,).
        values: mean of each bucket, None where nothing was sampled, shape (n,).
        step_s: width of a bucket.
    """

    key: SeriesKey
    t_unix_s: tuple[float, ...]
    values: tuple[float | None, ...]
    step_s: float


@dataclass(frozen=True, slots=True)
class Eta:
    """When a series is expected to cross a threshold.

    Attributes:
        threshold: in the metric's unit.
        expected_unix_s: when the mean crosses; None if it does not within the horizon.
        earliest_unix_s: when the 80 % band's near edge crosses.
        latest_unix_s: when its far edge crosses; None if it does not within the horizon.
    """

    threshold: float
    expected_unix_s: float | None
    earliest_unix_s: float
    latest_unix_s: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Forecast of one series with its bands, clipped to the metric's physical bounds.

    Attributes:
        key: whose forecast.
        origin_unix_s: time of the last value it has seen; step i (from 0) is for origin + (i + 1)·step_s.
        step_s: width of a step.
        mean: point forecast, shape (h,).
        lo80, hi80, lo95, hi95: edges of the bands, shape (h,) each.
        model: what computed it, e.g. "damped ETS"; "constant" where no model was needed.
        eta: crossing of the metric's threshold, None if none is foreseen.
    """

    key: SeriesKey
    origin_unix_s: float
    step_s: float
    mean: tuple[float, ...]
    lo80: tuple[float, ...]
    hi80: tuple[float, ...]
    lo95: tuple[float, ...]
    hi95: tuple[float, ...]
    model: str
    eta: Eta | None = None


class ForecasterState(StrEnum):
    """What the forecast worker is doing."""

    OFF = "off"
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    DIED = "died"


@dataclass(frozen=True, slots=True)
class ForecasterStatus:
    """The forecast worker as the screen shows it.

    Attributes:
        state: see `ForecasterState`.
        reason: why it died or is off, in words.
        made: forecasts made so far.
        failed: series for which no forecast could be made so far.
        restarts: how often the worker was started again.
        ms_per_series: mean cost of one forecast in the last batch, None before the first.
    """

    state: ForecasterState = ForecasterState.OFF
    reason: str = ""
    made: int = 0
    failed: int = 0
    restarts: int = 0
    ms_per_series: float | None = None
