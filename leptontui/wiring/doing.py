"""What commands that act without a screen have in common: a watch beside them, ready hosts, interrupts, exit codes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, TextIO, TypeVar

from leptontui.config.policy import read_policies
from leptontui.errors import ConfigError, GuardRefused
from leptontui.inventory.book import Book
from leptontui.model.activity import TargetState
from leptontui.model.link import LinkState
from leptontui.model.target import Fleet, HostTarget
from leptontui.model.text import plain
from leptontui.ports import CommandPort
from leptontui.wiring.files import allow_links
from leptontui.wiring.headless import beside
from leptontui.wiring.options import WatchOptions
from leptontui.wiring.terminal import TerminalAsker
from leptontui.wiring.watch import FleetWatch

DONE, FAILED, NOT_VERIFIED, NOT_PLANNED, REFUSED, UNKNOWN = 0, 1, 2, 3, 4, 5
"""Exit codes; 3 is also that of a wrong command line or configuration."""

INTERRUPTED: Final = 130
"""What was begun ended well, and the rest was left because the user wanted it to stop."""

CODES: Final = {
    TargetState.VERIFIED: DONE,
    TargetState.FAILED: FAILED,
    TargetState.NOT_VERIFIED: NOT_VERIFIED,
    TargetState.REFUSED: REFUSED,
    TargetState.UNKNOWN: UNKNOWN,
    TargetState.RUNNING: UNKNOWN,
}
"""By how a target or step ended; one that was left out says nothing."""

ONCE_MORE: Final = "what was begun is brought to its end; once more leaves at once"

_GRAVITY: Final = (UNKNOWN, FAILED, NOT_VERIFIED, REFUSED, NOT_PLANNED, DONE)
_POLL_S: Final = 0.1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Doing:
    """How a command that acts is carried out.

    Attributes:
        is_dry: only say what would be done.
        count: how many the user says it is; None if nothing is said, and then nothing is done.
        override: why rules that may be overridden are set aside; "" sets none aside.
        as_json: print one JSON document at the end instead of lines.
        timeout_s: how long to wait for links.
        interval_s: time between two sweeps.
        asks: whether hosts may ask for passwords and codes.
        is_read_only: the command line says that nothing is to be done.
    """

    is_dry: bool
    count: int | None
    override: str = ""
    as_json: bool = False
    timeout_s: float = 30.0
    interval_s: float = 1.0
    asks: bool = False
    is_read_only: bool = False


def worst(codes: Sequence[int]) -> int:
    """The exit code that matters most: what is unknown before what failed, what failed before what was not done."""
    return min(codes, key=_GRAVITY.index, default=DONE)


class Stop:
    """Ctrl-C, SIGTERM and a hang-up: the first ends what was begun in order, the second at once.

    Attributes:
        is_wanted: whether it was asked for.
    """

    def __init__(self) -> None:
        self.is_wanted = False
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._heard)

    def _heard(self) -> None:
        if self.is_wanted and self._task is not None:
            self._task.cancel()
        self.is_wanted = True


def say(text: str) -> None:
    """Print lines now, fit for a terminal. An action is not broken off because nobody reads any more."""
    try:
        print("\n".join(_shown(line) for line in text.split("\n")), flush=True)
    except OSError:  # a reader that is gone, or a terminal that hung up
        _discard(sys.stdout)


def complain(text: str) -> None:
    """Print a line where errors go, fit for a terminal."""
    try:
        print(f"leptontui: {_shown(text)}", file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    """Let all further output of a stream go nowhere."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _shown(line: str) -> str:
    return line if line.isprintable() else plain(line, 2000)


async def with_port(book: Book, doing: Doing, use: Callable[[CommandPort, FleetWatch], Awaitable[T]]) -> T:
    """Run `use` with the port to act through, beside a watch of the fleet.

    Raises:
        GuardRefused: nothing may be done from this machine, or by this command line.
        LeptonError: the watch failed; and what `use` raises.
    """
    if doing.is_read_only:
        raise GuardRefused("read-only", "this command line says --read-only", "leave it out")
    fleet = book.fleet()
    if too_few := allow_links(sum(not host.is_local for host in fleet.hosts)):
        complain(too_few)
    can_ask = doing.asks or (sys.stdin.isatty() and sys.stderr.isatty())
    watch = FleetWatch(
        fleet,
        interval_s=doing.interval_s,
        can_act=True,
        has_forecasts=False,
        book=book,
        asker=TerminalAsker() if can_ask else None,
        options=WatchOptions(),
    )
    port = watch.commands
    if port is None:
        raise GuardRefused("policy-read-only", read_policies().notice or "nothing may be done from this machine")
    return await beside(watch, use(port, watch))


async def settled(
    watch: FleetWatch, book: Book, names: Sequence[str], timeout_s: float, *, is_whole: bool = False
) -> None:
    """Wait until the sources of hosts have answered, and the hosts named, and those reached the same way, are decided.

    Args:
        watch: the running watch.
        book: its hosts.
        names: which hosts are meant.
        timeout_s: then it goes on with what is known: the guard says what is missing.
        is_whole: wait for every host: what takes one out of service has to know how many are lost.
    """
    try:
        async with asyncio.timeout(timeout_s):
            while not book.is_settled:  # noqa: ASYNC110 — nobody tells
                await asyncio.sleep(_POLL_S)
            meant = set(names)
            ways = {_way(host) for host in watch.fleet.hosts if host.name in meant}
            around = [host.name for host in watch.fleet.hosts if is_whole or host.name in meant or _way(host) in ways]
            while not all(_is_decided(watch, name, is_swept=name in meant) for name in around):  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        return


def _way(host: HostTarget) -> str:
    return f"jump {host.jump}" if host.jump else f"group {host.group}"


def _is_decided(watch: FleetWatch, name: str, *, is_swept: bool) -> bool:
    link = watch.link_of(name)
    if link is None or link.state is LinkState.DIALING:
        return False
    return link.state is not LinkState.LIVE or not is_swept or watch.age_s_of(name) is not None


def known_hosts(fleet: Fleet, names: Sequence[str]) -> tuple[str, ...]:
    """The names, all of them hosts of the fleet.

    Raises:
        ConfigError: one is not.
    """
    from leptontui.config.problem import did_you_mean

    known = [host.name for host in fleet.hosts]
    missing = [name for name in names if fleet.host(name) is None]
    if missing:
        raise ConfigError(
            [f"{plain(name, 60)} is not in the inventory" for name in missing[:5]],
            did_you_mean(missing[0], known) or "leptontui hosts lists what is",
        )
    return tuple(names)
