"""The events screen: newest first, counted, what was before marked, filtered by words and by the chosen host."""

import pytest
from fake_office import FakeCommands
from fleet_pilot import FleetPilot
from fleets import T0, FakeSource, make_snapshot, train_fleet
from rich_fleet import RICH, rich_fleet

from leptontui.model.health import HostEvent
from leptontui.ui.screens.events import EventsScreen
from leptontui.ui.screens.fleet import FleetScreen
from leptontui.ui.screens.host import HostScreen


@pytest.fixture
def stage():
    return FleetPilot(FakeSource(rich_fleet()), FakeCommands())


def hosts_of(stage):
    """Hosts of the rows, from top to bottom."""
    found = (word for line in stage.lines[3:-4] for word in line.split() if word.startswith("gpu-0"))
    return list(found)


async def test_newest_first_counted_and_marked(stage):
    async with stage.run():
        await stage.press("e")
        assert isinstance(stage.app.screen, EventsScreen)
        assert "7 kinds of events, newest first" in stage.text
        assert "✖ 03:12:13" in stage.line_of("gpu-004", "Xid 79", "fallen off the bus")
        assert "×7" in stage.line_of("gpu-001", "Xid 63")
        old = stage.line_of("nfs-silent")
        assert "↶" in old
        assert "13 Mar" in old, "more than a day ago"
        assert hosts_of(stage)[0] == "gpu-002"


async def test_all_about_the_chosen_one_is_told_in_full(stage):
    async with stage.run(80, 24):
        await stage.press("e", "down", "down", "down", "down")
        assert "gpu-001 ▸ GPU 3  ▲ Xid 63   ×7 since 03:01:04, last 1 m ago" in stage.text
        assert "for remapping, reset gpu" in stage.text, "what the row cuts off is told below"
        await stage.press("end")
        assert "before we connected, from the kernel's log" in stage.text


async def test_the_chosen_hosts_events_only_and_all_again(stage):
    async with stage.run():
        await stage.press("e", "end", "h")
        assert set(hosts_of(stage)) == {RICH}
        assert "3 of 7 kinds of events" in stage.text
        await stage.press("h")
        assert len(set(hosts_of(stage))) == 4
        await stage.press("h", "escape")
        assert isinstance(stage.app.screen, EventsScreen), "the first escape shows everything again"
        assert len(set(hosts_of(stage))) == 4
        await stage.press("escape")
        assert isinstance(stage.app.screen, FleetScreen)


async def test_a_filter_works_as_it_is_typed_and_says_what_is_wrong(stage):
    async with stage.run():
        await stage.press("e", "slash")
        await stage.type("sev>=critical")
        assert "4 of 7 kinds of events" in stage.text
        assert "enter keep" in stage.lines[-1]
        await stage.press("enter")
        assert "enter host" in stage.lines[-1]
        await stage.press("slash")
        await stage.type(" util<5")
        assert "▲ events have no util" in stage.text
        await stage.press("escape")
        assert "7 kinds of events, newest first" in stage.text


async def test_a_filter_that_leaves_nothing_says_so(stage):
    async with stage.run():
        await stage.press("e", "slash")
        await stage.type("zzz")
        assert "No event matches  zzz" in stage.text


async def test_enter_opens_the_host_and_comes_back(stage):
    async with stage.run():
        await stage.press("e", "down", "enter")
        assert isinstance(stage.app.screen, HostScreen)
        assert stage.app.screen.host == "gpu-004"
        assert "gpu-004 ▸ GPU 5" in stage.text
        await stage.press("escape")
        assert isinstance(stage.app.screen, EventsScreen)
        assert "gpu-lost" in stage.highlighted


async def test_a_new_event_goes_on_top_and_the_cursor_stays(stage):
    async with stage.run():
        await stage.press("e", "down")
        event = HostEvent("gpu-005", T0 - 1, "oom-kill", None, None, "Killed process 1")
        await stage.publish(rich_fleet(seq=2, events=(*rich_fleet().events, event)))
        assert hosts_of(stage)[0] == "gpu-005"
        assert "gpu-lost" in stage.highlighted


async def test_nothing_was_reported():
    stage = FleetPilot(FakeSource(train_fleet(events=())))
    async with stage.run(80, 24):
        await stage.press("e")
        assert "No host has reported anything." in stage.text
        assert "enter host" not in stage.lines[-1]
        await stage.press("enter", "e")
        assert isinstance(stage.app.screen, FleetScreen)


async def test_lines_from_hosts_are_texts():
    event = HostEvent("a", T0, "xid\x1b[m", None, 1, "[on red]\x1b]0;t\x07 \x9b2J boom\u202e")
    snapshot = make_snapshot([{**_row(), "host": "a"}], [], events=(event,))
    stage = FleetPilot(FakeSource(snapshot))
    async with stage.run():
        await stage.press("e")
        assert "[on red] boom" in stage.text
        assert not [char for char in stage.text.replace("\n", "") if ord(char) < 32 or char in "\x7f\x9b\u202e"]


def _row():
    from fleets import host_row

    return host_row("a")
