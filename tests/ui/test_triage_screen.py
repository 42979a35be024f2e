"""The triage list: three sections, worst first, groups in one line, and keys that act on what was chosen."""

from dataclasses import replace

import pytest
from alert_boards import (
    CUT_OFF,
    FULL,
    HOT,
    PENDING,
    STRAGGLER,
    XID,
    FakeAlerts,
    acknowledged,
    alert,
    alert_fleet,
    board,
    group,
    rich_board,
)
from fake_office import FakeCommands
from fleet_pilot import FleetPilot
from fleets import T0, FakeSource, gpu_uuid, train_fleet

from leptontui.model.action import ActionName
from leptontui.model.alert import AlertBoard, Level, NotifierStatus
from leptontui.ui.commands import COMMANDS, Scope
from leptontui.ui.screens.acknowledge import AcknowledgeScreen
from leptontui.ui.screens.alert import AlertScreen
from leptontui.ui.screens.fleet import FleetScreen
from leptontui.ui.screens.history import HistoryScreen
from leptontui.ui.screens.host import HostScreen
from leptontui.ui.screens.plan import PlanScreen
from leptontui.ui.screens.report import ReportScreen
from leptontui.ui.screens.silence import SilenceScreen
from leptontui.ui.screens.silences import SilencesScreen
from leptontui.ui.screens.triage import TriageScreen
from leptontui.ui.widgets.plan_inputs import SettledInput


@pytest.fixture
def port():
    return FakeAlerts()


@pytest.fixture
def source():
    return FakeSource(alert_fleet())


@pytest.fixture
def stage(source, port):
    return FleetPilot(source, FakeCommands(), alerts=port)


def order_of(stage, *words):
    """In which line each of these first occurs."""
    return [next(n for n, line in enumerate(stage.lines) if word in line) for word in words]


def read(stage):
    """Enough time has passed since the dialog came up."""
    stage.app.screen._settled_at = 0.0
    for field in stage.app.screen.query(SettledInput):
        field.not_before = 0.0


async def to(stage, *words):
    """Move the cursor down to the line with these words."""
    for _ in range(60):
        if all(word in stage.highlighted for word in words):
            return
        await stage.press("down")
    raise AssertionError((words, stage.text))


async def test_sections_the_worst_first_what_is_looked_after_last(stage):
    async with stage.run():
        await stage.press("t")
        assert isinstance(stage.app.screen, TriageScreen)
        lines = order_of(
            stage,
            "wrong now: 7 troubles",
            "12 hosts unreachable",
            "Xid 79",
            "straggler",
            "holds 71 GiB",
            "rebooted by itself",
            "clock is 2.1 s off",
            "will be: 2 predictions",
            "temperature reaches 87",
            "/scratch reaches",
            "pending: 1 trouble",
            "memory above 95 %",
            "what changed",
        )
        assert lines == sorted(lines), stage.text
        assert "of all alerts 1 acknowledged, 1 pending, 1 silenced" in stage.text


async def test_each_line_says_sign_age_place_and_who_looks_after_it(stage):
    async with stage.run():
        await stage.press("t")
        assert "✖  12 m  gpu-001 GPU 3" in stage.line_of("Xid 79", "12 m")
        assert "▲  50 m  gpu-003 GPU 0" in stage.line_of("straggler", "50 m")
        assert "·   2 h  gpu-006 GPU 1" in stage.line_of("holds 71 GiB", "2 h")
        assert "✓ anna" in stage.line_of("gpu-017", "20 m")
        assert "flapping ×4" in stage.line_of("link is down", "12 m")
        assert "pending 40 s" in stage.line_of("memory above")
        assert "silenced until 05:02" in stage.line_of("clock is 2.1 s off", "silenced")
        hot = stage.line_of("◆", "gpu-002 GPU 6", "3 m")
        assert "in 11 min (7–19)  right 9 of 11" in hot
        assert "in 3 h (2–5)  not judged yet" in stage.line_of("◆", "/scratch reaches", "40 m")


async def test_the_counts_are_of_alerts_and_say_so(stage):
    async with stage.run(200, 40):
        assert "✖ 13 pages   ◆ 2 predicted   ▲ 2 tickets" in stage.lines[1]
        assert "1 acknowledged" in stage.lines[1]
        assert "3 GPUs or hosts not well" in stage.lines[1], "what the table below counts is another thing"
        await stage.press("t")
        assert "✖ 13 pages   ◆ 2 predicted   ▲ 2 tickets   ◌ blind on 3 hosts" in stage.lines[1]


