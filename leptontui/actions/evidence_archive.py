"""The archive that evidence is kept in: written whole or not at all, 0600, and read back."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from leptontui.actions.whole_file import sync_folder
from leptontui.errors import EvidenceError

MANIFEST: Final = "manifest.json"
SCHEMA: Final = 1
_MEND: Final = "make room there, or set XDG_STATE_HOME to where there is some"

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Content:
    """One file of an archive.

    Attributes:
        file: its name.
        text: what is in it.
        told: what the manifest says of it besides its name, size and digest.
    """

    file: str
    text: str
    told: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Written:
    """An archive that was written and read back.

    Attributes:
        path: where it is.
        sha256: of all of it, in hex.
        size_bytes: of all of it.
    """

    path: Path
    sha256: str
    size_bytes: int


def default_folder() -> Path:
    """Where archives are kept unless told otherwise: `evidence` in the user's state directory."""
    return platformdirs.user_state_path("leptontui") / "evidence"


def write_archive(folder: Path, name: str, contents: Sequence[Content], about: Mapping[str, Json]) -> Written:
    """Write `NAME.tar.gz` with a manifest, wait until it is on disk, and read it back. Blocks: call it in a thread.

    Args:
        folder: made with mode 0700 if it is not there.
        name: of the archive and of the folder in it; fit for a file's name.
        contents: its files.
        about: what the manifest says of the whole.

    Raises:
        EvidenceError: it is not there whole.
    """
    path = folder / f"{name}.tar.gz"
    partial = folder / f".{name}.{os.getpid()}.part"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                _write(file, name, contents, about)
                file.flush()
                os.fsync(file.fileno())
            written = _read_back(partial, path, name, contents)
            partial.rename(path)
            sync_folder(folder)
        except BaseException:
            with suppress(OSError):
                partial.unlink()
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise EvidenceError(f"the evidence cannot be written to {folder}: {reason}", _MEND) from error
    return written


def _write(file: io.BufferedWriter, name: str, contents: Sequence[Content], about: Mapping[str, Json]) -> None:
    parts: list[Json] = []
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for content in contents:
            raw = content.text.encode("utf-8", "replace")
            digest = hashlib.sha256(raw).hexdigest()
            parts.append({"file": content.file, "bytes": len(raw), "sha256": digest, **content.told})
            _add(archive, f"{name}/{content.file}", raw)
        manifest = json.dumps({"schema": SCHEMA, **about, "parts": parts}, indent=1, ensure_ascii=True)
        _add(archive, f"{name}/{MANIFEST}", manifest.encode())


def _add(archive: tarfile.TarFile, name: str, raw: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(raw), 0o600
    archive.addfile(member, io.BytesIO(raw))


def _read_back(partial: Path, path: Path, name: str, contents: Sequence[Content]) -> Written:
    """What stands on disk: every file as it was given, and the digest of the whole."""
    expected = {f"{name}/{content.file}": content.text.encode("utf-8", "replace") for content in contents}
    raw = partial.read_bytes()
    try:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(raw))) as archive:
            found = {member.name: _content(archive, member) for member in archive}
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise OSError(f"it reads back as no archive: {error}") from error
    if found.pop(f"{name}/{MANIFEST}", None) is None or found != expected:
        raise OSError("it reads back otherwise than it was written")
    return Written(path, hashlib.sha256(raw).hexdigest(), len(raw))


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes | None:
    file = archive.extractfile(member)
    return None if file is None else file.read()
