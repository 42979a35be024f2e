"""What the simulated hosts' /proc and the like say: cat, ls and grep of the files that anybody asks for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from leptontui.demo import physics
from leptontui.demo.answer import Answer, failed, printed
from leptontui.demo.layout import HOST_MEMORY_BYTES, bus_id, bus_number
from leptontui.demo.processes import SWITCHES, Process, processes_on
from leptontui.demo.readings import KERNEL
from leptontui.demo.systemctl import Machine

_KIB: Final = 1024
_SWITCH_FOLDER: Final = "/proc/driver/nvidia-nvswitch/devices"
_GPU_FOLDER: Final = "/proc/driver/nvidia/gpus"


def read(path: str, machine: Machine) -> str | None:
    """The text of a file, None if there is none."""
    if path in _FILES:
        return _FILES[path](machine)
    parts = path.split("/")
    if len(parts) == 4 and parts[1] == "proc" and parts[2].isdecimal():  # noqa: PLR2004 — /proc/PID/NAME
        process = next((one for one in processes_on(machine) if one.pid == int(parts[2])), None)
        return None if process is None else _of_process(process, parts[3], machine)
    return None


def _of_process(process: Process, name: str, machine: Machine) -> str | None:
    texts = {
        "stat": process.stat(machine.world.boot_unix_s(machine.host)) + "\n",
        "cmdline": process.command.replace(" ", "\0") + "\0",
        "cgroup": process.cgroup + "\n",
        "comm": process.command.split()[0].rsplit("/", 1)[-1][:15] + "\n",
    }
    return texts.get(name)


def _uptime_s(machine: Machine) -> float:
    return machine.t_unix_s - machine.world.boot_unix_s(machine.host)


def _load(machine: Machine) -> str:
    return "0.42 0.40 0.38 1/412 4242\n" if machine.host is None else "14.02 13.88 13.51 15/1931 29911\n"


def _memory(machine: Machine) -> str:
    total = HOST_MEMORY_BYTES // _KIB
    used = total // 50
    if machine.host is not None:
        row = machine.world.values(machine.host)
        used = math.floor(row[physics.HOST_COLUMNS.index("memory_used_bytes")] / _KIB)
    return f"MemTotal:       {total} kB\nMemFree:        {total - used} kB\nMemAvailable:   {total - used} kB\n"


_FILES: Final[dict[str, Callable[[Machine], str]]] = {
    "/proc/sys/kernel/random/boot_id": lambda machine: machine.world.boot_id(machine.host) + "\n",
    "/proc/uptime": lambda machine: f"{_uptime_s(machine):.2f} {60 * _uptime_s(machine):.2f}\n",
    "/proc/loadavg": _load,
    "/proc/cmdline": lambda _: f"BOOT_IMAGE=/boot/vmlinuz-{KERNEL} root=/dev/nvme0n1p2 ro\n",
    "/proc/meminfo": _memory,
    "/proc/version": lambda _: f"Linux version {KERNEL} #85-Ubuntu SMP PREEMPT_DYNAMIC\n",
    "/etc/hostname": lambda machine: machine.name + "\n",
}


def cat(argv: list[str], machine: Machine) -> Answer:
    """`cat FILE...`; `argv` without the program's name."""
    out, complaints = "", []
    for path in argv:
        text = read(path, machine)
        if text is None:
            complaints.append(f"cat: {path}: No such file or directory")
        else:
            out += text
    return Answer(1 if complaints else 0, out, "".join(line + "\n" for line in complaints))


def ls(argv: list[str], machine: Machine) -> Answer:
    """`ls FOLDER` of the two folders of the GPU driver."""
    folders = [word for word in argv if not word.startswith("-")]
    if machine.host is None or folders not in ([_SWITCH_FOLDER], [_GPU_FOLDER]):
        return failed(2, f"ls: cannot access '{' '.join(folders)}': No such file or directory")
    if folders == [_SWITCH_FOLDER]:
        return printed([f"0000:0{5 + switch}:00.0" for switch in range(SWITCHES)])
    return printed([bus_id(gpu).lower()[4:] for gpu in range(len(machine.host.gpu_uuids))])


def lspci(argv: list[str], machine: Machine) -> Answer:
    """`lspci`, with `-d 10de::0680` NVSwitches alone."""
    if machine.host is None:
        return Answer()
    switches = [f"0{5 + switch}:00.0 Bridge: NVIDIA Corporation GH100 [H100 NVSwitch]" for switch in range(SWITCHES)]
    gpus = [
        f"{bus_number(gpu):02x}:00.0 3D controller: NVIDIA Corporation GH100 [H100 SXM5 80GB] (rev a1)"
        for gpu in range(len(machine.host.gpu_uuids))
    ]
    return printed(switches if any("0680" in word for word in argv) else switches + gpus)


def grep(argv: list[str], machine: Machine) -> Answer:
    """`grep -H "" /proc/PID/cgroup...` and `grep -rH "Device Minor" /proc/driver/nvidia/gpus`."""
    words = [word for word in argv if not word.startswith("-")]
    if words[:1] == ["Device Minor"] and machine.host is not None:
        return printed(
            [
                f"{_GPU_FOLDER}/{bus_id(gpu).lower()[4:]}/information:Device Minor: \t {gpu}"
                for gpu in range(len(machine.host.gpu_uuids))
            ]
        )
    out, complaints = "", []
    for path in words[1:]:
        text = read(path, machine)
        if text is None:
            complaints.append(f"grep: {path}: No such file or directory")
        else:
            out += "".join(f"{path}:{line}\n" for line in text.splitlines() if words[0] in line)
    return Answer(2 if complaints else 0 if out else 1, out, "".join(line + "\n" for line in complaints))
