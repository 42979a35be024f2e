"""Which hosts to watch: those on the command line, those in an inventory, or this machine."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path
from typing import Final

from leptontui.config.hostlist import Hostlist, parse_hostlist
from leptontui.config.inventory import load_inventory
from leptontui.config.problem import Problem, config_error, did_you_mean, quoted
from leptontui.errors import ConfigError
from leptontui.model.target import Fleet, HostTarget

OPTION: Final = "--hosts"
LOCAL_FLEET: Final = "this machine"
_LONGEST_FLEET_NAME: Final = 40
_MOST_PROBLEMS: Final = 20


def choose_fleet(*, hosts: str | None, inventory: Path | None) -> Fleet:
    """The fleet that the command line asks for.

    Args:
        hosts: a list such as "gpu[001-064],user@odd-one:2222"; with an inventory, the part of it to watch.
        inventory: path of an inventory file.

    Returns:
        With neither, this machine alone, read without SSH.

    Raises:
        ConfigError: with every problem found.
    """
    if hosts is None:
        return _this_machine() if inventory is None else load_inventory(inventory)
    wanted = parse_hostlist(hosts)
    problems = _problems(hosts, wanted)
    if inventory is None:
        if problems:
            raise config_error(problems)
        name = hosts.strip() if len(hosts.strip()) <= _LONGEST_FLEET_NAME else f"{len(wanted.hosts)} hosts"
        return Fleet(name, tuple(HostTarget(spec.name, user=spec.user, port=spec.port) for spec in wanted.hosts))
    try:
        fleet = load_inventory(inventory)
    except ConfigError as error:
        raise ConfigError([*map(str, problems), *error.problems]) from None
    return _restrict(fleet, wanted, problems, inventory)


def _problems(text: str, wanted: Hostlist) -> list[Problem]:
    if not wanted.hosts and not wanted.faults:
        return [Problem(OPTION, None, "", "no host named" if not text.strip() else quoted(text), "gpu[001-064]")]
    return [Problem(OPTION, None, quoted(fault.item), fault.found, fault.expected) for fault in wanted.faults]


def _restrict(fleet: Fleet, wanted: Hostlist, problems: list[Problem], inventory: Path) -> Fleet:
    """The hosts of `fleet` that are wanted, in inventory order."""
    known = {host.name: host for host in fleet.hosts}
    missing = [spec.name for spec in wanted.hosts if spec.name not in known]
    problems.extend(
        Problem(OPTION, None, name, f"not in {inventory}", "", did_you_mean(name, known))
        for name in missing[:_MOST_PROBLEMS]
    )
    if len(missing) > _MOST_PROBLEMS:
        problems.append(Problem(OPTION, None, "", f"{len(missing) - _MOST_PROBLEMS} more are not in {inventory}"))
    if problems:
        raise config_error(problems)
    specs = {spec.name: spec for spec in wanted.hosts}
    hosts = tuple(
        replace(host, user=specs[host.name].user or host.user, port=specs[host.name].port or host.port)
        for host in fleet.hosts
        if host.name in specs
    )
    needed = {host.controller for host in hosts}
    controllers = {name: target for name, target in fleet.controllers.items() if name in needed}
    return Fleet(fleet.name, hosts, controllers)


def _this_machine() -> Fleet:
    name = socket.gethostname() or "localhost"
    return Fleet(LOCAL_FLEET, (HostTarget(name=name, group="local", is_local=True),))
