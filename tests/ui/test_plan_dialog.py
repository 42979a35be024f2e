"""The dialog before an action: nothing runs without the right confirmation, and everything that happens is said."""

from __future__ import annotations

import asyncio
import time

import pytest
from fake_office import FakeCommands
from fleets import T0
from stage import Stage
from textual import events
from textual.widgets import Input

from leptontui.errors import ActionError, AuditError, CommandTimeout, GuardRefused, NotConfirmed
from leptontui.model.action import ActionName, ActionRequest, Danger, Outcome, OutcomeKind, Plan, Standing, Step
from leptontui.ui.screens.choose_unit import ChooseUnitScreen
from leptontui.ui.screens.plan import PlanScreen

DRAIN = ActionRequest(ActionName.DRAIN, "gpu-017", reason="Xid 79 GPU 3 off the bus")
RESTART = ActionRequest(ActionName.RESTART_UNIT, "gpu-017", unit="slurmd.service")


class Port(FakeCommands):
    """A port whose plan and run a test can replace, hold back or make fail."""

    def __init__(self, *, is_armed=True, danger=Danger.DESTRUCTIVE, run_error=None, plan_error=None, **over):
        super().__init__(is_armed=is_armed)
        self.danger = danger
        self.run_error, self.plan_error = run_error, plan_error
        self.over = over
        self.may_run = asyncio.Event()
        self.may_run.set()
        self.may_plan = asyncio.Event()
        self.may_plan.set()

    async def plan(self, request: ActionRequest) -> Plan:
        await self.may_plan.wait()
        if self.plan_error is not None:
            raise self.plan_error
        plan = await super().plan(request)
        if self.danger is Danger.DISRUPTIVE:
            step = Step(request.host, f"oncall@{request.host}", ("systemctl", "restart", request.unit))
            plan = Plan("p1", request, f"Restart {request.unit}", self.danger, (step,), "systemctl is-active → active")
        fields = {name: getattr(plan, name) for name in plan.__slots__} | self.over
        return Plan(**fields)

    async def run(self, plan: Plan, confirmation: str, override: str = "") -> Outcome:
        self.ran.append((plan, confirmation))
        self.overrides.append(override)
        await self.may_run.wait()
        if self.run_error is not None:
            raise self.run_error
        return Outcome(plan.plan_id, OutcomeKind.VERIFIED, "State has DRAIN", "line one\nline [bold]two", T0)


class Shown:
    """The dialog on a stage. Without `settle_s`, keys count at once."""

    def __init__(self, port, request=DRAIN, *, settle_s=0.0):
        self.port = port
        self.screen = PlanScreen(port, request, clock=lambda: T0, settle_s=settle_s)
        self.app = Stage(self.screen)

    async def settled(self, pilot):
        for _ in range(4):
            await pilot.pause()

    @property
    def text(self) -> str:
        strips = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def test_a_drain_shows_what_would_be_done():
    shown = Shown(Port())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        for words in (
            "danger: destructive",
            "on login1 as oncall",
            "scontrol update nodename=gpu-017 state=DRAIN 'reason=anna: Xid 79 GPU 3 off the bus'",
            "job 8812 step 0",
            "61 of 64 nodes left",
            "scontrol show node gpu-017 → State has DRAIN",
            "Type the host name to go on:",
            "esc: leave it alone",
        ):
            assert words in shown.text, words
        assert not shown.port.ran


async def test_the_right_name_runs_and_the_outcome_is_returned():
    shown = Shown(Port())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press(*"gpu-017", "enter")
        await shown.settled(pilot)
        assert [typed for _, typed in shown.port.ran] == ["gpu-017"]
        assert "● done and verified" in shown.text
        assert "State has DRAIN" in shown.text
        assert "line [bold]two" in shown.text
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(shown.app.results[0], Outcome)


@pytest.mark.parametrize("typed", ["gpu-01", "gpu-0177", "GPU-017", "gpu-018", "", "y", " gpu-017"])
async def test_anything_else_does_not_run(typed):
    shown = Shown(Port())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press(*["space" if char == " " else char for char in typed], "enter")
        await shown.settled(pilot)
        assert not shown.port.ran
        assert "that is not gpu-017: nothing was run" in shown.text
        await pilot.press("escape")
        assert shown.app.results == [None]


