"""The alerts' screens as pictures, at the sizes they are made for."""

import pytest
from alert_boards import STEPS, FakeAlerts, alert_fleet
from fake_office import FakeCommands
from fleet_pilot import FleetPilot
from fleets import FakeSource
from textual.widgets import Input

SIZES = pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
HOT_IS = 8
"""Lines from the first to the first prediction."""


def _stage(**app):
    app.setdefault("alerts", FakeAlerts(STEPS))
    stage = FleetPilot(FakeSource(alert_fleet()), FakeCommands(), **app)
    stage.app.notify = lambda *_args, **_more: None
    return stage


def _press(stage, *keys):
    async def press(pilot):
        stage.pilot = pilot
        await stage.settle()
        await stage.press(*keys)
        await stage.app.workers.wait_for_complete()
        for field in stage.app.screen.query(Input):
            field.cursor_blink = False
        await stage.settle()

    return press


@SIZES
@pytest.mark.parametrize(
    ("screen", "keys"),
    [
        ("triage", ("t", "down")),
        ("alert", ("t", "down", "enter")),
        ("acknowledge", ("t", "a")),
        ("silence", ("t", "down", "s")),
        ("history", ("t", "H")),
    ],
)
def test_screens(snap_compare, screen, keys, width, height):
    stage = _stage()
    assert snap_compare(stage.app, terminal_size=(width, height), run_before=_press(stage, *keys))


@pytest.mark.parametrize(
    ("screen", "keys"),
    [
        ("members", ("t", "right", "down")),
        ("prediction", ("t", *["down"] * HOT_IS, "enter")),
        ("silences", ("t", "S")),
        ("report", ("t", "r")),
        ("fleet", ()),
    ],
)
def test_other_screens(snap_compare, screen, keys):
    stage = _stage()
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=_press(stage, *keys))


@pytest.mark.parametrize(("width", "height"), [(80, 24), (160, 50)])
def test_wallboard(snap_compare, width, height):
    stage = _stage(is_wallboard=True)
    assert snap_compare(stage.app, terminal_size=(width, height), run_before=_press(stage))


def test_light(snap_compare):
    stage = _stage(theme="lepton-light")
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=_press(stage, "t", "down"))
