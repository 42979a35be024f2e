"""Threads for what may keep a loop waiting: names that are looked up, disks that are read, ssh that is asked."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Final

AT_ONCE: Final = 64
"""As many as logins under way at the same time: asyncio's default is six on two cores, and libuv's four, so that a few
names that no server answers for would keep every other host waiting."""
LEAVE_S: Final = 1.0
"""So long calls that are under way at the end may take; a lookup takes up to half a minute, a dead disk for ever."""


def wait_for_many(loop: asyncio.AbstractEventLoop) -> None:
    """Let so many calls of one loop wait at the same time. To be called before the first of them is made."""
    # libuv, which uvloop looks up names with, reads it when it makes its threads, at the first lookup.
    os.environ.setdefault("UV_THREADPOOL_SIZE", str(AT_ONCE))
    loop.set_default_executor(LeavingThreads(AT_ONCE))


class LeavingThreads(ThreadPoolExecutor):
    """Threads that are left behind at the end where they do not return: the program must end when it is told to.

    Args:
        most: how many.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most)  # for its kind only, which asyncio asks for: none of its own threads is started
        self._most = most
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._started = 0
        self._pending: set[Future[Any]] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401 — any call
        """See `concurrent.futures.Executor`."""
        future: Future[Any] = Future()
        self._pending.add(future)
        future.add_done_callback(self._pending.discard)
        self._calls.put((future, lambda: fn(*args, **kwargs)))
        if not self._idle.acquire(blocking=False) and self._started < self._most:
            self._started += 1
            threading.Thread(target=self._serve, name=f"waiting {self._started}", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 — as it is
        """Wait for what is under way, but not for ever."""
        del cancel_futures
        pending = list(self._pending)
        for future in pending:
            future.cancel()  # nothing if it runs already
        if wait:
            _ended(pending)

    def _serve(self) -> None:
        while True:
            future, call = self._calls.get()
            if future.set_running_or_notify_cancel():
                try:
                    result = call()
                except BaseException as error:  # noqa: BLE001 — handed to whoever asked
                    future.set_exception(error)
                else:
                    future.set_result(result)
            del future, call
            self._idle.release()


def _ended(futures: list[Future[Any]]) -> None:
    wait(futures, LEAVE_S)
