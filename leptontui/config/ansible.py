"""An Ansible inventory as groups, children and variables, and the hosts that come of it with how they are reached."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from leptontui.config.found import FoundHost, NotUnderstood
from leptontui.config.hostlist import MAX_HOSTS
from leptontui.config.labels import Labels, foreign_labels, joined_labels
from leptontui.config.problem import quoted

ALL: Final = "all"
UNGROUPED: Final = "ungrouped"
_MAX_DEPTH: Final = 100
_MAX_MEMBERSHIPS: Final = 1_000_000
"""Pairs of a group and one above it: bounds time and memory for an inventory made to exhaust them."""
_OVER_SSH: Final = frozenset({"", "ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh"})
_PROXY_COMMAND: Final = re.compile(r"-W\s+\[?%h\]?:%p")
_YAML_KEY: Final = re.compile(r"""\s*("[^"]*"|'[^']*'|[^\s#"'][^#]*?)\s*:(?:\s|$)""")
_PLACES: Final = ("rack", "switch")
"""Variables that are labels."""
_SELF: Final = re.compile(r"\{\{\s*inventory_hostname\s*\}\}")

Vars = dict[str, object]


@dataclass(slots=True)
class Group:
    """One group: its own hosts, the groups below it, and its variables."""

    hosts: list[str] = field(default_factory=list)
    children: list[str] = field(default_factory=list)
    variables: Vars = field(default_factory=dict)


@dataclass(slots=True)
class Tree:
    """An inventory as written.

    Attributes:
        groups: by name, in the order in which they are named first.
        host_variables: what is said of single hosts.
        lines: where each host is named first, from 1; may lack hosts.
    """

    groups: dict[str, Group] = field(default_factory=dict)
    host_variables: dict[str, Vars] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def group(self, name: str) -> Group:
        """The group called `name`, made if there is none yet."""
        return self.groups.setdefault(name, Group())

    def add_host(self, group: str, name: str, variables: Vars, line: int | None = None) -> None:
        """Put a host into a group.

        Raises:
            NotUnderstood: more hosts than a fleet may have.
        """
        self.group(group).hosts.append(name)
        known = self.host_variables.setdefault(name, {})
        known.update(variables)
        if line is not None:
            self.lines.setdefault(name, line)
        if len(self.host_variables) > MAX_HOSTS:
            raise NotUnderstood(f"more than {MAX_HOSTS:,} hosts", line, "fewer")


def hosts_of_tree(
    tree: Tree, *, file: str, folder: Path, groups: Iterable[str] = ()
) -> tuple[list[FoundHost], list[str]]:
    """The hosts that are reached over SSH, and notes on those that are not.

    A variable nearer to the host wins: its own, then the group's, then the groups' above.

    Args:
        tree: the inventory.
        file: its name for people.
        folder: what a relative path of a key is relative to.
        groups: only hosts in one of these, however deep; empty for all.

    Raises:
        NotUnderstood: groups are children of each other in a circle, or deeper than anybody writes them.
    """
    above = _above(tree)
    wanted = frozenset(groups)
    for name in wanted:
        if name not in tree.groups and name not in {ALL, UNGROUPED}:
            raise NotUnderstood(f"no group {quoted(name)} in it", expected=_some(tree.groups))
    direct: dict[str, list[str]] = {name: [] for name in tree.host_variables}
    for name, group in tree.groups.items():
        for host in group.hosts:
            direct[host].append(name)
    found: list[FoundHost] = []
    elsewhere: list[str] = []
    for host, own in direct.items():
        mine = [name for name in own if name != ALL]
        chain = sorted({ALL, *mine, *(name for group in mine for name in above[group])}, key=_depth_key(above))
        if wanted and not wanted.intersection(chain):
            continue
        variables: Vars = {}
        for name in chain:
            if name in tree.groups:
                variables |= tree.groups[name].variables
        variables |= tree.host_variables[host]
        if str(variables.get("ansible_connection", "")) not in _OVER_SSH:
            elsewhere.append(host)
            continue
        shown = [name for name in (*mine, *reversed(chain)) if name not in {ALL, UNGROUPED}]
        where = f"{file}:{tree.lines[host]}" if host in tree.lines else file
        found.append(_host(host, variables, tuple(dict.fromkeys(shown)), where, folder))
    notes = [f"{file}: {_some(elsewhere)} left out: not reached over SSH"] if elsewhere else []
    return found, notes


