"""Private keys from files: read once, shared by all connections, with the reason where one cannot be used."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import asyncssh

from leptontui.errors import LinkError
from leptontui.model.link import Fault, FaultKind

DEFAULT_FILES: Final = ("id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk")
"""Looked for in ~/.ssh where no IdentityFile is set; ssh_config(5)."""
_NEEDS_MODULE: Final = "bcrypt"
_LOCKED: Final = "needs a passphrase and no agent offers it"
_WANTS_TOUCH: Final = "a security key (FIDO), which needs the agent here: ssh-add it (or install python-fido2)"


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One private key file.

    Attributes:
        path: where it is.
        key: the key, None if it cannot be used.
        certificate: the certificate beside it (`…-cert.pub`), None if there is none.
        public_data: the public half, by which an agent knows it; None if it cannot be had.
        trouble: why the key cannot be used, "" if it can.
        is_missing: whether there is no such file.
        is_locked: whether a passphrase would make it usable.
        is_touched: whether it is a security key's (FIDO), which wants to be touched.
    """

    path: Path
    key: asyncssh.SSHKey | None = None
    certificate: asyncssh.SSHCertificate | None = None
    public_data: bytes | None = None
    trouble: str = ""
    is_missing: bool = False
    is_locked: bool = False
    is_touched: bool = False


class KeyRing:
    """Reads key files once, and again when they change. Unlocked keys stay in memory, passphrases do not."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[tuple[int, int], int, KeyFile]] = {}

    def open(self, file: str | Path) -> KeyFile:
        """The key in `file`. Never raises for a bad file: it says why in `trouble`."""
        path = Path(file).expanduser()
        try:
            stat = path.stat()
        except OSError as error:
            return KeyFile(path, trouble=f"{path}: {error.strerror}", is_missing=isinstance(error, FileNotFoundError))
        stamp = stat.st_mtime_ns, stat.st_ino
        cached = self._read.get(path)
        if cached is None or cached[0] != stamp:
            cached = stamp, _renewal(path), _read(path)
        elif cached[1] != (renewal := _renewal(path)):
            # Certificates live for hours: a new one must not lock the key again.
            cached = stamp, renewal, replace(cached[2], certificate=_certificate(path))
        self._read[path] = cached
        return cached[2]

    def unlock(self, file: Path, passphrase: str) -> bool:
        """Unlock the key in `file` for everybody who opens it from now on; slow, so to be called in a thread.

        Returns:
            Whether the passphrase is right.

        Raises:
            LinkError: no passphrase can unlock it here.
        """
        try:
            stat = file.stat()
            key = asyncssh.read_private_key(file, passphrase)
        except OSError as error:
            cause = f"{file}: {error.strerror}"
            raise LinkError(Fault(FaultKind.KEY_UNUSABLE, cause, "correct the path or its rights")) from error
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            if _NEEDS_MODULE not in str(error):
                return False
            cause = f"{file}: its encryption needs the Python module bcrypt, which is not installed"
            raise LinkError(Fault(FaultKind.KEY_UNUSABLE, cause, "load the key into the agent: ssh-add")) from None
        opened = KeyFile(file, key, _certificate(file), key.public_data, is_touched=_is_touched(key.public_data))
        self._read[file] = (stat.st_mtime_ns, stat.st_ino), _renewal(file), opened
        return True

    def certificate(self, file: str | Path) -> asyncssh.SSHCertificate | str:
        """The certificate in `file`; why it cannot be used, in words, if it cannot."""
        path = Path(file).expanduser()
        try:
            found = asyncssh.read_certificate(path)
        except OSError as error:
            return f"{path}: {error.strerror}"
        except asyncssh.KeyImportError as error:
            return f"{path}: {error}"
        return expired(found, path) or found

    def defaults(self) -> Sequence[KeyFile]:
        """The default keys in ~/.ssh that exist."""
        found = (self.open(Path("~/.ssh") / name) for name in DEFAULT_FILES)
        return [key for key in found if not key.is_missing]


def _read(path: Path) -> KeyFile:
    public = _public_half(path)
    try:
        key = asyncssh.read_private_key(path)
    except OSError as error:
        return KeyFile(path, public_data=public, trouble=f"{path}: {error.strerror}")
    except asyncssh.KeyImportError as error:
        is_touched = _is_touched(public)
        is_locked = str(error).startswith("Passphrase") and not (is_touched and not has_security_keys())
        why = _WANTS_TOUCH if is_touched and not is_locked else _LOCKED if is_locked else str(error)
        trouble = f"{path}: {why}"
        return KeyFile(path, None, _certificate(path), public, trouble, is_locked=is_locked, is_touched=is_touched)
    certificate = _certificate(path)
    if _is_touched(key.public_data) and not has_security_keys():
        # It can be read without the library, but nothing can be signed.
        return KeyFile(path, None, certificate, key.public_data, f"{path}: {_WANTS_TOUCH}", is_touched=True)
    return KeyFile(path, key, certificate, key.public_data, is_touched=_is_touched(key.public_data))


def has_security_keys() -> bool:
    """Whether security keys plugged in here can be talked to without an agent: asyncssh needs python-fido2."""
    return importlib.util.find_spec("fido2") is not None


def _is_touched(public_data: bytes | None) -> bool:
    """Whether a public key is a security key's: the blob begins with the length and name of its algorithm."""
    return public_data is not None and public_data[4:7] == b"sk-"


def _public_half(path: Path) -> bytes | None:
    """The public half of a key whose file may be encrypted; OpenSSH's own format keeps it readable."""
    for candidate in (path.with_name(path.name + ".pub"), path):
        try:
            return asyncssh.read_public_key(candidate).public_data
        except (OSError, asyncssh.KeyImportError):
            continue
    return None


def expired(certificate: asyncssh.SSHCertificate, path: Path) -> str:
    """Why a certificate lets nobody in any more, or not yet; "" if it does."""
    validate = getattr(certificate, "validate", None)  # certificates of X.509 have none
    try:
        if validate is not None:
            validate(_OF_A_USER, None)
    except ValueError as error:
        return f"{path}: {error}"
    return ""


_OF_A_USER: Final = 1
"""SSH2_CERT_TYPE_USER, PROTOCOL.certkeys."""


def _beside(path: Path) -> Path:
    return path.with_name(path.name + "-cert.pub")


def _renewal(path: Path) -> int:
    """When the certificate beside a key was written, in nanoseconds; 0 if there is none."""
    try:
        return _beside(path).stat().st_mtime_ns
    except OSError:
        return 0


def _certificate(path: Path) -> asyncssh.SSHCertificate | None:
    try:
        return asyncssh.read_certificate(_beside(path))
    except (OSError, asyncssh.KeyImportError):
        return None
