"""Interactive use: the app on the main thread, the engine on a thread of its own, joined by ports."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from leptontui.engine.thread import EngineThread, Watch
from leptontui.engine.threaded_ports import ThreadedAccess, ThreadedAlerts, ThreadedCommands
from leptontui.errors import LeptonError
from leptontui.model.target import Fleet
from leptontui.ui.app import LeptonApp
from leptontui.wiring.files import allow_links
from leptontui.wiring.first_run import how_to_add_hosts
from leptontui.wiring.log import log_to_file
from leptontui.wiring.options import AlertUse, WatchOptions
from leptontui.wiring.recording import recorded

if TYPE_CHECKING:
    from leptontui.inventory.book import Book
    from leptontui.ports import CommandPort
    from leptontui.store.recorder import Recording

LEAVE_LIMIT_S = 3.0
"""So long the screen is given to close after a signal; it takes a tenth of that."""


def show(
    fleet: Fleet,
    *,
    interval_s: float,
    theme: str | None,
    is_wallboard: bool,
    can_act: bool,
    book: Book | None = None,
    options: WatchOptions | None = None,
) -> int:
    """Show a fleet until the user leaves.

    Args:
        fleet: the hosts as they are known so far.
        interval_s: time between two sweeps of a host.
        theme: name of a theme; None for the default.
        is_wallboard: show the wallboard instead of the fleet.
        can_act: whether there is a command port.
        book: where the hosts come from, if that may change.
        options: how it is watched.

    Returns:
        The exit code: 0, or what the app ended with.

    Raises:
        LeptonError: there is no terminal, or it cannot be recorded. Without the first a screen that nobody sees would
            go on for ever.
    """
    if not all(stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__)):
        raise LeptonError("no terminal to show the fleet on: see leptontui check --json and leptontui watch --json")
    chosen = options or WatchOptions()
    with recorded(chosen) as recording:
        return _show(
            fleet,
            interval_s=interval_s,
            theme=theme,
            is_wallboard=is_wallboard,
            can_act=can_act,
            book=book,
            options=chosen,
            recording=recording,
        )


def _show(
    fleet: Fleet,
    *,
    interval_s: float,
    theme: str | None,
    is_wallboard: bool,
    can_act: bool,
    book: Book | None,
    options: WatchOptions,
    recording: Recording | None,
) -> int:
    log_to_file()

    def build() -> Watch:
        from leptontui.wiring.watch import FleetWatch

        return FleetWatch(
            fleet,
            interval_s=interval_s,
            can_act=can_act,
            has_forecasts=options.has_forecasts,
            book=book,
            has_access=not is_wallboard,
            options=options,
            recording=recording,
            alert_use=AlertUse.LOOK if is_wallboard else AlertUse.FULL,
        )

    def failed(words: str) -> None:
        app.engine_failed(words)

    thread = EngineThread(build, failed)
    commands: CommandPort | None = ThreadedCommands(thread) if can_act else None
    app = LeptonApp(
        thread,
        commands,
        access=ThreadedAccess(thread),
        alerts=ThreadedAlerts(thread) if can_act else None,
        fleet=fleet,
        theme=theme,
        is_wallboard=is_wallboard,
        notice=_notice(fleet, book),
    )
    app.call_after_first_paint(thread.start)

    _leave_when_told(app, thread)
    try:
        app.run()
    finally:
        thread.stop()
    return app.return_code or 0


def _notice(fleet: Fleet, book: Book | None) -> str:
    """What to tell the user at the start; "" for nothing."""
    remote = sum(not host.is_local for host in fleet.hosts)
    is_alone = not remote and (book is None or book.is_fixed)
    return how_to_add_hosts() if is_alone else allow_links(remote)


def _leave_when_told(app: LeptonApp, thread: EngineThread) -> None:
    """On a signal give the terminal back, close the links, and let a simulated fleet end."""

    def leave(*_: object) -> None:
        app.exit(return_code=0)
        threading.Thread(target=_end_at_last, args=(thread,), name="leaving", daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def _end_at_last(thread: EngineThread) -> None:
    """End the process if it has not ended by itself: Textual can wait for ever for a terminal that is gone."""
    time.sleep(LEAVE_LIMIT_S)
    thread.stop()
    os._exit(1)
