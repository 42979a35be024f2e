"""The engine: runs the sources, the store's ticks and the forecasts on one asyncio loop, and publishes snapshots."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from leptontui.engine.alerting import Alerting
from leptontui.engine.anomalies import Anomalies
from leptontui.engine.collector import Collector
from leptontui.engine.events import EventLog, event_of
from leptontui.engine.foresight import Foresight
from leptontui.engine.foresight_budget import DEFAULT_SHARE
from leptontui.engine.publisher import Ingredients, Publisher
from leptontui.engine.roster import Roster
from leptontui.forecast.forecaster import Forecaster
from leptontui.model.focus import Focus
from leptontui.model.link import Link
from leptontui.model.question import Question
from leptontui.model.series import ForecasterState, ForecasterStatus
from leptontui.model.target import Fleet
from leptontui.model.text import plain
from leptontui.model.verdict import Overrides
from leptontui.snapshot import FleetSnapshot
from leptontui.sources.contract import Source
from leptontui.store.store import Store
from leptontui.wire import Event, Hello, Received, Sweep

_TEXT_LIMIT = 300
_UNAVAILABLE_KEPT = 32
_NOTICE_LIMIT = 500

_LONGEST_PAUSE_S = 0.9

LARGE_FLEET = 200
"""Hosts beyond which snapshots come half as often: a tick costs in proportion to the fleet."""


def tick_s_of(hosts: int) -> float:
    """Time between two ticks: a quarter of a second, half a second for a large fleet."""
    return 0.25 if hosts <= LARGE_FLEET else 0.5


def pause_s(tick_s: float, cost_s: float) -> float:
    """Time from the beginning of one snapshot to that of the next: making them takes a tenth of the time at most.

    Hosts speak once a second; a longer pause than that would show.

    Args:
        tick_s: time between two ticks.
        cost_s: what the last one took.
    """
    return max(0.9 * tick_s, min(10.0 * cost_s, _LONGEST_PAUSE_S))


class Engine:
    """Watches a fleet and publishes it. Everything but `subscribe`d callbacks happens on the loop that runs `run`.

    Args:
        fleet: the hosts.
        sources: where their sweeps come from.
        interval_s: nominal time between two sweeps of a host.
        forecaster: the forecast worker; None where nothing is forecast (one-shot checks).
        forecast_share: share of one core that forecasts may take.
        anomaly_rate: false alarms that the search for anomalies may raise for each series a day; None for no search.
        clock: unix time.

    Attributes:
        roster: the links.
        foresight: what is foreseen; None without a forecaster.
        store: latest values and history; only for use on the loop that runs `run`.
        overrides: what the user says of Xids and other signals, instead of those who know them in general.
    """

    def __init__(
        self,
        fleet: Fleet,
        sources: Sequence[Source],
        *,
        interval_s: float,
        forecaster: Forecaster | None = None,
        forecast_share: float = DEFAULT_SHARE,
        anomaly_rate: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sources = tuple(sources)
        self._clock = clock
        self._tick_s = tick_s_of(len(fleet.hosts))
        self._collector = Collector(_capacity_of(fleet))
        self.store = Store(interval_s)
        self.roster = Roster(fleet, clock())
        self._publisher = Publisher(fleet, self.store, self.roster, interval_s)
        self._forecaster = forecaster
        self.foresight = Foresight(self.store, forecaster, clock, share=forecast_share) if forecaster else None
        self._anomalies = None if anomaly_rate is None else Anomalies(self.store, clock, rate_per_day=anomaly_rate)
        self.overrides = Overrides()
        self._events = EventLog()
        self._unavailable: dict[str, tuple[str, ...]] = {}
        self._received: dict[str, float] = {}
        self._clock_offsets: dict[str, float] = {}
        self._notices: dict[str, str] = {}
        self._questions: Callable[[], tuple[Question, ...]] = tuple
        self._subscribers: list[Callable[[FleetSnapshot], None]] = []
        self._alerting: Alerting | None = None

    def alert_with(self, alerting: Alerting) -> None:
        """Evaluate alerts, and publish them with every snapshot. To be called before `run`."""
        self._alerting = alerting

    def subscribe(self, deliver: Callable[[FleetSnapshot], None]) -> None:
        """Call `deliver` with every snapshot from now on, on the engine's loop."""
        self._subscribers.append(deliver)

    def set_fleet(self, fleet: Fleet) -> None:
        """Watch these hosts from now on; what was known of hosts that are gone from it is forgotten.

        The sources are told apart from this, by whoever made them.
        """
        removed = self.roster.set_fleet(fleet, self._clock())
        self._tick_s = tick_s_of(len(fleet.hosts))
        self._collector.resize(_capacity_of(fleet))
        self._publisher.set_fleet(fleet)
        if removed:
            self._forget(removed)

    def notify(self, source: str, text: str | None) -> None:
        """Say in every snapshot what the user should know, one text for each source of such; None takes it back."""
        if text is None:
            self._notices.pop(source, None)
        else:
            self._notices[source] = plain(text, _NOTICE_LIMIT)

    def ask_with(self, questions: Callable[[], tuple[Question, ...]]) -> None:
        """Publish what `questions` returns, with every snapshot: what logins wait to be told."""
        self._questions = questions

    def look_at(self, focus: Focus) -> None:
        """Forecast and chart this first."""
        if self.foresight is not None:
            self.foresight.look_at(focus)

    def redial(self, host: str) -> None:
        """Dial a lost or refused host now."""
        for source in self._sources:
            source.redial(host)

    def age_s_of(self, host: str) -> float | None:
        """Age of the newest sweep of `host`; None if it never spoke."""
        received = self._received.get(host)
        return None if received is None else max(0.0, self._clock() - received)

    def offer(self, received: Received) -> None:
        """Take a message from a source."""
        self._collector.offer(received)

    def link_changed(self, link: Link) -> None:
        """Take a link's new state from a source."""
        self.roster.update(link)

    async def run(self) -> None:
        """Watch until cancelled. If any part fails, everything is wound up and the failure is raised."""
        if self._forecaster is not None:
            self._forecaster.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                for source in self._sources:
                    tasks.create_task(source.run(self))
                if self.foresight is not None:
                    tasks.create_task(self.foresight.run())
                if self._alerting is not None:
                    tasks.create_task(self._alerting.run())
                if self._anomalies is not None:
                    tasks.create_task(self._anomalies.run())
                tasks.create_task(self._tick())
        finally:
            if self._forecaster is not None:
                await self._forecaster.close()

    async def _tick(self) -> None:
        # One frame for all that has come since the last picture: how much is in it hardly changes what it costs.
        while True:
            self._take(self._collector.drain())
            began = time.monotonic()
            self._publish()
            due = began + pause_s(self._tick_s, time.monotonic() - began)
            while time.monotonic() < due:
                await self._collector.wait(due - time.monotonic())
                if time.monotonic() < due:  # woken early: the queue is filling up
                    self._take(self._collector.drain())

    def _take(self, batch: list[Received]) -> None:
        batch = [received for received in batch if received.host in self.roster]
        if not batch:
            return
        self.store.append(batch)
        for received in batch:
            self._note(received.host, received)

    def _note(self, host: str, received: Received) -> None:
        """Take what is kept apart from the store."""
        message, now = received.message, received.t_unix_s
        match message:
            case Sweep(is_history=True):
                self._publisher.forget_trends()
            case Sweep():
                self._received[host] = now
                self._clock_offsets[host] = message.t_unix_s - now
                self._events.heard(host, message, now)
            case Event():
                self._events.add(event_of(received, message, self._clock_offsets.get(host, 0.0)))
            case Hello():
                self._clock_offsets[host] = message.t_unix_s - now
                self._events.greet(host, message, now)
                self._unavailable = {**self._unavailable, host: _unavailable_of(message)}

    def _forget(self, hosts: frozenset[str]) -> None:
        self.store.forget(hosts)
        self._events.forget(hosts)
        self._unavailable = {host: said for host, said in self._unavailable.items() if host not in hosts}
        for host in hosts:
            self._received.pop(host, None)
            self._clock_offsets.pop(host, None)
        if self.foresight is not None:
            self.foresight.forget(hosts)

    def _publish(self) -> None:
        if not self._subscribers:
            return
        foresight, anomalies, odd = self.foresight, self._anomalies, self._oddities()
        status = self._forecaster.status if self._forecaster else ForecasterStatus(ForecasterState.OFF, "not asked for")
        if foresight is not None:
            status = replace(status, reach=foresight.reach)
        snapshot = self._publisher.snapshot(
            self._clock(),
            Ingredients(
                dropped_sweeps=self._collector.dropped,
                events=self._events.newest,
                forecasts=foresight.forecasts if foresight else {},
                outlooks=foresight.outlooks if foresight else {},
                etas=foresight.etas if foresight else {},
                forecaster=status,
                focus=foresight.focus if foresight else Focus(),
                unavailable=self._unavailable_now(odd),
                circumstances=replace(
                    self._events.circumstances,
                    resets=self.store.resets,
                    odd=odd,
                    happened=self.store.happened(),
                    overrides=self.overrides,
                ),
                current=self._events.current,
                questions=self._questions(),
                notices=(*self._notices.values(), *([f"forecasts: {status.learned}"] if status.learned else [])),
                anomalies=anomalies.told if anomalies else (),
                anomaly_watch=anomalies.watch if anomalies else None,
                odd=anomalies.frame() if anomalies else None,
            ),
        )
        if self._alerting is not None:
            self._alerting.see(snapshot)
            snapshot = replace(snapshot, alerts=self._alerting.board)
        for deliver in self._subscribers:
            deliver(snapshot)

    def _oddities(self) -> dict[str, tuple[str, ...]]:
        """What hosts said in the last minute that cannot be so, and who says more than can be taken."""
        mono_s = time.monotonic()
        odd = self.store.oddities(mono_s)
        for host in self._collector.flooding(mono_s):
            odd[host] = (*odd.get(host, ()), "more than can be taken was said, and the oldest of it dropped")
        return {host: said for host, said in odd.items() if host in self.roster}

    def _unavailable_now(self, odd: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        """What hosts cannot read, with what they said and was not believed."""
        if not odd:
            return MappingProxyType(self._unavailable)
        found = dict(self._unavailable)
        for host, said in odd.items():
            found[host] = (*found.get(host, ()), *(plain(f"not believed: {words}", _TEXT_LIMIT) for words in said))
        return MappingProxyType(found)


def _capacity_of(fleet: Fleet) -> int:
    return 4096 + 8 * len(fleet.hosts)


def _unavailable_of(hello: Hello) -> tuple[str, ...]:
    return tuple(plain(f"{item.what}: {item.why}", _TEXT_LIMIT) for item in hello.unavailable[:_UNAVAILABLE_KEPT])
