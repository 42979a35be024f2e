"""Which hosts are marked: identities, so that sorting, filtering and scrolling cannot move a mark."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marks:
    """Marked hosts. Immutable: each change makes a new one.

    Attributes:
        hosts: their names.
    """

    hosts: frozenset[str] = frozenset()

    def toggled(self, host: str) -> Marks:
        """With one host marked, or unmarked if it was."""
        return Marks(self.hosts ^ {host})

    def all_toggled(self, shown: Iterable[str]) -> Marks:
        """With all of the shown hosts marked; if they all were, with none of them."""
        shown = frozenset(shown)
        return Marks(self.hosts - shown if shown <= self.hosts else self.hosts | shown)

    def kept(self, known: Collection[str]) -> Marks:
        """Without hosts that are not in the fleet any more."""
        return self if all(host in known for host in self.hosts) else Marks(self.hosts & frozenset(known))

    def ordered(self, fleet: Iterable[str]) -> tuple[str, ...]:
        """In the order of the fleet: what is done one after the other is done in an order one can foresee."""
        found = tuple(host for host in fleet if host in self.hosts)
        return (*found, *sorted(self.hosts - set(found)))

    def hidden(self, shown: Collection[str]) -> int:
        """How many are marked and not shown."""
        return len(self.hosts - frozenset(shown))
