"""The fleet with one of everything as pictures: every screen at the sizes it is made for."""

import pytest
from fake_office import FakeCommands
from fleet_pilot import FleetPilot
from fleets import FakeAccess, FakeSource
from rich_fleet import rich_fleet
from textual.widgets import Input

SIZES = pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])


def _stage(**app):
    stage = FleetPilot(FakeSource(rich_fleet()), FakeCommands(), access=FakeAccess(), **app)
    stage.app.notify = lambda *_args, **_more: None  # notices go by themselves: a slow machine would miss them
    return stage


def _press(stage, *keys):
    async def press(pilot):
        stage.pilot = pilot
        await stage.settle()
        await stage.press(*keys)
        for field in stage.app.screen.query(Input):
            field.cursor_blink = False
        await stage.settle()

    return press


@SIZES
@pytest.mark.parametrize(
    ("screen", "keys"),
    [
        ("fleet", ("down",)),
        ("host", ("down", "enter")),
        ("inspect", ("down", "i")),
        ("jobs", ("j",)),
        ("events", ("e", "down")),
        ("keys", ("K", "down", "space")),
    ],
)
def test_screens(snap_compare, screen, keys, width, height):
    stage = _stage()
    assert snap_compare(stage.app, terminal_size=(width, height), run_before=_press(stage, *keys))


@pytest.mark.parametrize("panel", ["2", "3", "4", "5", "6"])
def test_panels_of_a_host(snap_compare, panel):
    stage = _stage()
    assert snap_compare(stage.app, terminal_size=(100, 40), run_before=_press(stage, "down", "enter", panel))


@pytest.mark.parametrize(
    ("what", "keys"), [("question", ("a",)), ("accepting", ("K", "down", "enter")), ("help", ("question_mark",))]
)
def test_dialogs(snap_compare, what, keys):
    stage = _stage()
    assert snap_compare(stage.app, terminal_size=(80, 24), run_before=_press(stage, *keys))


def test_light(snap_compare):
    stage = _stage(theme="lepton-light")
    assert snap_compare(stage.app, terminal_size=(120, 40), run_before=_press(stage, "down", "i"))
