"""The host screen's panels: everything a host tells has its place, and what is wrong is said in words."""

import pytest
from fake_office import FakeCommands
from fleet_pilot import FleetPilot
from fleets import FakeSource, host_row, make_snapshot
from rich_fleet import rich_fleet

from leptontui.ui.commands import PANELS


@pytest.fixture
def stage():
    return FleetPilot(FakeSource(rich_fleet()), FakeCommands())


@pytest.mark.parametrize("panel", "12345")
async def test_of_a_host_that_never_answered_no_panel_says_more_than_that(panel):
    host = host_row("gpu-001", link="refused", received_unix_s=None)
    stage = FleetPilot(FakeSource(make_snapshot([host], [])), FakeCommands())
    async with stage.run():
        await stage.press("down", "enter", panel)
        assert "nothing has been heard of this host yet" in stage.text
        for claim in ("this kernel", "no process", "is watched", "has told", "no swap"):
            assert claim not in stage.text


async def test_the_overview_sums_up(stage):
    async with stage.run(200, 60):
        await stage.press("down", "enter")
        for words in (
            "1 [overview]",
            "3 storage ✖2",
            "4 network ✖1",
            "5 services ✖2",
            "oom kills 1",
            "io 0.8",
            "full 14.2",
            "▲ blocked 12",
            "zombies 2",
            "▲ 2.4 s behind ours",
            "6.1 kW IPMI",
            "0.2 % of a core  21 MiB  11 ms a sweep  in python",
            "✖ silent: it does not answer",
            "/data ▲ read-only",
            "mlx5_0/1 ✖ down",
            "✖ triton",
            "✖ nvidia-persistenced.service  failed",
            "kernel log: not permitted for oncall (dmesg_restrict)",
        ):
            assert words in stage.text, words


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("2", ("8812.0", "41237", "--rank 7")),
        ("3", ("inodes %", "97.0", "nfs4  nas1:/home", "✖ silent", "nvme2n1", "writes /s")),
        ("4", ("eno2 down", "25Gb/s", "flaps", "mlx5_1/1 active  400 Gb/s  linkup  InfiniBand", "symbol")),
        (
            "5",
            (
                "● vllm",
                "4.2 ms",
                "503",
                "status 503",
                "slurmd.service  active running",
                "40 d 12 h",
                "rebuild",
                "71.5 %",
            ),
        ),
        ("6", ("×7", "↶", "nfs: server nas1", "hidepid: processes of others are hidden")),
    ],
)
async def test_a_panel_has_all_there_is(stage, key, words):
    async with stage.run(140, 40):
        await stage.press("down", "enter", key)
        assert f"{key} [{PANELS[int(key) - 1]}]" in stage.text
        for word in words:
            assert word in stage.text, word


async def test_tab_goes_round_and_back(stage):
    async with stage.run():
        await stage.press("down", "enter", "tab")
        assert "2 [processes]" in stage.text
        await stage.press("shift+tab", "shift+tab")
        assert "6 [events]" in stage.text
        await stage.press("tab")
        assert "1 [overview]" in stage.text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("panel", range(1, 7))
async def test_every_panel_is_in_sight_at_every_size(stage, size, panel):
    async with stage.run(*size):
        await stage.press("down", "enter", str(panel))
        assert f"{panel} [{PANELS[panel - 1]}]" in stage.text


async def test_the_fallback_says_what_it_is(stage):
    async with stage.run(120, 40):
        await stage.press("slash")
        await stage.type("gpu-005")
        await stage.press("enter", "enter")
        assert "▲ sh, no Python: fewer signals" in stage.text
        assert "1.4 % of a core" in stage.text


async def test_what_is_not_there_is_said_and_never_zero():
    bare = host_row("a", gpu_count=0)
    for name in list(bare):
        if name not in {"host", "group", "link", "link_cause", "received_unix_s", "severity", "health", "gpu_count"}:
            bare[name] = None
    stage = FleetPilot(FakeSource(make_snapshot([bare], [])))
    async with stage.run(120, 40):
        await stage.press("down", "enter")
        assert "this kernel does not tell pressure" in stage.text
        assert "cpu %        –" in stage.text
        for key, words in (("3", "no filesystem or disk yet"), ("4", "no network interface yet"), ("5", "is watched")):
            await stage.press(key)
            assert words in stage.text
