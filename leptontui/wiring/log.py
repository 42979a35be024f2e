"""The log: a file of the user's own, since the terminal belongs to the screen, and standard error to the words."""

from __future__ import annotations

import logging
import logging.handlers
import os

import platformdirs

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


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


def _file() -> logging.Handler:
    path = platformdirs.user_log_path("leptontui", ensure_exists=True) / "leptontui.log"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
    return logging.handlers.RotatingFileHandler(path, maxBytes=1_000_000, backupCount=2, encoding="utf-8")


def _escaped(line: str) -> str:
    return line if line.isprintable() else "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)