async def test_unarmed_it_shows_the_plan_and_a_arms():
    shown = Shown(Port(is_armed=False))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        assert "scontrol update" in shown.text
        assert "read-only: press A to arm" in shown.text
        await pilot.press(*"gpu-017", "enter", "y")
        assert not shown.port.ran
        await pilot.press("A")
        await shown.settled(pilot)
        assert len(shown.port.planned) == 2, "the first plan said that the session is read-only"
        assert "Type the host name" in shown.text
        await pilot.press(*"gpu-017", "enter")
        await shown.settled(pilot)
        assert len(shown.port.ran) == 1


async def test_arming_that_has_expired_does_not_run():
    shown = Shown(Port())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press(*"gpu-017")
        shown.port.armed_until_unix_s = T0 - 1
        await pilot.press("enter")
        await shown.settled(pilot)
        assert not shown.port.ran
        assert "read-only: press A to arm" in shown.text


async def test_a_restart_is_confirmed_by_y():
    shown = Shown(Port(danger=Danger.DISRUPTIVE), RESTART)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        assert "systemctl restart slurmd.service" in shown.text
        assert "reason" not in shown.text
        await pilot.press("enter", "n", "space")
        assert not shown.port.ran
        await pilot.press("y")
        await shown.settled(pilot)
        assert [typed for _, typed in shown.port.ran] == [""]


async def test_y_does_not_confirm_a_drain():
    shown = Shown(Port())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        shown.screen.set_focus(None)
        await pilot.press("y")
        assert not shown.port.ran


async def test_a_destructive_plan_without_a_confirmation_still_wants_the_name():
    shown = Shown(Port(confirmation=""))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        shown.screen.set_focus(None)
        await pilot.press("y")
        assert not shown.port.ran
        assert "Type the host name" in shown.text


@pytest.mark.parametrize("request_", [DRAIN, RESTART], ids=["drain", "restart"])
async def test_keys_typed_before_the_plan_could_be_read_do_nothing(request_):
    danger = Danger.DESTRUCTIVE if request_ is DRAIN else Danger.DISRUPTIVE
    shown = Shown(Port(danger=danger), request_, settle_s=3600.0)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press("y", *"gpu-017", "enter", "A")
        await shown.settled(pilot)
        assert not shown.port.ran
        assert shown.screen.query_one("#plan-typed", Input).value == ""
        assert shown.screen.query_one("#plan-reason", Input).value == request_.reason
        await pilot.press("escape")
        assert shown.app.results == [None], "leaving is always allowed"


async def test_a_key_pressed_early_but_delivered_late_does_nothing():
    shown = Shown(Port(danger=Danger.DISRUPTIVE), RESTART)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        early = events.Key("y", "y")
        early.time = time.monotonic() - 60
        shown.screen.post_message(early)
        await shown.settled(pilot)
        assert not shown.port.ran


async def test_keys_while_asking_do_nothing():
    port = Port()
    port.may_plan.clear()
    shown = Shown(port)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        assert "asking gpu-017" in shown.text
        await pilot.press(*"gpu-017", "enter", "y", "A")
        port.may_plan.set()
        await shown.settled(pilot)
        assert not port.ran
        assert shown.screen.query_one("#plan-typed", Input).value == ""


async def test_a_changed_reason_is_planned_again_before_anything_runs():
    shown = Shown(Port())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        shown.screen.query_one("#plan-reason", Input).focus()
        await pilot.press("end", "!", "tab", *"gpu-017", "enter")
        await shown.settled(pilot)
        assert not shown.port.ran, "what was read is not what would run"
        assert "the reason has changed" in shown.text
        shown.screen.query_one("#plan-reason", Input).focus()
        await pilot.press("enter")
        await shown.settled(pilot)
        assert shown.port.planned[-1].reason == "Xid 79 GPU 3 off the bus!"
        shown.screen.query_one("#plan-typed", Input).value = ""
        await pilot.press(*"gpu-017", "enter")
        await shown.settled(pilot)
        assert shown.port.ran[0][0].request.reason == "Xid 79 GPU 3 off the bus!"


async def test_what_cannot_be_planned_is_said():
    shown = Shown(Port(plan_error=ActionError("no controller is known", "set controller= in the inventory")))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        assert "no controller is known — set controller= in the inventory" in shown.text
        await pilot.press("y", "A", "enter")
        assert not shown.port.ran
        await pilot.press("escape")
        assert shown.app.results == [None]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (GuardRefused("blast-radius", "too many drained", "undrain one"), "⊘ refused, nothing was run"),
        (GuardRefused("blast-radius", "too many drained", "undrain one"), "too many drained (rule: blast-radius)"),
        (GuardRefused("blast-radius", "too many drained", "undrain one"), "undrain one"),
        (NotConfirmed("not what was asked for"), "not confirmed, nothing was run"),
        (AuditError("disk full", "free some"), "the audit cannot be written, nothing was run"),
        (CommandTimeout("no answer in 60 s"), "not known whether it took effect"),
        (RuntimeError("boom"), "boom"),
    ],
)
async def test_what_went_wrong_is_said_in_words(error, words):
    shown = Shown(Port(run_error=error))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press(*"gpu-017", "enter")
        await shown.settled(pilot)
        assert words in shown.text
        await pilot.press("enter")
        await pilot.pause()
        assert shown.app.results == [None]


