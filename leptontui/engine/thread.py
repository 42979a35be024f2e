"""The engine on a thread and loop of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from leptontui.engine.waiting import wait_for_many
from leptontui.errors import LeptonError
from leptontui.model.focus import Focus
from leptontui.model.text import plain
from leptontui.ports import AccessPort, AlertPort, CommandPort
from leptontui.snapshot import FleetSnapshot

_LOG = logging.getLogger(__name__)
_STOP_TIMEOUT_S = 5.0
T = TypeVar("T")


class Watch(Protocol):
    """What runs on the engine's thread: an `Engine`, with the port through which actions are carried out, if any."""

    def subscribe(self, deliver: Callable[[FleetSnapshot], None]) -> None:
        """See `Engine.subscribe`."""

    def look_at(self, focus: Focus) -> None:
        """See `Engine.look_at`."""

    def redial(self, host: str) -> None:
        """See `Engine.redial`."""

    async def run(self) -> None:
        """See `Engine.run`."""

    @property
    def commands(self) -> CommandPort | None:
        """The port to act through; None on a read-only watch."""

    @property
    def access(self) -> AccessPort | None:
        """The port to let hosts be reached through; None where nobody is asked."""

    @property
    def alerts(self) -> AlertPort | None:
        """The port to look after alerts through; None where nobody may."""


class EngineThread:
    """Runs a watch on its own thread. Implements `ports.SnapshotSource`.

    Args:
        build: makes the watch, on the new thread, where its imports block nobody.
        failed: called from the thread, with plain words, if the watch ends by an error.
    """

    def __init__(self, build: Callable[[], Watch], failed: Callable[[str], None]) -> None:
        self._build = build
        self._failed = failed
        self._subscribers: list[Callable[[FleetSnapshot], None]] = []
        self._focus = Focus()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watch: Watch | None = None
        self._task: asyncio.Task[None] | None = None
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._main, name="engine", daemon=True)

    def start(self) -> None:
        """Start the thread; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Close every link and end the thread; waits up to 5 s."""
        self._stopping.set()
        if self._loop is not None:
            self._on_loop(self._cancel)
        if self._thread.is_alive():
            self._thread.join(_STOP_TIMEOUT_S)

    def subscribe(self, deliver: Callable[[FleetSnapshot], None]) -> None:
        """Call `deliver` with every snapshot, from the engine's thread. Call before `start`."""
        self._subscribers.append(deliver)

    def focus(self, focus: Focus) -> None:
        """Say what is being looked at; callable from any thread."""
        self._focus = focus
        self._on_loop(self._look)

    def redial(self, host: str) -> None:
        """Dial a host now; callable from any thread."""

        def dial() -> None:
            if self._watch is not None:
                self._watch.redial(host)

        self._on_loop(dial)

    async def ask(self, question: Callable[[Watch], Coroutine[Any, Any, T] | None], ended: type[LeptonError]) -> T:
        """Have a question to the watch carried out on the engine's loop; await the answer on the caller's.

        Args:
            question: makes what is to be awaited from the watch; None if the watch has no such port.
            ended: what is raised if there is nobody to ask.

        Raises:
            LeptonError: the engine is not up (yet, or any more), or has no such port; and what the answer raises.
        """
        asked = question(self._watch) if self._loop is not None and self._watch is not None else None
        if self._loop is None or asked is None:
            raise ended("nothing can be done before the engine is up", "wait a second and try again")
        try:
            future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        except RuntimeError as error:  # its loop is closed
            asked.close()
            raise ended("nothing can be done: the engine has ended", "start leptontui anew") from error
        return await asyncio.wrap_future(future)

    def answer(self, question_id: str, text: str | None) -> None:
        """Answer a question; callable from any thread, ignored while there is no engine."""

        def tell() -> None:
            access = self._watch.access if self._watch else None
            if access is not None:
                access.answer(question_id, text)

        self._on_loop(tell)

    @property
    def commands(self) -> CommandPort | None:
        """The watch's own port; None until it is up. Only its plain properties may be read from another thread."""
        return self._watch.commands if self._watch else None

    def _main(self) -> None:
        try:
            import uvloop  # noqa: PLC0415 — loaded on this thread, while the screen is already up

            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._run())
        except asyncio.CancelledError:
            _LOG.info("engine stopped")
        except BaseException as error:  # noqa: BLE001 — the thread's boundary; a panic in polars is no Exception
            _LOG.exception("the engine failed")
            if not self._stopping.is_set():
                self._failed(words_of(error))

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        wait_for_many(self._loop)
        self._task = asyncio.current_task()
        watch = self._build()
        for deliver in self._subscribers:
            watch.subscribe(deliver)
        watch.look_at(self._focus)
        self._watch = watch
        self._ready.set()
        if self._stopping.is_set():
            return
        await watch.run()

    def _look(self) -> None:
        if self._watch is not None:
            self._watch.look_at(self._focus)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _on_loop(self, call: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            try:
                loop.call_soon_threadsafe(call)
            except RuntimeError:  # the loop was closed in between
                _LOG.debug("the engine's loop is closed")


def words_of(error: BaseException) -> str:
    """The first real cause in an exception group, in words, one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return plain(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
