"""What the reader sees on the fleet screen, and what keys and mouse do there."""

import asyncio
from dataclasses import replace

import polars as pl
import pytest
from fake_office import FakeCommands
from fleet_pilot import FleetPilot
from fleets import (
    T0,
    FakeSource,
    fleet_of,
    gpu_key,
    gpu_row,
    gpu_uuid,
    host_row,
    make_snapshot,
    train_fleet,
)
from textual import events
from textual.widgets import Input

from leptontui.errors import ActionError
from leptontui.model.action import ActionName
from leptontui.model.target import Fleet, HostTarget
from leptontui.ui.commands import COMMANDS
from leptontui.ui.screens.help import HelpScreen
from leptontui.ui.screens.host import HostScreen
from leptontui.ui.widgets.fleet_table import FleetTable
from leptontui.ui.widgets.header import Header


@pytest.fixture
def stage(source, commands):
    return FleetPilot(source, commands)


async def test_the_worst_is_on_top_and_the_header_says_how_it_is(stage):
    async with stage.run():
        assert "gpu-001" in stage.lines[3]
        assert "✖ Xid 79 GPU 3 off the bus" in stage.lines[3]
        header = stage.lines[0]
        for words in (
            "lepton ▸ train",
            "12 hosts",
            "● 9",
            "◌ 1",
            "✖ 1",
            "⊘ 1",
            "88 GPUs",
            "age 0.6 s",
            "READ-ONLY",
            "03:12:44",
        ):
            assert words in header
        assert "✖ 1 critical   ◆ 1 predicted   ▲ 1 warning   ◌ blind on 3 hosts" in stage.lines[1]


async def test_rows_that_are_not_live_say_how_old_they_are_and_grow_older(stage):
    async with stage.run():
        assert "◌ stale 42 s" in stage.line_of("gpu-004", " 0 H100")
        assert "✖ lost 2 m" in stage.line_of("gpu-005", " 0 H100")
        assert "⊘ refused" in stage.line_of("gpu-006")
        assert "unknown host key" in stage.line_of("gpu-006")
        stage.now += 100
        stage.fleet.tick()
        await stage.settle()
        assert "◌ stale 2 m" in stage.line_of("gpu-004", " 0 H100")
        assert "age 1 m" in stage.lines[0]


async def test_filtering_as_it_is_typed(stage):
    async with stage.run():
        await stage.press("slash")
        await stage.type("gpu-003")
        assert "8 of 89 GPUs" in stage.lines[1]
        assert "gpu-001" not in stage.text
        await stage.press("enter", "down")
        assert stage.cursor[0] == "gpu-003"
        await stage.press("escape")
        assert "gpu-001" in stage.text


async def test_letters_that_are_keys_are_letters_in_the_filter(stage, commands):
    async with stage.run():
        await stage.press("slash")
        await stage.type("dfq?:T")
        assert "dfq?:T" in stage.lines[1]
        assert commands.planned == []
        assert "enter keep" in stage.lines[-1]
        assert "drain" not in stage.lines[-1]


async def test_keys_that_come_in_a_burst_are_letters_from_the_one_after_the_slash_on(stage, commands):
    async with stage.run():
        await stage.press("down")
        for char in ("slash", *"druq", "slash", "x"):
            character = "/" if char == "slash" else char
            stage.app.post_message(events.Key(char, character))
        await stage.settle()
        assert stage.fleet.query_one(Input).value == "druq/x"
        assert commands.planned == []
        assert stage.app.is_running


async def test_a_filter_that_matches_nothing_says_how_to_go_on(stage):
    async with stage.run():
        await stage.press("slash")
        await stage.type("zzz")
        assert "No row matches  zzz" in stage.text
        assert "esc shows all 89 again" in stage.text
        assert stage.fleet.cursor is None
        await stage.press("enter")
        assert "/ filter" in stage.lines[-1]
        assert "drain" not in stage.lines[-1]


