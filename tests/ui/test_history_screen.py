"""History, silences and report: loading, failure, nothing there; what is searched, ended, copied and written."""

import pytest
from alert_boards import STEPS, FakeAlerts, alert_fleet, board, rich_board
from fake_office import FakeCommands
from fleet_pilot import FleetPilot
from fleets import T0, FakeSource

from leptontui.errors import AlertError
from leptontui.ui.screens.alert import AlertScreen
from leptontui.ui.screens.history import LIMIT, HistoryScreen
from leptontui.ui.screens.report import ReportScreen
from leptontui.ui.screens.silences import SilencesScreen
from leptontui.ui.screens.triage import TriageScreen


@pytest.fixture
def port():
    return FakeAlerts(STEPS)


@pytest.fixture
def stage(port):
    return FleetPilot(FakeSource(alert_fleet()), FakeCommands(), alerts=port)


async def loaded(stage):
    await stage.app.workers.wait_for_complete()
    await stage.settle()


async def test_what_happened_newest_first(stage, port):
    async with stage.run():
        await stage.press("t", "H")
        assert isinstance(stage.app.screen, HistoryScreen)
        await loaded(stage)
        assert port.queries[0].words == ()
        assert port.queries[0].limit == LIMIT
        assert "5 steps, newest first" in stage.text
        assert "anna: Xid 79: GPU has fallen off the bus   looking at it" in stage.highlighted
        lines = [line for line in stage.lines if "gpu-00" in line]
        assert ["acknowledged" in lines[0], "resolved" in lines[1], "fired" in lines[2]] == [True, True, True]
        assert "12 Mar 21:12" in stage.line_of("straggler")


async def test_it_is_searched_for_all_words(stage, port):
    async with stage.run():
        await stage.press("t", "H", "slash")
        await stage.type("xid anna")
        stage.app.screen._search()
        await loaded(stage)
        assert port.queries[-1].words == ("xid", "anna")
        assert "1 step, newest first" in stage.text
        await stage.press("enter", "slash")
        await stage.type(" zzz")
        stage.app.screen._search()
        await loaded(stage)
        assert "Nothing in the history has all of  xid anna zzz" in stage.text


async def test_while_it_is_read_and_when_it_cannot_be(stage, port):
    port.may_answer.clear()
    async with stage.run():
        await stage.press("t", "H")
        assert "reading the history" in stage.text
        port.failure = AlertError("alerts.sqlite cannot be read", "its disk is full")
        port.may_answer.set()
        await loaded(stage)
        assert "The history cannot be read." in stage.text
        assert "alerts.sqlite cannot be read — its disk is full" in stage.text


async def test_nothing_has_happened_yet():
    stage = FleetPilot(FakeSource(alert_fleet()), alerts=FakeAlerts())
    async with stage.run():
        await stage.press("t", "H")
        await loaded(stage)
        assert "Nothing has happened yet" in stage.text
        assert "enter detail" not in stage.lines[-1]


async def test_what_happens_meanwhile_is_read(stage, port):
    async with stage.run():
        await stage.press("t", "H")
        await loaded(stage)
        asked = len(port.queries)
        await stage.publish(alert_fleet(rich_board(evaluated_unix_s=T0), seq=2))
        await loaded(stage)
        assert len(port.queries) == asked, "nothing has happened"
        await stage.publish(alert_fleet(board(), seq=3))
        await loaded(stage)
        assert len(port.queries) == asked + 1


async def test_a_step_leads_to_its_alert_though_it_is_long_gone(stage):
    async with stage.run():
        await stage.press("t", "H")
        await loaded(stage)
        await stage.publish(alert_fleet(board(), seq=2))
        await loaded(stage)
        await stage.press("end", "enter")
        assert isinstance(stage.app.screen, AlertScreen)
        assert "straggler −3.9σ clock" in stage.text


async def test_a_silence_is_ended_after_a_question(stage, port):
    async with stage.run():
        await stage.press("t", "S")
        assert isinstance(stage.app.screen, SilencesScreen)
        assert "05:02  1 h 50 m  1      rule=ntp-offset host=~gpu-0.*" in stage.highlighted
        assert "bea: known, mended tonight" in stage.highlighted
        await stage.press("x")
        assert "End this silence now? rule=ntp-offset" in stage.text
        await stage.press("escape", "y")
        assert not port.unsilenced
        await stage.press("x", "y")
        assert port.unsilenced == ["s1"]


async def test_a_silence_that_cannot_be_ended_says_why(stage, port):
    port.failure = AlertError("the database is locked")
    async with stage.run(notifications=True):
        await stage.press("t", "S", "x", "y")
        await loaded(stage)
        assert "the database is locked" in stage.notices


async def test_no_silence_says_so():
    stage = FleetPilot(FakeSource(alert_fleet(board())), alerts=FakeAlerts())
    async with stage.run():
        await stage.press("t", "S")
        assert "There is no silence: whatever fires is told." in stage.text


async def test_the_report_is_shown_copied_and_written(stage, port, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with stage.run(notifications=True):
        await stage.press("t", "r")
        assert isinstance(stage.app.screen, ReportScreen)
        await loaded(stage)
        assert port.reports == [T0 - 12 * 3600]
        assert "# Shift report" in stage.text
        await stage.press("c")
        assert stage.app.clipboard.startswith("# Shift report\n\n- ✖ 2 pages")
        await stage.press("w")
        (path,) = tmp_path.iterdir()
        assert path.name == "leptontui-report-20260314-031244.md"
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text(encoding="utf-8") == stage.app.clipboard
        await stage.press("w")
        assert "cannot be written: File exists" in stage.notices, "nothing is overwritten"
        await stage.press("s")
        await loaded(stage)
        assert port.reports[-1] == T0 - 24 * 3600
        await stage.press("escape")
        assert isinstance(stage.app.screen, TriageScreen)


async def test_a_report_that_cannot_be_written_says_why(stage, port):
    port.failure = AlertError("the history cannot be read")
    async with stage.run():
        await stage.press("t", "r")
        await loaded(stage)
        assert "✖ the history cannot be read" in stage.text
        assert "c copy" not in stage.lines[-1]
