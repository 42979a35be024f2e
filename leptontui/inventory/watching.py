"""Watches an inventory: re-reads what changed, asks sources when they are due, and tells of every change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from leptontui.config.source import SourceSpec
from leptontui.errors import ConfigError
from leptontui.inventory.answer import NotAnswered
from leptontui.inventory.asking import Connect, ask
from leptontui.inventory.book import Book
from leptontui.inventory.looking import stamp_of
from leptontui.model.target import Fleet

_LOG = logging.getLogger(__name__)

POLL_S: Final = 2.0
"""Seconds between two looks at the files."""

Told = tuple[object, ...]


class InventoryWatch:
    """Keeps a fleet up to date with its inventory. Lives on the loop that runs `run`; disks are read in threads.

    Args:
        book: what is known so far.
        connect: makes the way to a controller, or to this machine; what it made is not closed here.
        apply: called with the new fleet whenever anything of it changed.
        notify: called with what the user should know, one text for each key; None takes it back.
        poll_s: see `POLL_S`.

    Attributes:
        settled: set once every source answered or failed.
    """

    def __init__(
        self,
        book: Book,
        connect: Connect,
        *,
        apply: Callable[[Fleet], None],
        notify: Callable[[str, str | None], None],
        poll_s: float = POLL_S,
    ) -> None:
        self.settled = asyncio.Event()
        self._book = book
        self._connect = connect
        self._apply = apply
        self._notify = notify
        self._poll_s = poll_s
        self._asking: dict[SourceSpec, asyncio.Task[None]] = {}
        self._told = _told(book.fleet())
        self._notices: dict[str, str] = {}
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Watch until cancelled."""
        await self._tell()
        if self._book.is_fixed:
            return
        try:
            while True:
                await self.look()
                await asyncio.sleep(self._poll_s)
        finally:
            tasks = list(self._asking.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def look(self) -> None:
        """Look once: at the inventory file, then at the sources. Does not wait for the sources' answers."""
        if await asyncio.to_thread(self._book.is_file_changed):
            await self._read_again()
        for spec in await asyncio.to_thread(self._book.due):
            if spec not in self._asking:
                self._asking[spec] = asyncio.create_task(self._ask(spec), name=f"inventory: {spec.title}")

    async def answered(self) -> None:
        """Wait until nothing is being asked."""
        while self._asking:
            await asyncio.wait(list(self._asking.values()))

    async def _read_again(self) -> None:
        path = self._book.path
        stamp = await asyncio.to_thread(stamp_of, path) if path else None
        try:
            reading = await asyncio.to_thread(self._book.reading)
        except ConfigError as error:
            _LOG.warning("inventory refused: %s", "; ".join(error.problems))
            refusal = error
            await self._change(lambda: self._book.refuse(refusal, stamp))
        else:
            await self._change(lambda: self._book.take(reading))

    async def _ask(self, spec: SourceSpec) -> None:
        failure: NotAnswered
        try:
            answer = await ask(spec, self._connect)
        except NotAnswered as error:
            _LOG.warning("%s: %s", spec.title, error)
            failure = error
            await self._change(lambda: self._book.fail(spec, failure))
        except Exception as error:  # noqa: BLE001 — a task's boundary: one source must not end the others
            _LOG.exception("%s failed", spec.title)
            failure = NotAnswered(f"failed: {type(error).__name__}", "the log has more")
            await self._change(lambda: self._book.fail(spec, failure))
        else:
            await self._change(lambda: self._book.keep(spec, answer))
        finally:
            del self._asking[spec]

    async def _change(self, change: Callable[[], None]) -> None:
        """Change the book and tell of it; one change at a time, since a thread reads the book meanwhile."""
        async with self._turn:
            change()
            await self._tell()

    async def _tell(self) -> None:
        # Ten thousand hosts take a second: not on the loop that all links share.
        fleet, told, notices = await asyncio.to_thread(self._composed)
        if fleet is not None and told != self._told:
            self._told = told
            self._apply(fleet)
        for key in self._notices.keys() - notices.keys():
            self._notify(key, None)
        for key, text in notices.items():
            if self._notices.get(key) != text:
                self._notify(key, text)
        self._notices = notices
        if self._book.is_settled:
            self.settled.set()

    def _composed(self) -> tuple[Fleet | None, Told, dict[str, str]]:
        """What the book comes to: the fleet, if it is one, and the notices."""
        notices = self._book.notices()
        try:
            fleet = self._book.fleet()
        except ConfigError as error:
            notices["fleet"] = f"the changed inventory is not used: {error.problems[0]}"
            return None, (), notices
        return fleet, _told(fleet), notices


def _told(fleet: Fleet) -> Told:
    """Everything of a fleet that can be seen; targets alone compare only what matters to their link."""
    hosts = tuple((host, host.origin, host.partitions, host.node_state, host.labels) for host in fleet.hosts)
    return fleet.name, hosts, tuple(fleet.controllers.items())
