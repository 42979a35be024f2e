"""What is remembered of alerts between two evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from leptontui.model.alert import Acknowledgement, Alert, AlertState, Silence


@dataclass(frozen=True, slots=True)
class Track:
    """One pending or firing alert with what its steps depend on.

    Durations are sums of time that was watched, not differences of clock readings: a clock that is set, or a machine
    that slept, makes nothing fire or end.

    Attributes:
        alert: as it is now.
        held_s: so long its condition has held without a break, while pending.
        clear_s: so long it has been over without a break, while firing.
        is_restored: it is from before a restart, and its condition has not been seen since.
        is_settled: an action was verified on its host since it fired; a latched alert may end.
    """

    alert: Alert
    held_s: float = 0.0
    clear_s: float = 0.0
    is_restored: bool = False
    is_settled: bool = False

    def moved(self, by_s: float) -> Track:
        """The same with all times moved, after the clock was set back."""
        alert = self.alert
        seen = alert.acknowledgement
        return replace(
            self,
            alert=replace(
                alert,
                since_unix_s=alert.since_unix_s + by_s,
                seen_unix_s=alert.seen_unix_s + by_s,
                fired_unix_s=None if alert.fired_unix_s is None else alert.fired_unix_s + by_s,
                acknowledgement=None if seen is None else Acknowledgement(seen.who, seen.why, seen.at_unix_s + by_s),
            ),
        )


@dataclass(frozen=True, slots=True)
class LifeState:
    """All alerts that pend or fire. Immutable.

    Attributes:
        at_unix_s: time of the last step; None before the first.
        tracks: by alert id, in the order in which they began.
        ends: when alerts ended lately, by alert id, oldest first: what flapping is seen by.
        silences: those that hold or will, by their ids' making.
    """

    at_unix_s: float | None = None
    tracks: Mapping[str, Track] = field(default_factory=dict)
    ends: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    silences: tuple[Silence, ...] = ()

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Every pending and firing alert."""
        return tuple(track.alert for track in self.tracks.values())

    def firing(self, alert_id: str) -> Alert | None:
        """The firing alert with this id, None if there is none."""
        track = self.tracks.get(alert_id)
        return track.alert if track is not None and track.alert.state is AlertState.FIRING else None
