"""The file of remembered drains: small, 0600, written whole or not at all, shared by a user's several sessions."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from leptontui.actions.lock_files import WITHIN_S, lock_within
from leptontui.actions.whole_file import write_whole

_VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptDrain:
    """A host that was taken out of service, as the file has it.

    Attributes:
        host: its name in the fleet.
        controller: where its scheduler is asked, so that a host of the same name in another fleet is not taken for it.
        scheduler: "slurm" or "kubernetes".
        node: as the scheduler calls it.
        reason: as it was given.
        since_unix_s: when.
    """

    host: str
    controller: str
    scheduler: str
    node: str
    reason: str
    since_unix_s: float

    @property
    def key(self) -> tuple[str, str]:
        """What identifies it: its host and where that one's scheduler is."""
        return self.host, self.controller


@dataclass(frozen=True, slots=True)
class _Content:
    version: int
    drained: list[KeptDrain]


Kept = dict[tuple[str, str], KeptDrain]


def default_path() -> Path:
    """Where drains are remembered unless told otherwise: `drains.json` in the user's state directory."""
    return platformdirs.user_state_path("leptontui") / "drains.json"


class DrainFile:
    """The file. Its methods wait for the disk: call them in a thread.

    Args:
        path: the file; made with mode 0600, its directory with 0700.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def change(self, edit: Callable[[Kept], None]) -> Kept:
        """Read, let `edit` change what was read, write if that changed it; nobody else writes meanwhile.

        A file that cannot be understood is put aside as `drains.json.damaged`, and a new one is begun.

        Returns:
            What the file has now, by key.

        Raises:
            OSError: it cannot be read or written; it is then as it was.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            before = self._read()
            kept = dict(before)
            edit(kept)
            if kept != before:
                self._write(kept)
            return kept

    def _read(self) -> Kept:
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return {}
        with os.fdopen(handle, "rb") as file:
            written = file.read()
        try:
            content = msgspec.json.decode(written, type=_Content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            content = None
        if content is None or content.version != _VERSION:
            self.path.replace(self.path.with_name(f"{self.path.name}.damaged"))
            return {}
        return {drain.key: drain for drain in content.drained}

    def _write(self, kept: Kept) -> None:
        write_whole(self.path, msgspec.json.encode(_Content(_VERSION, list(kept.values()))))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(self.path.with_name(f"{self.path.name}.lock"), flags, 0o600)
        try:
            lock_within(handle, WITHIN_S)
            yield
        finally:
            os.close(handle)  # lets go of the lock as well
