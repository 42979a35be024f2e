"""What the large chart of a host can show: its GPU's metrics, then the host's, then each filesystem's."""

from __future__ import annotations

from dataclasses import dataclass

from leptontui.model.catalogue import Metric, metric
from leptontui.model.series import Entity, Eta, Forecast, Series, SeriesKey
from leptontui.model.text import plain
from leptontui.snapshot import FleetSnapshot
from leptontui.view.host_rows import GpuRow, HostPage
from leptontui.view.part_rows import FilesystemRow

_GPU_METRICS = ("temp_c", "util_pct", "memory_used_bytes", "power_w", "clock_sm_mhz")
_HOST_METRICS = ("cpu_util_pct", "load1", "memory_used_bytes")

_GPU_MEMORY_SHARE, _HOST_MEMORY_SHARE, _FILESYSTEM_SHARE = 0.97, 0.95, 0.95
_TEMP_CRITICAL_C = 90.0
"""What forecasts are measured against, by `leptontui.health.thresholds`; a test keeps the two the same."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A value the series should stay below, in the metric's unit, and what it is: "slowdown", "full"."""

    value: float
    name: str


@dataclass(frozen=True, slots=True)
class ChartChoice:
    """One series that can be charted.

    Attributes:
        key: whose history and forecast.
        metric: its entry in the catalogue.
        title: what it is, for people: "GPU 6 temp".
        value: the latest value; None if it is not known.
        capacity: upper bound in the metric's unit; None if there is none.
        limit: the line to draw where no forecast says another.
    """

    key: SeriesKey
    metric: Metric
    title: str
    value: float | None
    capacity: float | None = None
    limit: Limit | None = None


def choices_of(page: HostPage, gpu_uuid: str | None) -> tuple[ChartChoice, ...]:
    """All charts of the page for the chosen GPU, in the order in which they are cycled through."""
    gpu = page.gpu(gpu_uuid)
    host = page.link.host if page.link is not None else page.host
    choices = [_of_gpu(host, gpu, name) for name in _GPU_METRICS] if gpu is not None else []
    if page.vitals is not None:
        choices += [_of_host(host, page, name) for name in _HOST_METRICS]
    choices += [_of_filesystem(host, row) for row in sorted(page.filesystems, key=lambda row: row.mount)]
    return tuple(choices)


def drawn_of(choice: ChartChoice | None, snapshot: FleetSnapshot) -> tuple[Series | None, Forecast | None]:
    """History and forecast to draw: the hours of what fills up slowly, else the last half hour and what comes next.

    Memory is drawn by the hours where only the far forecast reaches its limit.
    """
    if choice is None:
        return None, None
    key = choice.key
    near, far = snapshot.forecasts.get(key), snapshot.outlooks.get(key)
    is_slow = key.entity is Entity.FILESYSTEM
    is_ahead = far is not None and far.eta is not None and (near is None or near.eta is None)
    if key in snapshot.long_charts and (is_slow or is_ahead):
        return snapshot.long_charts[key], far
    return snapshot.charts.get(key), near


def limit_of(choice: ChartChoice, forecast: Forecast | None) -> Limit | None:
    """The line to draw: the one the forecast speaks of, else the one the values tell."""
    eta: Eta | None = forecast.eta if forecast is not None else None
    if eta is None:
        return choice.limit
    if choice.limit is not None and abs(choice.limit.value - eta.threshold) <= 1e-6 * abs(eta.threshold):
        return Limit(eta.threshold, choice.limit.name)
    return Limit(eta.threshold, "limit")


def _of_gpu(host: str, gpu: GpuRow, name: str) -> ChartChoice:
    what = metric(Entity.GPU, name)
    limits = {
        "temp_c": Limit(gpu.temp_slowdown_c, "slowdown")
        if gpu.temp_slowdown_c
        else Limit(_TEMP_CRITICAL_C, "critical"),
        "memory_used_bytes": _full(gpu.memory_total_bytes, _GPU_MEMORY_SHARE),
        "power_w": None if gpu.power_limit_w is None else Limit(gpu.power_limit_w, "power limit"),
        "clock_sm_mhz": None if gpu.clock_sm_max_mhz is None else Limit(gpu.clock_sm_max_mhz, "max"),
    }
    limit = limits.get(name)
    capacity = float(gpu.memory_total_bytes) if name == "memory_used_bytes" and gpu.memory_total_bytes else None
    key = SeriesKey(host, Entity.GPU, gpu.uuid, name)
    return ChartChoice(key, what, f"{gpu.label} {what.title}", getattr(gpu, name), capacity, limit)


def _of_host(host: str, page: HostPage, name: str) -> ChartChoice:
    what, vitals = metric(Entity.HOST, name), page.vitals
    total = vitals.memory_total_bytes if vitals is not None and name == "memory_used_bytes" else None
    cpus = vitals.cpu_count if vitals is not None and name == "load1" else None
    limit = Limit(float(cpus), "CPUs") if cpus else _full(total, _HOST_MEMORY_SHARE)
    key = SeriesKey(host, Entity.HOST, "", name)
    return ChartChoice(key, what, f"host {what.title}", getattr(vitals, name), float(total) if total else None, limit)


def _of_filesystem(host: str, row: FilesystemRow) -> ChartChoice:
    what = metric(Entity.FILESYSTEM, "used_bytes")
    capacity = float(row.total_bytes) if row.total_bytes else None
    key = SeriesKey(host, Entity.FILESYSTEM, row.mount, "used_bytes")
    limit = _full(row.total_bytes, _FILESYSTEM_SHARE)
    return ChartChoice(key, what, f"{plain(row.mount, 40)} used", row.used_bytes, capacity, limit)


def _full(total: int | None, share: float) -> Limit | None:
    return Limit(total * share, f"{100 * share:.0f} % full") if total else None
