"""Members whose parameters statsforecast fits: simple and damped exponential smoothing, Theta, ARIMA, seasonal ARIMA.

Fitting is what costs; a fit is kept for a while and its model only run over what came since. Every model is run from
the same start as it was fitted from, which gives what it would have forecast at each origin on the way.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.signal import lfilter

from leptontui.forecast.grid import Steps, Values

FIT_POINTS: Final = 120
"""What is older is not fitted to: the cost grows with the length, the forecast hardly changes."""
LEAST_POINTS: Final = 24
"""Fewer are not fitted: a damped trend has five parameters."""
LONGEST_PATH: Final = 120
"""Steps that an ARIMA is run ahead; beyond, its last value stands."""

DAMPED, SIMPLE, THETA, ARIMA, SARIMA = "damped ETS", "ETS", "Theta", "ARIMA", "SARIMA"
FITTED: Final = (DAMPED, SIMPLE, THETA, ARIMA, SARIMA)
"""Names of the members."""


class ModelFailedError(Exception):
    """A model gave nothing usable."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A model's parameters.

    Attributes:
        name: one of `FITTED`.
        centre, scale: what its values were standardised with.
        parameters: smoothing: alpha, beta, phi, first level, first trend; Theta: alpha, first level; ARIMA: the mean.
        ar, ma: an ARIMA's polynomials in the lag, differences multiplied out, with a leading 1.
    """

    name: str
    centre: float
    scale: float
    parameters: tuple[float, ...]
    ar: tuple[float, ...] = ()
    ma: tuple[float, ...] = ()


def fit(name: str, values: Values, season: int = 0) -> Fit:
    """Fit one member.

    Args:
        name: one of `FITTED`.
        values: without missing values and not constant, shape (n,).
        season: length of the season in steps, for SARIMA.

    Raises:
        ModelFailedError: it gave nothing usable.
    """
    centre, scale = float(values.mean()), float(values.std())
    if not (np.isfinite(scale) and scale > 0.0):
        raise ModelFailedError(f"{name}: nothing varies")
    standard = (values - centre) / scale
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what the fit complains of shows in its result, which is checked
        try:
            found = _FITTERS[name](standard, season)
        except Exception as error:  # the library raises bare Exception
            raise ModelFailedError(f"{name}: {error}") from error
    numbers = np.array([*found[0], *found[1], *found[2]])
    if not np.isfinite(numbers).all():
        raise ModelFailedError(f"{name}: a parameter is not a number")
    return Fit(name, centre, scale, *found)


def paths(fitted: Fit, values: Values, grid: Steps) -> Values:
    """What the member forecasts at every origin.

    Args:
        fitted: its parameters.
        values: from the value that it was fitted from, without missing values, shape (n,).
        grid: horizons, shape (g,).

    Returns:
        Shape (g, n); NaN where the model ran away.
    """
    standard = (values - fitted.centre) / fitted.scale
    with np.errstate(all="ignore"):
        made = _RUNNERS[fitted.name](fitted, standard, grid)
        made[~(np.abs(made) < _LARGEST)] = np.nan
    restored: Values = made * fitted.scale + fitted.centre
    return restored


_LARGEST: Final = 1e6
"""Standard deviations from the mean beyond which a forecast is no forecast."""
_Found = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]


def _fit_smoothing(model: str, *, is_damped: bool) -> Callable[[Values, int], _Found]:
    """ETS by maximum likelihood (Hyndman et al., Forecasting with Exponential Smoothing, 2008, chapter 5)."""

    def fitter(standard: Values, _season: int) -> _Found:
        from statsforecast.ets import ets_f  # noqa: PLC0415 — half a second and 140 MB, for who fits only

        # nmse=1: how many steps of errors are kept for a statistic that is not used here; it takes half the time.
        found = ets_f(standard, m=1, model=model, damped=is_damped, nmse=1)  # type: ignore[no-untyped-call]
        par = np.asarray(found["par"], dtype=np.float64)
        if is_damped:
            alpha, beta, _, phi, level, trend = par[:6]
            return (alpha, beta, phi, level, trend), (), ()
        return (float(par[0]), float(par[-1])), (), ()

    return fitter


def _fit_theta(standard: Values, _season: int) -> _Found:
    from statsforecast.theta import auto_theta  # noqa: PLC0415 — likewise

    par = auto_theta(standard, m=1, model="STM", nmse=1)["par"]  # type: ignore[no-untyped-call]
    return (float(par["alpha"]), float(par["initial_smoothed"])), (), ()


def _fit_arima(standard: Values, _season: int) -> _Found:
    from statsforecast.arima import auto_arima_f  # noqa: PLC0415 — likewise

    found = auto_arima_f(  # type: ignore[no-untyped-call]
        standard, seasonal=False, max_p=3, max_q=3, max_d=1, allowdrift=False, approximation=True
    )
    return _polynomials(found)


def _fit_sarima(standard: Values, season: int) -> _Found:
    """(1,0,1)(0,1,1) by conditional sums of squares: the airline model with a stationary, not a wandering, level."""
    from statsforecast.models import ARIMA as FixedArima  # noqa: N811, PLC0415 — likewise

    model = FixedArima(order=(1, 0, 1), season_length=season, seasonal_order=(0, 1, 1), method="CSS")
    return _polynomials(model.fit(standard).model_)


_FITTERS: Final[dict[str, Callable[[Values, int], _Found]]] = {
    DAMPED: _fit_smoothing("AAN", is_damped=True),
    SIMPLE: _fit_smoothing("ANN", is_damped=False),
    THETA: _fit_theta,
    ARIMA: _fit_arima,
    SARIMA: _fit_sarima,
}


def _polynomials(model: dict[str, Any]) -> _Found:
    """An ARIMA's polynomials with seasons and differences multiplied out (Box and Jenkins, 1976, chapter 9)."""
    p, q, seasonal_p, seasonal_q, season, d, seasonal_d = (int(n) for n in model["arma"])
    coefficients: dict[str, float] = dict(model["coef"])

    def polynomial(name: str, count: int, lag: int, sign: float) -> Values:
        found = np.zeros(count * lag + 1)
        found[0] = 1.0
        for n in range(1, count + 1):
            found[n * lag] = sign * coefficients[f"{name}{n}"]
        return found

    ar = np.convolve(polynomial("ar", p, 1, -1.0), polynomial("sar", seasonal_p, season, -1.0))
    for lag in (1,) * d + (season,) * seasonal_d:
        ar = np.convolve(ar, np.array([1.0, *[0.0] * (lag - 1), -1.0]))
    ma = np.convolve(polynomial("ma", q, 1, 1.0), polynomial("sma", seasonal_q, season, 1.0))
    return (float(coefficients.get("intercept", 0.0)),), tuple(ar.tolist()), tuple(ma.tolist())