async def test_leaving_while_it_runs_lets_it_run_and_tells_the_outcome():
    port = Port()
    port.may_run.clear()
    shown = Shown(port)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press(*"gpu-017", "enter")
        await shown.settled(pilot)
        assert "running …" in shown.text
        await pilot.press("escape")
        await pilot.pause()
        assert shown.app.results == [None]
        port.may_run.set()
        await shown.app.workers.wait_for_complete()
        told = [notice.message for notice in shown.app._notifications]
        assert any("goes on in the background" in message for message in told)
        assert any("done and verified: State has DRAIN" in message for message in told)


async def test_enter_held_down_runs_once():
    port = Port()
    port.may_run.clear()
    shown = Shown(port)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press(*"gpu-017", "enter", "enter", "enter")
        await shown.settled(pilot)
        assert len(port.ran) == 1
        port.may_run.set()
        await shown.app.workers.wait_for_complete()


async def test_hostile_text_is_shown_as_text():
    evil = "[red]\x1b[2J$(reboot)[/] \x1b]0;x\x07"
    step = Step(evil, f"{evil}@h", ("sh", "-c", evil))
    port = Port(steps=(step,), title=evil, running_there=(evil,), warnings=(evil,), run_error=ActionError(evil, evil))
    shown = Shown(port)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        assert "[red]" in shown.text
        assert "\x1b" not in shown.text
        await pilot.press(*"gpu-017", "enter")
        await shown.settled(pilot)
        assert "\x1b" not in shown.text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_plan_looks_as_it_did(snap_compare, size):
    shown = Shown(Port())

    async def type_half(pilot):
        await shown.settled(pilot)
        shown.screen.query_one("#plan-typed", Input).cursor_blink = False
        await pilot.press(*"gpu-0")
        await pilot.pause()

    assert snap_compare(shown.app, terminal_size=size, run_before=type_half)


UNITS = ("slurmd.service", "vllm@0.service", "[red]x[/].service", "nvidia-fabricmanager.service")


async def choose(*keys: str, units=UNITS) -> list[object]:
    app = Stage(ChooseUnitScreen(units))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        return app.results


async def test_enter_chooses_the_first():
    assert await choose("enter") == ["slurmd.service"]


async def test_typing_filters_and_arrows_move():
    assert await choose(*"vll", "enter") == ["vllm@0.service"]
    assert await choose("down", "down", "enter") == ["[red]x[/].service"]


async def test_escape_chooses_none():
    assert await choose("escape") == [None]


async def test_nothing_matching_chooses_nothing():
    assert await choose(*"zzz", "enter") == []


async def test_no_units_says_so():
    assert await choose("enter", units=()) == []


# What stands in the way, and what sets it aside.

BLAST = Standing("blast-fleet", "7 of 64 hosts are out of service", "undrain one", "/etc/leptontui/policy.toml:3", True)
FREEZE = Standing("policy-deny", "a change freeze is on", "wait until monday", "/etc/leptontui/policy.toml:12")
UNARMED = Standing("read-only", "this session is read-only", "arm it first")


def words_of(shown) -> str:
    return " ".join(shown.text.replace("█", " ").split())


async def test_a_rule_that_cannot_be_overridden_says_where_it_is_set_and_blocks():
    shown = Shown(Port(standing=(BLAST, FREEZE)))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        said = words_of(shown)
        assert "a change freeze is on — wait until monday (rule policy-deny, set in" in said
        assert "/etc/leptontui/policy.toml:12)" in said
        assert said.index("change freeze") < said.index("out of service"), "what cannot be overridden comes first"
        assert "cannot be run now (policy-deny) p: plan again" in said
        await pilot.press("y", *"gpu-017", "enter")
        assert not shown.port.ran
        shown.port.over = {"standing": ()}
        await pilot.press("p")
        await shown.settled(pilot)
        assert "Type the host name" in shown.text
        await pilot.press(*"gpu-017", "enter")
        await shown.settled(pilot)
        assert len(shown.port.ran) == 1


