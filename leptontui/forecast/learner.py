"""What the worker does with a task: one portfolio that learns from every forecast whose time has come. Worker only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
import numpy as np

from leptontui.forecast.eta import eta_of
from leptontui.forecast.made import Made
from leptontui.forecast.past import Past
from leptontui.forecast.portfolio import Portfolio
from leptontui.forecast.protocol import EDGES, Score, Start, Task, Told

if TYPE_CHECKING:
    from leptontui.forecast.grid import Values

_LEVELS: Final = (80.0, 95.0)
_FORMAT: Final = "leptontui forecasts 1"
"""What is said in front of what was learned: an other one is not ours."""


class Member(Protocol):
    """A member of the portfolio from outside."""

    name: str

    def path(self, past: Past, steps: int) -> Values | None:
        """Its point forecast, shape (steps,); None where it has none."""


class Learner:
    """Forecasts tasks and learns from what came.

    Args:
        portfolio: that forecasts, scores and learns.
        members: further ones; weighted by their realised error alone.
    """

    def __init__(self, portfolio: Portfolio, members: tuple[Member, ...] = ()) -> None:
        self._portfolio = portfolio
        self._members = members

    @classmethod
    def started(cls, start: Start, members: tuple[Member, ...] = ()) -> tuple[Learner, str]:
        """A learner that knows what an earlier one had learned; and why it does not, in words, "" if all is well."""
        fresh = Portfolio(_LEVELS, tuple(member.name for member in members))
        if not start.learned:
            return cls(fresh, members), ""
        state = _state_of(start.learned)
        if state is None:
            return cls(fresh, members), "what was learned before cannot be read: forecasts learn anew"
        if state.get("version") != fresh.export()["version"]:
            return cls(fresh, members), "what was learned before is of another method: forecasts learn anew"
        return cls(Portfolio.restored(state, _LEVELS, fresh.outside), members), ""

    @property
    def failed(self) -> int:
        """How many models have failed so far."""
        return self._portfolio.fallbacks["model failed"]

    def answer(self, task: Task) -> Told | None:
        """Forecast one series; None where nothing can be said."""
        values = np.frombuffer(task.values, dtype=np.float32).astype(np.float64)
        past = Past(
            key=task.key,
            metric=task.metric,
            values=values,
            t_unix_s=task.end_unix_s,
            step_s=task.step_s,
            lower=task.lower,
            upper=task.upper,
        )
        members = self._members if task.is_heavy else ()
        extra = {member.name: path for member in members if (path := member.path(past, task.steps)) is not None}
        made = self._portfolio.forecast(past, task.steps, is_heavy=task.is_heavy, extra=extra or None)
        return None if made is None else _told(made, task, _last_of(values))

    def forget(self, before_unix_s: float) -> None:
        """Forget series that were not seen since."""
        self._portfolio.forget(before_unix_s)

    def learned(self) -> bytes:
        """What was learned so far, for the next one."""
        return msgspec.msgpack.encode([_FORMAT, self._portfolio.export()])


def _state_of(learned: bytes) -> dict[str, Any] | None:
    try:
        form, state = msgspec.msgpack.decode(learned, type=tuple[str, dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return state if form == _FORMAT else None


def _told(made: Made, task: Task, last: float | None) -> Told:
    lines = [np.asarray(getattr(made, name), dtype=np.float64) for name in EDGES]
    chosen = lines if not task.told else [line[np.array(task.told) - 1] for line in lines]
    track = made.track
    score = None
    if track is not None and track.coverage80 is not None and track.coverage95 is not None:
        score = Score(track.steps, track.scored, track.coverage80, track.coverage95, track.relative_error)
    return Told(
        edges=np.concatenate(chosen).tobytes(),
        model=made.model,
        fallback=made.fallback,
        last=last,
        eta=_eta(task, lines, last),
        score=score,
        past_steps=made.regime_steps,
    )


def _eta(task: Task, lines: list[Values], last: float | None) -> tuple[float | None, float, float | None] | None:
    if task.threshold is None or last is None:
        return None
    near = lines[2] if task.is_rising_bad else lines[1]
    worst = max(near.max(), lines[0].max()) if task.is_rising_bad else -min(near.min(), lines[0].min())
    if worst < (task.threshold if task.is_rising_bad else -task.threshold):
        return None  # by far the most: nothing comes near
    mean, lo80, hi80 = (line.tolist() for line in lines[:3])
    found = eta_of(
        last=last,
        mean=mean,
        lo80=lo80,
        hi80=hi80,
        threshold=task.threshold,
        is_rising_bad=task.is_rising_bad,
        origin_unix_s=task.end_unix_s,
        step_s=task.step_s,
    )
    return None if found is None else (found.expected_unix_s, found.earliest_unix_s, found.latest_unix_s)


def _last_of(values: Values) -> float | None:
    sampled = np.flatnonzero(np.isfinite(values))
    return float(values[sampled[-1]]) if len(sampled) else None
