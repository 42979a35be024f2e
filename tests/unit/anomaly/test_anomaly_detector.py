"""The detector: what it finds, what it leaves alone, that it looks neither ahead nor breaks on anything."""

from __future__ import annotations

import numpy as np
import pytest
from anomaly_series import noise, scores
from hypothesis import given, settings
from hypothesis import strategies as st

from leptontui.anomaly.detector import Detector, Reason
from leptontui.anomaly.past import judge_past
from leptontui.anomaly.settings import Settings
from leptontui.model.anomaly import SCORE_LEAST, SCORE_MOST

WARM = Settings().warm_steps
numbers = st.one_of(st.floats(width=64), st.sampled_from([0.0, 1.0, 1e308, -1e308, 5e-324]), st.floats(-100, 100))


@settings(max_examples=40, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=160), st.booleans())
def test_a_score_is_a_bounded_number_or_none_at_all(values, has_season):
    found = scores(values, settings=Settings(has_season=has_season, warm_steps=5))
    is_told = ~np.isnan(found)
    assert ((found[is_told] >= SCORE_LEAST) & (found[is_told] <= SCORE_MOST)).all()
    assert not is_told[~np.isfinite(values)].any()
    measured = np.cumsum(np.isfinite(values))
    assert (is_told == (np.isfinite(values) & (measured > 5))).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=30, max_size=40), st.integers(15, 29), st.floats(-1e6, 1e6))
def test_what_comes_later_changes_no_score(values, cut, other):
    changed = [*values[:cut], *(other + number for number in range(len(values) - cut))]
    few = Settings(warm_steps=5)
    assert np.array_equal(scores(values, settings=few)[:cut], scores(changed, settings=few)[:cut], equal_nan=True)


def test_other_series_change_no_score():
    own = noise(300)
    alone = scores(own)
    beside = scores(np.column_stack([noise(300, 1) * 1e6, own, np.full(300, np.nan)]))
    assert np.array_equal(alone, beside[:, 1], equal_nan=True)


@pytest.mark.parametrize(
    ("shape", "odd"),
    [
        pytest.param(lambda v: np.where(np.arange(len(v)) == 1500, 120.0, v), slice(1500, 1502), id="spike"),
        pytest.param(lambda v: np.where(np.arange(len(v)) >= 1500, v - 30, v), slice(1500, 1510), id="shift"),
        pytest.param(
            lambda v: np.where(np.arange(len(v)) >= 1500, 50 + 8 * (v - 50), v), slice(1500, 1530), id="swing"
        ),
        pytest.param(lambda v: v + np.clip(np.arange(len(v)) - 1500, 0, None), slice(1500, 1530), id="drift"),
    ],
)
def test_what_stands_out_has_the_greatest_score(shape, odd):
    found = scores(shape(noise(1600)))
    assert found[odd].max() > 1.5
    assert found[odd].max() > np.nanmax(found[:1500]) + 0.5


def test_a_missing_daily_peak_is_odd_although_every_value_was_seen_before():
    steps = np.arange(30 * 48)
    daily = 50 + 30 * np.sin(2 * np.pi * steps / 48) + noise(len(steps), level=0.0, width=1.0)
    daily[28 * 48 : 29 * 48] = 50 + noise(48, 3, level=0.0, width=1.0)
    found = scores(daily, step_s=1800.0, start=86400.0 * 19000)
    assert np.nanmax(found[28 * 48 : 29 * 48]) > np.nanmax(found[5 * 48 : 28 * 48]) + 0.3


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5, 8e10])
def test_a_constant_series_is_never_odd(value):
    assert np.nanmax(scores(np.full(500, value))) < 0.0


def test_the_first_change_of_a_constant_series_is_odd_once():
    found = scores(np.r_[np.zeros(800), np.ones(1), np.zeros(200)])
    assert found[800] > 1.0
    assert np.nanmax(found[900:]) < 0.5


