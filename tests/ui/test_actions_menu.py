"""The menu of what can be done, the form of its parameters, and help and palette made from the same data."""

import asyncio

import pytest
from fake_office import FakeOffice
from fleet_pilot import FleetPilot
from fleets import FakeAccess, FakeSource, fleet_of, train_fleet
from stage import Stage

from leptontui.errors import ConfigError
from leptontui.model.action import ActionName, Danger
from leptontui.model.action_catalogue import SHIPPED
from leptontui.model.action_spec import ActionSpec, Parameter, ParameterKind, Where
from leptontui.model.activity import Pace, RunbookEntry
from leptontui.model.question import Question, QuestionKind
from leptontui.ui.screens.actions_menu import ActionsMenuScreen
from leptontui.ui.screens.fleet import FleetScreen
from leptontui.ui.screens.form import FormScreen
from leptontui.ui.screens.host import HostScreen
from leptontui.ui.screens.inspect import InspectScreen
from leptontui.ui.screens.plan import PlanScreen
from leptontui.ui.screens.question import QuestionScreen
from leptontui.ui.screens.rollout_plan import RolloutPlanScreen
from leptontui.ui.screens.runbook import RunbookScreen
from leptontui.view.orders import Order

BURN_IN = ActionSpec(
    "custom/burn-in",
    verb="Burn in",
    title="Burn in {host}",
    meaning="Run [red]the burn-in\x1b[2J on one GPU.",
    danger=Danger.DISRUPTIVE,
    where=Where.HOST,
    command="gpu-burn -i GPU SECONDS",
    affects="the GPU",
    verified_by="exit status 0",
    undone_by="nothing to undo",
    parameters=(
        Parameter("gpu", "which", ParameterKind.PATTERN, pattern=r"\d"),
        Parameter("how-long", "seconds", ParameterKind.NUMBER, low=10, high=600, default="60"),
        Parameter("kind", "of work", ParameterKind.CHOICE, choices=("matmul", "memory"), default="matmul"),
    ),
)


@pytest.fixture
def office():
    office = FakeOffice(is_armed=True)
    office.specs = (*office.specs, BURN_IN)
    return office


@pytest.fixture
def stage(source, office):
    return FleetPilot(source, office)


async def test_it_lists_all_that_fits_and_says_of_the_rest_why_not(stage):
    async with stage.run():
        await stage.press("down", "x")
        assert isinstance(stage.app.screen, ActionsMenuScreen)
        assert "What is to be done to gpu-001 GPU 3?" in stage.text
        for words in ("Restart", "Reboot", "Reset GPU", "Collect evidence", "Burn in"):
            assert words in stage.text, words
        text = stage.text
        assert text.index("Burn in") < text.index("cannot be done here") < text.index("Cordon")
        assert "needs Kubernetes" in stage.line_of("Cordon")
        assert "\x1b" not in text


async def test_what_does_not_fit_cannot_be_chosen(stage, office):
    async with stage.run():
        await stage.press("down", "x", *"cordon", "enter")
        assert isinstance(stage.app.screen, ActionsMenuScreen)
        assert "this cannot be done here" in stage.text
        await stage.press("escape")
        assert not office.planned


async def test_the_chosen_action_opens_its_form_with_what_the_cursor_says(stage, office):
    async with stage.run():
        await stage.press("down", "x", *"reset", "enter")
        form = stage.app.screen
        assert isinstance(form, FormScreen)
        assert form.query_one("#field-gpu").value == "3", "the GPU under the cursor"
        await stage.press("enter")
        assert isinstance(stage.app.screen, PlanScreen)
        assert office.planned[0].param("gpu") == "3"
        assert "gpu=3" in stage.text
        assert not office.ran


async def test_an_action_without_parameters_goes_straight_to_its_plan(stage, office):
    async with stage.run():
        await stage.press("down", "x", *"drain", "enter")
        assert isinstance(stage.app.screen, PlanScreen)
        assert office.planned[0].action == ActionName.DRAIN
        assert office.planned[0].reason == "Xid 79 GPU 3 off the bus"


