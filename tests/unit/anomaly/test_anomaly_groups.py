"""Series that moved together are one group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leptontui.anomaly.groups import follow, moved_together

STEP = np.r_[np.zeros(20), np.full(10, 8.0)]
SPIKES = np.where(np.arange(30) % 7 == 0, 9.0, 0.0)


def noisy(shape, seed):
    return shape + 0.1 * np.random.default_rng(seed).standard_normal(30)


def test_those_that_step_together_are_one_and_the_other_is_alone():
    window = np.stack([noisy(STEP, 0), noisy(SPIKES, 1), noisy(3 * STEP, 2), noisy(-STEP, 3)])
    assert moved_together(window) == [[0, 2, 3], [1]]


def test_two_movements_are_two_groups():
    window = np.stack([noisy(STEP if row % 2 else SPIKES, row) for row in range(9)])
    assert moved_together(window) == [[0, 2, 4, 6, 8], [1, 3, 5, 7]]


def test_series_that_do_not_move_belong_to_nobody():
    assert moved_together(np.zeros((3, 30))) == [[0], [1], [2]]


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 12), st.integers(2, 30)), elements=st.floats(width=64)))
def test_every_row_is_in_one_group(window):
    groups = moved_together(window)
    assert sorted(row for group in groups for row in group) == list(range(len(window)))


def test_following():
    window = np.stack([noisy(STEP, 5), noisy(SPIKES, 6), np.zeros(30)])
    alike = follow(window, np.stack([noisy(STEP, 7), noisy(-2 * STEP, 8)]))
    assert alike[0] > 0.9
    assert alike[1] < 0.5
    assert alike[2] == pytest.approx(0.0)
