"""The immutable picture of the fleet that the engine publishes and everything else reads.

It carries polars frames by reference; this module never imports polars at run time, so that a screen can be up before
polars is loaded. The frames' columns are those of `leptontui.model.catalogue` plus the ones named below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from leptontui.model.alert import AlertBoard
from leptontui.model.anomaly import Anomaly, AnomalyWatch
from leptontui.model.health import HostEvent
from leptontui.model.link import Link, LinkCounts, Outage
from leptontui.model.question import Question
from leptontui.model.series import Forecast, ForecasterStatus, Series, SeriesKey
from leptontui.model.target import HostTarget

if TYPE_CHECKING:
    import polars as pl


def _no_rows() -> pl.DataFrame:
    import polars as pl  # noqa: PLC0415 — not before a frame is made

    return pl.DataFrame({"host": []}, schema={"host": pl.String})


@dataclass(frozen=True, slots=True)
class Frames:
    """Latest values, one row per entity. A host that never spoke has a row of nulls in `hosts`.

    Every frame has `host: str`. Also:

    - `hosts`: `group: str`, `link: str` (a `LinkState`), `link_cause: str` ("" if none), `received_unix_s: f64`
      (null before the first sweep), `severity: i8` (a `Severity`), `health: str` (why, "" if well), `findings:
      list[str]` (all that is wrong, worst first, each behind its glyph), `gpu_count: u32`.
    - `gpus`: `uuid`, `index`, `name`, `group`, `link`, `received_unix_s`, `severity`, `health`, `findings`, `state`
      ("present" or "gone"), `user: str`, `job: str`, `process_count: u32`, and the trends: for each metric in
      `catalogue.TREND_METRICS` a column `trend_<metric>: list[f32]`, oldest bucket first, null where not sampled.
    - all others: as catalogued, plus `received_unix_s`; counters are rates (`Metric.rate_name`).

    `hosts` and `gpus` have `anomaly_score: f32` (the greatest of its series that are odd now, null if none is) and
    `anomaly: str` (what is odd about it, "" if nothing).

    Of both also the verdict (`health.fusion.COLUMNS`; null where nothing fresh is known): `verdict_rank: i8` and
    `verdict_action: str` (a `Remedy`), `verdict_words: str`, `verdict_reason: str`, `verdict_source: str`,
    `verdict_evidence: list[str]`; a host's is the worst of its own and its GPUs', and `own_verdict_action`, `…_words`,
    `…_source` and `…_evidence` are its own alone. And how they compare with their peers: of GPUs `peer_z_clock`,
    `peer_z_power`, `peer_z_temp`, `peer_z_util`, `peer_z_memory`, `peer_z_pcie: f32` (robust z-scores), `peer_count:
    u32`, `straggler: str` and `outlier: str` (null if it is none); of hosts `peer_z_temp`, `peer_z_clock: f32` and
    `odd_host: str`, and the labels `rack: str` and `switch: str`.

    GPUs that are MIG instances are rows of their own, after their GPU. `state` is "present", "gone", or "unknown"
    while the driver hangs. Hosts have `node_state: str`,
    `partitions: str` (joined by commas) and `gpus_expected: u32` from the inventory.
    """

    hosts: pl.DataFrame
    gpus: pl.DataFrame
    filesystems: pl.DataFrame
    disks: pl.DataFrame
    nics: pl.DataFrame
    processes: pl.DataFrame
    ports: pl.DataFrame = field(default_factory=_no_rows)
    units: pl.DataFrame = field(default_factory=_no_rows)
    services: pl.DataFrame = field(default_factory=_no_rows)
    samples: pl.DataFrame = field(default_factory=_no_rows)


@dataclass(frozen=True, slots=True)
class FleetSnapshot:
    """The fleet at one instant. Immutable: a slow reader may hold it as long as it likes.

    Attributes:
        fleet: the fleet's name.
        seq: grows by one with every snapshot.
        t_unix_s: when it was made.
        interval_s: nominal time between two sweeps of a host.
        links: the link of every host, by host name.
        link_counts: how many links are in which state.
        dropped_sweeps: sweeps dropped so far because the collector could not keep up.
        newest_age_s: age of the newest sweep of any host when this was made, None before the first.
        frames: latest values.
        events: the most recent events, newest last, bounded.
        forecasts: what was forecast a quarter of an hour ahead for what is in focus or at risk, by series.
        outlooks: what was forecast hours ahead, of series that fill up slowly.
        forecaster: what the forecast worker is doing.
        charts: history of the focused host's chart series, by series.
        long_charts: hours of it in one-minute means.
        unavailable: per host, what its probe cannot read and why ("ecc: not supported").
        targets: every host as the inventory has it now, by name.
        questions: what logins wait to be told, oldest first.
        notices: what the user should know of the inventory or this machine, e.g. why a reload was refused.
        alerts: what fires and pends, and how telling people about it goes.
        anomalies: series that left what is usual for them, going on or ended within ten minutes; going on first, then
            the oddest.
        anomaly_watch: how the search for them goes; None where there is none.
        outages: the last time that each host was out of reach and came back, by host name.
    """

    fleet: str
    seq: int
    t_unix_s: float
    interval_s: float
    links: Mapping[str, Link]
    link_counts: LinkCounts
    dropped_sweeps: int
    newest_age_s: float | None
    frames: Frames
    events: tuple[HostEvent, ...] = ()
    forecasts: Mapping[SeriesKey, Forecast] = field(default_factory=dict)
    forecaster: ForecasterStatus = field(default_factory=ForecasterStatus)
    charts: Mapping[SeriesKey, Series] = field(default_factory=dict)
    outlooks: Mapping[SeriesKey, Forecast] = field(default_factory=dict)
    long_charts: Mapping[SeriesKey, Series] = field(default_factory=dict)
    unavailable: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    targets: Mapping[str, HostTarget] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    notices: tuple[str, ...] = ()
    alerts: AlertBoard = field(default_factory=AlertBoard)
    anomalies: tuple[Anomaly, ...] = ()
    anomaly_watch: AnomalyWatch | None = None
    outages: Mapping[str, Outage] = field(default_factory=dict)
