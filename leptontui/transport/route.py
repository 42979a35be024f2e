"""Where a host is and how to log in there: its inventory entry over the user's SSH configuration, worked out once."""

from __future__ import annotations

import os
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
from leptontui.transport.choices import check_words, expanded, host_key_algs, logins, proxy_of, with_address
from leptontui.transport.dialled import Dialled
from leptontui.transport.hops import jump_of
from leptontui.transport.identities import Identities, identities_of
from leptontui.transport.keys import KeyFile, KeyRing
from leptontui.transport.known_hosts import SSH_PORT, KnownHosts, KnownHostsShelf
from leptontui.transport.openssh import OpenSsh, needs_openssh
from leptontui.transport.ssh_config import ConfigShelf, first_value
from leptontui.transport.trust_files import trust_files

_CIPHERS_FIRST: Final = "^aes256-gcm@openssh.com,aes128-gcm@openssh.com"
"""Only the order changes, nothing is left out: decrypting a 6 KB sweep takes 8 µs with AES-GCM, 35 with ChaCha20."""


@dataclass(frozen=True, slots=True)
class Route:
    """How one host is dialled.

    Attributes:
        target: the inventory's entry.
        jump: hosts to go through, `[user@]host[:port]`, nearest first; empty for none.
        known: the host keys that are trusted.
        options: arguments for `asyncssh.connect`, all but the tunnel.
        dialled: what a fault says about it.
        key_name, key_port: what known_hosts stores its key under: HostKeyAlias, without a port, or host name.
        locked: private keys that a passphrase would open.
        proxy: the ProxyCommand that leads there, "" for none.
        lender: see `Atlas.route`.
    """

    target: HostTarget
    jump: tuple[str, ...]
    known: KnownHosts
    options: dict[str, Any]
    dialled: Dialled
    key_name: str
    key_port: int
    locked: tuple[KeyFile, ...] = ()
    proxy: str = ""
    lender: HostTarget | None = None

    @property
    def gate(self) -> tuple[str, str, int]:
        """What takes its logins: the address, or for a ProxyCommand whatever it leads through."""
        if self.proxy:
            return self.proxy.replace(self.dialled.host, "%h"), "", 0
        return self.dialled.via, self.dialled.host, self.dialled.port


