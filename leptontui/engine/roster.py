"""The roster: every host of the fleet with its target and its link, as mappings and as frame."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from leptontui.model.link import Link, LinkCounts, LinkState, Outage
from leptontui.model.target import Fleet, HostTarget

_SCHEMA = {
    "host": pl.String,
    "group": pl.String,
    "link": pl.String,
    "link_cause": pl.String,
    "node_state": pl.String,
    "partitions": pl.String,
    "gpus_expected": pl.UInt32,
    "rack": pl.String,
    "switch": pl.String,
}


_PLACES = ("rack", "switch")
"""Labels that are columns: where a host is housed and wired."""


class Roster:
    """Keeps the newest link of every host; the immutable views are rebuilt only after a change.

    Args:
        fleet: the hosts.
        now_unix_s: since when they count as dialing.
    """

    def __init__(self, fleet: Fleet, now_unix_s: float) -> None:
        self._targets: dict[str, HostTarget] = {}
        self._links: dict[str, Link] = {}
        self._lost: dict[str, Link] = {}
        self._outages: dict[str, Outage] = {}
        self._outages_view: Mapping[str, Outage] | None = None
        self._view: tuple[Mapping[str, Link], LinkCounts, pl.DataFrame, Mapping[str, HostTarget]] | None = None
        self.set_fleet(fleet, now_unix_s)

    def __contains__(self, host: str) -> bool:
        return host in self._targets

    def __len__(self) -> int:
        return len(self._targets)

    def set_fleet(self, fleet: Fleet, now_unix_s: float) -> frozenset[str]:
        """Take the hosts as the inventory has them now, in its order; links of hosts that stay are kept.

        Returns:
            names of the hosts that are no longer of the fleet.
        """
        before = frozenset(self._targets)
        self._targets = {host.name: host for host in fleet.hosts}
        self._links = {
            name: self._links.get(name) or Link(name, LinkState.DIALING, now_unix_s) for name in self._targets
        }
        gone = before - self._targets.keys()
        for name in gone:
            self._lost.pop(name, None)
            self._outages.pop(name, None)
        self._view = self._outages_view = None
        return gone

    def update(self, link: Link) -> None:
        """Take the new state of one link; a host that is not of the fleet is ignored."""
        if link.host in self._links:
            self._note_outage(link)
            self._links[link.host] = link
            self._view = None

    def _note_outage(self, link: Link) -> None:
        """A host that was heard before is lost until it is heard again, whatever its link goes through meanwhile."""
        if link.state is LinkState.LIVE:
            lost = self._lost.pop(link.host, None)
            if lost is not None:
                cause = lost.fault.cause if lost.fault is not None else ""
                self._outages[link.host] = Outage(link.host, lost.since_unix_s, link.since_unix_s, cause)
                self._outages_view = None
        elif link.state in {LinkState.LOST, LinkState.REFUSED} and link.sweeps:
            self._lost.setdefault(link.host, link)

    def link(self, host: str) -> Link | None:
        """The link of `host`, None if it is not of the fleet."""
        return self._links.get(host)

    @property
    def links(self) -> Mapping[str, Link]:
        """Links by host name, immutable."""
        return self._views()[0]

    @property
    def outages(self) -> Mapping[str, Outage]:
        """The last outage of each host that is heard again, immutable."""
        if self._outages_view is None:
            self._outages_view = MappingProxyType(dict(self._outages))
        return self._outages_view

    @property
    def counts(self) -> LinkCounts:
        """How many links are in which state."""
        return self._views()[1]

    @property
    def frame(self) -> pl.DataFrame:
        """One row per host, in the fleet's order, with what the inventory and its link say; columns as in `_SCHEMA`.

        `partitions` are joined by ", "; `gpus_expected`, `rack` and `switch` are null where the inventory is silent.
        """
        return self._views()[2]

    @property
    def targets(self) -> Mapping[str, HostTarget]:
        """Targets by host name, immutable."""
        return self._views()[3]

    def _views(self) -> tuple[Mapping[str, Link], LinkCounts, pl.DataFrame, Mapping[str, HostTarget]]:
        if self._view is None:
            links, targets = MappingProxyType(dict(self._links)), MappingProxyType(dict(self._targets))
            frame = pl.DataFrame(
                {
                    "host": list(links),
                    "group": [host.group for host in targets.values()],
                    "link": [link.state.value for link in links.values()],
                    "link_cause": [_cause(link) for link in links.values()],
                    "node_state": [host.node_state for host in targets.values()],
                    "partitions": [", ".join(host.partitions) for host in targets.values()],
                    "gpus_expected": [host.gpus for host in targets.values()],
                    **{name: [dict(host.labels).get(name) for host in targets.values()] for name in _PLACES},
                },
                schema=_SCHEMA,
                strict=False,
            )
            self._view = (links, LinkCounts.of(links.values()), frame, targets)
        return self._view


def _cause(link: Link) -> str:
    if link.fault is None:
        return ""
    return f"{link.fault.cause} — {link.fault.mend}" if link.fault.mend else link.fault.cause
