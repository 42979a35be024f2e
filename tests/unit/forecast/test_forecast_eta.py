"""Crossings of a threshold: an interval, or nothing."""

import pytest

from leptontui.forecast.eta import eta_of


def eta(last, mean, lo80, hi80, threshold=90.0, *, is_rising_bad=True):
    return eta_of(
        last=last,
        mean=mean,
        lo80=lo80,
        hi80=hi80,
        threshold=threshold,
        is_rising_bad=is_rising_bad,
        origin_unix_s=1000.0,
        step_s=10.0,
    )


def test_all_three_edges_cross():
    found = eta(80.0, [84, 88, 92, 96], [82, 84, 86, 90], [86, 92, 98, 100])
    assert found.threshold == 90.0
    assert found.earliest_unix_s == pytest.approx(1000 + 10 * (1 + 4 / 6))
    assert found.expected_unix_s == pytest.approx(1025.0)
    assert found.latest_unix_s == pytest.approx(1040.0)


def test_the_far_edge_may_not_cross_within_the_horizon():
    found = eta(80.0, [85, 90], [80, 80], [90, 100])
    assert (found.earliest_unix_s, found.expected_unix_s, found.latest_unix_s) == (1010.0, 1020.0, None)


def test_only_the_near_edge_crosses():
    found = eta(80.0, [81, 82], [75, 70], [88, 92])
    assert found.expected_unix_s is None
    assert found.earliest_unix_s == pytest.approx(1015.0)
    assert found.latest_unix_s is None


def test_nothing_crosses():
    assert eta(80.0, [81, 82], [75, 70], [85, 89]) is None


@pytest.mark.parametrize("last", [90.0, 95.0])
def test_what_is_beyond_already_has_no_eta(last):
    assert eta(last, [96, 97], [95, 95], [98, 99]) is None


def test_falling():
    found = eta(20.0, [16, 12, 8, 4], [14, 8, 2, 0], [18, 16, 14, 10], 10.0, is_rising_bad=False)
    assert found.earliest_unix_s == pytest.approx(1000 + 10 * (1 + 4 / 6))
    assert found.expected_unix_s == pytest.approx(1025.0)
    assert found.latest_unix_s == pytest.approx(1040.0)
    assert eta(5.0, [4, 3], [2, 1], [6, 5], 10.0, is_rising_bad=False) is None
    assert eta(20.0, [30, 40], [25, 30], [35, 50], 10.0, is_rising_bad=False) is None


def test_the_interval_is_in_order():
    found = eta(0.0, [20, 40, 60, 80, 100], [10, 30, 50, 70, 95], [60, 70, 80, 100, 100])
    assert found.earliest_unix_s < found.expected_unix_s < found.latest_unix_s
