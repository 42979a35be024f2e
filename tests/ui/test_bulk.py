"""Journey 6: many hosts are marked, planned, confirmed by a count, watched; the third fails, the rest is untouched."""

from dataclasses import replace

import pytest
from fake_office import FakeOffice
from fleet_pilot import FleetPilot
from fleets import T0, FakeSource, fleet_of, train_fleet

from leptontui.errors import GuardRefused
from leptontui.model.action import Danger, Standing
from leptontui.model.activity import Pace, Rollout, RolloutState, TargetRun, TargetState, Wish
from leptontui.ui.screens.confirming import ConfirmingScreen
from leptontui.ui.screens.fleet import FleetScreen
from leptontui.ui.screens.form import FormScreen
from leptontui.ui.screens.plan import PlanScreen
from leptontui.ui.screens.rollout import RolloutScreen
from leptontui.ui.screens.rollout_plan import RolloutPlanScreen
from leptontui.ui.screens.sure import SureScreen
from leptontui.ui.themes import palette_of
from leptontui.ui.widgets.plan_sheet import PlanHead

V, F, R, W = TargetState.VERIFIED, TargetState.FAILED, TargetState.RUNNING, TargetState.WAITING


@pytest.fixture
def office():
    return FakeOffice(is_armed=True)


@pytest.fixture
def stage(source, office):
    return FleetPilot(source, office)


async def soon(stage):
    """Let the screen look at what is being done."""
    screen = stage.app.screen
    if isinstance(screen, RolloutScreen):
        screen.look()
    await stage.settle()


async def readable(stage):
    """Wait until the dialog's keys count."""
    screen = stage.app.screen
    assert isinstance(screen, ConfirmingScreen | SureScreen), screen
    screen._settled_at = 0.0
    if isinstance(screen, ConfirmingScreen):
        for field in screen.query("SettledInput"):
            field.not_before = 0.0
        screen._settle()
    await stage.settle()


async def begun(stage):
    """The rollout of twelve hosts, begun by ten keys."""
    await stage.press("asterisk", "r")
    await readable(stage)
    await stage.press("1", "2", "enter")
    await stage.app.workers.wait_for_complete()
    await stage.settle()
    assert isinstance(stage.app.screen, RolloutScreen)


@pytest.mark.parametrize("width", [50, 60, 80, 120])
async def test_a_title_too_long_for_its_line_says_so_and_keeps_clear_of_the_danger(stage, width):
    title = "Restart nvidia-persistenced.service on 9 hosts of many"
    async with stage.run():
        await stage.press("asterisk", "r")
        head = stage.app.screen.query_one(PlanHead)
        head.show(title, Danger.DISRUPTIVE, 812.0)
        (line,) = head.paint(width, palette_of(stage.app))
        said = "".join(segment.text for segment in line)
    left, _, _ = said.partition("danger:")
    assert len(said) == width
    assert left.endswith("  ") or (left.rstrip().endswith("…") and left.endswith(" "))
    assert title in left or "…" in left


async def test_the_journey_in_few_keys(stage, office):
    async with stage.run():
        await begun(stage)
        (plan, typed, override) = office.started[0]
        assert (typed, override) == ("12", "")
        assert plan.request.hosts == tuple(f"gpu-{i:03d}" for i in range(1, 13)), "in the inventory's order"
        assert plan.request.unit == "slurmd.service"
        assert plan.request.pace is Pace.SERIAL
        office.advance(V, V, R)
        await soon(stage)
        assert "gpu-003" in stage.highlighted
        assert "▸ running" in stage.line_of("gpu-003", "running")
        assert "waiting for gpu-003: activating" in stage.text, "live output of what is worked on"
        office.advance(V, V, F, state=RolloutState.STOPPED, said="gpu-003 was not verified: 9 hosts were not touched")
        await soon(stage)
        assert "STOPPED" in stage.text
        assert "9 hosts were not touched" in stage.text
        assert "● 2 verified" in stage.text
        assert "✖ 1 failed" in stage.text
        assert "· 9 waiting" in stage.text
        await stage.press("p")
        assert not office.steered, "what has stopped cannot be paused"


