"""Refuses files named on the command line that cannot be what they are named as, before anything heavy is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from leptontui.errors import ConfigError

_MAGIC: Final = b"PAR1"
"""How parquet files begin and end: the Parquet format's specification, "File format"."""
_SHORTEST: Final = 12
"""Bytes of a parquet file without anything in it: the mark twice, and the length of its footer."""
_MEND: Final = "the file has to be parquet with the columns series, metric, ts, value"


def check_recording(path: Path) -> None:
    """Refuse what is no recording.

    Args:
        path: a parquet file, or a folder of them.

    Raises:
        ConfigError: it is not there, cannot be read, is no parquet, or is a folder without any.
    """
    try:
        if path.is_dir():
            if not any(path.glob("*.parquet")):
                raise ConfigError([f"{path}: no parquet in this folder"], _MEND)
            return
        if not path.exists():
            raise ConfigError([f"{path}: no such file"], _MEND)
        if not path.is_file():
            raise ConfigError([f"{path}: is no file"], _MEND)
        with path.open("rb") as file:
            begins = file.read(_SHORTEST)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError([f"{path}: cannot be read: {reason}"], _MEND) from None
    if len(begins) < _SHORTEST or not begins.startswith(_MAGIC):
        raise ConfigError([f"{path}: cannot be read as parquet: it does not begin as such a file does"], _MEND)
