"""systemd's answer about one unit, parsed, and whether it says that the unit was restarted and is up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from leptontui.model.text import plain

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
)
"""What is asked of `systemctl show`; a property that an old systemd does not know is simply not printed."""


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
            said.setdefault(key, plain(value, 120))
    pid = _number(said.get("MainPID", ""))
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
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None
