"""Which host keys are trusted: known_hosts files, parsed once, matched by name as OpenSSH does.

asyncssh on its own also accepts any key stored for the *address* a name resolves to. Here a key counts for the name
alone: a host that took over an address must not pass for another one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import asyncssh

DEFAULT_FILES: Final = (
    "~/.ssh/known_hosts",
    "~/.ssh/known_hosts2",
    "/etc/ssh/ssh_known_hosts",
    "/etc/ssh/ssh_known_hosts2",
)
"""Defaults of UserKnownHostsFile and GlobalKnownHostsFile, ssh_config(5)."""

_Stamp = tuple[int, int, int]


class NamedKeys(asyncssh.SSHKnownHosts):
    """Trusted keys looked up by name only; never by the address that the name happened to resolve to."""

    def match(self, host: str, addr: str, port: int | None) -> object:  # type: ignore[override]
        """The keys stored for `host` (and `port`, None for 22), as asyncssh asks for them; `addr` is not looked at."""
        del addr
        found = super().match(host.lower(), "", port)
        if port is None:
            return found
        # A port that is not listed falls back to the bare name; what is revoked for the port stays revoked.
        _, _, revoked, *_ = self._match(host.lower(), "", port)
        trusted, authorities, fallen_back, *rest = found
        return trusted, authorities, [*fallen_back, *(key for key in revoked if key not in fallen_back)], *rest

    def listed(self, host: str, port: int | None) -> Sequence[Sequence[asyncssh.SSHKey]]:
        """Trusted keys, authorities and revoked keys of exactly this name and port."""
        return cast("Sequence[Sequence[asyncssh.SSHKey]]", self._match(host.lower(), "", port)[:3])


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key stored for a host.

    Attributes:
        place: `file:line` it stands in.
        fingerprint: SHA256 fingerprint.
        algorithm: e.g. "ssh-ed25519".
    """

    place: str
    fingerprint: str
    algorithm: str


@dataclass(frozen=True, slots=True)
class KnownHosts:
    """The known_hosts files that count for a host.

    Attributes:
        paths: the files that were looked for, expanded; some may not exist.
        keys: what asyncssh verifies against. Never None: that would turn verification off.
    """

    paths: tuple[Path, ...]
    keys: NamedKeys

    def stored_for(self, name: str, port: int) -> tuple[StoredKey, ...]:
        """Keys stored for `name`, with where they stand; reads the files again, so only for a fault's text.

        A key stored for the name with another port, or with none, is no other key of this one: OpenSSH takes it where
        it fits, and where it does not the key is a new one.
        """
        return tuple(
            StoredKey(self._place(key, name, port), key.get_fingerprint(), key.get_algorithm())
            for key in _listed(self.keys, name, port)[0]
        )

    def knows_key(self, name: str, port: int) -> bool:
        """Whether some key is trusted for exactly this name."""
        return bool(_listed(self.keys, name, port)[0])

    def knows_authority(self, name: str, port: int) -> bool:
        """Whether some authority is trusted for certificates of `name`."""
        return bool(self.keys.match(name, "", None if port == SSH_PORT else port)[1])  # type: ignore[index]

    def _place(self, key: asyncssh.SSHKey, name: str, port: int) -> str:
        blob = key.export_public_key().split()[1].decode("ascii")
        for path in self.paths:
            for number, line in enumerate(_read(path).split("\n"), 1):
                if blob in line and _is_about(line, name, port):
                    return f"{path}:{number}"
        return "known_hosts"


class KnownHostsShelf:
    """Parses each set of files once, and again when one of them has changed."""

    def __init__(self) -> None:
        self._parsed: dict[tuple[Path, ...], tuple[tuple[_Stamp | None, ...], KnownHosts]] = {}

    def open(self, files: Sequence[str], revoked: str = "") -> KnownHosts:
        """The keys of `files`. A file that does not exist or cannot be read holds no key.

        Args:
            files: known_hosts files.
            revoked: the file of keys that no host is believed with (RevokedHostKeys), "" for none.

        Raises:
            OSError: `revoked` cannot be read: then, as for OpenSSH, no key is believed.
            ValueError: it is a binary list (KRL), which cannot be read here.
        """
        paths = tuple(Path(file).expanduser() for file in files)
        key = (*paths, Path(revoked).expanduser()) if revoked else paths
        stamps = tuple(map(_stamp, key))
        cached = self._parsed.get(key)
        if cached is not None and cached[0] == stamps and not (revoked and stamps[-1] is None):
            return cached[1]
        keys = NamedKeys()
        if revoked:
            load_lines(keys, _revocations(key[-1]))
        for path in paths:
            load_lines(keys, _read(path))
        known = KnownHosts(paths, keys)
        self._parsed[key] = stamps, known
        return known


SSH_PORT: Final = 22


def load_lines(keys: NamedKeys, text: str) -> None:
    """Load a file line by line: a broken line is skipped, as OpenSSH does, instead of spoiling the file."""
    for line in text.split("\n"):
        try:
            keys.load(_lowered(line))
        except ValueError:
            continue


def split_name(name: str) -> tuple[str, int | None]:
    """Host and port of a name as known_hosts lists it; no port for 22."""
    found = re.fullmatch(r"\[(.+)\]:(\d+)", name)
    return (found[1], int(found[2])) if found else (name, None)


def _lowered(line: str) -> str:
    """The line with its names in lower case, in which names are looked up; a hash is left as it is."""
    words = line.split(None, 2)
    at = 1 if words and words[0].startswith("@") else 0
    if len(words) < at + 2 or words[at].startswith(("|", "#")):
        return line
    words[at] = words[at].lower()
    return " ".join(words)


def _is_about(line: str, name: str, port: int) -> bool:
    try:
        return bool(_listed(NamedKeys(_lowered(line)), name, port)[0])
    except ValueError:
        return False


def _listed(keys: NamedKeys, name: str, port: int) -> Sequence[Sequence[asyncssh.SSHKey]]:
    return keys.listed(name, None if port == SSH_PORT else port)


def _revocations(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith(_KRL):
        raise ValueError(f"RevokedHostKeys: {path} is a binary list (KRL): list the keys one a line")
    lines = content.decode("utf-8", "replace").split("\n")
    return "\n".join(f"@revoked * {line}" for line in lines if line.strip() and not line.lstrip().startswith("#"))


_KRL: Final = b"SSHKRL\n\0"
"""How a key revocation list begins, PROTOCOL.krl of OpenSSH."""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _stamp(path: Path) -> _Stamp | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
