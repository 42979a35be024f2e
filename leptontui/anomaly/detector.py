"""The detector: one value of each series in, one score of each out; nothing is known of what comes later."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from leptontui.anomaly.calibration import Calibration
from leptontui.anomaly.expectation import Deviations, Expectation
from leptontui.anomaly.rarity import Rarity
from leptontui.anomaly.settings import Settings
from leptontui.anomaly.table import Floats, Rows

_WEIGHTS: Final = (1.0, 1.0, 1.0, 0.5, 0.5)
"""Of the rarities of step, place, phase, level and swing in a surprise."""
_NOW: Final = 0.3
_HELD: Final = 0.7
_HOLD: Final = 0.1
_SIGMAS: Final = 6.0
"""A surprise counts standard deviations besides, now and as a recent mean, up to this many: what lasts stays odd."""
_HUGE: Final = 1e100


class Reason(IntEnum):
    """What was oddest about a value; the order is that of the parts of a surprise."""

    STEP = 0
    PLACE = 1
    PHASE = 2
    LEVEL = 3
    SWING = 4
    CALM = 5
    """The swing, where it is less than usual."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be said of one value of each series; arrays of shape (rows,).

    Attributes:
        score: see `leptontui.model.anomaly.Surprise`; NaN where nothing was measured or the series is still learnt.
        expected: the forecast.
        half_width: half the width of the forecast's band.
        middle: of the series' past, or of the time of day where that is the reason.
        usual_width: how far from it values usually are.
        deviation: signed, from the series' middle, in units of what is usual; 0 where nothing was measured.
        reason: `Reason` of each.
    """

    score: Floats
    expected: Floats
    half_width: Floats
    middle: Floats
    usual_width: Floats
    deviation: Floats
    reason: npt.NDArray[np.int8]


class Detector:
    """Judges series, all of them at once.

    Args:
        step_s: nominal time between two values of each series, shape (rows,).
        settings: see `Settings`.
        least: deviations, in the series' units, that are none, shape (rows,); None for zeros.
    """

    def __init__(self, step_s: Floats, settings: Settings | None = None, least: Floats | None = None) -> None:
        self.settings = settings or Settings()
        rows = len(step_s)
        self._parts = len(_WEIGHTS) if self.settings.has_season else len(_WEIGHTS) - 1
        self._weights = np.array(
            _WEIGHTS if self.settings.has_season else (*_WEIGHTS[: Reason.PHASE], *_WEIGHTS[Reason.LEVEL :])
        )
        self._expectation = Expectation(rows, self.settings)
        self._rarities = [Rarity(rows, is_shared=self.settings.is_shared) for _ in range(self._parts)]
        self._calibration = Calibration(step_s, self.settings.merge_s)
        self._step_s = np.array(step_s, dtype=np.float64)
        self._held = np.zeros(rows)
        self._last_unix_s = np.full(rows, np.nan)
        self._expectation.set_steps(np.arange(rows), self._step_s, np.zeros(rows) if least is None else least)

    def __len__(self) -> int:
        return len(self._step_s)

    @property
    def threshold(self) -> float:
        """The score from which on a value is an alarm at the rate that is allowed."""
        return -math.log10(self.settings.rate_per_day)

    @property
    def count(self) -> Floats:
        """Values seen of each series, shape (rows,)."""
        return self._expectation.count

    def nbytes(self) -> int:
        """Bytes reserved."""
        kept = self._expectation.nbytes() + self._calibration.nbytes() + sum(part.nbytes() for part in self._rarities)
        return kept + self._held.nbytes + self._last_unix_s.nbytes + self._step_s.nbytes

    def resize(self, step_s: Floats, least: Floats | None = None) -> None:
        """Take more series; `step_s` and `least` are those of all rows, those of the old ones are left as they were."""
        old, rows = len(self), len(step_s)
        if rows <= old:
            return
        self._step_s = np.concatenate([self._step_s, np.asarray(step_s, dtype=np.float64)[old:]])
        self._held = np.concatenate([self._held, np.zeros(rows - old)])
        self._last_unix_s = np.concatenate([self._last_unix_s, np.full(rows - old, np.nan)])
        self._expectation.resize(rows)
        for part in self._rarities:
            part.resize(rows)
        self._calibration.resize(self._step_s)
        new = np.arange(old, rows)
        self._expectation.set_steps(new, self._step_s[old:], np.zeros(rows - old) if least is None else least[old:])

    def forget(self, rows: Rows) -> None:
        """Forget some series: what comes next in their rows is of others."""
        self._expectation.forget(rows)
        for part in self._rarities:
            part.forget(rows)
        self._calibration.forget(rows)
        self._held[rows] = 0.0
        self._last_unix_s[rows] = np.nan

    def set_steps(self, rows: Rows, step_s: Floats) -> None:
        """Say anew how far apart the values of some series are."""
        self._step_s[rows] = step_s
        self._calibration.set_steps(rows, step_s)
        self._expectation.set_steps(rows, step_s, np.zeros(len(rows)))

    def advance(self, values: Floats, at_unix_s: Floats) -> Judgement:
        """Judge the next value of every series by what came before, and learn from it.

        Args:
            values: NaN or infinite where nothing was measured, shape (rows,).
            at_unix_s: when, shape (rows,).
        """
        said = np.isfinite(values)
        value = np.clip(np.where(said, values, 0.0), -_HUGE, _HUGE)
        pause = at_unix_s - self._last_unix_s
        anew = pause > self.settings.gap_steps * self._step_s
        at = np.where(np.isfinite(at_unix_s), at_unix_s, 0.0)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found = self._expectation.advance(value, said, at, anew)
            surprise, reason = self._surprise(found, said)
        is_known = said & (self._expectation.count > self.settings.warm_steps)
        score = self._calibration.score(surprise, is_known)
        self._last_unix_s = np.where(said, at_unix_s, self._last_unix_s)
        is_phase = reason == Reason.PHASE
        return Judgement(
            score=score,
            expected=found.expected,
            half_width=found.half_width,
            middle=np.where(is_phase, self._expectation.season_level, self._expectation.middle),
            usual_width=self._expectation.usual_width,
            deviation=np.where(said, found.place, 0.0),
            reason=reason,
        )

    def _surprise(self, found: Deviations, said: npt.NDArray[np.bool_]) -> tuple[Floats, npt.NDArray[np.int8]]:
        parts = [found.step, found.place, found.phase, found.level, found.swing]
        if not self.settings.has_season:
            del parts[Reason.PHASE]
        rare = np.stack([kept.judge(part, said) for kept, part in zip(self._rarities, parts, strict=True)])
        sigmas = np.where(said, np.minimum(found.spread, _SIGMAS), 0.0)
        # Before there is a past, standard deviations are of nothing.
        sigmas = np.where(self._expectation.count > self.settings.warm_steps, sigmas, 0.0)
        self._held = np.where(said, self._held + _HOLD * (sigmas - self._held), self._held)
        weighed = rare * self._weights[:, None]
        reason = np.argmax(weighed, axis=0)
        if not self.settings.has_season:
            reason = reason + (reason >= Reason.PHASE)
        reason = np.where((reason == Reason.SWING) & (found.swing < 0), Reason.CALM, reason)
        return weighed.sum(axis=0) + _NOW * sigmas + _HELD * self._held, reason.astype(np.int8)
