"""Who besides the user could have written a file: what is done without a person is not taken from just anybody."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_EVERYBODY = "may be written by everybody"
_GROUP = "may be written by its group"


def others_who_may_write(path: Path) -> tuple[str, str]:
    """Why others than this user and root could change what a file says, and how to mend it; ("", "") if they cannot.

    Looked at are the file, and every folder above it and above what a link in its place leads to: who may write into
    one of them may put another file there, unless it is sticky and the file is not theirs.

    Args:
        path: a file that exists.

    Returns:
        "may be written by its group" with "chmod go-w FILE", and the like.

    Raises:
        OSError: it, or a folder above it, cannot be looked at.
    """
    for place in _places(path):
        found = place.stat()
        what = "the file" if place == path else str(place)
        if found.st_uid not in {0, os.geteuid()}:
            return f"{what} belongs to another user (uid {found.st_uid})", f"chown {os.geteuid()} {place}"
        writers = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if writers and not (stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX):
            whose = _EVERYBODY if writers & stat.S_IWOTH else _GROUP
            return f"{what} {whose}", f"chmod go-w {place}"
    return "", ""


def _places(path: Path) -> Iterator[Path]:
    yield path
    seen: set[Path] = set()
    for start in (path.absolute(), path.resolve()):
        for folder in start.parents:
            if folder not in seen:
                seen.add(folder)
                yield folder
