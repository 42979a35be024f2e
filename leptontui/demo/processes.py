"""Processes of the simulated hosts: which there are, what ps and find say of them, and what a signal does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from leptontui.demo.answer import Answer, failed, printed
from leptontui.demo.layout import Role
from leptontui.demo.systemctl import Machine
from leptontui.demo.units import UnitState
from leptontui.demo.work import work_of

TICKS: Final = 100
"""Clock ticks a second (USER_HZ)."""
SWITCHES: Final = 4
"""NVSwitches of a board."""
_ENDING: Final = frozenset({"TERM", "KILL", "INT", "HUP", "QUIT"})
_NUMBERS: Final = {"1": "HUP", "2": "INT", "3": "QUIT", "9": "KILL", "10": "USR1", "15": "TERM"}
_HOLDERS: Final = ("nvidia-persistenced.service", "nvidia-fabricmanager.service")


@dataclass(frozen=True, slots=True)
class Process:
    """One process.

    Attributes:
        pid: its number.
        parent: its parent's.
        user: whose.
        command: its command line.
        started_unix_s: since when.
        cgroup: where it belongs.
        gpu: the GPU that it computes on, None for none.
        devices: device files that it holds open.
        unit: the unit whose main process it is; None if it is none.
    """

    pid: int
    parent: int
    user: str
    command: str
    started_unix_s: float
    cgroup: str
    gpu: int | None = None
    devices: tuple[str, ...] = ()
    unit: UnitState | None = None

    def stat(self, boot_unix_s: float) -> str:
        """What /proc/PID/stat says, as far as it is simulated."""
        name = self.command.split()[0].rsplit("/", 1)[-1][:15]
        ticks = round(max(0.0, self.started_unix_s - boot_unix_s) * TICKS)
        before = f"S {self.parent} {self.pid} {self.pid} 0 -1 4194560 0 0 0 0 100 20 0 0 20 0 8 0"
        return f"{self.pid} ({name}) {before} {ticks} 1048576 4096 18446744073709551615"


def processes_on(machine: Machine) -> list[Process]:
    """The processes of a host, by their numbers: systemd, its units, and what uses the GPUs."""
    boot_s = machine.world.boot_unix_s(machine.host)
    found = [Process(1, 0, "root", "/sbin/init", boot_s, "0::/init.scope"), *_of_units(machine)]
    if machine.host is not None:
        found += _of_work(machine, boot_s)
    return sorted(found, key=lambda process: process.pid)


def _of_units(machine: Machine) -> Iterator[Process]:
    for state in machine.world.units.of(machine.name):
        if state.stopped_unix_s is not None:
            continue
        name = state.file.name
        devices: tuple[str, ...] = ()
        if machine.host is not None and name == _HOLDERS[0] and machine.world.hands.is_persistent(machine.host):
            devices = tuple(f"/dev/nvidia{gpu}" for gpu in range(len(machine.host.gpu_uuids)))
        elif machine.host is not None and name == _HOLDERS[1]:
            devices = tuple(f"/dev/nvidia-nvswitch{switch}" for switch in range(SWITCHES))
        user = "vllm" if name.startswith("vllm") else "root"
        cgroup = f"0::/system.slice/{name}"
        command, started = state.file.command, state.started_unix_s
        yield Process(state.main_pid, 1, user, command, started, cgroup, devices=devices, unit=state)


def _of_work(machine: Machine, boot_unix_s: float) -> Iterator[Process]:
    host = machine.host
    work = None if host is None else work_of(host, machine.world.units.of(host.name))
    if host is None or work is None:
        return
    for gpu in machine.world.gpus_in_use(host):
        devices = (f"/dev/nvidia{gpu}",)
        if work.job is None:
            unit = machine.world.units.find(host.name, "vllm.service")
            parent, started, cgroup = work.first_pid - 1, boot_unix_s + 30.0, "0::/system.slice/vllm.service"
            started = unit.started_unix_s + 2.0 if unit else started
        else:
            parent, cgroup = 1, f"0::/system.slice/slurmstepd.scope/job_{work.job}/step_0/user/task_{gpu}"
            started = boot_unix_s + 60.0
        yield Process(work.first_pid + gpu, parent, work.user, work.command, started, cgroup, gpu, devices)


def kill(argv: list[str], machine: Machine) -> Answer:
    """`kill [-SIGNAL] PID...`; `argv` without the program's name."""
    signal = "TERM"
    words = argv[:]
    if words and words[0].startswith("-"):
        signal = words.pop(0).lstrip("-").removeprefix("SIG").upper()
        signal = _NUMBERS.get(signal, signal)
    known = {process.pid: process for process in processes_on(machine)}
    complaints = []
    for word in words:
        process = known.get(int(word)) if word.isascii() and word.isdecimal() else None
        if process is None:
            complaints.append(f"kill: ({word}) - No such process")
        elif not machine.login.is_root and process.user != machine.login.user:
            complaints.append(f"kill: ({word}) - Operation not permitted")
        elif signal in _ENDING:
            _end(process, signal, machine)
    return failed(1, "\n".join(complaints)) if complaints else Answer()


