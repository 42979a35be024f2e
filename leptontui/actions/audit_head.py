"""The audit's head: how many lines the audit has and what the last one hashes to, so that a cut tail is found.

It lies beside the audit, 0600, and is always of one length, so that it is rewritten in place, in one sector, also on a
full disk. Whoever may write the audit may write it, too: it finds an accident and a clumsy hand, not its owner.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SIZE: Final = 160
"""Bytes of the file: JSON, filled with spaces, and a newline."""

_HEX: Final = 64
_SYNC: Final = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


@dataclass(frozen=True, slots=True)
class Head:
    """The end of an audit.

    Attributes:
        lines: how many it has.
        last: SHA-256 of the last one without its newline, in hex.
    """

    lines: int
    last: str


def head_path(audit: Path) -> Path:
    """Where the head of an audit is."""
    return audit.with_name(audit.name + ".head")


def read_head(audit: Path) -> Head | None:
    """The head of an audit; None where there is none.

    Raises:
        ValueError: it makes no sense.
        OSError: it cannot be read.
    """
    try:
        with head_path(audit).open("rb") as file:
            raw = file.read(SIZE + 1)
    except FileNotFoundError:
        return None
    if not raw:  # killed between making it and writing it: as good as none
        return None
    values = json.loads(raw)
    lines, last = (values.get("lines"), values.get("last")) if isinstance(values, dict) else (None, None)
    if isinstance(lines, bool) or not isinstance(lines, int) or lines < 1:
        raise ValueError("it is no head of an audit")
    if not isinstance(last, str) or len(last) != _HEX:
        raise ValueError("it is no head of an audit")
    return Head(lines, last)


def write_head(audit: Path, head: Head) -> None:
    """Write the head of an audit and wait until it is on disk. The caller holds the audit's lock.

    Raises:
        OSError: it cannot be written.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    content = json.dumps({"lines": head.lines, "last": head.last}).encode().ljust(SIZE - 1) + b"\n"
    handle = os.open(head_path(audit), flags, 0o600)
    try:
        if os.pwrite(handle, content, 0) != len(content):
            raise OSError(0, "the disk is full")
        os.ftruncate(handle, SIZE)
        _SYNC(handle)
    finally:
        os.close(handle)
