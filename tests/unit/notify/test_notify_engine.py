"""From a rule to somebody's phone: alerts in a running engine, told over HTTP, by one instance, over restarts."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from leptontui.alerts.notify.notifications import Notifications
from leptontui.alerts.notify.spec import NotifierSpec, Policy, Secret, Way
from leptontui.engine.alert_telling import Telling
from leptontui.model.alert import Level
from tests.unit.engine.alerting_scene import FAILED, Rules, Stage, finding, host, staged
from tests.unit.notify.receiver import Receiver


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alerts.sqlite"


def tell(stage: Stage, port: int, policy: Policy) -> None:
    """Have a stage that has only just been set up tell a receiver."""
    spec = NotifierSpec("oncall", Way.APPRISE, Secret(f"json://127.0.0.1:{port}/hook"), policy)

    def make(memory: str, keep: Callable[[str], None]) -> Notifications:
        return Notifications([spec], memory=memory, keep=keep, chance=random.Random(1), first_retry_s=0.01)

    stage.alerting._telling = Telling(make)


def titles(receiver: Receiver) -> list[str]:
    return [body["title"] for body in receiver.bodies]


AT_ONCE = Policy(levels=frozenset(Level), group_wait_s=0, group_interval_s=0)


async def test_what_fires_is_told_shown_as_told_and_its_end_too(path: Path) -> None:
    with Receiver() as receiver:
        async with staged(path, Rules(met=(finding(),))) as stage:
            tell(stage, receiver.port, AT_ONCE)
            board = await stage.until(lambda board: board.notifiers and board.notifiers[0].sent == 1)
            assert board.notifiers[0].trouble == ""
            stage.rules.met = ()
            await stage.until(lambda board: board.notifiers[0].sent == 2)
    assert titles(receiver) == ["[PAGE] gpu-hot on a", "Resolved: gpu-hot on a"]


async def test_a_pager_that_fails_is_seen_on_the_board_and_gets_it_later(path: Path) -> None:
    with Receiver(status=503) as receiver:
        async with staged(path, Rules(met=(finding(),))) as stage:
            tell(stage, receiver.port, AT_ONCE)
            board = await stage.until(lambda board: board.notifiers and board.notifiers[0].trouble)
            (status,) = board.notifiers
            assert "(503)" in status.trouble
            assert status.failing_since_unix_s is not None
            assert status.waiting == 1
            receiver.status = 200
            await stage.until(lambda board: board.notifiers[0].sent == 1 and not board.notifiers[0].trouble)


async def test_what_waited_when_the_program_ended_was_told_and_is_not_told_again(path: Path) -> None:
    patient = Policy(levels=frozenset(Level), group_wait_s=3600)
    with Receiver() as receiver:
        async with staged(path, Rules(met=(finding(),))) as stage:
            tell(stage, receiver.port, patient)
            await stage.until(lambda board: board.pages)
            assert not receiver.requests
        assert titles(receiver) == ["[PAGE] gpu-hot on a"]
        async with staged(path, Rules(met=(finding(), finding(FAILED, host("b"))))) as stage:
            tell(stage, receiver.port, patient)
            await stage.until(lambda board: board.pages and board.tickets)
        assert titles(receiver)[1:] == ["[TICKET] unit-failed on b"]


async def test_only_one_of_two_instances_tells_and_the_other_says_so(path: Path) -> None:
    with Receiver() as receiver, Receiver() as other:
        async with staged(path, Rules(met=(finding(),))) as first:
            tell(first, receiver.port, AT_ONCE)
            await first.until(lambda board: board.notifiers and board.notifiers[0].sent == 1)
            async with staged(path, Rules(met=(finding(),))) as second:
                tell(second, other.port, AT_ONCE)
                board = await second.until(lambda board: board.pages)
                assert board.keeper
                assert board.notifiers == ()
        assert len(receiver.requests) == 1
        assert not other.requests


async def test_telling_that_broke_is_begun_again(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Notifications):
        async def run(self) -> None:
            raise ZeroDivisionError

    made: list[str] = []

    def make(memory: str, keep: Callable[[str], None]) -> Notifications:
        made.append(memory)
        return Broken([]) if len(made) == 1 else Notifications([])

    telling = Telling(make)
    for memory in ("first", "second", "third"):
        await telling.tell((), (), 0.0, is_keeper=True, memory=memory)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    await telling.stop()
    assert made == ["first", "second"]
    assert "the notifiers failed" in caplog.text
