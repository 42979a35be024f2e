"""The members: fitted models run as the library would, levels and seasons look at the past alone, breaks are found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsforecast.arima import auto_arima_f
from statsforecast.models import ARIMA, AutoETS, Theta

from leptontui.forecast import fitted, members
from leptontui.forecast.bands import edges, sample
from leptontui.forecast.combine import Hindcast, join
from leptontui.forecast.experience import Experience
from leptontui.forecast.fits import REFIT_STEPS, Fits
from leptontui.forecast.grid import horizons
from leptontui.forecast.past import MAX_GAP_STEPS, MOST_STRETCHES, Past, filled, standing, stretches
from leptontui.forecast.seasonal import repeated, seasons_of

GRID = horizons(30)


def series(n=120, seed=1):
    random = np.random.default_rng(seed)
    return 50.0 + np.cumsum(random.normal(0, 1, n)) * 0.5 + 6 * np.sin(2 * np.pi * np.arange(n) / 12)


def at_grid(path):
    return np.asarray(path)[GRID - 1]


def library(name, values):
    centre, scale = values.mean(), values.std()
    standard = (values - centre) / scale
    match name:
        case fitted.DAMPED:
            made = AutoETS(season_length=1, model="AAN", damped=True).forecast(standard, h=30)["mean"]
        case fitted.SIMPLE:
            made = AutoETS(season_length=1, model="ANN").forecast(standard, h=30)["mean"]
        case fitted.THETA:
            made = Theta(season_length=1).forecast(standard, h=30)["mean"]
        case fitted.ARIMA:
            model = ARIMA(season_length=1)
            model.model_ = auto_arima_f(
                standard, seasonal=False, max_p=3, max_q=3, max_d=1, allowdrift=False, approximation=True
            )
            made = model.predict(h=30)["mean"]
        case _:
            # Fitted by conditional sums of squares alone, the library forecasts the mean: statsforecast 2.1.
            model = ARIMA(order=(1, 0, 1), season_length=12, seasonal_order=(0, 1, 1), method="CSS-ML")
            made = model.forecast(standard, h=30)["mean"]
    return at_grid(made) * scale + centre


@pytest.mark.parametrize("name", fitted.FITTED)
@pytest.mark.filterwarnings("ignore")
def test_a_model_forecasts_what_the_library_would(name) -> None:
    values = series()
    made = fitted.paths(fitted.fit(name, values, 12), values, GRID)[:, -1]
    assert made == pytest.approx(library(name, values), abs=0.15 * values.std())


@pytest.mark.parametrize("name", fitted.FITTED)
def test_a_model_run_over_the_past_looks_at_nothing_to_come(name) -> None:
    values = series()
    model = fitted.fit(name, values, 12)
    whole, part = fitted.paths(model, values, GRID), fitted.paths(model, values[:90], GRID)
    assert np.allclose(whole[:, 40:90], part[:, 40:], equal_nan=True)


def test_what_cannot_be_fitted_is_told() -> None:
    with pytest.raises(fitted.ModelFailedError, match="nothing varies"):
        fitted.fit(fitted.DAMPED, np.full(50, 3.0))
    with pytest.raises(fitted.ModelFailedError):
        fitted.fit(fitted.SARIMA, np.arange(5.0), 40)


def test_a_failed_fit_is_counted_and_not_tried_again_at_once(monkeypatch) -> None:
    tried = []

    def fails(name, values, season):
        tried.append(name)
        raise fitted.ModelFailedError(name)

    monkeypatch.setattr("leptontui.forecast.fits.fit", fails)
    fits, values = Fits(), series(200)
    for bucket in (200, 201, 200 + REFIT_STEPS):
        fits.refresh(values, 0, bucket, (), is_heavy=False)
    assert fits.failed == len(tried) == 6
    assert np.isnan(fits.paths(values, 200, GRID, 100)).all()


def test_fits_from_before_a_break_are_dropped() -> None:
    fits, values = Fits(), series(200)
    fits.refresh(values, 0, 200, (), is_heavy=False)
    assert np.isfinite(fits.paths(values, 200, GRID, 150)[:3]).all()
    fits.refresh(values, 190, 200, (), is_heavy=False)  # too few values since for new ones
    assert np.isnan(fits.paths(values, 200, GRID, 150)).all()


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=150), st.data())
@settings(max_examples=40, deadline=None)
def test_levels_look_at_nothing_to_come(values, draw) -> None:
    values = np.array(values)
    cut = draw.draw(st.integers(1, len(values)))
    whole, part = (members.levels(one, stretches(one), 0) for one in (values, values[:cut]))
    fine = [n for n, name in enumerate(members.LEVELS) if name not in ("median 61", "median 121")]  # coarse in between
    assert np.allclose(whole[fine, :cut], part[fine], equal_nan=True)
    assert np.all((part >= values[:cut].min() - 1e-6) & (part <= values[:cut].max() + 1e-6))


def test_the_longest_medians_are_those_of_their_windows() -> None:
    values = np.random.default_rng(2).normal(size=300)
    made = members.levels(values, stretches(values), 0)
    for window in members.WINDOWS:
        assert made[members.LEVELS.index(f"median {window}"), -1] == np.median(values[-window:])
    whole = members.whole_medians(values, 290)
    assert whole[:, -1].tolist() == [np.median(values[-window:]) for window in (61, 121, 241)]


def test_stretches_end_at_gaps_and_shifts() -> None:
    random = np.random.default_rng(3)
    values = np.r_[
        random.normal(5, 1, 60), random.normal(80, 1, 40), np.full(MAX_GAP_STEPS + 1, np.nan), random.normal(80, 1, 30)
    ]
    first, second, third = stretches(values)
    assert (first.start, first.end, first.is_shift) == (0, 64, False)
    assert (second.start, second.known, second.is_shift) == (60, 64, True)
    assert (third.start, third.end, third.is_shift) == (107, len(values), False)


def test_bursts_ramps_and_short_gaps_end_no_stretch() -> None:
    n = np.arange(200.0)
    bursts = np.where(n % 20 < 4, 90.0, 1.0)
    ramp = n * 0.3
    ramp[100 : 100 + MAX_GAP_STEPS] = np.nan
    assert len(stretches(bursts)) == 1
    assert len(stretches(ramp)) == 1


def test_a_series_that_never_rests_has_few_stretches() -> None:
    values = np.repeat(np.random.default_rng(4).uniform(0, 100, 60), 25)
    assert len(stretches(values)) == MOST_STRETCHES
    assert stretches(values)[0].start == 0
    assert stretches(np.full(9, np.nan)) == ()


@pytest.mark.parametrize(("start", "step"), [(0.0, 60.0), (30.0, 60.0), (1e9 + 150.0, 300.0), (1.7e9 + 0.05, 0.1)])
def test_buckets_are_counted_one_by_one(start, step) -> None:
    buckets = [Past("a", "b", np.zeros(1), start + n * step, step).bucket for n in range(50)]
    assert np.diff(buckets).tolist() == [1] * 49


def test_how_long_a_value_stands() -> None:
    assert standing(np.array([1.0, 1.0, 2.0, 2.0, 2.0, 3.0])).tolist() == [0, 1, 0, 1, 2, 0]
    assert filled(np.array([np.nan, 1.0, np.nan, 2.0]))[1:].tolist() == [1.0, 1.0, 2.0]


def test_seasons_are_named_those_of_the_calendar_or_shown() -> None:
    n = np.arange(700)
    random = np.random.default_rng(5)
    daily = np.sin(2 * np.pi * n / 24) + random.normal(0, 0.3, 700)
    assert seasons_of(daily, 3600.0, ()) == (24, 168)
    assert seasons_of(daily, 10.0, ()) == (24,)
    assert seasons_of(daily, 10.0, (50,)) == (50, 24)
    assert seasons_of(random.normal(size=700), 10.0, ()) == ()
    assert seasons_of(np.full(700, 3.0), 10.0, ()) == ()


def test_what_repeats_is_taken_from_the_past_alone() -> None:
    values = np.arange(100.0) % 10
    made = repeated(values, 10, horizons(12), 90)
    now = made[:, :, -1]
    expected = (99 + horizons(12)) % 10
    assert now[0].tolist() == now[1].tolist() == expected.tolist()
    early = repeated(values[:11], 10, horizons(12), 10)
    assert np.isnan(early[1]).all()


def join_of(actual, said):
    """Members that say a constant each, on a series."""
    n = len(actual)
    grid = horizons(1)
    made = np.tile(np.array(said)[:, None, None], (1, 1, n))
    came = np.r_[actual[1:], np.nan][None]
    return join(Hindcast(made, came, np.zeros(n, dtype=np.int64)), grid, np.ones((len(said), 1)), len(said))


def test_the_member_that_errs_least_weighs_most() -> None:
    actual = np.random.default_rng(6).normal(10.0, 1.0, 200)
    joined = join_of(actual, [0.0, 10.0, 30.0])
    assert joined.weights[:, 0].argmax() == 1
    assert joined.weights[1, 0] > 0.95
    assert joined.weights.sum() == pytest.approx(1.0)
    assert joined.now[0] == 10.0


@given(
    st.lists(st.floats(-100, 100), min_size=5, max_size=60),
    st.floats(0.02, 0.6),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_band_leaves_no_more_outside_than_it_may(residuals, outside, is_bounded) -> None:
    floor = 0.0 if is_bounded else -np.inf
    drawn = sample(
        np.array([5.0]),
        np.array([residuals]),
        np.zeros((1, 4)),
        np.array([1.0]),
        np.array([1]),
        np.array([floor]),
        np.array([np.inf]),
    )
    low, high = edges(drawn, np.array([outside]))
    assert low[0] <= high[0]
    assert low[0] >= floor
    inside = (drawn.values[0] >= low[0]) & (drawn.values[0] <= high[0])
    mass = np.diff(drawn.heights[0], prepend=0.0)
    assert mass[~inside].sum() <= outside + 1e-9


def test_what_one_side_cannot_use_the_other_does() -> None:
    """Most of the values lie on the bound: all that may lie outside lies above."""
    residuals = np.r_[np.zeros(60), np.arange(1.0, 41.0)]
    drawn = sample(
        np.zeros(1), residuals[None], np.zeros((1, 1)), np.zeros(1), np.array([1]), np.zeros(1), np.full(1, np.inf)
    )
    low, high = edges(drawn, np.array([0.2]))
    assert low[0] == 0.0
    assert high[0] == pytest.approx(20.0, abs=6.0)


def test_experience_refuses_what_is_none() -> None:
    names, levels = ("a", "b"), (80.0,)
    state = Experience(names, levels).exported()
    assert Experience.restored(state, ("b", "c"), levels).loss.shape == (2, state_width(state))
    for broken in (
        {**state, "loss": [[1.0]]},
        {**state, "shift": "x"},
        {**state, "_ring": None},
        {**state, "_losses_seen": np.full_like(state["_losses_seen"], -10.0).tolist()},
        {**state, "_ringed": np.full(state_width(state), 1e300).tolist()},
        {**state, "scored": np.full(state_width(state), np.inf).tolist()},
    ):
        with pytest.raises((ValueError, TypeError)):
            Experience.restored(broken, names, levels)


def state_width(state):
    return len(state["loss"][0])
