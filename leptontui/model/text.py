"""Text from a host made fit for a screen, a log or a message: one line, no control characters, limited length."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_ESCAPES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor movement
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\r\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]?"  # every other escape
)
"""ECMA-48 sections 5.3 to 5.6, in 7-bit and 8-bit form. Bodies end at the next escape, so matching is linear."""

_ELLIPSIS: Final = "…"
_SLACK: Final = 16
"""A text is looked at up to this many times its limit (and 4,096 characters), so that a huge one costs little."""

_BECOMES: Final = {"Cc": " ", "Zl": " ", "Zp": " ", "Zs": " ", "Cf": ""}
"""By Unicode category: controls and separators, then formats (bidirectional overrides, zero-width, tags)."""


def plain(text: str, limit: int = 200) -> str:
    """Make `text` safe to show: no escapes, no controls, no bidirectional overrides, white space folded.

    Args:
        text: what a host said, hostile until proven otherwise.
        limit: longest result in characters, at least 1; what is cut off is marked by "…".

    Returns:
        One line without leading or trailing space. Markup such as `[red]` is left as it is: it is text.
    """
    bound = _SLACK * limit + 4096
    kept, is_cut = text[:bound], len(text) > bound
    if not kept.isprintable():
        kept = "".join(map(_shown, _ESCAPES.sub(" ", kept)))
    kept = " ".join(kept.split())
    if len(kept) > limit or is_cut:
        return kept[: limit - 1].rstrip() + _ELLIPSIS
    return kept


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    return _BECOMES.get(unicodedata.category(char), "\ufffd")
