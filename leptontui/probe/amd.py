"""All AMD GPUs of a host through sysfs: found by themselves, none waits for another, and a lost one is told."""

import os
import time

from .amd_card import Card
from .amd_parsing import is_pci_address
from .amd_uses import Uses
from .files import read_or_none
from .parsing import clean_or_none
from .patrol import Patrol

LIMIT_S = 5.0
"""How long the files of one GPU may take; longer is a hang."""
SCAN_S = 5.0
"""How often is looked for GPUs that came or went."""
SCAN_NONE_S = 60.0
"""The same where there are none."""
USES_S = 2.0
WAIT_S = 0.25
"""How long a sweep waits for the readings it has asked for."""
MOST_CARDS = 64
_AMD = b"0x1002"
_DISPLAY = b"0x03"
_PROCESSING = b"0x12"
_USES = "uses"


class AmdGpus:
    """The AMD GPUs.

    Args:
        sys, proc: where those are.
        wake: called, in another thread, when something has been read; None for nothing.
        limit_s: how long one GPU may take.

    Attributes:
        version: grows by one when the identities have changed.
        driver_version: amdgpu's, where it is not the kernel's own; None otherwise.
        gaps: {what: why} of what cannot be read.
    """

    def __init__(self, sys="/sys", proc="/proc", wake=None, limit_s=LIMIT_S):
        self._drm = sys + "/class/drm"
        self._limit_s = limit_s
        self._cards = {}
        self._known = {}
        self._lost = set()
        self._events = []
        self._scan_due = 0.0
        self._uses_due = 0.0
        self._now = 0.0
        self._details = {}
        self._uses = Uses(sys, proc)
        self._patrol = Patrol(self._visit, limit_s, wake)
        self._uses_patrol = Patrol(lambda _: self._uses.read(time.monotonic()), limit_s, wake)
        self._hung = frozenset()
        self.version = 0
        self.driver_version = clean_or_none(read_or_none(sys + "/module/amdgpu/version"), 64)
        self.gaps = {}

    @property
    def identities(self):
        """The wire's `GpuIdentity` of each GPU seen so far, as dicts, in order of PCI address."""
        return [dict(self._known[address], index=index) for index, address in enumerate(sorted(self._known))]

    @property
    def is_hung(self):
        """Whether a GPU's files do not answer."""
        return bool(self._hung)

    def events(self):
        """What happened since the last call, as `Driver.events` tells it: [(name, text, gpu uuid, None)]."""
        events, self._events = self._events, []
        return events

    def read(self, now):
        """(readings, details, uses): the wire's `GpuReading`, `GpuDetails` and `GpuProcess`, as dicts.

        Details only of GPUs whose details were read anew; uses without user, command and job. Waits a quarter of a
        second at most.

        Args:
            now: monotonic time, in seconds.
        """
        if now >= self._scan_due:
            self._scan(now)
        if not self._cards:
            self.gaps = {}
            return [], [], []
        self._patrol.check()
        if self._patrol.is_idle:
            self._now = now
            self._patrol.send(sorted(self._cards))
        self._patrol.join(WAIT_S)
        self._tell_of_hangs()
        readings, gaps = [], {}
        for address in sorted(self._cards):
            reading, error = self._patrol.found.get(address, (None, None))
            if address in self._hung:
                gaps["gpu " + address] = self._silence()
            elif error is not None:
                gaps["gpu " + address] = "%s: %s" % (type(error).__name__, error)
            elif reading is not None:
                readings.append(dict(reading))
        uses, gaps["amd gpu processes"] = self._read_uses(now)
        self.gaps = {what: why for what, why in gaps.items() if why}
        return readings, [self._details.pop(address) for address in sorted(self._details)], uses

    def _visit(self, address):
        reading, details = self._cards[address].read(self._now)
        if details is not None:
            self._details[address] = details
        return reading

    def _silence(self):
        return "the amdgpu driver has not answered for %g s" % self._limit_s

    def _tell_of_hangs(self):
        hung = self._patrol.hung
        for address in sorted(hung - self._hung):
            self._events.append(("driver-hung", "%s (%s)" % (self._silence(), address), self._uuid(address), None))
        for address in sorted(self._hung - hung):
            text = "the amdgpu driver answers again (%s)" % address
            self._events.append(("driver-answers", text, self._uuid(address), None))
        self._hung = hung

    def _uuid(self, address):
        known = self._known.get(address)
        return None if known is None else known["uuid"]

    # Which GPUs there are

    def _scan(self, now):
        found = {}
        for name in sorted(_names(self._drm)):
            # Connectors are card0-DP-1.
            if name.startswith("card") and name[len("card") :].isdigit():
                device = "%s/%s/device" % (self._drm, name)
                address = os.path.basename(os.path.realpath(device)).lower()
                if is_pci_address(address) and _is_amd_gpu(device):
                    found[address] = device
        for address in [address for address in self._cards if address not in found]:
            self._lose(address)
        for address in sorted(found)[:MOST_CARDS]:
            if address not in self._cards:
                self._add(address, found[address])
        self._scan_due = now + (SCAN_S if self._cards or self._lost else SCAN_NONE_S)

    def _add(self, address, device):
        if self._is_hanging(address):
            return
        card = Card(device, address)
        if any(known["uuid"] == card.uuid for at, known in self._known.items() if at != address):
            # Two dies of one board may have the board's number.
            card.rename("AMD-" + address)
        self._cards[address] = card
        if self._known.get(address) != card.identity:
            self._known[address] = card.identity
            self.version += 1
        if address in self._lost:
            self._lost.discard(address)
            self.version += 1

    def _is_hanging(self, address):
        return address in self._patrol.hung

    def _lose(self, address):
        card = self._cards.pop(address)
        self._lost.add(address)
        self._details.pop(address, None)
        self._events.append(("gpu-lost", "%s is not on the bus any more" % address, card.uuid, None))
        self.version += 1
        if not self._is_hanging(address) and self._patrol.is_idle:
            card.close()

    # Who uses them

    def _read_uses(self, now):
        """(uses, why there are none or None)."""
        self._uses_patrol.check()
        if now >= self._uses_due and self._uses_patrol.is_idle:
            self._uses_due = now + USES_S - 0.1
            self._uses_patrol.send((_USES,))
        if _USES in self._uses_patrol.hung:
            return [], "reading /proc/PID/fdinfo takes longer than %g s" % self._limit_s
        found, error = self._uses_patrol.found.get(_USES, (None, None))
        if error is not None:
            return [], "%s: %s" % (type(error).__name__, error)
        rows = []
        for (address, pid), used in sorted((found or {}).items(), key=lambda use: use[0]):
            if address in self._cards:
                row = {"uuid": self._cards[address].uuid, "pid": pid}
                if used is not None:
                    row["memory_used_bytes"] = used
                rows.append(row)
        return rows, None


def _names(directory):
    try:
        return os.listdir(directory)
    except OSError:
        # No DRM driver is loaded.
        return []


def _is_amd_gpu(device):
    vendor = (read_or_none(device + "/vendor", 64) or b"").strip()
    kind = (read_or_none(device + "/class", 64) or b"").strip()
    return vendor == _AMD and kind.startswith((_DISPLAY, _PROCESSING))