async def test_before_rules_were_evaluated_findings_are_counted():
    stage = FleetPilot(FakeSource(train_fleet()))
    async with stage.run():
        assert "✖ 1 critical" in stage.lines[1]
        await stage.press("t")
        assert "no rules evaluated yet" in stage.text
        assert "pages" not in stage.text


async def test_nothing_is_wrong_in_words(source):
    source.snapshot = alert_fleet(board(), events=())
    stage = FleetPilot(source)
    async with stage.run():
        await stage.press("t")
        words = "nothing is wrong with what can be seen; rules were last evaluated 2.0 s ago on 21 of 24 hosts"
        assert words in stage.text
        assert "blind on 3 hosts: what is wrong there is not known" in stage.text
        assert "nothing is predicted" in stage.text
        stage.now += 60
        stage.app.screen.tick()
        await stage.settle()
        assert "▲ rules were last evaluated 1 m ago: this is not the present" in stage.text


async def test_a_group_is_one_line_until_it_is_opened(stage):
    async with stage.run(120, 60):
        await stage.press("t")
        assert "12 hosts unreachable: bastion2" in stage.highlighted
        assert "└ gpu-008" not in stage.text
        await stage.press("right")
        assert "└ gpu-008" in stage.text
        assert "12 hosts unreachable" in stage.highlighted, "the cursor stays on the group"
        await stage.press("down", "down", "left")
        assert "└ gpu-008" not in stage.text
        assert "12 hosts unreachable" in stage.highlighted, "folding leads back to the group"
        await stage.press("enter")
        assert "└ gpu-019" in stage.text
        await stage.press("down", "enter")
        assert isinstance(stage.app.screen, AlertScreen)
        assert stage.app.screen.alert_id == CUT_OFF[0].id


async def test_a_trouble_that_fired_is_one_change(stage):
    async with stage.run():
        await stage.press("t")
        assert "fired ×12  12 hosts unreachable: bastion2" in stage.text
        assert "● 03:07  gpu-004 GPU 5" in stage.line_of("resolved", "throttled by power")
        assert "anna: looking" in stage.line_of("03:08", "acknowledged")
        assert "gpu-001 GPU 3" in stage.line_of("Xid 79", "03:00", "PCI")


async def test_a_worse_alert_does_not_move_the_cursor(stage, source):
    async with stage.run():
        await stage.press("t")
        await to(stage, "straggler")
        worse = group(alert("host-down", "gpu-020", summary="panicked", ago_s=1))
        now = board(worse, group(XID), group(STRAGGLER), group(HOT))
        await stage.publish(alert_fleet(now, seq=2))
        assert "straggler" in stage.highlighted
        await stage.publish(alert_fleet(board(worse, group(XID)), seq=3))
        assert "▌" not in stage.text, "what is gone takes the cursor with it: it never slides to another alert"


async def test_acknowledging_acts_on_what_was_chosen_whatever_comes_meanwhile(stage, source, port):
    async with stage.run():
        await stage.press("t")
        await to(stage, "Xid 79")
        await stage.press("a")
        assert isinstance(stage.app.screen, AcknowledgeScreen)
        await stage.publish(alert_fleet(board(group(STRAGGLER)), seq=2))
        read(stage)
        await stage.press("enter")
        assert port.acknowledged == [((XID.id,), "")]
        assert isinstance(stage.app.screen, TriageScreen)


async def test_marked_ones_are_acknowledged_together(stage, port):
    async with stage.run(120, 60):
        await stage.press("t")
        await to(stage, "Xid 79")
        await stage.press("space", "space")
        assert "2 marked" in stage.text
        await stage.press("home", "a")
        assert "Acknowledge these 2 alerts" in stage.text
        read(stage)
        await stage.press("enter")
        assert port.acknowledged == [((XID.id, STRAGGLER.id), "")]
        assert "marked" not in stage.text


async def test_a_group_is_acknowledged_with_all_its_members(stage, port):
    async with stage.run():
        await stage.press("t", "a")
        assert "Acknowledge these 12 alerts" in stage.text
        assert "and 4 more" in stage.text
        read(stage)
        await stage.press("enter")
        assert port.acknowledged == [(tuple(one.id for one in CUT_OFF), "")]


