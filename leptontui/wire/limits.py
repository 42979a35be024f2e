"""The protocol's version and how much a host may say."""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec

VERSION: Final = 1
MAX_LINE_BYTES: Final = 1 << 20
"""A longer line is not the protocol: 16 GPUs, 256 cores and 200 processes take less than 64 KiB."""

MAX_ITEMS: Final = 4096
"""A longer list is not the protocol either: half a million zeros fit in a line, and take 16 MB once decoded."""

_T = TypeVar("_T")
Some = Annotated[tuple[_T, ...], msgspec.Meta(max_length=MAX_ITEMS)]
"""A list of at most `MAX_ITEMS`."""
