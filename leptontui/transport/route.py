"""Where a host is and how to log in there: its inventory entry over the user's SSH configuration, worked out once."""

from __future__ import annotations

import os
import re
import shlex
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncssh

from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind
from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.transport.faults import Dialled
from leptontui.transport.keys import KeyFile, KeyRing
from leptontui.transport.known_hosts import DEFAULT_FILES, KnownHosts, KnownHostsShelf
from leptontui.transport.ssh_config import ConfigShelf

_NO_JUMP: Final = "none"
_METHODS: Final = ("gssapi-keyex", "gssapi-with-mic", "hostbased", "publickey")
"""Methods that need nobody at the keyboard: what OpenSSH calls BatchMode."""
_CIPHERS_FIRST: Final = "^aes256-gcm@openssh.com,aes128-gcm@openssh.com"
"""Only the order changes, nothing is left out: decrypting a 6 KB sweep takes 8 µs with AES-GCM, 35 with ChaCha20."""
_HOST_KEYS_FIRST: Final = "^ssh-ed25519"
"""Asked of a host whose key is not known, so that the fingerprint in the fault is the one that `ssh` shows."""
_NO_KEY: Final = b"\0"
"""Public data that no key has: lets an agent offer none."""


@dataclass(frozen=True, slots=True)
class Route:
    """How one host is dialled.

    Attributes:
        target: the inventory's entry.
        jump: hosts to go through, `[user@]host[:port]`, nearest first; empty for none.
        known: the host keys that are trusted.
        options: arguments for `asyncssh.connect`, all but the tunnel.
        dialled: what a fault says about it.
        key_name: the name under which known_hosts stores its key (HostKeyAlias or host name).
    """

    target: HostTarget
    jump: tuple[str, ...]
    known: KnownHosts
    options: dict[str, Any]
    dialled: Dialled
    key_name: str


