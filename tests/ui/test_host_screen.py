"""The host screen: what it says of a well, a lost, a GPU-less and a hostile host, and what its keys do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_office import FakeCommands
from fleets import T0, FakeSource, frame_of, gpu_row, gpu_uuid, host_row, make_snapshot, train_fleet
from stage import HOST, HOT, Stage, host_fleet

from leptontui.model.action import ActionName
from leptontui.model.series import Entity, Eta, ForecasterState, ForecasterStatus
from leptontui.snapshot import FleetSnapshot
from leptontui.ui.screens.host import HostScreen
from leptontui.ui.widgets.gpu_strip import GpuStrip


class Shown:
    """A host screen on a stage, with what is on it as text."""

    def __init__(self, snapshot: FleetSnapshot, host: str = HOST, gpu: str | None = None, *, commands=None, now=T0):
        self.source = FakeSource(snapshot)
        self.snapshot = snapshot
        self.now = now
        self.screen = HostScreen(self.source, commands, host, gpu, clock=lambda: self.now)
        self.app = Stage(self.screen)

    async def show(self, pilot, snapshot: FleetSnapshot | None = None) -> None:
        self.screen.show(snapshot or self.snapshot)
        await self.app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.pause()

    @property
    def lines(self) -> list[str]:
        return ["".join(segment.text for segment in strip) for strip in self.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


async def test_a_gpu_host_says_what_it_is_made_of_and_charts_its_worst_gpu():
    shown = Shown(host_fleet())
    async with shown.app.run_test(size=(200, 60)) as pilot:
        await shown.show(pilot)
        for words in (
            "gpu-023 ▸ GPU 6",
            "H100 80GB HBM3",
            gpu_uuid(HOST, HOT),
            "driver 580.159.03",
            "job 8812 (anna)",
            "up 41 d 02 h",
            "kernel 6.8.0-57-generic",
            "probe 0.2 %",
            "● live",
            "age 0.6 s",
            "READ-ONLY",
            "03:12:44",
            "slowdown 87 °C",
            "03:23 (03:19–03:26)",
            "◆ 87 °C in 11 min (7–14)",
            "forecast: damped ETS",
            "/scratch",
            "nvme2n1",
            "ib1 down",
            "python -m train --config llama-70b.yaml --rank 6",
            "oom-kill",
            "Xid 94  GPU 2",
            "fan: not supported on this board",
            "load 61.2  58.0  55.1",
            "SW thermal",
        ):
            assert words in shown.text, words


async def test_a_host_without_gpus_charts_its_cpu():
    shown = Shown(host_fleet(gpus=0, host={"severity": 0, "health": ""}))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        assert shown.screen.choice is not None
        assert shown.screen.choice.key.metric == "cpu_util_pct"
        assert not shown.screen.query_one(GpuStrip).display
        assert "host cpu" in shown.text
        assert "▸ GPU" not in shown.text
        assert "i inspect" not in shown.text
        await pilot.press("right", "m")
        assert shown.screen.choice.key.metric == "load1"


async def test_a_lost_host_says_why_and_how_old_everything_is():
    shown = Shown(train_fleet(), "gpu-005")
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        assert "lost since 03:10 (2 m): bastion2 unreachable — redialled by itself" in shown.text
        assert "what follows was so 2 m ago, at 03:10:34" in shown.text
        assert "age 2 m" in shown.text
        assert "no forecast: nothing fresh is known" in shown.text


async def test_values_grow_old_without_a_new_snapshot():
    shown = Shown(host_fleet())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        strip = shown.screen.query_one(GpuStrip)
        fresh = strip.render_line(1)
        shown.now = T0 + 30
        shown.screen.tick()
        await pilot.pause()
        assert "age 30 s" in shown.text
        assert strip.render_line(1) != fresh, "what is old is dim"
        assert strip.render_line(1).text == fresh.text


async def test_where_only_the_band_reaches_the_limit_that_is_said_in_words():
    snapshot = host_fleet()
    (key, forecast), *_ = snapshot.forecasts.items()
    eta = Eta(87.0, None, T0 + 420, None)
    shown = Shown(replace(snapshot, forecasts={key: replace(forecast, eta=eta)}))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        assert "may reach 87 °C from 03:19, in 7 min (80 % band)" in shown.text
        assert "may be reached from 03:19 (80 % band)" in shown.text


async def test_a_refused_host_that_never_spoke():
    shown = Shown(train_fleet(), "gpu-006")
    async with shown.app.run_test(size=(80, 24)) as pilot:
        await shown.show(pilot)
        assert "refused since" in shown.text
        assert "ssh-keyscan" in shown.text
        assert "never seen" in shown.text


async def test_a_host_the_fleet_does_not_have():
    shown = Shown(host_fleet(), "gone-host")
    async with shown.app.run_test(size=(80, 24)) as pilot:
        await shown.show(pilot)
        assert "the fleet has no host of this name" in shown.text


async def test_before_the_first_snapshot():
    shown = Shown(host_fleet())
    async with shown.app.run_test(size=(80, 24)):
        assert "waiting for the first picture" in shown.text


async def test_the_source_is_told_what_is_looked_at():
    shown = Shown(host_fleet())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        focus = shown.source.focused[-1]
        assert focus.host == HOST
        assert focus.chart is not None
        assert (focus.chart.instance, focus.chart.metric) == (gpu_uuid(HOST, HOT), "temp_c")
        await pilot.press("m")
        assert shown.source.focused[-1].chart.metric == "util_pct"
        await pilot.press("M", "right")
        assert shown.source.focused[-1].chart.instance == gpu_uuid(HOST, 7)
        await pilot.press("right")
        assert shown.source.focused[-1].chart.instance == gpu_uuid(HOST, 0)
        await pilot.press("h")
        assert shown.source.focused[-1].chart.instance == gpu_uuid(HOST, 7)


async def test_metrics_cycle_through_gpu_host_and_every_filesystem():
    shown = Shown(host_fleet())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        seen = []
        for _ in range(11):
            assert shown.screen.choice is not None
            seen.append(shown.screen.choice.key)
            await pilot.press("m")
        assert shown.screen.choice.key == seen[0]
        assert [key.instance for key in seen if key.entity is Entity.FILESYSTEM] == ["/", "/boot/efi", "/scratch"]
        assert len(set(seen)) == 11


async def test_the_chosen_gpu_is_an_identity_not_a_column():
    shown = Shown(host_fleet(), gpu=gpu_uuid(HOST, 3))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        fewer = host_fleet()
        rows = [gpu_row(HOST, i) for i in (1, 3, 5)]
        await shown.show(pilot, replace(fewer, frames=replace(fewer.frames, gpus=frame_of(Entity.GPU, rows))))
        assert shown.screen.choice is not None
        assert shown.screen.choice.key.instance == gpu_uuid(HOST, 3)


async def test_sixteen_gpus_can_all_be_reached_on_a_small_screen():
    shown = Shown(host_fleet(gpus=16), gpu=gpu_uuid(HOST, 0))
    async with shown.app.run_test(size=(80, 24)) as pilot:
        await shown.show(pilot)
        for index in range(1, 16):
            await pilot.press("right")
            assert f"▸ GPU {index} " in shown.lines[0]
            heading = next(line for line in shown.lines if line.startswith((" gpu ", " gpu+")))
            assert f" {index} " in heading


async def test_however_narrow_a_column_what_is_wrong_stays_in_it():
    rows = [gpu_row(HOST, i) for i in range(16)]
    rows[5] |= {"severity": 4, "ecc_uncorrected": 2, "throttle_reasons": 0x40}
    shown = Shown(make_snapshot([host_row(HOST)], rows))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        assert "5 ✖" in next(line for line in shown.lines if line.startswith((" gpu ", " gpu+")))
        assert "✖2" in next(line for line in shown.lines if line.startswith(" ecc"))
        assert "HW°C" in next(line for line in shown.lines if line.startswith(" held by"))


@pytest.mark.parametrize("gpus", [0, 1, 8, 16])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (40, 10)])
async def test_the_chart_is_in_sight_at_every_size(gpus, size):
    shown = Shown(host_fleet(gpus=gpus))
    async with shown.app.run_test(size=size) as pilot:
        await shown.show(pilot)
        assert all(len(line) <= size[0] for line in shown.lines)
        if size[1] >= 24:
            assert "now" in shown.text


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (ForecasterStatus(ForecasterState.OFF, "--no-forecast"), "forecasts: off (--no-forecast)"),
        (
            ForecasterStatus(ForecasterState.DIED, "killed by signal 9"),
            "forecaster died (killed by signal 9), restarting",
        ),
        (ForecasterStatus(ForecasterState.STARTING), "forecasts: starting"),
        (ForecasterStatus(ForecasterState.BUSY), "forecast: under way"),
    ],
)
async def test_why_there_is_no_forecast_is_said_in_words(status, words):
    shown = Shown(host_fleet(forecasts={}, forecaster=status))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        assert words in shown.text


async def test_too_short_a_history_says_how_much_is_needed():
    snapshot = host_fleet(forecasts={})
    charts = {
        key: replace(series, t_unix_s=series.t_unix_s[-3:], values=series.values[-3:])
        for key, series in snapshot.charts.items()
    }
    shown = Shown(replace(snapshot, charts=charts))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        assert "needs 80 s of history, has 30 s" in shown.text


async def test_hostile_text_is_shown_as_text():
    evil = "[red]\x1b]0;owned\x07[/] \x1b[2Jx"
    snapshot = make_snapshot(
        [host_row(HOST, health=evil, severity=4, kernel=evil)],
        [gpu_row(HOST, 0, name=evil, job=evil, user=evil)],
        processes=[{"host": HOST, "uuid": gpu_uuid(HOST, 0), "pid": 1, "command": evil, "user": evil}],
        filesystems=[{"host": HOST, "mount": evil, "total_bytes": 9, "used_bytes": 1}],
        nics=[{"host": HOST, "nic": evil}],
        disks=[{"host": HOST, "device": evil}],
        unavailable={HOST: (evil,)},
    )
    shown = Shown(snapshot)
    async with shown.app.run_test(size=(200, 60)) as pilot:
        await shown.show(pilot)
        for _ in range(9):
            await pilot.press("m")
            assert "\x1b" not in shown.text
        assert "[red]" in shown.text


async def test_read_only_has_no_key_that_acts():
    shown = Shown(host_fleet())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        await pilot.press("d", "u", "r", "A")
        assert not shown.app.asked
        assert "drain" not in shown.lines[-1]


async def test_with_a_port_the_keys_ask_for_this_host_with_the_reason():
    shown = Shown(host_fleet(), commands=FakeCommands(is_armed=True))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        assert "ARMED 14:32" in shown.text
        await pilot.press("d", "u", "r")
        await pilot.pause()
        assert [(asked.action, asked.host) for asked in shown.app.asked] == [
            (ActionName.DRAIN, HOST),
            (ActionName.UNDRAIN, HOST),
            (ActionName.RESTART_UNIT, HOST),
        ]
        assert shown.app.asked[0].reason == "87 °C in 11 min (7–14)"


async def test_escape_leaves():
    shown = Shown(host_fleet())
    async with shown.app.run_test(size=(80, 24)) as pilot:
        await pilot.press("escape")
        assert shown.app.results == [None]


async def test_a_snapshot_that_cannot_be_paged_is_said_and_the_next_one_shown():
    shown = Shown(host_fleet())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        broken = replace(shown.snapshot, events=(object(),))
        await shown.show(pilot, broken)
        assert "this snapshot cannot be shown" in shown.text
        await shown.show(pilot)
        assert "this snapshot cannot be shown" not in shown.text
        assert "GPU 6 temp" in shown.text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_host_looks_as_it_did(snap_compare, size):
    shown = Shown(host_fleet())
    assert snap_compare(shown.app, terminal_size=size, run_before=shown.show)
