"""The neural member, with a stand-in for the library: when it is fitted, when asked, and how it fails."""

import sys
import threading

import numpy as np
import pytest

from leptontui.cli import main
from leptontui.forecast import neural
from leptontui.forecast.learner import Learner
from leptontui.forecast.neural import AGAIN_AFTER_S, LEAST_POINTS, LEAST_SERIES, MISSING, MOST_STEPS, Neural
from leptontui.forecast.past import Past
from leptontui.forecast.portfolio import Portfolio
from leptontui.forecast.protocol import Start, Task

T0 = 1_760_000_000.0


class Knowing:
    """A stand-in for the library whose model knows a wave's future exactly."""

    def __init__(self, is_broken=False):
        self.fitted = []
        self.is_broken = is_broken

    def __call__(self, pasts):
        if self.is_broken:
            raise RuntimeError("out of memory")
        self.fitted.append(pasts)
        return lambda past: np.concatenate([past[-60:], past[-60:]])[:MOST_STEPS]


def wave(n, phase=0.0, offset=50.0):
    return offset + 20 * np.sin((np.arange(n) + phase) * 2 * np.pi / 60)


def past(n=180, key="a", phase=0.0, at=T0, metric="gpu.util_pct@10s"):
    return Past(key, metric, wave(n, phase), at, 10.0, 0.0, 100.0)


def taught(fit, **options):
    member = Neural(fit, in_background=False, **options)
    for number in range(LEAST_SERIES):
        member.path(past(key=f"k{number}", phase=number), 30)
    return member


def test_it_is_fitted_once_a_class_has_enough_series_and_forecasts_in_the_series_own_unit():
    fit = Knowing()
    member = Neural(fit, in_background=False)
    for number in range(LEAST_SERIES - 1):
        assert member.path(past(key=f"k{number}"), 30) is None
    made = member.path(past(key="last", n=200), 30)
    assert made == pytest.approx(wave(230)[200:], abs=1e-6)
    (pasts,) = fit.fitted
    assert len(pasts) == LEAST_SERIES
    assert all(abs(one.mean()) < 1e-9 for one in pasts), "fitted on a common scale"


def test_it_is_fitted_again_after_an_hour_and_not_before():
    fit = Knowing()
    member = taught(fit)
    member.path(past(key="k0", at=T0 + AGAIN_AFTER_S - 1), 30)
    assert len(fit.fitted) == 1
    member.path(past(key="k0", at=T0 + AGAIN_AFTER_S), 30)
    assert len(fit.fitted) == 2


def test_classes_do_not_mix_and_short_pasts_and_far_horizons_are_left_to_the_others():
    member = taught(Knowing())
    assert member.path(past(metric="gpu.temp_c@10s"), 30) is None
    assert member.path(past(n=LEAST_POINTS - 1), 30) is None
    assert member.path(past(), MOST_STEPS + 1) is None
    assert member.path(past(), MOST_STEPS) is not None


def test_fitting_in_the_background_holds_nobody_up():
    may_fit, has_fitted = threading.Event(), threading.Event()

    def fit(pasts):
        may_fit.wait(20)
        has_fitted.set()
        return Knowing()(pasts)

    member = Neural(fit)
    for number in range(LEAST_SERIES + 2):
        assert member.path(past(key=f"k{number}"), 30) is None
    may_fit.set()
    assert has_fitted.wait(20)


def test_a_member_that_fails_is_not_asked_any_more(caplog):
    fit = Knowing(is_broken=True)
    member = taught(fit)
    assert "the neural member failed" in caplog.text
    fit.is_broken = False
    member.path(past(at=T0 + 2 * AGAIN_AFTER_S), 30)
    assert fit.fitted == []


def task(n, key, is_heavy):
    values = np.round(wave(n, phase=7.0) + np.random.default_rng(3).normal(0, 8, n), 1).clip(0, 100)
    return Task(
        key,
        "util@10s",
        values.astype(np.float32).tobytes(),
        T0 + 10 * n,
        10.0,
        0.0,
        100.0,
        None,
        True,
        30,
        (),
        is_heavy,
    )


def test_it_joins_only_where_costly_models_may_and_only_once_it_has_won():
    member = taught(Knowing())
    asked = []
    plain = member.path
    member.path = lambda past, steps: asked.append(past.key) or plain(past, steps)
    learner, words = Learner.started(Start(), (member,))
    assert words == ""
    learner.answer(task(150, "cheap", False))
    assert asked == []
    told = learner.answer(task(150, "heavy", True))
    assert asked == ["heavy"]
    assert "LSTM" not in told.model, "nothing of its own was scored yet"
    again, words = Learner.started(Start(learner.learned()), (member,))
    assert words == ""
    assert again.answer(task(160, "heavy", True)) is not None


def test_without_the_library_that_is_said_and_nothing_is_loaded(monkeypatch, capsys):
    monkeypatch.setattr(neural.importlib.util, "find_spec", lambda name: None)
    assert neural.neural_members() == ((), MISSING)
    assert main(["demo", "--neural"]) == 3
    assert "pip install 'leptontui[neural]'" in capsys.readouterr().err
    assert not {"torch", "neuralforecast"} & set(sys.modules)


@pytest.mark.parametrize("is_right", [True, False])
def test_it_is_chosen_only_where_its_realised_error_wins(is_right):
    rng = np.random.default_rng(0)
    series = {name: 50 + rng.normal(0, 5, 420) for name in "abc"}
    portfolio = Portfolio((80.0, 95.0), (Neural.name,))
    errors, models = [], []
    for origin in range(120, 380, 5):
        for name, values in series.items():
            seen = Past(name, "util_pct@10s", values[origin - 120 : origin], 10.0 * origin, 10.0)
            told = values[origin : origin + 30] if is_right else np.full(30, 200.0)
            made = portfolio.forecast(seen, 30, extra={Neural.name: told})
            errors.append(abs(made.mean[29] - values[origin + 29]))
            models.append(made.model)
    assert all(Neural.name not in model for model in models[:20]), "not before it was scored"
    assert (Neural.name in models[-1]) == is_right
    assert (np.mean(errors[-30:]) < 0.5) == is_right
