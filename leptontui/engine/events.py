"""What hosts push: cleaned, dated by our own clock, told once, and bounded for each host as for all of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from leptontui.engine.host_log import EVENTS_OF_A_HOST, HUNG_S, HostLog, Kept
from leptontui.health.circumstances import Circumstances, Dropped
from leptontui.health.events import DRIVER_ANSWERS, DRIVER_HUNG, is_protected
from leptontui.model.health import HostEvent
from leptontui.model.text import plain
from leptontui.wire import Event, Hello, Received, Sweep

__all__ = ["EVENTS_KEPT", "EVENTS_OF_A_HOST", "EventLog", "event_of"]

EVENTS_KEPT: Final = 500

_NAME_LIMIT, _UUID_LIMIT, _TEXT_LIMIT = 40, 200, 300
_GREATEST_CODE: Final = (1 << 31) - 1


class EventLog:
    """The newest events of the fleet, and which of them still count.

    A host that pushes without end pushes out its own events, not those of the others, and of its own first those that
    are not critical.
    """

    def __init__(self) -> None:
        self._hosts: dict[str, HostLog] = {}
        self._newest: dict[int, HostEvent] = {}
        self._number = 0
        self._current: tuple[HostEvent, ...] | None = None

    @property
    def newest(self) -> tuple[HostEvent, ...]:
        """What is kept, newest last."""
        return tuple(self._newest.values())

    @property
    def current(self) -> tuple[HostEvent, ...]:
        """What happened since each host booted, and, as far as GPUs go, since its driver was loaded; oldest first."""
        if self._current is None:
            found = sorted((kept for log in self._hosts.values() for kept in log.current()), key=lambda kept: kept[0])
            self._current = tuple(event for _, event in found)
        return self._current

    @property
    def circumstances(self) -> Circumstances:
        """What health has to know of events besides those of `current`."""
        dropped: dict[tuple[str, str, int | None, str | None], Dropped] = {}
        inspect: set[tuple[str, int]] = set()
        for host, log in self._hosts.items():
            dropped.update({(host, *kind): said for kind, said in log.dropped.items()})
            inspect.update((host, code) for code in log.inspect)
        hung = frozenset(host for host, log in self._hosts.items() if log.is_hung)
        silent = frozenset(host for host, log in self._hosts.items() if log.is_silent)
        return Circumstances(dropped=dropped, inspect=frozenset(inspect), hung=hung, silent=silent)

    def greet(self, host: str, hello: Hello, now_unix_s: float) -> None:
        """Take a hello: a link was made, and perhaps the host has booted or its driver was loaded anew."""
        self._log(host).greet(hello.boot_id, hello.driver_version, now_unix_s)
        self._current = None

    def heard(self, host: str, sweep: Sweep, now_unix_s: float) -> None:
        """Take a live sweep: it tells, too, whether the driver hangs, and that is logged if no event said so."""
        log = self._log(host)
        is_hung, silent_s = log.is_hung, log.silent_s(sweep)
        if silent_s is not None and silent_s >= HUNG_S and not is_hung:
            self.add(HostEvent(host, now_unix_s, DRIVER_HUNG, None, None, "the GPU driver does not answer"))
        elif is_hung and log.has_answered(sweep):
            self.add(HostEvent(host, now_unix_s, DRIVER_ANSWERS, None, None, "GPUs are read again"))

    def is_hung(self, host: str) -> bool:
        """Whether the driver of `host` hangs, as far as was said."""
        log = self._hosts.get(host)
        return log is not None and log.is_hung

    def add(self, event: HostEvent) -> bool:
        """Keep one more.

        Returns:
            False if it was known: a probe that is started anew tells again what happened before.
        """
        log = self._log(event.host)
        if not log.is_news(event):
            return False
        self._number += 1
        kept: Kept = (self._number, event)
        for number, _ in log.keep(kept):
            self._newest.pop(number, None)
        self._newest[self._number] = event
        if len(self._newest) > EVENTS_KEPT:
            first = next((number for number, old in self._newest.items() if not is_protected(old)), None)
            del self._newest[next(iter(self._newest)) if first is None else first]
        self._current = None
        return True

    def forget(self, hosts: Collection[str]) -> None:
        """Forget everything about some hosts."""
        for host in hosts:
            self._hosts.pop(host, None)
        self._newest = {number: event for number, event in self._newest.items() if event.host not in hosts}
        self._current = None

    def _log(self, host: str) -> HostLog:
        log = self._hosts.get(host)
        if log is None:
            log = self._hosts[host] = HostLog()
        return log


def event_of(received: Received, event: Event, clock_offset_s: float) -> HostEvent:
    """The event fit for a screen, by our own clock.

    A host whose clock is an hour behind must not hide what happens on it, and nothing happens after we heard of it.

    Args:
        received: whose it is and when it came.
        event: what the host said; any of it may be absurd.
        clock_offset_s: how far the host's clock is ahead of ours.
    """
    return HostEvent(
        host=received.host,
        t_unix_s=max(0.0, min(event.t_unix_s - clock_offset_s, received.t_unix_s)),
        name=plain(event.name, _NAME_LIMIT),
        gpu_uuid=_plain(event.gpu_uuid),
        code=event.code if event.code is not None and 0 <= event.code <= _GREATEST_CODE else None,
        text=plain(event.text, _TEXT_LIMIT),
        is_backlog=event.is_backlog,
        pci_bus_id=_plain(event.pci_bus_id),
    )


def _plain(text: str | None) -> str | None:
    return None if text is None else plain(text, _UUID_LIMIT)
