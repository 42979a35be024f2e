"""Messages of the app: past tense, posted from the engine's thread or by screens, handled on the UI's."""

from __future__ import annotations

from collections.abc import Mapping

from textual.message import Message

from leptontui.snapshot import FleetSnapshot
from leptontui.view.orders import Order


class SnapshotPublished(Message):
    """The engine has published a snapshot. A slow screen sees only the newest."""

    def __init__(self, snapshot: FleetSnapshot) -> None:
        super().__init__()
        self.snapshot = snapshot

    def can_replace(self, message: Message) -> bool:
        """A newer snapshot replaces an older one that is still waiting."""
        return isinstance(message, SnapshotPublished)


class ActionAsked(Message):
    """The user wants something done to a host; the app asks for what is missing and shows the plan.

    Args:
        action: an action's name.
        host: its name in the fleet.
        reason: why, as a proposal.
        unit: which unit; "" if it has to be chosen, or none belongs to it.
        known: what is known of it besides, e.g. the GPU under the cursor: parameters are filled in from it.
    """

    def __init__(
        self, action: str, host: str, reason: str = "", unit: str = "", *, known: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self.action = action
        self.host = host
        self.reason = reason
        self.unit = unit
        self.known = dict(known or {})


class OrderPlaced(Message):
    """The user wants something done to one or several hosts; what is missing of it is asked for.

    Args:
        order: what is wanted.
        wants_form: whether its parameters are to be gone through first, also where all are known.
    """

    def __init__(self, order: Order, *, wants_form: bool = False) -> None:
        super().__init__()
        self.order = order
        self.wants_form = wants_form


class MenuAsked(Message):
    """The user wants to choose what is done to one or several hosts.

    Args:
        hosts: their names in the fleet, in the order in which they would be worked on.
        reason: why, as a proposal.
        known: as for `ActionAsked`.
    """

    def __init__(self, hosts: tuple[str, ...], reason: str = "", *, known: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self.hosts = hosts
        self.reason = reason
        self.known = dict(known or {})
