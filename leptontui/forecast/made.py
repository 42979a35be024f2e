"""What a forecast is, and what has become of those made before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from leptontui.forecast.grid import Values

TOLD: Final = 3
"""Members that are named."""
_LEAST_SHARE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Track:
    """What has been realised of earlier forecasts of a metric's class.

    Attributes:
        steps: the horizon it speaks of.
        scored: forecasts whose time has come.
        coverage: of each band, by its level in per cent: the share of values that came to lie in it.
        relative_error: mean absolute error over that of the last value, each series counted in its own scale; None if
            nothing ever moved.
    """

    steps: int
    scored: int
    coverage: Mapping[float, float]
    relative_error: float | None

    @property
    def coverage80(self) -> float | None:
        """Of the 80 % band, None if there is none."""
        return self.coverage.get(80.0)

    @property
    def coverage95(self) -> float | None:
        """Of the 95 % band, None if there is none."""
        return self.coverage.get(95.0)


@dataclass(frozen=True, slots=True)
class Made:
    """A forecast, within its bounds.

    Attributes:
        mean: point forecast (the weighted median of the members), shape (steps,).
        edges: lower and upper edge of each band by its level in per cent, shape (steps,) each.
        model: what made it, in words: the members that weigh most.
        fallback: why no model was fitted: "too short", "constant", "binary", "model failed"; "" if one was.
        track: what became of earlier forecasts of its class; None before the first was scored.
        regime_steps: length of the stretch it was made from: since the last gap or level shift.
    """

    mean: Values
    edges: Mapping[float, tuple[Values, Values]]
    model: str
    fallback: str
    track: Track | None
    regime_steps: int

    @property
    def lo80(self) -> Values:
        """Lower edge of the 80 % band, shape (steps,)."""
        return self.edges[80.0][0]

    @property
    def hi80(self) -> Values:
        """Upper edge of the 80 % band, shape (steps,)."""
        return self.edges[80.0][1]

    @property
    def lo95(self) -> Values:
        """Lower edge of the 95 % band, shape (steps,)."""
        return self.edges[95.0][0]

    @property
    def hi95(self) -> Values:
        """Upper edge of the 95 % band, shape (steps,)."""
        return self.edges[95.0][1]


def described(names: Sequence[str], weights: Values) -> str:
    """The members that weigh most, in words: "median 61 %, damped ETS 39 %".

    Args:
        names: of the members; kinds of one member ("median 15", "EWM 0.3") are taken together.
        weights: of the members, summing to 1, shape (m,).
    """
    shares: defaultdict[str, float] = defaultdict(float)
    for name, weight in zip(names, weights.tolist(), strict=True):
        shares[_family(name)] += weight
    most = sorted(shares.items(), key=lambda item: -item[1])[:TOLD]
    return ", ".join(f"{name} {round(100 * share)} %" for name, share in most if share >= _LEAST_SHARE)


def _family(name: str) -> str:
    words = name.removeprefix("whole ").split()
    return words[0] if words[0] in {"EWM", "median", "seasonal"} else name
