"""A thread for calls that block: they have a time limit, and neither they nor their end ever hold anybody up."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from leptontui.alerts.notify.trouble import LATE

log = logging.getLogger(__name__)
Send = Callable[[], str]
"""Sends something and says what went wrong, in words; "" if nothing. Blocks."""

_MOST_HANGING: Final = 2
STUCK: Final = "earlier messages still hang; nothing more is tried until one of them ends"


class Courier:
    """Carries out one call after the other.

    A call past its limit is left alone in its thread, a daemon that does not keep the program from ending; the next
    call gets another thread, as long as there are not too many such.

    Args:
        name: for the thread.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[tuple[Send, asyncio.AbstractEventLoop, asyncio.Future[str]] | None] | None = None
        self._hanging: list[threading.Thread] = []
        self._thread: threading.Thread | None = None

    async def carry(self, send: Send, limit_s: float) -> str:
        """Run `send`; what went wrong in words, "" if nothing. What was late may have arrived all the same."""
        self._hanging = [thread for thread in self._hanging if thread.is_alive()]
        if len(self._hanging) >= _MOST_HANGING:
            return STUCK
        loop = asyncio.get_running_loop()
        done: asyncio.Future[str] = loop.create_future()
        calls = self._calls = self._calls or self._start()
        calls.put((send, loop, done))
        try:
            return await asyncio.wait_for(done, limit_s)
        except TimeoutError:
            self.leave()
            return LATE

    def leave(self) -> None:
        """Let the thread end after what it is doing; what it does is not waited for."""
        if self._calls is not None:
            self._calls.put(None)
        if self._thread is not None:
            self._hanging.append(self._thread)
        self._calls = self._thread = None

    def _start(self) -> queue.SimpleQueue[tuple[Send, asyncio.AbstractEventLoop, asyncio.Future[str]] | None]:
        calls: queue.SimpleQueue[tuple[Send, asyncio.AbstractEventLoop, asyncio.Future[str]] | None]
        calls = queue.SimpleQueue()
        self._thread = threading.Thread(target=_work, args=(calls,), name=f"notify {self._name}", daemon=True)
        self._thread.start()
        return calls


def _work(calls: queue.SimpleQueue[tuple[Send, asyncio.AbstractEventLoop, asyncio.Future[str]] | None]) -> None:
    while (call := calls.get()) is not None:
        send, loop, done = call
        try:
            trouble = send()
        except BaseException as error:  # noqa: BLE001 — a thread's end; the message could hold a secret
            log.error("a notifier failed with %s", type(error).__name__)  # noqa: TRY400 — so could the traceback
            trouble = f"it failed ({type(error).__name__})"
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, done, trouble)


def _settle(done: asyncio.Future[str], trouble: str) -> None:
    if not done.done():
        done.set_result(trouble)
