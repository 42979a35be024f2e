"""The simulated hosts' shell: one plain command in, what the real tool would answer out. Nothing is ever executed."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from leptontui.demo.answer import Answer, Login, failed, printed
from leptontui.demo.docker import docker, podman
from leptontui.demo.journal import dmesg, journalctl
from leptontui.demo.nvidia_smi import nvidia_smi
from leptontui.demo.proc_files import cat, grep, ls, lspci
from leptontui.demo.processes import find, kill, ps
from leptontui.demo.readings import KERNEL
from leptontui.demo.scontrol import scontrol
from leptontui.demo.slurm import Asked
from leptontui.demo.slurm_tables import sinfo, squeue
from leptontui.demo.systemctl import Machine, systemctl
from leptontui.demo.units import VLLM

MAX_COMMAND: Final = 1 << 16
"""Characters; a longer command is refused."""
COMMAND_NOT_FOUND: Final = 127
_SHELLS: Final = frozenset({"sh", "bash", "/bin/sh", "/bin/bash"})
_SPECIAL: Final = frozenset("();<>|&`$\n")
_SLURM: Final = {"scontrol": scontrol, "sinfo": sinfo, "squeue": squeue}


def answer(command: str, machine: Machine) -> Answer:
    """What `command` answers on `machine`.

    Args:
        command: as the exec request carries it: words quoted for a POSIX shell.
        machine: where, when and as whom it runs.
    """
    if len(command) > MAX_COMMAND:
        return failed(2, "sh: command too long for the simulated shell")
    try:
        argv = shlex.split(command)
    except ValueError as error:
        return failed(2, f"sh: 1: Syntax error: {error}")
    if not _is_plain(command):
        return failed(2, "sh: the simulated shell runs one plain command: no pipes, lists or substitutions")
    return run(argv, machine) if argv else Answer()


def _is_plain(command: str) -> bool:
    """Whether no letter means more to a shell than itself: no pipes, lists, redirections or substitutions."""
    quote, is_escaped = "", False
    for letter in command:
        if is_escaped:
            is_escaped = False
        elif letter == "\\" and quote != "'":
            is_escaped = True
        elif quote:
            if letter == quote:
                quote = ""
            elif quote == '"' and letter in "`$":
                return False
        elif letter in "'\"":
            quote = letter
        elif letter in _SPECIAL:
            return False
    return True


def run(argv: list[str], machine: Machine) -> Answer:
    """What an argument vector answers on `machine`."""
    name, rest = argv[0].rsplit("/", 1)[-1] if argv[0].startswith("/") else argv[0], argv[1:]
    if argv[0] in _SHELLS:
        return answer(rest[1], machine) if rest[:1] == ["-c"] and len(rest) > 1 else Answer()
    if name in _SLURM:
        world = machine.world
        asked = Asked(world.slurm, world.is_up, world.boot_unix_s, machine.login, machine.t_unix_s)
        return _SLURM[name](rest, asked)
    if name in _PROGRAMS:
        return _PROGRAMS[name](rest, machine)
    if name in {"true", "false", ":"}:
        return Answer(1 if name == "false" else 0)
    simple = {"hostname": machine.name, "whoami": machine.login.user, "echo": " ".join(rest)}
    if name in simple:
        return printed([simple[name]])
    return failed(COMMAND_NOT_FOUND, f"sh: 1: {name}: not found")


def _env(argv: list[str], machine: Machine) -> Answer:
    words = argv[:]
    while words and "=" in words[0]:
        words.pop(0)
    return run(words, machine) if words else Answer()


def _who(_: list[str], machine: Machine) -> Answer:
    return printed([f"{machine.login.user:<8} pts/0        2026-01-01 00:00 (bastion)"])


def _df(_: list[str], __: Machine) -> Answer:
    return printed(
        [
            "Filesystem     Type  Size  Used Avail Use% Mounted on",
            "/dev/nvme0n1p2 ext4  440G   61G  379G  14% /",
        ]
    )


def _curl(argv: list[str], machine: Machine) -> Answer:
    """The health of the inference server, as `curl -w %{http_code}` says it."""
    server = machine.world.units.find(machine.name, VLLM)
    if server is None or not server.is_active(machine.t_unix_s):
        return Answer(7, "000", "curl: (7) Failed to connect to 127.0.0.1 port 8000: Connection refused\n")
    return Answer(stdout="200" if "%{http_code}" in argv else "ok\n")


def _sudo(argv: list[str], machine: Machine) -> Answer:
    command, is_question = argv[:], False
    while command and command[0] in {"-n", "--non-interactive", "-l", "--list", "--"}:
        is_question |= command.pop(0) in {"-l", "--list"}
    if not command:
        return failed(1, "usage: sudo [-n] command [arg ...]")
    if not machine.login.is_operator:
        return failed(1, "sudo: a password is required")
    if is_question:
        return printed([" ".join((f"/usr/bin/{command[0]}", *command[1:]))])
    return run(command, replace(machine, login=Login("root")))


def _id(argv: list[str], machine: Machine) -> Answer:
    uid, user = machine.login.uid, machine.login.user
    plain = {("-u",): str(uid), ("-un",): user, ("-u", "-n"): user, ("-g",): str(uid)}
    return printed([plain.get(tuple(argv), f"uid={uid}({user}) gid={uid}({user}) groups={uid}({user})")])


def _uname(argv: list[str], machine: Machine) -> Answer:
    words = {
        "s": "Linux",
        "n": machine.name,
        "r": KERNEL,
        "v": "#85-Ubuntu SMP PREEMPT_DYNAMIC",
        "m": "x86_64",
        "o": "GNU/Linux",
    }
    letters = "".join(argument.lstrip("-") for argument in argv) or "s"
    asked = "snrvmo" if "a" in letters else letters
    return printed([" ".join(word for letter, word in words.items() if letter in asked)])


_PROGRAMS: Final[dict[str, Callable[[list[str], Machine], Answer]]] = {
    "sudo": _sudo,
    "env": _env,
    "systemctl": systemctl,
    "journalctl": journalctl,
    "dmesg": dmesg,
    "docker": docker,
    "podman": podman,
    "nvidia-smi": nvidia_smi,
    "kill": kill,
    "ps": ps,
    "find": find,
    "cat": cat,
    "ls": ls,
    "grep": grep,
    "lspci": lspci,
    "id": _id,
    "uname": _uname,
    "who": _who,
    "df": _df,
    "curl": _curl,
}
