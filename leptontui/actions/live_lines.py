"""What a command prints, told line by line as it comes: cleaned, cut, and no more than anybody can read."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from typing import Final

from leptontui.model.text import plain

LINE_CHARS: Final = 300
"""Longest line told, in characters."""

MOST_LINES: Final = 1000
"""Lines told of one command; the others are counted."""

_MOST_PARTIAL: Final = 8192
_ENDS: Final = re.compile(r"\r\n|\n|\r")
"""A carriage return ends a line as well: progress bars draw over themselves."""


class LiveLines:
    """Splits the pieces that a command prints into lines and tells them.

    Args:
        tell: takes a line; must not raise.
        mask: takes a secret out of a line.
    """

    def __init__(self, tell: Callable[[str], None], mask: Callable[[str], str] = str) -> None:
        self._tell = tell
        self._mask = mask
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._partial = ""
        self._told = 0
        self._untold = 0

    def hear(self, piece: bytes) -> None:
        """Take a piece of output. A flood costs no more than counting its lines."""
        if self._told >= MOST_LINES:
            self._untold += piece.count(b"\n")
            return
        *lines, self._partial = _ENDS.split(self._partial + self._decoder.decode(piece))
        if len(self._partial) > _MOST_PARTIAL:
            lines.append(self._partial)
            self._partial = ""
        for number, line in enumerate(lines):
            if self._told >= MOST_LINES:
                self._untold += len(lines) - number
                self._partial = ""
                return
            self._say(line)

    def end(self) -> None:
        """The command has ended: tell what is left, and how much was not told."""
        rest, self._partial = self._partial + self._decoder.decode(b"", final=True), ""
        self._say(rest)
        if self._untold:
            self._tell(f"… {self._untold} more lines")

    def _say(self, line: str) -> None:
        shown = plain(self._mask(line), LINE_CHARS)
        if shown:
            self._told += 1
            self._tell(shown)
