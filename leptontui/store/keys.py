"""Hosts and their GPUs and filesystems as small integers, so that history is indexed rather than searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

MAX_SLOTS_PER_HOST: Final = 256
"""How many GPUs, or filesystems, of one host are remembered: a host that keeps inventing new ones gains nothing."""


class HostTable:
    """Hosts in the order in which they were first heard; one that is forgotten gives its place to a new one."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._codes: dict[str, int] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self.names)

    def code(self, name: str) -> int:
        """The code of `name`, a new one if it was never heard before."""
        code = self._codes.get(name)
        if code is None and self._free:
            code = self._codes[name] = self._free.pop()
            self.names[code] = name
        elif code is None:
            code = self._codes[name] = len(self.names)
            self.names.append(name)
        return code

    def find(self, name: str) -> int | None:
        """The code of `name`, None if it was never heard."""
        return self._codes.get(name)

    def codes(self) -> list[int]:
        """The codes of all hosts that are known, in order."""
        return list(range(len(self.names))) if not self._free else sorted(self._codes.values())

    def release(self, name: str) -> int | None:
        """Forget a host; returns the code it had."""
        code = self._codes.pop(name, None)
        if code is not None:
            self.names[code] = ""
            self._free.append(code)
        return code


class SlotTable:
    """Slots 0…n-1, one for each (host, instance) that has history.

    A host has at most `most`; beyond, the instance not seen for longest gives up its slot. Slots of a host that is
    forgotten are given to others.

    Args:
        most: how many instances of one host are remembered.

    Attributes:
        hosts: host's code of each slot, -1 for a free one, shape (n,).
        instances: uuid or mount of each slot, shape (n,).
        reused: slots that changed hands since this was last emptied: their history has to be forgotten.
    """

    def __init__(self, most: int = MAX_SLOTS_PER_HOST) -> None:
        self.hosts: list[int] = []
        self.instances: list[str] = []
        self.reused: list[int] = []
        self._most = most
        self._free: list[int] = []
        self._of_host: dict[int, dict[str, int]] = {}
        self._seen = np.zeros(0, dtype=np.int64)
        self._tick = 0
        self._frame: pl.DataFrame | None = None

    def __len__(self) -> int:
        return len(self.hosts)

    @property
    def has_free(self) -> bool:
        """Whether some slots belong to no host."""
        return bool(self._free)

    def of_host(self, host: int) -> list[int]:
        """The slots of one host."""
        return list(self._of_host.get(host, {}).values())

    def release(self, host: int) -> None:
        """Free the slots of a host."""
        slots = list(self._of_host.pop(host, {}).values())
        for slot in slots:
            self.hosts[slot], self.instances[slot] = -1, ""
        self._free += slots
        self.reused += slots
        if slots:
            self._frame = None

    def free(self, slot: int) -> None:
        """Free one slot."""
        self._of_host.get(self.hosts[slot], {}).pop(self.instances[slot], None)
        self.hosts[slot], self.instances[slot] = -1, ""
        self._free.append(slot)
        self.reused.append(slot)
        self._frame = None

    def find(self, host: int, instance: str) -> int | None:
        """The slot of an instance, None if it has none."""
        return self._of_host.get(host, {}).get(instance)

    def slots(self, hosts: Sequence[int], instances: Sequence[str]) -> npt.NDArray[np.int32]:
        """Slots of many instances, new ones where needed; -1 where a host has too many at once.

        Args:
            hosts: host's code of each, shape (n,).
            instances: uuid or mount of each, shape (n,).

        Returns:
            shape (n,); equal instances get equal slots.
        """
        self._tick += 1
        none: dict[str, int] = {}
        known = self._of_host
        pairs = zip(hosts, instances, strict=True)
        found = np.array([known.get(host, none).get(instance, -1) for host, instance in pairs], dtype=np.int32)
        self._seen[found[found >= 0]] = self._tick
        for row in np.flatnonzero(found < 0).tolist():
            found[row] = self._assign(hosts[row], instances[row])
        return found

    def frame(self) -> pl.DataFrame:
        """All slots: `slot`, `host` (code) and `instance`, in the order of slots."""
        if self._frame is None:
            self._frame = pl.DataFrame(
                {"slot": range(len(self)), "host": self.hosts, "instance": self.instances},
                schema={"slot": pl.Int32, "host": pl.Int32, "instance": pl.String},
            )
        return self._frame

    def _assign(self, host: int, instance: str) -> int:
        slots = self._of_host.setdefault(host, {})
        if instance in slots:
            return slots[instance]
        if len(slots) >= self._most:
            return self._take_over(instance, slots)
        self._frame = None
        if self._free:
            slot = slots[instance] = self._free.pop()
            self.hosts[slot], self.instances[slot] = host, instance
            self._seen[slot] = self._tick
            return slot
        slot = slots[instance] = len(self.hosts)
        self.hosts.append(host)
        self.instances.append(instance)
        if slot >= len(self._seen):
            self._seen = np.concatenate([self._seen, np.zeros(max(256, len(self._seen)), dtype=np.int64)])
        self._seen[slot] = self._tick
        return slot

    def _take_over(self, instance: str, slots: dict[str, int]) -> int:
        oldest, slot = min(slots.items(), key=lambda item: self._seen[item[1]])
        if self._seen[slot] >= self._tick:
            return -1
        self._frame = None
        del slots[oldest]
        slots[instance] = slot
        self.instances[slot] = instance
        self._seen[slot] = self._tick
        self.reused.append(slot)
        return slot