async def test_a_filter_that_cannot_be_understood_says_why(stage):
    async with stage.run():
        await stage.press("slash")
        await stage.type("jop:1")
        assert "no field jop, did you mean job?" in stage.lines[1]
        assert "gpu-001" in stage.text


async def test_sorting_by_keys_and_by_mouse(stage):
    async with stage.run():
        await stage.press("s")
        assert "sort: host ▲" in stage.lines[1]
        await stage.press("R")
        assert "sort: host ▼" in stage.lines[1]
        assert "host ▼" in stage.lines[2]
        at = stage.lines[2].index("util %")
        await stage.pilot.click("#titles", offset=(at, 0))
        await stage.settle()
        assert "sort: util % ▼" in stage.lines[1]
        await stage.pilot.click("#titles", offset=(at, 0))
        await stage.settle()
        assert "sort: util % ▲" in stage.lines[1]


async def test_the_cursor_stays_on_its_gpu_when_the_order_changes(stage):
    async with stage.run(120, 20):
        await stage.press("down", "down")
        hot = ("gpu-002", gpu_uuid("gpu-002", 6))
        assert stage.cursor == hot
        for keys in (["R"], ["s", "s", "s"], ["R"], ["S"]):
            await stage.press(*keys)
            assert stage.cursor == hot
            assert "gpu-002" in stage.highlighted


async def test_the_cursor_stays_on_its_gpu_when_new_data_change_the_order(stage):
    async with stage.run(120, 20):
        await stage.press("home")
        hosts = [host_row(f"gpu-{i:03d}") for i in range(1, 20)]
        gpus = [gpu_row(row["host"], i) for row in hosts for i in range(8)]
        await stage.publish(make_snapshot(hosts, gpus, seq=2))
        assert stage.cursor == ("gpu-001", gpu_uuid("gpu-001", 3))
        assert stage.highlighted.split()[:2] == ["▌gpu-001", "3"]
        gpus[100] |= {"severity": 4, "health": "Xid 48"}
        await stage.publish(make_snapshot(hosts, gpus, seq=3))
        assert stage.cursor == ("gpu-001", gpu_uuid("gpu-001", 3))
        gpus[3] |= {"severity": 4, "health": "Xid 79"}
        await stage.publish(make_snapshot(hosts, gpus, seq=4))
        assert "Xid 79" in stage.highlighted


async def test_the_view_follows_the_cursor_out_of_sight(stage):
    async with stage.run(120, 20):
        await stage.press("home", "s", "R")
        assert stage.cursor[0] == "gpu-001"
        assert "gpu-001" in stage.highlighted
        assert stage.fleet.query_one(FleetTable).scroll_offset.y > 0


async def test_a_cursor_whose_row_is_gone_is_on_no_other_until_it_comes_back(stage, commands):
    async with stage.run(notifications=True):
        await stage.press("down", "down", "down")
        assert stage.cursor[0] == "gpu-003"
        await stage.press("slash")
        await stage.type("!gpu-003")
        await stage.press("down")
        assert stage.fleet.cursor is None
        assert "▌" not in stage.text
        await stage.press("escape")
        assert stage.cursor == ("gpu-003", gpu_uuid("gpu-003", 0))


async def test_until_a_row_is_chosen_the_view_shows_the_top_however_rows_sort(stage, source):
    async with stage.run(120, 20):
        assert stage.fleet.cursor is None
        assert "▌" not in stage.text
        assert "↓ chooses a row" in stage.lines[-2]
        first = source.snapshot
        gpus = first.frames.gpus
        severities = [4 if row["host"] == "gpu-011" else 0 for row in gpus.iter_rows(named=True)]
        worse = gpus.with_columns(severity=pl.Series(severities, dtype=gpus.schema["severity"]))
        frames = replace(first.frames, gpus=worse)
        await stage.publish(replace(first, seq=2, frames=frames))
        assert "gpu-011" in stage.lines[3]
        await stage.press("down")
        assert stage.cursor == ("gpu-011", gpu_uuid("gpu-011", 0))
        await stage.publish(replace(first, seq=3))
        assert stage.cursor == ("gpu-011", gpu_uuid("gpu-011", 0))
        await stage.press("escape")
        assert stage.fleet.cursor is None
        assert "gpu-001" in stage.lines[3]


