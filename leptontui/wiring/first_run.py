"""What a user without an inventory is told: which hosts could be watched, and how."""

from __future__ import annotations

from typing import Final

from leptontui.config.choose import SSH_CONFIG, ssh_inventory
from leptontui.errors import LeptonError
from leptontui.inventory.source_files import read_source_files

_SHOWN: Final = 3


def how_to_add_hosts() -> str:
    """One line: the hosts that the user's SSH configuration names, if it does, and the options that choose hosts."""
    try:
        answer = read_source_files(ssh_inventory("*").sources[0])
        names = [host.name for host in answer.found.hosts] if answer else []
    except LeptonError:
        names = []
    ways = "-H 'gpu[001-064]' or --inventory FILE.toml"
    if not names:
        return f"Watching this machine only. Add hosts with {ways}"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    listed = ", ".join(names[:_SHOWN])
    return f"Watching this machine only. {SSH_CONFIG} names {listed}{more}: --ssh-hosts '*' watches them; or {ways}"
