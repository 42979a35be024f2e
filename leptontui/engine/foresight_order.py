"""What to forecast next: what is on the screen, then what is near a threshold or rising, then the fleet in turn."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Final

from leptontui.engine.foresight_budget import Budget
from leptontui.engine.foresight_kinds import FAR_S, NEAR_S, ONLY_SLOW, SLOW, SPANS, Job
from leptontui.engine.foresight_turn import Turn
from leptontui.model.focus import Focus
from leptontui.model.series import SeriesKey

BATCH_S: Final = 0.2
"""CPU time of one batch, about: a new focus waits no longer."""
MOST_IN_BATCH: Final = 64
TREND_PACE_S: Final = 60.0
"""A trend cell shows minutes."""
HEAVY_TRENDS: Final = 16
"""With no more trend cells in view than this the costly models are used for them, too."""
GRACE_S: Final = 1.5
"""A bucket is closed so long before it is looked at: sweeps are on their way."""
IDLE_S: Final = 2.0
"""Where nothing of the fleet was due it is not looked through again before."""
_FIRST_COST_S: Final = 0.02
_LEARNS: Final = 0.2
LONGEST_WAIT_S: Final = 1.0


class Order:
    """Decides what is forecast next, within a budget. Pure: times are told.

    Args:
        budget: what may be spent.

    Attributes:
        budget: likewise.
        turn: the fleet.
        risks: series that may cross their threshold, the most urgent first.
        focus: what is on the screen.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.turn = Turn()
        self.risks: Sequence[tuple[SeriesKey, float]] = ()
        self.focus = Focus()
        self._tried: dict[tuple[SeriesKey, float], tuple[float, bool]] = {}
        self._idle_since_s = -math.inf
        self._cost_s = {False: _FIRST_COST_S, True: _FIRST_COST_S}

    def next_batch(self, now_unix_s: float, now_s: float) -> list[Job]:
        """What to forecast now, most urgent first; empty where nothing is due or nothing may be spent.

        Args:
            now_unix_s: of the samples.
            now_s: the budget's clock.
        """
        left_s = self.budget.left_s(now_s)
        if self.budget.may_borrow(now_s) and (batch := self._due(self._on_screen(), now_unix_s)):
            return batch
        if left_s <= 0:
            return []
        if batch := self._due(self._at_risk(), now_unix_s):
            return batch
        if 0.0 <= now_s - self._idle_since_s < IDLE_S:
            return []
        most = max(1, min(MOST_IN_BATCH, int(min(BATCH_S, left_s) / self._cost_s[False])))
        batch = self.turn.next(most, lambda job, pace_s: self._is_due(job, pace_s, now_unix_s))
        self._idle_since_s = -math.inf if batch or not self.turn.series else now_s
        return batch

    def made(self, batch: Sequence[Job], seconds: float, now_unix_s: float, now_s: float) -> None:
        """A batch was tried and took so many CPU seconds."""
        self.budget.spend(seconds, now_s)
        for job in batch:
            self._tried[job.key, job.step_s] = (now_unix_s, job.is_whole)
        if batch:
            heavy = any(job.is_heavy for job in batch)
            self._cost_s[heavy] += _LEARNS * (max(seconds / len(batch), 1e-5) - self._cost_s[heavy])

    def forget(self, hosts: Collection[str]) -> None:
        """Forget when what was tried of some hosts."""
        self._tried = {tried: at for tried, at in self._tried.items() if tried[0].host not in hosts}

    def forget_before(self, unix_s: float) -> None:
        """Forget what was last tried before."""
        self._tried = {tried: at for tried, at in self._tried.items() if at[0] >= unix_s}

    def _on_screen(self) -> list[tuple[Job, float]]:
        """Jobs of what is on the screen with their pace; the large chart first."""
        chart, found = self.focus.chart, []
        if chart is not None:
            kind = (chart.entity, chart.metric)
            if kind not in ONLY_SLOW:
                found.append((Job(chart, NEAR_S, is_heavy=True, is_whole=True), SPANS[NEAR_S].screen_pace_s))
            if kind in SLOW:
                found.append((Job(chart, FAR_S, is_heavy=True, is_whole=True), SPANS[FAR_S].screen_pace_s))
        trends = sorted(self.focus.trends - {chart} if chart is not None else self.focus.trends)
        heavy = len(trends) <= HEAVY_TRENDS
        found += [(Job(key, NEAR_S, is_heavy=heavy, is_whole=True), TREND_PACE_S) for key in trends]
        return found

    def _at_risk(self) -> list[tuple[Job, float]]:
        return [
            (Job(key, step_s, is_heavy=True, is_whole=True), SPANS[step_s].risk_pace_s) for key, step_s in self.risks
        ]

    def _due(self, wanted: list[tuple[Job, float]], now_unix_s: float) -> list[Job]:
        """Those that are due, as many as fit into one batch."""
        found: list[Job] = []
        cost_s = 0.0
        for job, pace_s in wanted:
            if cost_s >= BATCH_S or len(found) >= MOST_IN_BATCH:
                break
            if self._is_due(job, pace_s, now_unix_s):
                found.append(job)
                cost_s += self._cost_s[job.is_heavy]
        return found

    def _is_due(self, job: Job, pace_s: float, now_unix_s: float) -> bool:
        """Whether a pace has passed since it was last tried, or all of it is wanted now, or the clock was set back."""
        at, was_whole = self._tried.get((job.key, job.step_s), (None, False))
        if at is None or at > now_unix_s + job.step_s or (job.is_whole and not was_whole):
            return True
        return (now_unix_s - GRACE_S) // pace_s > (at - GRACE_S) // pace_s
