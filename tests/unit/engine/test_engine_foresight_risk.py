"""Which series of the fleet are looked at more closely: those that rise towards a threshold, and those near it."""

from foreseeing import GIB, T0, greet, say

from leptontui.engine.foresight_kinds import FAR_S, NEAR_S
from leptontui.engine.foresight_risk import MOST_RISKS, risks
from leptontui.model.series import Entity, SeriesKey
from leptontui.store.store import Store


def told(*temps_of, minutes=15, **values):
    """A store with one host whose GPUs' temperatures (and memory, disk) follow functions of the minute."""
    store = Store(1.0)
    greet(store, "a", gpus=len(temps_of), at=T0 - 60 * minutes)
    for tenth in range(6 * minutes + 1):
        minute = tenth / 6
        said = {name: follow(minute) for name, follow in values.items()}
        say(store, T0 - 60 * minutes + 10 * tenth, temps=[follow(minute) for follow in temps_of], **said)
    return [(key.instance, key.metric, step_s) for key, step_s in risks(store, T0)]


def test_a_rising_gpu_is_a_risk_and_a_steady_or_falling_or_silent_one_is_not():
    found = told(lambda _: 60.0, lambda m: 60.0 + m, lambda m: 80.0 - m, lambda _: None)
    assert found == [("G1", "temp_c", NEAR_S)]


def test_the_one_that_would_be_there_first_comes_first():
    found = told(lambda m: 60.0 + m, lambda m: 40.0 + 3 * m)
    assert [instance for instance, *_ in found] == ["G1", "G0"]


def test_what_only_lies_near_its_threshold_comes_after_what_rises():
    found = told(lambda _: 85.0, lambda _: 80.0, lambda m: 60.0 + m, lambda _: 70.0)
    assert [instance for instance, *_ in found] == ["G2", "G0", "G1"]


def test_what_is_beyond_its_threshold_is_no_risk_any_more():
    assert told(lambda _: 95.0) == []


def test_memory_and_disks_that_fill_up_over_hours_are_found_on_minutes():
    found = told(lambda _: 50.0, minutes=90, memory=lambda m: (10 + 0.2 * m) * GIB, disk=lambda m: (500 + 2 * m) * GIB)
    assert ("G0", "memory_used_bytes", FAR_S) in found
    assert ("/", "used_bytes", FAR_S) in found
    assert ("G0", "memory_used_bytes", NEAR_S) not in found


def test_risks_are_bounded_and_those_of_gone_gpus_are_none():
    many = 3 * MOST_RISKS
    assert len(told(*[lambda m: 60.0 + m] * many)) == MOST_RISKS
    store = Store(1.0)
    assert risks(store, T0) == []
    greet(store, "a")
    for tenth in range(91):
        say(store, T0 - 900 + 10 * tenth, temps=(60.0 + tenth / 6,))
    assert risks(store, T0) == [(SeriesKey("a", Entity.GPU, "G0", "temp_c"), NEAR_S)]
    say(store, T0, temps=())
    assert risks(store, T0) == []