async def test_an_override_wants_a_reason_before_the_name():
    shown = Shown(Port(standing=(BLAST,)))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        assert "say why blast-fleet is set aside" in words_of(shown)
        await pilot.press("tab", *"gpu-017", "enter")
        assert not shown.port.ran
        assert "nothing was run" in shown.text
        why = shown.screen.query_one("#plan-override", Input)
        why.focus()
        await pilot.press(*"short", "enter")
        assert shown.app.focused is why, "a reason has at least eight letters"
        await pilot.press("space", *"INC-42", "enter")
        typed = shown.screen.query_one("#plan-typed", Input)
        assert shown.app.focused is typed
        assert "setting the rule aside" in words_of(shown)
        await pilot.press("enter")
        await shown.settled(pilot)
        assert [name for _, name in shown.port.ran] == ["gpu-017"]
        assert shown.port.overrides == ["short INC-42"]


async def test_an_override_of_what_one_key_runs():
    shown = Shown(Port(danger=Danger.DISRUPTIVE, standing=(BLAST,)), RESTART)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press("y")
        assert not shown.port.ran
        shown.screen.query_one("#plan-override", Input).value = ""
        await pilot.press(*"INC-42 wedged".replace(" ", "_"), "enter", "y")
        await shown.settled(pilot)
        assert shown.port.overrides == ["INC-42_wedged"]


async def test_without_a_rule_in_the_way_nothing_is_overridden():
    shown = Shown(Port())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        assert not shown.screen.query_one("#plan-override-row").display
        await pilot.press(*"gpu-017", "enter")
        await shown.settled(pilot)
        assert shown.port.overrides == [""]


async def test_planning_again_forgets_what_was_typed():
    shown = Shown(Port(standing=(BLAST,)))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press(*"INC-42 wedged".replace(" ", "_"), "enter", *"gpu-017")
        shown.screen.ask()
        await shown.settled(pilot)
        assert shown.screen.query_one("#plan-typed", Input).value == ""
        assert shown.screen.query_one("#plan-override", Input).value == ""


async def test_being_read_only_is_lifted_by_arming_and_needs_no_override():
    port = Port(is_armed=False, standing=(UNARMED,))
    shown = Shown(port)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        assert "READ-ONLY" in shown.text
        assert "press A to arm" in shown.text
        port.over = {}
        await pilot.press("A")
        await shown.settled(pilot)
        assert "ARMED 15:00" in shown.text
        assert "Type the host name" in shown.text


async def test_a_policy_that_forbids_arming_says_so():
    port = Port(is_armed=False)

    def refuse() -> float:
        raise GuardRefused("policy-read-only", "the policy lets nothing be done", "", "/etc/leptontui/policy.toml:1")

    port.arm = refuse
    shown = Shown(port)
    async with shown.app.run_test(size=(120, 40), notifications=True) as pilot:
        await shown.settled(pilot)
        await pilot.press("A")
        await shown.settled(pilot)
        assert any("the policy lets nothing be done" in notice.message for notice in shown.app._notifications)
        await pilot.press(*"gpu-017", "enter", "y")
        assert not port.ran


# Parameters, evidence, passwords, live lines, undo.


async def test_parameters_evidence_and_passwords_are_shown():
    request = ActionRequest(ActionName.GPU_RESET, "gpu-017", params=(("gpu", "3"),))
    step = Step("gpu-017", "oncall@gpu-017", ("sudo", "nvidia-smi", "--gpu-reset", "-i", "3"), wants_password=True)
    over = {"request": request, "steps": (step,), "evidence": "kernel log, nvidia-smi -q → one archive"}
    shown = Shown(Port(**over), request)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        for words in (
            "gpu=3",
            "captured first",
            "kernel log, nvidia-smi -q",
            "sudo asks for a password",
            "cannot be undone",
        ):
            assert words in shown.text, words


async def test_what_a_run_says_is_shown_while_it_runs():
    port = Port()
    port.may_run.clear()
    shown = Shown(port)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press(*"gpu-017", "enter")
        port.heard = ("capturing evidence", "waiting for [red]gpu-017[/] to drain, 40 s")
        shown.screen._listen()
        await shown.settled(pilot)
        assert "capturing evidence" in shown.text
        assert "waiting for [red]gpu-017[/] to drain, 40 s" in shown.text
        assert "scontrol update" in shown.text
        port.may_run.set()
        await shown.app.workers.wait_for_complete()
        await shown.settled(pilot)
        assert "done and verified" in shown.text