async def test_resume_after_a_failure_asks_and_only_a_read_y_says_yes(stage, office):
    async with stage.run():
        await begun(stage)
        office.advance(V, V, F, state=RolloutState.STOPPED, said="gpu-003 failed")
        await soon(stage)
        await stage.press("r")
        assert isinstance(stage.app.screen, SureScreen)
        assert "Go on with the other 9 hosts?" in stage.text
        await stage.press("y")
        assert not office.steered, "it was not on the screen for long enough"
        await readable(stage)
        await stage.press("enter", "space", "Y")
        assert not office.steered
        await stage.press("escape", "r")
        await readable(stage)
        await stage.press("y")
        await stage.app.workers.wait_for_complete()
        assert office.steered == [("r1", Wish.RESUME)]


async def test_abandon_leaves_the_rest_alone(stage, office):
    async with stage.run():
        await begun(stage)
        office.advance(V, V, F, state=RolloutState.STOPPED)
        await soon(stage)
        await stage.press("a")
        await readable(stage)
        await stage.press("y")
        await stage.app.workers.wait_for_complete()
        await soon(stage)
        assert office.steered == [("r1", Wish.ABANDON)]
        assert "abandoned" in stage.text
        assert stage.text.count("left out") >= 9
        await stage.press("r", "a", "p")
        assert isinstance(stage.app.screen, RolloutScreen), "there is nothing to steer any more"


async def test_pause_and_go_on_are_one_key(stage, office):
    async with stage.run():
        await begun(stage)
        await stage.press("p")
        await stage.app.workers.wait_for_complete()
        await soon(stage)
        assert "‖ paused" in stage.text
        await stage.press("r")
        await stage.app.workers.wait_for_complete()
        assert [wish for _, wish in office.steered] == [Wish.PAUSE, Wish.RESUME]


async def test_read_only_nothing_goes_on(stage, office):
    async with stage.run(notifications=True):
        await begun(stage)
        await stage.press("p")
        await stage.app.workers.wait_for_complete()
        office.disarm()
        await soon(stage)
        await stage.press("r")
        assert [wish for _, wish in office.steered] == [Wish.PAUSE]
        assert "read-only: A arms" in stage.notices


async def test_what_cannot_be_steered_is_said(stage, office):
    async with stage.run(notifications=True):
        await begun(stage)
        office.refusal = GuardRefused("frozen", "a change freeze is on", "wait until monday")
        await stage.press("p")
        await stage.app.workers.wait_for_complete()
        await stage.settle()
        assert "a change freeze is on (rule frozen) — wait until monday" in stage.notices


async def test_leaving_lets_it_go_on_and_the_fleet_says_so(stage, office):
    async with stage.run(notifications=True):
        await begun(stage)
        office.advance(V, R)
        await stage.press("escape")
        assert isinstance(stage.app.screen, FleetScreen)
        await stage.publish(train_fleet())
        assert "running: Restart slurmd.service on 12 hosts, 1 of 12 verified D shows" in stage.text
        await stage.press("escape", "q")
        assert isinstance(stage.app.screen, FleetScreen), "q does not leave while it runs"
        assert "an action is running" in stage.notices


@pytest.mark.parametrize("typed", ["11", "1", "gpu-001", "", "y", "012"])
async def test_anything_but_the_count_begins_nothing(stage, office, typed):
    async with stage.run():
        await stage.press("asterisk", "r")
        await readable(stage)
        await stage.press(*typed, "enter")
        assert not office.started
        assert "that is not 12: nothing was run" in stage.text
        await stage.press("escape")
        assert isinstance(stage.app.screen, FleetScreen)


async def test_keys_typed_before_the_plans_could_be_read_begin_nothing(stage, office):
    async with stage.run():
        office.may_plan.clear()
        await stage.press("asterisk", "r", "1", "2", "enter", "y")
        office.may_plan.set()
        await stage.settle()
        stage.app.screen._settled_at = float("inf")
        await stage.press("1", "2", "enter", "y")
        assert not office.started
        assert stage.app.screen.query_one("#plan-typed").value == ""


