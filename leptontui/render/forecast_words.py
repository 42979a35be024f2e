"""What is said of a forecast: what made it, how far to trust it, and why where no model made it."""

from __future__ import annotations

from typing import Final

from leptontui.model.series import Forecast, ForecasterStatus, ForecastTrack, Series
from leptontui.render import numbers

LEAST_SCORED: Final = 30
"""With fewer forecasts scored, a share of them says little."""
_RECENT_S: Final = 1800.0
"""So long it is said that a forecast starts anew."""
_GAP_LOOK: Final = 8
"""Buckets before a forecast's past in which a missing one means a gap."""
_REASONS: Final = {
    "constant": "it is constant",
    "binary": "it has two values only",
    "too short": "its past is too short",
    "model failed": "a model failed",
}
_HOUR_S: Final = 3600.0
_MINUTE_S: Final = 60.0
_MOST_REASONS: Final = 3


def model_words(forecast: Forecast) -> str:
    """What made it: "forecast: damped ETS 61 %, Theta 39 %", "no model: it is constant"."""
    ahead_s = len(forecast.mean) * forecast.step_s
    ahead = f" {ahead_s / _HOUR_S:.0f} h ahead" if ahead_s > _HOUR_S else ""
    if not forecast.fallback:
        return f"forecast{ahead}: {forecast.model}"
    reason = _REASONS.get(forecast.fallback, forecast.fallback)
    return f"forecast{ahead} without a model: {reason}"


def track_words(track: ForecastTrack | None) -> tuple[str, ...]:
    """How such forecasts came out so far, the longest way to say it first."""
    if track is None or not track.scored:
        return ("not scored yet",)
    if track.scored < LEAST_SCORED:
        return (f"only {track.scored} scored yet", f"{track.scored} scored")
    held = f"80 % band held {100 * track.coverage80:.0f} %"
    if track.relative_error is None:
        return (f"so far: {held} ({numbers.metric(track.scored)} scored)", held)
    error = f"error ×{track.relative_error:.2f} of naive"
    scored = numbers.metric(track.scored)
    short = f"80 % held {100 * track.coverage80:.0f} %, error ×{track.relative_error:.2f}"
    return (f"so far: {held}, {error} ({scored} scored)", f"{held}, {error}", short, held)


def anew_words(forecast: Forecast, series: Series | None) -> str:
    """Why it was made from a short stretch only: "level shift 3 min ago: starts anew"; "" if it was not."""
    if not forecast.is_cut or forecast.past_s is None or forecast.past_s > _RECENT_S:
        return ""
    began = forecast.origin_unix_s - forecast.past_s
    what = "level shift"
    if series is not None:
        before = [
            value
            for t, value in zip(series.t_unix_s, series.values, strict=False)
            if began - _GAP_LOOK * series.step_s < t <= began
        ]
        what = "gap" if None in before else what
    minutes = forecast.past_s / _MINUTE_S
    ago = f"{minutes:.0f} min" if minutes >= 1 else f"{forecast.past_s:.0f} s"
    return f"{what} {ago} ago: starts anew"


def forecaster_words(status: ForecasterStatus) -> str:
    """What forecasting the fleet costs, and how often no model did: "1.9 ms a series; no model: constant 8,210"."""
    words = [] if status.ms_per_series is None else [f"{numbers.three(status.ms_per_series)} ms a series"]
    reasons = [f"{reason} {numbers.metric(count)}" for reason, count in status.fallbacks[:_MOST_REASONS]]
    if status.failed and "model failed" not in dict(status.fallbacks):
        reasons.append(f"failed {numbers.metric(status.failed)}")
    return "; ".join([*words, f"no model: {', '.join(reasons)}"] if reasons else words)


def reach_words(status: ForecasterStatus) -> str:
    """How much of the fleet is forecast: "forecast 96 %, oldest 3 min"; "" where that is not known."""
    reach = status.reach
    if not reach.series:
        return ""
    share = f"forecast {int(100 * reach.fresh / reach.series)} %"
    return share if reach.oldest_s is None else f"{share}, oldest {numbers.age(reach.oldest_s)}"
