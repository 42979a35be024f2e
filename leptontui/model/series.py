"""Series, forecasts and the time at which a threshold will be crossed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


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


KEY_OF: Final[dict[Entity, tuple[str, ...]]] = {
    Entity.GPU: ("uuid",),
    Entity.FILESYSTEM: ("mount",),
    Entity.DISK: ("device",),
    Entity.NIC: ("nic",),
    Entity.PROCESS: ("uuid", "pid"),
    Entity.PORT: ("port",),
    Entity.UNIT: ("unit",),
    Entity.SERVICE: ("service",),
    Entity.SAMPLE: ("source", "series"),
}
"""What identifies a row of its host; a host is identified by its name alone."""


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
class ForecastTrack:
    """How forecasts of one metric came out so far, near one horizon.

    Attributes:
        steps: the horizon it speaks of, in steps.
        scored: forecasts whose time has come.
        coverage80, coverage95: share of them, 0 to 1, that the band held.
        relative_error: their mean absolute error over that of the last value kept; below 1 is better than that. None
            where nothing ever moved.
    """

    steps: int
    scored: int
    coverage80: float
    coverage95: float
    relative_error: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Forecast of one series with its bands, clipped to the metric's physical bounds.

    Attributes:
        key: whose forecast.
        origin_unix_s: time of the last value it has seen; step i (from 0) is for origin + (i + 1)·step_s.
        step_s: width of a step.
        mean: point forecast, shape (h,).
        lo80, hi80, lo95, hi95: edges of the bands, shape (h,) each.
        model: what computed it, e.g. "damped ETS 61 %, Theta 39 %"; "constant" where no model was needed.
        eta: crossing of the metric's threshold, None if none is foreseen.
        fallback: why no model computed it ("constant", "binary", "too short", "gap", …); "" if one did.
        track: how such forecasts came out so far, None before the first was scored.
        past_s: length of the stretch it was made from: since the last gap, restart or level shift; None if not known.
        is_cut: whether there is more of the past than that stretch: it starts anew.
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
    fallback: str = ""
    track: ForecastTrack | None = None
    past_s: float | None = None
    is_cut: bool = False


class ForecasterState(StrEnum):
    """What the forecast worker is doing."""

    OFF = "off"
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    DIED = "died"


@dataclass(frozen=True, slots=True)
class ForecastReach:
    """How much of the fleet is forecast, and at what cost.

    Attributes:
        series: series of the fleet that are to be forecast, near and far ones counted apart.
        fresh: those of them with a forecast that is still valid.
        oldest_s: age of the forecast that was not renewed for longest, None before the first.
        budget_share: share of one core that forecasts may take.
        spent_share: share of one core that they took in the last minutes.
    """

    series: int = 0
    fresh: int = 0
    oldest_s: float | None = None
    budget_share: float = 0.0
    spent_share: float = 0.0


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
        fallbacks: how many forecasts so far were made without a model, by reason, most frequent first.
        learned: where what it has learned came from: "" anew, else in words.
        reach: how much of the fleet is forecast, and at what cost.
    """

    state: ForecasterState = ForecasterState.OFF
    reason: str = ""
    made: int = 0
    failed: int = 0
    restarts: int = 0
    ms_per_series: float | None = None
    fallbacks: tuple[tuple[str, int], ...] = ()
    learned: str = ""
    reach: ForecastReach = field(default_factory=ForecastReach)
