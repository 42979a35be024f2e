"""What is being done and what is left over: listed, opened, asked again; drains ended by one key and a plan."""

from dataclasses import replace

import pytest
from fake_office import FakeOffice
from fleet_pilot import FleetPilot
from fleets import T0, FakeSource, train_fleet

from leptontui.errors import ActionError, GuardRefused
from leptontui.model.action import ActionName, ActionRequest
from leptontui.model.activity import (
    Activity,
    Drained,
    Rollout,
    RolloutState,
    RunbookEntry,
    RunbookState,
    TargetRun,
    TargetState,
    Unfinished,
    Wish,
)
from leptontui.ui.screens.actions_menu import ActionsMenuScreen
from leptontui.ui.screens.activity import ActivityScreen
from leptontui.ui.screens.fleet import FleetScreen
from leptontui.ui.screens.plan import PlanScreen, StepScreen
from leptontui.ui.screens.rollout import RolloutScreen
from leptontui.ui.screens.runbook import RunbookScreen
from leptontui.ui.screens.sure import SureScreen

SAFE = Drained("gpu-001", "node1", "slurm", "anna: Xid 79", T0 - 18_000, "IDLE+DRAIN", True, T0 - 20)
BUSY = Drained("gpu-002", "gpu-002", "slurm", "anna: ECC [red]", T0 - 600, "job 8812 is still there", False, T0 - 20)
UNASKED = Drained("gpu-003", "gpu-003", "kubernetes", "anna: fan", T0 - 60)
BROKEN = Unfinished("p9", "Reboot gpu-007", "gpu-007", "anna", T0 - 7200, "it was rebooted at 01:20")
ROLLOUT = Rollout("r1", "Restart x on 2 hosts", RolloutState.RUNNING, (TargetRun("gpu-001"), TargetRun("gpu-002")))
BOOK = RunbookEntry("xid", "drain, reset, undrain", ("Drain gpu-001", "wait until empty", "Reset GPU 3"), "xid.toml:1")


@pytest.fixture
def office():
    office = FakeOffice(is_armed=True)
    office.activity = Activity((ROLLOUT,), (), (SAFE, BUSY, UNASKED), (BROKEN,))
    return office


@pytest.fixture
def stage(source, office):
    return FleetPilot(source, office)


async def confirm(stage, *keys):
    """Press keys once the dialog's keys count."""
    screen = stage.app.screen
    assert isinstance(screen, PlanScreen | SureScreen), screen
    screen._settled_at = 0.0
    if isinstance(screen, PlanScreen):
        for field in screen.query("SettledInput"):
            field.not_before = 0.0
        screen._settle()
    await stage.press(*keys)
    await stage.app.workers.wait_for_complete()
    await stage.settle()


async def test_everything_left_over_is_listed_with_its_age_and_standing(stage, office):
    async with stage.run():
        await stage.press("D")
        assert isinstance(stage.app.screen, ActivityScreen)
        assert "it was rebooted at 01:20" in stage.line_of("Reboot gpu-007", "2 h")
        assert "now safe to reset" in stage.line_of("gpu-001", "5 h")
        assert "still in use" in stage.line_of("gpu-002", "10 m")
        assert "not asked yet" in stage.line_of("gpu-003", "1 m")
        assert "running" in stage.line_of("Restart x on 2 hosts", "·")
        assert "1 broken off" in stage.lines[1]
        assert "1 now safe to reset" in stage.lines[1]
        await stage.app.workers.wait_for_complete()
        assert office.looked == 1, "it asks by itself when it is opened"
        await stage.press("l")
        await stage.app.workers.wait_for_complete()
        assert office.looked == 2


async def test_a_drain_is_ended_by_one_key_and_its_plan(stage, office):
    async with stage.run():
        await stage.press("D", "end", "up", "up")
        assert "gpu-001" in stage.highlighted
        assert "reason: anna: Xid 79" in stage.text
        await stage.press("u")
        assert isinstance(stage.app.screen, PlanScreen)
        assert office.planned == [ActionRequest(ActionName.UNDRAIN, "gpu-001")]
        await confirm(stage, "y")
        assert [plan.request.host for plan, _ in office.ran] == ["gpu-001"]


async def test_the_cursor_stays_on_its_host_when_another_is_given_back(stage, office):
    async with stage.run():
        await stage.press("D", "end")
        assert "gpu-003" in stage.highlighted
        office.activity = replace(office.activity, drained=(BUSY, UNASKED), unfinished=())
        stage.app.screen.look()
        await stage.settle()
        assert "gpu-003" in stage.highlighted
        office.activity = replace(office.activity, drained=(BUSY,))
        stage.app.screen.look()
        await stage.settle()
        await stage.press("u")
        assert not office.planned, "the row under the cursor has gone: nobody chose another"


async def test_the_menu_of_a_drained_host_is_one_key_away(stage):
    async with stage.run():
        await stage.press("D", "end", "x")
        assert isinstance(stage.app.screen, ActionsMenuScreen)
        assert "gpu-003" in stage.text


async def test_enter_opens_the_rollout(stage):
    async with stage.run():
        await stage.press("D", "down", "enter")
        assert isinstance(stage.app.screen, RolloutScreen)
        await stage.press("escape", "escape")
        assert isinstance(stage.app.screen, FleetScreen)


async def test_why_it_cannot_be_asked_is_said(stage, office):
    async def fail() -> None:
        raise ActionError("login1 does not answer", "look at its link")

    office.look_again = fail
    async with stage.run(notifications=True):
        await stage.press("D")
        await stage.app.workers.wait_for_complete()
        await stage.settle()
        assert "login1 does not answer — look at its link" in stage.notices


