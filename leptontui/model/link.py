"""The link to one host: its state, and why it is in that state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class LinkState(StrEnum):
    """State of the connection to one host. Stale is not lost, lost is not refused, refused is not never seen."""

    DIALING = "dialing"
    """Never connected yet, a dial is under way or waiting for its turn."""
    LIVE = "live"
    """Sweeps arrive."""
    STALE = "stale"
    """Connected, but no sweep for three intervals."""
    LOST = "lost"
    """Was connected or cannot be reached; redialled by itself."""
    REFUSED = "refused"
    """The host or we said no (key, permission, no Python): a human has to mend it; retried slowly."""


class FaultKind(StrEnum):
    """Why a link is not live."""

    HOST_KEY_UNKNOWN = "host-key-unknown"
    HOST_KEY_CHANGED = "host-key-changed"
    PERMISSION_DENIED = "permission-denied"
    KEY_UNUSABLE = "key-unusable"
    SECRET_NEEDED = "secret-needed"  # noqa: S105 — a name, not a secret
    """A passphrase, password or code was wanted and not given."""
    HOST_BUSY = "host-busy"
    """sshd or a bastion takes no more for the moment (MaxStartups, MaxSessions); dialled again more slowly."""
    NAME_UNKNOWN = "name-unknown"
    NO_ROUTE = "no-route"
    CONNECTION_REFUSED = "connection-refused"
    TIME_OUT = "time-out"
    LINK_DROPPED = "link-dropped"
    NO_PYTHON = "no-python"
    PROBE_FAILED = "probe-failed"
    PROTOCOL = "protocol"
    CONFIG = "config"

    @property
    def is_refusal(self) -> bool:
        """Whether dialling again cannot help before a human has mended something."""
        return self in _REFUSALS


_REFUSALS = frozenset(
    {
        FaultKind.HOST_KEY_UNKNOWN,
        FaultKind.HOST_KEY_CHANGED,
        FaultKind.PERMISSION_DENIED,
        FaultKind.KEY_UNUSABLE,
        FaultKind.SECRET_NEEDED,
        FaultKind.NO_PYTHON,
        FaultKind.PROTOCOL,
        FaultKind.CONFIG,
    }
)


@dataclass(frozen=True, slots=True)
class OfferedKey:
    """A host key that nobody vouched for yet.

    Attributes:
        name: what known_hosts would list it under, "gpu001" or "[10.0.0.7]:2222".
        algorithm: "ssh-ed25519".
        fingerprint: "SHA256:…", as `ssh-keygen -l` prints it.
        public: the key in OpenSSH's public format, "ssh-ed25519 AAAA…", without comment.
        file: the user's known_hosts file that accepting it adds a line to.
        is_hashed: whether the user wants names hashed there (HashKnownHosts).
    """

    name: str
    algorithm: str
    fingerprint: str
    public: str
    file: str
    is_hashed: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a link is not live, in words for the user.

    Attributes:
        kind: the class of fault.
        cause: what happened, one line, e.g. "unknown host key SHA256:…".
        mend: what the user can do, one line; empty where waiting is all there is.
        offered: with an unknown host key, that key; of the bastion where it is the bastion's.
    """

    kind: FaultKind
    cause: str
    mend: str = ""
    offered: OfferedKey | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """The connection to one host at one moment.

    Attributes:
        host: the host's name in the fleet.
        state: see `LinkState`.
        since_unix_s: when this state began.
        fault: why it is not live; None while dialing for the first time and while live.
        next_dial_unix_s: when the next dial is due; None unless waiting for one.
        dials: how many times it was dialled so far.
        sweeps: how many sweeps were received so far.
        address: what was dialled, for people, e.g. "oncall@10.0.0.7:22 via bastion1".
    """

    host: str
    state: LinkState
    since_unix_s: float
    fault: Fault | None = None
    next_dial_unix_s: float | None = None
    dials: int = 0
    sweeps: int = 0
    address: str = ""


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which nothing came from a host that was heard before, and that is over.

    Attributes:
        host: the host's name in the fleet.
        from_unix_s: when its link was found to be lost.
        until_unix_s: when it was live again.
        cause: why it was lost, one line.
    """

    host: str
    from_unix_s: float
    until_unix_s: float
    cause: str


@dataclass(frozen=True, slots=True)
class LinkCounts:
    """How many links are in each state."""

    dialing: int = 0
    live: int = 0
    stale: int = 0
    lost: int = 0
    refused: int = 0

    @classmethod
    def of(cls, links: Iterable[Link]) -> LinkCounts:
        """Count the states of `links`."""
        counts = Counter(link.state.value for link in links)
        return cls(**counts)

    @property
    def total(self) -> int:
        """All hosts of the fleet."""
        return self.dialing + self.live + self.stale + self.lost + self.refused
