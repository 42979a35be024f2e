"""What is seen of actions as pictures, at the sizes they are made for."""

from dataclasses import replace

import pytest
from fake_office import FakeOffice
from fleet_pilot import FleetPilot
from fleets import T0, FakeSource, train_fleet
from textual.widgets import Input

from leptontui.model.action import Standing
from leptontui.model.activity import (
    Activity,
    Drained,
    Rollout,
    RolloutState,
    RunbookRun,
    RunbookState,
    RunbookStep,
    TargetRun,
    TargetState,
    Unfinished,
)
from leptontui.ui.screens.confirming import ConfirmingScreen
from leptontui.ui.screens.doing import DoingScreen

SIZES = pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
STEPS = (
    RunbookStep("Drain gpu-001", "action", TargetState.VERIFIED, "State has DRAIN"),
    RunbookStep("wait until gpu-001 is empty", "wait", TargetState.VERIFIED, "no job is left there"),
    RunbookStep("Collect evidence of gpu-001", "action"),
    RunbookStep("Reset GPU 3 of gpu-001", "action"),
    RunbookStep("check that GPU 3 answers", "check"),
    RunbookStep("Put gpu-001 back into service", "action"),
)
BLAST = Standing(
    "blast-fleet",
    "13 of 64 hosts would be out of service, 10 % may be",
    "undrain some first",
    "/etc/leptontui/policy.toml:12",
    may_be_overridden=True,
)
FREEZE = Standing(
    "policy-deny", "change freeze until 2 January", "wait, or ask the platform team", "/etc/leptontui/policy.toml:31"
)


def _rollout(*states, state=RolloutState.RUNNING, said=""):
    said_of = {
        TargetState.VERIFIED: "active, main process 5120, up for 20 s",
        TargetState.RUNNING: "activating",
        TargetState.FAILED: "exit status 1: Job for vllm.service failed because the control process exited",
    }
    targets = [TargetRun(f"gpu-{number:03d}") for number in range(1, 13)]
    for at, found in enumerate(states):
        targets[at] = replace(
            targets[at],
            state=found,
            said=said_of.get(found, ""),
            lines=(f"vllm.service on gpu-{at + 1:03d}: deactivating", "loading weights, 12 of 30 shards"),
            begun_unix_s=T0 - 150 + 40 * at,
            ended_unix_s=None if found is TargetState.RUNNING else T0 - 115 + 40 * at,
        )
    return Rollout("r1", "Restart vllm.service on 12 hosts", state, tuple(targets), said)


def _office(**over):
    office = FakeOffice(is_armed=True)
    v, f, r = TargetState.VERIFIED, TargetState.FAILED, TargetState.RUNNING
    stopped = _rollout(v, v, f, state=RolloutState.STOPPED, said="gpu-003 failed: 9 hosts were not touched")
    book = RunbookRun("b1", "gpu-xid-reset", "gpu-001", RunbookState.READY, STEPS, 2, T0 - 900)
    drained = (
        Drained("gpu-001", "gpu-001", "slurm", "anna: Xid 79 GPU 3 off the bus", T0 - 18_000, "", True, T0 - 20),
        Drained("gpu-003", "gpu-003", "slurm", "anna: clocks", T0 - 600, "job 8812 step 0 (anna)", False, T0 - 20),
    )
    broken = (Unfinished("p9", "Reboot gpu-007", "gpu-007", "anna", T0 - 7200, "its boot id has changed since"),)
    office.activity = {
        "none": Activity(),
        "running": Activity((_rollout(v, v, r),)),
        "all": Activity((stopped,), (book,), drained, broken),
    }[over.pop("activity", "none")]
    for name, value in over.items():
        setattr(office, name, value)
    return office


def _press(stage, *keys):
    async def press(pilot):
        stage.pilot = pilot
        await stage.settle()
        for key in keys:
            await stage.press(key)
            if isinstance(screen := stage.app.screen, ConfirmingScreen):
                screen._settled_at = 0.0
                for field in screen.query("SettledInput"):
                    field.not_before = 0.0
                screen._settle()
                await stage.settle()
        await stage.app.workers.wait_for_complete()
        if isinstance(stage.app.screen, DoingScreen):
            stage.app.screen.list_anew()
        for field in stage.app.screen.query(Input):
            field.cursor_blink = False
        await stage.settle()

    return press


def _look(snap_compare, size, office, *keys, **app):
    stage = FleetPilot(FakeSource(train_fleet()), office, **app)
    stage.app.notify = lambda *_args, **_more: None
    return snap_compare(stage.app, terminal_size=size, run_before=_press(stage, *keys))


@SIZES
@pytest.mark.parametrize(
    ("screen", "activity", "keys"),
    [
        ("marks", "none", ("g", "down", "space", "space", "down", "space", "up")),
        ("menu", "none", ("down", "x", "down", "down", "down", "down")),
        ("form", "none", ("down", "x", *"lock", "enter", *"50", "tab")),
        ("bulk", "none", ("asterisk", "r", "1")),
        ("running", "running", ("D", "enter")),
        ("stopped", "all", ("D", "down", "enter")),
        ("activity", "all", ("D", "end")),
        ("runbook", "all", ("D", "down", "down", "enter")),
    ],
)
def test_screens(snap_compare, screen, activity, keys, width, height):
    assert _look(snap_compare, (width, height), _office(activity=activity), *keys)


@SIZES
def test_what_stands_in_the_way(snap_compare, width, height):
    assert _look(snap_compare, (width, height), _office(standing=(BLAST,)), "down", "d", *"INC")


@pytest.mark.parametrize(
    ("screen", "office", "keys"),
    [
        ("blocked", {"standing": (FREEZE, BLAST)}, ("down", "d")),
        ("sure", {"activity": "all"}, ("D", "down", "enter", "r")),
        ("fleet", {"activity": "all"}, ()),
        ("nothing", {}, ("D",)),
        ("evidence", {}, ("down", "x", *"reset", "enter", "enter")),
    ],
)
def test_other_screens(snap_compare, screen, office, keys):
    assert _look(snap_compare, (120, 40), _office(**office), *keys)


@pytest.mark.parametrize("theme", ["lepton-light", "high-contrast"])
def test_themes(snap_compare, theme):
    assert _look(snap_compare, (120, 40), _office(activity="all"), "D", "down", "enter", theme=theme)