async def test_nothing_to_show_says_how_to_begin(source):
    stage = FleetPilot(source, FakeOffice())
    async with stage.run():
        await stage.press("D")
        assert "Nothing is being done" in stage.text
        assert "READ-ONLY" in stage.lines[0]


async def test_the_fleet_says_what_wants_somebody(stage):
    async with stage.run():
        for words in ("1 action was broken off", "gpu-001 drained by you, now safe to reset", "running: Restart x"):
            assert words in stage.text, words


async def test_without_a_command_port_there_is_no_such_key(source):
    stage = FleetPilot(source)
    async with stage.run(200, 50):
        for words in ("x actions", "space mark", "D activity", "d drain"):
            assert words not in stage.text
        await stage.press("x", "space", "asterisk", "D", "d", "A")
        assert isinstance(stage.app.screen, FleetScreen)
        assert not stage.fleet.marks.hosts
        await stage.press("question_mark")
        assert "What can be done" not in stage.text


# Runbooks.


@pytest.fixture
def booked(office):
    office.books = (BOOK,)
    office.activity = Activity()
    return office


async def started(stage):
    """The runbook on gpu-001, chosen in the menu."""
    await stage.press("down", "x")
    await stage.app.workers.wait_for_complete()
    await stage.press(*"runbook", "enter")
    await stage.app.workers.wait_for_complete()
    await stage.settle()
    assert isinstance(stage.app.screen, RunbookScreen)


async def test_a_runbook_goes_step_by_step_each_confirmed(stage, booked):
    async with stage.run():
        await started(stage)
        assert "xid on gpu-001" in stage.lines[1]
        assert "waits for you" in stage.lines[1]
        assert "→" in stage.line_of("Drain gpu-001", "next")
        booked.step_plan = await booked.plan(ActionRequest(ActionName.DRAIN, "gpu-001", reason="Xid 79"))
        await stage.press("enter")
        await stage.app.workers.wait_for_complete()
        await stage.settle()
        assert isinstance(stage.app.screen, StepScreen)
        assert not booked.steps_run, "a step that changes something is confirmed like any action"
        await confirm(stage, "y", "enter")
        assert not booked.steps_run
        await confirm(stage, *"gpu-001")
        stage.app.screen.query_one("#plan-typed").value = "gpu-001"
        await confirm(stage, "enter")
        assert [plan.title for plan in booked.steps_run] == ["Drain gpu-001"]
        assert "done and verified" in stage.text
        await confirm(stage, "enter")
        assert "→" in stage.line_of("wait until empty", "next")
        booked.step_plan = None
        await stage.press("enter")
        await stage.app.workers.wait_for_complete()
        await stage.settle()
        stage.app.screen.look()
        await stage.settle()
        assert booked.steps_run[1:] == [None], "a wait changes nothing and is begun at once"
        assert "step 3 of 3" in stage.lines[1]


async def test_a_step_is_skipped_or_the_runbook_given_up_only_when_sure(stage, booked):
    async with stage.run():
        await started(stage)
        await stage.press("s", "enter", "escape")
        assert not booked.steered
        await stage.press("s")
        await confirm(stage, "y")
        assert booked.steered == [("b1", Wish.SKIP)]
        await stage.press("a")
        await confirm(stage, "y")
        stage.app.screen.look()
        await stage.settle()
        assert booked.activity.runbooks[0].state is RunbookState.ABANDONED
        assert "abandoned" in stage.lines[1]
        await stage.press("enter", "s", "a")
        assert isinstance(stage.app.screen, RunbookScreen)


async def test_a_refused_step_says_why(stage, booked):
    async with stage.run():
        await started(stage)
        booked.step_plan = await booked.plan(ActionRequest(ActionName.UNDRAIN, "gpu-001"))
        booked.refusal = GuardRefused("busy", "bob works on gpu-001", "wait", "/run/lock")
        await stage.press("enter")
        await stage.app.workers.wait_for_complete()
        await stage.settle()
        await confirm(stage, "y")
        assert "refused, nothing was run" in stage.text
        assert "bob works on gpu-001 (rule: busy, set in /run/lock)" in stage.text


async def test_a_step_that_is_not_the_next_any_more_is_not_run(stage, booked):
    async with stage.run():
        await started(stage)
        booked.step_plan = await booked.plan(ActionRequest(ActionName.UNDRAIN, "gpu-001"))
        await stage.press("enter")
        await stage.app.workers.wait_for_complete()
        await stage.settle()
        booked.step_plan = await booked.plan(ActionRequest(ActionName.REBOOT, "gpu-001"))
        stage.app.screen.ask()
        await stage.settle()
        assert "another step is the next one now" in stage.text
        await stage.press("y", "enter")
        assert not booked.steps_run


async def test_hostile_words_are_shown_as_words(stage, office):
    evil = "[red]\x1b[2Jx[/]"
    office.activity = Activity(
        (Rollout("r1", evil, RolloutState.STOPPED, (TargetRun(evil, TargetState.FAILED, evil, (evil,)),), evil),),
        (),
        (replace(SAFE, host=evil, node=evil, reason=evil, said=evil),),
        (replace(BROKEN, title=evil, user=evil, said=evil),),
    )
    async with stage.run():
        await stage.publish(train_fleet())
        assert "\x1b" not in stage.text
        await stage.press("D")
        assert "[red]" in stage.text
        await stage.press("down", "enter")
        assert isinstance(stage.app.screen, RolloutScreen)
        assert "\x1b" not in stage.text
        assert "[red]" in stage.text


async def test_engine_without_a_picture_still_shows_what_is_done(office):
    stage = FleetPilot(FakeSource(None), office, fleet=FleetPilot(FakeSource(train_fleet())).app._fleet)
    async with stage.run():
        await stage.press("D")
        assert "Reboot gpu-007" in stage.text
