"""What was dialled, and how far a dial got: what the words of a fault are made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from leptontui.transport.known_hosts import SSH_PORT, StoredKey


class Stage(IntEnum):
    """How far a dial got."""

    APART = 0
    """Not connected."""
    CONNECTED = 1
    """Connected, but the host has not said that it speaks SSH."""
    GREETED = 2
    """It has, and keys are being exchanged."""
    AGREED = 3
    """Its key was accepted; logging in, or in."""


@dataclass(frozen=True, slots=True)
class Dialled:
    """What was dialled and what was seen on the way, for a fault's words.

    Attributes:
        name: the name as `ssh` knows it.
        address: "user@host:port via bastion".
        host, port, user: where and as whom, after the configuration was applied.
        via: the jump host that leads there, "" if there is none.
        command: what a user types to try the same by hand, e.g. "ssh -F demo.conf gpu-001".
        timeout_s: how long it was waited for.
        offered: fingerprint and type of a host key that is not trusted, None if none was refused.
        offered_key: that key in OpenSSH's public format, "" if none was refused or it is an authority's.
        trust_file: the user's known_hosts that accepting a key adds a line to, "" if there is none.
        is_hashed: whether the user wants names hashed there.
        stage: how far the dial got.
        stored: the keys that known_hosts holds for this host.
        known_hosts: the files that were looked into.
        alias: the name its key is stored under where that is not its own (HostKeyAlias), "" if it is.
        identities: private key files that can be offered.
        has_agent: whether an agent could offer keys too.
        is_key_asked: whether the host let keys be tried.
        unusable: private keys that could not be used, and why.
    """

    name: str
    address: str
    host: str
    port: int
    user: str
    via: str = ""
    command: str = ""
    timeout_s: float = 10.0
    offered: tuple[str, str] | None = None
    offered_key: str = ""
    trust_file: str = ""
    is_hashed: bool = False
    stage: Stage = Stage.APART
    stored: tuple[StoredKey, ...] = ()
    known_hosts: tuple[str, ...] = ()
    alias: str = ""
    identities: tuple[str, ...] = ()
    has_agent: bool = False
    is_key_asked: bool = False
    unusable: tuple[str, ...] = ()

    @property
    def key_count(self) -> int:
        """Private keys that could be offered from files."""
        return len(self.identities)


def listed_name(alias: str, host: str, port: int) -> str:
    """The name that known_hosts lists a host under: its alias alone, or its name with a port that is not 22."""
    if alias:
        return alias.lower()
    return host.lower() if port == SSH_PORT else f"[{host.lower()}]:{port}"
