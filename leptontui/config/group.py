"""One `[[group]]` of an inventory: its hosts and the options they are reached with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from leptontui.config.hostlist import HostSpec, parse_hostlist
from leptontui.config.options import OPTION_KEYS, read_options
from leptontui.config.problem import did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.model.target import HostTarget

GROUP_KEYS: Final = ("name", "hosts", *OPTION_KEYS)
DEFAULT_GROUP: Final = "fleet"

_HOSTS: Final = 'a list such as ["gpu[001-064]", "user@odd-one:2222"]'


@dataclass(frozen=True, slots=True)
class Group:
    """One group as read.

    Attributes:
        name: its name.
        table: where it was read from.
        options: a target without a host's name: the options all of the group have.
        targets: its hosts.
        controller: where the scheduler's commands are run, None if none is named.
    """

    name: str
    table: Table
    options: HostTarget
    targets: tuple[HostTarget, ...]
    controller: HostSpec | None


def read_group(table: Table, folder: Path, ssh_config: str | None) -> Group:
    """Read one group; problems go to the table.

    Args:
        table: the group.
        folder: what relative paths are relative to.
        ssh_config: the file's own `ssh_config`, used where the group has none.
    """
    table.refuse_unknown(GROUP_KEYS)
    name = table.text("name") or DEFAULT_GROUP
    options = read_options(table, name, folder, ssh_config, needs_controller=True)
    hosts = _hosts(table)
    targets = tuple(
        replace(
            options.target,
            name=host.name,
            user=host.user or options.target.user,
            port=host.port or options.target.port,
            origin=place,
        )
        for host, place in zip(hosts, table.places("hosts", [host.item for host in hosts]), strict=True)
    )
    return Group(name, table, options.target, targets, options.controller)


def _hosts(table: Table) -> tuple[HostSpec, ...]:
    entries = table.texts("hosts", _HOSTS)
    if entries is None:
        near = [key for key in table.values if did_you_mean(key, ["hosts"])]
        if not near:
            table.problem("hosts", "missing", _HOSTS)
        return ()
    if not entries:
        if table.values["hosts"] == []:
            table.problem("hosts", "empty", _HOSTS)
        return ()
    for entry in entries:
        if not entry.strip(", "):
            table.problem("hosts", f"{quoted(entry)} names no host", _HOSTS)
    found = parse_hostlist(*entries)
    for fault in found.faults:
        shown = f"{fault.found} in {quoted(fault.item)}" if quoted(fault.item) not in fault.found else fault.found
        table.problem("hosts", shown, fault.expected, item=fault.item)
    return found.hosts