class Atlas:
    """Works out routes. Reads files, so it is called in a thread; safe to call from several.

    Args:
        connect_timeout_s: where the configuration sets no ConnectTimeout.
        keepalive_interval_s: silence after which the host is asked for a sign of life.
        keepalive_count: unanswered questions after which it is given up.
    """

    def __init__(self, *, connect_timeout_s: float, keepalive_interval_s: float, keepalive_count: int) -> None:
        self._timeout_s = connect_timeout_s
        self._keepalive = {"keepalive_interval": keepalive_interval_s, "keepalive_count_max": keepalive_count}
        self._configs = ConfigShelf()
        self._known = KnownHostsShelf()
        self._keys = KeyRing()
        self._lock = threading.Lock()
        self._is_closed = False

    def close(self) -> None:
        """Remove what was written. No route is worked out afterwards, not even by a thread that still waits."""
        with self._lock:
            self._is_closed = True
            self._configs.close()

    def route(self, target: HostTarget, lender: HostTarget | None = None) -> Route:
        """The route to `target`.

        Args:
            target: the host.
            lender: for a jump host, the host behind it: lends its identity and known_hosts where the configuration
                names none for the jump host.

        Raises:
            LinkError: the configuration, or a file it names, cannot be used.
        """
        with self._lock:
            if self._is_closed:
                raise LinkError(Fault(FaultKind.LINK_DROPPED, "the program is ending"))
            try:
                return self._route(target, lender)
            except OSError as error:
                raise _config_fault(f"{error.filename}: {error.strerror}") from error
            except RuntimeError as error:  # what `Path.expanduser` raises
                raise _config_fault("a path begins with ~ and the name of no user who has a home here") from error
            except (ValueError, asyncssh.DisconnectError) as error:
                raise _config_fault(self._explained(target, error)) from error

    def _route(self, target: HostTarget, lender: HostTarget | None) -> Route:
        config = self._config(target)
        asked: dict[str, Any] = {"host": target.name, "config": config}
        if target.user is not None:
            asked["username"] = target.user
        if target.port is not None:
            asked["port"] = target.port
        found = asyncssh.SSHClientConnectionOptions(client_keys=None, known_hosts=NO_KEYS, **asked)
        jump = _jump_of(target, found.tunnel)
        known = self._known.open(self._known_hosts_files(target, found, lender))
        files = self._key_files(target, found, lender)
        timeout_s = found.connect_timeout or self._timeout_s
        methods = [method for method in _METHODS if not found.preferred_auth or method in found.preferred_auth]
        options = {
            **asked,
            **self._keepalive,
            "known_hosts": known.keys,
            "client_keys": [
                (file.key, file.certificate) if file.certificate else file.key for file in files if file.key
            ],
            "agent_identities": _agent_identities(target, found, files),
            "preferred_auth": methods,
            "password_auth": False,
            "kbdint_auth": False,
            "agent_forwarding": False,
            "x11_forwarding": False,
            "compression_algs": None,
            "command": None,
            "request_pty": False,
            "connect_timeout": timeout_s,
            "login_timeout": timeout_s,
        }
        if found.config.get("Ciphers") is None:
            options["encryption_algs"] = _CIPHERS_FIRST
        key_name = found.host_key_alias or found.host
        if found.config.get("HostKeyAlgorithms") is None and not known.knows(key_name, found.port):
            options["server_host_key_algs"] = _HOST_KEYS_FIRST
        dialled = _dialled(target, found, jump, known, files, timeout_s)
        return Route(target, jump, known, options, dialled, key_name)

    def _config(self, target: HostTarget) -> list[str]:
        path = Path(target.ssh_config or "~/.ssh/config").expanduser()
        if target.ssh_config is None and not os.access(path, os.R_OK):
            return []
        reduced = self._configs.for_host(path, target.name)
        return [] if reduced is None else [str(reduced)]

    def _known_hosts_files(
        self, target: HostTarget, found: asyncssh.SSHClientConnectionOptions, lender: HostTarget | None
    ) -> list[str]:
        if target.known_hosts is not None:
            return [target.known_hosts]
        user = found.config.get("UserKnownHostsFile")
        system = found.config.get("GlobalKnownHostsFile")
        # `none` arrives as an empty list: no file, so no key is trusted. It never means "do not check".
        lent = [lender.known_hosts] if user is None and lender is not None and lender.known_hosts is not None else []
        files = [
            *lent,
            *(DEFAULT_FILES[:2] if user is None else _paths(user)),
            *(DEFAULT_FILES[2:] if system is None else _paths(system)),
        ]
        return [_expanded(file, target.name, found) for file in files]

    def _key_files(
        self, target: HostTarget, found: asyncssh.SSHClientConnectionOptions, lender: HostTarget | None
    ) -> list[KeyFile]:
        if target.identity is not None:
            file = self._keys.open(target.identity)
            if file.key is None and (file.public_data is None or not _agent_path(found)):
                cause = plain(file.trouble, 200)
                raise LinkError(Fault(FaultKind.KEY_UNUSABLE, cause, "correct the path, or load the key: ssh-add"))
            return [file]
        configured = found.config.get("IdentityFile")
        if configured is None:
            lent = [self._keys.open(lender.identity)] if lender is not None and lender.identity is not None else []
            return [*lent, *self._keys.defaults()]
        return [file for file in map(self._keys.open, _paths(configured)) if not file.is_missing]

    def _explained(self, target: HostTarget, error: Exception) -> str:
        """The error's text with the line number of the user's own file instead of the reduced one's."""
        if target.ssh_config is None and not Path("~/.ssh/config").expanduser().exists():
            return str(error)
        path = str(Path(target.ssh_config or "~/.ssh/config").expanduser())
        try:
            asyncssh.SSHClientConnectionOptions(host=target.name, config=[path], client_keys=None, known_hosts=NO_KEYS)
        except (ValueError, OSError) as original:
            return str(original)
        return str(error)


