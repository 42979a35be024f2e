"""Anomalies that go on: series that became odd together, until the last of them is well again."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from leptontui.anomaly.groups import ALIKE, follow, moved_together
from leptontui.model.anomaly import (
    ANOMALIES_KEPT,
    HOSTS_KEPT,
    MEMBERS_KEPT,
    Anomaly,
    Surprise,
)

TOGETHER_S: Final = 60.0
"""Series that become odd within this time of the first may belong to the same anomaly."""
TOLD_S: Final = 600.0
"""An anomaly that has ended is told of for so long."""
_GOING_MOST: Final = 512
_ODD_MOST: Final = 4096


class Place(NamedTuple):
    """A series.

    Attributes:
        metric: which of the metrics that are looked at.
        row: its row.
        host: its host.
        instance: GPU uuid, "" for the host itself.
    """

    metric: int
    row: int
    host: str
    instance: str


@dataclass(slots=True)
class _Going:
    id: str
    since_unix_s: float
    members: dict[tuple[int, int], Place] = field(default_factory=dict)
    left: dict[tuple[int, int], Surprise] = field(default_factory=dict)
    until_unix_s: float | None = None


class AnomalyGroups:
    """Puts series that are odd into anomalies.

    Args:
        windows: the last deviations of some series, shape (series, w).
        surprise: what is to be said of it.
    """

    def __init__(
        self, windows: Callable[[Sequence[Place]], npt.NDArray[np.float64]], surprise: Callable[[Place], Surprise]
    ) -> None:
        self._windows = windows
        self._surprise = surprise
        self._going: list[_Going] = []
        self._of: dict[tuple[int, int], _Going] = {}
        self._number = itertools.count(1)

    def odd_now(self) -> Iterator[tuple[Anomaly, Surprise]]:
        """Series that are odd now with their anomalies, at most `_ODD_MOST`, those of newer anomalies first."""
        left = _ODD_MOST
        for going in reversed(self._going):
            if left <= 0 or not going.members:
                continue
            anomaly = self._anomaly(going)
            for place in itertools.islice(going.members.values(), left):
                yield anomaly, self._surprise(place)
            left -= len(going.members)

    def begin(self, places: Sequence[Place], at_unix_s: float) -> None:
        """Series became odd: they join an anomaly that has just begun, or are new ones."""
        left = self._join(list(places), at_unix_s)
        if not left:
            return
        for rows in moved_together(self._windows(left)):
            going = _Going(f"{int(at_unix_s):x}-{next(self._number)}", at_unix_s)
            self._going.append(going)
            for row in rows:
                self._add(going, left[row])

    def end(self, metric: int, rows: Collection[int], at_unix_s: float) -> None:
        """Series are well again; see `drop` for those whose past is gone."""
        for row in rows:
            going = self._of.pop((metric, row), None)
            if going is None:
                continue
            place = going.members.pop((metric, row))
            going.left[metric, row] = self._surprise(place)
            if not going.members:
                going.until_unix_s = at_unix_s

    def drop(self, metric: int, rows: Collection[int]) -> None:
        """Forget some series as if they had never been odd; an anomaly without any is forgotten as well."""
        for row in rows:
            going = self._of.pop((metric, row), None)
            if going is not None:
                del going.members[metric, row]
        self._going = [going for going in self._going if going.members or going.left]
        for going in self._going:
            if not going.members and going.until_unix_s is None:
                going.until_unix_s = going.since_unix_s

    def told(self, now_unix_s: float) -> tuple[Anomaly, ...]:
        """Those that go on or ended a short while ago: going on first, then the oddest."""
        self._going = [
            going
            for going in self._going
            if going.until_unix_s is None or 0.0 <= now_unix_s - going.until_unix_s <= TOLD_S
        ]
        if len(self._going) > _GOING_MOST:
            ended = [going for going in self._going if going.until_unix_s is not None]
            surplus = {going.id for going in ended[: len(self._going) - _GOING_MOST]}
            self._going = [going for going in self._going if going.id not in surplus]
        found = [self._anomaly(going) for going in self._going]
        found.sort(key=lambda anomaly: (anomaly.until_unix_s is not None, -anomaly.score, -anomaly.member_count))
        return tuple(found[:ANOMALIES_KEPT])

    def _join(self, places: list[Place], at_unix_s: float) -> list[Place]:
        """Let series join anomalies that have just begun; returns those that did not."""
        for going in self._going:
            if not places:
                break
            if not going.members or not 0.0 <= at_unix_s - going.since_unix_s <= TOGETHER_S:
                continue
            leaders = list(itertools.islice(going.members.values(), MEMBERS_KEPT))
            same = {(place.host, place.instance) for place in going.members.values()}
            alike = follow(self._windows(places), self._windows(leaders))
            joins = [
                value >= ALIKE or (place.host, place.instance) in same
                for value, place in zip(alike.tolist(), places, strict=True)
            ]
            for place, does in zip(places, joins, strict=True):
                if does:
                    self._add(going, place)
            places = [place for place, does in zip(places, joins, strict=True) if not does]
        return places

    def _add(self, going: _Going, place: Place) -> None:
        going.members[place.metric, place.row] = place
        self._of[place.metric, place.row] = going

    def _anomaly(self, going: _Going) -> Anomaly:
        now = [self._surprise(place) for place in itertools.islice(going.members.values(), 4 * MEMBERS_KEPT)]
        before = list(itertools.islice(going.left.values(), 4 * MEMBERS_KEPT))
        members = sorted([*now, *before], key=lambda member: -member.score)
        hosts = {place.host for place in going.members.values()} | {one.key.host for one in going.left.values()}
        count = len(going.members) + len(going.left)
        return Anomaly(
            id=going.id,
            since_unix_s=going.since_unix_s,
            until_unix_s=going.until_unix_s,
            score=members[0].score,
            members=tuple(members[:MEMBERS_KEPT]),
            member_count=count,
            hosts=tuple(sorted(hosts)[:HOSTS_KEPT]),
            host_count=len(hosts),
            words=_words(members[0], count, len(hosts)),
        )


def _words(worst: Surprise, count: int, hosts: int) -> str:
    whose = worst.key.host if not worst.key.instance else f"{worst.key.host} {worst.key.instance[:12]}"
    more = f"; with {count - 1} more series that moved together" if count > 1 else ""
    return f"{whose}: {worst.words}{more}" + (f", on {hosts} hosts" if hosts > 1 else "")
