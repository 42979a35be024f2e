"""What the actions must know of the fleet's state; the engine answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from leptontui.actions.guard import Sight, dark_share
from leptontui.model.link import Link, LinkState
from leptontui.model.target import Fleet, HostTarget

_WIRED: Final = frozenset({"switch", "rack"})
"""Labels of hosts that one fault cuts off together."""


class FleetFacts(Protocol):
    """The engine's view of the links at this moment. Every answer is immediate: no I/O, no waiting."""

    @property
    def interval_s(self) -> float:
        """How often a host is swept; freshness is counted in these."""

    def link_of(self, host: str) -> Link | None:
        """The link to `host`, None if it is not in the fleet."""

    def age_s_of(self, host: str) -> float | None:
        """Seconds since the last sweep of `host` was received; None if there never was one."""


def sight_of(fleet: Fleet, facts: FleetFacts, target: HostTarget) -> Sight:
    """What is seen of `target` now, and of the hosts reached the same way.

    That is through the same jump host, or, for hosts without one of their own in the inventory, in the same group; or
    those that the inventory says are wired to the same switch or housed in the same rack, where more of them are dark.
    """
    link = facts.link_of(target.name)
    ways: list[tuple[str, Callable[[HostTarget], bool]]] = [
        (
            target.jump or f"group {target.group}",
            lambda host: host.jump == target.jump if target.jump else not host.jump and host.group == target.group,
        )
    ]
    if link is not None and link.state is not LinkState.LIVE:
        ways += [(f"{name} {value}", _labelled(name, value)) for name, value in target.labels if name in _WIRED]
    seen = [(way, _states(facts, filter(is_there, fleet.hosts))) for way, is_there in ways]
    way, same_way = max(seen, key=lambda one: dark_share(one[1]))  # the first of those that are equal
    return Sight(
        target.name,
        link,
        facts.age_s_of(target.name),
        facts.interval_s,
        same_way,
        way,
    )


def _labelled(name: str, value: str) -> Callable[[HostTarget], bool]:
    return lambda host: (name, value) in host.labels


def _states(facts: FleetFacts, hosts: Iterable[HostTarget]) -> tuple[LinkState, ...]:
    return tuple(link.state for host in hosts if (link := facts.link_of(host.name)) is not None)
