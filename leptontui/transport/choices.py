"""What is made of a host's SSH configuration where asyncssh would make something else of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import asyncssh
from asyncssh.public_key import get_default_certificate_algs, get_default_public_key_algs

from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.transport.hops import NO_JUMP
from leptontui.transport.ssh_config import first_value

_METHODS: Final = ("gssapi-keyex", "gssapi-with-mic", "hostbased", "publickey")
"""Methods that need nobody at the keyboard: what OpenSSH calls BatchMode."""
_ASKING_METHODS: Final = {
    "keyboard-interactive": "KbdInteractiveAuthentication",
    "password": "PasswordAuthentication",
}
"""Methods that need somebody, in OpenSSH's order, and what turns them off; only where passwords may be asked for."""
_KEY_FIRST: Final = b"ssh-ed25519"
"""Asked first of a host whose key is not known, so that the fingerprint in the fault is the one that `ssh` shows."""
_SHELL_WORDS: Final = re.compile(r"[\s'`\"$\\;&<>|(){}]")
_PLAIN_ADDRESS: Final = re.compile(r"[A-Za-z0-9._:][A-Za-z0-9._:-]*")
"""Not one that the command of a ProxyCommand would take for an option."""


def expanded(text: str, name: str, found: asyncssh.SSHClientConnectionOptions) -> str:
    """Expand the percent tokens of values that asyncssh leaves alone: UserKnownHostsFile and ProxyJump."""
    tokens = {
        "%": "%",
        "d": str(Path.home()),
        "h": found.host,
        "k": found.host_key_alias or found.host,
        "n": name,
        "p": str(found.port),
        "r": found.username,
    }
    return re.sub(r"%(.)", lambda match: tokens.get(match[1], match[0]), text)


def check_words(target: HostTarget) -> None:
    """Names of hosts and users go into the shell commands of ProxyCommand and `Match exec`: nothing of a shell in them.

    What OpenSSH 9.6 refuses on its command line, `valid_hostname` and `valid_ruser` in ssh.c (CVE-2023-51385).

    Raises:
        ValueError: there is.
    """
    for what, word in (("host name", target.name), ("user name", target.user or "")):
        if word.startswith("-") or _SHELL_WORDS.search(word) or not word.isprintable():
            raise ValueError(f"not a {what}: {plain(word, 80)!r}")


def with_address(text: str, target: HostTarget) -> str:
    """The configuration with the inventory's address as HostName, which counts where it names none itself.

    Raises:
        ValueError: it is no address.
    """
    if target.address is None:
        return text
    if not _PLAIN_ADDRESS.fullmatch(target.address):
        raise ValueError(f"not an address: {plain(target.address, 80)!r}")
    return f"{text}\nHost *\nHostName {target.address}"


def proxy_of(target: HostTarget, found: asyncssh.SSHClientConnectionOptions, jump: tuple[str, ...], text: str) -> str:
    """The ProxyCommand, "" for none. Of ProxyJump and ProxyCommand the first counts; the inventory's before both."""
    command = found.config.get("ProxyCommand")
    if target.jump is not None or not isinstance(command, str) or command.lower() == NO_JUMP:
        return ""
    return "" if jump and first_value(text, "proxyjump", "proxycommand")[0] == "proxyjump" else command


def logins(target: HostTarget, found: asyncssh.SSHClientConnectionOptions) -> dict[str, Any]:
    """By which methods to log in; those that need somebody only where the inventory allows it."""
    methods = list(_METHODS)
    if target.asks_password:
        methods += [method for method, switch in _ASKING_METHODS.items() if found.config.get(switch) is not False]
    return {
        "preferred_auth": [m for m in methods if not found.preferred_auth or m in found.preferred_auth],
        "password_auth": "password" in methods,
        "kbdint_auth": "keyboard-interactive" in methods,
    }


def host_key_algs(*, is_certified: bool) -> str:
    """Kinds of host keys to ask for where none is known: certificates only where an authority is."""
    plain_keys = [_KEY_FIRST, *(name for name in get_default_public_key_algs() if name != _KEY_FIRST)]
    names = [*get_default_certificate_algs(), *plain_keys] if is_certified else plain_keys
    return b",".join(names).decode("ascii")
