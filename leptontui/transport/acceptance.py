"""Writes host keys that the user vouches for into the user's own known_hosts: whole lines, none twice, nothing else."""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncssh

from leptontui.errors import LeptonError
from leptontui.model.link import OfferedKey
from leptontui.model.text import plain
from leptontui.transport.known_hosts import NamedKeys, load_lines, split_name

_PRIVATE: Final = 0o600
_PRIVATE_DIRECTORY: Final = 0o700
_SALT_BYTES: Final = 20
"""As long as the hash, SHA-1: what ssh-keygen -H writes."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was written.

    Attributes:
        keys: how many lines.
        files: into which files.
        skipped: names that known_hosts lists meanwhile, or whose key is none, with the reason in words.
    """

    keys: int
    files: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...] = ()


def accept(keys: Sequence[OfferedKey]) -> Accepted:
    """Add a line for each of these keys; a key that is listed already is not written again.

    A name that lists another key of the same type meanwhile is left alone: that would be a changed key.

    Raises:
        LeptonError: a file cannot be written; nothing of that file was.
    """
    written: dict[str, int] = {}
    skipped: list[tuple[str, str]] = []
    for file in dict.fromkeys(key.file for key in keys):
        path = Path(file).expanduser()
        try:
            text = path.read_text(encoding="utf-8", errors="surrogateescape") if path.exists() else ""
            lines, refused = _lines(text, dict.fromkeys(key for key in keys if key.file == file))
            skipped += refused
            if lines:
                _append(path, lines, is_ended=not text or text.endswith("\n"))
                written[str(path)] = len(lines)
        except OSError as error:
            cause = f"{plain(str(path), 200)} cannot be written: {error.strerror}"
            raise LeptonError(cause, "correct its rights, or add the keys by hand") from error
    return Accepted(sum(written.values()), tuple(written), tuple(skipped))


def _lines(text: str, keys: Iterable[OfferedKey]) -> tuple[list[str], list[tuple[str, str]]]:
    known = NamedKeys()
    load_lines(known, text)
    lines: list[str] = []
    skipped: list[tuple[str, str]] = []
    for offered in keys:
        try:
            key = asyncssh.import_public_key(offered.public)
        except asyncssh.KeyImportError:
            skipped.append((offered.name, "what it offered is no key"))
            continue
        host, port = split_name(offered.name)
        trusted, _, revoked = known.listed(host, port)
        if key in revoked:
            skipped.append((offered.name, "its key is revoked"))
        elif any(other.algorithm == key.algorithm and other != key for other in trusted):
            skipped.append((offered.name, "another key of it is listed meanwhile: it HAS CHANGED"))
        elif key not in trusted:
            line = f"{_hashed(offered.name) if offered.is_hashed else offered.name} {offered.public}"
            lines.append(line)
            load_lines(known, line)
    return lines, skipped


def _append(path: Path, lines: Sequence[str], *, is_ended: bool) -> None:
    """Append with one write, so that another ssh which appends at the same time does not come in between."""
    path.parent.mkdir(_PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    data = ("" if is_ended else "\n") + "".join(f"{line}\n" for line in lines)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)
    try:
        length = os.fstat(descriptor).st_size
        left = data.encode("utf-8")
        try:
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, length)  # the disk is full, or the like: no half a line stays behind
            raise
    finally:
        os.close(descriptor)


def _hashed(name: str) -> str:
    """The name as `HashKnownHosts yes` writes it: known_hosts lists no readable names then; sshd(8)."""
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hmac.digest(salt, name.encode("utf-8"), "sha1")
    return f"|1|{base64.b64encode(salt).decode('ascii')}|{base64.b64encode(digest).decode('ascii')}"