async def test_what_is_typed_wrong_is_said_at_once_and_does_not_go_on(stage, office):
    async with stage.run():
        await stage.press("down", "x", *"burn", "enter")
        form = stage.app.screen
        assert isinstance(form, FormScreen)
        gpu, seconds = form.query_one("#field-gpu"), form.query_one("#field-how_2d_long")
        assert (gpu.value, seconds.value) == ("3", "60")
        gpu.value = "x; reboot"
        await stage.settle()
        assert "✖ gpu: 'x; reboot' does not match" in stage.text
        await stage.press("enter")
        assert isinstance(stage.app.screen, FormScreen)
        assert stage.app.focused is gpu, "the cursor goes to what is wrong"
        gpu.value = "2"
        seconds.value = "9999"
        await stage.press("enter")
        assert "not a whole number from 10 to 600" in stage.text
        seconds.value = "120"
        form.query_one("#field-kind").focus()
        await stage.press("right", "enter")
        assert isinstance(stage.app.screen, PlanScreen)
        assert office.planned[0].params == (("gpu", "2"), ("how-long", "120"), ("kind", "memory"))


async def test_a_form_that_lacks_something_begins_there(stage):
    async with stage.run():
        await stage.press("g", "down", "x", *"kill", "enter")
        form = stage.app.screen
        assert isinstance(form, FormScreen)
        assert stage.app.focused is form.query_one("#field-pid")
        await stage.press("enter")
        assert "✖ pid: '' is not a whole number" in stage.text
        await stage.press("escape")
        assert isinstance(stage.app.screen, FleetScreen)


async def test_the_plan_leads_back_to_its_parameters(stage, office):
    async with stage.run():
        await stage.press("down", "x", *"reset", "enter", "enter")
        await stage.press("ctrl+o")
        form = stage.app.screen
        assert isinstance(form, FormScreen)
        form.query_one("#field-gpu").value = "5"
        await stage.press("enter")
        assert [request.param("gpu") for request in office.planned] == ["3", "5"]


async def test_a_standby_is_completed_from_the_fleet(stage, office):
    async with stage.run():
        await stage.press("down", "x", *"fail over", "enter")
        form = stage.app.screen
        assert isinstance(form, FormScreen)
        await stage.press(*"gpu-012", "enter")
        assert office.planned[0].param("standby") == "gpu-012"


async def test_runbooks_are_offered_for_one_host_and_bad_ones_are_said(stage, office):
    office.books = (RunbookEntry("xid-79", "drain, reset, undrain", ("Drain", "Reset"), "x.toml:1"),)
    async with stage.run(notifications=True):
        await stage.press("down", "x")
        await stage.app.workers.wait_for_complete()
        await stage.settle()
        assert "runbook" in stage.line_of("xid-79")
        await stage.press("escape")

        async def fail() -> tuple[RunbookEntry, ...]:
            raise ConfigError(("x.toml:3: steps: is missing",))

        office.runbooks = fail
        await stage.press("x")
        await stage.app.workers.wait_for_complete()
        await stage.settle()
        assert isinstance(stage.app.screen, ActionsMenuScreen)
        assert "x.toml:3: steps: is missing" in stage.notices


async def test_marked_hosts_have_the_menu_too_and_what_is_about_one_host_does_not_fit(stage, office):
    async with stage.run():
        await stage.press("asterisk", "x")
        assert "What is to be done to 12 hosts: gpu-001, gpu-002, gpu-003 and 9 more?" in stage.text
        assert "one host at a time" in stage.line_of("Kill process")
        await stage.press(*"persist", "enter")
        form = stage.app.screen
        assert isinstance(form, FormScreen)
        assert "at once" in stage.text, "harmless: it may be done everywhere at once"
        form.query_one("#field-pace").choose("at once")
        await stage.press("enter")
        assert isinstance(stage.app.screen, RolloutPlanScreen)
        assert office.rollouts[0].pace is Pace.AT_ONCE
        assert office.rollouts[0].params == (("mode", "on"),)


@pytest.mark.parametrize(("keys", "screen"), [(("enter",), HostScreen), (("i",), InspectScreen)])
async def test_host_and_gpu_screens_have_the_menu(stage, keys, screen):
    async with stage.run():
        await stage.press("down", *keys)
        assert isinstance(stage.app.screen, screen)
        await stage.press("x")
        assert isinstance(stage.app.screen, ActionsMenuScreen)
        assert "gpu-001 GPU 3" in stage.text


async def test_without_a_chosen_row_the_key_chooses_one_first(stage):
    async with stage.run(notifications=True):
        await stage.press("x")
        assert isinstance(stage.app.screen, FleetScreen)
        assert "press x again" in stage.notices


async def test_the_form_keeps_what_it_does_not_ask_for():
    order = Order("drain", ("a",), reason="why", params=(("force", "yes"), ("other", "1")))
    app = Stage(FormScreen(order, SHIPPED["drain"], SHIPPED["drain"].parameters[1:2]))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
    (full,) = app.results
    assert isinstance(full, Order)
    assert full.reason == "why"
    assert full.params == (("force", "yes"), ("other", "1"))


