"""The events of one host: which are news, which are kept, and which still count."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Final

from leptontui.health.circumstances import Dropped
from leptontui.health.events import DRIVER_ANSWERS, DRIVER_HUNG, OF_THE_DRIVER, XID, is_protected
from leptontui.health.xid import xid_verdict
from leptontui.model.health import HostEvent
from leptontui.wire import Sweep

EVENTS_OF_A_HOST: Final = 50
"""How many events of one host are kept."""
KNOWN_OF_A_HOST: Final = 256
"""How many events of one host are recognised when they are told again."""
SAME_S: Final = 10.0
"""Own choice: how far apart two tellings of one event may be. The clocks' difference is measured anew by every link,
by when its first line came, which may be seconds late where a thousand hosts are dialled at once."""
REBOOTS: Final = 2
REBOOTS_WITHIN_S: Final = 3 * 86400.0
"""gpud: a code that still asks for a reboot after two reboots within three days is for hardware inspection."""
HUNG_S: Final = 8.0
"""Own choice: a driver that sweeps call silent for so long hangs, if the probe has not said so after its own limit of
5 s; two seconds less than the ten within which a hang has to be told."""
UNLOADED_SWEEPS: Final = 3
"""So many sweeps that neither list a GPU nor call the driver hung end a hang: it was unloaded."""
_CODES_REMEMBERED: Final = 32
_DROPPED_KINDS: Final = 64

Kept = tuple[int, HostEvent]
"""An event with its number: it grows with every event of the fleet."""
Kind = tuple[str, int | None, str | None]
"""What makes events alike: name, code, and the GPU's uuid."""
Said = tuple[str, int | None, str]
"""By what an event is recognised besides its time and its GPU: an Xid by its number, all else by its text."""
_LOGGED: Final = "NVRM"
"""Stands in what the kernel's log tells of an Xid, and in nothing that NVML tells."""


@dataclass(slots=True)
class _Known:
    """An event that was told, in which link's time it was told last, and whether log and driver both told it."""

    event: HostEvent
    said: Said
    link: int
    is_paired: bool = False


