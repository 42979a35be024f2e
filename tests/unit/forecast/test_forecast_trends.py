"""What climbs steadily is foreseen from little history, and what only bursts or swings is not extrapolated."""

import numpy as np
import pytest

from leptontui.forecast.portfolio import Past, Portfolio

STEP_S = 10.0


def forecast(values, steps=60):
    return Portfolio().forecast(
        Past("one", "m@10s", np.asarray(values, dtype=float), len(values) * STEP_S, STEP_S, 0.0), steps
    )


def noise(count, scale, seed):
    return scale * np.random.default_rng(seed).standard_normal(count)


@pytest.mark.parametrize("seed", range(4))
def test_a_fan_that_fails_is_foreseen_from_whole_degrees(seed):
    climb = 55.0 + 0.33 * np.clip(np.arange(200) - 36, 0, None)
    seen = np.round(climb[:84] + noise(84, 0.3, seed))
    made = forecast(seen)
    assert made.mean[29] == pytest.approx(climb[83 + 30], abs=0.4 * 0.33 * 30 + 1.0)
    assert made.mean[59] == pytest.approx(climb[83 + 60], abs=0.4 * 0.33 * 60 + 1.0)


@pytest.mark.parametrize("seed", range(4))
def test_a_leak_is_foreseen_from_a_quarter_of_an_hour(seed):
    leak = 40.0 + 0.05 * np.arange(200)
    made = forecast((leak + noise(200, 0.2, seed))[:90])
    assert made.mean[59] - leak[89] == pytest.approx(0.05 * 60, rel=0.3)
    assert "line" in made.model


def test_a_burst_is_not_extrapolated():
    values = 50.0 + noise(160, 1.0, 1)
    values[150:158] += np.linspace(5.0, 25.0, 8)
    assert (forecast(values[:157]).mean[9:] < 60.0).all()


def test_a_saw_tooth_comes_down_again():
    values = 50.0 + (np.arange(200) % 40) * 0.5 + noise(200, 0.5, 1)
    made = forecast(values[:190])
    assert made.mean[14] < 60.0
    assert made.mean.max() < 75.0


def test_a_line_begins_anew_after_a_level_shift():
    values = np.r_[50.0 + noise(120, 1.0, 2), 80.0 + noise(40, 1.0, 3)]
    assert forecast(values).mean == pytest.approx(80.0, abs=3.0)


def test_a_disk_that_fills_is_foreseen_where_it_never_was():
    used = 800.0 + 100.0 * np.arange(600) / 359 + noise(600, 0.2, 5)
    made = forecast(used[:359], steps=240)
    crossing = np.flatnonzero(made.mean >= 950.0)
    assert 150 <= crossing[0] <= 210  # after 180 steps in truth
    assert (np.diff(made.mean) >= -1.0).all()
