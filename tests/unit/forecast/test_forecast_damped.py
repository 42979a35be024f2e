"""The model: bands in order and within bounds, gaps, constants, and sane forecasts of what GPUs do."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

damped = pytest.importorskip("leptontui.forecast.damped", reason="statsforecast is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the libraries' own, at import

STEPS = 30


def bands_of(values, lower=0.0, upper=100.0, steps=STEPS):
    return damped.forecast_one(np.array(values, dtype=float), steps, lower, upper)


def edges(bands):
    return np.array([bands.lo95, bands.lo80, bands.mean, bands.hi80, bands.hi95])


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(0, 1, n)


shapes = {
    "ramp": 20 + 0.3 * np.arange(120) + 0.5 * noise(120),
    "perfect ramp": 20 + 0.3 * np.arange(120),
    "walk": np.clip(50 + np.cumsum(noise(120)), 0, 100),
    "bursts": np.where(noise(120) > 0, 97.0, 0.0) + np.abs(noise(120, 1)),
    "at the ceiling": np.minimum(100.0, 60 + np.arange(120)),
    "at the floor": np.maximum(0.0, 60.0 - np.arange(120)),
    "step": np.where(np.arange(120) < 60, 5.0, 90.0),
    "one blip": np.where(np.arange(120) == 110, 100.0, 0.0),
}


@pytest.mark.parametrize("shape", shapes)
def test_bands_are_ordered_clipped_and_never_without_width(shape):
    bands = bands_of(shapes[shape].clip(0, 100), steps=90)
    found = edges(bands)
    assert found.shape == (5, 90)
    assert bands.model == "damped ETS"
    assert (np.diff(found, axis=0) >= 0).all()
    assert found.min() >= 0
    assert found.max() <= 100
    assert (found[3] - found[1] > 0).all()
    assert (found[4] - found[0] >= found[3] - found[1]).all()


def test_a_rising_series_goes_on_rising_and_levels_off():
    mean = np.array(bands_of(shapes["ramp"], steps=90).mean)
    last = float(np.mean(shapes["ramp"][-5:]))
    assert last < mean[10] < mean[40]
    assert mean[10] - mean[0] > mean[89] - mean[79]


def test_a_bursty_series_is_forecast_between_its_extremes_with_a_wide_band():
    bands = bands_of(shapes["bursts"], steps=90)
    assert all(20 < value < 80 for value in bands.mean)
    assert min(bands.hi80) - max(bands.lo80) > 60
    assert max(bands.hi95) <= 100


def test_bands_hold_what_they_say_on_noise():
    inside = []
    for seed in range(30):
        values = 50 + 5 * noise(120 + STEPS, seed)
        bands = bands_of(values[:120])
        inside.append((np.array(bands.lo80) <= values[120:]) & (values[120:] <= np.array(bands.hi80)))
    assert 0.72 < np.mean(inside) < 0.88


@pytest.mark.parametrize(("factor", "offset"), [(1e9, 0.0), (1e-6, 0.0), (1.0, 1e6)])
def test_a_forecast_does_not_depend_on_the_unit(factor, offset):
    plain = edges(bands_of(shapes["walk"], None, None))
    scaled = edges(bands_of(shapes["walk"] * factor + offset, None, None))
    assert (scaled - offset) / factor == pytest.approx(plain, rel=1e-3)


def test_it_is_the_library_s_damped_trend_model():
    models = pytest.importorskip("statsforecast.models")
    values = shapes["walk"]
    standard = (values - values.mean()) / values.std()
    model = models.AutoETS(season_length=1, model="AAN", damped=True)
    made = model.forecast(y=standard, h=STEPS, level=[80, 95])
    wanted = [made[name] * values.std() + values.mean() for name in ("lo-95", "lo-80", "mean", "hi-80", "hi-95")]
    assert edges(bands_of(values, None, None)) == pytest.approx(np.array(wanted), rel=1e-6)
    assert model.fit(standard).model_["components"] == "AAND"


@pytest.mark.parametrize("level", [0.0, 42.0, 1e12])
def test_a_constant_needs_no_model(level):
    jitter = level * (1 + 1e-8 * noise(60))
    for values in ([level] * 60, jitter):
        bands = bands_of(values, 0.0, None)
        assert bands.model == "constant"
        assert edges(bands) == pytest.approx(np.full((5, STEPS), level), rel=1e-6)


@pytest.mark.parametrize("n", range(damped.MIN_POINTS))
def test_too_few_points_are_no_past(n):
    assert bands_of(50 + noise(n)) is None
    assert bands_of([5.0] * n) is None


def test_as_few_points_as_it_takes():
    for seed in range(20):
        found = edges(bands_of(50 + noise(damped.MIN_POINTS, seed), 0.0, 100.0))
        assert np.isfinite(found).all()


def test_short_gaps_are_bridged_and_long_ones_end_the_past():
    values = np.arange(40.0)
    values[10:16] = np.nan
    assert damped.usable(values) == pytest.approx(np.arange(40.0))
    values[16] = np.nan
    assert damped.usable(values) == pytest.approx(np.arange(17.0, 40.0))
    values[35:37] = np.nan
    assert damped.usable(values) == pytest.approx(np.arange(17.0, 40.0))
    values[38:] = np.nan
    assert damped.usable(values)[-1] == 37.0
    values[32:] = np.nan
    assert damped.usable(values) is None


def test_nothing_sampled_is_no_past():
    assert bands_of([math.nan] * 60) is None
    assert bands_of([]) is None


def test_a_long_past_is_cut():
    assert len(damped.usable(np.arange(1000.0))) == damped.MAX_POINTS


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.just(math.nan), st.floats(-1e12, 1e12), st.sampled_from([0.0, 1.0, 100.0])), max_size=60),
    st.sampled_from([(0.0, 100.0), (0.0, None), (None, None), (0.0, 0.0)]),
)
def test_whatever_the_past_the_bands_are_sound(values, bounds):
    lower, upper = bounds
    try:
        bands = bands_of(values, lower, upper, steps=5)
    except damped.ModelFailedError:
        return
    if bands is None:
        return
    found = edges(bands)
    assert np.isfinite(found).all()
    assert (np.diff(found, axis=0) >= 0).all()
    assert lower is None or found.min() >= lower
    assert upper is None or found.max() <= upper
