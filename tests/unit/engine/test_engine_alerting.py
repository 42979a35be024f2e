"""Alerts in a running engine: published, looked after, kept over restarts, told by one instance only."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from leptontui.errors import AlertError
from leptontui.model.alert import Matcher
from leptontui.model.alert_history import Happening, HistoryQuery
from leptontui.model.evaluation import Standing
from leptontui.model.target import Fleet, HostTarget
from tests.unit.engine.alerting_scene import FAILED, HOT, Rules, finding, host, staged


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alerts.sqlite"


@pytest.fixture
def rules() -> Rules:
    return Rules()


async def test_what_the_rules_find_is_published_and_ends(path: Path, rules: Rules) -> None:
    async with staged(path, rules) as stage:
        board = await stage.until(lambda board: board.evaluated_unix_s)
        assert board.groups == ()
        rules.met = (finding(), finding(FAILED, host("b")))
        board = await stage.until(lambda board: board.pages and board.tickets)
        assert [group.level.word for group in board.groups] == ["page", "ticket"], "worst first"
        assert board.notifiers[0].name == "pager"
        rules.met = ()
        board = await stage.until(lambda board: not board.pages)
        assert {alert.rule for alert in board.resolved} == {HOT, FAILED}
        history = await stage.desk.history(HistoryQuery())
        assert [one.happening for one in history] == [Happening.RESOLVED] * 2 + [Happening.FIRED] * 2
        (postman,) = stage.postmen
        assert [one.happening for one in reversed(postman.told)] == [one.happening for one in history]


async def test_the_board_is_the_same_object_while_nothing_changes(path: Path, rules: Rules) -> None:
    async with staged(path, rules) as stage:
        await stage.until(lambda board: board.evaluated_unix_s)
        async with stage.alerting._turn:  # no evaluation meanwhile
            assert stage.alerting.board is stage.alerting.board


async def test_an_acknowledgement_holds_until_the_alert_ends_also_over_a_restart(path: Path, rules: Rules) -> None:
    rules.met = (finding(),)
    async with staged(path, rules) as stage:
        board = await stage.until(lambda board: board.pages)
        alert = board.groups[0].alerts[0]
        assert await stage.desk.acknowledge([alert.id, "unknown"], "on it") == 1
        assert await stage.desk.acknowledge([alert.id], "again") == 0
        board = await stage.until(lambda board: board.acknowledged)
        assert (board.pages, board.acknowledged) == (0, 1)
    async with staged(path, Rules(met=(finding(),))) as stage:
        board = await stage.until(lambda board: board.evaluated_unix_s and board.acknowledged)
        again = board.groups[0].alerts[0]
        assert again.since_unix_s == alert.since_unix_s
        assert again.acknowledgement is not None
        assert (again.acknowledgement.who, again.acknowledgement.why) == ("anna", "on it")
        assert [one.happening for one in await stage.desk.history(HistoryQuery())].count(Happening.FIRED) == 1
        assert await stage.desk.unacknowledge([alert.id]) == 1
        await stage.until(lambda board: board.pages)
        await stage.desk.acknowledge([alert.id], "")
        stage.rules.met = ()
        await stage.until(lambda board: not board.groups)
        stage.rules.met = (finding(),)
        await stage.until(lambda board: board.pages)


async def test_what_ended_while_nobody_watched_says_so(path: Path, rules: Rules) -> None:
    rules.met = (finding(), finding(FAILED))
    async with staged(path, rules) as stage:
        await stage.until(lambda board: board.pages and board.tickets)
    async with staged(path, Rules(others=Standing.UNSEEN)) as stage:
        board = await stage.until(lambda board: board.evaluated_unix_s)
        assert board.pages + board.tickets == 2, "what is blind still fires"
        stage.rules.others = Standing.CLEAR
        await stage.until(lambda board: not board.groups)
        history = await stage.desk.history(HistoryQuery(limit=2))
        assert {one.why for one in history} == {"it cleared while nobody watched"}
        assert {one.alert.id for one in stage.postmen[0].told} == {one.alert.id for one in history}, "people hear of it"


async def test_silences_are_kept_and_ended_and_refused(path: Path, rules: Rules) -> None:
    rules.met = (finding(), finding(HOT, host("b")))
    async with staged(path, rules) as stage:
        await stage.until(lambda board: board.pages == 2)
        matchers = (Matcher("host", "a"),)
        assert await stage.desk.matching(matchers) == 1
        silence = await stage.desk.silence(matchers, 3600, "rack move")
        board = await stage.until(lambda board: board.silenced)
        assert (board.pages, board.silences) == (1, (silence,))
        with pytest.raises(AlertError, match="every alert"):
            await stage.desk.silence((Matcher("host", ".*", is_regex=True),), 3600, "")
        with pytest.raises(AlertError, match="regular expression"):
            await stage.desk.matching((Matcher("host", "(", is_regex=True),))
        told = await stage.desk.history(HistoryQuery())
    async with staged(path, Rules(met=rules.met)) as stage:
        await stage.until(lambda board: board.silenced == 1 and board.evaluated_unix_s)
        assert await stage.desk.history(HistoryQuery()) == told, "a restart is nothing that happens to an alert"
        await stage.desk.unsilence("unknown")
        await stage.desk.unsilence(silence.id)
        await stage.until(lambda board: board.pages == 2 and not board.silences)


async def test_of_two_instances_one_records_and_tells_and_both_share_what_users_say(path: Path, rules: Rules) -> None:
    rules.met = (finding(),)
    async with staged(path, rules) as one:
        await one.until(lambda board: board.pages)
        async with staged(path, Rules(met=rules.met)) as two:
            board = await two.until(lambda board: board.pages)
            assert "another leptontui" in board.keeper
            assert two.postmen == []
            known = board.groups[0].alerts[0].id
            await two.desk.acknowledge([known], "from the other")
            board = await one.until(lambda board: board.acknowledged)
            assert board.groups[0].alerts[0].acknowledgement.why == "from the other"
            history = await one.desk.history(HistoryQuery())
            assert [one.happening for one in history] == [Happening.ACKNOWLEDGED, Happening.FIRED]
            assert two.rules.evaluated > 0


async def test_the_second_instance_takes_over_when_the_first_ends(
    path: Path, rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leptontui.engine.alert_shelf.TURN_S", 0.05)
    rules.met = (finding(),)
    async with AsyncExitStack() as both:
        first = AsyncExitStack()
        one = await first.enter_async_context(staged(path, rules))
        await one.until(lambda board: board.pages)
        two = await both.enter_async_context(staged(path, Rules(met=(finding(), finding(FAILED)))))
        await two.until(lambda board: board.tickets and board.keeper)
        rules.met = ()
        await one.until(lambda board: not board.pages)
        await first.aclose()
        await two.until(lambda board: not board.keeper and board.notifiers)
        history = await two.desk.history(HistoryQuery())
        while len(history) < 4:
            history = await two.desk.history(HistoryQuery())
        told = [(one.happening.value, one.alert.rule) for one in reversed(history)]
        assert told == [("fired", HOT), ("resolved", HOT), ("fired", HOT), ("fired", FAILED)], "what nobody wrote down"
        assert two.postmen[0].memory == "told 2", "as the first left it"


async def test_one_that_may_not_keep_writes_nothing_and_makes_no_file(path: Path, rules: Rules) -> None:
    rules.met = (finding(),)
    async with staged(path, rules, can_keep=False) as stage:
        await stage.until(lambda board: board.pages)
        assert stage.postmen == []
    assert not path.exists()  # noqa: ASYNC240 — nothing else runs


async def test_one_that_may_not_keep_shows_what_others_said(path: Path, rules: Rules) -> None:
    rules.met = (finding(),)
    async with staged(path, rules) as stage:
        board = await stage.until(lambda board: board.pages)
        await stage.desk.acknowledge([board.groups[0].alerts[0].id], "on it")
        async with staged(path, Rules(met=rules.met), can_keep=False) as wall:
            await wall.until(lambda board: board.acknowledged)


async def test_a_file_that_cannot_be_had_is_trouble_and_alerts_go_on(path: Path, rules: Rules) -> None:
    path.mkdir()  # noqa: ASYNC240 — likewise
    rules.met = (finding(),)
    async with staged(path, rules) as stage:
        board = await stage.until(lambda board: board.pages and board.troubles)
        assert "alerts.sqlite" in board.troubles[0]
        assert stage.postmen[0].told, "and people are told"
        with pytest.raises(AlertError, match="it holds while this leptontui runs"):
            await stage.desk.acknowledge([board.groups[0].alerts[0].id], "on it")
        await stage.until(lambda board: board.acknowledged)
        with pytest.raises(AlertError):
            await stage.desk.history(HistoryQuery())
        path.rmdir()  # noqa: ASYNC240 — likewise
        await stage.until(lambda board: not board.troubles)
        history = await stage.desk.history(HistoryQuery())
        assert [one.happening for one in history] == [Happening.ACKNOWLEDGED, Happening.FIRED], "nothing was lost"


async def test_rules_that_fail_are_trouble_and_the_fleet_is_watched_on(path: Path, rules: Rules) -> None:
    async with staged(path, rules) as stage:
        await stage.until(lambda board: board.evaluated_unix_s)
        rules.failure = ZeroDivisionError("boom")
        await stage.until(lambda board: any("ZeroDivisionError" in words for words in board.troubles))
        rules.failure = None
        await stage.until(lambda board: not board.troubles)


async def test_a_host_that_leaves_the_fleet_takes_its_alerts_along(path: Path, rules: Rules) -> None:
    rules.met = (finding(), finding(HOT, host("b")))
    async with staged(path, rules) as stage:
        await stage.until(lambda board: board.pages == 2)
        stage.engine.set_fleet(Fleet("test", (HostTarget("a"),)))
        board = await stage.until(lambda board: board.pages == 1)
        assert board.groups[0].alerts[0].subject.host == "a"
        (gone,) = await stage.desk.history(HistoryQuery(limit=1))
        assert gone.why == "its host left the fleet"


async def test_a_report_tells_the_shift(path: Path, rules: Rules) -> None:
    rules.met = (finding(),)
    async with staged(path, rules) as stage:
        board = await stage.until(lambda board: board.pages)
        text = await stage.desk.report(board.evaluated_unix_s - 3600)
        assert "## Still open (1)" in text
        assert "- page: gpu-hot on a" in text
