"""The inventory file: TOML that says which hosts make up the fleet and how each group is reached.

```toml
name = "train"                 # what the header shows; else the file's stem
ssh_config = "~/.ssh/config"   # for all groups, or in one group
[[group]]
name = "train"
hosts = ["gpu[001-064]", "user@odd-one:2222"]
user = "oncall"                # this and all below may be left out
port = 22
identity = "~/.ssh/id_ed25519"
known_hosts = "~/.ssh/known_hosts"
jump = "bastion1"
scheduler = "slurm"            # or "kubernetes"
controller = "login1"          # where scontrol or kubectl is run; "localhost" is this machine
kube_context = "prod"          # kubectl's; kubeconfig = "…" names its file there
units = ["vllm.service"]       # may be acted on; also user:, docker:, podman:, compose:, kube:, helm: (unit_names)
gpus = 8                       # how many each should have
password = true                # a password may be asked for
labels = { rack = "r1" }      # where they are; alerts that share one are told as one
[[group.service]]              # asked on the host's own loopback
name = "vllm"
health = "http://127.0.0.1:8000/health"
metrics = "http://127.0.0.1:8000/metrics"
[[group.script]]
name = "fans"
command = ["/usr/local/bin/fan-speeds"]

[[source]]                     # another inventory; takes a group's options too
kind = "slurm"                 # ssh_config, clustershell, ansible, slurm, kubectl, file_sd, command
controller = "login1"
match = ["gpu*"]
refresh_s = 60

[[label]]                      # labels of some hosts, wherever they are listed
hosts = ["gpu[001-016]"]
switch = "leaf-3"
```

A host that several of them name belongs to the first, groups before sources; the others add their groups and what they
say of its state. Paths may start with `~`; relative ones start at the inventory's folder.

All problems are told at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leptontui.config.assemble import assemble, controllers_of
from leptontui.config.group import GROUP_KEYS, Group, read_group
from leptontui.config.hostlist import MAX_HOSTS
from leptontui.config.labels import LabelRule, read_label_rule, refuse_unknown_hosts
from leptontui.config.problem import Problem, config_error, did_you_mean, quoted
from leptontui.config.reading import Table
from leptontui.config.source import SourceSpec, read_source
from leptontui.config.text import MAX_FILE_BYTES, read_text, unreadable
from leptontui.config.toml_text import top_of
from leptontui.model.target import Fleet

__all__ = ["MAX_FILE_BYTES", "Inventory", "examine", "load_inventory", "read_inventory"]

TOP_KEYS: Final = ("name", "ssh_config", "group", "source", "label")
_EXAMPLE: Final = 'hosts are listed as [[group]] with name = "train" and hosts = ["gpu[001-064]"]'


@dataclass(frozen=True, slots=True)
class Inventory:
    """A file as read.

    Attributes:
        name: what the header shows.
        groups: its groups, with their hosts.
        sources: other inventories that are to be asked.
        labels: labels of some hosts, in the file's order.
    """

    name: str
    groups: tuple[Group, ...] = ()
    sources: tuple[SourceSpec, ...] = ()
    labels: tuple[LabelRule, ...] = ()


def load_inventory(path: Path) -> Fleet:
    """The hosts that the inventory file at `path` lists itself; its sources are not asked.

    Raises:
        ConfigError: see `read_inventory`.
    """
    inventory = read_inventory(path)
    return assemble(inventory.name, inventory.groups, (), inventory.labels)


def read_inventory(path: Path) -> Inventory:
    """Read the inventory file at `path`.

    Raises:
        ConfigError: it cannot be read or something in it is wrong; carries every problem, as
            `file:line: key: what was found, what was expected`.
    """
    inventory, problems = examine(path)
    if problems:
        raise config_error(problems)
    return inventory


def examine(path: Path) -> tuple[Inventory, list[Problem]]:
    """Read the inventory file at `path`: what could be understood, and every problem, in the order of lines."""
    problems: list[Problem] = []
    try:
        top = top_of(read_text(path), str(path), problems)
    except (ValueError, OSError) as error:
        problems.append(Problem(str(path), None, "", unreadable(error, "a TOML file")))
        top = None
    inventory = Inventory(path.stem) if top is None else _inventory(top, path)
    return inventory, sorted(problems, key=lambda problem: problem.line or 0)


def _inventory(top: Table, path: Path) -> Inventory:
    inside = tuple(key for key in GROUP_KEYS if key not in TOP_KEYS)
    top.refuse_unknown(TOP_KEYS, elsewhere=inside)
    for key in (key for key in top.values if key in inside):
        top.problem(key, "at the top of the file", "it inside a [[group]]")
    name = top.text("name") or path.stem
    ssh_config = top.path("ssh_config", path.parent)
    groups = tuple(read_group(table, path.parent, ssh_config) for table in _tables(top, "group"))
    found = [read_source(table, path.parent, ssh_config) for table in _tables(top, "source")]
    if not {"group", "source"} & set(top.values):
        near = [key for key in top.values if key not in TOP_KEYS and did_you_mean(key, ["group", "source"])]
        if not near:
            top.problem("", "no hosts", "", _EXAMPLE)
    _refuse_twice(groups)
    sources = tuple(source for source in found if source is not None)
    hosts = {target.name: target for group in groups for target in group.targets}
    if (count := sum(len(group.targets) for group in groups)) > MAX_HOSTS:
        top.problem("group", f"{count:,} hosts", f"at most {MAX_HOSTS:,}")
    controllers_of([*groups, *sources], hosts, is_strict=True)
    return Inventory(name, groups, sources, _labels(top, None if found else hosts))


def _labels(top: Table, known: Mapping[str, object] | None) -> tuple[LabelRule, ...]:
    """The `[[label]]` tables; `known` are all hosts there can be, None if sources are still to be asked."""
    rules = []
    for table in _tables(top, "label"):
        rules.append(read_label_rule(table))
        if known:
            refuse_unknown_hosts(table, rules[-1], known)
    return tuple(rules)


def _tables(top: Table, key: str) -> list[Table]:
    """The tables `[[key]]` of the file."""
    tables = top.values.get(key)
    if isinstance(tables, dict):
        top.problem(key, f"[{key}]", f"[[{key}]] with two brackets")
        return []
    if tables is None:
        return []
    if not isinstance(tables, list) or not tables:
        top.problem(key, quoted(tables), f"one or more [[{key}]]")
        return []
    found: list[Table] = []
    for n, values in enumerate(tables):
        if isinstance(values, dict):
            found.append(Table(values, top.file, top.lines, key, n, f"{key} {n + 1}", top.problems))
        else:
            top.problem(key, quoted(values), f"one or more [[{key}]]")
    return found


def _refuse_twice(groups: Sequence[Group]) -> None:
    """Each host belongs to one group, and each group has its own name."""
    names: set[str] = set()
    owner: dict[str, Group] = {}
    for group in groups:
        if group.name in names:
            group.table.problem("name", f'a second group called "{group.name}"', "another name")
        names.add(group.name)
        twice: dict[str, list[str]] = {}
        for target in group.targets:
            first = owner.setdefault(target.name, group)
            if first is not group:
                twice.setdefault(first.name, []).append(target.name)
        for first_name, hosts in twice.items():
            more = f" and {len(hosts) - 1} more are" if len(hosts) > 1 else " is"
            found = f'"{hosts[0]}"{more} in groups "{first_name}" and "{group.name}"'
            group.table.problem("hosts", found, "each host in one group", item=hosts[0])
