"""The simulated hosts' shell: one plain command in, what the real tool would answer out. Nothing is ever executed."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Final

from leptontui.demo.answer import Answer, Login, failed, printed
from leptontui.demo.journal import journalctl
from leptontui.demo.readings import KERNEL
from leptontui.demo.scontrol import scontrol
from leptontui.demo.slurm import Asked
from leptontui.demo.slurm_tables import sinfo, squeue
from leptontui.demo.systemctl import Machine, systemctl

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


def run(argv: list[str], machine: Machine) -> Answer:  # noqa: PLR0911 — one return for each command
    """What an argument vector answers on `machine`."""
    name, rest = argv[0].rsplit("/", 1)[-1] if argv[0].startswith("/") else argv[0], argv[1:]
    if name == "sudo":
        return _sudo(rest, machine)
    if argv[0] in _SHELLS:
        return answer(rest[1], machine) if rest[:1] == ["-c"] and len(rest) > 1 else Answer()
    if name in _SLURM:
        world = machine.world
        asked = Asked(world.slurm, world.is_up, world.boot_unix_s, machine.login, machine.t_unix_s)
        return _SLURM[name](rest, asked)
    if name == "systemctl":
        return systemctl(rest, machine)
    if name == "journalctl":
        return journalctl(rest, machine)
    if name == "id":
        return _id(rest, machine.login)
    if name == "uname":
        return _uname(rest, machine.name)
    if name in {"true", "false", ":"}:
        return Answer(1 if name == "false" else 0)
    simple = {"hostname": machine.name, "whoami": machine.login.user, "echo": " ".join(rest)}
    if name in simple:
        return printed([simple[name]])
    return failed(COMMAND_NOT_FOUND, f"sh: 1: {name}: not found")


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


def _id(argv: list[str], login: Login) -> Answer:
    uid, user = login.uid, login.user
    plain = {("-u",): str(uid), ("-un",): user, ("-u", "-n"): user, ("-g",): str(uid)}
    return printed([plain.get(tuple(argv), f"uid={uid}({user}) gid={uid}({user}) groups={uid}({user})")])


def _uname(argv: list[str], name: str) -> Answer:
    words = {
        "s": "Linux",
        "n": name,
        "r": KERNEL,
        "v": "#85-Ubuntu SMP PREEMPT_DYNAMIC",
        "m": "x86_64",
        "o": "GNU/Linux",
    }
    letters = "".join(argument.lstrip("-") for argument in argv) or "s"
    asked = "snrvmo" if "a" in letters else letters
    return printed([" ".join(word for letter, word in words.items() if letter in asked)])