def _end(process: Process, signal: str, machine: Machine) -> None:
    """Inference workers wait for their requests and hear nothing but KILL; systemd starts its own again."""
    if machine.host is None or process.pid == 1:
        return
    if process.gpu is not None:
        if signal == "KILL" or machine.host.role is not Role.INFER:
            machine.world.hands.kill(machine.host, process.gpu)
    elif process.unit is not None:
        machine.world.restart_unit(machine.host, process.unit.file.name, machine.t_unix_s)


def find(argv: list[str], machine: Machine) -> Answer:
    """`find /proc ... -lname /dev/nvidia* ...`: who holds GPU devices open; nothing else is simulated."""
    if argv[:1] != ["/proc"] or "/dev/nvidia*" not in argv:
        return failed(1, f"find: '{argv[0] if argv else ''}': not simulated")
    held = [process for process in processes_on(machine) if process.devices]
    if not machine.login.is_root:
        return failed(1, "\n".join(f"find: '/proc/{process.pid}/fd': Permission denied" for process in held))
    lines = [
        f"/proc/{process.pid}/fd/{number} {device}"
        for process in held
        for number, device in enumerate(process.devices, start=12)
    ]
    return printed(lines)


def ps(argv: list[str], machine: Machine) -> Answer:
    """`ps -o FIELDS [-p PIDS]`, `ps -eo FIELDS`, `ps -ef`; fields are those of `_FIELDS`."""
    fields, pids, is_next = ["pid", "user", "args"], None, ""
    for word in argv:
        if is_next == "o":
            fields = word.split(",")
        elif is_next == "p":
            pids = {int(number) for number in word.split(",") if number.isdecimal()}
        is_next = word[-1] if word.startswith("-") and word[-1] in "op" else ""
    chosen = [process for process in processes_on(machine) if pids is None or process.pid in pids]
    lines = [] if all("=" in field for field in fields) else [" ".join(_head(field) for field in fields)]
    lines += [" ".join(_field(field, process, machine) for field in fields) for process in chosen]
    return Answer(0 if chosen else 1, "".join(line.rstrip() + "\n" for line in lines))


def _head(field: str) -> str:
    return _name(field).upper()


def _name(field: str) -> str:
    return field.rstrip("=").partition(":")[0]


def _field(field: str, process: Process, machine: Machine) -> str:
    age_s = max(0, int(machine.t_unix_s - process.started_unix_s))
    values = {
        "pid": f"{process.pid:>7}",
        "ppid": f"{process.parent:>7}",
        "user": f"{process.user:<10}",
        "etime": f"{age_s // 86400}-{age_s // 3600 % 24:02d}:{age_s // 60 % 60:02d}:{age_s % 60:02d}",
        "nlwp": "8",
        "stat": "Ssl",
        "wchan": "-",
        "rss": "1048576",
        "lstart": str(int(process.started_unix_s)),
        "args": process.command,
        "cmd": process.command,
        "comm": process.command.split()[0].rsplit("/", 1)[-1],
    }
    return values.get(_name(field), "-")
