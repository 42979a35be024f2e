"""Which hosts to watch: those on the command line, those in an inventory, or this machine."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from leptontui.config.hostlist import Hostlist, parse_hostlist
from leptontui.config.inventory import Inventory, load_inventory
from leptontui.config.problem import Problem, config_error, did_you_mean, quoted
from leptontui.config.source import SourceSpec
from leptontui.errors import ConfigError
from leptontui.model.target import Fleet, HostTarget

OPTION: Final = "--hosts"
LOCAL_FLEET: Final = "this machine"
SSH_CONFIG: Final = "~/.ssh/config"
_LONGEST_FLEET_NAME: Final = 40
_MOST_PROBLEMS: Final = 20


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line says of the hosts to watch.

    Attributes:
        hosts: a list such as "gpu[001-064],user@odd-one:2222"; with an inventory, the part of it to watch.
        inventory: path of an inventory file.
        ssh_hosts: patterns, separated by commas, of hosts that ~/.ssh/config names; `!` before one leaves hosts out.
        asks_password: whether passwords may be asked of the user, on every host.
    """

    hosts: str | None = None
    inventory: Path | None = None
    ssh_hosts: str | None = None
    asks_password: bool = False


def default_inventory() -> Path | None:
    """The inventory that is used where the command line names no hosts: `~/.config/leptontui/fleet.toml`, if it is."""
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    try:
        base = Path(folder) if Path(folder).is_absolute() else Path("~/.config").expanduser()
        path = base / "leptontui" / "fleet.toml"
        return path if path.exists() else None
    except (RuntimeError, OSError):  # no home
        return None


def choose_fleet(*, hosts: str | None, inventory: Path | None) -> Fleet:
    """The fleet that the command line asks for; an inventory's sources are not asked.

    Args:
        hosts: see `Choice`.
        inventory: likewise.

    Returns:
        With neither, this machine alone, read without SSH.

    Raises:
        ConfigError: with every problem found.
    """
    if inventory is None:
        return this_machine() if hosts is None else listed_fleet(hosts)
    if hosts is None:
        return load_inventory(inventory)
    problems = _list_problems(hosts, parse_hostlist(hosts))
    try:
        fleet = load_inventory(inventory)
    except ConfigError as error:
        raise ConfigError([*map(str, problems), *error.problems]) from None
    fleet, missing = restricted(fleet, hosts, str(inventory))
    if missing:
        raise config_error(missing)
    return fleet


def listed_fleet(hosts: str) -> Fleet:
    """The hosts of a list.

    Raises:
        ConfigError: with every problem found.
    """
    wanted = parse_hostlist(hosts)
    if problems := _list_problems(hosts, wanted):
        raise config_error(problems)
    name = hosts.strip() if len(hosts.strip()) <= _LONGEST_FLEET_NAME else f"{len(wanted.hosts)} hosts"
    return Fleet(name, tuple(HostTarget(spec.name, user=spec.user, port=spec.port) for spec in wanted.hosts))


def this_machine() -> Fleet:
    """This machine alone, read without SSH."""
    name = socket.gethostname() or "localhost"
    return Fleet(LOCAL_FLEET, (HostTarget(name=name, group="local", is_local=True),))


def ssh_inventory(patterns: str) -> Inventory:
    """An inventory of the hosts that `~/.ssh/config` names and that match.

    Raises:
        ConfigError: no pattern in it, or no home folder.
    """
    match = tuple(pattern.strip() for pattern in patterns.split(",") if pattern.strip("! "))
    if not match:
        raise config_error([Problem("--ssh-hosts", None, "", quoted(patterns), "patterns such as 'gpu*,!gpu-test*'")])
    try:
        path = str(Path(SSH_CONFIG).expanduser())
    except RuntimeError:
        raise config_error([Problem("--ssh-hosts", None, "", "no home folder", f"a {SSH_CONFIG}")]) from None
    return Inventory(SSH_CONFIG, sources=(SourceSpec("ssh_config", match=match, files=(path,), where="--ssh-hosts"),))


def _list_problems(text: str, wanted: Hostlist) -> list[Problem]:
    if not wanted.hosts and not wanted.faults:
        return [Problem(OPTION, None, "", "no host named" if not text.strip() else quoted(text), "gpu[001-064]")]
    return [Problem(OPTION, None, quoted(fault.item), fault.found, fault.expected) for fault in wanted.faults]


def restricted(fleet: Fleet, hosts: str, where: str) -> tuple[Fleet, Sequence[Problem]]:
    """The hosts of `fleet` that a list names, in inventory order, and what is wrong with the list.

    Args:
        fleet: an inventory's hosts.
        hosts: the list.
        where: the inventory's name for people.
    """
    problems = _list_problems(hosts, parse_hostlist(hosts))
    known = [host.name for host in fleet.hosts]
    kept, missing = narrowed(fleet, hosts)
    problems.extend(
        Problem(OPTION, None, name, f"not in {where}", "", did_you_mean(name, known))
        for name in missing[:_MOST_PROBLEMS]
    )
    if len(missing) > _MOST_PROBLEMS:
        problems.append(Problem(OPTION, None, "", f"{len(missing) - _MOST_PROBLEMS} more are not in {where}"))
    return kept, problems


def narrowed(fleet: Fleet, hosts: str) -> tuple[Fleet, Sequence[str]]:
    """The hosts of `fleet` that a list names, in inventory order, and the names that are not among them."""
    specs = {spec.name: spec for spec in parse_hostlist(hosts).hosts}
    known = {host.name for host in fleet.hosts}
    kept = tuple(
        replace(host, user=specs[host.name].user or host.user, port=specs[host.name].port or host.port)
        for host in fleet.hosts
        if host.name in specs
    )
    needed = {host.controller for host in kept}
    controllers = {name: target for name, target in fleet.controllers.items() if name in needed}
    return Fleet(fleet.name, kept, controllers), [name for name in specs if name not in known]