async def test_help_explains_every_action_from_its_data(stage):
    async with stage.run(120, 300):
        await stage.press("question_mark")
        text = " ".join(stage.text.split())
        for spec in SHIPPED.values():
            assert spec.meaning in text, spec.name
        assert "Needs: the node is drained, and no process uses the GPU." in text
        assert "custom/burn-in" in text
        assert "\x1b" not in stage.text


async def test_the_palette_plans_an_action_on_the_chosen_host(stage, office):
    async with stage.run():
        await stage.press("down", "colon")
        await stage.type("collect evid")
        while "shows the plan" not in stage.text:
            await stage.pilot.pause()
        await stage.press("enter")
        await stage.settle()
        assert isinstance(stage.app.screen, PlanScreen)
        assert office.planned[0].action == ActionName.EVIDENCE
        assert office.planned[0].host == "gpu-001"


async def test_an_unarmed_user_may_look_at_every_plan(source):
    office = FakeOffice()
    stage = FleetPilot(source, office)
    async with stage.run():
        await stage.press("down", "x", *"reboot", "enter", "enter")
        assert isinstance(stage.app.screen, PlanScreen)
        assert "press A to arm" in stage.text
        await stage.press("y", *"gpu-001", "enter")
        assert not office.ran


async def test_a_fleet_without_scheduler_still_has_what_needs_none():
    snapshot = train_fleet()
    office = FakeOffice(is_armed=True)
    stage = FleetPilot(FakeSource(snapshot), office, fleet=fleet_of(snapshot, units=(), scheduler=None))
    async with stage.run(notifications=True):
        await stage.press("down", "x", *"evid", "enter")
        assert isinstance(stage.app.screen, PlanScreen)
        await stage.press("escape", "d")
        assert isinstance(stage.app.screen, FleetScreen)
        assert "needs Slurm or Kubernetes" in stage.notices


async def test_a_runbook_is_asked_for_its_parameters_and_a_broken_one_cannot_be_started(stage, office):
    which = Parameter("service", "which one", ParameterKind.PATTERN, pattern="[a-z.]+")
    office.books = (
        RunbookEntry("restart-service", "keep the evidence, restart", ("Restart {service}",), "s.toml", (which,)),
        RunbookEntry("broken.toml", "not used: broken.toml:3: step: is missing", (), "broken.toml"),
    )
    async with stage.run():
        await stage.press("down", "x")
        await stage.app.workers.wait_for_complete()
        await stage.press(*"broken", "enter")
        assert isinstance(stage.app.screen, ActionsMenuScreen)
        assert "broken.toml:3: step: is missing" in stage.text
        await stage.press(*["backspace"] * 6, *"restart-serv", "enter")
        form = stage.app.screen
        assert isinstance(form, FormScreen)
        await stage.press("enter")
        assert isinstance(stage.app.screen, FormScreen)
        await stage.press(*"slurmd.service", "enter")
        await stage.app.workers.wait_for_complete()
        await stage.settle()
        assert isinstance(stage.app.screen, RunbookScreen)
        assert office.book_params == (("service", "slurmd.service"),)


async def test_a_password_that_sudo_asks_for_is_answered_over_the_running_dialog(source, office):
    access = FakeAccess()
    stage = FleetPilot(source, office, access=access)
    may_end = asyncio.Event()
    run = office.run

    async def held(*args):
        await may_end.wait()
        return await run(*args)

    office.run = held
    asked = Question("q1", QuestionKind.PASSWORD, "oncall@gpu-001", "sudo password", hosts=("gpu-001",), waiting=1)
    async with stage.run():
        await stage.press("down", "r", "a")
        assert isinstance(stage.app.screen, PlanScreen), "before it runs a is no key"
        screen = stage.app.screen
        screen._settled_at = 0.0
        await stage.press("y")
        await stage.publish(train_fleet(questions=(asked,)))
        await stage.press("a")
        assert isinstance(stage.app.screen, QuestionScreen)
        stage.app.screen.query_one("#question-answer").not_before = 0.0
        await stage.press(*"s3cret", "enter")
        assert access.answers == [("q1", "s3cret")]
        assert stage.app.screen is screen
        assert "s3cret" not in stage.text
        may_end.set()
        await stage.app.workers.wait_for_complete()
        await stage.settle()
        assert "done and verified" in stage.text
