"""Recordings: the fleet's history as tidy parquet, in parts of a few minutes each, bounded in size."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from leptontui.errors import LeptonError
from leptontui.model.catalogue import CHART_STEP_S
from leptontui.store.past import WITH_HISTORY
from leptontui.store.store import Store
from leptontui.store.windows import Window, tidy

log = logging.getLogger(__name__)

STEP_S: Final = CHART_STEP_S
"""Means of ten seconds are recorded: what forecasts, anomalies and rules are made of."""
PART_S: Final = 120.0
"""A part is this long, so a kill loses no more of it."""
SETTLED_S: Final = 20.0
"""What is younger is not recorded yet: sweeps may still be on their way."""
MOST_BYTES: Final = 4 << 30
"""The oldest parts make room beyond that: a recording never fills a disk."""
_PRIVATE: Final = 0o600
_PRIVATE_FOLDER: Final = 0o700


@dataclass(frozen=True, slots=True)
class Slice:
    """What there is to record of one stretch of time; made on the store's loop, written elsewhere.

    Attributes:
        end_unix_s: where it ends.
        windows: copies of history.
    """

    end_unix_s: float
    windows: tuple[Window, ...]


class Slicer:
    """Cuts what has not been recorded yet out of a store's history. No I/O.

    Args:
        store: whose history.
        now_unix_s: what was before is not recorded.
    """

    def __init__(self, store: Store, now_unix_s: float) -> None:
        self._store = store
        self._until = _bucket(now_unix_s)

    def due(self, now_unix_s: float) -> bool:
        """Whether a part's length has passed; also where the clock was set back."""
        return abs(_bucket(now_unix_s - SETTLED_S) - self._until) * STEP_S >= PART_S

    def cut(self, now_unix_s: float, *, is_last: bool = False) -> Slice | None:
        """The closed buckets since the last cut; None if there are none.

        Args:
            now_unix_s: where the past ends.
            is_last: take what is not settled, too.
        """
        until = _bucket(now_unix_s if is_last else now_unix_s - SETTLED_S)
        buckets, self._until = until - self._until, until
        if buckets <= 0:
            return None
        end = until * STEP_S
        windows = [
            self._store.window(entity, now_unix_s=end + STEP_S / 2, step_s=STEP_S, buckets=buckets)
            for entity in WITH_HISTORY
        ]
        return Slice(end, tuple(windows))


class Recording:
    """Writes slices as parts of a folder. Parts are whole or not there: each is written aside and then renamed.

    Args:
        path: a folder; or a file ending in ".parquet", whose parts lie in "<file>.parts" until `close` joins them.
        most_bytes: the oldest parts are removed beyond that.

    Attributes:
        path: as asked for.
        parts: the folder of the parts.

    Raises:
        LeptonError: the folder cannot be made, or the file is there already.
    """

    def __init__(self, path: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        self._is_file = path.suffix == ".parquet" and not path.is_dir()
        self.parts = path.with_name(f"{path.name}.parts") if self._is_file else path
        self._most_bytes = most_bytes
        self._rows = 0
        if self._is_file and path.exists():
            raise LeptonError(f"the recording {path} is there already", "name another file, or a folder")
        try:
            self.parts.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            with _private(self.parts / f".writable-{os.getpid()}"):
                pass
        except OSError as error:
            raise LeptonError(
                f"nothing can be recorded in {self.parts}: {error.strerror or error}",
                "name a folder that can be written",
            ) from error

    def write(self, cut: Slice) -> int:
        """Write one part; returns its rows. A slice of nothing writes none.

        Raises:
            OSError: it cannot be written; earlier parts are as they were.
        """
        frame = tidy(list(cut.windows))
        if not len(frame):
            return 0
        self._finish(frame, self.parts / f"part-{cut.end_unix_s:.0f}-{os.getpid()}.parquet")
        self._rows += len(frame)
        self._make_room()
        return len(frame)

    def close(self) -> str:
        """Join the parts if a file was asked for; returns what became of the recording, in words."""
        found = self._found()
        if not found:
            if self._is_file:
                with suppress(OSError):
                    self.parts.rmdir()
            return f"nothing was recorded in {self.path}"
        if not self._is_file:
            return f"recorded in {self.path}: {self._rows:,} values of this run"
        if self.path.exists():
            return f"recorded in {self.parts}; {self.path} was made by somebody else meanwhile, and is as it was"
        try:
            with _private(self.path) as unfinished:
                pl.scan_parquet(found).sink_parquet(unfinished, compression="zstd", maintain_order=True)
                unfinished.replace(self.path)
            for part in found:
                part.unlink()
            self.parts.rmdir()
        except (OSError, pl.exceptions.PolarsError) as error:
            log.warning("the recording's parts could not be joined", exc_info=True)
            return f"recorded in {self.parts}; the parts could not be joined to {self.path}: {error}"
        return f"recorded in {self.path}: {self._rows:,} values"

    def _finish(self, frame: pl.DataFrame, path: Path) -> None:
        with _private(path) as unfinished:
            frame.write_parquet(unfinished, compression="zstd")
            unfinished.replace(path)

    def _found(self) -> list[Path]:
        return sorted(self.parts.glob("part-*.parquet"))

    def _make_room(self) -> None:
        found = [(part, part.stat().st_size) for part in self._found()]
        total = sum(size for _, size in found)
        for part, size in found[:-1]:
            if total <= self._most_bytes:
                break
            log.warning("the recording is full: %s is removed", part.name)
            part.unlink(missing_ok=True)
            total -= size


@contextmanager
def _private(path: Path) -> Iterator[Path]:
    """A new, empty file beside `path` that nobody else may read; removed afterwards unless it was renamed."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(unfinished, flags, _PRIVATE))
    try:
        yield unfinished
    finally:
        unfinished.unlink(missing_ok=True)


def _bucket(unix_s: float) -> int:
    return int(unix_s // STEP_S)
