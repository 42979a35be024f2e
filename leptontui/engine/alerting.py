"""Alerts on the engine's loop: evaluates the rules every few seconds, lets alerts live, tells who has to know."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

import msgspec
from polars.exceptions import PanicException

from leptontui.alerts.attributes import attributes_of
from leptontui.alerts.care import settled
from leptontui.alerts.course import Course, Look, advance, grouped, restored, takeover, with_shared
from leptontui.alerts.rules.evaluator import Evaluator
from leptontui.alerts.rules.facts import Facts
from leptontui.alerts.shelf import Changes
from leptontui.alerts.shelf_reading import JUDGEMENTS, judgements_of
from leptontui.alerts.shelf_turn import Remembered
from leptontui.engine.alert_rules import LoadedRules, RuleFile
from leptontui.engine.alert_shelf import AlertShelf
from leptontui.engine.alert_telling import Telling
from leptontui.engine.reacting import Reactor
from leptontui.errors import AlertError
from leptontui.model.alert import AlertBoard, AlertState
from leptontui.model.alert_history import Happening, Transition
from leptontui.model.reaction import Proposal
from leptontui.snapshot import FleetSnapshot

_LOG = logging.getLogger(__name__)

LARGE_FLEET: Final = 200
KEPT_ANEW_S: Final = 60.0
"""What fires is written down this often even if nothing happens, so that its ages are about right after a crash."""
_RULES_PERIOD_S: Final = 5.0
_UNTOLD: Final = frozenset({Happening.PENDING, Happening.LAPSED})
_BORN_OR_ENDED: Final = frozenset({Happening.FIRED, Happening.RESOLVED})

DEEDS, TOLD = "deeds", "notify"


def period_s(hosts: int) -> float:
    """Time between two evaluations: rules count in tens of seconds, and an evaluation costs in proportion."""
    return 2.0 if hosts <= LARGE_FLEET else 5.0


FactsAt = Callable[[FleetSnapshot, float, Evaluator], Facts]
"""Takes, on the loop, what the rules are evaluated on, by (snapshot, unix seconds, evaluator); it is never changed."""


class Alerting:
    """The alerts of one fleet. Everything happens on the loop that runs `run`, what costs time in threads.

    Args:
        facts_at: see `FactsAt`.
        rules: where the rules come from.
        shelf: where alerts are kept.
        clock: unix time.
        telling: tells people; None where nobody is told.
        reactor: runs what may be run; None where nothing may.
        troubles: what is wrong with the configuration, in words.
        pace: time between two evaluations, by the number of hosts.

    Attributes:
        shelf: where alerts are kept.
        cost_s: what the last evaluation took, most of it in a thread.
    """

    def __init__(
        self,
        *,
        facts_at: FactsAt,
        rules: RuleFile,
        shelf: AlertShelf,
        clock: Callable[[], float] = time.time,
        telling: Telling | None = None,
        reactor: Reactor | None = None,
        troubles: tuple[str, ...] = (),
        pace: Callable[[int], float] = period_s,
    ) -> None:
        self.shelf = shelf
        self._pace = pace
        self._facts_at, self._rules, self._clock = facts_at, rules, clock
        self._telling, self._reactor, self._given_troubles = telling, reactor, troubles
        self._loaded: LoadedRules | None = None
        self._loaded_mono_s = float("-inf")
        self._newest: FleetSnapshot | None = None
        self._has_new = asyncio.Event()
        self._course = Course()
        self._turn = asyncio.Lock()
        self._proposals: tuple[Proposal, ...] = ()
        self._evaluated_troubles: tuple[str, ...] = ()
        self._was_keeper: bool | None = None
        self._settled: set[str] = set()
        self._kept: dict[str, str] = {}
        self._alive_kept_unix_s = 0.0
        self._board = AlertBoard()
        self.cost_s = 0.0

    @property
    def course(self) -> Course:
        """Where the alerts are."""
        return self._course

    @property
    def board(self) -> AlertBoard:
        """What is shown; the same object as long as nothing changed."""
        board = replace(
            self._course.board,
            notifiers=self._telling.statuses() if self._telling else (),
            troubles=(
                *(self._loaded.troubles if self._loaded else ()),
                *self._evaluated_troubles,
                *self.shelf.troubles,
                *self._given_troubles,
            ),
            proposals=self._proposals,
            keeper=self.shelf.keeper,
        )
        if board != self._board:
            self._board = board
        return self._board

    def see(self, snapshot: FleetSnapshot) -> None:
        """Take the newest snapshot; it is evaluated when its time comes."""
        self._newest = snapshot
        self._has_new.set()

    async def run(self) -> None:
        """Evaluate until cancelled."""
        remembered = await self.shelf.begin()
        self._course = restored(remembered.alive, self.shelf.shared, remembered.recent, self._clock())
        self._recall(remembered)
        if self._reactor is not None:
            self._reactor.keep = lambda text: self.keep(DEEDS, text)
        if self._telling is not None:
            self._telling.keep = lambda text: self.keep(TOLD, text)
        async with asyncio.TaskGroup() as tasks:
            shelf = tasks.create_task(self.shelf.run())
            try:
                await self._evaluate_on_and_on()
            finally:
                # Before the shelf ends: what they did last is to be written down as well.
                if self._reactor is not None:
                    await self._reactor.close()
                if self._telling is not None:
                    await self._telling.stop()
                shelf.cancel()

    def _recall(self, remembered: Remembered) -> None:
        """Go on from where the instance was that wrote this down: this one earlier, or another until now."""
        self._kept = dict(remembered.kept)
        judged = judgements_of(self._kept.get(JUDGEMENTS, ""))
        self._course = replace(self._course, judged=replace(judged, crossed=self._course.judged.crossed))
        if self._reactor is not None:
            self._reactor.restore(self._kept.get(DEEDS, ""))

    async def _evaluate_on_and_on(self) -> None:
        while True:
            await self._has_new.wait()
            self._has_new.clear()
            began = time.monotonic()
            snapshot = self._newest
            if snapshot is not None:
                try:
                    await self._evaluate(snapshot)
                except (Exception, PanicException) as error:  # noqa: BLE001 — a boundary: the fleet is watched on
                    _LOG.exception("alerts could not be evaluated")
                    self._evaluated_troubles = (f"alerts could not be evaluated: {type(error).__name__}",)
                pause = self._pace(len(snapshot.targets)) - (time.monotonic() - began)
                await asyncio.sleep(max(pause, 4.0 * self.cost_s, 0.05))

    async def _evaluate(self, snapshot: FleetSnapshot) -> None:
        loaded = await self._rules_now()
        async with self._turn:
            now = self._clock()
            began = time.monotonic()
            facts = self._facts_at(snapshot, now, loaded.evaluator)
            course, shared = self._with_settled(), self.shelf.shared
            asked = [(alert.rule, alert.subject) for alert in course.state.alerts]
            longest_step_s = 2.5 * period_s(len(snapshot.targets))

            def work() -> tuple[Course, tuple[Transition, ...], tuple[str, ...]]:
                evaluation = loaded.evaluator.evaluate(facts, asked)
                frames = snapshot.frames
                attributes = attributes_of(snapshot.targets, snapshot.links, frames.hosts, frames.gpus)
                look = Look(now, evaluation, loaded.policies, attributes, shared, longest_step_s)
                moved, told = advance(course, look, snapshot.targets.__contains__)
                return moved, told, evaluation.troubles

            self._course, transitions, self._evaluated_troubles = await asyncio.to_thread(work)
            self.cost_s = time.monotonic() - began
        await self._follow_up(transitions, now)
        if self._reactor is not None:
            self._proposals = self._reactor.react(
                self._course.state.alerts,
                fleet_size=len(snapshot.targets),
                is_keeper=self.shelf.is_keeper,
                policy=loaded.auto,
            )

    async def _rules_now(self) -> LoadedRules:
        if self._loaded is None or time.monotonic() - self._loaded_mono_s >= _RULES_PERIOD_S:
            self._loaded = await asyncio.to_thread(self._rules.changed) or self._loaded
            self._loaded_mono_s = time.monotonic()
        if self._loaded is None:
            raise AlertError("there are no rules")
        return self._loaded

    async def look_after(self) -> None:
        """Let what users said hold now, rather than with the next evaluation."""
        async with self._turn:
            now, course, shared = self._clock(), self._course, self.shelf.shared

            def work() -> tuple[Course, tuple[Transition, ...]]:
                cared, one = with_shared(course, shared, now)
                moved, two = grouped(cared, now)
                return moved, (*one, *two)

            self._course, transitions = await asyncio.to_thread(work)
        await self._follow_up(transitions, now)

    def settle(self, host: str) -> None:
        """An action was verified on this host: what is latched there may end."""
        self._settled.add(host)

    def _with_settled(self) -> Course:
        state = self._course.state
        for host in self._settled:
            state = settled(state, host)
        self._settled.clear()
        return replace(self._course, state=state)

    async def _follow_up(self, transitions: tuple[Transition, ...], now: float) -> None:
        """Write down what happened, and tell whoever has to know, if it is this instance that does."""
        is_keeper = self.shelf.is_keeper
        takes_over, self._was_keeper = is_keeper and self._was_keeper is False, is_keeper
        if takes_over:
            with suppress(AlertError):
                remembered = await self.shelf.remembered()
                self._recall(remembered)
                others = [one for one in transitions if one.happening not in _BORN_OR_ENDED]
                transitions = (*takeover(self._course.state, remembered.alive, now), *others)
        if is_keeper:
            self._write(transitions, now)
        if self._telling is not None and self._course.board.evaluated_unix_s:
            await self._telling.tell(
                self._course.board.groups, transitions, now, is_keeper=is_keeper, memory=self._kept.get(TOLD, "")
            )

    def _write(self, transitions: tuple[Transition, ...], now: float) -> None:
        told = tuple(one for one in transitions if one.happening not in _UNTOLD)
        firing = tuple(alert for alert in self._course.state.alerts if alert.state is AlertState.FIRING)
        if told or (firing and abs(now - self._alive_kept_unix_s) >= KEPT_ANEW_S):
            self._alive_kept_unix_s = now
            ended = frozenset(one.alert.id for one in told if one.happening is Happening.RESOLVED)
            self.shelf.put(Changes(told, firing, ended=ended))
        judged = replace(self._course.judged, crossed=None)
        if judged.records or judged.open:
            self.keep(JUDGEMENTS, msgspec.json.encode(judged).decode())

    def keep(self, name: str, text: str) -> None:
        """Remember a text over a restart."""
        if self._kept.get(name) != text:
            self._kept[name] = text
            self.shelf.put(Changes(kept={name: text}))
