"""Whether a login may change a node in Slurm: by itself, or as root where sudo lets it without asking, or hardly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from leptontui.actions.reach import Reach
from leptontui.model.text import plain

_SLURM_USER: Final = re.compile(r"^SlurmUser\s*=\s*([^\s(]+)", re.MULTILINE)
_MAY_CHANGE: Final = frozenset({"Operator", "Administrator"})
"""AdminLevel of sacctmgr(1); root and SlurmUser are administrators as they are."""


@dataclass(frozen=True, slots=True)
class Rights:
    """How a command of Slurm's is run there.

    Attributes:
        prefix: what stands before the command: ("sudo", "-n"), or nothing.
        warnings: for the plan.
    """

    prefix: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


async def ask_rights(reach: Reach, *argv: str) -> Rights:
    """How `argv` is best run there. What cannot be found out is left to Slurm, which refuses by itself.

    Raises:
        LinkError: the link broke.
        CommandTimeout: no answer in time.
    """
    who = await reach.ask("id", "-un")
    name = who.stdout.strip()
    if who.exit_status != 0 or not name or name == "root":
        return Rights()
    config = await reach.ask("scontrol", "show", "config")
    match = _SLURM_USER.search(config.stdout)
    if config.exit_status != 0 or match is None or match[1] == name:
        return Rights()
    level = await reach.ask("sacctmgr", "-n", "-P", "show", "user", f"name={name}", "format=AdminLevel")
    if level.exit_status == 0 and level.stdout.strip() in _MAY_CHANGE:
        return Rights()
    if (await reach.ask("sudo", "-n", "-l", *argv)).exit_status == 0:
        return Rights(("sudo", "-n"))
    shown = plain(name, 40)
    return Rights(
        warnings=(f"Slurm is likely to refuse it: {shown} is no operator of it, as far as {reach.name} says",)
    )
