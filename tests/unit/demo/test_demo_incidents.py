"""The script of incidents: what happens when, where, and what it does."""

import itertools

import pytest

from leptontui.demo.incidents import SCRIPT, Incident, IncidentKind, effects_at
from leptontui.demo.layout import Role, make_layout

LAYOUT = make_layout(24, 8)


def one(kind, **changes):
    given = {"starts_s": 10.0, "lasts_s": 20.0, "every_s": 100.0, "role": Role.TRAIN, "place": 0.0} | changes
    return Incident(kind, **given)


def test_every_kind_has_been_seen_after_two_minutes():
    seen = {incident.kind for incident in SCRIPT for t_s in range(121) if incident.occurrence(t_s)}
    assert seen == set(IncidentKind)


@pytest.mark.parametrize("kind", [IncidentKind.OVERHEATING, IncidentKind.HOST_MEMORY, IncidentKind.GPU_MEMORY])
def test_what_creeps_is_under_way_at_the_start(kind):
    assert any(incident.kind is kind and incident.starts_s < -100.0 for incident in SCRIPT)


def test_something_is_going_on_at_any_time():
    assert all(any(incident.occurrence(t_s) for incident in SCRIPT) for t_s in range(0, 7200, 5))


def test_the_first_minutes_come_in_the_promised_order():
    first = {}
    for t_s in range(-600, 121):
        for incident in SCRIPT:
            if incident.occurrence(t_s):
                first.setdefault(incident.kind, t_s)
    assert first[IncidentKind.OFF_THE_BUS] == 45
    assert first[IncidentKind.HOST_AWAY] == 75


def test_the_host_that_goes_away_is_back_after_forty_seconds():
    away = next(incident for incident in SCRIPT if incident.kind is IncidentKind.HOST_AWAY and incident.starts_s == 75)
    assert [away.occurrence(t_s) is not None for t_s in (74, 75, 114, 115)] == [False, True, True, False]


def test_incidents_of_the_first_round_hit_different_hosts():
    fast = [incident for incident in SCRIPT if incident.starts_s < 120]
    names = [incident.host(LAYOUT, 0).name for incident in fast]
    assert len(set(names)) == len(names)


def test_an_occurrence_repeats_and_moves_on():
    incident = one(IncidentKind.STRAGGLER, stride=2)
    assert [incident.occurrence(t_s) for t_s in (9, 10, 30, 110, 115)] == [None, (0, 0), None, (1, 0), (1, 5)]
    train = LAYOUT.with_role(Role.TRAIN)
    assert [incident.host(LAYOUT, cycle) for cycle in (0, 1, 7)] == [train[0], train[2], train[0]]


@pytest.mark.parametrize(("hosts", "cycle"), itertools.product([1, 2, 3], [0, 1, 5]))
def test_a_small_fleet_has_a_place_for_everything(hosts, cycle):
    layout = make_layout(hosts, 1)
    assert all(incident.host(layout, cycle) in layout.hosts for incident in SCRIPT)


def test_each_kind_does_its_own_thing():
    host = LAYOUT.with_role(Role.TRAIN)[0].index

    def effects(kind, t_s=25.0, **changes):
        return effects_at((one(kind, gpu=3, **changes),), LAYOUT, t_s, {})

    assert effects(IncidentKind.OVERHEATING, strength=2.0, lasts_s=720.0, every_s=800.0).cooling[host, 3] > 1.0
    assert effects(IncidentKind.STRAGGLER, strength=0.6).clock_cap[host, 3] == 0.6
    assert not effects(IncidentKind.OFF_THE_BUS).is_present[host, 3]
    assert not effects(IncidentKind.HOST_AWAY).is_up[host]
    assert effects(IncidentKind.HOST_MEMORY).host_memory[host] == pytest.approx(0.75)
    assert effects(IncidentKind.GPU_MEMORY).gpu_memory[host] == pytest.approx(0.75)
    before = effects(IncidentKind.OFF_THE_BUS, t_s=5.0)
    assert before.is_present.all()
    assert before.is_up.all()


def test_a_restart_starts_a_leak_afresh():
    leak = one(IncidentKind.GPU_MEMORY)
    host = leak.host(LAYOUT, 0).index
    assert effects_at((leak,), LAYOUT, 25.0, {(0, 0): 25.0}).gpu_memory[host] == 0.0
    assert effects_at((leak,), LAYOUT, 29.0, {(0, 0): 25.0}).gpu_memory[host] == pytest.approx(0.2)


def test_a_gpu_number_beyond_the_host_wraps_around():
    layout = make_layout(4, 2)
    effects = effects_at((one(IncidentKind.OFF_THE_BUS, gpu=3),), layout, 15.0, {})
    assert (~effects.is_present).sum() == 1
