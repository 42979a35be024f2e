"""Which keys and certificates are offered to a host: what inventory or configuration names, or the usual ones."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import asyncssh

from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind
from leptontui.model.target import HostTarget
from leptontui.model.text import plain
from leptontui.transport.keys import KeyFile, KeyRing, expired

_NO_KEY: Final = b"\0"
"""Public data that no key has: lets an agent offer none."""


class _Given(list[Any]):
    """Keys that are taken as given even where there is none: asyncssh takes an empty list for "the default files"."""

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Identities:
    """What is offered to one host.

    Attributes:
        files: the key files that exist, usable or not.
        options: arguments of `asyncssh.connect` that say so.
        has_agent: whether there is an agent to be asked.
        certificate_trouble: certificate files that cannot be used, and why.
    """

    files: tuple[KeyFile, ...]
    options: dict[str, Any]
    has_agent: bool
    certificate_trouble: tuple[str, ...] = ()

    @property
    def usable(self) -> tuple[str, ...]:
        """Paths of the keys that can be offered."""
        return tuple(str(file.path) for file in self.files if file.key is not None)

    @property
    def unusable(self) -> tuple[str, ...]:
        """Why the others cannot, and what is wrong with certificates."""
        return (*(file.trouble for file in self.files if file.key is None), *self.certificate_trouble)

    @property
    def locked(self) -> tuple[KeyFile, ...]:
        """Those that a passphrase would open."""
        return tuple(file for file in self.files if file.is_locked)


def identities_of(
    target: HostTarget, found: asyncssh.SSHClientConnectionOptions, keys: KeyRing, lender: HostTarget | None
) -> Identities:
    """The keys for `target`.

    Args:
        target: the host.
        found: its configuration.
        keys: reads key files.
        lender: see `Atlas.route`.

    Raises:
        LinkError: the key that the inventory names cannot be used, whatever the user is asked.
    """
    agent_path = _agent_path(found)
    files = _key_files(target, found, keys, lender, has_agent=bool(agent_path))
    files, trouble = _with_certificates(files, found, keys)
    options: dict[str, Any] = {
        "client_keys": _Given(
            (file.key, file.certificate) if file.certificate else file.key for file in files if file.key
        ),
        "client_certs": [],  # each key comes with its own; a file that does not exist is no error, as for OpenSSH
        "agent_path": agent_path,
        "agent_identities": _agent_identities(target, found, files),
    }
    return Identities(tuple(files), options, bool(agent_path), tuple(trouble))


def _key_files(
    target: HostTarget,
    found: asyncssh.SSHClientConnectionOptions,
    keys: KeyRing,
    lender: HostTarget | None,
    *,
    has_agent: bool,
) -> list[KeyFile]:
    if target.identity is not None:
        file = keys.open(target.identity)
        if file.key is None and not file.is_locked and (file.public_data is None or not has_agent):
            mend = "correct the path, or load the key: ssh-add"
            raise LinkError(Fault(FaultKind.KEY_UNUSABLE, plain(file.trouble, 200), mend))
        return [file]
    configured = found.config.get("IdentityFile")
    if configured is None:
        lent = [keys.open(lender.identity)] if lender is not None and lender.identity is not None else []
        return [*lent, *keys.defaults()]
    opened = {file.path: file for file in map(keys.open, _paths(configured))}
    return [file for file in opened.values() if not file.is_missing]


def _with_certificates(
    files: Sequence[KeyFile], found: asyncssh.SSHClientConnectionOptions, keys: KeyRing
) -> tuple[list[KeyFile], list[str]]:
    """Each key with the certificate that CertificateFile has for it, else with the one beside it."""
    certificates, trouble = [], []
    for path in _paths(found.config.get("CertificateFile") or ()):
        certificate = keys.certificate(path)
        if isinstance(certificate, str):
            trouble.append(certificate)
        else:
            certificates.append(certificate)
    by_key = {certificate.key.public_data: certificate for certificate in certificates}
    beside = [file for file in files if file.certificate is not None and file.public_data not in by_key]
    trouble += [why for file in beside if file.certificate and (why := expired(file.certificate, file.path))]
    return [
        replace(file, certificate=by_key[file.public_data]) if file.public_data in by_key else file for file in files
    ], trouble


def _agent_path(found: asyncssh.SSHClientConnectionOptions) -> str:
    configured = found.config.get("IdentityAgent", ())
    if configured is None:  # `none`
        return ""
    path = os.environ.get("SSH_AUTH_SOCK", "") if configured in ((), "SSH_AUTH_SOCK") else str(configured)
    if path.startswith("$"):
        path = os.environ.get(path[1:].strip("{}"), "")
    return str(Path(path).expanduser()) if path else ""


def _agent_identities(
    target: HostTarget, found: asyncssh.SSHClientConnectionOptions, files: Sequence[KeyFile]
) -> list[bytes] | None:
    """Which of the agent's keys may be offered: all, or with IdentitiesOnly those that files name.

    A host's own `identity` implies IdentitiesOnly: an agent with many keys uses up the host's MaxAuthTries.
    """
    if target.identity is None and not found.config.get("IdentitiesOnly"):
        return None
    plain_keys = [file.public_data for file in files if file.public_data is not None]
    return [*plain_keys, *(file.certificate.public_data for file in files if file.certificate)] or [_NO_KEY]


def _paths(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list | tuple) else [str(value)]
