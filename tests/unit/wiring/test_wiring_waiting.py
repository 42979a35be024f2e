"""Calls that wait, such as lookups of names that no server answers for, keep no other call waiting."""

import asyncio
import subprocess
import sys
import threading

import pytest

from leptontui.engine.thread import EngineThread
from leptontui.engine.waiting import AT_ONCE, LeavingThreads
from leptontui.wiring import headless

LIMIT_S = 60.0
"""Only a test that fails takes so long."""


async def meet() -> int:
    """Calls that return only once so many of them run at the same time."""
    barrier = threading.Barrier(AT_ONCE, timeout=LIMIT_S)
    return len(await asyncio.gather(*(asyncio.to_thread(barrier.wait) for _ in range(AT_ONCE))))


def test_without_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headless, "log_to_file", lambda: None)
    assert headless.run_headless(meet()) == AT_ONCE


class Meeting:
    commands = access = None

    def __init__(self) -> None:
        self.met: list[int] = []
        self.is_over = threading.Event()

    def subscribe(self, deliver: object) -> None: ...

    def look_at(self, focus: object) -> None: ...

    def redial(self, host: str) -> None: ...

    async def run(self) -> None:
        try:
            self.met.append(await meet())
        finally:
            self.is_over.set()


def test_on_the_engines_thread() -> None:
    watch = Meeting()
    thread = EngineThread(lambda: watch, lambda words: None)
    thread.start()
    assert watch.is_over.wait(LIMIT_S + 10)
    thread.stop()
    assert watch.met == [AT_ONCE]


LOOK_UP = """
import asyncio, os, uvloop
from leptontui.engine.waiting import wait_for_many

async def main():
    loop = asyncio.get_running_loop()
    wait_for_many(loop)
    before = len(os.listdir("/proc/self/task"))
    await loop.getaddrinfo("localhost", 22)
    print(len(os.listdir("/proc/self/task")) - before)

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
"""


def test_names_that_uvloop_looks_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_THREADPOOL_SIZE", raising=False)
    done = subprocess.run([sys.executable, "-c", LOOK_UP], capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) == AT_ONCE


STUCK = """
import asyncio, threading
from leptontui.wiring import headless

headless.log_to_file = lambda: None

async def main():
    asyncio.ensure_future(asyncio.to_thread(threading.Event().wait))
    return await asyncio.to_thread(str, 7)

print(headless.run_headless(main()))
"""


def test_a_call_that_never_returns_does_not_keep_the_program_from_ending() -> None:
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_threads_are_used_again_and_errors_handed_back() -> None:
    threads = LeavingThreads(2)
    seen = {threads.submit(threading.get_ident).result(LIMIT_S) for _ in range(50)}
    assert len(seen) <= 2
    with pytest.raises(ValueError, match="x"):
        threads.submit(int, "x").result(LIMIT_S)
    have_begun, let_go = threading.Barrier(3, timeout=LIMIT_S), threading.Event()
    stuck = [threads.submit(lambda: have_begun.wait() >= 0 and let_go.wait(LIMIT_S)) for _ in range(2)]
    have_begun.wait()
    waiting = threads.submit(str)
    threads.shutdown(wait=False)
    assert waiting.cancelled()
    let_go.set()
    assert all(future.result(LIMIT_S) for future in stuck)


def test_what_ends_soon_is_waited_for() -> None:
    threads = LeavingThreads(2)
    has_begun, let_go = threading.Event(), threading.Event()

    def write() -> str:
        has_begun.set()
        let_go.wait(LIMIT_S)
        return "written"

    writing = threads.submit(write)
    assert has_begun.wait(LIMIT_S)
    threading.Timer(0.1, let_go.set).start()
    threads.shutdown()
    assert writing.done()
    assert writing.result() == "written"
