"""What a command without a screen tells of a run: every line once, and how it ended."""

import json
import shlex
from dataclasses import replace

from leptontui.model.action import ActionRequest, Danger, Plan, Standing, Step
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.activity import Pace, RolloutPlan, RolloutRequest, TargetRun, TargetState
from leptontui.view.act_words import (
    news,
    plan_lines,
    rollout_plan_json,
    rollout_plan_lines,
    spec_json,
    spec_lines,
    unseen,
)

RUNNING, VERIFIED = TargetState.RUNNING, TargetState.VERIFIED


def test_only_what_is_new_is_told() -> None:
    one, two = TargetRun("a", RUNNING, lines=("x", "y")), TargetRun("a", RUNNING, lines=("y", "z"))
    assert news(None, one) == ["a: running", "a | x", "a | y"]
    assert news(one, two) == ["a | z"]


def test_what_was_told_as_it_came_is_not_told_again_at_the_end() -> None:
    before = TargetRun("a", RUNNING, lines=("a$ reboot", "going down"))
    after = TargetRun("a", VERIFIED, "it is back", lines=("going down", "no such file"))
    told = {"a$ reboot", "going down"}
    assert news(before, after, told) == ["a | no such file", "a: verified: it is back"]
    assert news(before, TargetRun("a", RUNNING, lines=("going down", "going down")), told) == ["a | going down"], (
        "while it runs, a line that comes twice is told twice"
    )


def test_windows_on_the_same_lines_overlap() -> None:
    assert unseen(("1", "2", "3"), ("2", "3", "4")) == ("4",)
    assert unseen((), ("1",)) == ("1",)
    assert unseen(("1",), ("1",)) == ()
    assert unseen(("1", "2"), ("8", "9")) == ("8", "9")


STANDING = Standing("blast-fleet", "3 of 4 would be out", "give a reason", "policy.toml:3", may_be_overridden=True)
PLAN = Plan(
    "p1",
    ActionRequest("drain", "h1", reason="it's $(odd)"),
    "Drain h1",
    Danger.DESTRUCTIVE,
    (Step("login1", "anna@login1", ("scontrol", "update", "reason=it's $(odd)")),),
    "asked again",
    running_there=("job 1",),
    warnings=("3 of 4 would be out of service", "it is cold"),
    confirmation="h1",
    standing=(STANDING,),
)


def test_a_plan_is_shown_as_a_shell_would_take_it_and_with_what_stands_in_its_way() -> None:
    lines = plan_lines(PLAN)
    assert lines[0] == "Drain h1 (destructive)"
    assert lines[1] == "  runs      anna@login1$ scontrol update 'reason=it'\"'\"'s $(odd)'"
    assert shlex.split(lines[1].partition("$ ")[2]) == list(PLAN.steps[0].argv)
    assert lines[-2:] == [
        "  warning   it is cold",
        "  refused   blast-fleet: 3 of 4 would be out [policy.toml:3] (give a reason); --override WHY sets it aside",
    ]


def test_a_rollout_tells_its_pace_and_what_cannot_be_done() -> None:
    request = RolloutRequest("drain", ("h1", "h2", "h3"), pace=Pace.ROLLING, batch=2)
    plans = (PLAN, replace(PLAN, plan_id="p2", request=ActionRequest("drain", "h2")))
    rollout = RolloutPlan("r", request, "Drain 2 hosts", plans, (("h3", "no scheduler"),), Danger.DESTRUCTIVE)
    assert rollout_plan_lines(rollout)[-2:] == [
        "h3: nothing can be done: no scheduler",
        "Drain 2 hosts: rolling, 2 at a time",
    ]
    document = json.loads(json.dumps(rollout_plan_json(rollout)))
    assert document["count"] == 2
    assert document["plans"][0]["steps"][0]["argv"] == ["scontrol", "update", "reason=it's $(odd)"]
    assert document["plans"][0]["standing"][0]["rule"] == "blast-fleet"
    assert document["unplanned"] == [{"host": "h3", "cause": "no scheduler"}]


def test_a_refusal_of_the_whole_that_a_host_told_already_is_not_told_again() -> None:
    more = replace(STANDING, rule="blast-group", cause="5 of 6 would be out")
    request = RolloutRequest("drain", ("h1",))
    rollout = RolloutPlan("r", request, "Drain h1", (PLAN,), (), Danger.DESTRUCTIVE, standing=(STANDING, more))
    refused = [line.split()[1] for line in rollout_plan_lines(rollout) if line.startswith("  refused")]
    assert refused == ["blast-fleet:", "blast-group:"]


def test_every_shipped_action_can_be_listed() -> None:
    for spec in SHIPPED.values():
        assert spec_lines(spec)[0].startswith(spec.name)
        assert json.loads(json.dumps(spec_json(spec)))["name"] == spec.name