@dataclass(slots=True)
class HostLog:
    """The events of one host, bounded, whatever it says.

    Attributes:
        dropped: of each kind, how many are not kept any more, though they were counted.
    """

    dropped: dict[Kind, Dropped] = field(default_factory=dict)
    _kept: dict[Kind, deque[tuple[int, HostEvent, int, int]]] = field(default_factory=dict)
    _count: int = 0
    _known: deque[_Known] = field(default_factory=deque)
    _said: defaultdict[Said, list[_Known]] = field(default_factory=lambda: defaultdict(list))
    _forgotten_until: float = float("-inf")
    _links: int = 0
    _boot: int = 0
    _driver: int = 0
    _boot_id: str | None = None
    _driver_version: str | None = None
    _is_hung: bool = False
    _well_sweeps: int = 0
    _silent_since_s: float | None = None
    _asked: defaultdict[int, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))

    @property
    def is_hung(self) -> bool:
        """Whether the driver hangs: from the event that says so until one that says that it answers, or a boot."""
        return self._is_hung

    @property
    def inspect(self) -> list[int]:
        """Xids that asked for a reboot before each of the last reboots, and ask for one again."""
        found = []
        for code, asked in self._asked.items():
            newest = max(when for _, when in asked)
            boots = {boot for boot, when in asked if when >= newest - REBOOTS_WITHIN_S}
            if self._boot in boots and len(boots) > REBOOTS:
                found.append(code)
        return found

    def greet(self, boot_id: str | None, driver_version: str | None, now_unix_s: float) -> None:
        """Take what a hello says: a new link, perhaps a new boot or driver."""
        self._links += 1
        if boot_id is not None and self._boot_id is not None and boot_id != self._boot_id:
            self._boot += 1
            self._is_hung, self._silent_since_s = False, None
            self._known.clear()
            self._said.clear()
            self._forgotten_until = float("-inf")
            self.dropped.clear()
        elif driver_version and self._driver_version and driver_version != self._driver_version:
            self._driver += 1
            self._is_hung = False
        self._boot_id = boot_id or self._boot_id
        self._driver_version = driver_version or self._driver_version
        oldest = now_unix_s - REBOOTS_WITHIN_S
        for code in [code for code, asked in self._asked.items() if all(when < oldest for _, when in asked)]:
            del self._asked[code]

    @property
    def is_silent(self) -> bool:
        """Whether the driver did not answer when it was asked last; it may only be slow."""
        return self._silent_since_s is not None

    def silent_s(self, sweep: Sweep) -> float | None:
        """For how long the driver has not answered, as sweeps tell by the host's clock; None if it has."""
        if not sweep.is_driver_hung:
            self._silent_since_s = None
            return None
        if self._silent_since_s is None:
            self._silent_since_s = sweep.t_mono_s
        return sweep.t_mono_s - self._silent_since_s

    def has_answered(self, sweep: Sweep) -> bool:
        """Whether a sweep shows that the driver does not hang any more: GPUs are read, or it was unloaded."""
        self._well_sweeps = 0 if sweep.is_driver_hung else self._well_sweeps + 1
        return self._well_sweeps > 0 and (bool(sweep.gpus) or self._well_sweeps >= UNLOADED_SWEEPS)

    def is_news(self, event: HostEvent) -> bool:
        """Whether an event is not one told before.

        What a probe pushes the moment it happens is news, however like the last one it is; what it found in the log
        when it was started is not if it was told by an earlier one; and what the log tells of an Xid is not if NVML
        told it, nor the other way round. Each that was told answers for one of these. A state that is told again, by a
        probe started anew, has not begun again.
        """
        if event.name in {DRIVER_HUNG, DRIVER_ANSWERS}:
            return self._is_hung is not (event.name == DRIVER_HUNG)
        is_xid = event.name == XID and event.code is not None
        said = (event.name, event.code, "" if is_xid else event.text)
        for known in self._said.get(said, ()):
            if not _may_be_one(known.event, event):
                continue
            if event.is_backlog and known.link != self._links:
                known.link = self._links
                return False
            if is_xid and not known.is_paired and _is_logged(known.event) is not _is_logged(event):
                known.is_paired = True
                return False
        if event.is_backlog and event.t_unix_s <= self._forgotten_until:
            return False
        self._know(_Known(event, said, self._links))
        return True

    def keep(self, kept: Kept) -> list[Kept]:
        """Keep one event.

        Returns:
            those that are not kept any more for it.
        """
        number, event = kept
        kind = (event.name, event.code, event.gpu_uuid)
        self._kept.setdefault(kind, deque()).append((number, event, self._boot, self._driver))
        self._count += 1
        if event.name in {DRIVER_HUNG, DRIVER_ANSWERS}:
            self._is_hung = event.name == DRIVER_HUNG
            self._well_sweeps = 0
        if event.name == XID and event.code is not None and xid_verdict(event.code).is_reboot:
            self._ask(event.code, event.t_unix_s)
        return [self._drop()] if self._count > EVENTS_OF_A_HOST else []

    def current(self) -> list[Kept]:
        """Events since the host booted and, of those that concern the driver, since that was loaded."""
        return [
            (number, event)
            for events in self._kept.values()
            for number, event, boot, driver in events
            if boot == self._boot and (driver == self._driver or event.name not in OF_THE_DRIVER)
        ]

    def _know(self, known: _Known) -> None:
        self._known.append(known)
        self._said[known.said].append(known)
        if len(self._known) > KNOWN_OF_A_HOST:
            oldest = self._known.popleft()
            alike = self._said[oldest.said]
            alike.remove(oldest)
            if not alike:
                del self._said[oldest.said]
            self._forgotten_until = max(self._forgotten_until, oldest.event.t_unix_s)

    def _drop(self) -> Kept:
        """Drop the oldest of what there is most of; what is critical only if nothing else is left."""
        kind = max(self._kept, key=lambda kind: (not is_protected(self._kept[kind][0][1]), len(self._kept[kind])))
        events = self._kept[kind]
        number, event, _, _ = events.popleft()
        if not events:
            del self._kept[kind]
        self._count -= 1
        before = self.dropped.pop(kind, None)
        self.dropped[kind] = Dropped((before.count if before else 0) + 1, event.t_unix_s)
        if len(self.dropped) > _DROPPED_KINDS:
            del self.dropped[next(iter(self.dropped))]
        return number, event

    def _ask(self, code: int, t_unix_s: float) -> None:
        asked = self._asked[code]
        if not asked or asked[-1][0] != self._boot:
            asked.append((self._boot, t_unix_s))
            del asked[: -2 * REBOOTS - 1]
        if len(self._asked) > _CODES_REMEMBERED:
            del self._asked[next(iter(self._asked))]


def _may_be_one(known: HostEvent, event: HostEvent) -> bool:
    """Whether two tellings may be of one event: about the same time, and no two GPUs."""
    uuids = {known.gpu_uuid, event.gpu_uuid} - {None}
    places = {known.pci_bus_id, event.pci_bus_id} - {None}
    is_one_gpu = len(uuids) <= 1 and (len(places) <= 1 or len(uuids) == 1)
    return is_one_gpu and abs(known.t_unix_s - event.t_unix_s) <= SAME_S


def _is_logged(event: HostEvent) -> bool:
    return _LOGGED in event.text
