"""The fleet screen as pictures, at the sizes it is made for."""

import pytest
from fake_office import FakeCommands
from fleet_pilot import FleetPilot
from fleets import FakeSource, train_fleet


async def _settle(pilot):
    await pilot.pause()
    await pilot.app.screen.settle()
    await pilot.pause()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60)])
def test_fleet(snap_compare, width, height):
    app = FleetPilot(FakeSource(train_fleet(64)), FakeCommands(is_armed=width > 100)).app
    assert snap_compare(app, terminal_size=(width, height), run_before=_settle)


@pytest.mark.parametrize("theme", ["lepton-light", "high-contrast"])
def test_themes(snap_compare, theme):
    app = FleetPilot(FakeSource(train_fleet(24)), theme=theme).app
    assert snap_compare(app, terminal_size=(120, 30), run_before=_settle)


def test_hosts(snap_compare):
    async def toggle(pilot):
        await _settle(pilot)
        await pilot.press("g")
        await _settle(pilot)

    app = FleetPilot(FakeSource(train_fleet(24)), FakeCommands()).app
    assert snap_compare(app, terminal_size=(120, 30), run_before=toggle)
