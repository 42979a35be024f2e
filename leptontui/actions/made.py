"""Plans that were made and can still be run: as long as what was read for them holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from leptontui.actions.guard import MAX_PLAN_AGE_S, PLAN_UNKNOWN
from leptontui.actions.reach import Prepared
from leptontui.actions.setting import Setting
from leptontui.model.action import Plan

_MOST: Final = 8192
"""Plans kept at most: a rollout plans every host of a fleet."""

_KEPT_S: Final = 4 * MAX_PLAN_AGE_S
"""A plan that is too old is still known for a while, so that it is said to be too old."""


class Made:
    """On one event loop.

    Args:
        clock: unix seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._plans: dict[str, tuple[Prepared, Setting]] = {}

    def keep(self, prepared: Prepared, setting: Setting) -> None:
        """Keep a plan; the oldest go."""
        self._plans[prepared.plan.plan_id] = (prepared, setting)
        oldest = self._clock() - _KEPT_S
        while self._plans:
            first = next(iter(self._plans))
            if len(self._plans) <= _MOST and self._plans[first][0].made_unix_s >= oldest:
                break
            del self._plans[first]

    def find(self, plan_id: str) -> tuple[Prepared, Setting] | None:
        """A plan, and what it was made in; None if it is not known, or was run."""
        return self._plans.get(plan_id)

    def all_of(self, plans: Sequence[Plan]) -> list[tuple[Prepared, Setting]]:
        """All of these.

        Raises:
            GuardRefused: one of them is not known any more: nothing can be said of them together.
        """
        found = [self._plans.get(plan.plan_id) for plan in plans]
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            raise PLAN_UNKNOWN.refusal()
        return known

    def drop(self, plan_id: str) -> None:
        """It is run now: it cannot be run again."""
        self._plans.pop(plan_id, None)