async def test_marks_stay_on_their_hosts_when_rows_move(stage, office):
    async with stage.run():
        await stage.press("g", "down", "down", "space", "space")
        assert stage.fleet.marks.hosts == {"gpu-002", "gpu-003"}
        await stage.press("R")
        assert stage.fleet.marks.hosts == {"gpu-002", "gpu-003"}
        assert "✓ 2 hosts marked" in stage.text
        assert stage.line_of("✓gpu-002")
        await stage.press("g", "slash", *"host:gpu-002", "enter")
        assert sum("gpu-002" in line and line[0] in "✓▸" for line in stage.lines) == 8, (
            "all rows of a marked host show it"
        )


async def test_a_mark_under_the_cursor_can_be_told_without_colour(stage):
    async with stage.run():
        await stage.press("down", "space")
        assert stage.line_of("▸gpu-001")
        await stage.press("space")
        assert not stage.fleet.marks.hosts
        assert stage.line_of("▌gpu-001")


async def test_marked_hosts_that_the_filter_hides_are_counted(stage, office):
    async with stage.run():
        await stage.press("g", "down", "space")
        await stage.press("slash", *"gpu-01", "enter", "asterisk")
        assert stage.fleet.marks.hosts == {"gpu-001", "gpu-010", "gpu-011", "gpu-012"}
        assert "✓ 4 hosts marked, 1 not shown" in stage.text
        await stage.press("asterisk")
        assert stage.fleet.marks.hosts == {"gpu-001"}
        await stage.press("escape")
        assert not stage.fleet.marks.hosts, "escape forgets marks first"
        assert "gpu-01" in stage.app.screen.query_one("#filter").value


async def test_what_is_marked_or_chosen_afterwards_changes_nothing_in_an_open_plan(stage, office, source):
    async with stage.run():
        await stage.press("g", "down", "space", "space", "r")
        screen = stage.app.screen
        assert isinstance(screen, RolloutPlanScreen)
        stage.app.screen_stack[0].marks = stage.app.screen_stack[0].marks.toggled("gpu-009")
        hosts = [row for row in ("gpu-001", "gpu-002", "gpu-009") if row in "\n".join(stage.lines)]
        await stage.publish(train_fleet(n_hosts=6))
        await readable(stage)
        await stage.press("2", "enter")
        await stage.app.workers.wait_for_complete()
        assert office.started[0][0].request.hosts == ("gpu-001", "gpu-002")
        assert "gpu-001" in hosts


async def test_a_host_that_left_the_fleet_is_not_marked_any_more(stage):
    async with stage.run():
        await stage.press("asterisk")
        await stage.publish(train_fleet(n_hosts=6))
        assert stage.fleet.marks.hosts == {f"gpu-{i:03d}" for i in range(1, 7)}


async def test_a_single_mark_is_planned_as_one_host(stage, office):
    async with stage.run():
        await stage.press("g", "down", "down", "space", "home", "d")
        assert isinstance(stage.app.screen, FormScreen), "nobody knows why yet"
        await stage.press("enter")
        assert isinstance(stage.app.screen, FormScreen)
        assert "fill in what is missing" in stage.text
        await stage.press(*"fans", "enter")
        screen = stage.app.screen
        assert isinstance(screen, PlanScreen)
        assert office.planned[0].host == "gpu-002", "the marked one, not the one under the cursor"
        assert office.planned[0].reason == "fans"


async def test_hosts_that_cannot_be_planned_are_named_with_the_cause(stage, office):
    office.unplanned = {"gpu-004": "no link to gpu-004", "gpu-005": "no link to gpu-005"}
    async with stage.run(120, 60):
        await stage.press("asterisk", "r")
        await readable(stage)
        await stage.press("pagedown", "pagedown")
        assert "Restart slurmd.service on 10 hosts" in stage.text
        assert "⊘ left out: no link to gpu-004" in stage.text
        await stage.press("1", "0", "enter")
        await stage.app.workers.wait_for_complete()
        assert len(office.started[0][0].plans) == 10


