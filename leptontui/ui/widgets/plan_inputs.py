"""Where the plan dialog is, and an input that ignores keys pressed before it could be read."""

from __future__ import annotations

from enum import Enum, auto

from textual import events
from textual.widgets import Input


class Stage(Enum):
    """Where the dialog is."""

    ASKING = auto()
    UNPLANNED = auto()
    SHOWN = auto()
    RUNNING = auto()
    ENDED = auto()


class SettledInput(Input):
    """An input that takes no key pressed before `not_before` (monotonic seconds), however late it is delivered."""

    not_before = 0.0

    async def _on_key(self, event: events.Key) -> None:
        if event.time < self.not_before:
            event.stop()
            event.prevent_default()
            return
        await super()._on_key(event)
