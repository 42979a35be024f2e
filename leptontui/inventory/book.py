"""The book of hosts: the inventory file and the last good answer of every source, and the one fleet they make."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from leptontui.config.assemble import assemble
from leptontui.config.choose import SSH_CONFIG, Choice, listed_fleet, narrowed, restricted, ssh_inventory, this_machine
from leptontui.config.found import Found
from leptontui.config.inventory import Inventory, read_inventory
from leptontui.config.problem import config_error
from leptontui.config.source import SourceSpec
from leptontui.errors import ConfigError
from leptontui.inventory.answer import Answer, NotAnswered
from leptontui.inventory.looking import Stamp, is_changed, stamp_of
from leptontui.inventory.source_files import read_source_files
from leptontui.model.target import Fleet

_FIRST_RETRY_S: Final = 10.0
_NAMES_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Reading:
    """The inventory file as read once.

    Attributes:
        inventory: what it says.
        stamp: what the file looked like before.
    """

    inventory: Inventory
    stamp: Stamp = None


@dataclass(slots=True)
class Page:
    """What is known of one source.

    Attributes:
        answer: its last good answer.
        answered_unix_s: when that was.
        trouble: why it could not be asked the last time, "" if it could.
        failures: how many times in a row.
        due_s: monotonic time from which it is asked again.
        seen: its files, as they looked when they were read last.
        is_settled: whether it answered or failed at least once.
    """

    answer: Answer | None = None
    answered_unix_s: float = 0.0
    trouble: str = ""
    failures: int = 0
    due_s: float = 0.0
    seen: Mapping[str, Stamp] | None = None
    is_settled: bool = False


class Book:
    """Keeps what is known of the hosts. Used by one thread or loop at a time.

    Args:
        choice: what the command line asks for.
        clock: unix seconds.
        monotonic: seconds.
    """

    def __init__(
        self,
        choice: Choice,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._choice = choice
        self._clock = clock
        self._monotonic = monotonic
        self._fixed: Fleet | None = None
        self._reading = Reading(Inventory(""))
        self._refusal = ""
        self._pages: dict[SourceSpec, Page] = {}

    @classmethod
    def open(cls, choice: Choice) -> Book:
        """Read what the command line names: the inventory and those of its sources that are files.

        Raises:
            ConfigError: with every problem found. What a source says wrongly is none: it is told as a notice.
        """
        book = cls(choice)
        if choice.inventory is not None:
            if choice.hosts is not None:
                listed_fleet(choice.hosts)  # for its problems
            book.take(book.reading())
        elif choice.ssh_hosts is not None:
            book.take(Reading(ssh_inventory(choice.ssh_hosts)))
        else:
            book._fixed = this_machine() if choice.hosts is None else listed_fleet(choice.hosts)
        for spec in book.sources:
            if not spec.is_asked:
                book._read_at_once(spec)
        book._refuse_missing()
        book._refuse_nobody()
        return book

    @property
    def sources(self) -> tuple[SourceSpec, ...]:
        """The sources that the inventory names."""
        return self._reading.inventory.sources

    @property
    def path(self) -> str:
        """The inventory file, "" if there is none."""
        return str(self._choice.inventory or "")

    @property
    def scope(self) -> str:
        """Which hosts are meant, in words that stay the same from run to run: what is kept of them is kept under it."""
        choice = self._choice
        named = str(choice.inventory.resolve()) if choice.inventory is not None else ""
        if choice.ssh_hosts is not None:
            named = f"~/.ssh/config: {choice.ssh_hosts}"
        return ": ".join(word for word in (named, choice.hosts) if word) or self.fleet().name

    @property
    def is_fixed(self) -> bool:
        """Whether nothing of it can change: there is no file to watch and no source to ask."""
        return self._choice.inventory is None and not self.sources

    @property
    def is_settled(self) -> bool:
        """Whether every source answered or failed at least once."""
        return all(self._pages[spec].is_settled for spec in self.sources)

    @property
    def is_whole(self) -> bool:
        """Whether every source answered the last time it was asked, and the file could be read."""
        return not self._refusal and all(
            page.is_settled and not page.trouble for page in map(self._pages.__getitem__, self.sources)
        )

    def page(self, spec: SourceSpec) -> Page:
        """What is known of a source."""
        return self._pages[spec]

    def reading(self) -> Reading:
        """Read the inventory file. Changes nothing here, so it may be called in a thread.

        Raises:
            ConfigError: with every problem found.
        """
        path = self._choice.inventory
        if path is None:
            return self._reading
        stamp = stamp_of(str(path))
        return Reading(read_inventory(path), stamp)

    def is_file_changed(self) -> bool:
        """Whether the inventory file looks different from when it was read last. Reads the disk."""
        path = self._choice.inventory
        return path is not None and stamp_of(str(path)) != self._reading.stamp

    def take(self, reading: Reading) -> None:
        """Go by this from now on. Sources that are the same as before keep their answers."""
        self._reading, self._refusal = reading, ""
        self._pages = {spec: self._pages.get(spec) or Page() for spec in reading.inventory.sources}

    def refuse(self, error: ConfigError, stamp: Stamp) -> None:
        """Keep what was read before, since the file as it looks now is wrong."""
        self._reading = Reading(self._reading.inventory, stamp)
        more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
        self._refusal = f"the changed inventory is not used: {error.problems[0]}{more}"

    def due(self) -> list[SourceSpec]:
        """The sources that are to be asked now. Reads the disk, changes nothing."""
        now = self._monotonic()
        return [spec for spec, page in list(self._pages.items()) if now >= page.due_s or _is_stale(page)]

    def keep(self, spec: SourceSpec, answer: Answer) -> None:
        """Take a source's answer. One that names no host any more is taken for a failure of the source."""
        page = self._pages.get(spec)
        if page is None:  # the inventory was changed meanwhile
            return
        if answer.is_asked and not answer.found.hosts and page.answer is not None and page.answer.found.hosts:
            self.fail(spec, NotAnswered("it names no host any more", "restart leptontui if that is true"))
            return
        page.answer, page.answered_unix_s, page.seen = answer, self._clock(), answer.seen
        page.trouble, page.failures, page.is_settled = "", 0, True
        page.due_s = self._monotonic() + (spec.refresh_s if answer.is_asked else math.inf)

    def fail(self, spec: SourceSpec, error: NotAnswered) -> None:
        """Note that a source could not be asked; what it said last stays."""
        page = self._pages.get(spec)
        if page is None:
            return
        page.trouble, page.is_settled = str(error), True
        page.failures += 1
        if error.seen:
            page.seen = error.seen
        page.due_s = self._monotonic() + min(spec.refresh_s, _FIRST_RETRY_S * 2 ** min(page.failures - 1, 6))

    def fleet(self) -> Fleet:
        """The fleet as it is known now.

        Raises:
            ConfigError: the sources name more hosts than a fleet may have.
        """
        if self._fixed is not None:
            return self._with_passwords(self._fixed)
        fleet = self._whole_fleet()
        if self._choice.hosts is not None:
            fleet, _ = narrowed(fleet, self._choice.hosts)
        return self._with_passwords(fleet)

    def notices(self) -> dict[str, str]:
        """What the user should know, by whom it is of."""
        said = {"inventory": self._refusal} if self._refusal else {}
        for spec, page in self._pages.items():
            name = f"source {spec.where} {spec.title}"
            if page.trouble:
                said[name] = f"{spec.title}: {page.trouble}{self._kept(page)}"
            elif page.answer is not None and page.answer.found.notes:
                said[name] = f"{spec.title}: {'; '.join(page.answer.found.notes)}"
        if self._fixed is None and self._choice.hosts is not None and self.is_settled:
            _, missing = narrowed(self._whole_fleet(), self._choice.hosts)
            if missing:
                more = f" and {len(missing) - _NAMES_SHOWN} more" if len(missing) > _NAMES_SHOWN else ""
                said["hosts"] = f"--hosts: not in the inventory: {', '.join(missing[:_NAMES_SHOWN])}{more}"
        return said

    def _whole_fleet(self) -> Fleet:
        inventory = self._reading.inventory
        asked = [(spec, self._found(spec)) for spec in inventory.sources]
        return assemble(inventory.name, inventory.groups, asked, inventory.labels)

    def _found(self, spec: SourceSpec) -> Found:
        answer = self._pages[spec].answer
        return Found() if answer is None else answer.found

    def _kept(self, page: Page) -> str:
        if page.answer is None:
            return ""
        when = time.strftime("%H:%M", time.localtime(page.answered_unix_s))
        count = len(page.answer.found.hosts)
        return f"; keeping the {count} {'host' if count == 1 else 'hosts'} of {when}"

    def _with_passwords(self, fleet: Fleet) -> Fleet:
        if not self._choice.asks_password:
            return fleet
        return replace(
            fleet,
            hosts=tuple(replace(host, asks_password=True) for host in fleet.hosts),
            controllers={name: replace(host, asks_password=True) for name, host in fleet.controllers.items()},
        )

    def _read_at_once(self, spec: SourceSpec) -> None:
        try:
            answer = read_source_files(spec)
        except NotAnswered as error:
            self.fail(spec, error)
        else:
            if answer is not None:
                self.keep(spec, answer)

    def _refuse_missing(self) -> None:
        """Where all is known already, a name that is not in the inventory is a slip of the keyboard."""
        hosts, inventory = self._choice.hosts, self._choice.inventory
        if hosts is not None and inventory is not None and self.is_settled:
            _, problems = restricted(self._whole_fleet(), hosts, str(inventory))
            if problems:
                raise config_error(problems)

    def _refuse_nobody(self) -> None:
        """A fleet of nobody is no fleet, unless somebody is still to be asked."""
        if self.fleet().hosts or not self.is_settled:
            return
        if self._choice.ssh_hosts is not None and self.is_whole:
            raise ConfigError([f"--ssh-hosts: no host that {SSH_CONFIG} names matches '{self._choice.ssh_hosts}'"])
        raise ConfigError(list(self.notices().values()) or [f"{self.path}: its sources name no host"])


def _is_stale(page: Page) -> bool:
    return page.seen is not None and is_changed(dict(page.seen))
