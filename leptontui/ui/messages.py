"""Messages of the app: past tense, posted from the engine's thread, handled on the UI's."""

from __future__ import annotations

from textual.message import Message

from leptontui.model.action import ActionName
from leptontui.snapshot import FleetSnapshot


class SnapshotPublished(Message):
    """The engine has published a snapshot. A slow screen sees only the newest."""

    def __init__(self, snapshot: FleetSnapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """A newer snapshot replaces an older one that is still waiting."""
        return isinstance(message, SnapshotPublished)


class ActionAsked(Message):
    """The user wants something done to a host; the app asks for what is missing and shows the plan."""

    def __init__(self, action: ActionName, host: str, reason: str = "", unit: str = "") -> None:
        super().__init__()
        self.action = action
        self.host = host
        self.reason = reason
        self.unit = unit
