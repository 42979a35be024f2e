"""Reads the text of a configuration file, of limited size, and says in words why it cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MAX_FILE_BYTES: Final = 4 << 20


def read_text(path: Path, limit: int = MAX_FILE_BYTES, errors: str = "strict") -> str:
    """The file's text with Unix line ends. For a regular file only: a pipe or device could keep us waiting for ever.

    Args:
        path: the file.
        limit: most bytes it may have.
        errors: what is done with what is not UTF-8, see `codecs`.

    Raises:
        OSError: it cannot be read.
        ValueError: it is larger than `limit` bytes, or not UTF-8.
    """
    if path.exists() and not path.is_file():
        if path.is_dir():
            raise IsADirectoryError
        raise ValueError("not a regular file")
    with path.open("rb") as file:
        raw = file.read(limit + 1)
    if len(raw) > limit:
        raise ValueError(f"larger than {limit >> 20} MiB")
    return raw.decode("utf-8", errors).replace("\r\n", "\n")


def unreadable(error: Exception, expected: str) -> str:
    """Why a file cannot be read, in words."""
    match error:
        case IsADirectoryError():
            return f"is a directory, expected {expected}"
        case UnicodeDecodeError():
            return f"not UTF-8 text (byte {error.start})"
        case RecursionError():
            return "nested too deeply"
        case OSError():
            return f"cannot be read: {error.strerror or error}"
        case _:
            return f"cannot be read: {error}"
