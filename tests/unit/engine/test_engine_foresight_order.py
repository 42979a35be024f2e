"""What is forecast next: the screen, then risks, then the fleet in turn; and never more than the budget."""

import pytest

from leptontui.engine.foresight_budget import SAVED_S, Budget
from leptontui.engine.foresight_kinds import FAR_S, FLEET, NEAR_S, Job
from leptontui.engine.foresight_order import HEAVY_TRENDS, Order
from leptontui.engine.foresight_turn import Turn
from leptontui.model.focus import Focus
from leptontui.model.series import Entity, SeriesKey

T0 = 1_760_000_000.0
TEMPS, MEMORIES = FLEET[0], FLEET[6]


def temp(host: str) -> SeriesKey:
    return SeriesKey(host, Entity.GPU, "G0", "temp_c")


def order(share: float = 0.1) -> Order:
    found = Order(Budget(share, 0.0))
    found.turn.set(TEMPS, [("f1", "G0"), ("f2", "G0"), ("f3", "G0")])
    return found


def test_the_screen_comes_first_then_risks_then_the_fleet():
    asked = order()
    asked.focus = Focus(chart=temp("chart"), trends=frozenset({temp("b"), temp("a")}))
    asked.risks = [(temp("risk"), NEAR_S)]
    batches = []
    while batch := asked.next_batch(T0, 0.0):
        asked.made(batch, 0.001, T0, 0.0)
        batches.append([job.key.host for job in batch])
    assert batches == [["chart", "a", "b"], ["risk"], ["f1", "f2", "f3"]]


def test_the_chart_is_renewed_with_every_bucket_trend_cells_each_minute():
    asked = order()
    asked.turn.set(TEMPS, [])
    asked.focus = Focus(chart=temp("chart"), trends=frozenset({temp("cell")}))
    count = {"chart": 0, "cell": 0}
    for second in range(300):
        for job in asked.next_batch(T0 + second, float(second)):
            asked.made([job], 0.0, T0 + second, float(second))
            count[job.key.host] += 1
    assert count["chart"] in {30, 31}
    assert count["cell"] in {5, 6}


def test_a_memory_chart_is_forecast_near_and_far_a_filesystem_only_far():
    asked = order()
    memory = SeriesKey("a", Entity.GPU, "G0", "memory_used_bytes")
    asked.focus = Focus(chart=memory)
    assert [job.step_s for job in asked.next_batch(T0, 0.0)] == [NEAR_S, FAR_S]
    asked.focus = Focus(chart=SeriesKey("a", Entity.FILESYSTEM, "/", "used_bytes"))
    assert [job.step_s for job in asked.next_batch(T0, 0.0)] == [FAR_S]


def test_costly_models_are_for_the_chart_the_risks_and_few_cells():
    asked = order()
    asked.focus = Focus(trends=frozenset(temp(f"t{n}") for n in range(HEAVY_TRENDS)))
    assert all(job.is_heavy for job in asked.next_batch(T0, 0.0))
    asked.focus = Focus(trends=frozenset(temp(f"t{n}") for n in range(HEAVY_TRENDS + 1)))
    assert not any(job.is_heavy for job in asked.next_batch(T0, 0.0))


def test_what_comes_into_view_after_its_turn_is_wanted_as_a_whole_at_once():
    asked = order()
    asked.made([Job(temp("f1"), NEAR_S)], 0.001, T0, 0.0)
    asked.focus = Focus(trends=frozenset({temp("f1")}))
    assert [job.key.host for job in asked.next_batch(T0 + 1, 1.0)] == ["f1"]


def test_without_budget_only_the_screen_borrows_and_not_for_ever():
    asked = order(share=0.1)
    asked.made([], 0.1 * SAVED_S + 1.0, T0, 0.0)
    assert asked.next_batch(T0, 0.0) == []
    asked.focus = Focus(chart=temp("chart"))
    assert [job.key.host for job in asked.next_batch(T0, 0.0)] == ["chart"]
    asked.made([], 0.1 * SAVED_S, T0, 0.0)
    assert asked.next_batch(T0, 0.0) == []


def test_a_clock_that_is_set_back_makes_everything_due():
    asked = order()
    asked.made([Job(temp("f1"), NEAR_S)], 0.0, T0 + 7200, 0.0)
    assert "f1" in [job.key.host for job in asked.next_batch(T0, 0.0)]


def test_the_budget_saves_a_minute_and_no_more():
    budget = Budget(0.1, 0.0)
    assert budget.left_s(0.0) == pytest.approx(0.1 * SAVED_S)
    assert budget.left_s(1e6) == pytest.approx(0.1 * SAVED_S)
    budget.spend(0.1 * SAVED_S + 0.5, 1e6)
    assert budget.wait_s(1e6) == pytest.approx(5.0)
    assert budget.left_s(1e6 + 5.0) == pytest.approx(0.0)
    assert budget.left_s(0.0) <= 0.0, "a clock that goes back earns nothing"
    assert budget.spent_share(1e6 + 60.0) == pytest.approx((0.1 * SAVED_S + 0.5) / 120.0)
    assert budget.spent_share(1e6 + 1000.0) == 0.0


def test_everything_comes_once_in_a_lap_and_kinds_come_side_by_side():
    turn = Turn()
    turn.set(TEMPS, [(f"h{n}", "G0") for n in range(10)])
    turn.set(MEMORIES, [(f"h{n}", "G0") for n in range(5)])
    first = turn.next(15, lambda job, pace: True)
    assert len(set(first)) == 15
    half = first[:8]
    assert sum(job.step_s == FAR_S for job in half) in {2, 3}
    assert set(turn.next(15, lambda job, pace: True)) == set(first)


def test_a_host_that_comes_or_goes_makes_nobody_wait_longer():
    turn = Turn()
    turn.set(TEMPS, [("a", "G0"), ("c", "G0"), ("e", "G0")])
    assert [job.key.host for job in turn.next(2, lambda job, pace: True)] == ["a", "c"]
    turn.set(TEMPS, [("b", "G0"), ("d", "G0"), ("e", "G0")])
    assert [job.key.host for job in turn.next(3, lambda job, pace: True)] == ["d", "e", "b"]
    turn.set(TEMPS, [])
    assert turn.next(3, lambda job, pace: True) == []


def test_where_all_were_forecast_lately_nothing_is_asked():
    turn = Turn()
    turn.set(TEMPS, [("a", "G0")])
    assert turn.next(3, lambda job, pace: False) == []
