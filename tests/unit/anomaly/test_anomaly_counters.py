"""Counters are judged by their rate, everything else by its value."""

from __future__ import annotations

import numpy as np

from leptontui.anomaly.counters import SURE, Counters


def run(values, step_s=10.0):
    counters = Counters(1)
    found, turned = [], []
    for number, value in enumerate(values):
        out, changed = counters.advance(np.array([value]), np.array([number * step_s]))
        found.append(out[0])
        turned += [number] * len(changed)
    return np.array(found), turned, bool(counters.are[0])


def test_what_only_grows_becomes_a_rate():
    found, turned, is_counter = run(5.0 * np.arange(100) + 1e6)
    assert is_counter
    assert turned == [SURE]
    assert (found[SURE:] == 0.5).all()


def test_a_reset_is_no_rate():
    found, _, is_counter = run(np.r_[5.0 * np.arange(100) + 1e6, 5.0 * np.arange(20)])
    assert is_counter
    assert np.isnan(found[100])
    assert found[101] == 0.5


def test_a_gauge_that_falls_is_none():
    values = np.r_[np.arange(60.0) + 100, np.arange(60.0)[::-1] + 100]
    found, turned, is_counter = run(values)
    assert not is_counter
    assert len(turned) == 2
    assert (found[61:] == values[61:]).all()


def test_noise_and_constants_are_none():
    assert not run(np.full(200, 3.0))[2]
    assert not run(np.random.default_rng(0).standard_normal(200))[2]


def test_missing_values_stay_missing():
    found, _, _ = run([1.0, np.nan, 2.0, np.inf])
    assert np.isnan(found[1])
    assert found[2] == 2.0
