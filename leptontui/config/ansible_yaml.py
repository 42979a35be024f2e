"""Ansible's YAML inventories, and the JSON that `ansible-inventory --list` and inventory scripts print."""

from __future__ import annotations

import json
from collections.abc import Mapping

from leptontui.config.ansible import ALL, Tree, Vars, lines_of_yaml
from leptontui.config.ansible_range import expand_pattern
from leptontui.config.found import NotUnderstood
from leptontui.config.problem import quoted
from leptontui.config.yaml_text import parse_yaml

_GROUP_KEYS = ("hosts", "children", "vars")
_MAX_DEPTH = 100


def parse_ansible_yaml(text: str) -> Tree:
    """Read a YAML inventory.

    Raises:
        NotUnderstood: it is none.
    """
    return tree_of(parse_yaml(text), dict(lines_of_yaml(text)))


def tree_of(document: object, lines: Mapping[str, int]) -> Tree:
    """The inventory in a YAML document, with the lines of its keys.

    Raises:
        NotUnderstood: it is none.
    """
    if not isinstance(document, Mapping):
        raise NotUnderstood("no groups in it", expected="a table such as all: with hosts: or children:")
    tree = Tree()
    level: list[tuple[str, object]] = [(str(name), group) for name, group in document.items()]
    for _ in range(_MAX_DEPTH):
        below: list[tuple[str, object]] = []
        for name, group in level:
            below.extend(_read_group(tree, name, group, lines))
        if not below:
            return tree
        level = below
    raise NotUnderstood(f"groups nested deeper than {_MAX_DEPTH}")


def _read_group(tree: Tree, name: str, group: object, lines: Mapping[str, int]) -> list[tuple[str, object]]:
    """Put one group into the tree; returns the groups below it."""
    known = tree.group(name)
    if group is None:
        return []
    if not isinstance(group, Mapping):
        raise NotUnderstood(f"group {quoted(name)} is {quoted(group)}", lines.get(name), "hosts:, children: or vars:")
    for key in group:
        if key not in _GROUP_KEYS:
            raise NotUnderstood(
                f"{quoted(key)} in group {quoted(name)}", lines.get(str(key)), "hosts:, children: or vars:"
            )
    known.variables.update(_variables(group.get("vars"), name, lines))
    hosts, children = _table(group, "hosts", name, lines), _table(group, "children", name, lines)
    for pattern, variables in hosts.items():
        line = lines.get(pattern)
        try:
            names, port = expand_pattern(pattern)
            own = _variables(variables, pattern, lines)
            if port is not None:
                own.setdefault("ansible_port", port)
            for host in names:
                tree.add_host(name, host, own, line)
        except NotUnderstood as problem:
            problem.line = line
            raise
    known.children.extend(children)
    return list(children.items())


def _table(group: Mapping[object, object], key: str, name: str, lines: Mapping[str, int]) -> dict[str, object]:
    """A table of hosts or groups; a plain text or list of names, which old versions allow, has no variables."""
    value = group.get(key)
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(item): inner for item, inner in value.items()}
    raise NotUnderstood(
        f"{key} of group {quoted(name)} is {quoted(value)}", lines.get(name), "a table: each name with a colon"
    )


def _variables(value: object, name: str, lines: Mapping[str, int]) -> Vars:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise NotUnderstood(f"variables of {quoted(name)} are {quoted(value)}", lines.get(name), "name: value")
    return {str(key): item for key, item in value.items()}


def parse_ansible_list(text: str) -> Tree:
    """Read what `ansible-inventory --list` or an inventory script called with `--list` prints.

    Raises:
        NotUnderstood: it is not that.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise NotUnderstood("not JSON", expected="what ansible-inventory --list prints") from None
    if not isinstance(document, Mapping):
        raise NotUnderstood("not a table of groups", expected="what ansible-inventory --list prints")
    tree = Tree()
    meta = document.get("_meta")
    known = meta.get("hostvars") if isinstance(meta, Mapping) else None
    for name, group in document.items():
        if name == "_meta":
            continue
        table = {"hosts": group} if isinstance(group, list) else group
        if not isinstance(table, Mapping):
            raise NotUnderstood(f"group {quoted(name)} is {quoted(group)}", expected="hosts, children or vars")
        own = tree.group(name)
        own.variables.update(_variables(table.get("vars"), name, {}))
        own.children.extend(_names(table.get("children"), name))
        for host in _names(table.get("hosts"), name):
            tree.add_host(name, host, {})
    for host, variables in known.items() if isinstance(known, Mapping) else ():
        if host not in tree.host_variables:
            tree.add_host(ALL, host, {})
        tree.host_variables[host].update(_variables(variables, host, {}))
    return tree


def _names(value: object, name: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise NotUnderstood(f"group {quoted(name)} holds {quoted(value)}", expected="a list of names")
    return value
