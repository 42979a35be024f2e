"""Headless use: `check` takes two sweeps of every host, `watch` prints a snapshot per interval."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from leptontui.engine.thread import words_of
from leptontui.engine.waiting import wait_for_many
from leptontui.errors import LeptonError
from leptontui.inventory.book import Book
from leptontui.model.link import LinkState
from leptontui.snapshot import FleetSnapshot
from leptontui.store.recorder import Recording
from leptontui.view.document import document_of, exit_code_of, plain_report
from leptontui.wiring.files import allow_links
from leptontui.wiring.log import log_to_file
from leptontui.wiring.options import AlertUse, WatchOptions
from leptontui.wiring.recording import recorded
from leptontui.wiring.terminal import TerminalAsker
from leptontui.wiring.watch import FleetWatch

_LOG = logging.getLogger(__name__)

SWEEPS_WANTED = 2
CRITICAL, UNKNOWN = 2, 3
"""Exit codes: something is critical; somebody could not be reached or asked."""
T = TypeVar("T")


def check(book: Book, *, interval_s: float, timeout_s: float, as_json: bool, asks: bool = False) -> int:
    """Connect, take two sweeps of every host, print, leave.

    Args:
        book: the hosts; its sources are asked first.
        interval_s: time between two sweeps.
        timeout_s: how long to wait for hosts that are not live yet.
        as_json: print one JSON document instead of a table.
        asks: whether the user may be asked for passwords and passphrases.

    Returns:
        0 all well, 1 warning, 2 critical, 3 somebody could not be reached, or a source of hosts not be asked. The same
        where nobody reads what is printed.

    Raises:
        LeptonError: the watch itself failed.
        KeyboardInterrupt: interrupted, or told to end.
    """
    snapshot = run_headless(_two_sweeps(book, interval_s, timeout_s, asks=asks))
    for notice in snapshot.notices:
        print(f"leptontui: {notice}", file=sys.stderr)
    try:
        print(json.dumps(document_of(snapshot)) if as_json else plain_report(snapshot), flush=True)
    except BrokenPipeError:
        discard_output()
    code = exit_code_of(snapshot)
    return code if code == CRITICAL or book.is_whole else UNKNOWN


def watch(book: Book, *, interval_s: float, asks: bool = False, options: WatchOptions | None = None) -> int:
    """Print one JSON document a line per interval until interrupted or until nobody reads any more.

    Args:
        book: the hosts.
        interval_s: time between two sweeps, and between two lines.
        asks: whether the user may be asked for passwords and passphrases.
        options: where it is recorded.

    Returns:
        0.

    Raises:
        LeptonError: the watch itself failed, or it cannot be recorded.
    """
    with recorded(options or WatchOptions()) as recording:
        try:
            run_headless(_print_each(book, interval_s, asks=asks, recording=recording))
        except KeyboardInterrupt:
            return 0
        except BrokenPipeError:
            discard_output()
    return 0


def run_headless(wanted: Coroutine[Any, Any, T]) -> T:
    """Run to the end; SIGTERM and a hang-up wind everything up as Ctrl-C does, so that no link stays behind."""
    log_to_file()

    async def until_told() -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 — it runs in one
        loop = asyncio.get_running_loop()
        wait_for_many(loop)
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, task.cancel)
        return await wanted

    try:
        return asyncio.run(until_told())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def discard_output() -> None:
    """Nobody reads any more: what is still buffered must not raise when the program ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Newest:
    """Keeps the newest snapshot and tells whoever waits."""

    def __init__(self) -> None:
        self._snapshots: asyncio.Queue[FleetSnapshot] = asyncio.Queue(maxsize=1)

    def take(self, snapshot: FleetSnapshot) -> None:
        """Keep `snapshot` in the place of one that nobody has taken yet."""
        if self._snapshots.full():
            self._snapshots.get_nowait()
        self._snapshots.put_nowait(snapshot)

    async def next(self) -> FleetSnapshot:
        """The newest snapshot that was not taken yet."""
        return await self._snapshots.get()


class _Sweeps:
    """Counts the sweeps of each host by the change of its receiving time."""

    def __init__(self) -> None:
        self._seen: dict[str, set[float]] = {}

    def are_enough(self, snapshot: FleetSnapshot) -> bool:
        """Whether every host was swept twice or is past hope."""
        hosts = snapshot.frames.hosts
        for host, received in zip(hosts["host"], hosts["received_unix_s"], strict=True):
            if received is not None:
                self._seen.setdefault(host, set()).add(received)
        return all(
            link.state is LinkState.REFUSED or len(self._seen.get(host, ())) >= SWEEPS_WANTED
            for host, link in snapshot.links.items()
        )


async def _two_sweeps(book: Book, interval_s: float, timeout_s: float, *, asks: bool) -> FleetSnapshot:
    async def until_enough(newest: _Newest) -> FleetSnapshot:
        sweeps = _Sweeps()
        snapshot = await newest.next()
        try:
            async with asyncio.timeout(timeout_s):
                while not (sweeps.are_enough(snapshot) and book.is_settled):
                    snapshot = await newest.next()
        except TimeoutError:
            return snapshot
        return snapshot

    return await _with_watch(book, interval_s, until_enough, asks=asks)


async def _print_each(book: Book, interval_s: float, *, asks: bool, recording: Recording | None) -> None:
    async def until_interrupted(newest: _Newest) -> FleetSnapshot:
        due = asyncio.get_running_loop().time() + interval_s
        while True:
            snapshot = await newest.next()
            now = asyncio.get_running_loop().time()
            if now >= due:
                due = max(due + interval_s, now)
                print(json.dumps(document_of(snapshot)), flush=True)

    await _with_watch(book, interval_s, until_interrupted, asks=asks, recording=recording, alert_use=AlertUse.LOOK)


async def _with_watch(
    book: Book,
    interval_s: float,
    use: Callable[[_Newest], Awaitable[FleetSnapshot]],
    *,
    asks: bool,
    recording: Recording | None = None,
    alert_use: AlertUse = AlertUse.NONE,
) -> FleetSnapshot:
    """Run `use` beside a watch; a failure of the watch ends both."""
    fleet = book.fleet()
    if too_few := allow_links(sum(not host.is_local for host in fleet.hosts)):
        print(f"leptontui: {too_few}", file=sys.stderr)
    newest = _Newest()
    fleet_watch = FleetWatch(
        fleet,
        interval_s=interval_s,
        can_act=False,
        has_forecasts=False,
        book=book,
        asker=TerminalAsker() if asks else None,
        recording=recording,
        options=WatchOptions(),
        alert_use=alert_use,
    )
    fleet_watch.subscribe(newest.take)
    return await beside(fleet_watch, use(newest))


async def beside(fleet_watch: FleetWatch, wanted: Awaitable[T]) -> T:
    """What is wanted, with the watch running beside it; a failure of the watch ends both.

    Raises:
        LeptonError: the watch failed.
    """
    running = asyncio.ensure_future(fleet_watch.run())
    using = asyncio.ensure_future(wanted)
    try:
        await asyncio.wait({running, using}, return_when=asyncio.FIRST_COMPLETED)
        failure = running.exception() if running.done() and not running.cancelled() else None
        if failure is not None:
            _LOG.error("the engine failed", exc_info=failure)
            raise LeptonError(f"the engine failed: {words_of(failure)}", "the log has more")
        return using.result()
    finally:
        using.cancel()
        await asyncio.gather(using, return_exceptions=True)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