@pytest.mark.parametrize(("key", "name"), [("enter", "enter"), ("d", "d"), ("u", "u"), ("r", "r"), ("ctrl+r", "^r")])
async def test_a_key_that_needs_a_row_first_only_chooses_it(stage, commands, source, key, name):
    async with stage.run(notifications=True):
        await stage.press(key)
        assert f"cursor on gpu-001 GPU 3: press {name} again" in stage.notices
        assert stage.cursor == ("gpu-001", gpu_uuid("gpu-001", 3))
        assert stage.fleet.is_current
        assert commands.planned == []
        assert source.redialled == []
        await stage.press(key)
        done = [request.host for request in commands.planned] + source.redialled
        assert done == ["gpu-001"] or stage.app.screen.host == "gpu-001"


async def test_a_filter_that_is_kept_chooses_the_first_row_so_that_enter_opens_it(stage):
    async with stage.run():
        await stage.press("slash")
        await stage.type("gpu-003")
        assert stage.fleet.cursor is None
        await stage.press("enter", "enter")
        assert isinstance(stage.app.screen, HostScreen)
        assert stage.app.screen.host == "gpu-003"


async def test_the_cursor_stays_on_its_host_between_gpus_and_hosts(stage):
    async with stage.run():
        await stage.press("down", "down", "g")
        assert "gpu-002" in stage.highlighted
        await stage.press("g")
        assert stage.cursor == ("gpu-002", gpu_uuid("gpu-002", 6))
        await stage.press("g", "down", "g")
        assert stage.cursor[0] == "gpu-003"


async def test_beneath_a_dialog_the_fleet_goes_on(stage, source):
    async with stage.run():
        await stage.press("down", "d")
        fleet = stage.app.screen_stack[0]
        assert stage.app.screen is not fleet
        await stage.publish(replace(source.snapshot, seq=2, t_unix_s=T0 + 60, newest_age_s=0.3))
        await fleet.settle()
        stage.now += 60
        fleet.tick()
        assert "age 0.3 s" in "".join(piece.text for piece in fleet.query_one(Header).pieces(120))


async def test_frozen_and_failed_are_told_on_the_host_too(stage):
    async with stage.run():
        await stage.press("down", "enter", "f")
        assert "FROZEN" in stage.lines[0]
        await stage.press("f")
        assert "FROZEN" not in stage.text
        stage.app.engine_failed("OSError: no such file")
        await stage.settle()
        assert "no more data since 03:12: OSError: no such file" in stage.text
        await stage.publish(train_fleet(seq=2))
        assert "no more data since 03:12: OSError: no such file" in stage.text
        await stage.press("escape")
        assert "no more data since 03:12: OSError" in stage.lines[0]


async def test_moving_by_keys_and_mouse(stage):
    async with stage.run(120, 20):
        await stage.press("down", "down", "down", "up")
        assert stage.cursor[0] == "gpu-002"
        await stage.press("end")
        assert "89 of 89" in stage.text
        await stage.press("home", "pagedown")
        assert stage.fleet.query_one(FleetTable).cursor_position == 14
        await stage.press("home")
        await stage.pilot.click("#fleet-table", offset=(5, 2))
        await stage.settle()
        assert stage.cursor[0] == "gpu-003"


async def test_gpus_and_hosts(stage):
    async with stage.run():
        await stage.press("g")
        assert "cpu %" in stage.lines[2]
        assert "GPU 3: Xid 79" in stage.line_of("gpu-001", "live")
        assert "unknown host key" in stage.line_of("gpu-006")
        await stage.press("g")
        assert "gpu model" in stage.lines[2]