async def test_an_acknowledgement_is_taken_back(stage, port):
    async with stage.run():
        await stage.press("t", "u")
        assert not port.unacknowledged
        await to(stage, "rebooted by itself")
        assert "u take back" in stage.lines[-1]
        await stage.press("u")
        assert port.unacknowledged == [("host-down/gpu-017/",)]


async def test_the_suggested_action_opens_its_plan(stage):
    async with stage.run():
        await stage.press("t")
        assert "p plan" not in stage.lines[-1], "a group suggests nothing"
        await to(stage, "Xid 79")
        assert "p plan" in stage.lines[-1]
        await stage.press("p")
        screen = stage.app.screen
        assert isinstance(screen, PlanScreen)
        asked = stage.app._port.planned[0]
        assert (asked.action, asked.host) == (ActionName.DRAIN, "gpu-001")
        assert asked.reason == "Xid 79: GPU has fallen off the bus"


async def test_h_opens_the_host_with_its_gpu(stage):
    async with stage.run():
        await stage.press("t")
        await to(stage, "Xid 79")
        await stage.press("h")
        assert isinstance(stage.app.screen, HostScreen)
        assert "gpu-001 ▸ GPU 3" in stage.text
        await stage.press("escape")
        assert isinstance(stage.app.screen, TriageScreen)
        assert "Xid 79" in stage.highlighted


@pytest.mark.parametrize(
    ("text", "left", "gone"),
    [
        ("xid", ["Xid 79: GPU"], ["straggler", "unreachable"]),
        ("host:gpu-00*", ["12 hosts", "Xid 79: GPU"], ["rebooted by itself"]),
        ("rack:r3", ["12 hosts unreachable"], ["Xid 79", "straggler"]),
        ("level:ticket !straggler", ["link is down", "/scratch reaches"], ["Xid 79", "straggler"]),
    ],
)
async def test_a_filter_works_as_it_is_typed(stage, text, left, gone):
    async with stage.run():
        await stage.press("t", "slash")
        await stage.type(text)
        now = stage.text.partition("what changed")[0]
        now = "\n".join(now.splitlines()[2:])
        assert all(word in now for word in left), now
        assert not any(word in now for word in gone), now
        assert " hides " in stage.lines[1]
        await stage.press("enter")
        assert left[0] in stage.highlighted
        await stage.press("escape")
        assert "wrong now: 7 troubles" in stage.text
        assert isinstance(stage.app.screen, TriageScreen)


async def test_a_filter_that_fits_nothing_says_what_it_hides(stage):
    async with stage.run():
        await stage.press("t", "slash")
        await stage.type("zzz")
        assert "nothing fits the filter; it hides 7, esc shows them again" in stage.text
        assert "no prediction fits the filter" in stage.text


async def test_what_a_cause_explains_stands_beneath_it():
    down = alert("host-unreachable", "gpu-009", summary="unreachable")
    hidden = replace(alert("disk-full", "gpu-009", summary="/ is full"), inhibited_by=down.id)
    apart = replace(alert("nic-down", "gpu-009", summary="ib0 is down"), inhibited_by=down.id)
    stage = FleetPilot(FakeSource(alert_fleet(board(group(down, hidden, id="g1"), group(apart)))))
    async with stage.run():
        await stage.press("t")
        assert "wrong now: 1 trouble;" in stage.text
        assert "▸ +2 unreachable" in stage.highlighted
        await stage.press("enter")
        assert "explained by the above" in stage.line_of("└", "/ is full")
        assert "explained by the above" in stage.line_of("└", "ib0 is down")


@pytest.mark.parametrize("width", [80, 120, 200])
async def test_two_thousand_alerts_are_listed(width):
    many = [group(alert("r", f"gpu-{n:04d}", summary=f"trouble {n}", level=Level(n % 3))) for n in range(2000)]
    stage = FleetPilot(FakeSource(alert_fleet(board(*many))), alerts=FakeAlerts())
    async with stage.run(width, 24):
        await stage.press("t")
        assert "wrong now: 2000 troubles" in stage.text
        await stage.press("end", "pageup")
        assert all(len(line) == width for line in stage.lines)


