"""What has been realised so far in one class of metrics: members' errors, residuals, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from leptontui.forecast.bands import TIGHTEST, WIDEST, nominal_outside
from leptontui.forecast.grid import GRID, Steps, Values

REMEMBERED: Final = 160
"""Residuals kept for each horizon."""
SKETCHED: Final = 40
"""Quantiles of them that make bands and that are written away."""
SLOWEST: Final = 1.0 / 300.0
"""How much of what is known a new score replaces at least."""
WORST_RATIO: Final = 12.0
"""One score counts as at most so many times the usual error: one burst must not decide."""
PACE: Final = 0.1
"""A band's share outside is adapted by this part of the nominal share at each score."""
EVIDENCE: Final = 200.0
"""Scores that are half of enough to make a band much narrower than the series itself says; wider it is made at once."""
GAIN: Final = 3.0
"""Times the pace: how far a band may be adapted by all forecasts that were made before the first of them was scored:
they all say the same, and what is adapted by late answers at full pace swings."""
_G: Final = len(GRID)


class Experience:
    """Scores of one class, at each horizon of the grid.

    Args:
        names: of the portfolio's members.
        levels: of the bands, in per cent.
    """

    def __init__(self, names: tuple[str, ...], levels: tuple[float, ...]) -> None:
        self.names = names
        self.levels = levels
        self.loss: Values = np.ones((len(names), _G))
        self._losses_seen: Values = np.zeros((len(names), _G))
        self._ring: Values = np.zeros((_G, REMEMBERED))
        self._ringed: Steps = np.zeros(_G, dtype=np.int64)
        self._sketch: Values = np.tile(_first_sketch(), (_G, 1))
        self.shift: Values = np.zeros((len(levels), _G))
        self.scored: Values = np.zeros(_G)
        self.covered: Values = np.zeros((len(levels), _G))
        self.error: Values = np.zeros(_G)
        self.naive_error: Values = np.zeros(_G)

    def outside(self, level_index: int, count: int) -> Values:
        """The share that a band is made to leave outside at the first `count` horizons."""
        nominal = nominal_outside(self.levels[level_index])
        return np.clip(nominal + self.shift[level_index, :count], TIGHTEST * nominal, WIDEST * nominal)

    def residuals(self, count: int) -> Values:
        """Residuals in units of a series' scale at the first `count` horizons, shape (count, SKETCHED)."""
        return self._sketch[:count]

    def learn(
        self,
        at: Steps,
        *,
        actual: Values,
        members: Values,
        mean: Values,
        low: Values,
        high: Values,
        scale: Values,
        scored_then: Values,
    ) -> None:
        """Take in a forecast whose time has come.

        Args:
            at: indices of the horizons that came due, each once, shape (d,).
            actual: what came, shape (d,).
            members: what each member said, NaN where nothing, shape (m, d).
            mean: what was forecast, shape (d,).
            low: lower edge of each band, shape (levels, d).
            high: upper edge of each band, shape (levels, d).
            scale: the series' scale when it was made, shape (d,); 0 where it never moved.
            scored_then: what `scored` was when it was made, shape (d,).
        """
        inside = (low <= actual) & (actual <= high)
        self.scored[at] += 1
        self.covered[:, at] += inside
        crowd = self.scored[at] - scored_then
        for n, level in enumerate(self.levels):
            nominal = nominal_outside(level)
            pace = PACE * nominal / (1.0 + crowd * nominal / GAIN)
            self.shift[n, at] += pace * (nominal - ~inside[n])
            trust = self.scored[at] / (self.scored[at] + EVIDENCE)
            most = (WIDEST - 1.0) * nominal * trust
            self.shift[n, at] = np.clip(self.shift[n, at], (TIGHTEST - 1.0) * nominal, most)
        moved = scale > 0.0
        if not moved.any():
            return
        at, scale = at[moved], scale[moved]
        ratio = np.minimum(np.abs(actual[moved] - members[:, moved]) / scale, WORST_RATIO)
        is_told = np.isfinite(ratio)
        seen = self._losses_seen[:, at] + is_told
        self._losses_seen[:, at] = seen
        rate = np.maximum(1.0 / (seen + 10.0), SLOWEST)
        self.loss[:, at] += np.where(is_told, rate * (np.where(is_told, ratio, 0.0) - self.loss[:, at]), 0.0)
        residual = (actual[moved] - mean[moved]) / scale
        self.error[at] += np.minimum(np.abs(residual), WORST_RATIO)
        self.naive_error[at] += ratio[0]
        self._ring[at, self._ringed[at] % REMEMBERED] = np.clip(residual, -2 * WORST_RATIO, 2 * WORST_RATIO)
        self._ringed[at] += 1
        for index in at[self._ringed[at] % _RESKETCH == 0]:
            self._take_sketch(int(index))

    def _take_sketch(self, index: int) -> None:
        kept = self._ring[index, : min(int(self._ringed[index]), REMEMBERED)]
        # A few residuals are not yet a distribution: what was assumed at first fades as they come.
        first = _first_sketch()
        own = np.quantile(kept, _SHARES)
        trust = len(kept) / (len(kept) + 20.0)
        self._sketch[index] = trust * own + (1.0 - trust) * first

    def exported(self) -> dict[str, Any]:
        """Plain lists and numbers, from which `restored` makes the same again."""
        return {
            "names": list(self.names),
            "levels": list(self.levels),
            **{name: getattr(self, name).tolist() for name in _ARRAYS},
        }

    @classmethod
    def restored(cls, state: dict[str, Any], names: tuple[str, ...], levels: tuple[float, ...]) -> Experience:
        """What was exported; members and levels that are new begin afresh.

        Raises:
            ValueError, TypeError, KeyError: the state is none.
        """
        fresh = cls(names, levels)
        old = {name: np.asarray(state[name], dtype=np.float64) for name in _ARRAYS}
        was_names, was_levels = list(state["names"]), [float(level) for level in state["levels"]]
        for name, found in old.items():
            mine = getattr(fresh, name)
            now, then = _rows_of(name, (names, was_names), (levels, was_levels))
            expected = (len(then), _G) if then else mine.shape
            if found.shape != expected or not np.isfinite(found).all():
                raise ValueError(f"{name}: not of shape {expected}")
            if name not in _SIGNED and ((found < 0.0) | (found > _MOST)).any():
                raise ValueError(f"{name}: not from 0 to {_MOST:g}")
            if not then:
                mine[...] = found
            for n, row in enumerate(now):
                if row in then:
                    mine[n] = found[then.index(row)]
        return fresh


_ARRAYS: Final = (
    "loss", "_losses_seen", "_ring", "_ringed", "_sketch", "shift", "scored", "covered", "error", "naive_error",
)  # fmt: skip
_SIGNED: Final = frozenset({"_ring", "_sketch", "shift"})
_MOST: Final = 1e15
"""More than can have been counted."""
_Rows = tuple[Sequence[object], Sequence[object]]


def _rows_of(name: str, members: _Rows, levels: _Rows) -> _Rows:
    """What the rows of an array are now, and were when it was written; nothing where it has none that may change."""
    if name in {"loss", "_losses_seen"}:
        return members
    return levels if name in {"shift", "covered"} else ((), ())


_RESKETCH: Final = 10
_CAUTION: Final = 1.2
_SHARES: Final = (np.arange(SKETCHED) + 0.5) / SKETCHED


def _first_sketch() -> Values:
    """What is assumed before anything was realised: a Laplace distribution's, rather too wide than too narrow."""
    found: Values = -_CAUTION * np.sign(_SHARES - 0.5) * np.log(1.0 - 2.0 * np.abs(_SHARES - 0.5))
    return found