class Atlas:
    """Works out routes. Reads files and may ask `ssh`, so it is called in a thread; safe to call from several.

    Args:
        connect_timeout_s: where the configuration sets no ConnectTimeout.
        keepalive_interval_s: silence after which the host is asked for a sign of life.
        keepalive_count: unanswered questions after which it is given up.
        keys: reads private keys, and keeps those that were unlocked.
        system_config: the configuration of this machine, read after the user's own.
    """

    def __init__(
        self,
        *,
        connect_timeout_s: float,
        keepalive_interval_s: float,
        keepalive_count: int,
        keys: KeyRing | None = None,
        system_config: Path = Path("/etc/ssh/ssh_config"),
    ) -> None:
        self._timeout_s = connect_timeout_s
        self._keepalive = {"keepalive_interval": keepalive_interval_s, "keepalive_count_max": keepalive_count}
        self._system_config = system_config
        self._configs = ConfigShelf()
        self._openssh = OpenSsh()
        self._known = KnownHostsShelf()
        self._keys = keys or KeyRing()
        self._lock = threading.Lock()
        self._is_closed = False

    def close(self) -> None:
        """Remove what was written. No route is worked out afterwards, not even by a thread that still waits."""
        self._openssh.close()
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
        is_asked = False
        try:
            check_words(target)
            with self._lock:
                text = self._configs.text_for(self._config_files(target), target.name)
            if is_asked := needs_openssh(text):
                text = self._openssh.reading(target)  # may take its time: nobody else waits for it
            text = with_address(text, target)
            with self._lock:
                if self._is_closed:
                    raise LinkError(Fault(FaultKind.LINK_DROPPED, "the program is ending"))
                return self._route(target, lender, text)
        except OSError as error:
            raise _config_fault(f"{error.filename}: {error.strerror}") from error
        except RuntimeError as error:  # what `Path.expanduser` raises
            raise _config_fault("a path begins with ~ and the name of no user who has a home here") from error
        except (ValueError, asyncssh.DisconnectError) as error:
            raise _config_fault(str(error) if is_asked else self._explained(target, error)) from error

    def again(self, route: Route) -> Route:
        """The same route after something was changed that it depends on, such as a key unlocked.

        Raises:
            LinkError: see `route`.
        """
        return self.route(route.target, route.lender)

    def _route(self, target: HostTarget, lender: HostTarget | None, text: str) -> Route:
        config = self._configs.written(text)
        asked: dict[str, Any] = {"host": target.name, "config": [] if config is None else [str(config)]}
        if target.user is not None:
            asked["username"] = target.user
        if target.port is not None:
            asked["port"] = target.port
        found = asyncssh.SSHClientConnectionOptions(client_keys=None, known_hosts=NO_KEYS, **asked)
        jump = jump_of(target.jump, found.tunnel, lambda value: expanded(value, target.name, found))
        proxy = proxy_of(target, found, jump, text)
        if proxy:
            jump = ()
        files, trust_file = trust_files(target, found, lender, lambda value: expanded(value, target.name, found))
        revoked = first_value(text, "revokedhostkeys")[1]
        known = self._known.open(files, "" if revoked.lower() == "none" else expanded(revoked, target.name, found))
        identities = identities_of(target, found, self._keys, lender)
        options = {
            **asked,
            **self._keepalive,
            **identities.options,
            **logins(target, found),
            "known_hosts": known.keys,
            "proxy_command": None,
            "agent_forwarding": False,
            "x11_forwarding": False,
            "compression_algs": None,
            "command": None,
            "request_pty": False,
            # A login may wait for the user: its time is kept by `asking.Deadline`.
            "connect_timeout": None,
            "login_timeout": 0,
        }
        if found.config.get("Ciphers") is None:
            options["encryption_algs"] = _CIPHERS_FIRST
        key_name = found.host_key_alias or found.host
        key_port = SSH_PORT if found.host_key_alias else found.port
        if found.config.get("HostKeyAlgorithms") is None and not known.knows_key(key_name, key_port):
            options["server_host_key_algs"] = host_key_algs(is_certified=known.knows_authority(key_name, key_port))
        is_hashed = first_value(text, "hashknownhosts")[1].lower() in {"yes", "true"}
        dialled = _dialled(
            target,
            found,
            jump,
            identities,
            timeout_s=found.connect_timeout or self._timeout_s,
            known_hosts=tuple(map(str, known.paths)),
            trust_file=trust_file,
            is_hashed=is_hashed,
        )
        return Route(target, jump, known, options, dialled, key_name, key_port, identities.locked, proxy, lender)

    def _config_files(self, target: HostTarget) -> list[Path]:
        """The files that count, the user's own before the machine's; -F leaves the latter out, and so does this."""
        if target.ssh_config is not None:
            return [Path(target.ssh_config).expanduser()]
        return [path for path in (Path("~/.ssh/config").expanduser(), self._system_config) if os.access(path, os.R_OK)]

    def _explained(self, target: HostTarget, error: Exception) -> str:
        """The error's text with the line number of the user's own file instead of the reduced one's."""
        for path in self._config_files(target):
            try:
                asyncssh.SSHClientConnectionOptions(
                    host=target.name, config=[str(path)], client_keys=None, known_hosts=NO_KEYS
                )
            except (ValueError, OSError) as original:
                return str(original)
        return str(error)


NO_KEYS: Final = asyncssh.SSHKnownHosts()
"""Trusts no host at all."""


def _dialled(
    target: HostTarget,
    found: asyncssh.SSHClientConnectionOptions,
    jump: tuple[str, ...],
    identities: Identities,
    *,
    timeout_s: float,
    known_hosts: tuple[str, ...],
    trust_file: str,
    is_hashed: bool,
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
        known_hosts=known_hosts,
        trust_file=trust_file,
        is_hashed=is_hashed,
        alias=found.host_key_alias or "",
        identities=identities.usable,
        has_agent=identities.has_agent,
        unusable=identities.unusable,
    )


def _config_fault(cause: str) -> LinkError:
    return LinkError(
        Fault(FaultKind.CONFIG, f"SSH configuration: {plain(cause, 200)}", "correct it; `man ssh_config` tells how")
    )
