"""Takes turns: every series of the fleet comes once in each lap, kinds of series side by side."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from leptontui.engine.foresight_kinds import SPANS, Job, Kind
from leptontui.model.series import SeriesKey

_LOOKED_AT = 512
"""Series that are looked at for one batch: where all were forecast lately nothing is wasted on looking."""

Place = tuple[str, str]
"""Host and instance."""


class Turn:
    """Whose turn it is. Hosts that come and go do not make the others wait for longer."""

    def __init__(self) -> None:
        self._places: dict[Kind, list[Place]] = {}
        self._last: dict[Kind, Place] = {}
        self._lap: dict[Kind, float] = {}

    @property
    def series(self) -> int:
        """How many series there are, near and far ones counted apart."""
        return sum(map(len, self._places.values()))

    def kinds(self) -> Iterator[tuple[Kind, Sequence[Place]]]:
        """What there is of each kind, in order."""
        yield from self._places.items()

    def set(self, kind: Kind, places: list[Place]) -> None:
        """From now on there are these of one kind, in any order."""
        if places:
            self._places[kind] = sorted(places)
            self._lap.setdefault(kind, min(self._lap.values(), default=0.0))
        else:
            self._places.pop(kind, None)
            self._lap.pop(kind, None)

    def next(self, most: int, is_due: Callable[[Job, float], bool]) -> list[Job]:
        """The next ones, at most so many; fewer, or none, where all were forecast lately.

        Args:
            most: how many.
            is_due: whether that was not done within a pace.
        """
        found: list[Job] = []
        for _ in range(min(_LOOKED_AT, self.series)):
            if len(found) >= most:
                break
            kind = min(self._lap, key=self._lap.__getitem__)
            host, instance = self._step(kind)
            job = Job(SeriesKey(host, kind.entity, instance, kind.metric), kind.step_s)
            if is_due(job, SPANS[kind.step_s].pace_s):
                found.append(job)
        return found

    def _step(self, kind: Kind) -> Place:
        places, last = self._places[kind], self._last.get(kind)
        at = bisect_right(places, last) if last is not None else 0
        place = self._last[kind] = places[at % len(places)]
        self._lap[kind] += 1 / len(places)
        return place
