"""What the actions must know of the fleet's state; the engine answers it."""

from __future__ import annotations

from typing import Protocol

from leptontui.actions.guard import Sight
from leptontui.model.link import Link
from leptontui.model.target import Fleet, HostTarget


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

    That is through the same jump host, or, for hosts without one of their own in the inventory, in the same group.
    """
    same_way = (
        facts.link_of(host.name)
        for host in fleet.hosts
        if (host.jump == target.jump if target.jump else not host.jump and host.group == target.group)
    )
    return Sight(
        target.name,
        facts.link_of(target.name),
        facts.age_s_of(target.name),
        facts.interval_s,
        tuple(link.state for link in same_way if link is not None),
        target.jump or f"group {target.group}",
    )