async def test_freezing_holds_the_picture_while_data_go_on_arriving(stage):
    async with stage.run():
        await stage.press("f")
        stage.now += 40
        await stage.publish(make_snapshot([host_row("other")], [gpu_row("other", 0)], seq=9, t_unix_s=T0 + 40))
        stage.fleet.tick()
        await stage.settle()
        assert "FROZEN 40 s" in stage.lines[0]
        assert "gpu-001" in stage.text
        assert "other" not in stage.text
        await stage.press("f")
        assert "FROZEN" not in stage.lines[0]
        assert "other" in stage.text


async def test_hostile_texts_are_texts():
    gpus = [gpu_row("a", 0, health="[red]x[/] \x1b[2Jboom\u202e", user="[b]", job="\x1b]0;t\x07", severity=4)]
    hosts = [host_row("a", link="lost", link_cause="[bold]\x9b31m"), host_row("[blink]h", received_unix_s=None)]
    stage = FleetPilot(FakeSource(make_snapshot(hosts, gpus, fleet="[on red]f\x1b[m")))
    async with stage.run(200, 20):
        assert "[red]x[/] boom" in stage.text
        assert "[blink]h" in stage.text
        assert "lepton ▸ [on red]f" in stage.lines[0]
        assert not [char for char in stage.text.replace("\n", "") if ord(char) < 32 or char in "\x7f\x9b\u202e"]


async def test_without_a_command_port_there_is_no_key_that_acts(source):
    stage = FleetPilot(source, None)
    async with stage.run(200, 40):
        acting = [command for command in COMMANDS if command.acts]
        assert acting
        for command in acting:
            assert f" {command.title} " not in stage.lines[-1]
            await stage.press(*command.keys.split(","))
            assert stage.fleet.is_current
        await stage.press("question_mark")
        assert isinstance(stage.app.screen, HelpScreen)
        assert "Drain" not in stage.text


async def test_q_leaves_from_the_fleet_but_not_while_an_action_runs(stage):
    async with stage.run(notifications=True):
        ended = asyncio.Event()
        worker = stage.app.run_worker(ended.wait(), group="actions")
        await stage.press("q")
        assert stage.app.is_running
        assert "an action is running: ctrl+q leaves all the same" in stage.notices
        ended.set()
        await worker.wait()
        await stage.pilot.press("q")
        assert stage.app._exit


async def test_on_80_columns_the_reason_is_whole_in_the_status_line():
    health = "Xid 79 off the bus: reboot the host (NVIDIA)"
    snapshot = make_snapshot([host_row("gpu-017")], [gpu_row("gpu-017", 3, severity=4, health=health)])
    stage = FleetPilot(FakeSource(snapshot))
    async with stage.run(80, 24):
        await stage.press("down")
        assert f"gpu-017 ▸ GPU 3   ✖ {health}" in stage.lines[-2]


async def test_the_footer_has_the_keys_that_act(stage):
    async with stage.run(200, 40):
        for words in ("x actions", "space mark", "d drain", "r restart", "D activity", "A arm", "? help"):
            assert words in stage.lines[-1]


async def test_without_slurm_and_units_there_is_nothing_to_drain_or_restart(commands):
    snapshot = train_fleet()
    stage = FleetPilot(FakeSource(snapshot), commands, fleet=fleet_of(snapshot, units=(), scheduler=None))
    async with stage.run(200, 40):
        assert "drain" not in stage.lines[-1]
        assert "restart" not in stage.lines[-1]
        await stage.press("down", "enter")
        assert isinstance(stage.app.screen, HostScreen)
        assert "back" in stage.lines[-1]
        assert "drain" not in stage.lines[-1]
        assert "restart" not in stage.lines[-1]


async def test_a_drain_is_planned_for_the_host_under_the_cursor_with_its_health_as_reason(stage, commands):
    async with stage.run():
        await stage.press("down", "d")
        (request,) = commands.planned
        assert (request.action, request.host, request.reason) == (
            ActionName.DRAIN,
            "gpu-001",
            "Xid 79 GPU 3 off the bus",
        )
        assert commands.ran == []