async def test_what_stands_in_the_way_of_the_whole_wants_a_reason(stage, office):
    rule = Standing("blast-fleet", "12 of 12 hosts are too many", "take fewer", "/etc/leptontui/policy.toml:7", True)
    office.whole = (rule,)
    async with stage.run():
        await stage.press("asterisk", "r")
        await readable(stage)
        assert "set in /etc/leptontui/policy.toml:7; may be overridden with a reason" in " ".join(
            stage.text.replace("█", "").split()
        )
        await stage.press("enter", "1", "2", "enter")
        assert not office.started
        screen = stage.app.screen
        screen.query_one("#plan-override").value = "INC-42: all are wedged"
        screen.query_one("#plan-typed").value = ""
        screen.query_one("#plan-typed").focus()
        await stage.press("1", "2", "enter")
        await stage.app.workers.wait_for_complete()
        assert office.started[0][1:] == ("12", "INC-42: all are wedged")


async def test_the_pace_can_be_changed_before_it_begins(stage, office):
    async with stage.run():
        await stage.press("asterisk", "r", "ctrl+o")
        assert isinstance(stage.app.screen, FormScreen)
        assert "rolling  at once" not in stage.text, "only what is harmless is done everywhere at once"
        await stage.press("right", "down")
        await stage.press("backspace", *"4", "enter")
        await readable(stage)
        assert office.rollouts[-1].pace is Pace.ROLLING
        assert office.rollouts[-1].batch == 4
        assert "4 hosts at a time" in stage.text


async def test_a_rollout_that_nobody_knows_any_more_says_so(stage, office):
    async with stage.run():
        await begun(stage)
        office.activity = replace(office.activity, rollouts=())
        await soon(stage)
        assert "not known any more" in stage.text


async def test_hosts_without_a_common_unit_are_said(office):
    snapshot = train_fleet()
    fleet = fleet_of(snapshot)
    hosts = (*fleet.hosts[:-1], replace(fleet.hosts[-1], units=("vllm.service",)))
    stage = FleetPilot(FakeSource(snapshot), office, fleet=replace(fleet, hosts=hosts))
    async with stage.run(notifications=True):
        await stage.press("asterisk", "r")
        assert isinstance(stage.app.screen, FleetScreen)
        assert "no unit of all 12 hosts may be acted on" in stage.notices


async def test_the_header_counts_down_on_the_run_screen(stage, office):
    async with stage.run():
        await begun(stage)
        assert "ARMED 14:32" in stage.lines[0]
        stage.now = T0 + 60
        stage.app.screen.tick()
        await stage.settle()
        assert "ARMED 13:32" in stage.lines[0]
        stage.now = T0 + 900
        stage.app.screen.tick()
        await stage.settle()
        assert "READ-ONLY" in stage.lines[0]


@pytest.mark.parametrize(
    "keys",
    [
        (),
        ("down", "enter"),
        ("down", "i"),
        ("j",),
        ("e",),
        ("t",),
        ("D",),
        ("down", "x"),
        ("down", "x", *"lock", "enter"),
        ("down", "d"),
        ("down", "r"),
        ("asterisk", "r"),
        ("question_mark",),
        ("D", "enter"),
        ("D", "enter", "a"),
    ],
    ids=lambda keys: "-".join(keys) or "fleet",
)
async def test_how_long_actions_are_allowed_is_in_sight_everywhere(source, office, keys):
    hosts = tuple(TargetRun(f"gpu-{number:03d}") for number in range(1, 4))
    office.play(Rollout("r1", "Restart x on 3 hosts", RolloutState.RUNNING, hosts))
    fleet = fleet_of(source.snapshot, units=("a.service", "b.service"))
    stage = FleetPilot(source, office, fleet=fleet)
    async with stage.run(80, 24):
        await stage.press(*keys)
        assert "ARMED 14:32" in stage.text
        office.disarm()
        for screen in stage.app.screen_stack:
            for name in ("tick", "draw", "_say_count"):
                if hasattr(screen, name):
                    getattr(screen, name)()
            for mark in screen.query("ArmingMark"):
                mark.update()
        await stage.settle()
        assert "ARMED" not in stage.text
        assert "READ-ONLY" in stage.text or "read-only" in stage.text
