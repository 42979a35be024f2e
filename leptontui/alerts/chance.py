"""How likely it is that alerts share something by chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from leptontui.alerts.inhibition import SEVERAL

_NEGLIGIBLE: Final = 1e-12


def log10_tail(hits: int, drawn: int, marked: int, total: int) -> float:
    """log10 of the chance that of `drawn` out of `total`, `marked` of which are marked, at least `hits` are marked.

    The upper tail of the hypergeometric distribution: Fisher's exact test, one-sided.

    Returns:
        0.0 for certain (also where the numbers make no sense), less for less likely; never positive.
    """
    least, most = max(0, drawn + marked - total), min(drawn, marked)
    if hits <= least or most < hits:
        return 0.0 if hits <= least else -math.inf
    first = _log_choose(marked, hits) + _log_choose(total - marked, drawn - hits) - _log_choose(total, drawn)
    # Each term is the one before times a ratio, so that no other logarithm is needed.
    tail = term = 1.0
    for x in range(hits, most):
        term *= (marked - x) * (drawn - x) / ((x + 1) * (total - marked - drawn + x + 1))
        tail += term
        if term < _NEGLIGIBLE * tail:
            break
    return min(0.0, (first + math.log(tail)) / math.log(10))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


@dataclass(frozen=True, slots=True)
class Population:
    """All hosts of the fleet by what they share.

    Attributes:
        source: what it was made of.
        hosts: how many there are.
        having: by (attribute, value) the hosts that have it.
    """

    source: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    hosts: int = 0
    having: Mapping[tuple[str, str], AbstractSet[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, attributes: Mapping[str, Mapping[str, str]]) -> Population:
        """Index a fleet."""
        having: dict[tuple[str, str], set[str]] = {}
        for host, own in attributes.items():
            for attribute, values in own.items():
                for value in values.split(SEVERAL):
                    if value:
                        having.setdefault((attribute, value), set()).add(host)
        return cls(attributes, len(attributes), having)

    def of_hosts(self, hosts: Iterable[str]) -> set[tuple[str, str]]:
        """What these hosts have."""
        return {
            (attribute, value)
            for host in hosts
            for attribute, values in self.source.get(host, {}).items()
            for value in values.split(SEVERAL)
            if value
        }
