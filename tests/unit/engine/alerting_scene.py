"""A stage for alerts in the engine: scripted rules on a real engine, with a real database behind it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from leptontui.alerts.shelf_reading import JUDGEMENTS
from leptontui.engine.alert_desk import AlertDesk
from leptontui.engine.alert_rules import LoadedRules
from leptontui.engine.alert_shelf import AlertShelf
from leptontui.engine.alert_telling import Telling
from leptontui.engine.alerting import DEEDS, TOLD, Alerting
from leptontui.engine.engine import Engine
from leptontui.engine.reacting import Reactor
from leptontui.model.alert import AlertBoard, AlertGroup, Level, NotifierStatus, Subject
from leptontui.model.alert_history import Transition
from leptontui.model.alert_policy import RulePolicy
from leptontui.model.evaluation import Evaluation, Finding, Standing
from leptontui.model.link import Link, LinkState
from leptontui.model.reaction import AutoPolicy, Reaction
from leptontui.model.series import Entity
from leptontui.model.target import Fleet, HostTarget
from leptontui.sources.contract import Sink
from leptontui.wire import Received, Sweep

HOT, FAILED = "gpu-hot", "unit-failed"
HOSTS = ("a", "b")
POLICIES = {
    HOT: RulePolicy(HOT, Level.PAGE),
    FAILED: RulePolicy(FAILED, Level.TICKET, action="restart", reaction=Reaction.AUTO),
}


def host(name: str = "a") -> Subject:
    return Subject(Entity.HOST, name)


def finding(rule: str = HOT, subject: Subject | None = None) -> Finding:
    subject = subject or host()
    return Finding(rule, subject, (("host", subject.host),), f"{rule} on {subject.host}")


@dataclass
class Rules:
    """What the rules find is what the test says."""

    met: tuple[Finding, ...] = ()
    others: Standing = Standing.CLEAR
    failure: Exception | None = None
    evaluated: int = 0
    policies: dict[str, RulePolicy] = field(default_factory=lambda: dict(POLICIES))
    auto: AutoPolicy = field(default_factory=AutoPolicy)
    troubles: tuple[str, ...] = ()
    is_new: bool = True

    def changed(self) -> LoadedRules | None:
        if not self.is_new:
            return None
        self.is_new = False
        return LoadedRules(self, self.policies, self.auto, self.troubles)  # type: ignore[arg-type]

    def evaluate(self, facts: object, asked: Collection[tuple[str, Subject]]) -> Evaluation:
        del facts
        if self.failure is not None:
            raise self.failure
        self.evaluated += 1
        return Evaluation(0.0, self.met, dict.fromkeys(asked, self.others))


class OneSweep:
    """One sweep of every host, and a live link."""

    async def run(self, sink: Sink) -> None:
        now = time.time()
        for name in HOSTS:
            sink.link_changed(Link(name, LinkState.LIVE, now))
            sink.offer(Received(name, Sweep(1, 0, now, 1000.0), now, time.monotonic()))
        await asyncio.Event().wait()

    def redial(self, host: str) -> None:
        """Nothing to dial."""


@dataclass
class Postman:
    """Notifications that only note what they are offered."""

    memory: str
    keep: Callable[[str], None]
    boards: list[tuple[AlertGroup, ...]] = field(default_factory=list)
    told: list[Transition] = field(default_factory=list)
    is_running: bool = False

    def offer(self, groups: tuple[AlertGroup, ...], transitions: tuple[Transition, ...], now: float) -> None:
        self.boards.append(groups)
        self.told += transitions
        if transitions:
            self.keep(f"told {len(self.told)}")

    def statuses(self) -> tuple[NotifierStatus, ...]:
        return (NotifierStatus("pager"),)

    async def run(self) -> None:
        self.is_running = True
        try:
            await asyncio.Event().wait()
        finally:
            self.is_running = False


class Stage(SimpleNamespace):
    """An engine with alerts: `rules`, `alerting`, `desk`, `engine`, `postmen`, and the newest board."""

    board: AlertBoard

    async def until(self, is_so: Callable[[AlertBoard], object]) -> AlertBoard:
        async with asyncio.timeout(10):
            while not is_so(self.board):
                published = asyncio.ensure_future(self.published.wait())
                await asyncio.wait({published, self.running}, return_when=asyncio.FIRST_COMPLETED)
                if self.running.done():
                    self.running.result()
                self.published.clear()
        return self.board


@asynccontextmanager
async def staged(
    path: Path | None,
    rules: Rules,
    *,
    can_keep: bool = True,
    reactor: Reactor | None = None,
    fleet: tuple[str, ...] = HOSTS,
) -> AsyncIterator[Stage]:
    """Run an engine with alerts while the context is open."""
    postmen: list[Postman] = []

    def make(memory: str, keep: Callable[[str], None]) -> Postman:
        postmen.append(Postman(memory, keep))
        return postmen[-1]

    engine = Engine(Fleet("test", tuple(map(HostTarget, fleet))), [OneSweep()], interval_s=1.0)
    shelf = AlertShelf(path, "test", can_keep=can_keep, clock=time.time, names=(JUDGEMENTS, DEEDS, TOLD))
    alerting = Alerting(
        facts_at=lambda *_: None,  # type: ignore[arg-type, return-value]
        rules=rules,  # type: ignore[arg-type]
        shelf=shelf,
        telling=Telling(make),
        reactor=reactor,
        pace=lambda _: 0.01,
    )
    engine.alert_with(alerting)
    stage = Stage(
        engine=engine,
        alerting=alerting,
        rules=rules,
        postmen=postmen,
        desk=AlertDesk(alerting, who="anna", fleet="test"),
        published=asyncio.Event(),
        board=AlertBoard(),
        boards=[],
    )

    def take(snapshot: object) -> None:
        stage.board = snapshot.alerts  # type: ignore[attr-defined]
        stage.published.set()

    engine.subscribe(take)
    stage.running = running = asyncio.create_task(engine.run())
    try:
        yield stage
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