def _run_damped(fitted: Fit, standard: Values, grid: Steps) -> Values:
    """ETS(A,Ad,N) (Hyndman et al. 2008, table 2.2, with beta the trend's own weight)."""
    alpha, beta, phi, level, trend = fitted.parameters
    levels, trends = [], []
    for value in standard.tolist():
        expected = level + phi * trend
        error = value - expected
        level = expected + alpha * error
        trend = phi * trend + beta * error
        levels.append(level)
        trends.append(trend)
    reach = np.cumsum(phi ** np.arange(1, grid[-1] + 1, dtype=np.float64))[grid - 1]
    made: Values = np.array(levels) + reach[:, None] * np.array(trends)
    return made


def _run_simple(fitted: Fit, standard: Values, grid: Steps) -> Values:
    alpha, level = fitted.parameters
    return np.tile(_smoothed(standard, alpha, level), (len(grid), 1))


def _run_theta(fitted: Fit, standard: Values, grid: Steps) -> Values:
    """Smoothing with half the past's slope as drift (Hyndman & Billah, Unmasking the Theta method, 2003)."""
    alpha, level = fitted.parameters
    n = np.arange(1.0, len(standard) + 1.0)
    # Slope of the regression on time at each origin, from what was known there.
    sum_y, sum_ny = np.cumsum(standard), np.cumsum(n * standard)
    with np.errstate(all="ignore"):
        slope = (12.0 * sum_ny - 6.0 * (n + 1.0) * sum_y) / (n * (n * n - 1.0))
    slope[: min(LEAST_POINTS, len(slope))] = 0.0
    lag = (1.0 - (1.0 - alpha) ** n) / max(alpha, 1e-3)
    made: Values = _smoothed(standard, alpha, level) + 0.5 * slope * (grid[:, None] - 1.0 + lag)
    return made


def _run_arima(fitted: Fit, standard: Values, grid: Steps) -> Values:
    mean, ar, ma = fitted.parameters[0], np.array(fitted.ar), np.array(fitted.ma)
    reach, n = len(ar) - 1, len(standard)
    values = standard - mean
    innovations = np.convolve(values, ar)[:n]
    innovations[:reach] = 0.0
    innovations = lfilter([1.0], ma, innovations)
    ar_lags, ma_lags = np.flatnonzero(ar[1:]) + 1, np.flatnonzero(ma[1:]) + 1
    far = int(min(grid[-1], LONGEST_PATH))
    ahead = np.zeros((far + 1, n))
    for k in range(1, far + 1):
        for lag in ar_lags:
            if lag < k:
                ahead[k] -= ar[lag] * ahead[k - lag]
            else:
                back = int(lag) - k
                ahead[k, back:] -= ar[lag] * values[: n - back]
        for lag in ma_lags[ma_lags >= k]:
            back = int(lag) - k
            ahead[k, back:] += ma[lag] * innovations[: n - back]
    ahead[:, : min(reach, n)] = np.nan
    made: Values = ahead[np.minimum(grid, far)] + mean
    return made


_RUNNERS: Final[dict[str, Callable[[Fit, Values, Steps], Values]]] = {
    DAMPED: _run_damped,
    SIMPLE: _run_simple,
    THETA: _run_theta,
    ARIMA: _run_arima,
    SARIMA: _run_arima,
}


def _smoothed(standard: Values, alpha: float, level: float) -> Values:
    found: Values
    found, _ = lfilter([alpha], [1.0, alpha - 1.0], standard, zi=[(1.0 - alpha) * level])
    return found
