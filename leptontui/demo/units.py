"""systemd units of the simulated hosts: what runs, since when, and what a restart changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from leptontui.demo.layout import Layout, Role, SimulatedHost, identity

RESTART_S: Final = 1.0
"""How long a unit is activating."""


@dataclass(frozen=True, slots=True)
class UnitFile:
    """What is written about a unit on disk.

    Attributes:
        name: with its suffix.
        description: as systemctl shows it.
        command: what it runs.
        is_operable: polkit lets operators restart it; others need root.
    """

    name: str
    description: str
    command: str
    is_operable: bool = True


_COMMON: Final = (
    UnitFile("nvidia-persistenced.service", "NVIDIA Persistence Daemon", "/usr/bin/nvidia-persistenced --verbose"),
    UnitFile("nvidia-fabricmanager.service", "NVIDIA fabric manager service", "/usr/bin/nv-fabricmanager"),
    UnitFile("slurmd.service", "Slurm node daemon", "/usr/sbin/slurmd -D -s", is_operable=False),
    UnitFile("ssh.service", "OpenBSD Secure Shell server", "/usr/sbin/sshd -D", is_operable=False),
)
VLLM: Final = "vllm.service"
_VLLM: Final = UnitFile(VLLM, "vLLM OpenAI-compatible server", "/opt/vllm/bin/vllm serve /models/llama-70b")
_GATEWAY: Final = UnitFile(
    "gateway.service", "Request gateway of the on-call account", "/home/demo/bin/gateway --port 8080"
)
_CONTROLLER: Final = (
    UnitFile("slurmctld.service", "Slurm controller daemon", "/usr/sbin/slurmctld -D -s", is_operable=False),
    UnitFile("ssh.service", "OpenBSD Secure Shell server", "/usr/sbin/sshd -D", is_operable=False),
)


def unit_files(host: SimulatedHost | None) -> tuple[UnitFile, ...]:
    """The units installed on `host`; None means the controller."""
    if host is None:
        return _CONTROLLER
    return (_VLLM, *_COMMON) if host.role is Role.INFER else _COMMON


def user_unit_files(host: SimulatedHost | None) -> tuple[UnitFile, ...]:
    """The units of the operator's own systemd on `host`; None means the controller."""
    return (_GATEWAY,) if host is not None and host.role is Role.INFER else ()


def operable_units(host: SimulatedHost) -> tuple[str, ...]:
    """Names of the system's units that an inventory may offer for restart on `host`."""
    return tuple(unit.name for unit in unit_files(host) if unit.is_operable)


def user_units(host: SimulatedHost) -> tuple[str, ...]:
    """Likewise of the operator's own."""
    return tuple(unit.name for unit in user_unit_files(host))


@dataclass(frozen=True, slots=True)
class UnitState:
    """A unit while its host is up.

    Attributes:
        file: what it is.
        main_pid: its main process.
        started_unix_s: when that process was started.
        entered_unix_s: when the unit becomes, or became, active.
        invocation: changes with every start, 32 hexadecimal digits.
        stopped_unix_s: when it was stopped; None while it runs.
    """

    file: UnitFile
    main_pid: int
    started_unix_s: float
    entered_unix_s: float
    invocation: str
    stopped_unix_s: float | None = None

    def is_active(self, t_unix_s: float) -> bool:
        """Whether it is active rather than activating or stopped at `t_unix_s`."""
        return self.stopped_unix_s is None and t_unix_s >= self.entered_unix_s

    def state(self, t_unix_s: float) -> tuple[str, str]:
        """What systemd calls its ActiveState and SubState."""
        if self.stopped_unix_s is not None:
            return "inactive", "dead"
        return ("active", "running") if self.is_active(t_unix_s) else ("activating", "start")

    def properties(self, t_unix_s: float, boot_unix_s: float) -> dict[str, str]:
        """What `systemctl show` says, in its order: the service's properties, then the unit's."""
        active, sub = self.state(t_unix_s)
        entered = self.entered_unix_s if self.is_active(t_unix_s) else 0.0
        pid = 0 if self.stopped_unix_s is not None else self.main_pid
        return {
            "Type": "notify",
            "Restart": "on-failure",
            "MainPID": str(pid),
            "NRestarts": "0",
            "RestartUSec": "100ms",
            "TimeoutStartUSec": "1min 30s",
            "TimeoutStopUSec": "1min 30s",
            "RemainAfterExit": "no",
            "Result": "success",
            "ExecMainStartTimestamp": timestamp(self.started_unix_s),
            "ExecMainStartTimestampMonotonic": _micros(self.started_unix_s - boot_unix_s),
            "ExecMainExitTimestampMonotonic": "0",
            "ExecMainPID": str(self.main_pid),
            "ExecMainStatus": "0",
            "Id": self.file.name,
            "Names": self.file.name,
            "Description": self.file.description,
            "LoadState": "loaded",
            "ActiveState": active,
            "SubState": sub,
            "FragmentPath": f"/lib/systemd/system/{self.file.name}",
            "UnitFileState": "enabled",
            "NeedDaemonReload": "no",
            "StateChangeTimestamp": timestamp(entered or self.started_unix_s),
            "InactiveExitTimestamp": timestamp(self.started_unix_s),
            "InactiveExitTimestampMonotonic": _micros(self.started_unix_s - boot_unix_s),
            "ActiveEnterTimestamp": timestamp(entered),
            "ActiveEnterTimestampMonotonic": _micros(entered - boot_unix_s if entered else 0.0),
            "InvocationID": self.invocation,
        }


