"""journalctl and dmesg of the simulated hosts: what systemd writes of a unit, and the kernel of its GPUs."""

from __future__ import annotations

import getopt
from datetime import UTC, datetime

from leptontui.demo.answer import Answer, failed, printed
from leptontui.demo.readings import DRIVER, KERNEL
from leptontui.demo.systemctl import Machine


def journalctl(argv: list[str], machine: Machine) -> Answer:
    """`journalctl` of one unit (`-u`, `--user-unit`) or of the kernel (`-k`); `argv` without the program's name."""
    long = ["unit=", "user-unit=", "lines=", "output=", "quiet", "no-pager", "user", "dmesg", "boot=", "since="]
    try:
        options, _ = getopt.gnu_getopt(argv, "u:n:o:qkb:", long)
    except getopt.GetoptError as error:
        option = f"unrecognized option '--{error.opt}'" if len(error.opt) > 1 else f"invalid option -- '{error.opt}'"
        return failed(1, f"journalctl: {option}")
    given = dict(options)
    count = given.get("-n", given.get("--lines", "10"))
    if not count.isdecimal():
        return failed(1, f"Failed to parse lines '{count}'")
    lines = _asked(given, machine) if machine.login.is_operator else None
    if lines is None:
        is_quiet = bool({"-q", "--quiet"} & set(given))
        return Answer(1, "" if is_quiet else "-- No entries --\n")
    return printed(lines[-int(count) :] if int(count) else [])


def _asked(given: dict[str, str], machine: Machine) -> list[str] | None:
    """The lines asked for; None for none."""
    if {"-k", "--dmesg"} & set(given):
        if given.get("-b", "0") not in {"0", ""}:
            return None
        return [_line(t, machine.name, text, "kernel") for t, text in kernel_log(machine)]
    is_own = "--user" in given or "--user-unit" in given
    unit = given.get("-u", given.get("--unit", given.get("--user-unit", "")))
    name = unit if "." in unit else f"{unit}.service"
    state = machine.world.units.find(machine.name, name, is_own=is_own)
    if state is None:
        return None
    lines = [_line(state.started_unix_s, machine.name, f"Starting {name} - {state.file.description}...")]
    if state.stopped_unix_s is not None:
        lines.append(_line(state.stopped_unix_s, machine.name, f"Stopped {name} - {state.file.description}."))
    elif state.is_active(machine.t_unix_s):
        lines.append(_line(state.entered_unix_s, machine.name, f"Started {name} - {state.file.description}."))
    return lines


def dmesg(argv: list[str], machine: Machine) -> Answer:
    """`dmesg [-T]`: the kernel's lines; `argv` without the program's name."""
    if not machine.login.is_root:
        return failed(1, "dmesg: read kernel buffer failed: Operation not permitted")
    boot_s = machine.world.boot_unix_s(machine.host)
    has_dates = "-T" in argv
    return printed(
        [
            f"[{datetime.fromtimestamp(t, UTC):%a %b %d %H:%M:%S %Y}] {text}"
            if has_dates
            else f"[{t - boot_s:12.6f}] {text}"
            for t, text in kernel_log(machine)
        ]
    )


def kernel_log(machine: Machine) -> list[tuple[float, str]]:
    """What the kernel wrote since the boot, oldest first: (unix seconds, text)."""
    boot_s = machine.world.boot_unix_s(machine.host)
    lines = [(boot_s, f"Linux version {KERNEL} (buildd@demo) #85-Ubuntu SMP PREEMPT_DYNAMIC")]
    if machine.host is not None:
        lines.append((boot_s + 3.0, f"NVRM: loading NVIDIA UNIX x86_64 Kernel Module  {DRIVER}"))
    return [*lines, *machine.world.kernel_lines(machine.host)]


def _line(t_unix_s: float, host: str, text: str, writer: str = "systemd[1]") -> str:
    return f"{datetime.fromtimestamp(t_unix_s, UTC):%Y-%m-%dT%H:%M:%S+0000} {host} {writer}: {text}"
