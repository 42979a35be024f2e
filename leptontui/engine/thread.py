"""The engine on a thread and loop of its own, and the thread-safe ports through which the screen reaches it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from leptontui.engine.waiting import wait_for_many
from leptontui.errors import ActionError, LeptonError
from leptontui.model.action import ActionRequest, Outcome, Plan
from leptontui.model.focus import Focus
from leptontui.model.text import plain
from leptontui.ports import AccessPort, CommandPort, Trusted
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

    async def ask(self, question: Callable[[CommandPort], Awaitable[T]]) -> T:
        """Run `question` with the watch's command port on the engine's loop; await the answer on the caller's.

        Raises:
            ActionError: the engine is not up (yet, or any more), or it is read-only.
        """
        commands = self._watch.commands if self._watch else None
        if self._loop is None or commands is None:
            raise ActionError("nothing can be done before the engine is up", "wait a second and try again")

        async def answer(port: CommandPort) -> T:
            return await question(port)

        asked = answer(commands)
        try:
            future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        except RuntimeError as error:  # its loop is closed
            asked.close()
            raise ActionError("nothing can be done: the engine has ended", "start leptontui anew") from error
        return await asyncio.wrap_future(future)

    def answer(self, question_id: str, text: str | None) -> None:
        """Answer a question; callable from any thread, ignored while there is no engine."""

        def tell() -> None:
            access = self._watch.access if self._watch else None
            if access is not None:
                access.answer(question_id, text)

        self._on_loop(tell)

    async def trust(self, hosts: Sequence[str]) -> Trusted:
        """See `ports.AccessPort.trust`; carried out on the engine's loop.

        Raises:
            LeptonError: likewise; or the engine is not up (yet, or any more).
        """
        access = self._watch.access if self._watch else None
        if self._loop is None or access is None:
            raise LeptonError("no key can be accepted before the engine is up", "wait a second and try again")
        asked = access.trust(hosts)
        try:
            future = asyncio.run_coroutine_threadsafe(asked, self._loop)
        except RuntimeError as error:  # its loop is closed
            asked.close()
            raise LeptonError("no key can be accepted: the engine has ended", "start leptontui anew") from error
        return await asyncio.wrap_future(future)

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


class ThreadedAccess:
    """A `ports.AccessPort` for the screen's thread: every call is carried out on the engine's loop.

    Args:
        thread: the engine's thread.
    """

    def __init__(self, thread: EngineThread) -> None:
        self._thread = thread

    def answer(self, question_id: str, text: str | None) -> None:
        """See `ports.AccessPort.answer`."""
        self._thread.answer(question_id, text)

    async def trust(self, hosts: Sequence[str]) -> Trusted:
        """See `ports.AccessPort.trust`."""
        return await self._thread.trust(hosts)


class ThreadedCommands:
    """A `ports.CommandPort` for the screen's thread: every call is carried out on the engine's loop.

    Args:
        thread: the engine's thread.
    """

    def __init__(self, thread: EngineThread) -> None:
        self._thread = thread

    @property
    def armed_until_unix_s(self) -> float | None:
        """When arming expires; None while read-only."""
        commands = self._thread.commands
        return None if commands is None else commands.armed_until_unix_s

    def arm(self) -> float:
        """Allow actions for a while.

        Raises:
            ActionError: the engine is not up yet.
        """
        return self._port().arm()

    def disarm(self) -> None:
        """Go back to read-only at once."""
        commands = self._thread.commands
        if commands is not None:
            commands.disarm()

    async def plan(self, request: ActionRequest) -> Plan:
        """See `ports.CommandPort.plan`."""
        return await self._thread.ask(lambda port: port.plan(request))

    async def run(self, plan: Plan, confirmation: str) -> Outcome:
        """See `ports.CommandPort.run`."""
        return await self._thread.ask(lambda port: port.run(plan, confirmation))

    def _port(self) -> CommandPort:
        commands = self._thread.commands
        if commands is None:
            raise ActionError("nothing can be done before the engine is up", "wait a second and try again")
        return commands


def words_of(error: BaseException) -> str:
    """The first real cause in an exception group, in words, one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return plain(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
