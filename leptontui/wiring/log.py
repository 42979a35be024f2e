"""The log: a file of the user's own, since the terminal belongs to the screen, and standard error to the words."""

from __future__ import annotations

import logging
import logging.handlers
import os
from io import TextIOWrapper
from typing import Final, cast

import platformdirs

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_FULL_BYTES: Final = 1_000_000
_PRIVATE: Final = 0o600


class _Plain(logging.Formatter):
    """Escapes what is not printable: a log holds what hosts said, and is read in a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's lines, each printable."""
        text = super().format(record)
        lines = text.split("\n")
        return text if all(map(str.isprintable, lines)) else "\n".join(map(_escaped, lines))


def log_to_file() -> None:
    """Log to the user's log directory, readable by nobody else; where that cannot be written, log nothing."""
    try:
        handler: logging.Handler = _file()
    except OSError:
        # A read-only home must not keep anybody from looking at a fleet.
        handler = logging.NullHandler()
    handler.setFormatter(_Plain(_FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("asyncssh").setLevel(logging.WARNING)


class _Private(logging.handlers.RotatingFileHandler):
    """A file, and after it is full the next one, that nobody else may read and that is no link to another file."""

    def _open(self) -> TextIOWrapper:
        def private(path: str, flags: int) -> int:
            descriptor = os.open(path, flags | os.O_NOFOLLOW, _PRIVATE)
            os.fchmod(descriptor, _PRIVATE)  # it may be there already, from before
            return descriptor

        file = open(self.baseFilename, self.mode, encoding=self.encoding, opener=private)  # noqa: SIM115 — see `close`
        return cast("TextIOWrapper", file)


def _file() -> logging.Handler:
    path = platformdirs.user_log_path("leptontui", ensure_exists=True) / "leptontui.log"
    return _Private(path, maxBytes=_FULL_BYTES, backupCount=2, encoding="utf-8")


def _escaped(line: str) -> str:
    return line if line.isprintable() else "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