async def test_a_restart_takes_the_only_unit_or_asks_which(commands):
    snapshot = train_fleet()
    stage = FleetPilot(FakeSource(snapshot), commands, fleet=fleet_of(snapshot, units=("a.service",)))
    async with stage.run():
        await stage.press("down", "r")
        assert [request.unit for request in commands.planned] == ["a.service"]
    asking = FakeCommands()
    stage = FleetPilot(FakeSource(snapshot), asking, fleet=fleet_of(snapshot, units=("a.service", "b.service")))
    async with stage.run():
        await stage.press("down", "r")
        assert asking.planned == []
        assert "b.service" in stage.text
        await stage.press("down", "enter")
        assert [request.unit for request in asking.planned] == ["b.service"]


async def test_a_host_without_units_says_where_they_are_named(commands):
    snapshot = train_fleet()
    fleet = Fleet("train", tuple(HostTarget(name) for name in snapshot.links))
    stage = FleetPilot(FakeSource(snapshot), commands, fleet=fleet)
    async with stage.run(notifications=True):
        await stage.press("down", "r")
        assert "Name them in the inventory" in stage.notices
        assert commands.planned == []


async def test_arming_counts_down_and_can_be_taken_back(stage, commands):
    async with stage.run():
        await stage.press("A")
        assert "ARMED 15:00" in stage.lines[0]
        await stage.press("A")
        assert "READ-ONLY" in stage.lines[0]
        assert commands.armed_until_unix_s is None


async def test_arming_that_fails_says_why(stage, commands, monkeypatch):
    def refuse():
        raise ActionError("nothing can be done before the engine is up", "wait a second")

    monkeypatch.setattr(commands, "arm", refuse)
    async with stage.run(notifications=True):
        await stage.press("A")
        assert "before the engine is up" in stage.notices


async def test_enter_opens_the_host_and_comes_back_to_the_same_row(stage):
    async with stage.run():
        await stage.press("down", "down", "enter")
        assert isinstance(stage.app.screen, HostScreen)
        assert stage.app.screen.host == "gpu-002"
        await stage.press("escape")
        assert stage.cursor[0] == "gpu-002"


async def test_the_source_is_told_which_trends_are_in_view(stage, source):
    async with stage.run(120, 20):
        trends = source.focused[-1].trends
        assert gpu_key("gpu-001", 3, "util_pct") in trends
        assert gpu_key("gpu-002", 6, "temp_c") in trends
        assert not [key for key in trends if key.host in {"gpu-004", "gpu-005", "gpu-012"}]
        await stage.press("end")
        assert gpu_key("gpu-012", 7, "util_pct") in source.focused[-1].trends


async def test_before_the_first_snapshot_and_when_none_can_come():
    fleet = Fleet("train", tuple(HostTarget(f"h{i}") for i in range(24)))
    stage = FleetPilot(FakeSource(), fleet=fleet)
    async with stage.run():
        assert "dialling 24 hosts…" in stage.text
        assert "24 hosts  ● 0  ○ 24 dialing" in stage.lines[0]
        stage.app.engine_failed("OSError: no such file")
        await stage.settle()
        assert "✖ no more data since 03:12: OSError: no such file" in stage.lines[4]
        assert "no more data since 03:12: OSError" in stage.lines[0]


async def test_when_every_host_refuses_the_mend_is_in_sight():
    rows = [
        {
            "host": f"h{i}",
            "group": "g",
            "link": "refused",
            "link_cause": "unknown host key — ssh-keyscan h",
            "severity": 1,
        }
        for i in range(3)
    ]
    snapshot = make_snapshot([row | {"received_unix_s": None} for row in rows], [])
    stage = FleetPilot(FakeSource(snapshot))
    async with stage.run(80, 24):
        assert sum("unknown host key — ssh-keyscan h" in line for line in stage.lines) >= 3
        assert "⊘ 3" in stage.lines[0]


