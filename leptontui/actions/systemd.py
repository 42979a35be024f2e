"""systemd's answer about one unit, parsed, and whether it says that the unit was restarted and is up."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from leptontui.model.text import plain

_COMPANY: Final = ("RequiredBy", "BoundBy", "ConsistsOf")
"""Which units go with it: they require it, or are part of it (systemd.unit(5), "Requires=", "PartOf=")."""

PROPERTIES: Final = (
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "Type",
    "RemainAfterExit",
    "MainPID",
    "InvocationID",
    "ActiveEnterTimestamp",
    "ActiveEnterTimestampMonotonic",
    "NRestarts",
    "NeedDaemonReload",
    "RestartUSec",
    "TimeoutStartUSec",
    "TimeoutStopUSec",
    "ExecMainStartTimestampMonotonic",
    "ExecMainExitTimestampMonotonic",
    *_COMPANY,
)
"""What is asked of `systemctl show`; a property that an old systemd does not know is simply not printed."""


WATCH_S: Final = 10.0
"""A restarted unit is watched so long: what cannot read its configuration or bind its port falls over sooner."""

_WATCH_LOOPING_S: Final = 30.0
"""Likewise a unit that systemd had to restart by itself before."""

_MOST_WATCH_S: Final = 120.0
_SLACK_S: Final = 5.0

_SPAN: Final = re.compile(r"(\d+)(us|ms|s|min|h|d|w|month|y)")
_SECONDS: Final = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "month": 2629800.0,
    "y": 31557600.0,
}
"""systemd.time(7), "Parsing time spans"; what `systemctl show` prints of properties that end in USec."""


_MOST_DIGITS: Final = 20
"""Of a number of 64 bits."""


@dataclass(frozen=True, slots=True)
class UnitState:
    """One unit at one moment.

    Attributes:
        unit: its name, as it was asked for.
        load, active, sub: systemd's LoadState, ActiveState and SubState; "" where not said.
        result: how it last ended, "success" or why not.
        service_type: Type of a service, e.g. "notify", "oneshot".
        stays_after_exit: RemainAfterExit.
        main_pid: its main process, None if it has none.
        invocation: an id that is new with every start (systemd 232 and later).
        since: when it last became active, for people.
        since_us: the same on the host's monotonic clock, in microseconds, as printed.
        restarts: how often systemd restarted it by itself, None where not said.
        is_file_newer: its file was changed and systemd has not read it again.
        restart_after_s: how long systemd waits before it restarts it by itself, in seconds.
        start_within_s, stop_within_s: what starting and stopping may take, in seconds; None where not said or endless.
        lived_s: how long its main process lived, in seconds; None while it runs or where not said.
        goes_with: units that systemd stops and starts together with it.
    """

    unit: str
    load: str = ""
    active: str = ""
    sub: str = ""
    result: str = ""
    service_type: str = ""
    stays_after_exit: bool = False
    main_pid: int | None = None
    invocation: str = ""
    since: str = ""
    since_us: str = ""
    restarts: int | None = None
    is_file_newer: bool = False
    restart_after_s: float = 0.0
    start_within_s: float | None = None
    stop_within_s: float | None = None
    lived_s: float | None = None
    goes_with: tuple[str, ...] = ()

    @property
    def is_in_transition(self) -> bool:
        """Whether systemd is just starting or stopping it; waiting to start it anew after a failure is not meant."""
        return self.active in {"activating", "deactivating", "reloading"} and self.sub != "auto-restart"

    @property
    def watch_s(self) -> float:
        """How long it has to stay up after a restart before that is called verified, in seconds.

        Longer where it has fallen over before: as long as it lived then, and as systemd waits before the next try.
        """
        looping_s = _WATCH_LOOPING_S if self.restarts else 0.0
        has_failed = self.result not in {"", "success"}
        lived_s = self.lived_s + self.restart_after_s + _SLACK_S if has_failed and self.lived_s is not None else 0.0
        return min(max(WATCH_S, looping_s, lived_s), _MOST_WATCH_S)

    @property
    def is_up(self) -> bool:
        """Whether it does what it is for: a service runs, or is one that ends (oneshot) and ended well."""
        if "." in self.unit and not self.unit.endswith(".service"):
            return self.active == "active"  # sockets listen, timers wait
        if self.active == "active":
            may_end = self.service_type == "oneshot" or self.stays_after_exit
            return self.sub == "running" or (self.sub == "exited" and may_end)
        return self.service_type == "oneshot" and self.active == "inactive" and self.result == "success"

    @property
    def leaves_no_trace(self) -> bool:
        """Whether it ran to its end and systemd forgot it: a oneshot that nothing refers to is unloaded at once."""
        return self.service_type == "oneshot" and self.active == "inactive" and not self.invocation

    def is_restart_of(self, before: UnitState) -> bool:
        """Whether it was started anew since `before`."""
        if self.invocation or before.invocation:
            return bool(self.invocation) and self.invocation != before.invocation
        if before.active != "active":
            return self.active == "active"
        has_other_pid = self.main_pid is not None and self.main_pid != before.main_pid
        return has_other_pid or self.since_us != before.since_us

    def was_restarted_by_hand_since(self, before: UnitState) -> bool:
        """Whether somebody started it anew since `before`; systemd's own restarts, which it counts, are not meant."""
        has_restarted_itself = (self.restarts or 0) > (before.restarts or 0)
        return bool(before.invocation) and self.is_restart_of(before) and not has_restarted_itself

    @property
    def words(self) -> str:
        """For people: "active (running), main process 4242, since …"."""
        parts = [f"{self.active or 'unknown'} ({self.sub or 'unknown'})"]
        if self.main_pid is not None:
            parts.append(f"main process {self.main_pid}")
        if self.since and self.active == "active":
            parts.append(f"since {self.since}")
        if self.restarts:
            parts.append(f"restarted by systemd {self.restarts}×")
        if self.result not in {"", "success"}:
            parts.append(f"last ended with {self.result}")
        return ", ".join(parts)


