"""Reads files for an inventory and remembers what each looked like, so that a change is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from leptontui.config.text import read_text

Stamp = tuple[int, int, int, int] | None
"""Time of change in ns, size, inode and device; None where there is nothing."""

_MOST_LISTED: Final = 10_000


def stamp_of(path: str) -> Stamp:
    """What the file or directory looks like now; a link is followed."""
    try:
        found = Path(path).stat()
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev


class Look:
    """One reading of several files.

    Attributes:
        seen: every path that was read or listed, as it looked before that.
    """

    def __init__(self) -> None:
        self.seen: dict[str, Stamp] = {}

    def note(self, path: Path) -> None:
        """Remember what `path` looks like, unless that is known already."""
        self.seen.setdefault(str(path), stamp_of(str(path)))

    def text(self, path: Path, *, errors: str = "strict") -> str:
        """The file's text; `errors` says what is done with what is not UTF-8.

        Raises:
            OSError: it cannot be read.
            ValueError: it is too large, no regular file, or not UTF-8.
        """
        self.note(path)
        return read_text(path, errors=errors)

    def listed(self, folder: Path, pattern: str = "*") -> list[Path]:
        """Files and directories under `folder` that match a glob pattern, by name; none where it cannot be read."""
        whole = folder / pattern
        self.note(whole.parent if not set("*?[") & set(str(whole.parent)) else folder)
        try:
            found = sorted(folder.glob(pattern))
        except (OSError, ValueError, NotImplementedError):
            return []
        for path in found[:_MOST_LISTED]:
            self.note(path)
        return found[:_MOST_LISTED]


def is_changed(seen: dict[str, Stamp]) -> bool:
    """Whether any of these paths looks different now."""
    return any(stamp_of(path) != stamp for path, stamp in seen.items())