def _above(tree: Tree) -> dict[str, dict[str, None]]:
    """For each group all groups above it, by Kahn's algorithm: parents first, so that a circle is left over."""
    parents: dict[str, list[str]] = {name: [] for name in tree.groups}
    for name, group in tree.groups.items():
        for child in dict.fromkeys(group.children):
            parents.setdefault(child, []).append(name)
    waiting = {name: len(above) for name, above in parents.items()}
    ready = [name for name, count in waiting.items() if count == 0]
    above: dict[str, dict[str, None]] = {}
    depth: dict[str, int] = {}
    memberships = 0
    while ready:
        name = ready.pop()
        above[name] = dict.fromkeys(
            group for parent in parents[name] for group in (parent, *above[parent]) if group != ALL
        )
        depth[name] = max((depth[parent] + 1 for parent in parents[name]), default=0)
        memberships += len(above[name])
        if depth[name] > _MAX_DEPTH or memberships > _MAX_MEMBERSHIPS:
            raise NotUnderstood(f"groups nested deeper than {_MAX_DEPTH}, at {quoted(name)}")
        for child in dict.fromkeys(tree.groups[name].children) if name in tree.groups else ():
            waiting[child] -= 1
            if waiting[child] == 0:
                ready.append(child)
    if left := [name for name in parents if name not in above]:
        raise NotUnderstood(f"groups are children of each other in a circle: {_some(left)}")
    return above


def _depth_key(above: Mapping[str, Mapping[str, None]]) -> Callable[[str], tuple[int, str]]:
    """Sorts a host's groups from the farthest to the nearest; among equals by name, as Ansible does."""

    def key(name: str) -> tuple[int, str]:
        return (-1, name) if name == ALL else (len(above.get(name, ())), name)

    return key


def _host(name: str, variables: Vars, groups: tuple[str, ...], where: str, folder: Path) -> FoundHost:
    def text(*keys: str) -> str | None:
        value = next((variables[key] for key in keys if variables.get(key) not in {None, ""}), None)
        return None if value is None else _SELF.sub(name, str(value))

    port, key = (
        text("ansible_port", "ansible_ssh_port"),
        text("ansible_ssh_private_key_file", "ansible_private_key_file"),
    )
    args = " ".join(filter(None, map(text, ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"))))
    return FoundHost(
        name,
        address=text("ansible_host", "ansible_ssh_host"),
        user=text("ansible_user", "ansible_ssh_user"),
        port=None if port is None else int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else 0,  # noqa: PLR2004 — 65535
        identity=None if key is None else _path(key, folder),
        jump=jump_of(args),
        groups=groups,
        labels=_labels(variables),
        where=where,
    )


def _labels(variables: Vars) -> Labels:
    """The table `lepton_labels`, and the variables that say where a host is."""
    own = variables.get("lepton_labels")
    places = foreign_labels(variables, only=_PLACES)
    return joined_labels(foreign_labels(own), places) if isinstance(own, Mapping) else places


def _path(text: str, folder: Path) -> str:
    try:
        return str(folder / Path(text).expanduser())
    except (RuntimeError, ValueError):
        return text


def jump_of(args: str) -> str | None:
    """The jump hosts that arguments for ssh name: `-J x`, `-o ProxyJump=x`, or `ProxyCommand="ssh -W %h:%p x"`."""
    try:
        words = iter(shlex.split(args))
    except ValueError:
        return None
    for word in words:
        if word.startswith("-J"):
            return word[2:] or next(words, None)
        if not word.startswith("-o"):
            continue
        option = word[2:] or next(words, "")
        key, _, value = option.replace("=", " ", 1).strip().partition(" ")
        if key.lower() == "proxyjump":
            return value.strip().strip("\"'") or None
        if key.lower() == "proxycommand" and _PROXY_COMMAND.search(value):
            return _hop_of(value.strip().strip("\"'"))
    return None


def _hop_of(command: str) -> str | None:
    """The bastion of `ssh [-q] [-p port] [-l user] -W %h:%p [user@]bastion`; None where it has other options."""
    try:
        words = iter(shlex.split(command)[1:])
    except ValueError:
        return None
    host = user = port = None
    for word in words:
        match word:
            case "-W" | "-o" | "-F" | "-i":
                next(words, None)
            case "-p":
                port = next(words, None)
            case "-l":
                user = next(words, None)
            case _ if word.startswith("-"):
                continue
            case _:
                host = host or word
    if host is None:
        return None
    return (f"{user}@" if user else "") + host + (f":{port}" if port else "")


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    shown = ", ".join(quoted(name)[1:-1] for name in listed[:5])
    return shown + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")  # noqa: PLR2004 — as many as are shown


def lines_of_yaml(text: str) -> Iterator[tuple[str, int]]:
    """Keys that stand alone on a line of YAML, with the line: the parser's plain values carry no places."""
    for number, line in enumerate(text.splitlines(), start=1):
        if (key := _YAML_KEY.match(line)) is not None:
            yield key[1].strip("\"'"), number