async def test_dropped_sweeps_are_counted_only_if_there_are_any(source, commands):
    stage = FleetPilot(source, commands)
    async with stage.run(160, 24):
        assert "dropped" not in stage.lines[0]
        await stage.publish(train_fleet(seq=2, dropped_sweeps=7))
        assert "7 sweeps dropped" in stage.lines[0]


async def test_a_snapshot_that_cannot_be_arranged_is_told_and_the_next_one_is_shown(stage, source):
    async with stage.run():
        broken = replace(
            train_fleet(), frames=replace(source.snapshot.frames, hosts=source.snapshot.frames.hosts.drop("host"))
        )
        await stage.publish(broken)
        assert "cannot be shown" in stage.lines[0]
        await stage.publish(train_fleet(seq=3))
        assert "cannot be shown" not in stage.lines[0]


async def test_redialling_the_host_under_the_cursor(stage, source):
    async with stage.run():
        await stage.press("down", "ctrl+r")
        assert source.redialled == ["gpu-001"]


async def test_the_palette_finds_commands_by_name(stage):
    async with stage.run():
        await stage.press("colon")
        await stage.type("one row per")
        while "key g" not in stage.text:
            await stage.pilot.pause()
        await stage.press("enter")
        assert "cpu %" in stage.lines[2]


async def test_help_explains_keys_signs_filter_and_metrics(stage):
    async with stage.run(120, 300):
        await stage.press("question_mark")
        for words in (
            "Drain the host, or all that are marked.",
            "critical: somebody",
            "job:8812",
            "Board power draw.  [W]  NVML",
        ):
            assert words in stage.text
        await stage.press("escape")
        assert stage.fleet.is_current


async def test_help_can_be_searched(stage):
    async with stage.run(120, 40):
        await stage.press("question_mark", "slash")
        await stage.type("row could not")
        assert "A row could not be remapped: the GPU is to be replaced.  [yes or no]  NVML, every 10 s" in stage.text
        assert "1 entries" in stage.lines[0]
        assert "Drain the host" not in stage.text
        await stage.press("enter", "escape")
        assert "Open the host under the cursor." in stage.text
        await stage.press("slash")
        await stage.type("zzz")
        assert "nothing here speaks of zzz" in stage.text
        await stage.press("escape", "escape")
        assert stage.fleet.is_current


async def test_help_explains_only_keys_that_are_there(source):
    stage = FleetPilot(source, None)
    async with stage.run(120, 200):
        await stage.press("question_mark")
        for words in ("Drain", "Review host keys", "Answer what a login"):
            assert words not in stage.text


async def test_what_waits_for_the_first_paint_is_called_once(source):
    stage = FleetPilot(source)
    calls = []
    stage.app.call_after_first_paint(lambda: calls.append(stage.app.screen.is_mounted))
    async with stage.run():
        assert calls == [True]


async def test_only_lines_that_changed_are_drawn_again(stage, monkeypatch):
    async with stage.run():
        table = stage.fleet.query_one(FleetTable)
        drawn = []
        refresh = table.refresh
        monkeypatch.setattr(table, "refresh", lambda *regions, **how: drawn.append(regions) or refresh(*regions, **how))
        await stage.publish(train_fleet(seq=2))
        assert drawn == []
        changed = train_fleet(seq=3)
        gpus = changed.frames.gpus.with_columns(
            temp_c=changed.frames.gpus["temp_c"] + (changed.frames.gpus["severity"] == 4)
        )
        await stage.publish(replace(changed, frames=replace(changed.frames, gpus=gpus)))
        assert [region.y for regions in drawn for region in regions] == [0]


async def test_a_fleet_without_gpus_starts_with_its_hosts():
    stage = FleetPilot(FakeSource(make_snapshot([host_row("laptop", gpu_count=0)], [])))
    async with stage.run():
        assert "cpu %" in stage.lines[2]
        assert "31.4" in stage.line_of("laptop", "live")
        await stage.press("g")
        assert "gpu model" in stage.lines[2]
        assert "no GPU" in stage.line_of("laptop")
