"""The port for alerts from another thread's loop, as the screen uses it."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from leptontui.engine.thread import EngineThread
from leptontui.engine.threaded_ports import ThreadedAlerts
from leptontui.errors import AlertError
from leptontui.model.alert import Matcher, Silence
from leptontui.model.alert_history import HistoryQuery, Transition


class Caretaker:
    """Notes the thread it is asked on."""

    def __init__(self) -> None:
        self.threads: set[int] = set()

    def _note(self) -> None:
        self.threads.add(threading.get_ident())

    async def acknowledge(self, alert_ids: Sequence[str], why: str) -> int:
        self._note()
        return len(alert_ids)

    async def unacknowledge(self, alert_ids: Sequence[str]) -> int:
        self._note()
        return len(alert_ids)

    async def silence(self, matchers: Sequence[Matcher], lasts_s: float, why: str) -> Silence:
        self._note()
        raise AlertError("this would silence every alert there is")

    async def matching(self, matchers: Sequence[Matcher]) -> int:
        self._note()
        return 7

    async def unsilence(self, silence_id: str) -> None:
        self._note()

    async def history(self, query: HistoryQuery) -> tuple[Transition, ...]:
        self._note()
        return ()

    async def report(self, since_unix_s: float) -> str:
        self._note()
        return f"since {since_unix_s}"


class Watch:
    commands = access = None

    def __init__(self, alerts: Caretaker | None) -> None:
        self.alerts = alerts
        self.is_up = threading.Event()

    def subscribe(self, deliver: object) -> None:
        """Nothing is delivered."""

    def look_at(self, focus: object) -> None:
        """Nothing is looked at."""

    def redial(self, host: str) -> None:
        """Nothing is dialled."""

    async def run(self) -> None:
        self.is_up.set()
        await asyncio.Event().wait()


async def test_every_question_is_answered_on_the_engines_thread() -> None:
    watch = Watch(Caretaker())
    thread = EngineThread(lambda: watch, lambda _: None)
    alerts = ThreadedAlerts(thread)
    with pytest.raises(AlertError, match="before the engine is up"):
        await alerts.acknowledge(["a"], "")
    thread.start()
    try:
        assert await asyncio.to_thread(watch.is_up.wait, 10)
        assert await alerts.acknowledge(["a", "b"], "why") == 2
        assert await alerts.unacknowledge(["a"]) == 1
        assert await alerts.matching(()) == 7
        assert await alerts.history(HistoryQuery()) == ()
        assert await alerts.report(5.0) == "since 5.0"
        await alerts.unsilence("s")
        with pytest.raises(AlertError, match="every alert"):
            await alerts.silence((), 60, "")
    finally:
        await asyncio.to_thread(thread.stop)
    assert watch.alerts is not None
    assert watch.alerts.threads.isdisjoint({threading.get_ident()})
    assert len(watch.alerts.threads) == 1
    with pytest.raises(AlertError, match="the engine has ended"):
        await alerts.report(5.0)


async def test_a_watch_without_a_port_says_so() -> None:
    watch = Watch(None)
    thread = EngineThread(lambda: watch, lambda _: None)
    thread.start()
    try:
        assert await asyncio.to_thread(watch.is_up.wait, 10)
        with pytest.raises(AlertError):
            await ThreadedAlerts(thread).report(0.0)
    finally:
        await asyncio.to_thread(thread.stop)
