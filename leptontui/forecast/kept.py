"""The file in which what forecasts learned is kept from one run of the program to the next."""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import platformdirs

log = logging.getLogger(__name__)

MAGIC: Final = b"leptontui forecasts 1\n"
"""What the file begins with; a file of another version is not read."""
MOST_BYTES: Final = 1 << 26
"""A larger file is not ours."""
_DIGEST_BYTES: Final = 32
_PRIVATE: Final = 0o600


def default_path() -> Path:
    """Where it is kept unless told otherwise: `forecasts.state` in the user's state directory."""
    return platformdirs.user_state_path("leptontui") / "forecasts.state"


class KeptLearning:
    """One such file. It is replaced as a whole, so that another instance of the program reads an old or a new one.

    Args:
        path: made with mode 0600, its directory with 0700. None means `default_path()`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path if path is not None else default_path()

    def read(self) -> bytes:
        """What was learned; empty where there is no such file, or one that cannot be used: the log says why."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                written = file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            return b""
        except OSError as error:
            log.warning("forecasts learn anew: %s cannot be read: %s", self.path, error.strerror or error)
            return b""
        learned = _checked(written)
        if learned is None:
            log.warning("forecasts learn anew: %s is damaged, or of another version", self.path)
            return b""
        return learned

    def write(self, learned: bytes) -> None:
        """Replace the file; where that cannot be done the log says why."""
        unfinished = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(unfinished, flags, _PRIVATE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(MAGIC + hashlib.sha256(learned).digest() + learned)
                file.flush()
                os.fsync(descriptor)
            unfinished.replace(self.path)
        except OSError as error:
            log.warning("what forecasts learned is not kept: %s: %s", self.path, error.strerror or error)
            with suppress(OSError):
                unfinished.unlink()


def _checked(written: bytes) -> bytes | None:
    """What was learned, if the file is whole."""
    start = len(MAGIC) + _DIGEST_BYTES
    if len(written) > MOST_BYTES or not written.startswith(MAGIC):
        return None
    learned = written[start:]
    return learned if hashlib.sha256(learned).digest() == written[len(MAGIC) : start] else None
