"""The publisher: joins latest values, links, health and forecasts into one immutable snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from leptontui.engine.roster import Roster
from leptontui.health.assess import assess_gpus, assess_hosts, comparable
from leptontui.health.circumstances import Circumstances
from leptontui.health.heat import NEEDED, heat_of
from leptontui.health.peers import PeerView, compared
from leptontui.health.ranking import with_columns_of
from leptontui.model.anomaly import Anomaly, AnomalyWatch
from leptontui.model.catalogue import CHART_BUCKETS, CHART_STEP_S, LONG_CHART_BUCKETS, TREND_STEP_S
from leptontui.model.focus import Focus
from leptontui.model.health import HostEvent
from leptontui.model.question import Question
from leptontui.model.series import Entity, Eta, Forecast, ForecasterStatus, Series, SeriesKey
from leptontui.model.target import Fleet
from leptontui.snapshot import FleetSnapshot, Frames
from leptontui.store.store import Store

TREND_PERIOD_S = 5.0
"""Trend columns are made anew this often: their buckets are a minute wide."""

_PARTS: tuple[Entity, ...] = tuple(entity for entity in Entity if entity not in {Entity.HOST, Entity.GPU})


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What a snapshot is made of besides the store and the roster.

    Attributes:
        dropped_sweeps: dropped by the collector so far.
        events: recent events, newest last.
        forecasts: near forecasts by series.
        outlooks: far forecasts by series.
        etas: crossings that are foreseen, by series.
        forecaster: state of the worker.
        focus: what is being looked at.
        unavailable: what hosts cannot read, by host.
        circumstances: what health has to know besides.
        current: events since each host booted and its driver was loaded, oldest first.
        questions: what logins wait to be told, oldest first.
        notices: what the user should know of the inventory or this machine.
        anomalies: series that are odd, grouped.
        anomaly_watch: how the search for them goes; None where there is none.
        odd: the series that are odd now, see `Anomalies.frame`; None where there is no search.
    """

    dropped_sweeps: int
    events: tuple[HostEvent, ...]
    forecasts: Mapping[SeriesKey, Forecast]
    forecaster: ForecasterStatus
    focus: Focus
    unavailable: Mapping[str, tuple[str, ...]]
    outlooks: Mapping[SeriesKey, Forecast] = field(default_factory=dict)
    etas: Mapping[SeriesKey, Eta] = field(default_factory=dict)
    circumstances: Circumstances = field(default_factory=Circumstances)
    current: tuple[HostEvent, ...] = ()
    questions: tuple[Question, ...] = ()
    notices: tuple[str, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    anomaly_watch: AnomalyWatch | None = None
    odd: pl.DataFrame | None = None


class Publisher:
    """Makes snapshots.

    Args:
        fleet: whose snapshots.
        store: where the values are.
        roster: where the links are.
        interval_s: nominal time between two sweeps.
    """

    def __init__(self, fleet: Fleet, store: Store, roster: Roster, interval_s: float) -> None:
        self._fleet = fleet
        self._store = store
        self._roster = roster
        self._interval_s = interval_s
        self._seq = 0
        self._trends: tuple[float, pl.DataFrame] | None = None
        self._heat: pl.DataFrame | None = None
        self._peers: tuple[float, PeerView] | None = None
        self._slow: tuple[pl.DataFrame, PeerView, pl.DataFrame] | None = None

    def set_fleet(self, fleet: Fleet) -> None:
        """Publish this fleet from now on."""
        self._fleet = fleet
        self._trends = None

    def trends(self, now_unix_s: float) -> pl.DataFrame:
        """The store's trend columns, at most `TREND_PERIOD_S` old."""
        if self._trends is None or not 0 <= now_unix_s - self._trends[0] < TREND_PERIOD_S:
            self._trends = (now_unix_s, self._store.trends(now_unix_s))
        return self._trends[1]

    def forget_trends(self) -> None:
        """Make trend columns anew at the next snapshot: older values have arrived."""
        self._trends = None

    def snapshot(self, now_unix_s: float, made_of: Ingredients) -> FleetSnapshot:
        """The fleet as it is known now."""
        frames = self._frames(now_unix_s, made_of)
        newest = frames.hosts["received_unix_s"].max()
        self._seq += 1
        return FleetSnapshot(
            fleet=self._fleet.name,
            seq=self._seq,
            t_unix_s=now_unix_s,
            interval_s=self._interval_s,
            links=self._roster.links,
            link_counts=self._roster.counts,
            outages=self._roster.outages,
            dropped_sweeps=made_of.dropped_sweeps,
            newest_age_s=max(0.0, now_unix_s - newest) if isinstance(newest, float) else None,
            frames=frames,
            events=made_of.events,
            forecasts=made_of.forecasts,
            outlooks=made_of.outlooks,
            forecaster=made_of.forecaster,
            charts=self._charts(now_unix_s, made_of.focus, CHART_STEP_S),
            long_charts=self._charts(now_unix_s, made_of.focus, TREND_STEP_S),
            unavailable=made_of.unavailable,
            targets=self._roster.targets,
            questions=made_of.questions,
            notices=made_of.notices,
            anomalies=made_of.anomalies,
            anomaly_watch=made_of.anomaly_watch,
        )

    def _frames(self, now_unix_s: float, made_of: Ingredients) -> Frames:
        etas = made_of.etas
        known = replace(made_of.circumstances, heat=self._heat)
        roster = self._roster.frame
        parts: dict[Entity, pl.DataFrame] = {entity: self._store.latest(entity) for entity in _PARTS}
        gpus = self._store.latest(Entity.GPU).join(
            roster.select("host", "group", "link", "link_cause"), on="host", how="inner", maintain_order="left"
        )
        gpus = gpus.join(self._slowly(gpus, now_unix_s), on=["host", "uuid"], how="left", maintain_order="left")
        gpus = assess_gpus(gpus, made_of.current, etas, now_unix_s=now_unix_s, known=known)
        hosts = roster.join(self._store.latest(Entity.HOST), on="host", how="left", maintain_order="left")
        hosts = hosts.join(self._odd_hosts(), on="host", how="left", maintain_order="left")
        hosts = assess_hosts(hosts, gpus, parts, made_of.current, etas, now_unix_s=now_unix_s, known=known)
        self._heat = heat_of(with_columns_of(gpus, NEEDED), self._heat)
        return Frames(
            hosts=with_anomalies(hosts, Entity.HOST, made_of.odd),
            gpus=with_anomalies(gpus, Entity.GPU, made_of.odd),
            filesystems=parts[Entity.FILESYSTEM],
            disks=parts[Entity.DISK],
            nics=parts[Entity.NIC],
            processes=parts[Entity.PROCESS],
            ports=parts[Entity.PORT],
            units=parts[Entity.UNIT],
            services=parts[Entity.SERVICE],
            samples=parts[Entity.SAMPLE],
        )

    def _slowly(self, gpus: pl.DataFrame, now_unix_s: float) -> pl.DataFrame:
        """Columns of GPUs that are made anew every few seconds only: trends, and how they compare with their peers."""
        trends = self.trends(now_unix_s)
        if self._peers is None or not 0 <= now_unix_s - self._peers[0] < TREND_PERIOD_S:
            told = gpus.join(trends.select("host", "uuid", "trend_util_pct"), on=["host", "uuid"], how="left")
            before = None if self._peers is None else self._peers[1]
            self._peers = (now_unix_s, compared(comparable(told), now_unix_s, before))
        peers = self._peers[1]
        if self._slow is None or self._slow[0] is not trends or self._slow[1] is not peers:
            joined = trends.join(peers.gpus, on=["host", "uuid"], how="full", coalesce=True)
            self._slow = (trends, peers, joined)
        return self._slow[2]

    def _odd_hosts(self) -> pl.DataFrame:
        """How hosts compare with their peers; see `peers.PeerView`."""
        columns = ("host", "peer_z_temp", "peer_z_clock", "odd_host")
        return pl.DataFrame(schema={"host": pl.String}) if self._peers is None else self._peers[1].hosts.select(columns)

    def _charts(self, now_unix_s: float, focus: Focus, step_s: float) -> Mapping[SeriesKey, Series]:
        if focus.chart is None:
            return {}
        buckets = CHART_BUCKETS if step_s == CHART_STEP_S else LONG_CHART_BUCKETS
        return self._store.series({focus.chart}, now_unix_s=now_unix_s, step_s=step_s, buckets=buckets)


def with_anomalies(rows: pl.DataFrame, entity: Entity, odd: pl.DataFrame | None) -> pl.DataFrame:
    """`rows` of hosts or GPUs with `anomaly_score` and `anomaly`, as `Frames` describes them.

    Args:
        rows: with `host`, and `uuid` for GPUs.
        entity: whose rows they are.
        odd: see `Anomalies.frame`; None for none.
    """
    own = None if odd is None else odd.filter(pl.col("entity") == entity.value)
    if own is None or not own.height:
        return rows.with_columns(anomaly_score=pl.lit(None, pl.Float32), anomaly=pl.lit(""))
    key = ["host", "uuid"] if entity is Entity.GPU else ["host"]
    worst = (
        own.sort("score", descending=True)
        .rename({"instance": "uuid"})
        .group_by(key, maintain_order=True)
        .agg(anomaly_score=pl.col("score").first(), anomaly=pl.col("words").first())
    )
    return rows.join(worst, on=key, how="left", maintain_order="left").with_columns(pl.col("anomaly").fill_null(""))