def test_a_binary_series_that_switches_often_is_not_odd():
    switching = np.random.default_rng(2).integers(0, 2, 1500).astype(float)
    assert np.nanmax(scores(switching)) < 1.0


def test_after_a_silence_the_last_value_is_not_held_against_the_next():
    values = np.r_[noise(600), noise(600, 1)]
    detector = Detector(np.array([300.0]))
    at = np.r_[np.arange(600), 5000 + np.arange(600)] * 300.0
    found = [detector.advance(values[n : n + 1], at[n : n + 1]).score[0] for n in range(1200)]
    assert max(found[600:]) < 1.5


def test_alarms_on_normal_series_stay_within_the_rate_asked_for():
    """Seeded: 24 series of noise of several kinds, 15 days each."""
    random = np.random.default_rng(7)
    count, rows = 15 * 288, 24
    steady = random.standard_normal((count, rows))
    steady[:, 6:12] = np.exp(0.7 * steady[:, 6:12])
    steady[:, 12:18] = random.standard_t(3, (count, 6))
    for step in range(1, count):
        steady[step, 18:] += 0.9 * steady[step - 1, 18:]
    at = 1.7e9 + 300.0 * np.arange(count)
    judged = judge_past([(at, column) for column in steady.T], Settings(rate_per_day=1.0))
    for rate in (1.0, 0.1):
        begun = 0
        for one in judged:
            odd = np.flatnonzero(one.scores >= -np.log10(rate))
            begun += int(np.count_nonzero(np.diff(odd) > 12)) + (len(odd) > 0)
        assert begun / (15 * rows) <= 1.5 * rate


def test_a_forgotten_series_is_learnt_anew():
    detector = Detector(np.full(2, 10.0))
    for number in range(200):
        detector.advance(np.array([5.0, 5.0]), np.full(2, number * 10.0))
    detector.forget(np.array([0]))
    found = detector.advance(np.array([900.0, 900.0]), np.full(2, 2000.0))
    assert np.isnan(found.score[0])
    assert found.score[1] > 0
    assert detector.count.tolist() == [1.0, 201.0]


def test_memory_depends_on_how_many_series_there_are_and_not_on_how_long_they_are():
    detector = Detector(np.full(3, 10.0), Settings(has_season=False))
    before = detector.nbytes()
    for number in range(400):
        detector.advance(np.full(3, float(number % 7)), np.full(3, number * 10.0))
    assert detector.nbytes() == before
    detector.resize(np.full(6, 10.0))
    assert detector.nbytes() == 2 * before


def test_new_rows_do_not_disturb_the_old_ones():
    detector, other = Detector(np.full(1, 10.0)), Detector(np.full(1, 10.0))
    values = noise(200)
    for number, value in enumerate(values):
        if number == 100:
            detector.resize(np.full(3, 10.0))
        row = np.full(len(detector), value)
        got = detector.advance(row, np.full(len(row), number * 10.0)).score[0]
        want = other.advance(np.array([value]), np.array([number * 10.0])).score[0]
        assert got == want or (np.isnan(got) and np.isnan(want))


def test_the_reason_says_what_was_odd():
    detector = Detector(np.array([300.0]), Settings(has_season=False))
    for number, value in enumerate(noise(1000)):
        detector.advance(np.array([value]), np.array([number * 300.0]))
    found = detector.advance(np.array([200.0]), np.array([300000.0]))
    assert Reason(int(found.reason[0])) in {Reason.STEP, Reason.PLACE}
    assert found.expected[0] == pytest.approx(50.0, abs=5.0)
    assert 3.0 < found.half_width[0] < 20.0
    assert found.usual_width[0] < 20.0


def test_the_forecast_band_holds_what_it_promises():
    detector = Detector(np.array([300.0]))
    inside = []
    for number, value in enumerate(noise(1500)):
        found = detector.advance(np.array([value]), np.array([number * 300.0]))
        inside.append(abs(value - found.expected[0]) <= found.half_width[0])
    assert 0.97 <= np.mean(inside[300:]) <= 1.0