NO_KEYS: Final = asyncssh.SSHKnownHosts()
"""Trusts no host at all."""


def parse_hop(hop: str) -> tuple[str | None, str, int | None]:
    """User, host and port of `[ssh://][user@]host[:port]`; an IPv6 address with a port is in brackets.

    Raises:
        ValueError: it is none.
    """
    user, at, place = hop.strip().removeprefix("ssh://").rstrip("/").rpartition("@")
    if place.startswith("["):
        host, bracket, tail = place[1:].partition("]")
        is_well, port = bracket == "]" and (not tail or tail.startswith(":")), tail[1:]
    elif place.count(":") == 1:
        host, _, port = place.partition(":")
        is_well = bool(port)
    else:
        host, port, is_well = place, "", True
    if not is_well or not host or host.startswith("-") or (port and not port.isdecimal()) or (at and not user):
        raise ValueError(f"not a jump host: {plain(hop, 80)!r}")
    return user or None, host, int(port) if port else None


def _jump_of(target: HostTarget, configured: object) -> tuple[str, ...]:
    text = target.jump if target.jump is not None else configured
    if not isinstance(text, str) or not text or text.lower() == _NO_JUMP:
        return ()
    hops = tuple(hop.strip() for hop in text.split(","))
    for hop in hops:
        parse_hop(hop)
    return hops


def _agent_path(found: asyncssh.SSHClientConnectionOptions) -> str:
    configured = found.config.get("IdentityAgent")
    return str(configured) if configured is not None else os.environ.get("SSH_AUTH_SOCK", "")


def _agent_identities(
    target: HostTarget, found: asyncssh.SSHClientConnectionOptions, files: list[KeyFile]
) -> list[bytes] | None:
    """Which of the agent's keys may be offered: all, or with IdentitiesOnly those that files name.

    A host's own `identity` implies IdentitiesOnly: an agent with many keys uses up the host's MaxAuthTries.
    """
    if target.identity is None and not found.config.get("IdentitiesOnly"):
        return None
    return [file.public_data for file in files if file.public_data is not None] or [_NO_KEY]


def _paths(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]


def _expanded(file: str, name: str, found: asyncssh.SSHClientConnectionOptions) -> str:
    """Expand the percent tokens of UserKnownHostsFile that asyncssh leaves alone."""
    tokens = {"%": "%", "d": str(Path.home()), "h": found.host, "n": name, "p": str(found.port), "r": found.username}
    return re.sub(r"%(.)", lambda match: tokens.get(match[1], match[0]), file)


def _dialled(
    target: HostTarget,
    found: asyncssh.SSHClientConnectionOptions,
    jump: tuple[str, ...],
    known: KnownHosts,
    files: list[KeyFile],
    timeout_s: float,
) -> Dialled:
    host = f"[{found.host}]" if ":" in found.host else found.host
    via = ",".join(jump)
    command = ["ssh", *(["-F", target.ssh_config] if target.ssh_config else [])]
    command += ["-J", via] if target.jump and jump else []
    command += ["-p", str(target.port)] if target.port is not None else []
    command += [f"{target.user}@{target.name}" if target.user is not None else target.name]
    return Dialled(
        name=target.name,
        address=plain(f"{found.username}@{host}:{found.port}" + (f" via {via}" if via else ""), 160),
        host=found.host,
        port=found.port,
        user=found.username,
        via=via,
        command=shlex.join(command),
        timeout_s=timeout_s,
        known_hosts=tuple(map(str, known.paths)),
        alias=found.host_key_alias or "",
        key_count=sum(file.key is not None for file in files),
        has_agent=bool(_agent_path(found)),
        unusable=tuple(file.trouble for file in files if file.key is None),
    )


def _config_fault(cause: str) -> LinkError:
    return LinkError(
        Fault(FaultKind.CONFIG, f"SSH configuration: {plain(cause, 200)}", "correct it; `man ssh_config` tells how")
    )
