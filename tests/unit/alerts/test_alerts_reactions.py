"""Which actions alerts ask for, and that nothing is run without a person that the user did not allow."""

from dataclasses import replace

import pytest

from leptontui.alerts.reactions import Circumstances, Deed, proposals_of, recent, request_of
from leptontui.model.action import ActionName
from leptontui.model.alert import Acknowledgement, Alert, AlertState, Level, Subject
from leptontui.model.reaction import AutoPolicy, Reaction
from leptontui.model.series import Entity
from tests.unit.alerts.life_scene import T0

UNIT = Subject(Entity.UNIT, "gpu-017", "vllm.service")
AUTO = Alert(
    "a1",
    "unit-failed",
    Level.TICKET,
    False,
    UNIT,
    (("host", "gpu-017"),),
    "vllm.service failed",
    AlertState.FIRING,
    T0 - 60,
    T0 - 30,
    seen_unix_s=T0,
    action="restart",
    reaction="auto",
)
WELL = Circumstances(T0, 100, True, True, True, AutoPolicy(frozenset({"restart"})))


def test_what_is_allowed_is_run() -> None:
    (found,) = proposals_of([AUTO], WELL)
    assert (found.reaction, found.why_not) == (Reaction.AUTO, "")
    assert (found.request.action, found.request.host, found.request.unit) == (
        ActionName.RESTART_UNIT,
        "gpu-017",
        "vllm.service",
    )


@pytest.mark.parametrize(
    ("alert", "known", "says"),
    [
        (replace(AUTO, is_predictive=True), WELL, "prediction"),
        (AUTO, replace(WELL, policy=AutoPolicy()), "not in [auto] allow"),
        (replace(AUTO, action="drain"), WELL, "drain is not in"),
        (AUTO, replace(WELL, is_keeper=False), "another leptontui"),
        (AUTO, replace(WELL, is_armed=False), "not armed"),
        (replace(AUTO, is_flapping=True), WELL, "comes and goes"),
        (replace(AUTO, seen_unix_s=T0 - 60), WELL, "nothing fresh"),
        (AUTO, replace(WELL, deeds=(Deed(T0 - 7200, "gpu-017", "r", "a1", "failed"),)), "tried already: failed"),
        (AUTO, replace(WELL, deeds=tuple(Deed(T0 - n, "gpu-017", "r", f"x{n}", "ok") for n in (5, 9))), "the limit"),
        (AUTO, replace(WELL, deeds=tuple(Deed(T0 - 9000, f"h{n}", "r", f"x{n}", "ok") for n in (1, 2))), "more than 2"),
    ],
)
def test_everything_else_is_left_to_a_person_with_the_reason(alert: Alert, known: Circumstances, says: str) -> None:
    (found,) = proposals_of([alert], known)
    assert found.reaction is Reaction.CONFIRM
    assert says in found.why_not


def test_without_a_port_for_actions_nothing_is_proposed() -> None:
    assert proposals_of([AUTO, replace(AUTO, reaction="confirm")], replace(WELL, can_act=False)) == ()


def test_suggestions_are_left_where_they_are() -> None:
    assert proposals_of([replace(AUTO, reaction="suggest")], WELL) == ()


def test_a_rule_may_ask_for_a_confirmation() -> None:
    (found,) = proposals_of([replace(AUTO, reaction="confirm")], replace(WELL, is_armed=False))
    assert (found.reaction, found.why_not) == (Reaction.CONFIRM, "")


@pytest.mark.parametrize(
    "alert",
    [
        replace(AUTO, state=AlertState.PENDING),
        replace(AUTO, acknowledgement=Acknowledgement("anna", "", T0)),
        replace(AUTO, silenced_by="s"),
        replace(AUTO, inhibited_by="b"),
        replace(AUTO, is_over=True),
        replace(AUTO, action=""),
        replace(AUTO, action="explode"),
        replace(AUTO, subject=Subject(Entity.HOST, "")),
        replace(AUTO, subject=Subject(Entity.HOST, "gpu-017")),
    ],
)
def test_what_is_looked_after_or_names_nothing_to_do_asks_for_nothing(alert: Alert) -> None:
    assert proposals_of([alert], WELL) == ()


def test_a_gpus_alert_may_name_the_unit_by_a_label() -> None:
    alert = replace(AUTO, subject=Subject(Entity.GPU, "gpu-017", "GPU-0"), labels=(("unit", "dcgm.service"),))
    request = request_of(alert)
    assert request is not None
    assert request.unit == "dcgm.service"


def test_one_at_a_time_the_oldest_first() -> None:
    later = replace(AUTO, id="a2", fired_unix_s=T0 - 10, subject=replace(UNIT, host="gpu-018"))
    assert [found.alert_id for found in proposals_of([later, AUTO], WELL)] == ["a1"]
    busy = replace(WELL, deeds=(Deed(T0 - 1, "gpu-020", "r", "a9"),))
    assert proposals_of([later], busy) == ()


def test_one_host_of_a_small_fleet_may_be_acted_on() -> None:
    assert proposals_of([AUTO], replace(WELL, fleet_size=3))[0].reaction is Reaction.AUTO


def test_what_was_done_counts_for_a_day_also_when_the_clock_is_set_back() -> None:
    deeds = (Deed(T0 - 86_401, "a", "r", "x", "ok"), Deed(T0 + 60, "b", "r", "y", "ok"))
    assert recent(deeds, T0) == deeds[1:]
