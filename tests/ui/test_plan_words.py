"""What a plan, its rules and its next key are told in: pure words, each case once."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from fake_office import plan_of
from fleets import T0
from hypothesis import given
from hypothesis import strategies as st

from leptontui.model.action import ActionRequest, Danger, Outcome, OutcomeKind, Plan, Standing, Step
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.activity import (
    Activity,
    Drained,
    Pace,
    Rollout,
    RolloutPlan,
    RolloutRequest,
    RolloutState,
    RunbookRun,
    RunbookState,
    RunbookStep,
    TargetRun,
    TargetState,
    Unfinished,
)
from leptontui.model.health import Severity
from leptontui.model.link import LinkState
from leptontui.render.activity_words import activity_parts, counts_of, drained_words, took
from leptontui.ui.screens.fleet_words import reason_for
from leptontui.ui.screens.rollout_plan import expected_of
from leptontui.ui.widgets.ending import Ending
from leptontui.ui.widgets.plan_hints import Standpoint, hint, way_out
from leptontui.ui.widgets.plan_inputs import Stage
from leptontui.ui.widgets.plan_rows import all_standing, ending_rows, plan_rows, rollout_rows
from leptontui.view.row import Standing as RowStanding

SOFT = Standing("blast-fleet", "too many", "take fewer", "/etc/p.toml:3", may_be_overridden=True)
HARD = Standing("policy-deny", "a freeze", "", "/etc/p.toml:9")
SHOWN = {"stage": Stage.SHOWN, "is_armed": True}


@pytest.mark.parametrize(
    ("health", "reason"),
    [
        ("Xid 79 off the bus: reboot the host (NVIDIA) +1", "Xid 79 off the bus: reboot the host (NVIDIA)"),
        ("87 °C in 4 min (1–7) +12", "87 °C in 4 min (1–7)"),
        ("Xid 79", "Xid 79"),
        ("+1 of 2", "+1 of 2"),
    ],
)
def test_a_reason_to_drain_leaves_out_how_many_other_findings_there_are(health, reason):
    standing = RowStanding(LinkState.LIVE, "", T0, Severity.CRITICAL, health)
    assert reason_for(SimpleNamespace(standing=standing)) == reason


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ({"stage": Stage.ASKING, "is_armed": True}, ""),
        ({"stage": Stage.SHOWN, "is_armed": False, "blocked_by": "x"}, "read-only: press A to arm"),
        (SHOWN | {"complaint": "✖ no"}, "✖ no"),
        (SHOWN | {"is_planned": False}, "the reason has changed: enter plans again"),
        (SHOWN | {"blocked_by": "freeze"}, "⊘ cannot be run now (freeze)   p: plan again"),
        (SHOWN | {"overridable": ("a",)}, "say why a is set aside"),
        (SHOWN | {"overridable": ("a", "b", "c")}, "say why 3 rules are set aside"),
        (SHOWN | {"overridable": ("a",), "override": "short"}, "a reason has 8 letters at least"),
        (SHOWN | {"overridable": ("a",), "override": "long enough"}, "y: do it, setting the rule aside"),
        (SHOWN, "y: do it"),
        (SHOWN | {"expected": "12"}, ""),
        (SHOWN | {"expected": "12", "has_reason": True}, "tab: change the reason"),
        (SHOWN | {"expected": "12", "typed": "1"}, "does not match yet"),
        (SHOWN | {"expected": "12", "typed": "12"}, "enter: do it"),
        ({"stage": Stage.RUNNING, "is_armed": True}, "running …"),
        ({"stage": Stage.ENDED, "is_armed": True, "undo": "undrain gpu-1"}, "u: undrain gpu-1"),
        ({"stage": Stage.ENDED, "is_armed": True, "can_try": True}, "p: plan it again"),
        ({"stage": Stage.ENDED, "is_armed": True}, ""),
    ],
)
def test_what_the_next_key_does(at, words):
    assert hint(Standpoint(**at))[0] == words


def test_there_is_always_a_way_out():
    for stage in Stage:
        assert way_out(Standpoint(stage, is_armed=True, can_change=True))
    assert way_out(Standpoint(Stage.RUNNING, is_armed=True)) == "esc: leave it running"
    assert "^o" in way_out(Standpoint(Stage.UNPLANNED, is_armed=True, can_change=True))


def texts(rows):
    return "\n".join(f"{label}|{text}" for label, text, _ in rows)


def test_rules_come_before_commands_and_what_cannot_be_overridden_first():
    request = ActionRequest("drain", "gpu-1", reason="x", params=(("emptydir", "keep"), ("force", "yes")))
    plan = Plan("p", request, "t", Danger.DESTRUCTIVE, (Step("login1", "o@login1", ("scontrol", "a b")),), "v")
    text = texts(plan_rows(replace(plan, standing=(SOFT, HARD)), SHIPPED["drain"]))
    assert text.index("a freeze") < text.index("too many") < text.index("scontrol 'a b'")
    assert "(rule policy-deny, set in /etc/p.toml:9)" in text
    assert "may be overridden with a reason" in text
    assert "with|force=yes" in text, "what somebody chose"
    assert "emptydir" not in text, "a default is not told"
    assert "to take it back|undone by undrain" in text


def rollout(*plans, **over):
    hosts = tuple(plan.request.host for plan in plans)
    request = RolloutRequest("restart", hosts, "x.service", **over)
    return RolloutPlan("r", request, "t", plans, (("gpu-9", "no link"),), Danger.DISRUPTIVE)


def restart(host, **over):
    return replace(plan_of(ActionRequest("restart", host, "x.service")), **over)


def test_every_host_of_a_rollout_has_its_exact_command_and_what_is_its_own():
    many = rollout(
        restart("gpu-1", standing=(SOFT, HARD), after_this=("is down meanwhile", "is the last of its kind")),
        restart("gpu-2", standing=(SOFT,), after_this=("is down meanwhile",), running_there=("journal: x", "job 7")),
    )
    text = texts(rollout_rows(many, SHIPPED["restart"]))
    assert text.count("systemctl restart x.service") == 2
    assert text.count("too many") == 1, "what holds for all is told once"
    assert text.count("a freeze") == 1
    assert text.count("is down meanwhile") == 1
    assert "is the last of its kind" in text
    assert "job 7" in text
    assert "journal" not in text
    assert "gpu-9|⊘ left out: no link" in text
    assert set(all_standing(many)) == {SOFT, HARD}, "what stands in any one's way stands in the way of the whole"


def test_the_pace_is_told():
    one = restart("gpu-1")
    assert "one host after the other; stops at the first" in texts(rollout_rows(rollout(one), None))
    assert "4 hosts at a time" in texts(rollout_rows(rollout(one, pace=Pace.ROLLING, batch=4), None))
    assert "all hosts at once" in texts(rollout_rows(rollout(one, pace=Pace.AT_ONCE), None))


@pytest.mark.parametrize(
    ("danger", "hosts", "confirmation", "expected"),
    [
        (Danger.DISRUPTIVE, 3, "", "3"),
        (Danger.DESTRUCTIVE, 3, "", "3"),
        (Danger.HARMLESS, 3, "", ""),
        (Danger.DESTRUCTIVE, 1, "", "gpu-0"),
        (Danger.DISRUPTIVE, 1, "", ""),
        (Danger.HARMLESS, 3, "3", "3"),
    ],
)
def test_what_has_to_be_typed_is_asked_for_even_where_the_plan_forgot_it(danger, hosts, confirmation, expected):
    plans = tuple(restart(f"gpu-{number}") for number in range(hosts))
    request = RolloutRequest("restart", tuple(plan.request.host for plan in plans))
    assert expected_of(RolloutPlan("r", request, "t", plans, (), danger, (), confirmation)) == expected


def words_of(pieces):
    return " ".join("".join(piece.text for piece in pieces).split())


def test_counts_and_durations():
    targets = [TargetRun("a", TargetState.VERIFIED), TargetRun("b", TargetState.FAILED), TargetRun("c")]
    assert words_of(counts_of(targets)) == "● 1 verified ✖ 1 failed · 1 waiting"
    assert words_of(counts_of(targets, is_short=True)) == "● 1 ✖ 1 · 1"
    assert [took(None, None, 9), took(0, None, 9), took(0, 127, 900)] == ["", "9 s", "2:07"]
    assert took(0, 7384, 9999) == "2:03:04"
    assert took(10, None, 9) == "0 s", "clocks may disagree"


HOSTILE = st.text(st.characters(codec="utf-8"), max_size=40) | st.sampled_from(
    ["\x1b[2J", "a\nb", "[red]x[/]", "$(reboot)", "\x9b31m", "\u202egnp", "; rm -rf /", "\r\x07", "\x00"]
)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_nothing_that_a_host_or_file_says_reaches_the_terminal_as_more_than_text(one, two, three):
    rule = Standing(one, two, three, one, may_be_overridden=True)
    step = Step(one, two, ("sh", three, one), wants_password=True)
    request = ActionRequest(one, two, three, one, ((two, three),))
    plan = Plan("p", request, one, Danger.DISRUPTIVE, (step,), two, (three,), (one,), (two,), three, one, (rule,))
    many = RolloutPlan(
        "r", RolloutRequest(one, (two,), params=((one, two),)), one, (plan,), ((two, three),), Danger.DISRUPTIVE, (one,)
    )
    outcome = Outcome("p", OutcomeKind.FAILED, one, f"{two}\n{three}")
    rows = [*plan_rows(plan, None), *rollout_rows(many, None), *ending_rows(Ending.of_outcome(outcome))]
    target = TargetRun(one, TargetState.FAILED, two, (three,))
    activity = Activity(
        (Rollout("r", one, RolloutState.STOPPED, (target,), two),),
        (RunbookRun("b", one, two, RunbookState.READY, (RunbookStep(three, one),), 0, 0.0),),
        (Drained(one, two, three, one, 0.0, two, True),),
        (Unfinished("p", one, two, three, 0.0, one),),
    )
    said = [text for row in rows for text in row[:2]]
    said += [piece.text for part in activity_parts(activity, is_short=False) for piece in part]
    said += [piece.text for piece in drained_words(activity.drained[0])]
    assert all(text.isprintable() for text in said), said