async def test_read_only_shows_no_key_that_looks_after_alerts(source):
    stage = FleetPilot(source)
    async with stage.run(200, 40):
        await stage.press("t")
        await to(stage, "Xid 79")
        foot = stage.lines[-1]
        titles = {command.title for command in COMMANDS if command.scope is Scope.TRIAGE and command.tends}
        assert titles >= {"acknowledge", "silence", "history", "report", "silences"}
        assert not [title for title in titles if f" {title} " in foot]
        await stage.press("a", "s", "u", "H", "r", "S", "space", "p")
        assert isinstance(stage.app.screen, TriageScreen)
        await stage.press("question_mark")
        assert "Tell nobody of these" not in stage.text
        await stage.press("escape", "enter")
        assert isinstance(stage.app.screen, AlertScreen), "reading is always possible"
        assert "history" not in stage.text


@pytest.mark.parametrize(
    ("key", "screen"),
    [("s", SilenceScreen), ("S", SilencesScreen), ("H", HistoryScreen), ("r", ReportScreen), ("enter", AlertScreen)],
)
async def test_every_way_leads_there_and_back(stage, key, screen):
    async with stage.run():
        await stage.press("t")
        await to(stage, "Xid 79")
        await stage.press(key)
        assert isinstance(stage.app.screen, screen)
        await stage.press("escape")
        assert isinstance(stage.app.screen, TriageScreen)
        await stage.press("escape")
        assert isinstance(stage.app.screen, FleetScreen)


async def test_trouble_with_telling_people_stays_in_sight():
    failing = NotifierStatus("pager", 3, 2, T0 - 600, "HTTP 503\x1b[2J from [red]events.example")
    troubled = rich_board(notifiers=(failing,), troubles=("rule gpu-hot: no column temp",), keeper="process 4711")
    stage = FleetPilot(FakeSource(alert_fleet(troubled)))
    async with stage.run():
        for _ in range(2):
            assert "✖ pager fails since 03:02, 2 waiting: HTTP 503 from [red]events.example" in stage.text
            assert "▲ rule gpu-hot: no column temp" in stage.text
            assert "alerts are told and kept by process 4711" in stage.text
            await stage.press("t")


async def test_what_alerts_say_is_text():
    evil = "[red]x\x1b[2J\u202e$(reboot)\x9b"
    bad = alert("r", f"h{evil}", summary=evil, labels={"a": evil}, evidence=(evil,), runbook=evil, action=evil)
    stage = FleetPilot(FakeSource(alert_fleet(board(group(acknowledged(bad, evil, evil), title=evil, cause=evil)))))
    async with stage.run():
        await stage.press("t")
        assert "[red]x $(reboot)" in stage.text
        for _ in range(2):
            assert not [char for char in stage.text.replace("\n", "") if ord(char) < 32 or char in "\x7f\x9b\u202e"]
            await stage.press("enter")


async def test_the_palette_knows_the_keys(stage):
    from leptontui.ui.palette_provider import RegistryProvider

    async with stage.run():
        await stage.press("t")
        names = [command.action for command in RegistryProvider(stage.app.screen)._commands()]
        assert {"acknowledge", "silence", "open_history", "open_report"} <= set(names)


async def test_places_without_labels_are_looked_up():
    bare = replace(XID, labels=())
    other = replace(HOT, labels=())
    stage = FleetPilot(FakeSource(alert_fleet(board(group(bare), group(other)))))
    async with stage.run():
        await stage.press("t")
        assert "gpu-001 GPU 3" in stage.highlighted
        assert "gpu-002 GPU 6" in stage.line_of("temperature reaches", "◆", "in 11")


def test_what_is_pending_wants_nobody():
    assert PENDING.fired_unix_s is None
    assert not AlertBoard().evaluated_unix_s
    assert gpu_uuid("gpu-001", 3) == XID.subject.instance
    assert FULL.is_predictive


async def test_rows_of_the_fleet_say_who_looks_after_them():
    taken = [group(acknowledged(XID)), group(acknowledged(alert("nic-down", "gpu-002"), "bea"))]
    stage = FleetPilot(FakeSource(alert_fleet(board(*taken))), FakeCommands())
    async with stage.run(230, 40):
        assert "✖ Xid 79 GPU 3 off the bus  ✓ anna" in stage.text
        assert "✓ bea" not in stage.text, "only what it is about"
        await stage.press("g")
        assert "✓ bea" in stage.line_of("gpu-002")
