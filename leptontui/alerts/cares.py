"""What users say of alerts, as things to be shared with other instances: written down, and taken at once here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from leptontui.alerts.shelf import Shared, Shelf
from leptontui.model.alert import Acknowledgement, Silence


class Care(Protocol):
    """One thing a user said of alerts, to be shared."""

    def write(self, shelf: Shelf) -> None:
        """Write it down."""

    def apply(self, shared: Shared) -> Shared:
        """What is shared once it is written."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """See `Care`."""

    given: Mapping[str, Acknowledgement]

    def write(self, shelf: Shelf) -> None:
        """Write it down."""
        shelf.acknowledge(self.given)

    def apply(self, shared: Shared) -> Shared:
        """What is shared once it is written."""
        return replace(shared, acknowledged={**self.given, **shared.acknowledged})


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """See `Care`."""

    alert_ids: tuple[str, ...]

    def write(self, shelf: Shelf) -> None:
        """Write it down."""
        shelf.unacknowledge(self.alert_ids)

    def apply(self, shared: Shared) -> Shared:
        """What is shared once it is written."""
        kept = {known: by for known, by in shared.acknowledged.items() if known not in self.alert_ids}
        return replace(shared, acknowledged=kept)


@dataclass(frozen=True, slots=True)
class Silenced:
    """See `Care`."""

    silence: Silence

    def write(self, shelf: Shelf) -> None:
        """Write it down."""
        shelf.silence(self.silence)

    def apply(self, shared: Shared) -> Shared:
        """What is shared once it is written."""
        others = tuple(one for one in shared.silences if one.id != self.silence.id)
        return replace(shared, silences=(*others, self.silence))


@dataclass(frozen=True, slots=True)
class Unsilenced:
    """See `Care`."""

    silence_id: str

    def write(self, shelf: Shelf) -> None:
        """Write it down."""
        shelf.unsilence(self.silence_id)

    def apply(self, shared: Shared) -> Shared:
        """What is shared once it is written."""
        return replace(shared, silences=tuple(one for one in shared.silences if one.id != self.silence_id))
