"""The portfolio: bounds, order, no look-ahead, breaks, constants, seasons, and that it learns."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leptontui.forecast.grid import GRID, MOST_STEPS, horizons
from leptontui.forecast.past import Past
from leptontui.forecast.portfolio import VERSION, Portfolio

STEP_S = 60.0


def past(values, *, key="one", metric="util_pct@60s", lower=0.0, upper=100.0, end=None, seasons=()):
    values = np.asarray(values, dtype=np.float64)
    end = len(values) if end is None else end
    return Past(key, metric, values, end * STEP_S, STEP_S, lower, upper, seasons)


def walk(seed, n, *, sd=1.0, pull=0.05):
    random = np.random.default_rng(seed)
    values = [50.0]
    while len(values) < n:
        values.append(values[-1] + pull * (50.0 - values[-1]) + random.normal(0.0, sd))
    return np.clip(values, 0.0, 100.0)


@given(
    values=st.lists(
        st.one_of(
            st.floats(0.0, 100.0, allow_subnormal=False), st.sampled_from([0.0, 100.0, 37.5]), st.just(float("nan"))
        ),
        min_size=1,
        max_size=90,
    ),
    steps=st.integers(1, 40),
    offset=st.sampled_from([0.0, 0.0, 1e9]),
)
@settings(max_examples=40, deadline=None)
def test_edges_are_finite_in_order_and_within_bounds(values, steps, offset) -> None:
    portfolio = Portfolio()
    shown = past(np.array(values) + offset, lower=offset, upper=offset + 100.0)
    made = portfolio.forecast(shown, steps)
    if made is None:
        assert sum(portfolio.fallbacks.values()) == 1
        return
    ordered = np.array([made.lo95, made.lo80, made.mean, made.hi80, made.hi95])
    assert ordered.shape == (5, steps)
    assert np.isfinite(ordered).all()
    assert (np.diff(ordered, axis=0) >= 0.0).all()
    assert ordered.min() >= offset
    assert ordered.max() <= offset + 100.0


@pytest.mark.parametrize("values", [walk(4, 80), np.full(80, 7.0)])
def test_a_bound_that_is_no_number_bounds_nothing(values) -> None:
    nan = float("nan")
    made = [
        Portfolio().forecast(past(values, lower=lower, upper=upper), 20)
        for lower, upper in ((nan, nan), (None, None), (nan, 100.0), (None, 100.0))
    ]
    assert all(np.isfinite([item.lo95, item.mean, item.hi95]).all() for item in made)
    assert np.array_equal(made[0].hi95, made[1].hi95)
    assert np.array_equal(made[2].lo95, made[3].lo95)


def test_the_future_never_changes_a_forecast() -> None:
    one, other = walk(1, 400), walk(1, 400)
    other[300:] = 99.0
    seen = []
    for values in (one, other):
        portfolio = Portfolio()
        made = [portfolio.forecast(past(values[:n], end=n), 60) for n in range(60, 301, 20)]
        seen.append([(item.mean, item.lo80, item.hi95, item.model) for item in made])
    for left, right in zip(*seen, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(left[:3], right[:3], strict=True))
        assert left[3] == right[3]


def test_the_same_pasts_give_the_same_forecasts() -> None:
    runs = []
    for _ in range(2):
        portfolio = Portfolio()
        runs.append([portfolio.forecast(past(walk(2, n), end=n), 30).hi80 for n in range(50, 200, 30)])
    assert np.array_equal(*runs)


def test_a_level_shift_is_not_extrapolated_across() -> None:
    random = np.random.default_rng(3)
    values = np.r_[5.0 + random.normal(0, 1, 200), 85.0 + random.normal(0, 1, 12)]
    made = Portfolio().forecast(past(values), 60)
    assert made.regime_steps == 12
    assert np.all(np.abs(made.mean - 85.0) < 5.0)


def test_a_job_that_ends_is_not_extrapolated_across() -> None:
    values = np.r_[np.linspace(10.0, 90.0, 150), np.full(10, 2.0)]
    made = Portfolio().forecast(past(values), 60)
    assert np.all(made.mean < 10.0)


def test_a_gap_is_not_extrapolated_across() -> None:
    values = np.r_[np.linspace(10.0, 90.0, 150), np.full(20, np.nan), np.full(6, 20.0) + np.arange(6) % 2]
    made = Portfolio().forecast(past(values), 60)
    assert made.fallback == "too short"
    assert made.regime_steps == 6
    assert np.all(np.abs(made.mean - 20.0) < 5.0)


def test_in_a_gap_there_is_no_forecast_and_it_is_counted() -> None:
    portfolio = Portfolio()
    assert portfolio.forecast(past(np.r_[walk(4, 100), np.full(7, np.nan)]), 5) is None
    assert portfolio.forecast(past(np.full(30, np.nan), key="two"), 5) is None
    assert portfolio.fallbacks == {"gap": 1, "nothing sampled": 1}


def test_a_constant_stays_what_it_is_without_a_model() -> None:
    portfolio = Portfolio()
    made = portfolio.forecast(past(np.full(100, 42.0)), 10)
    assert made.fallback == "constant" == made.model
    assert np.array_equal(np.r_[made.mean, made.lo95, made.hi95], np.full(30, 42.0))
    assert portfolio.fallbacks == {"constant": 1}


def test_two_values_are_forecast_as_one_of_them() -> None:
    values = (np.random.default_rng(5).random(200) < 0.1).astype(float)
    portfolio = Portfolio()
    made = portfolio.forecast(past(values, upper=1.0), 20)
    assert made.fallback == "binary"
    assert portfolio.fallbacks == {"binary": 1}
    assert set(made.mean) == {0.0}
    assert np.all(made.hi95 == 1.0)


def test_a_few_values_are_forecast_from_and_counted() -> None:
    portfolio = Portfolio()
    made = portfolio.forecast(past([40.0, 41.0, 40.5]), 5)
    assert made.fallback == "too short"
    assert np.all((made.mean >= 40.0) & (made.mean <= 41.0))
    assert np.all(made.hi80 > made.lo80)


@pytest.mark.parametrize("named", [(), (48,)])
def test_a_season_that_the_past_shows_is_followed(named) -> None:
    n = np.arange(400)
    values = 50.0 + 40.0 * np.sin(2 * np.pi * n / 48) + np.random.default_rng(6).normal(0, 1, 400)
    made = Portfolio().forecast(past(values[:340], seasons=named), 48)
    error = np.abs(made.mean - values[340:388])
    at_grid = [h - 1 for h in GRID if h <= 48]
    assert error[at_grid].mean() < 4.0
    assert "seasonal" in made.model


def test_a_slope_is_followed() -> None:
    values = np.arange(200.0) * 0.2 + np.random.default_rng(7).normal(0, 0.05, 200)
    made = Portfolio().forecast(past(values), 15)
    assert made.mean[14] > values[-1] + 1.5


def test_heavy_models_are_fitted_only_when_asked_for() -> None:
    random = np.random.default_rng(8)
    values = [0.0, 0.0]
    while len(values) < 300:  # it swings: what an autoregression knows, and no level does
        values.append(1.6 * values[-1] - 0.9 * values[-2] + random.normal(0, 1))
    shown = np.clip(50.0 + np.array(values), 0.0, 100.0)
    light, heavy = (Portfolio().forecast(past(shown), 5, is_heavy=is_heavy) for is_heavy in (False, True))
    assert "ARIMA" not in light.model
    assert "ARIMA" in heavy.model


def test_what_was_promised_is_covered_and_the_track_tells_so() -> None:
    portfolio, hits = Portfolio(), []
    for seed in range(6):
        random = np.random.default_rng(seed)
        values = walk(seed, 700, sd=float(random.choice([0.5, 2.0])))
        for n in range(80, 695, 5):
            made = portfolio.forecast(past(values[:n], key=str(seed), end=n), 5)
            hits.append((made.lo80[4] <= values[n + 4] <= made.hi80[4], made.lo95[4] <= values[n + 4] <= made.hi95[4]))
    share80, share95 = np.mean(hits, axis=0)
    assert 0.76 <= share80 <= 0.84
    assert 0.92 <= share95 <= 0.98
    track = portfolio.track("util_pct@60s", 5)
    assert track.steps == 5
    assert track.scored > 600
    assert track.coverage80 == pytest.approx(share80, abs=0.03)
    assert track.coverage95 == pytest.approx(share95, abs=0.02)
    assert 0.5 < track.relative_error < 1.05


def test_bands_that_miss_grow_wider() -> None:
    """The series lulls the forecaster, time and again: only what was realised can tell."""
    random = np.random.default_rng(9)
    portfolio, wide = Portfolio(), []
    for n in range(60, 1500, 20):
        calm = 50.0 + random.normal(0, 0.5, n)
        made = portfolio.forecast(past(calm, end=n), 5)
        wide.append(made.hi80[4] - made.lo80[4])
        calm = np.r_[calm, 50.0 + random.normal(0, 5.0, 15)]
        portfolio.learn(past(calm, end=n + 15))
    assert np.mean(wide[-10:]) > 1.5 * np.mean(wide[:10])


def test_a_member_from_outside_has_weight_only_once_it_has_won() -> None:
    random = np.random.default_rng(10)
    values = 50.0 + random.normal(0, 5, 900)
    portfolio = Portfolio(outside=("LSTM",))
    models = []
    for n in range(100, 880, 4):
        known = values[n : n + 8] + random.normal(0, 0.1, 8)  # it knows the future: no other member can
        models.append(portfolio.forecast(past(values[:n], end=n), 8, extra={"LSTM": known}).model)
    assert "LSTM" not in models[0]
    assert "LSTM" in models[-1]


def test_what_was_learned_survives_being_written_away() -> None:
    first = Portfolio()
    values = walk(11, 500)
    for n in range(80, 480, 5):
        first.forecast(past(values[:n], end=n), 15)
    state = json.loads(json.dumps(first.export()))
    second = Portfolio.restored(state)
    assert second.export() == first.export()
    assert second.track("util_pct@60s", 15) == first.track("util_pct@60s", 15)
    fresh = Portfolio().forecast(past(walk(12, 40), key="new", end=1000), 15)
    told = second.forecast(past(walk(12, 40), key="new", end=1000), 15)
    assert not np.array_equal(fresh.hi80, told.hi80)


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        {},
        {"version": 99},
        {"version": VERSION, "classes": 5},
        {"version": VERSION, "classes": {"a": {}}},
        {"version": VERSION, "classes": {"a": 5}},
        {"version": VERSION, "classes": {"a": {"names": 3}}},
    ],
)
def test_a_state_that_is_not_understood_is_left_out(state) -> None:
    assert Portfolio.restored(state).forecast(past(walk(13, 60)), 5) is not None


def test_a_state_of_other_levels_keeps_what_still_holds() -> None:
    first = Portfolio((80.0, 95.0))
    values = walk(14, 300)
    for n in range(80, 280, 5):
        first.forecast(past(values[:n], end=n), 5)
    second = Portfolio.restored(first.export(), (50.0, 80.0))
    track = second.track("util_pct@60s", 5)
    assert track.coverage80 == first.track("util_pct@60s", 5).coverage80
    assert track.coverage[50.0] == 0.0


def test_series_that_are_gone_are_forgotten_and_what_they_taught_is_kept() -> None:
    portfolio = Portfolio()
    values = walk(15, 200)
    for n in range(100, 200, 10):
        portfolio.forecast(past(values[:n], end=n), 5)
    scored = portfolio.track("util_pct@60s", 5).scored
    portfolio.forget(before_unix_s=1e9)
    portfolio.learn(past(values, end=200))
    assert portfolio.track("util_pct@60s", 5).scored == scored


def test_any_levels_can_be_asked_for() -> None:
    made = Portfolio((50.0, 99.0)).forecast(past(walk(16, 300)), 5)
    assert set(made.edges) == {50.0, 99.0}
    assert np.all(made.edges[99.0][1] >= made.edges[50.0][1])


@pytest.mark.parametrize("steps", [0, -1, MOST_STEPS + 1])
def test_impossible_steps_are_refused(steps) -> None:
    with pytest.raises(ValueError, match="steps"):
        Portfolio().forecast(past(walk(17, 50)), steps)


def test_the_grid_reaches_as_far_as_is_asked() -> None:
    assert horizons(1).tolist() == [1]
    assert horizons(60).tolist() == list(GRID[: GRID.index(60) + 1])
    assert horizons(61)[-1] == 90
