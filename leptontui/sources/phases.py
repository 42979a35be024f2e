"""When in the interval each host sweeps: evenly spread, so that the answers of a fleet do not come in one instant."""

from __future__ import annotations

from collections.abc import Sequence


class Phases:
    """Hands out phases, from 0 to 1. A host keeps its own as long as it is watched."""

    def __init__(self) -> None:
        self._taken: dict[str, float] = {}

    def take(self, names: Sequence[str]) -> list[float]:
        """Phases for these hosts: evenly spread if they are the most, else in the widest gaps between the others."""
        if len(names) > len(self._taken):
            phases = [number / len(names) for number in range(len(names))]
            self._taken.update(zip(names, phases, strict=True))
            return phases
        ring = sorted(self._taken.values())
        for name in names:
            ends = [*ring[1:], ring[0] + 1.0]
            width, start = max((end - start, -start) for start, end in zip(ring, ends, strict=True))
            phase = (-start + width / 2) % 1.0
            self._taken[name] = phase
            ring = sorted((*ring, phase))
        return [self._taken[name] for name in names]

    def give_back(self, name: str) -> None:
        """The host is not watched any more."""
        self._taken.pop(name, None)
