"""The lines about what wants the user: as few as they fit in, the most urgent first, and nothing is left out unsaid."""

import pytest
from fleet_pilot import FleetPilot
from fleets import FakeAccess, FakeSource, host_row, make_snapshot, train_fleet
from rich_fleet import offered, rich_fleet, unknown_key

from leptontui.render.cells import Piece, width_of
from leptontui.ui.messages import SnapshotPublished
from leptontui.ui.widgets.notices import Notices, notice_parts, packed


def texts(lines):
    return ["".join(piece.text for piece in line) for line in lines]


def test_lines_are_filled_and_the_rest_is_counted():
    parts = tuple((Piece(f"▲ notice {i}"),) for i in range(5))
    assert texts(packed(parts, 60, 3)) == [
        " ▲ notice 0   ▲ notice 1   ▲ notice 2   ▲ notice 3",
        " ▲ notice 4",
    ]
    (line,) = packed(parts, 30, 1)
    assert texts([line])[0].endswith("+3")
    assert width_of(line) == 30
    assert packed((), 30, 1) == []


def test_a_long_notice_is_cut_rather_than_only_counted_where_there_is_room():
    parts = (
        (Piece("▲ a login asks"),),
        (Piece("▲ the changed inventory is not used: " + "x" * 80),),
        (Piece("▲ three"),),
    )
    (two,) = packed(parts[:2], 80, 1)
    assert texts([two])[0].startswith(" ▲ a login asks   ▲ the changed inventory is not used: xxx")
    (three,) = packed(parts, 80, 1)
    assert "the changed inventory" in texts([three])[0]
    assert texts([three])[0].endswith("…  +1")
    assert width_of(three) == 80


@pytest.mark.parametrize("width", [20, 40, 79, 80, 120])
def test_no_line_is_too_long_or_silent_about_what_it_leaves_out(width):
    parts = notice_parts(rich_fleet(), can_let_in=True, is_short=width < 100)
    for most in (1, 3):
        lines = packed(parts, width, most)
        assert len(lines) <= most
        shown = sum(text.count("▲") + text.count("✖") for text in texts(lines))
        assert shown == len(parts) or f"+{len(parts) - shown}" in texts(lines)[-1]


async def test_a_small_screen_has_one_line_with_the_keys():
    stage = FleetPilot(FakeSource(rich_fleet()), access=FakeAccess())
    async with stage.run(80, 24):
        line = stage.lines[1]
        for words in ("✖ 1 key CHANGED K", "▲ a login asks a", "▲ 3 unknown keys K", "+1"):
            assert words in line
        assert "host" in stage.lines[3], "the table begins where it always does, a line lower"


@pytest.mark.parametrize("width", [80, 120])
async def test_one_is_told_as_one(width):
    hosts = [host_row("a1", link="refused", received_unix_s=None)]
    snapshot = make_snapshot(hosts, [], links={"a1": unknown_key("a1", offered("a1"))})
    async with FleetPilot(FakeSource(snapshot), access=FakeAccess()).run(width, 24) as stage:
        assert "unknown key K" in stage.lines[1]
        assert stage.lines[-2].endswith(" 1 row ")


async def test_without_anything_to_say_it_takes_no_line():
    stage = FleetPilot(FakeSource(rich_fleet()), access=FakeAccess())
    async with stage.run():
        assert "was not taken over" in stage.text
        await stage.publish(train_fleet(seq=2))
        assert not stage.fleet.query_one(Notices).display
        assert "host" in stage.lines[2]


async def test_a_host_that_is_not_live_says_since_when_and_when_it_is_dialled_next():
    stage = FleetPilot(FakeSource(rich_fleet()))
    async with stage.run(160, 40):
        await stage.press("slash")
        await stage.type("gpu-006")
        await stage.press("enter")
        assert "since 03:06, next dial in 14 s, ^r now" in stage.lines[-2]
        stage.now += 20
        stage.fleet.tick()
        await stage.settle()
        assert "dialled now" in stage.lines[-2]


async def test_a_snapshot_that_comes_while_the_program_leaves_is_not_drawn(monkeypatch):
    stage = FleetPilot(FakeSource(rich_fleet()))
    close_all = stage.app._close_all

    async def with_a_late_snapshot() -> None:
        await stage.fleet.query_one(Notices).remove()
        stage.app.on_snapshot_published(SnapshotPublished(train_fleet(seq=2)))
        await close_all()

    monkeypatch.setattr(stage.app, "_close_all", with_a_late_snapshot)
    async with stage.run():
        assert stage.fleet.query_one(Notices).display
