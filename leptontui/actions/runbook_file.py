"""The files in which runbooks under way are kept, one each and 0600: to be gone on with after a restart."""

from __future__ import annotations

import fcntl
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import platformdirs

from leptontui.actions.whole_file import write_whole
from leptontui.errors import ActionError
from leptontui.model.activity import RunbookRun, RunbookState
from leptontui.model.runbook import RunbookTask

_LOG = logging.getLogger(__name__)

_VERSION: Final = 1
_KEPT_ENDED: Final = 20
_MOST_BYTES: Final = 1 << 20
_RUN_ID: Final = re.compile(r"[0-9a-f]{8,32}", re.ASCII)
_OVER: Final = frozenset({RunbookState.ENDED, RunbookState.ABANDONED})


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A runbook under way, with all that is needed to go on with it.

    Attributes:
        run: as it is shown.
        tasks: its steps, placeholders filled: the runbook's file may change meanwhile.
        params: what it was started with.
        user: who started it.
        version: of this form.
    """

    run: RunbookRun
    tasks: tuple[RunbookTask, ...]
    params: tuple[tuple[str, str], ...]
    user: str
    version: int = _VERSION


class RunbookFiles:
    """The folder. Its methods wait for the disk: call them in a thread.

    Args:
        folder: made with mode 0700; None means `runbooks` in the user's state directory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else platformdirs.user_state_path("leptontui") / "runbooks"

    def read(self) -> list[KeptRun]:
        """All that are kept, oldest first; what cannot be understood is left where it is, and logged."""
        try:
            paths = sorted(self.folder.glob("*.json"))
        except OSError:
            _LOG.exception("%s cannot be read", self.folder)
            return []
        found = [kept for path in paths if (kept := _read(path)) is not None]
        return sorted(found, key=lambda kept: kept.run.begun_unix_s)

    def read_one(self, run_id: str) -> KeptRun | None:
        """One run; None if it is not kept, or cannot be understood."""
        return _read(self._path(run_id))

    def write(self, kept: KeptRun) -> None:
        """Keep it; on disk when this returns.

        Raises:
            ActionError: it cannot be kept; what was kept before still is.
        """
        path = self._path(kept.run.run_id)
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(path, msgspec.json.encode(kept))
        except OSError as error:
            raise ActionError(
                f"the runbook cannot be kept in {self.folder}: {error.strerror}", "make room, or the folder writable"
            ) from error

    def tidy(self) -> None:
        """Forget all but the last 20 of those that have ended."""
        over = [kept for kept in self.read() if kept.run.state in _OVER]
        for kept in over[:-_KEPT_ENDED]:
            for path in (self._path(kept.run.run_id), self._path(kept.run.run_id).with_suffix(".lock")):
                path.unlink(missing_ok=True)

    @contextmanager
    def held(self, run_id: str) -> Iterator[bool]:
        """Keep other sessions from a run; whether that was possible. The kernel lets go when this process dies."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._path(run_id).with_suffix(".lock"), flags, 0o600)
        except OSError as error:
            raise ActionError(f"the runbook cannot be locked in {self.folder}: {error.strerror}") from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(handle)

    def _path(self, run_id: str) -> Path:
        if _RUN_ID.fullmatch(run_id) is None:
            raise ActionError("this is not the id of a runbook under way")
        return self.folder / f"{run_id}.json"


def _read(path: Path) -> KeptRun | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            kept = msgspec.json.decode(file.read(_MOST_BYTES), type=KeptRun)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        _LOG.exception("%s is not a runbook under way that can be understood", path)
        return None
    is_sound = (
        kept.version == _VERSION
        and f"{kept.run.run_id}.json" == path.name
        and len(kept.tasks) == len(kept.run.steps)
        and 0 <= kept.run.at <= len(kept.tasks)
    )
    return kept if is_sound else None
