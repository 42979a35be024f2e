"""A damped-trend exponential smoothing forecast of one series, with bands. Runs in the worker only.

The model is ETS(A,Ad,N) by maximum likelihood (Hyndman et al., Forecasting with Exponential Smoothing, 2008, chapter
3; bands: its table 6.2): its trend levels off, so that a forecast of 90 steps from a short past does not run away.
"""

from __future__ import annotations

import warnings
from typing import Final

import numpy as np
import numpy.typing as npt
from statsforecast.ets import ets_f
from statsforecast.models import AutoETS

from leptontui.forecast.protocol import Bands

Values = npt.NDArray[np.float64]

MIN_POINTS: Final = 10
"""Fewer cannot be fitted: the model has five parameters and needs residuals for its bands."""
MAX_POINTS: Final = 180
"""What is older is not used: the cost grows with the length, the forecast hardly changes."""
MAX_GAP_STEPS: Final = 6
"""A longer gap ends the past: what was before says little about what comes after."""

_ETS: Final = "AAN"
_MODEL: Final = "damped ETS"
_CONSTANT: Final = "constant"
_RELATIVE_ROUNDING: Final = 1e-6
"""Values are 32-bit means: what differs by less than this share of their size does not differ."""
_NARROWEST_80: Final = 0.02
_NARROWEST_95: Final = 0.03
"""Half-widths in standard deviations of the past that a band keeps however well the model fits, or where it is
clipped: only a constant is certain."""
_LARGEST: Final = 1e6
"""Standard deviations from the past's mean beyond which a forecast is no forecast."""


class ModelFailedError(Exception):
    """The model gave nothing usable."""


def forecast_one(values: Values, steps: int, lower: float | None, upper: float | None) -> Bands | None:
    """Forecast one series.

    Args:
        values: its past on a regular grid, NaN where not sampled, shape (n,).
        steps: how many steps to forecast.
        lower: physical lower bound, None for none.
        upper: physical upper bound, None for none.

    Returns:
        bands of shape (steps,), counted from the last sampled value; within the bounds, lo95 ≤ lo80 ≤ mean ≤ hi80 ≤
        hi95. None where fewer than `MIN_POINTS` are left after the last long gap, or it is in such a gap now.

    Raises:
        ModelFailedError: the model gave nothing usable.
    """
    past = usable(values)
    if past is None:
        return None
    floor, ceiling = (-np.inf if lower is None else lower), (np.inf if upper is None else upper)
    if np.ptp(past) <= _RELATIVE_ROUNDING * float(np.abs(past).max()):
        level = (float(np.clip(past[-1], floor, ceiling)),) * steps
        return Bands(level, level, level, level, level, _CONSTANT)
    centre, scale = float(past.mean()), float(past.std())
    edges = _damped_trend((past - centre) / scale, steps)
    return _clipped(edges, floor, ceiling, centre, scale)


def usable(values: Values) -> Values | None:
    """The last stretch without a long gap, short gaps interpolated, or None if there is too little of it."""
    sampled = np.flatnonzero(np.isfinite(values))
    if not len(sampled) or len(values) - 1 - sampled[-1] > MAX_GAP_STEPS:
        return None
    breaks = np.flatnonzero(np.diff(sampled) - 1 > MAX_GAP_STEPS)
    stretch = sampled[breaks[-1] + 1 :] if len(breaks) else sampled
    stretch = stretch[stretch > stretch[-1] - MAX_POINTS]
    if len(stretch) < MIN_POINTS:
        return None
    filled: Values = np.interp(np.arange(stretch[0], stretch[-1] + 1), stretch, values[stretch])
    return filled


def _damped_trend(past: Values, steps: int) -> tuple[Values, ...]:
    """Mean, lo80, hi80, lo95, hi95 of a standardised past, shape (steps,) each.

    This is `AutoETS.forecast`, fitted with `nmse=1`: how many steps of errors the fit keeps for a statistic that is not
    used here. The estimates are the same; it takes half the time.
    """
    model = AutoETS(season_length=1, model=_ETS, damped=True)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what the fit complains of shows in its result, which is checked
        try:
            model.model_ = ets_f(past, m=1, model=_ETS, damped=True, nmse=1)  # type: ignore[no-untyped-call]
            made = model.predict(h=steps, level=[80, 95])
        except Exception as error:  # the library raises bare Exception
            raise ModelFailedError(str(error)) from error
    if model.model_["components"] != "AAND":
        raise ModelFailedError(f"it fitted {model.model_['components']} instead")
    edges = tuple(np.asarray(made[name], dtype=np.float64) for name in ("mean", "lo-80", "hi-80", "lo-95", "hi-95"))
    if not all(np.isfinite(edge).all() and np.abs(edge).max() <= _LARGEST for edge in edges):
        raise ModelFailedError("it ran away")
    return edges


def _clipped(edges: tuple[Values, ...], floor: float, ceiling: float, centre: float, scale: float) -> Bands:
    """Standardised edges in the series' unit: within its bounds, in order, never narrower than the narrowest."""
    mean, lo80, hi80, lo95, hi95 = (edge * scale + centre for edge in edges)
    half80 = min(_NARROWEST_80 * scale, (ceiling - floor) / 4)
    half95 = min(_NARROWEST_95 * scale, (ceiling - floor) / 3)
    mean = np.clip(mean, floor, ceiling)
    lo80 = np.clip(np.minimum(lo80, mean - half80), floor, ceiling - half80)
    hi80 = np.clip(np.maximum(hi80, mean + half80), floor + half80, ceiling)
    lo95 = np.minimum(np.clip(np.minimum(lo95, mean - half95), floor, ceiling - half95), lo80)
    hi95 = np.maximum(np.clip(np.maximum(hi95, mean + half95), floor + half95, ceiling), hi80)
    return Bands(_listed(mean), _listed(lo80), _listed(hi80), _listed(lo95), _listed(hi95), _MODEL)


def _listed(edge: Values) -> tuple[float, ...]:
    return tuple(edge.tolist())
