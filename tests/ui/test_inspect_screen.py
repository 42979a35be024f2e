"""The inspection of one GPU: what is wrong in words, every value with unit and meaning, what is not known as a dash."""

import re

import pytest
from fake_office import FakeCommands
from fleet_pilot import FleetPilot
from fleets import FakeSource, gpu_row, host_row, make_snapshot, train_fleet
from rich_fleet import RICH, rich_fleet

from leptontui.model.catalogue import metrics_of
from leptontui.model.focus import Focus
from leptontui.model.series import Entity
from leptontui.ui.screens.fleet import FleetScreen
from leptontui.ui.screens.host import HostScreen
from leptontui.ui.screens.inspect import InspectScreen


@pytest.fixture
def stage():
    return FleetPilot(FakeSource(rich_fleet()), FakeCommands())


async def test_everything_of_the_gpu_under_the_cursor(stage):
    async with stage.run(200, 60):
        await stage.press("down", "i")
        assert isinstance(stage.app.screen, InspectScreen)
        assert "lepton ▸ train ▸ gpu-001 ▸ GPU 3" in stage.lines[0]
        for words in (
            "✖ row remap pending: reset the GPU",
            "✖ 1 ECC uncorrected",
            "▲ HW thermal throttle",
            "✖ host: mlx5_0/1 is down",
            "▲ host: stalled on I/O 14 % of the time",
        ):
            assert words in stage.text, words
        assert "host: GPU 3" not in stage.text
        assert "8812.0" in stage.line_of("41233", "anna", "--rank 3")
        for name in ("now", "limits", "held down", "memory errors", "repairs", "PCIe", "NVLink and fabric", "modes"):
            assert f" {name} " in stage.text
        for item in metrics_of(Entity.GPU):
            assert item.title in stage.text, item.name
        for words in ("HW thermal, power c…", "38.2 GiB/s", "▲ yes", "105 °C", "completed", "2559", "8.1 GJ"):
            assert words in stage.text
        assert "Xid 63 ×7" in stage.text


@pytest.mark.parametrize(("rank", "is_told"), [(4, True), (1, False), (None, False)])
async def test_what_is_to_be_done_and_who_says_so(rank, is_told):
    words = "drain, then reset the GPU: row remap pending; job 8812 of anna runs here"
    verdict = {"verdict_rank": rank, "verdict_words": words, "verdict_source": "gpud, DCGM"}
    stage = FleetPilot(FakeSource(make_snapshot([host_row("a")], [gpu_row("a", 0, **verdict)])))
    async with stage.run(200, 60):
        await stage.press("down", "i")
        assert (f"→ {words} (says gpud, DCGM)" in stage.text) is is_told


async def test_what_is_not_known_is_a_dash_never_nothing(stage):
    stage = FleetPilot(FakeSource(make_snapshot([host_row("a")], [gpu_row("a", 0, power_w=None, ecc_corrected=None)])))
    async with stage.run(200, 60):
        await stage.press("down", "i")
        assert re.search(r" power  +– ", stage.text)
        assert re.search(r" ecc corr  +– ", stage.text)
        assert re.search(r" ecc unc  +0 ", stage.text)
        assert "none is known to use it" in stage.text


async def test_the_metric_under_the_cursor_is_explained(stage):
    async with stage.run(120, 40):
        await stage.press("down", "i")
        assert "Share of time some kernel was running, over the driver's last period. [%]   NVML" in stage.text
        assert "97.1 %   util_pct" in stage.text
        await stage.press("down", "down")
        assert "Device memory allocated" in stage.text
        await stage.press("end")
        assert "Of a MIG instance: the GPU it is a part of." in stage.text
        assert "not known: kernel log: not permitted" in stage.text, "why is told"


async def test_the_cursor_is_always_in_sight_on_a_small_screen(stage):
    async with stage.run(80, 24):
        await stage.press("down", "i")
        for _ in range(12):
            await stage.press("pagedown")
            assert "▌" in stage.text
        await stage.press("home")
        assert "▌util" in stage.text
        await stage.press("end")
        assert "▌parent" in stage.text


async def test_left_and_right_go_through_the_gpus_of_the_host(stage):
    async with stage.run():
        await stage.press("down", "i", "right")
        assert "gpu-001 ▸ GPU 4" in stage.lines[0]
        await stage.press("left", "left")
        assert "gpu-001 ▸ GPU 2" in stage.lines[0]
        await stage.press("escape")
        assert isinstance(stage.app.screen, FleetScreen)


async def test_from_the_host_screen_and_back(stage):
    async with stage.run():
        await stage.press("down", "enter", "i")
        assert isinstance(stage.app.screen, InspectScreen)
        assert "GPU 3" in stage.lines[0]
        await stage.press("i")
        assert isinstance(stage.app.screen, HostScreen)


async def test_of_a_host_the_worst_gpu_is_inspected(stage):
    async with stage.run():
        await stage.press("g", "down", "i")
        assert "gpu-001 ▸ GPU 3" in stage.lines[0]


async def test_a_hung_driver_and_a_vanished_gpu_are_said_and_their_values_are_old(stage):
    async with stage.run(120, 40):
        await stage.press("slash")
        await stage.type("state:gone")
        await stage.press("enter", "i")
        assert "gpu-004 ▸ GPU 5" in stage.lines[0]
        assert "gone" in stage.lines[1]
        assert "gone from the bus" in stage.lines[2]


async def test_a_gpu_that_is_not_told_of_any_more_is_said_so(stage):
    async with stage.run():
        await stage.press("down", "i")
        await stage.publish(train_fleet(seq=2))
        assert "▸ GPU 3" in stage.lines[0], "the same identity is known there too"
        await stage.publish(make_snapshot([host_row(RICH)], [gpu_row(RICH, 0)], seq=3))
        assert "this GPU is not told of any more" in stage.text


async def test_a_host_without_gpus_says_so():
    stage = FleetPilot(FakeSource(make_snapshot([host_row("login", gpu_count=0)], [])))
    async with stage.run():
        assert "i inspect" not in stage.lines[-1]
        await stage.press("down", "i")
        assert "this host has told of no GPU" in stage.text


async def test_the_source_is_told_which_host_is_looked_at(stage):
    async with stage.run():
        await stage.press("down", "i")
        assert stage.source.focused[-1] == Focus(host=RICH)


async def test_texts_of_hosts_are_texts():
    evil = "[red]\x1b[2Jx\u202e"
    stage = FleetPilot(
        FakeSource(make_snapshot([host_row("a")], [gpu_row("a", 0, name=evil, health=evil, vbios=evil, severity=4)]))
    )
    async with stage.run():
        await stage.press("down", "i")
        assert "[red] x" in stage.text
        assert not [char for char in stage.text.replace("\n", "") if ord(char) < 32 or char in "\x7f\x9b\u202e"]
