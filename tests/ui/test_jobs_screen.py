"""The job view: what it lists, how it is sorted, and the way from a job to its GPUs."""

import pytest
from fake_office import FakeCommands
from fleet_pilot import FleetPilot
from fleets import FakeSource, gpu_row, host_row, make_snapshot, train_fleet
from rich_fleet import rich_fleet

from leptontui.ui.screens.fleet import FleetScreen
from leptontui.ui.screens.jobs import JobsScreen


@pytest.fixture
def stage():
    return FleetPilot(FakeSource(rich_fleet()), FakeCommands())


async def test_jobs_of_all_hosts_the_worst_first(stage):
    async with stage.run():
        await stage.press("j")
        assert isinstance(stage.app.screen, JobsScreen)
        assert "lepton ▸ train ▸ jobs" in stage.lines[0]
        assert "4 jobs   48 of" in stage.lines[1]
        line = stage.highlighted
        for words in ("8812", "anna", " 31 ", " 4 ", "✖ gpu-001 GPU 3: row remap pending"):
            assert words in line
        assert "on gpu-001  gpu-003  gpu-004  gpu-006  ◌ nothing fresh is known of 1" in stage.text
        assert "carol" in stage.line_of("pod serving/vllm-7c9d-x2")


async def test_enter_filters_the_fleet_to_the_gpus_of_the_job(stage):
    async with stage.run():
        await stage.press("j", "end")
        assert "user eve" in stage.highlighted
        await stage.press("enter")
        assert isinstance(stage.app.screen, FleetScreen)
        assert "2 of 54" in stage.text
        assert "user=eve" in stage.text
        assert "gpu-002  0.1" in stage.text


async def test_enter_shows_gpus_also_where_hosts_were_listed(stage):
    async with stage.run():
        await stage.press("g", "j", "enter")
        assert "31 of 54 GPUs" in stage.text


async def test_sorting_is_told_and_keeps_the_cursor_on_its_job(stage):
    async with stage.run():
        await stage.press("j", "s")
        assert "sort: GPUs" in stage.lines[1]
        assert "gpus▼" in stage.text
        await stage.press("S", "S")
        assert "sort: name" in stage.lines[1]
        assert "job ▲" in stage.text
        assert "8812" in stage.highlighted


async def test_a_new_snapshot_moves_rows_and_not_the_cursor(stage):
    async with stage.run():
        await stage.press("j", "end")
        assert "user eve" in stage.highlighted
        gpus = [gpu_row("a", i, job=None, user=user) for i, user in enumerate(("ann", "eve"))]
        await stage.publish(make_snapshot([host_row("a")], gpus, seq=2))
        assert "user eve" in stage.highlighted
        await stage.publish(make_snapshot([host_row("a")], gpus[:1], seq=3))
        assert "▌" not in stage.text, "the cursor never slides to a neighbour"
        assert "enter its GPUs" not in stage.lines[-1]
        await stage.press("enter")
        assert isinstance(stage.app.screen, JobsScreen), "nothing was chosen"


async def test_without_jobs_it_says_why():
    stage = FleetPilot(FakeSource(make_snapshot([host_row("a")], [gpu_row("a", 0, job=None, user=None)])))
    async with stage.run(80, 24):
        await stage.press("j")
        assert "No process uses a GPU, as far as hosts tell." in stage.text
        await stage.press("j")
        assert isinstance(stage.app.screen, FleetScreen)


async def test_frozen_it_stands_still(stage):
    async with stage.run():
        await stage.press("j", "f")
        await stage.publish(train_fleet(seq=9))
        assert "FROZEN" in stage.lines[0]
        assert "user eve" in stage.text
        await stage.press("f")
        assert "user eve" not in stage.text


async def test_a_snapshot_that_cannot_be_paged_is_said_and_the_next_one_shown(stage, monkeypatch):
    def fail(*_args, **_more):
        raise ValueError("no such column")

    async with stage.run():
        await stage.press("j")
        with monkeypatch.context() as patch:
            patch.setattr("leptontui.ui.screens.jobs._page", fail)
            await stage.publish(rich_fleet(seq=2))
            assert "this snapshot cannot be shown: ValueError: no such column" in stage.lines[0]
            assert "8812" in stage.text
        await stage.publish(rich_fleet(seq=3))
        assert "cannot be shown" not in stage.text


async def test_names_from_hosts_are_texts():
    evil = "[red]\x1b[2Jx\u202e"
    snapshot = make_snapshot([host_row("a")], [gpu_row("a", 0, job=evil, user=evil, health=evil, severity=4)])
    stage = FleetPilot(FakeSource(snapshot))
    async with stage.run():
        await stage.press("j")
        assert "[red] x" in stage.text
        assert not [char for char in stage.text.replace("\n", "") if ord(char) < 32 or char in "\x7f\x9b\u202e"]