async def test_undo_is_offered_after_a_verified_drain_and_only_plans():
    shown = Shown(Port())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press(*"gpu-017", "enter")
        await shown.settled(pilot)
        assert "u: undrain gpu-017" in shown.text
        await pilot.press("u")
        await pilot.pause()
        assert [order.action for order in shown.app.orders] == [ActionName.UNDRAIN]
        assert shown.app.orders[0].hosts == ("gpu-017",)
        assert len(shown.port.ran) == 1


async def test_what_only_the_plan_knows_how_to_take_back_is_offered():
    """A scale is taken back by the count that there was."""
    request = ActionRequest(ActionName.SCALE, "gpu-017", unit="compose:/srv/vllm/api", params=(("replicas", "3"),))
    port = Port(request=request, undo=request.but(replicas="2"), danger=Danger.DISRUPTIVE, confirmation="")
    shown = Shown(port, request)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press("y")
        await shown.settled(pilot)
        assert "u: scale gpu-017" in shown.text
        await pilot.press("u")
        await pilot.pause()
        assert [(order.action, order.params) for order in shown.app.orders] == [
            (ActionName.SCALE, (("replicas", "2"),))
        ]


async def test_nothing_is_undone_that_did_not_take_effect():
    shown = Shown(Port(run_error=GuardRefused("blast-fleet", "too many")))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press(*"gpu-017", "enter")
        await shown.settled(pilot)
        assert "u: undrain" not in shown.text
        await pilot.press("u")
        assert not shown.app.orders


async def test_what_is_typed_into_a_restart_cannot_come_from_the_screen_before():
    """`r` held down opens the dialog; more of it, and a `y` that was on its way, must not run it."""
    shown = Shown(Port(danger=Danger.DISRUPTIVE), RESTART, settle_s=3600.0)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await pilot.press("r", "r", "y", "enter", "y")
        await shown.settled(pilot)
        await pilot.press("y")
        assert not shown.port.ran


async def test_what_did_not_end_well_can_be_planned_again_and_is_confirmed_again():
    shown = Shown(Port(run_error=GuardRefused("busy", "bob works on gpu-017", "wait", "/run/lock")))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press(*"gpu-017", "enter")
        await shown.settled(pilot)
        assert "bob works on gpu-017 (rule: busy, set in /run/lock)" in words_of(shown)
        assert "p: plan it again" in shown.text
        shown.port.run_error = None
        await pilot.press("p")
        await shown.settled(pilot)
        assert len(shown.port.planned) == 2
        assert len(shown.port.ran) == 1, "planning again runs nothing"
        await pilot.press("enter")
        assert len(shown.port.ran) == 1
        await pilot.press(*"gpu-017", "enter")
        await shown.settled(pilot)
        assert "done and verified" in shown.text
        assert "p: plan it again" not in shown.text


async def test_what_cannot_be_planned_leads_to_its_parameters():
    request = ActionRequest(ActionName.DRAIN, "gpu-017", reason="x")
    shown = Shown(Port(plan_error=ActionError("pods keep what is in emptyDir", "set emptydir=delete")), request)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        assert "^o: change it" in shown.text
        await pilot.press("ctrl+o")
        await pilot.pause()
        assert [order.request() for order in shown.app.orders] == [request]


async def test_a_long_plan_is_scrolled_while_the_name_is_typed():
    running = tuple(f"job {number} (anna, 1 node, 3 h)" for number in range(60))
    shown = Shown(Port(running_there=running))
    async with shown.app.run_test(size=(80, 24)) as pilot:
        await shown.settled(pilot)
        assert "Type the host name" in shown.text
        assert "job 59" not in shown.text
        await pilot.press(*["pagedown"] * 7)
        await shown.settled(pilot)
        assert "job 59" in shown.text
        assert "esc: leave it alone" in shown.text
        await pilot.press(*"gpu-017", "enter")
        await shown.settled(pilot)
        assert len(shown.port.ran) == 1


async def test_what_the_plan_itself_says_takes_it_back_is_offered():
    request = ActionRequest(ActionName.SCALE, "gpu-017", "kube:prod/deployment/vllm", params=(("replicas", "3"),))
    back = request.but(replicas="5")
    shown = Shown(Port(danger=Danger.DISRUPTIVE, request=request, undo=back), request)
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.settled(pilot)
        await pilot.press("y")
        await shown.settled(pilot)
        assert "u: scale" in shown.text
        await pilot.press("u")
        await pilot.pause()
        assert [order.request() for order in shown.app.orders] == [back]
