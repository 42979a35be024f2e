"""What was told, as text that is kept over restarts; what cannot be read is forgotten, never an error."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from leptontui.alerts.notify.mirror import Mirror
from leptontui.alerts.notify.told import Telling

log = logging.getLogger(__name__)
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Memory:
    """What all notifiers remember, by their names.

    Attributes:
        version: of this format.
        tellings: of those that get messages.
        mirrors: of Alertmanagers.
    """

    version: int = VERSION
    tellings: Mapping[str, Telling] = field(default_factory=dict)
    mirrors: Mapping[str, Mirror] = field(default_factory=dict)


def written(memory: Memory) -> str:
    """The memory as text. Holds no address and no secret."""
    return msgspec.json.encode(memory).decode()


def read(text: str) -> Memory:
    """The memory that `text` holds; an empty one if it holds none."""
    if not text:
        return Memory()
    try:
        memory = msgspec.json.decode(text, type=Memory)
    except (msgspec.MsgspecError, RecursionError) as error:
        log.warning("what was told before cannot be read and is forgotten: %s", error)
        return Memory()
    return memory if memory.version == VERSION else Memory()