def missing_properties(name: str) -> dict[str, str]:
    """What `systemctl show` says of a unit that does not exist."""
    return {
        "MainPID": "0",
        "NRestarts": "0",
        "Result": "success",
        "Id": name,
        "Names": name,
        "Description": name,
        "LoadState": "not-found",
        "ActiveState": "inactive",
        "SubState": "dead",
        "ActiveEnterTimestamp": "",
        "ActiveEnterTimestampMonotonic": "0",
        "InvocationID": "",
    }


def timestamp(t_unix_s: float) -> str:
    """A time as systemd writes it, in UTC; "" for 0."""
    return datetime.fromtimestamp(t_unix_s, UTC).strftime("%a %Y-%m-%d %H:%M:%S UTC") if t_unix_s else ""


def _micros(seconds: float) -> str:
    return str(round(max(seconds, 0.0) * 1e6))


class UnitTable:
    """All units of the fleet and of its controller, by host name and unit name."""

    def __init__(self, layout: Layout) -> None:
        self._seed = layout.seed
        self._starts = 0
        self._by_host: dict[str, dict[str, UnitState]] = {}
        self._own: dict[str, dict[str, UnitState]] = {}

    def boot(self, name: str, host: SimulatedHost | None, boot_unix_s: float) -> None:
        """Start all units of the host called `name`, as a boot does; `host` is None for the controller."""
        for number, unit in enumerate(unit_files(host)):
            started = boot_unix_s + 4.0 + number
            self._by_host.setdefault(name, {})[unit.name] = self._started(name, unit, started, pid=1210 + 97 * number)
        for number, unit in enumerate(user_unit_files(host)):
            started = boot_unix_s + 9.0 + number
            self._own.setdefault(name, {})[unit.name] = self._started(name, unit, started, pid=2810 + 97 * number)

    def find(self, name: str, unit: str, *, is_own: bool = False) -> UnitState | None:
        """A unit on the host called `name`, None if it is not installed there.

        Args:
            name: the host.
            unit: the unit.
            is_own: of the operator's own systemd rather than the system's.
        """
        return (self._own if is_own else self._by_host).get(name, {}).get(unit)

    def of(self, name: str) -> tuple[UnitState, ...]:
        """All units of the host called `name`, in the order they are started."""
        return tuple(self._by_host.get(name, {}).values())

    def restart(self, name: str, unit: str, t_unix_s: float, *, is_own: bool = False) -> UnitState:
        """Restart, or start, a unit: a new main process and invocation, active after `RESTART_S`.

        Raises:
            KeyError: it is not installed there.
        """
        units = (self._own if is_own else self._by_host)[name]
        before = units[unit]
        fresh = self._started(name, before.file, t_unix_s, pid=before.main_pid + 2311)
        units[unit] = replace(fresh, entered_unix_s=t_unix_s + RESTART_S)
        return units[unit]

    def stop(self, name: str, unit: str, t_unix_s: float, *, is_own: bool = False) -> None:
        """Stop a unit.

        Raises:
            KeyError: it is not installed there.
        """
        units = (self._own if is_own else self._by_host)[name]
        units[unit] = replace(units[unit], stopped_unix_s=t_unix_s)

    def _started(self, name: str, unit: UnitFile, t_unix_s: float, *, pid: int) -> UnitState:
        self._starts += 1
        invocation = identity(self._seed, name, unit.name, self._starts).replace("-", "")
        return UnitState(unit, pid % 4_194_304, t_unix_s, t_unix_s, invocation)