def parse_unit(unit: str, text: str) -> UnitState:
    """Read the output of `systemctl show --property=…`: one `Key=value` a line."""
    said: dict[str, str] = {}
    for line in text.split("\n"):
        key, equals, value = line.partition("=")
        if equals:
            said.setdefault(key, plain(value, 2000 if key in _COMPANY else 120))
    pid = _number(said.get("MainPID", ""))
    started_us = _number(said.get("ExecMainStartTimestampMonotonic", "")) or 0
    exited_us = _number(said.get("ExecMainExitTimestampMonotonic", "")) or 0
    return UnitState(
        unit,
        load=said.get("LoadState", ""),
        active=said.get("ActiveState", ""),
        sub=said.get("SubState", ""),
        result=said.get("Result", ""),
        service_type=said.get("Type", ""),
        stays_after_exit=said.get("RemainAfterExit") == "yes",
        main_pid=pid or None,
        invocation=said.get("InvocationID", ""),
        since=said.get("ActiveEnterTimestamp", ""),
        since_us=said.get("ActiveEnterTimestampMonotonic", ""),
        restarts=_number(said.get("NRestarts", "")),
        is_file_newer=said.get("NeedDaemonReload") == "yes",
        restart_after_s=_span_s(said.get("RestartUSec", "")) or 0.0,
        start_within_s=_span_s(said.get("TimeoutStartUSec", "")),
        stop_within_s=_span_s(said.get("TimeoutStopUSec", "")),
        lived_s=(exited_us - started_us) / 1e6 if 0 < started_us < exited_us else None,
        goes_with=_goes_with(said),
    )


def _goes_with(said: dict[str, str]) -> tuple[str, ...]:
    """Units that are stopped and started with it; targets only group others."""
    names = (name for key in _COMPANY for name in said.get(key, "").split())
    return tuple(dict.fromkeys(name for name in names if not name.endswith(".target")))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def _span_s(text: str) -> float | None:
    """A time span in seconds, e.g. of "1min 30s"; None for "infinity" and what is none."""
    if text == "0":
        return 0.0
    if re.fullmatch(rf"{_SPAN.pattern}( {_SPAN.pattern})*", text) is None:
        return None
    return sum(int(number[:_MOST_DIGITS]) * _SECONDS[unit] for number, unit in _SPAN.findall(text))
