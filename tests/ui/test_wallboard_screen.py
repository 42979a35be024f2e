"""The wallboard: what it says, that its pages turn, and that no key does anything."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from alert_boards import XID, FakeAlerts, alert_fleet, board, group
from fleet_pilot import FleetPilot
from fleets import T0, FakeSource, frame_of, gpu_row, host_row, make_snapshot, train_fleet
from stage import Stage

from leptontui.model.alert import NotifierStatus
from leptontui.model.series import Entity
from leptontui.ui.commands import COMMANDS
from leptontui.ui.screens.base import Condition
from leptontui.ui.screens.wallboard import WallboardScreen
from leptontui.ui.widgets.wall import Wall


class Shown:
    """A wallboard on a stage."""

    def __init__(self, snapshot, now=T0):
        self.snapshot = snapshot
        self.now = now
        self.source = FakeSource(snapshot)
        self.screen = WallboardScreen(self.source, clock=lambda: self.now)
        self.app = Stage(self.screen)

    async def show(self, pilot, snapshot=None):
        self.screen.show(snapshot or self.snapshot)
        await self.app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.pause()

    @property
    def text(self):
        strips = self.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def quiet_fleet(hosts=4):
    names = [f"gpu-{i:03d}" for i in range(hosts)]
    return make_snapshot([host_row(name) for name in names], [gpu_row(name, i) for name in names for i in range(8)])


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_it_says_how_many_the_worst_and_where_it_is_blind(size):
    shown = Shown(train_fleet(64))
    async with shown.app.run_test(size=size) as pilot:
        await shown.show(pilot)
        for words in (
            "WALLBOARD  READ-ONLY",
            "03:12:44",
            "age 0.6 s",
            "✖ critical",
            "◆ predicted",
            "● of 504 GPUs live",
            "▲ 1 warning",
            "Xid 79 GPU 3 off the bus",
            "blind on 3 hosts of 64 since 03:10 (bastion2 unreachable, and 2 more)",
            "gpu-001",
        ):
            assert words in shown.text, words


async def test_without_blindness_there_is_no_banner_and_well_is_said():
    shown = Shown(quiet_fleet())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        assert "blind" not in shown.text
        assert "nothing is wrong with what can be seen" in shown.text


async def test_a_fleet_of_which_nothing_can_be_seen_is_not_called_well():
    hosts = [host_row(name, link="refused", received_unix_s=None, severity=None) for name in ("a", "b")]
    shown = Shown(make_snapshot(hosts, []))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        assert "blind on 2 hosts of 2" in shown.text
        assert "◌ nothing can be seen" in shown.text
        assert "nothing is wrong" not in shown.text


async def test_before_the_first_snapshot():
    shown = Shown(quiet_fleet())
    async with shown.app.run_test(size=(80, 24)):
        assert "waiting for the first picture" in shown.text
        assert "READ-ONLY" in shown.text


async def test_the_age_grows_when_nothing_arrives():
    shown = Shown(quiet_fleet())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        shown.now = T0 + 90
        shown.screen.query_one(Wall).tick()
        await pilot.pause()
        assert "age 1 m" in shown.text
        assert "03:14:14" in shown.text


async def test_that_nothing_arrives_any_more_stays_in_sight():
    shown = Shown(quiet_fleet())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        shown.screen.tell(Condition(failure="no more data since 03:02: the tunnel is gone"))
        await shown.show(pilot)
        assert "✖ no more data since 03:02: the tunnel is gone" in shown.text


async def test_a_gpu_that_is_gone_is_not_one_that_was_never_seen():
    gone = gpu_row("gpu-000", 3, state="gone", received_unix_s=None, severity=4, health="Xid 79 off the bus")
    shown = Shown(make_snapshot([host_row("gpu-000")], [gone, gpu_row("gpu-000", 0)]))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        (line,) = [line for line in shown.text.splitlines() if "Xid 79" in line]
        assert "gone" in line
        assert "never seen" not in line


async def test_pages_turn_by_themselves_and_show_every_host():
    shown = Shown(train_fleet(200))
    async with shown.app.run_test(size=(80, 24)) as pilot:
        await shown.show(pilot)
        wall = shown.screen.query_one(Wall)
        seen = []
        assert "page 1/" in shown.text
        pages = int(shown.text.split("page 1/")[1].split()[0])
        for _ in range(pages):
            seen.append(shown.text)
            wall.turn()
            await pilot.pause()
        assert shown.text == seen[0], "after the last page comes the first"
        assert len(set(seen)) == pages


KEYS = (
    *"abcdefghijklmnopqrstuvwxyzADRSTMy0123456789",
    "enter",
    "escape",
    "space",
    "tab",
    "up",
    "down",
    "left",
    "right",
    "slash",
    "question_mark",
    "f1",
    "delete",
    "backspace",
    "home",
    "end",
    "pageup",
    "pagedown",
    "ctrl+r",
    "ctrl+d",
    "ctrl+a",
)


async def test_no_key_does_anything():
    shown = Shown(train_fleet(12))
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        before = shown.text
        for key in KEYS:
            await pilot.press(key)
        await pilot.pause()
        assert shown.text == before
        assert shown.app.screen is shown.screen
        assert not shown.app.asked
        assert not shown.source.redialled
        assert not shown.app.results


async def test_no_binding_acts_and_there_is_no_port():
    shown = Shown(quiet_fleet())
    async with shown.app.run_test(size=(80, 24)):
        assert shown.screen.commands is None
        acting = {command.action for command in COMMANDS if command.acts}
        bound = {binding.action for bindings in shown.screen._bindings.key_to_bindings.values() for binding in bindings}
        assert not acting & bound
        assert not any(hasattr(shown.screen, f"action_{name}") for name in acting)


def test_its_code_never_loads_actions():
    code = (
        "import sys, leptontui.ui.screens.wallboard; print([m for m in sys.modules if m.startswith('leptontui.actions')"
    )
    code += " or m in ('polars', 'asyncssh', 'statsforecast') or m.endswith('screens.plan')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_hostile_text_is_shown_as_text():
    evil = "[red]\x1b[2J\x07"
    shown = Shown(
        make_snapshot(
            [host_row(f"{evil}a", severity=4, health=evil), host_row(f"{evil}b")],
            [gpu_row(f"{evil}b", 0, severity=4, health=evil, job=evil)],
            fleet=evil,
        )
    )
    async with shown.app.run_test(size=(120, 40)) as pilot:
        await shown.show(pilot)
        assert "[red]" in shown.text
        assert "\x1b" not in shown.text


async def test_a_snapshot_that_cannot_be_shown_is_said():
    shown = Shown(quiet_fleet())
    async with shown.app.run_test(size=(120, 40)) as pilot:
        frames = replace(shown.snapshot.frames, gpus=frame_of(Entity.GPU, []).drop("severity"))
        await shown.show(pilot, replace(shown.snapshot, frames=frames))
        assert "this snapshot cannot be shown" in shown.text
        await shown.show(pilot)
        assert "this snapshot cannot be shown" not in shown.text


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_wallboard_looks_as_it_did(snap_compare, size):
    shown = Shown(train_fleet(64))
    assert snap_compare(shown.app, terminal_size=size, run_before=shown.show)


async def test_alerts_come_first_and_what_is_looked_after_last():
    stage = FleetPilot(FakeSource(alert_fleet()), is_wallboard=True)
    async with stage.run(120, 40):
        lines = [
            next(n for n, line in enumerate(stage.lines) if words in line)
            for words in ("12 hosts unreachable", "Xid 79: GPU", "straggler", "in 11 min (7–19)", "rebooted by itself")
        ]
        assert lines == sorted(lines), stage.text
        assert "✖ pages" in stage.text
        assert "▲ 2 tickets" in stage.text
        assert "✓ anna" in stage.line_of("rebooted by itself")
        assert "clock is 2.1 s off" not in stage.text, "what is silenced is told to nobody"
        assert "blind on 3 hosts of 24 since 03:10" in stage.text


async def test_old_knowledge_and_a_silent_pager_are_never_hidden():
    failing = NotifierStatus("pager", 3, 1, T0 - 600, "HTTP 503")
    old = replace(XID, seen_unix_s=T0 - 240)
    troubled = board(group(old), notifiers=(failing,), troubles=("rules.toml:3: no column temp",))
    stage = FleetPilot(FakeSource(alert_fleet(troubled)), is_wallboard=True)
    async with stage.run(140, 40):
        assert "✖ pager fails since 03:02, 1 waiting: HTTP 503" in stage.text
        assert "▲ rules.toml:3: no column temp" in stage.text
        assert "last seen 4 m ago" in stage.line_of("Xid 79: GPU")
        stage.now += 120
        stage.app.screen.tick()
        await stage.settle()
        assert "▲ rules were last evaluated 2 m ago" in stage.text


async def test_no_key_looks_after_alerts_on_a_wall():
    port = FakeAlerts()
    stage = FleetPilot(FakeSource(alert_fleet()), is_wallboard=True, alerts=port)
    async with stage.run():
        before = stage.app.screen
        await stage.press("t", "a", "enter", "s", "H", "r", "u")
        assert stage.app.screen is before
        assert not [*port.acknowledged, *port.silenced, *port.queries, *port.reports]
