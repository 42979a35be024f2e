"""Series of a file: alarms, what is merged, groups."""

from __future__ import annotations

import numpy as np
from anomaly_series import noise

from leptontui.anomaly.past import group_alarms, judge_past, step_of
from leptontui.anomaly.settings import Settings

AT = 1.7e9 + 300.0 * np.arange(1500)


def series(*spikes, seed=0):
    values = noise(1500, seed)
    for at, length, height in spikes:
        values[at : at + length] += height
    return AT, values


def test_an_alarm_has_a_beginning_a_peak_an_end_and_words():
    (one,) = judge_past([series((1200, 5, 60.0))], Settings())
    (alarm,) = one.alarms
    assert alarm.first == 1200
    assert alarm.first <= alarm.peak <= alarm.last <= 1216
    assert alarm.score == max(one.scores[alarm.first : alarm.last + 1])
    assert "where" in alarm.words


def test_two_spikes_within_the_hour_are_one_alarm_and_a_day_later_another():
    (one,) = judge_past([series((900, 1, 60.0), (906, 1, 60.0), (1300, 2, 90.0))], Settings())
    assert [alarm.first for alarm in one.alarms] == [900, 1300]


def test_a_higher_rate_tells_more():
    few, many = (judge_past([series((1200, 1, 12.0))], Settings(rate_per_day=rate))[0] for rate in (0.001, 3.0))
    assert len(few.alarms) < len(many.alarms)


def test_series_that_move_together_are_one_group_and_the_odd_one_out_is_its_own():
    together = [series((1200, 20, 40.0 + 5 * seed), seed=seed) for seed in range(4)]
    alone = series((700, 20, 50.0), seed=9)
    groups = group_alarms(judge_past([*together, alone], Settings()), 3600.0)
    rows = [sorted(alarm.row for alarm in group) for group in groups]
    assert rows[0] == [4]
    assert [0, 1, 2, 3] in rows


def test_series_of_different_length_and_step_stand_side_by_side():
    short = (AT[:3], np.array([1.0, np.nan, 2.0]))
    slow = (1.7e9 + 3600.0 * np.arange(400), noise(400, 4))
    judged = judge_past([series((1200, 5, 60.0)), short, slow, (AT[:0], AT[:0])], Settings())
    assert [len(one.scores) for one in judged] == [1500, 3, 400, 0]
    assert [one.step_s for one in judged] == [300.0, 300.0, 3600.0, 1.0]
    assert group_alarms(judged, 3600.0)


def test_a_counter_is_judged_by_its_rate():
    rates = np.where(np.arange(1500) == 1200, 900.0, 10.0 + noise(1500, level=0.0, width=0.5))
    (one,) = judge_past([(AT, np.cumsum(rates))], Settings())
    assert one.is_counter
    assert [alarm.first for alarm in one.alarms] == [1200]


def test_the_step_is_known_before_anything_is_judged():
    assert step_of(np.array([0.0, 60.0, 120.0, 500.0])) == 60.0
    assert step_of(np.array([5.0])) == 1.0
